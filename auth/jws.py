"""Compact JWS with ES256 (RFC 7515), strictly read: what access tokens and client assertions share.

The only importer of python-jose. The library checks the signature; everything it lets pass is refused here
first: other header parameters, any `typ`, loose base64, repeated names, numbers that are none (RFC 8725).
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwk, jws
from jose.backends.base import Key

from auth.keys import ALGORITHM

VerificationKey: TypeAlias = Key
MAX_LENGTH = 4096
"""Characters."""

_SHAPE = re.compile(r"([A-Za-z0-9_-]{2,512})\.([A-Za-z0-9_-]{2,4000})\.([A-Za-z0-9_-]{86})", re.ASCII)
_HEADER = frozenset({"alg", "typ", "kid"})
_ABSENT = object()


class Refused(Exception):
    """It does not count. `reason` is one fixed word for the log and never quotes what was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Parsed(NamedTuple):
    """A well-formed JWS; its claims are anybody's until `verify` has passed."""

    text: str
    kid: str | None
    """Of the header; None: it names no key."""
    claims: dict[str, Any]


def signed(
    claims: Mapping[str, Any], private: ec.EllipticCurvePrivateKey, *, kind: str, kid: str | None = None
) -> str:
    """The claims under a signature; `kind` is the header's `typ`."""
    headers = {"typ": kind} | ({} if kid is None else {"kid": kid})
    key = jwk.construct(private, ALGORITHM)
    text: str = jws.sign(dict(claims), key, headers=headers, algorithm=ALGORITHM)
    return text


def public_key(public: "ec.EllipticCurvePublicKey | Mapping[str, str]") -> VerificationKey:
    """What `verify` takes, of a key or of the public members of a JWK. Raises for anything but P-256."""
    return jwk.construct(dict(public) if isinstance(public, Mapping) else public, ALGORITHM)


def parsed(text: str, *, kinds: frozenset[str | None]) -> Parsed:
    """Reads a JWS whose `typ` is one of `kinds`, in lower case (None: it may be left out). Raises Refused alone."""
    try:
        if len(text) > MAX_LENGTH:
            raise Refused("too-long")
        shape = _SHAPE.fullmatch(text)
        if shape is None:
            raise Refused("malformed")
        header, claims, _ = (_canonical(part) for part in shape.groups())
        return Parsed(text, _kid(_object(header), kinds), _object(claims))
    except Refused:
        raise
    except Exception:
        # Whatever a hostile text breaks inside a parser: nesting, numbers without end, halves of characters.
        raise Refused("malformed") from None


def verify(found: Parsed, key: VerificationKey) -> None:
    """Checks the signature. Raises Refused alone."""
    try:
        # The header is read again by the library, and `parsed` has seen that it says ES256.
        jws.verify(found.text, key, [ALGORITHM])
    except Exception:
        raise Refused("refused") from None


def seconds(value: object) -> int:
    """A NumericDate as we take it: a whole number. Raises Refused."""
    # A bool is an int to Python, and 1e3 a number to JSON: neither is a time that anybody means.
    if type(value) is not int or not 0 < value < 2**40:
        raise Refused("claims")
    return value


def _canonical(segment: str) -> bytes:
    """The bytes of a segment in its one canonical spelling (RFC 4648 §3.5): no padding, no loose bits."""
    raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != segment.encode():
        raise Refused("malformed")
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8 without repeated names, at any depth (RFC 8725 §2.4), NaN or Infinity."""
    value = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
    if not isinstance(value, dict):
        raise Refused("malformed")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Refused("malformed")
    return members


def _refuse(_: str) -> Any:
    raise Refused("malformed")


def _kid(header: dict[str, Any], kinds: frozenset[str | None]) -> str | None:
    if not header.keys() <= _HEADER:
        raise Refused("header")
    if header.get("alg") != ALGORITHM:
        raise Refused("algorithm")
    # A media type compares without case (RFC 9068 §4, RFC 7515 §4.1.9); null is no media type.
    kind = header.get("typ", _ABSENT)
    named = kind.lower() if isinstance(kind, str) else None if kind is _ABSENT else ""
    if named not in kinds:
        raise Refused("type")
    kid = header.get("kid")
    if "kid" in header and not isinstance(kid, str):
        raise Refused("unknown-key")
    return kid
