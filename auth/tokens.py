"""Access tokens: RFC 9068 `at+jwt`, issued and verified. The only importer of python-jose.

The library checks the signature; everything it lets pass is refused here first: other header parameters,
any `typ`, foreign keys, loose base64, repeated names, claims of the wrong type (RFC 8725).
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from jose import jwk, jwt
from jose.backends.base import Key

from auth.keys import ALGORITHM, LEEWAY, MAX_LIFETIME, SigningKeys
from domain.access.actor import COUNTRY, Actor, Scope

MAX_TOKEN = 4096
"""Characters."""
MAX_AREAS = 100
"""Area codes in one token: with every scope and the longest names it stays under MAX_TOKEN."""
TYPE = "at+jwt"
"""RFC 9068 §2.1."""

_SHAPE = re.compile(r"([A-Za-z0-9_-]{2,512})\.([A-Za-z0-9_-]{2,4000})\.([A-Za-z0-9_-]{86})", re.ASCII)
_TYPES = frozenset({TYPE, f"application/{TYPE}"})
_HEADER = frozenset({"alg", "typ", "kid"})
_SCOPES = frozenset(scope.value for scope in Scope)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")
_AREA = re.compile(r"[0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{8}")
# `exp` is required and judged here: the library would compare it with the wall clock, not with `now`.
_OPTIONS = {f"require_{claim}": True for claim in ("iss", "aud", "sub", "iat", "jti")} | {"verify_exp": False}


class Unauthenticated(Exception):
    """The token does not count. `reason` is one fixed word for the log and never quotes the token."""

    error = "invalid_token"
    """For `WWW-Authenticate: Bearer error="…"` (RFC 6750 §3.1)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Standing(Protocol):
    """What has become of clients and tokens since a token was signed."""

    def allows(self, client_id: str, token_id: str) -> bool:
        """The client is enabled and has not expired, the token is not revoked. Answers without I/O."""
        ...


def issue(
    *,
    keys: SigningKeys,
    issuer: str,
    audience: str,
    client_id: str,
    agency: str,
    scopes: Iterable[str],
    areas: Sequence[str],
    token_id: str,
    now: int,
    lifetime: int = MAX_LIFETIME,
) -> str:
    """A signed access token (RFC 9068 §2.2), valid from `now` for `lifetime` seconds.

    `scopes` are written in the order of the `Scope` enum. Raises ValueError for what `TokenVerifier` would
    refuse: a lifetime over 900 s, too many areas, a token over 4 KB.
    """
    given = set(scopes)
    if not given <= _SCOPES:
        raise ValueError("a token cannot be issued: unknown scope")
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": client_id,
        "client_id": client_id,
        "agency": agency,
        "scope": " ".join(scope.value for scope in Scope if scope in given),
        "areas": list(areas),
        "iat": now,
        "exp": now + lifetime,
        "jti": token_id,
    }
    try:
        _judged(claims, issuer=issuer, audience=audience, now=now)
    except Unauthenticated as error:
        raise ValueError(f"a token cannot be issued: {error.reason}") from None
    signer = keys.active
    key = jwk.construct(signer.private, ALGORITHM)
    token: str = jwt.encode(claims, key, algorithm=ALGORITHM, headers={"typ": TYPE, "kid": signer.kid})
    if len(token) > MAX_TOKEN:
        raise ValueError("a token cannot be issued: too long")
    return token


class _Held(NamedTuple):
    actor: Actor
    kid: str


class TokenVerifier:
    """Turns a token into its actor, and remembers those that it has verified.

    A remembered token costs a hash and a few lookups instead of a signature check; its expiry, its key and
    its standing are asked every time. Two generations bound the memory at `2 × capacity` and keep what is
    in use, without a lock: of two threads the later write wins, and both are right.
    """

    def __init__(
        self, *, keys: SigningKeys, issuer: str, audience: str, standing: Standing, capacity: int = 10_000
    ) -> None:
        self._issuer, self._audience, self._standing, self._capacity = issuer, audience, standing, capacity
        self._young: dict[bytes, _Held] = {}
        self._old: dict[bytes, _Held] = {}
        self._keys: dict[str, Key] = {}
        self.use(keys)

    def use(self, keys: SigningKeys) -> None:
        """Verifies by these keys from now on; tokens of a key that has left are refused at once."""
        self._keys = {
            kid: jwk.construct(key.private.public_key(), ALGORITHM) for kid, key in keys.by_kid.items()
        }

    def verify(self, token: str, *, now: float) -> Actor:
        """The actor of a token, at `now` in Unix seconds. Raises Unauthenticated, and nothing else."""
        try:
            if len(token) > MAX_TOKEN:
                raise Unauthenticated("too-long")
            # A digest is the key of the memory, so that no usable token lies about in it.
            digest = hashlib.sha256(token.encode("ascii")).digest()
            held = self._young.get(digest) or self._old.get(digest)
            if held is None:
                held = self._checked(token, now)
            actor = held.actor
            if actor.expires_at <= now:
                raise Unauthenticated("expired")
            if held.kid not in self._keys:
                raise Unauthenticated("unknown-key")
            if not self._standing.allows(actor.client_id, actor.token_id):
                raise Unauthenticated("revoked")
            if digest not in self._young:
                self._remember(digest, held)
            return actor
        except Unauthenticated:
            raise
        except Exception:
            # Whatever a hostile token breaks inside a parser: it is a token that does not count.
            raise Unauthenticated("malformed") from None

    def _remember(self, digest: bytes, held: _Held) -> None:
        if len(self._young) >= self._capacity:
            self._old, self._young = self._young, {}
        self._young[digest] = held

    def _checked(self, token: str, now: float) -> _Held:
        shape = _SHAPE.fullmatch(token)
        if shape is None:
            raise Unauthenticated("malformed")
        header_part, claims_part, signature_part = (_canonical(part) for part in shape.groups())
        kid = _kid(_object(header_part))
        key = self._keys.get(kid)
        if key is None:
            raise Unauthenticated("unknown-key")
        if len(signature_part) != 64:
            raise Unauthenticated("malformed")
        try:
            jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                # A copy: the library writes into it.
                options=dict(_OPTIONS),
            )
        except Exception:
            raise Unauthenticated("refused") from None
        claims = _object(claims_part)
        return _Held(_judged(claims, issuer=self._issuer, audience=self._audience, now=now), kid)


def _canonical(segment: str) -> bytes:
    """The bytes of a segment in its one canonical spelling (RFC 4648 §3.5): no padding, no loose bits."""
    raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != segment.encode():
        raise Unauthenticated("malformed")
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8 without repeated names, at any depth (RFC 8725 §2.4), NaN or Infinity."""
    value = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
    if not isinstance(value, dict):
        raise Unauthenticated("malformed")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Unauthenticated("malformed")
    return members


def _refuse(_: str) -> Any:
    raise Unauthenticated("malformed")


def _kid(header: dict[str, Any]) -> str:
    if not header.keys() <= _HEADER:
        raise Unauthenticated("header")
    if header.get("alg") != ALGORITHM:
        raise Unauthenticated("algorithm")
    kind, kid = header.get("typ"), header.get("kid")
    # A media type compares without case (RFC 9068 §4, RFC 7515 §4.1.9).
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise Unauthenticated("type")
    if not isinstance(kid, str):
        raise Unauthenticated("unknown-key")
    return kid


def _judged(claims: dict[str, Any], *, issuer: str, audience: str, now: float) -> Actor:
    """The actor in claims whose types and ranges are all right; raises Unauthenticated."""
    if claims.get("iss") != issuer or claims.get("aud") != audience:
        raise Unauthenticated("audience")
    issued, expires = _seconds(claims.get("iat")), _seconds(claims.get("exp"))
    if issued > now + LEEWAY or not issued < expires <= issued + MAX_LIFETIME:
        raise Unauthenticated("lifetime")
    if expires <= now:
        raise Unauthenticated("expired")
    client_id = _name(claims.get("client_id"))
    if claims.get("sub") != client_id:
        raise Unauthenticated("claims")
    return Actor(
        client_id=client_id,
        agency=_name(claims.get("agency")),
        scopes=_scopes(claims.get("scope")),
        areas=_areas(claims.get("areas")),
        expires_at=expires,
        token_id=_name(claims.get("jti")),
    )


def _seconds(value: object) -> int:
    # A bool is an int to Python, and 1e3 a number to JSON: neither is a NumericDate that we write.
    if type(value) is not int or not 0 < value < 2**40:
        raise Unauthenticated("claims")
    return value


def _name(value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise Unauthenticated("claims")
    return value


def _scopes(value: object) -> frozenset[str]:
    if not isinstance(value, str):
        raise Unauthenticated("claims")
    named = value.split(" ") if value else []
    if len(set(named)) != len(named) or not _SCOPES.issuperset(named):
        raise Unauthenticated("claims")
    return frozenset(named)


def _areas(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_AREAS:
        raise Unauthenticated("claims")
    if value == [COUNTRY]:
        return (COUNTRY,)
    if not all(isinstance(code, str) and _AREA.fullmatch(code) for code in value):
        raise Unauthenticated("claims")
    return tuple(value)
