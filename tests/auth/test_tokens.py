"""Access tokens against what is done to tokens: every rule of the verifier, one hostile token each."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from auth.keys import KeyState, SigningKey, SigningKeys
from auth.tokens import MAX_AREAS, MAX_TOKEN, TokenVerifier, Unauthenticated, issue
from domain.access.actor import Scope

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


# The claims


@pytest.mark.parametrize("claim", sorted(CLAIMS))
def test_every_claim_is_required(claim: str) -> None:
    refused(forged(claims={name: value for name, value in CLAIMS.items() if name != claim}))


ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    2**63,
    "",
    "x" * 2000,
    [],
    {},
    [[]],
    [None],
    {"a": 1},
    "ก",
    "a\u0000b",
]


@pytest.mark.parametrize("claim", sorted(CLAIMS))
@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:12])
def test_no_claim_takes_a_value_of_another_type(claim: str, value: Any) -> None:
    if (claim, value) in [("scope", ""), ("areas", [])]:
        assert verifier().verify(forged(claims=CLAIMS | {claim: value}), now=NOW)
    else:
        refused(forged(claims=CLAIMS | {claim: value}))


@pytest.mark.parametrize(
    "written",
    [
        '"1800000900"',
        "Infinity",
        "-Infinity",
        "NaN",
        "1e400",
        "1.8000009e9",
        "1800000900.0",
        "[1800000900]",
        "true",
        "1" * 400,
    ],
)
@pytest.mark.parametrize("claim", ["exp", "iat"])
def test_a_time_is_a_plain_whole_number(claim: str, written: str) -> None:
    text = json.dumps(CLAIMS | {claim: "HERE"}).replace('"HERE"', written)
    refused(forged(claims=text.encode()))


@pytest.mark.parametrize(
    ("issued_at", "expires_at", "reason"),
    [
        (NOW + 61, NOW + 900, "lifetime"),
        (NOW, NOW + 901, "lifetime"),
        (NOW - 10, NOW - 10, "lifetime"),
        (NOW + 10, NOW + 5, "lifetime"),
        (NOW - 900, NOW, "expired"),
        (NOW - 5000, NOW + 10, "lifetime"),
        (0, 900, "claims"),
        (NOW, 2**62, "claims"),
    ],
)
def test_times_out_of_range_are_refused(issued_at: int, expires_at: int, reason: str) -> None:
    assert refused(forged(claims=CLAIMS | {"iat": issued_at, "exp": expires_at})) == reason


def test_a_minute_of_disagreeing_clocks_is_forgiven() -> None:
    assert verifier().verify(forged(claims=CLAIMS | {"iat": NOW + 60, "exp": NOW + 900}), now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": AUDIENCE, "aud": ISSUER},
        {"aud": ISSUER},
        {"iss": AUDIENCE},
        {"iss": ISSUER + "/"},
        {"iss": ISSUER.upper()},
        {"aud": [AUDIENCE]},
        {"aud": [AUDIENCE, "https://other.example"]},
        {"iss": [ISSUER]},
    ],
    ids=str,
)
def test_issuer_and_audience_are_exactly_ours(changes: dict[str, Any]) -> None:
    refused(forged(claims=CLAIMS | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": "c-2"},
        {"client_id": "c-2"},
        {"scope": "households:read everything"},
        {"scope": "households:read  persons:pii"},
        {"scope": " households:read"},
        {"scope": "households:read\tpersons:pii"},
        {"scope": "households:read households:read"},
        {"scope": "HOUSEHOLDS:READ"},
        {"scope": ["households:read"]},
        {"areas": "42"},
        {"areas": "*"},
        {"areas": {"42": 1}},
        {"areas": ["4"]},
        {"areas": ["420"]},
        {"areas": [42]},
        {"areas": ["42\n"]},
        {"areas": ["๔๒"]},
        {"areas": [""]},
        {"areas": ["42"] * (MAX_AREAS + 1)},
        {"agency": "a b"},
        {"agency": "a" * 65},
        {"jti": "t-1\n"},
    ],
    ids=lambda changes: repr(changes)[:40],
)
def test_claims_outside_their_grammar_are_refused(changes: dict[str, Any]) -> None:
    assert refused(forged(claims=CLAIMS | changes)) == "claims"


@pytest.mark.parametrize(
    "claims", [[], "x", 1, True, b"", b"null", b"{", b"{}{}", b'{"iss":1,}', b"\xff{}"], ids=repr
)
def test_claims_are_a_json_object(claims: object) -> None:
    refused(forged(claims=claims))


def test_a_repeated_name_is_refused_wherever_it_stands() -> None:
    header = json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": KEYS.active.kid})
    assert refused(forged((header[:-1] + ', "alg": "ES256"}').encode())) == "malformed"
    claims = json.dumps(CLAIMS)
    assert refused(forged(claims=(claims[:-1] + ', "areas": ["*"]}').encode())) == "malformed"
    assert refused(forged(claims=(claims[:-1] + ', "\\u0061reas": ["*"]}').encode())) == "malformed"
    assert refused(forged(claims=(claims[:-1] + ', "x": {"a": 1, "a": 1}}').encode())) == "malformed"


# The spelling


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d",
        "Bearer x",
        " ",
        "\x00",
        "ก.ข.ค",
        "\ud800.a.b",
        "a" * 5000,
        "é" * 10,
    ],
    ids=lambda token: ascii(token)[:20],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    refused(token)


def test_anything_but_a_string_is_refused() -> None:
    for thing in (None, 1, b"a.b.c", ["a"], object()):
        refused(thing)  # type: ignore[arg-type] # on purpose


def test_a_hundred_kilobytes_are_not_looked_at() -> None:
    assert refused(issued() + "A" * 100_000) == "too-long"
    assert refused(forged(claims=CLAIMS | {"x": "y" * 100_000})) == "too-long"


@pytest.mark.parametrize("depth", [100, 2_900, 100_000])
def test_nested_claims_break_nothing(depth: int) -> None:
    refused(forged(claims=b"[" * depth))
    refused(forged(claims=b'{"a":' * (depth // 5)))
    refused(forged(b"[" * min(depth, 380)))


def test_every_segment_has_one_spelling() -> None:
    token = issued()
    header, claims, signature = token.split(".")
    for changed in (
        f"{header}=.{claims}.{signature}",
        f"{header}==.{claims}.{signature}",
        f"{header}.{claims}.{signature}==",
        f"{header}.{claims}.{signature}=",
        f" {token}",
        f"{token} ",
        f"{token}\n",
        f"{header}.{claims}.\n{signature}",
        f"{header}.{claims}..{signature}",
        token.replace("-", "+").replace("_", "/") if "-" in token or "_" in token else token + "+",
    ):
        refused(changed)


def test_loose_trailing_bits_are_refused() -> None:
    # 64 bytes leave four bits of the last letter unused: sixteen spellings decode to one signature.
    token = issued()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same = [c for c in letters if letters.index(c) >> 4 == letters.index(token[-1]) >> 4 and c != token[-1]]
    assert len(same) == 15
    for letter in same:
        assert base64.urlsafe_b64decode(token[-86:-1] + letter + "==") == base64.urlsafe_b64decode(
            token[-86:] + "=="
        )
        assert refused(token[:-1] + letter) == "malformed"


# The memory


def test_a_remembered_token_is_answered_without_its_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    by, token = verifier(), issued()
    first = by.verify(token, now=NOW)
    monkeypatch.setattr("auth.jws.verify", lambda *_, **__: pytest.fail("decoded again"))
    assert by.verify(token, now=NOW + 899) is first


def test_a_remembered_token_expires() -> None:
    by, token = verifier(), issued()
    by.verify(token, now=NOW + 899.9)
    assert refused(token, now=NOW + 900, by=by) == "expired"


def test_a_remembered_token_can_be_revoked() -> None:
    standing = Register()
    by, token = verifier(standing), issued()
    by.verify(token, now=NOW)
    standing.tokens.add("t-1")
    assert refused(token, by=by) == "revoked"
    standing.tokens.clear()
    standing.clients.add("c-1")
    assert refused(token, by=by) == "revoked"
    standing.clients.clear()
    assert by.verify(token, now=NOW), "barred for as long as it is, no longer"


def test_a_token_issued_before_its_client_was_narrowed_is_refused_remembered_or_not() -> None:
    standing = Register()
    by, token = verifier(standing), issued()
    by.verify(token, now=NOW)
    standing.not_before = NOW + 1
    assert refused(token, now=NOW + 1, by=by) == "revoked"
    assert refused(token, now=NOW + 1, by=verifier(standing)) == "revoked"
    # In the same second one is issued for the next: the clocks of two machines may differ anyway.
    assert by.verify(issued(now=NOW + 1), now=NOW)


def test_a_token_can_be_asked_about() -> None:
    by = verifier()
    for _ in range(2):
        found = by.examine(issued(now=NOW - 5), now=NOW)
        assert (found.issued_at, found.kid, found.actor) == (
            NOW - 5,
            KEYS.active.kid,
            by.verify(issued(now=NOW - 5), now=NOW),
        )
    with pytest.raises(Unauthenticated):
        by.examine(issued(), now=NOW + 900)


def test_a_remembered_token_goes_with_its_key() -> None:
    by, token = verifier(), issued()
    by.verify(token, now=NOW)
    rotated = KEYS.rotate(SigningKey.generate(KeyState.NEXT), now=NOW)
    by.use(rotated)
    assert by.verify(token, now=NOW + 1), "a retiring key still counts"
    by.use(rotated.without(KEYS.active.kid))
    assert refused(token, by=by) == "unknown-key"


def test_a_sibling_may_sign_with_the_next_key_first() -> None:
    rotated = KEYS.rotate(SigningKey.generate(KeyState.NEXT), now=NOW)
    assert verifier().verify(issued(keys=rotated), now=NOW)


def test_the_standing_is_asked_every_time() -> None:
    standing = Register()
    by, token = verifier(standing), issued()
    for _ in range(3):
        by.verify(token, now=NOW)
    assert standing.asked == 3


def test_a_refused_token_is_not_remembered() -> None:
    standing = Register()
    standing.tokens.add("t-1")
    by = verifier(standing)
    refused(issued(), by=by)
    refused(forged(claims=CLAIMS | {"aud": "x"}), by=by)
    assert not by._young
    assert not by._old


def test_a_standing_that_fails_lets_nobody_in() -> None:
    class Broken(Register):
        def allows(self, client_id: str, token_id: str, issued_at: int) -> bool:
            raise RuntimeError

    refused(issued(), by=verifier(Broken()))


def test_the_memory_is_bounded_and_keeps_what_is_used() -> None:
    by, used = verifier(capacity=10), issued(token_id="used")
    for number in range(50):
        by.verify(issued(token_id=f"t-{number}"), now=NOW)
        by.verify(used, now=NOW)
        assert len(by._young) + len(by._old) <= 20
    digest = hashlib.sha256(used.encode()).digest()
    assert digest in by._young or digest in by._old


def test_no_usable_token_lies_in_the_memory() -> None:
    by, token = verifier(), issued()
    by.verify(token, now=NOW)
    assert token not in repr(vars(by))
    assert token.encode() not in by._young


# Anything at all

GOOD = issued()
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\x00ก\ud800"


@st.composite
def mutations(draw: st.DrawFn) -> str:
    text = list(GOOD)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(text) - 1, 0)))
        kind = draw(st.sampled_from(["replace", "insert", "delete", "swap", "cut", "repeat"]))
        letter = draw(st.sampled_from(ALPHABET))
        if kind == "replace" and text:
            text[place] = letter
        elif kind == "insert":
            text.insert(place, letter)
        elif kind == "delete" and text:
            del text[place]
        elif kind == "swap" and len(text) > 1:
            text[place], text[place - 1] = text[place - 1], text[place]
        elif kind == "cut":
            del text[place:]
        elif kind == "repeat":
            text[place:place] = text[place : place + 20]
    return "".join(text)


@given(mutations())
@settings(max_examples=600, deadline=None)
def test_a_changed_token_never_verifies(token: str) -> None:
    if token != GOOD:
        refused(token)


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: f"{b64(raw)}.{b64(raw)}.{'A' * 86}"))
@settings(max_examples=200, deadline=None)
def test_noise_is_refused(token: str) -> None:
    refused(token)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(claim=st.sampled_from(sorted(CLAIMS)), value=JSON)
@settings(max_examples=300, deadline=None)
def test_a_signed_claim_of_any_value_is_judged_and_breaks_nothing(claim: str, value: Any) -> None:
    token = forged(claims=CLAIMS | {claim: value})
    try:
        actor = verifier().verify(token, now=NOW)
    except Unauthenticated:
        return
    assert actor.expires_at <= NOW + 900 + 60
    assert type(actor.expires_at) is int
    assert actor.scopes <= {scope.value for scope in Scope}


@given(name=st.sampled_from(["alg", "typ", "kid", "crit", "jku"]) | st.text(max_size=5), value=JSON)
@settings(max_examples=300, deadline=None)
def test_a_signed_header_of_any_value_is_judged_and_breaks_nothing(name: str, value: Any) -> None:
    header = {"alg": "ES256", "typ": "at+jwt", "kid": KEYS.active.kid}
    refused(forged(header | {name: value if value != header.get(name) else None}))
