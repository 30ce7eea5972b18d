"""Access tokens against what is done to tokens: every claim, and every spelling."""

import base64
import json
from typing import Any

import pytest

from auth.tokens import MAX_AREAS
from tests.support.tokens import AUDIENCE, CLAIMS, ISSUER, KEYS, NOW, forged, issued, refused, verifier

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
