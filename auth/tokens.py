"""Access tokens: RFC 9068 `at+jwt`, issued and verified."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from auth import jws
from auth.jws import Refused
from auth.keys import LEEWAY, MAX_LIFETIME, SigningKeys, SigningSupply
from domain.access.actor import COUNTRY, Actor, Scope

MAX_TOKEN = jws.MAX_LENGTH
"""Characters."""
MAX_AREAS = 100
"""Area codes in one token: with every scope and the longest names it stays under MAX_TOKEN."""
TYPE = "at+jwt"
"""RFC 9068 §2.1."""

_TYPES: frozenset[str | None] = frozenset({TYPE, f"application/{TYPE}"})
_SCOPES = frozenset(scope.value for scope in Scope)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")
_AREA = re.compile(r"[0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{8}")


class Unauthenticated(Refused):
    """The token does not count. `reason` is one fixed word and never quotes the token."""

    error = "invalid_token"
    """For `WWW-Authenticate: Bearer error="…"` (RFC 6750 §3.1)."""


class Standing(Protocol):
    """What has become of clients and tokens since a token was signed."""

    def allows(self, client_id: str, token_id: str, issued_at: int) -> bool:
        """The client is enabled and has not expired, the token is not revoked, and the client's rights have
        not been narrowed since it was issued (Unix seconds). Answers without I/O."""
        ...


def issue(
    *,
    keys: SigningKeys | SigningSupply,
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
    except Refused as error:
        raise ValueError(f"a token cannot be issued: {error.reason}") from None
    signer = keys.active
    token = jws.signed(claims, signer.private, kind=TYPE, kid=signer.kid)
    if len(token) > MAX_TOKEN:
        raise ValueError("a token cannot be issued: too long")
    return token


class Verified(NamedTuple):
    """What a token that counts says."""

    actor: Actor
    issued_at: int
    """Unix seconds."""
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
        self._young: dict[bytes, Verified] = {}
        self._old: dict[bytes, Verified] = {}
        self._keys: dict[str, jws.VerificationKey] = {}
        self.use(keys)

    def use(self, keys: SigningKeys) -> None:
        """Verifies by these keys from now on; tokens of a key that has left are refused at once."""
        self._keys = {kid: jws.public_key(key.private.public_key()) for kid, key in keys.by_kid.items()}

    def verify(self, token: str, *, now: float) -> Actor:
        """The actor of a token, at `now` in Unix seconds. Raises Unauthenticated, and nothing else."""
        return self.examine(token, now=now).actor

    def examine(self, token: str, *, now: float) -> Verified:
        """All that a token says, for its introspection. Raises Unauthenticated, and nothing else."""
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
            if not self._standing.allows(actor.client_id, actor.token_id, held.issued_at):
                raise Unauthenticated("revoked")
            if digest not in self._young:
                self._remember(digest, held)
            return held
        except Unauthenticated:
            raise
        except Refused as error:
            raise Unauthenticated(error.reason) from None
        except Exception:
            # Whatever a hostile token breaks inside a parser: it is a token that does not count.
            raise Unauthenticated("malformed") from None

    def _remember(self, digest: bytes, held: Verified) -> None:
        if len(self._young) >= self._capacity:
            self._old, self._young = self._young, {}
        self._young[digest] = held

    def _checked(self, token: str, now: float) -> Verified:
        found = jws.parsed(token, kinds=_TYPES)
        key = None if found.kid is None else self._keys.get(found.kid)
        if key is None or found.kid is None:
            raise Unauthenticated("unknown-key")
        jws.verify(found, key)
        actor, issued_at = _judged(found.claims, issuer=self._issuer, audience=self._audience, now=now)
        return Verified(actor, issued_at, found.kid)


def _judged(claims: dict[str, Any], *, issuer: str, audience: str, now: float) -> tuple[Actor, int]:
    """The actor in claims whose types and ranges are all right, and when it was issued; raises Refused."""
    if claims.get("iss") != issuer or claims.get("aud") != audience:
        raise Unauthenticated("audience")
    issued, expires = jws.seconds(claims.get("iat")), jws.seconds(claims.get("exp"))
    if issued > now + LEEWAY or not issued < expires <= issued + MAX_LIFETIME:
        raise Unauthenticated("lifetime")
    if expires <= now:
        raise Unauthenticated("expired")
    client_id = _name(claims.get("client_id"))
    if claims.get("sub") != client_id:
        raise Unauthenticated("claims")
    actor = Actor(
        client_id=client_id,
        agency=_name(claims.get("agency")),
        scopes=_scopes(claims.get("scope")),
        areas=_areas(claims.get("areas")),
        expires_at=expires,
        token_id=_name(claims.get("jti")),
    )
    return actor, issued


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
