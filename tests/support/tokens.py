"""A forge of access tokens, good and hostile, and the verifier that they are shown to."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from auth.keys import SigningKey, SigningKeys
from auth.tokens import TokenVerifier, Unauthenticated, issue

ISSUER, AUDIENCE, NOW = "https://kaejon.example", "https://api.kaejon.example", 1_800_000_000
KEYS = SigningKeys.generate()
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "c-1",
    "client_id": "c-1",
    "agency": "PROV_MOPH-42",
    "scope": "households:read persons:pii",
    "areas": ["42"],
    "iat": NOW,
    "exp": NOW + 900,
    "jti": "t-1",
}


class Register:
    """A standing that is set by hand and counts how often it is asked."""

    def __init__(self) -> None:
        self.clients: set[str] = set()
        self.tokens: set[str] = set()
        self.not_before = 0
        self.asked = 0

    def allows(self, client_id: str, token_id: str, issued_at: int) -> bool:
        self.asked += 1
        return client_id not in self.clients and token_id not in self.tokens and issued_at >= self.not_before


def verifier(standing: Register | None = None, **options: Any) -> TokenVerifier:
    given: dict[str, Any] = {"keys": KEYS, "issuer": ISSUER, "audience": AUDIENCE} | options
    return TokenVerifier(standing=standing or Register(), **given)


def issued(**changes: Any) -> str:
    given: dict[str, Any] = {
        "keys": KEYS,
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "client_id": "c-1",
        "agency": "PROV_MOPH-42",
        "scopes": ["persons:pii", "households:read"],
        "areas": ["42"],
        "token_id": "t-1",
        "now": NOW,
    }
    return issue(**(given | changes))


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def es256(signed: bytes, key: SigningKey) -> bytes:
    r, s = decode_dss_signature(key.private.sign(signed, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def forged(
    header: Any = None,
    claims: Any = None,
    *,
    key: SigningKey = KEYS.active,
    sign: Callable[[bytes, SigningKey], bytes] = es256,
) -> str:
    """A token with a good signature over whatever header and claims; bytes go in as they are."""
    usual = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid}
    parts = [usual if header is None else header, CLAIMS if claims is None else claims]
    raw = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in parts]
    signed = ".".join(b64(part) for part in raw)
    return f"{signed}.{b64(sign(signed.encode(), key))}"


def refused(token: str, *, now: float = NOW, by: TokenVerifier | None = None) -> str:
    with pytest.raises(Unauthenticated) as caught:
        (by or verifier()).verify(token, now=now)
    assert caught.value.error == "invalid_token"
    return caught.value.reason
