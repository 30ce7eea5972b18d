"""Client assertions against what is done to them: every rule, one hostile assertion each."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from auth.assertions import MAX_AHEAD, Proof, presented, proven
from auth.jws import Refused
from auth.keys import KeyState, SigningKey
from domain.access.public_keys import KeySet

ISSUER, NOW = "https://kaejon.example", 1_800_000_000
KEY, OTHER = SigningKey.generate(KeyState.ACTIVE), SigningKey.generate(KeyState.ACTIVE)
KEYS = [key.model_dump() for key in KeySet.model_validate({"keys": [KEY.public_jwk()]}).keys]
BOTH = [
    key.model_dump() for key in KeySet.model_validate({"keys": [KEY.public_jwk(), OTHER.public_jwk()]}).keys
]
CLAIMS: dict[str, Any] = {
    "iss": "c-1", "sub": "c-1", "aud": ISSUER, "iat": NOW, "exp": NOW + 60, "jti": "j-1",
}  # fmt: skip
HEADER = {"alg": "ES256", "typ": "JWT", "kid": KEY.kid}


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def es256(signed: bytes, key: SigningKey) -> bytes:
    r, s = decode_dss_signature(key.private.sign(signed, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def made(header: Any = None, claims: Any = None, *, key: SigningKey = KEY) -> str:
    """An assertion with a good signature over whatever header and claims; bytes go in as they are."""
    parts = [HEADER if header is None else header, CLAIMS if claims is None else claims]
    raw = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in parts]
    signed = ".".join(b64(one) for one in raw)
    return f"{signed}.{b64(es256(signed.encode(), key))}"


def judged(text: str, *, keys: Any = None, now: float = NOW) -> Proof:
    return proven(presented(text), KEYS if keys is None else keys, issuer=ISSUER, now=now)


def refused(text: str, **more: Any) -> str:
    with pytest.raises(Refused) as caught:
        judged(text, **more)
    return caught.value.reason


def without(claim: str) -> dict[str, Any]:
    return {name: value for name, value in CLAIMS.items() if name != claim}


def test_a_good_assertion_proves_its_client() -> None:
    found = presented(made())
    assert found.client_id == "c-1"
    assert judged(made()) == Proof("j-1", NOW + 60)
    assert made() not in repr(found)


@pytest.mark.parametrize(
    "kind", ["JWT", "jwt", "client-authentication+jwt", "Client-Authentication+JWT", "application/jwt", None]
)
def test_a_type_that_fits_or_none_is_accepted(kind: str | None) -> None:
    header = {"alg": "ES256", "kid": KEY.kid} | ({} if kind is None else {"typ": kind})
    assert judged(made(header))


@pytest.mark.parametrize("kind", ["at+jwt", "secevent+jwt", "JWT ", "", None, 1, ["JWT"], {}, True])
def test_another_type_is_refused(kind: object) -> None:
    assert refused(made(HEADER | {"typ": kind})) == "type"


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "HS256", "RS256", "ES384", "EdDSA", "es256", "", None, 1, ["ES256"]]
)
def test_there_is_one_algorithm(algorithm: object) -> None:
    assert refused(made(HEADER | {"alg": algorithm})) == "algorithm"
    unsigned = ".".join(b64(json.dumps(one).encode()) for one in (HEADER | {"alg": algorithm}, CLAIMS))
    for signature in ("", ".", "." + "A" * 86):
        refused(unsigned + signature)


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_a_public_key_is_no_hmac_secret(form: str) -> None:
    encoding = serialization.Encoding.PEM if form == "PEM" else serialization.Encoding.DER
    secret = KEY.private.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    parts = ".".join(b64(json.dumps(one).encode()) for one in (HEADER | {"alg": "HS256"}, CLAIMS))
    signature = hmac.digest(secret, parts.encode(), hashlib.sha256)
    refused(f"{parts}.{b64(signature)}")
    refused(f"{parts}.{b64(signature + bytes(32))}")


@pytest.mark.parametrize(
    "more",
    [
        {"crit": ["exp"]}, {"crit": []}, {"jku": "https://evil.example/jwks"}, {"jwk": OTHER.public_jwk()},
        {"x5u": "https://evil.example"}, {"x5c": ["MII"]}, {"x5t": "a"}, {"b64": False}, {"zip": "DEF"}, {"": 1},
        {"cty": "JWT"},
    ],
    ids=lambda more: next(iter(more)),
)  # fmt: skip
def test_a_header_holds_nothing_else(more: dict[str, Any]) -> None:
    assert refused(made(HEADER | more)) == "header"
    assert refused(made(HEADER | more, key=OTHER)) == "header"


@pytest.mark.parametrize(
    "kid",
    [
        OTHER.kid, "unknown", "", "../../../dev/null", "/dev/null", "keys/0", "' OR 1=1 --", KEY.kid + "\x00",
        KEY.kid.swapcase(), "https://evil.example/key", "ก", 0, None, ["a"], {}, True,
    ],
    ids=[f"kid-{number}" for number in range(16)],
)  # fmt: skip
def test_a_key_id_that_is_not_the_clients_finds_no_key(kid: object) -> None:
    assert refused(made(HEADER | {"kid": kid}), keys=KEYS) == "unknown-key"


def test_without_a_key_id_the_only_key_counts_and_keys_are_never_tried_in_turn() -> None:
    bare = {"alg": "ES256", "typ": "JWT"}
    assert judged(made(bare))
    assert refused(made(bare), keys=BOTH) == "unknown-key"


def test_another_key_is_refused_even_under_the_clients_key_id() -> None:
    assert refused(made(key=OTHER)) == "refused"
    assert refused(made(HEADER | {"kid": OTHER.kid}), keys=BOTH) == "refused", "a key signs for its own id"
    assert judged(made(HEADER | {"kid": OTHER.kid}, key=OTHER), keys=BOTH)


def test_a_client_without_keys_is_refused_like_an_unknown_one() -> None:
    assert refused(made(), keys=[]) == "unknown-key"


@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "exp", "jti"])
def test_every_claim_is_required(claim: str) -> None:
    refused(made(claims=without(claim)))
    assert judged(made(claims=without("iat"))), "iat may be left out"


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        (claim, value)
        for claim in ("iss", "sub", "jti")
        for value in ("", "c-2", None, 1, True, ["c-1"], {"c-1": 1}, "c-1 ", "ก", "c\x001", "x" * 300)
        if not (claim == "jti" and value == "c-2")
    ],
    ids=repr,
)
def test_no_name_takes_a_value_of_another_type(claim: str, value: object) -> None:
    refused(made(claims=CLAIMS | {claim: value}))


@pytest.mark.parametrize(
    "audience",
    [
        [ISSUER], [ISSUER, "https://other.example"], f"{ISSUER}/oauth/token", f"{ISSUER}/", ISSUER.upper(),
        ISSUER.replace("https", "http"), "", None, 1, {}, True, f" {ISSUER}", "https://other.example",
    ],
    ids=repr,
)  # fmt: skip
def test_the_audience_is_exactly_our_issuer(audience: object) -> None:
    assert refused(made(claims=CLAIMS | {"aud": audience})) == "audience"


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "written",
    [
        f'"{NOW + 60}"', f"{NOW + 60}.0", f"{NOW + 60}.5", "1.8e9", "1e999", "Infinity", "-Infinity", "NaN", "true",
        "false", "null", f"[{NOW + 60}]", "[]", "{}", "-1", "0", str(2**63), str(10**400), '"Infinity"', '""',
    ],
)  # fmt: skip
def test_a_time_is_a_plain_whole_number(claim: str, written: str) -> None:
    rest = json.dumps(without(claim))
    refused(made(claims=f'{rest[:-1]}, "{claim}": {written}}}'.encode()))


def test_an_assertion_is_short_lived() -> None:
    assert judged(made(claims=CLAIMS | {"exp": NOW + MAX_AHEAD}))
    assert refused(made(claims=CLAIMS | {"exp": NOW + MAX_AHEAD + 1})) == "lifetime"
    assert refused(made(claims=CLAIMS | {"exp": NOW})) == "expired"
    assert refused(made(), now=NOW + 60) == "expired"
    for claim in ("iat", "nbf"):
        assert judged(made(claims=CLAIMS | {claim: NOW + 30}))
        assert refused(made(claims=CLAIMS | {claim: NOW + 61, "exp": NOW + 100})) == "lifetime"


@pytest.mark.parametrize("jti", ["a" * 129, "", " ", "a b", "a\n", "ก", "\x7f"], ids=ascii)
def test_an_identifier_is_short_and_visible(jti: str) -> None:
    assert refused(made(claims=CLAIMS | {"jti": jti})) == "claims"
    assert judged(made(claims=CLAIMS | {"jti": "a" * 128}))


def test_a_repeated_name_is_refused_wherever_it_stands() -> None:
    header, claims = json.dumps(HEADER), json.dumps(CLAIMS)
    assert refused(made(f'{header[:-1]}, "alg": "ES256"}}'.encode())) == "malformed"
    assert refused(made(claims=f'{claims[:-1]}, "sub": "c-1"}}'.encode())) == "malformed"
    assert refused(made(claims=f'{claims[:-1]}, "x": {{"a": 1, "a": 1}}}}'.encode())) == "malformed"


@pytest.mark.parametrize("depth", [100, 2_900, 100_000])
def test_nesting_breaks_nothing(depth: int) -> None:
    refused(made(claims=b"[" * depth))
    refused(made(claims=b'{"a":' * depth))
    refused(made(b"[" * depth))


def test_a_hundred_kilobytes_are_not_looked_at() -> None:
    assert refused(made(claims=CLAIMS | {"x": "y" * 100_000})) == "too-long"
    assert refused("A" * 100_000) == "too-long"


def test_every_segment_has_one_spelling() -> None:
    text = made()
    header, claims, signature = text.split(".")
    for changed in (
        f"{header}=.{claims}.{signature}", f"{header}.{claims}==.{signature}", f"{header}.{claims}.{signature}==",
        f" {text}", f"{text}\n", f"{header}.{claims}", f"{header}.{claims}.{signature}.", f"{header}..{signature}",
        f"{header}.{claims}.{signature[:-1]}", text.replace(".", ","), f"{header}.{claims}.{signature}é",
    ):  # fmt: skip
        assert refused(changed) == "malformed"
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same = [one for one in letters if letters.index(one) >> 4 == letters.index(text[-1]) >> 4]
    assert [one for one in same if not _counts(text[:-1] + one)] == [one for one in same if one != text[-1]]


def _counts(text: str) -> bool:
    try:
        return bool(judged(text))
    except Refused:
        return False


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(claim=st.sampled_from([*CLAIMS, "nbf"]), value=JSON)
@settings(max_examples=200, deadline=None)
def test_a_signed_claim_of_any_value_is_judged_and_breaks_nothing(claim: str, value: Any) -> None:
    try:
        proof = judged(made(claims=CLAIMS | {claim: value}))
    except Refused:
        return
    assert NOW < proof.expires_at <= NOW + MAX_AHEAD
    assert type(proof.expires_at) is int


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: f"{b64(raw)}.{b64(raw)}.{'A' * 86}"))
@settings(max_examples=200, deadline=None)
def test_noise_is_refused(text: str) -> None:
    refused(text)
