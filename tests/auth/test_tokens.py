"""Access tokens against what is done to tokens: what is issued, the signature and its key, the header."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from auth.keys import KeyState, SigningKey
from auth.tokens import MAX_AREAS, MAX_TOKEN
from domain.access.actor import Scope
from tests.support.tokens import CLAIMS, KEYS, NOW, forged, issued, refused, verifier


def test_what_is_issued_verifies() -> None:
    actor = verifier().verify(issued(), now=NOW + 1)
    assert (actor.client_id, actor.agency, actor.areas) == ("c-1", "PROV_MOPH-42", ("42",))
    assert actor.scopes == {"households:read", "persons:pii"}
    assert (actor.expires_at, actor.token_id) == (NOW + 900, "t-1")
    assert actor.can(Scope.PERSONS_PII)
    assert actor.purpose is None


def test_a_token_is_an_rfc_9068_access_token() -> None:
    header, claims, _ = (base64.urlsafe_b64decode(part + "==") for part in issued().split("."))
    assert json.loads(header) == {"alg": "ES256", "typ": "at+jwt", "kid": KEYS.active.kid}
    assert json.loads(claims) == CLAIMS


def test_the_forge_of_these_tests_makes_good_tokens() -> None:
    assert verifier().verify(forged(), now=NOW) == verifier().verify(issued(), now=NOW)


def test_the_largest_token_that_can_be_issued_is_accepted() -> None:
    long = issued(
        scopes=list(Scope),
        areas=[f"4201{n:04}" for n in range(MAX_AREAS)],
        client_id="c" * 64,
        agency="a" * 64,
    )
    assert len(long) <= MAX_TOKEN
    assert len(verifier().verify(long, now=NOW).scopes) == len(Scope)


def test_a_token_may_grant_nothing() -> None:
    actor = verifier().verify(issued(scopes=[], areas=[]), now=NOW)
    assert (actor.scopes, actor.areas) == (frozenset(), ())


def test_the_country_stands_alone() -> None:
    assert verifier().verify(issued(areas=["*"]), now=NOW).covers("420101")
    assert refused(forged(claims=CLAIMS | {"areas": ["*", "42"]})) == "claims"


@pytest.mark.parametrize(
    "changes",
    [
        {"lifetime": 901},
        {"lifetime": 0},
        {"scopes": ["everything"]},
        {"areas": ["42"] * (MAX_AREAS + 1)},
        {"areas": ["4"]},
        {"client_id": ""},
        {"token_id": "a b"},
        {"issuer": "https://" + "i" * 4000},
    ],
    ids=str,
)
def test_what_would_be_refused_is_not_issued(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot be issued"):
        issued(**changes)


# The signature and its key


def test_no_algorithm_is_no_token() -> None:
    for name in ("none", "None", "NONE", "nOnE", ""):
        header = {"alg": name, "typ": "at+jwt", "kid": KEYS.active.kid}
        refused(forged(header, sign=lambda *_: b""))
        refused(forged(header))
        assert refused(forged(header, sign=lambda *_: bytes(64))) == "algorithm"


@pytest.mark.parametrize("form", ["pem", "pem-stripped", "der", "raw", "jwk"])
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_our_public_key_is_no_hmac_secret(form: str, algorithm: str) -> None:
    public = KEYS.active.private.public_key()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    secret = {
        "pem": public.public_bytes(serialization.Encoding.PEM, spki),
        "pem-stripped": public.public_bytes(serialization.Encoding.PEM, spki).strip(),
        "der": public.public_bytes(serialization.Encoding.DER, spki),
        "raw": public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint),
        "jwk": json.dumps(KEYS.active.public_jwk()).encode(),
    }[form]
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
    header = {"alg": algorithm, "typ": "at+jwt", "kid": KEYS.active.kid}
    token = forged(header, sign=lambda signed, _: hmac.digest(secret, signed, digest))
    refused(token)
    # Of the right length as well, so that the shape is not what refuses it.
    assert (
        refused(forged(header, sign=lambda signed, _: (hmac.digest(secret, signed, digest) * 2)[:64]))
        == "algorithm"
    )


@pytest.mark.parametrize(
    "algorithm", ["ES384", "RS256", "PS256", "EdDSA", "es256", "ES256 ", None, 1, ["ES256"], {}]
)
def test_a_key_has_one_algorithm(algorithm: object) -> None:
    assert refused(forged({"alg": algorithm, "typ": "at+jwt", "kid": KEYS.active.kid})) == "algorithm"


def test_another_signer_is_refused_even_under_our_key_id() -> None:
    stranger = SigningKey.generate(KeyState.ACTIVE)
    assert refused(forged(key=stranger)) == "unknown-key"
    header = {"alg": "ES256", "typ": "at+jwt", "kid": KEYS.active.kid}
    assert refused(forged(header, key=stranger)) == "refused"


def test_a_key_signs_for_its_own_id_only() -> None:
    header = {"alg": "ES256", "typ": "at+jwt", "kid": KEYS.keys[1].kid}
    assert refused(forged(header)) == "refused"


@pytest.mark.parametrize(
    "kid",
    [
        "unknown",
        "",
        "../../../../dev/null",
        "/etc/passwd",
        "file:///dev/null",
        "' OR '1'='1",
        "\x00",
        KEYS.active.kid + "\n",
        KEYS.active.kid.swapcase(),
        None,
        0,
        True,
        [KEYS.active.kid],
        {"kid": KEYS.active.kid},
    ],
    # The key is a new one in every process: no name may hold its id.
    ids=lambda kid: type(kid).__name__ if KEYS.active.kid.lower() in repr(kid).lower() else repr(kid),
)
def test_a_key_id_that_is_not_ours_finds_no_key(kid: object) -> None:
    assert refused(forged({"alg": "ES256", "typ": "at+jwt", "kid": kid})) == "unknown-key"


def test_a_header_without_a_key_id_finds_no_key() -> None:
    assert refused(forged({"alg": "ES256", "typ": "at+jwt"})) == "unknown-key"


@pytest.mark.parametrize(
    "signature", [bytes(64), b"\xff" * 64, bytes(63) + b"\x01", b"\x00" * 31 + b"\x01" + bytes(32)]
)
def test_signatures_of_nothing_are_refused(signature: bytes) -> None:
    assert refused(forged(sign=lambda *_: signature)) == "refused"


def test_a_der_signature_is_refused() -> None:
    sign = lambda signed, key: key.private.sign(signed, ec.ECDSA(hashes.SHA256()))  # noqa: E731 - one use
    assert refused(forged(sign=sign)) == "malformed"


# The header


@pytest.mark.parametrize(
    "more",
    [
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": False},
        {"jku": "https://evil.example/jwks.json"},
        {"jwk": SigningKey.generate(KeyState.ACTIVE).public_jwk()},
        {"x5u": "https://evil.example/c.pem"},
        {"x5c": ["AAAA"]},
        {"x5t": "AAAA"},
        {"cty": "JWT"},
        {"zip": "DEF"},
        {"enc": "A128GCM"},
        {"nonce": "1"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_a_header_holds_nothing_else(more: dict[str, Any]) -> None:
    assert refused(forged({"alg": "ES256", "typ": "at+jwt", "kid": KEYS.active.kid} | more)) == "header"


@pytest.mark.parametrize(
    "kind", ["JWT", "jwt", "at-jwt", "at+jwt ", "x/at+jwt", "secevent+jwt", "", None, 1, ["at+jwt"]]
)
def test_another_type_is_refused(kind: object) -> None:
    assert refused(forged({"alg": "ES256", "typ": kind, "kid": KEYS.active.kid})) == "type"


def test_a_missing_type_is_refused() -> None:
    assert refused(forged({"alg": "ES256", "kid": KEYS.active.kid})) == "type"


@pytest.mark.parametrize("kind", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT"])
def test_the_type_compares_as_a_media_type(kind: str) -> None:
    assert verifier().verify(forged({"alg": "ES256", "typ": kind, "kid": KEYS.active.kid}), now=NOW)


@pytest.mark.parametrize(
    "header", [[], "at+jwt", 1, None, True, b"", b"{", b"\xff", b"\xef\xbb\xbf{}", b"{}{}"], ids=repr
)
def test_a_header_is_a_json_object(header: object) -> None:
    token = forged(header if header is not None else b"null")
    assert refused(token) in {"malformed", "algorithm"}
