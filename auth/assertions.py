"""Client assertions: `private_key_jwt` (RFC 7523 §2.2 and §3), judged strictly. Pure: no I/O.

Decision: `aud` is our issuer and nothing else, one string. An assertion made out for a token endpoint's URL, or
for several audiences, could have been meant for somebody who passes it on (RFC 7523 as RFC 10070 has
tightened it).
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from auth import jws
from auth.jws import Refused
from auth.keys import LEEWAY

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_AHEAD = 300
"""Seconds that `exp` may lie ahead: for so long a `jti` has to be remembered."""

_KINDS: frozenset[str | None] = frozenset(
    {
        None, "jwt", "application/jwt", "client-authentication+jwt", "application/client-authentication+jwt",
    }
)  # fmt: skip
_ID = re.compile(r"[\x21-\x7e]{1,256}")
_JTI = re.compile(r"[\x21-\x7e]{1,128}")
# Checked against where there is no key, so that an unknown client takes as long as a known one.
_DECOY = jws.public_key(ec.derive_private_key(1, ec.SECP256R1()).public_key())


@dataclass(frozen=True, slots=True)
class PresentedAssertion:
    """Who somebody says to be, and the proof. Nothing of it is checked yet."""

    client_id: str
    parsed: jws.Parsed = field(repr=False)


class Proof(NamedTuple):
    """An assertion that is good, if its `jti` is new."""

    jti: str
    expires_at: int
    """Unix seconds."""


def presented(text: str) -> PresentedAssertion:
    """The client that an assertion names, with its claims still unproven. Raises Refused."""
    found = jws.parsed(text, kinds=_KINDS)
    client_id = found.claims.get("sub")
    if not isinstance(client_id, str) or not _ID.fullmatch(client_id):
        raise Refused("claims")
    return PresentedAssertion(client_id, found)


def proven(
    assertion: PresentedAssertion, keys: Sequence[Mapping[str, str]], *, issuer: str, now: float
) -> Proof:
    """Checks an assertion against its client's public keys (JWKs with a `kid`). Raises Refused.

    One that names no key is checked with the client's only one: keys are never tried in turn.
    """
    found = assertion.parsed
    key = _key(keys, found.kid)
    if key is None:
        with suppress(Refused):
            jws.verify(found, _DECOY)
        raise Refused("unknown-key")
    jws.verify(found, jws.public_key(key))
    return _judged(assertion, issuer=issuer, now=now)


def _key(keys: Sequence[Mapping[str, str]], kid: str | None) -> Mapping[str, str] | None:
    if kid is None and len(keys) > 1:
        return None
    chosen = next((key for key in keys if kid in (None, key["kid"])), None)
    return None if chosen is None else {name: chosen[name] for name in ("kty", "crv", "x", "y")}


def _judged(assertion: PresentedAssertion, *, issuer: str, now: float) -> Proof:
    claims = assertion.parsed.claims
    if claims.get("iss") != assertion.client_id or claims.get("sub") != assertion.client_id:
        raise Refused("claims")
    if claims.get("aud") != issuer:
        raise Refused("audience")
    expires = jws.seconds(claims.get("exp"))
    if expires <= now:
        raise Refused("expired")
    if expires > now + MAX_AHEAD:
        raise Refused("lifetime")
    for name in ("iat", "nbf"):
        if name in claims and not jws.seconds(claims[name]) <= min(now + LEEWAY, expires):
            raise Refused("lifetime")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not _JTI.fullmatch(jti):
        raise Refused("claims")
    return Proof(jti, expires)
