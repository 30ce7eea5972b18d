"""Access tokens against anything at all: mutations, noise, and signed nonsense."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from auth.tokens import Unauthenticated
from domain.access.actor import Scope
from tests.support.tokens import CLAIMS, KEYS, NOW, b64, forged, issued, refused, verifier

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
