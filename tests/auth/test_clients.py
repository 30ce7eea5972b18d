"""Client authentication at the token endpoint, and what a token request may ask for."""

import base64
import contextlib
from collections.abc import Callable
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.clients import (
    MAX_FORM,
    MAX_PARAMETERS,
    SECRET_PREFIX,
    ClientSecrets,
    OAuthError,
    PresentedClient,
    generate_secret,
    hash_secret,
    narrowed,
    parse_form,
    presented_client,
    require_grant,
    secret_matches,
)
from domain.access.actor import Scope

FORM = "application/x-www-form-urlencoded"
PEPPER = b"p" * 32


def error_of(call: Callable[[], object]) -> str:
    with pytest.raises(OAuthError) as caught:
        call()
    assert caught.value.status == (401 if caught.value.error == "invalid_client" else 400)
    # RFC 6749 §5.2: the description is visible ASCII without quote and backslash.
    assert all(" " <= c <= "~" and c not in '"\\' for c in caught.value.description)
    assert caught.value.as_dict() == {
        "error": caught.value.error,
        "error_description": caught.value.description,
    }
    return caught.value.error


def basic(text: str | bytes, scheme: str = "Basic") -> str:
    raw = text if isinstance(text, bytes) else text.encode()
    return f"{scheme} {base64.b64encode(raw).decode()}"


# Secrets


def test_a_secret_has_256_bits_and_a_prefix() -> None:
    asked: list[int] = []

    def entropy(size: int) -> bytes:
        asked.append(size)
        return bytes(range(size))

    secret = generate_secret(entropy)
    assert asked == [32]
    assert secret == SECRET_PREFIX + base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")
    assert quote_plus(secret) == secret, "it reads the same with and without form encoding"


def test_a_minted_secret_comes_with_its_hash_and_shows_neither() -> None:
    minted = ClientSecrets(PEPPER, lambda size: b"e" * size).mint()
    assert minted.hash == hash_secret(minted.text, PEPPER)
    assert len(minted.hash) == 32
    for shown in (repr(minted), repr(ClientSecrets(PEPPER, lambda size: b"e" * size))):
        assert minted.text not in shown
        assert "ppp" not in shown


def test_a_hash_depends_on_secret_and_pepper() -> None:
    assert len({hash_secret("a", PEPPER), hash_secret("b", PEPPER), hash_secret("a", b"q" * 32)}) == 3


def test_the_current_and_the_previous_secret_match() -> None:
    current, previous = hash_secret("new", PEPPER), hash_secret("old", PEPPER)
    assert secret_matches("new", PEPPER, current, previous)
    assert secret_matches("old", PEPPER, current, previous)
    assert secret_matches("new", PEPPER, current)
    assert not secret_matches("old", PEPPER, current)
    assert not secret_matches("other", PEPPER, current, previous)


def test_an_unknown_client_matches_nothing_and_costs_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bool] = []
    monkeypatch.setattr("auth.clients.hmac.compare_digest", lambda a, b: compared.append(True) or True)
    assert not secret_matches("x", PEPPER, None)
    assert len(compared) == 2
    # Even where the comparison says yes: there is nothing to be equal to.
    assert not secret_matches("x", PEPPER, None, None)


# The form


def test_a_form_is_decoded() -> None:
    body = b"grant_type=client_credentials&scope=households%3Aread+persons:pii&x=%E0%B8%81&eq=a=b"
    assert parse_form(body, FORM) == {
        "grant_type": "client_credentials",
        "scope": "households:read persons:pii",
        "x": "ก",
        "eq": "a=b",
    }


@pytest.mark.parametrize(
    "media_type", [FORM, FORM.upper(), f"{FORM}; charset=UTF-8", f" {FORM} ;charset=utf-8 "]
)
def test_the_media_type_of_a_form_is_recognised(media_type: str) -> None:
    assert parse_form(b"a=b", media_type) == {"a": "b"}


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "",
        "application/json",
        "multipart/form-data; boundary=x",
        f"{FORM}; charset=latin-1",
        f"{FORM}x",
        "text/plain",
    ],
)
def test_another_media_type_is_refused(media_type: str | None) -> None:
    assert error_of(lambda: parse_form(b"a=b", media_type)) == "invalid_request"


def test_a_parameter_without_a_value_is_absent() -> None:
    assert parse_form(b"scope=&a&b=1&&", FORM) == {"b": "1"}
    assert parse_form(b"", FORM) == {}


@pytest.mark.parametrize("body", [b"a=1&a=2", b"a=1&a=1", b"a=&a=1", b"a=1&%61=2", b"scope=x&scope="])
def test_a_repeated_parameter_is_refused(body: bytes) -> None:
    assert error_of(lambda: parse_form(body, FORM)) == "invalid_request"


@pytest.mark.parametrize(
    "body",
    [
        b"a=%",
        b"a=%1",
        b"a=%zz",
        b"a=%ff",
        b"a=%00",
        b"a=%0a",
        b"a=\x00",
        b"a=\xe0\xb8\x81",
        b"a=b c",
        b"%c0%af=1",
        b"a=%ed%a0%80",
        b"a=%e2%80%ae",
    ],
)
def test_a_malformed_parameter_is_refused(body: bytes) -> None:
    assert error_of(lambda: parse_form(body, FORM)) == "invalid_request"


def test_a_form_is_bounded() -> None:
    assert error_of(lambda: parse_form(b"a=" + b"x" * MAX_FORM, FORM)) == "invalid_request"
    many = b"&".join(b"p%d=1" % number for number in range(MAX_PARAMETERS + 1))
    assert error_of(lambda: parse_form(many, FORM)) == "invalid_request"


@given(st.binary(max_size=200))
def test_any_body_is_a_form_or_an_invalid_request(body: bytes) -> None:
    with contextlib.suppress(OAuthError):
        form = parse_form(body, FORM)
        assert all(value and value.isprintable() for value in form.values())


@given(st.dictionaries(st.text(min_size=1, max_size=9), st.text(min_size=1, max_size=9), max_size=5))
def test_what_is_encoded_is_read_again(form: dict[str, str]) -> None:
    if all(text.isprintable() for pair in form.items() for text in pair):
        body = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in form.items())
        assert parse_form(body.encode(), FORM) == form


# Who it is


def test_basic_is_form_encoded_inside() -> None:
    assert presented_client(basic("c-1:kjs_x"), {}) == PresentedClient("c-1", "kjs_x")
    assert presented_client(basic("a%3Ab:s%25+%2B", "bAsIc"), {}) == PresentedClient("a:b", "s% +")
    assert presented_client(basic("c-1:a:b"), {}) == PresentedClient("c-1", "a:b")
    assert presented_client(basic("c-1:s"), {"client_id": "c-1"}) == PresentedClient("c-1", "s")


@given(
    *[st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=40)] * 2
)
def test_basic_carries_any_visible_text(client_id: str, secret: str) -> None:
    header = basic(f"{quote_plus(client_id)}:{quote_plus(secret)}")
    assert presented_client(header, {}) == PresentedClient(client_id, secret)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic Yw",
        "Bearer abc",
        "Digest username=c",
        basic("no-colon"),
        basic(":secret"),
        basic("c-1:"),
        basic("c-1:%"),
        basic("c-1:%zz"),
        basic("c-1:%ff"),
        basic("c-1:%00"),
        basic("c-1:a b"),
        basic("c-1:%E0%B8%81"),
        basic("ก:ข"),
        basic(b"c-1:\xff"),
        basic("c-1:" + "s" * 257),
        basic("c" * 257 + ":s"),
        basic("c-1:" + "s" * 100_000),
        "Basic ๆๆๆๆ",
        "Basic " + basic("c-1:s"),
    ],
    ids=lambda header: ascii(header)[:30],
)
def test_malformed_basic_is_an_invalid_client(header: str) -> None:
    assert error_of(lambda: presented_client(header, {})) == "invalid_client"


def test_the_body_may_carry_the_secret() -> None:
    form = {"client_id": "c-1", "client_secret": "s"}
    assert presented_client(None, form) == PresentedClient("c-1", "s")


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"client_id": "c-1"},
        {"client_secret": "s"},
        {"client_id": "c-1", "client_secret": "s" * 257},
        {"client_id": "c-1", "client_secret": "ก"},
        {"client_assertion": "x", "client_assertion_type": "y"},
        {"client_assertion_type": "y", "client_id": "c-1"},
    ],
    ids=lambda form: "+".join(form) or "nothing",
)
def test_half_a_proof_is_an_invalid_client(form: dict[str, str]) -> None:
    assert error_of(lambda: presented_client(None, form)) == "invalid_client"


@pytest.mark.parametrize(
    ("header", "form"),
    [
        (basic("c-1:s"), {"client_secret": "s"}),
        (basic("c-1:s"), {"client_id": "c-1", "client_secret": "s"}),
        (basic("c-1:s"), {"client_id": "c-2"}),
        (basic("c-1:s"), {"client_assertion": "x"}),
        ("Basic !!!", {"client_id": "c-1", "client_secret": "s"}),
        (None, {"client_secret": "s", "client_id": "c-1", "client_assertion": "x"}),
    ],
)
def test_two_proofs_at_once_are_an_invalid_request(header: str | None, form: dict[str, str]) -> None:
    assert error_of(lambda: presented_client(header, form)) == "invalid_request"


def test_no_error_or_repr_quotes_a_secret() -> None:
    assert "kjs_x" not in repr(presented_client(basic("c-1:kjs_x"), {}))
    with pytest.raises(OAuthError) as caught:
        presented_client(basic("c-1:kjs_x%"), {})
    assert "kjs_x" not in str(caught.value)


# What it asks for


def test_there_is_one_grant() -> None:
    require_grant({"grant_type": "client_credentials"})
    assert error_of(lambda: require_grant({})) == "invalid_request"
    for grant in ("password", "authorization_code", "CLIENT_CREDENTIALS", "client_credentials "):
        assert error_of(lambda grant=grant: require_grant({"grant_type": grant})) == "unsupported_grant_type"


def test_without_a_scope_all_of_the_clients_are_given() -> None:
    assert narrowed(None, ["persons:pii", "households:read"]) == (Scope.HOUSEHOLDS_READ, Scope.PERSONS_PII)
    assert narrowed(None, []) == ()
    assert narrowed(None, ["households:read", "gone:scope"]) == (Scope.HOUSEHOLDS_READ,)


def test_a_scope_narrows() -> None:
    granted = ["households:read", "persons:pii", "problems:read"]
    assert narrowed("problems:read households:read problems:read", granted) == (
        Scope.HOUSEHOLDS_READ,
        Scope.PROBLEMS_READ,
    )


@pytest.mark.parametrize(
    "scope",
    [
        "persons:pii",
        "households:read persons:pii",
        "everything",
        "gone:scope",
        "",
        " ",
        "households:read ",
        "households:read  households:read",
        "households:read\tx",
        'a"b',
        "ก",
    ],
)
def test_a_scope_that_is_unknown_malformed_or_not_granted_is_refused(scope: str) -> None:
    assert error_of(lambda: narrowed(scope, ["households:read", "gone:scope"])) == "invalid_scope"


@given(asked=st.lists(st.sampled_from(Scope), min_size=1), granted=st.lists(st.sampled_from(Scope)))
def test_a_token_never_has_more_than_the_client(asked: list[Scope], granted: list[Scope]) -> None:
    try:
        given = narrowed(" ".join(asked), granted)
    except OAuthError:
        assert not set(asked) <= set(granted)
    else:
        assert set(given) == set(asked) <= set(granted)
