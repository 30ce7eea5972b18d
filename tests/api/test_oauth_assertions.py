"""`private_key_jwt` over HTTP: registering keys, proving oneself with them, and every assertion that does not count."""

import asyncio
import base64
import json
import time
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tests.support.api import ISSUER, Api
from tests.support.oauth import (
    ClientKey,
    asserting,
    basic,
    created,
    form,
    me,
    part,
    patched,
    refused,
    token_of,
)


@pytest.fixture(scope="module")
def key() -> ClientKey:
    return ClientKey()


@pytest_asyncio.fixture(scope="module")
async def client(api: Api, key: ClientKey) -> dict[str, Any]:
    return await created(api, jwks=key.jwks)


async def test_a_client_with_keys_shows_their_public_halves(api: Api, key: ClientKey) -> None:
    named = ClientKey("his-2026")
    bare = {name: key.jwk[name] for name in ("kty", "crv", "x", "y")}
    client = await created(api, jwks={"keys": [bare, named.jwk]})
    shown = (await api.get("admin", f"/v1/clients/{client['client_id']}")).json()
    assert shown["jwks"] == client["jwks"] == {"keys": [key.jwk, named.jwk]}, (
        "a kid is given, or the thumbprint"
    )
    listed = (await api.get("admin", "/v1/clients?limit=200")).json()["items"]
    assert [one["jwks"] for one in listed if one["client_id"] == client["client_id"]] == [client["jwks"]]


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        (lambda key: {"d": "c2VjcmV0"}, "/jwks/keys/0", "private-key"),
        (lambda key: {"d": None}, "/jwks/keys/0", "private-key"),
        (lambda key: {"kty": "RSA"}, "/jwks/keys/0/kty", "unknown-value"),
        (lambda key: {"kty": "oct", "k": "c2VjcmV0"}, "/jwks/keys/0", "private-key"),
        (lambda key: {"crv": "P-384"}, "/jwks/keys/0/crv", "unknown-value"),
        (lambda key: {"alg": "HS256"}, "/jwks/keys/0/alg", "unknown-value"),
        (lambda key: {"use": "enc"}, "/jwks/keys/0/use", "wrong-format"),
        (lambda key: {"x": key["y"]}, "/jwks/keys/0", "not-on-curve"),
        (lambda key: {"x": "A" * 43, "y": "A" * 43}, "/jwks/keys/0", "not-on-curve"),
        (lambda key: {"x": "_" * 43}, "/jwks/keys/0", "not-on-curve"),
        (lambda key: {"x": key["x"] + "="}, "/jwks/keys/0/x", "wrong-format"),
        (lambda key: {"x": 1}, "/jwks/keys/0/x", "wrong-type"),
        (lambda key: {"kid": "a b"}, "/jwks/keys/0/kid", "wrong-format"),
        (lambda key: {"kid": "a" * 129}, "/jwks/keys/0/kid", "wrong-format"),
        (lambda key: {"x5c": ["MII"]}, "/jwks/keys/0/x5c", "unknown-field"),
        (lambda key: {"jku": "https://evil.example"}, "/jwks/keys/0/jku", "unknown-field"),
    ],
)
async def test_a_key_that_is_none_is_refused_with_a_pointer(
    api: Api, key: ClientKey, change: Any, pointer: str, code: str
) -> None:
    draft = {"name": "HIS", "agency": "PROV_MOPH-42", "jwks": {"keys": [{**key.jwk, **change(key.jwk)}]}}
    answer = await api.post("admin", "/v1/clients", draft)
    assert answer.status_code == 422, answer.text
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]
    assert "c2VjcmV0" not in answer.text


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (lambda key: [], "too-few"),
        (lambda key: [key] * 6, "too-many"),
        (lambda key: [key, key], "repeated-key"),
        (lambda key: [key, {**ClientKey().jwk, "kid": key["kid"]}], "repeated-key"),
        (lambda key: "x", "wrong-type"),
        (lambda key: None, "wrong-type"),
    ],
)
async def test_a_set_that_is_none_is_refused(api: Api, key: ClientKey, keys: Any, code: str) -> None:
    draft = {"name": "HIS", "agency": "PROV_MOPH-42", "jwks": {"keys": keys(key.jwk)}}
    answer = await api.post("admin", "/v1/clients", draft)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code), answer.text


async def test_a_client_proves_itself_by_its_key_or_its_secret(
    api: Api, client: dict[str, Any], key: ClientKey
) -> None:
    answer = await form(api, "/oauth/token", **asserting(key.assertion(client["client_id"])))
    assert answer.status_code == 200, answer.text
    claims = part(answer.json()["access_token"], 1)
    assert (claims["client_id"], claims["areas"]) == (client["client_id"], ["4201"])
    assert (await me(api, answer.json()["access_token"])).status_code == 200
    assert await token_of(api, client), "the secret works beside it"
    named = asserting(
        key.assertion(client["client_id"]), client_id=client["client_id"], scope="households:read"
    )
    answer = await form(api, "/oauth/token", **named)
    assert answer.json()["scope"] == "households:read"


async def test_an_assertion_works_for_revocation_and_introspection(
    api: Api, client: dict[str, Any], key: ClientKey
) -> None:
    token = await token_of(api, client)

    def own() -> dict[str, str]:
        return asserting(key.assertion(client["client_id"]), token=token)

    assert (await form(api, "/oauth/introspect", **own())).json()["active"] is True
    assert (await form(api, "/oauth/revoke", **own())).status_code == 200
    assert (await me(api, token)).status_code == 401
    assert (await form(api, "/oauth/introspect", **own())).json() == {"active": False}


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke"])
async def test_an_assertion_counts_once_wherever_it_is_used(
    api: Api, client: dict[str, Any], key: ClientKey, path: str
) -> None:
    used = asserting(key.assertion(client["client_id"]), token="x")
    assert (await form(api, path, **used)).status_code == 200
    for again in ("/oauth/token", "/oauth/introspect", "/oauth/revoke"):
        refused(await form(api, again, **used), "invalid_client")
    fresh = key.assertion(
        client["client_id"], jti=part(used["client_assertion"], 1)["jti"], exp=int(time.time()) + 200
    )
    refused(await form(api, path, **asserting(fresh)), "invalid_client")


async def test_of_twenty_uses_at_once_one_gets_a_token(
    api: Api, client: dict[str, Any], key: ClientKey
) -> None:
    used = asserting(key.assertion(client["client_id"]))
    answers = await asyncio.gather(*(form(api, "/oauth/token", **used) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19
    for answer in answers:
        if answer.status_code == 401:
            refused(answer, "invalid_client")


async def test_two_clients_may_use_one_identifier(api: Api, client: dict[str, Any], key: ClientKey) -> None:
    other = await created(api, jwks=key.jwks)
    for one in (client, other):
        used = asserting(key.assertion(one["client_id"], jti="shared-by-chance"))
        assert (await form(api, "/oauth/token", **used)).status_code == 200
    refused(await form(api, "/oauth/token", **used), "invalid_client")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [ISSUER]}, {"aud": f"{ISSUER}/oauth/token"}, {"aud": None}, {"iss": "another"}, {"sub": "another"},
        {"iss": None}, {"exp": None}, {"exp": 1}, {"exp": "9999999999"}, {"exp": True}, {"exp": [1]}, {"exp": 2e9},
        {"exp": float("inf")}, {"exp": 9_999_999_999}, {"jti": None}, {"jti": ""}, {"jti": 7}, {"jti": "x" * 129},
        {"nbf": 9_999_999_999}, {"iat": "now"}, {"sub": 1}, {"sub": "ก"}, {"x": "y" * 5000},
    ],
    ids=str,
)  # fmt: skip
async def test_an_assertion_that_says_something_else_is_invalid_client(
    api: Api, client: dict[str, Any], key: ClientKey, changes: dict[str, Any]
) -> None:
    answer = await form(api, "/oauth/token", **asserting(key.assertion(client["client_id"], **changes)))
    refused(answer, "invalid_client")
    wrong = await form(api, "/oauth/token", basic(client["client_id"], "wrong"))
    assert answer.json() == wrong.json(), "no hint"


async def test_what_is_no_assertion_is_invalid_client(
    api: Api, client: dict[str, Any], key: ClientKey
) -> None:
    good = key.assertion(client["client_id"])
    header, claims, signature = good.split(".")

    def b64(value: Any) -> str:
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    own = {"alg": "ES256", "typ": "JWT", "kid": key.kid}
    for text in (
        "x", "a.b.c", "..", "{}", good + "=", good[:-4] + "AAAA", f"{header}.{claims}.", f"{header}.{claims}",
        f"{b64({**own, 'alg': 'none'})}.{claims}.", f"{b64({**own, 'alg': 'none'})}.{claims}.{signature}",
        f"{b64({**own, 'jwk': key.jwk})}.{claims}.{signature}", f"{b64(b'[' * 3000)}.{claims}.{signature}",
        f"{header}.{b64(b'[' * 2900)}.{signature}", "ก" * 10, await token_of(api, client),
        ClientKey().assertion(client["client_id"]), ClientKey(key.kid).assertion(client["client_id"]),
        key.assertion("nobody"), key.assertion("../../etc/passwd"), "A" * 5000,
    ):  # fmt: skip
        refused(await form(api, "/oauth/token", **asserting(text)), "invalid_client")
    large = await form(api, "/oauth/token", **asserting("A" * 100_000))
    assert large.status_code == 413
    assert (await form(api, "/oauth/token", **asserting(good))).status_code == 200, "it was good all along"


async def test_the_type_is_exact_and_the_client_matches(
    api: Api, client: dict[str, Any], key: ClientKey
) -> None:
    good, client_id = key.assertion(client["client_id"]), client["client_id"]
    for kind in ("urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "jwt-bearer", "", "x"):
        fields = {"client_assertion": good, "client_assertion_type": kind}
        refused(await form(api, "/oauth/token", **fields), "invalid_client")
    refused(await form(api, "/oauth/token", client_assertion=good), "invalid_client")
    refused(await form(api, "/oauth/token", **asserting(good, client_id="another")), "invalid_client")
    secret = client["client_secret"]
    refused(await form(api, "/oauth/token", basic(client_id, secret), **asserting(good)), "invalid_request")
    both = asserting(good, client_id=client_id, client_secret=secret)
    refused(await form(api, "/oauth/token", **both), "invalid_request")


async def test_a_client_without_keys_proves_nothing_by_one(api: Api, key: ClientKey) -> None:
    client = await created(api)
    refused(
        await form(api, "/oauth/token", **asserting(key.assertion(client["client_id"]))), "invalid_client"
    )


async def test_a_key_taken_away_ends_with_its_tokens(api: Api) -> None:
    old, new = ClientKey(), ClientKey()
    client = await created(api, jwks={"keys": [old.jwk]})
    token = (await form(api, "/oauth/token", **asserting(old.assertion(client["client_id"])))).json()[
        "access_token"
    ]
    assert (await patched(api, client, 1, jwks={"keys": [old.jwk, new.jwk]})).status_code == 200
    assert (await me(api, token)).status_code == 200, "a key more takes nothing away"
    assert (await patched(api, client, 2, jwks=new.jwks)).status_code == 200
    assert (await me(api, token)).status_code == 401
    refused(
        await form(api, "/oauth/token", **asserting(old.assertion(client["client_id"]))), "invalid_client"
    )
    assert (
        await form(api, "/oauth/token", **asserting(new.assertion(client["client_id"])))
    ).status_code == 200
    assert (await patched(api, client, 3, jwks=None)).json()["jwks"] is None
    refused(
        await form(api, "/oauth/token", **asserting(new.assertion(client["client_id"]))), "invalid_client"
    )


async def test_a_client_that_is_out_proves_nothing(api: Api, key: ClientKey) -> None:
    client = await created(api, jwks=key.jwks)
    path = f"/v1/clients/{client['client_id']}"
    assert (await api.call("admin", "DELETE", path)).status_code == 204
    refused(
        await form(api, "/oauth/token", **asserting(key.assertion(client["client_id"]))), "invalid_client"
    )
    assert (await patched(api, client, 2, enabled=True)).json()["jwks"] is None
    refused(
        await form(api, "/oauth/token", **asserting(key.assertion(client["client_id"]))), "invalid_client"
    )


async def test_neither_assertion_nor_identifier_stands_in_the_database(
    api: Api, client: dict[str, Any], key: ClientKey, module_dsn: str
) -> None:
    used = key.assertion(client["client_id"], jti="an-identifier-of-its-own")
    assert (await form(api, "/oauth/token", **asserting(used))).status_code == 200
    owner = await asyncpg.connect(module_dsn)
    try:
        rows = await owner.fetch("SELECT t::text AS line FROM client_assertion t")
    finally:
        await owner.close()
    assert rows
    assert not any("an-identifier-of-its-own" in row["line"] or used in row["line"] for row in rows)
