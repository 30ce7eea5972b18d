"""The token endpoint and its documents to the letter of their RFCs."""

import base64
import secrets
import time
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from domain.access.actor import Scope
from tests.support.api import ISSUER, Api
from tests.support.oauth import (
    AGENCY,
    FORM,
    HELD,
    NO_STORE,
    basic,
    created,
    form,
    me,
    part,
    patched,
    refused,
    token_of,
)


@pytest_asyncio.fixture(scope="module")
async def client(api: Api) -> dict[str, Any]:
    return await created(api)


# Tokens


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_client_gets_a_token_either_way(api: Api, client: dict[str, Any], method: str) -> None:
    own = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    if method == "client_secret_basic":
        answer = await form(api, "/oauth/token", basic(*own.values()))
    else:
        answer = await form(api, "/oauth/token", **own)
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in NO_STORE} == NO_STORE
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert set(found) == {"access_token", "token_type", "expires_in", "scope"}
    assert (found["token_type"], found["expires_in"]) == ("Bearer", 900)
    assert found["scope"].split() == HELD


async def test_a_token_says_what_contract_and_rfc_9068_ask_for(api: Api, client: dict[str, Any]) -> None:
    token = await token_of(api, client)
    keys = (await api.get(None, "/.well-known/jwks.json")).json()["keys"]
    header, claims = part(token, 0), part(token, 1)
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    assert header["kid"] in [key["kid"] for key in keys]
    assert set(claims) == {"iss", "aud", "sub", "client_id", "agency", "scope", "areas", "iat", "exp", "jti"}
    assert (claims["iss"], claims["sub"], claims["agency"]) == (ISSUER, client["client_id"], AGENCY)
    assert claims["areas"] == ["4201"]
    assert claims["exp"] - claims["iat"] == 900
    assert abs(claims["iat"] - time.time()) < 60


async def test_two_tokens_are_never_the_same(api: Api, client: dict[str, Any]) -> None:
    one, other = await token_of(api, client), await token_of(api, client)
    assert part(one, 1)["jti"] != part(other, 1)["jti"]


async def test_a_token_over_http_works_on_me_access(api: Api, client: dict[str, Any]) -> None:
    token = await token_of(api, client)
    found = (await me(api, token)).json()
    assert found == {
        "client_id": client["client_id"],
        "agency": AGENCY,
        "scopes": HELD,
        "areas": ["4201"],
        "masked_fields": ["citizen_id", "last_name", "birth_date", "phone"],
        "expires_at": datetime.fromtimestamp(part(token, 1)["exp"], UTC).isoformat().replace("+00:00", "Z"),
        "rate_limit": found["rate_limit"],
    }


async def test_a_client_with_personal_data_sees_no_masked_fields(api: Api) -> None:
    client = await created(api, scopes=["persons:pii"])
    assert (await me(api, await token_of(api, client))).json()["masked_fields"] == []


async def test_a_scope_narrows(api: Api, client: dict[str, Any]) -> None:
    answer = await form(
        api,
        "/oauth/token",
        basic(client["client_id"], client["client_secret"]),
        scope="assistance:read",
    )
    assert answer.json()["scope"] == "assistance:read"
    token = answer.json()["access_token"]
    assert (await me(api, token)).json()["scopes"] == ["assistance:read"]
    denied = await api.get(None, "/v1/households", headers={"Authorization": f"Bearer {token}"})
    assert (denied.status_code, denied.json()["code"]) == (403, "insufficient-scope")
    assert "households:read" in denied.headers["www-authenticate"]


@pytest.mark.parametrize("scope", ["clients:admin", "nonsense", "households:read  assistance:read", 'a"b'])
async def test_a_scope_that_cannot_be_given_is_invalid_scope(
    api: Api, client: dict[str, Any], scope: str
) -> None:
    own = basic(client["client_id"], client["client_secret"])
    refused(await form(api, "/oauth/token", own, scope=scope), "invalid_scope")


async def test_a_client_without_scopes_still_reads_reference_data(api: Api) -> None:
    token = await token_of(api, await created(api, scopes=[], areas=[]))
    headers = {"Authorization": f"Bearer {token}"}
    assert (await api.get(None, "/v1/dimensions", headers=headers)).status_code == 200
    assert (await api.get(None, "/v1/households", headers=headers)).status_code == 403


# Errors of RFC 6749


async def test_a_wrong_secret_and_an_unknown_client_answer_alike(api: Api, client: dict[str, Any]) -> None:
    wrong = await form(api, "/oauth/token", basic(client["client_id"], "wrong"))
    unknown = await form(api, "/oauth/token", basic("nobody", "wrong"))
    refused(wrong, "invalid_client")
    refused(unknown, "invalid_client")
    assert wrong.json() == unknown.json()
    refused(
        await form(api, "/oauth/token", client_id=client["client_id"], client_secret="x"), "invalid_client"
    )


@pytest.mark.parametrize(
    "authorization",
    ["Basic !!!", "Basic " + base64.b64encode(b"no-colon").decode(), "Bearer abc", "Basic", "Basic Og=="],
)
async def test_a_malformed_authorization_is_invalid_client(api: Api, authorization: str) -> None:
    refused(await form(api, "/oauth/token", {"Authorization": authorization}), "invalid_client")


async def test_no_authentication_is_invalid_client(api: Api, client: dict[str, Any]) -> None:
    refused(await form(api, "/oauth/token"), "invalid_client")
    refused(await form(api, "/oauth/token", client_id=client["client_id"]), "invalid_client")


async def test_two_methods_at_once_are_an_invalid_request(api: Api, client: dict[str, Any]) -> None:
    own = basic(client["client_id"], client["client_secret"])
    refused(await form(api, "/oauth/token", own, client_secret=client["client_secret"]), "invalid_request")
    refused(await form(api, "/oauth/token", own, client_id="another"), "invalid_request")
    assert (await form(api, "/oauth/token", own, client_id=client["client_id"])).status_code == 200


@pytest.mark.parametrize(
    ("content", "kind", "error"),
    [
        ("", FORM, "invalid_request"),
        ("grant_type=", FORM, "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", FORM, "invalid_request"),
        ("grant_type=client_credentials&scope=%ff", FORM, "invalid_request"),
        ("grant_type=client_credentials&scope=%zz", FORM, "invalid_request"),
        ('{"grant_type": "client_credentials"}', "application/json", "invalid_request"),
        ("grant_type=client_credentials", "text/plain", "invalid_request"),
        ("grant_type=client_credentials", FORM + "; charset=tis-620", "invalid_request"),
        ("grant_type=password&username=a&password=b", FORM, "unsupported_grant_type"),
        ("grant_type=authorization_code&code=x", FORM, "unsupported_grant_type"),
        (
            "&".join(["grant_type=client_credentials", *(f"p{n}=1" for n in range(30))]),
            FORM,
            "invalid_request",
        ),
    ],
)
async def test_a_request_that_is_wrong_gets_its_error(
    api: Api, client: dict[str, Any], content: str, kind: str, error: str
) -> None:
    headers = {"Content-Type": kind, **basic(client["client_id"], client["client_secret"])}
    refused(await api.http.post("/oauth/token", content=content, headers=headers), error)


async def test_unknown_parameters_are_ignored_as_the_rfc_says(api: Api, client: dict[str, Any]) -> None:
    await token_of(api, client, audience="elsewhere", resource="https://x.example")


async def test_nothing_that_was_sent_comes_back_in_an_error(api: Api) -> None:
    secret = "kjs_" + secrets.token_urlsafe(32)
    for answer in (
        await form(api, "/oauth/token", basic("somebody-private", secret)),
        await form(api, "/oauth/token", scope="9100000000014", client_id="somebody-private"),
    ):
        for sent in (secret, "somebody-private", "9100000000014"):
            assert sent not in answer.text


async def test_the_endpoint_knows_post_only_and_a_bounded_body(api: Api) -> None:
    got = await api.http.get("/oauth/token")
    assert (got.status_code, got.headers["allow"], got.json()["code"]) == (405, "POST", "method-not-allowed")
    large = await api.http.post("/oauth/token", content=b"a=" + b"b" * 20_000, headers={"Content-Type": FORM})
    assert large.status_code == 413


async def test_a_bearer_fault_is_named_in_the_challenge(api: Api, client: dict[str, Any]) -> None:
    own = basic(client["client_id"], client["client_secret"])
    for headers in ({}, {"Authorization": "Bearer nonsense"}, own):
        answer = await api.get(None, "/v1/me/access", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
        assert answer.json()["code"] == "unauthenticated"


# Revocation


async def test_a_revoked_token_stops_at_once_and_others_go_on(api: Api, client: dict[str, Any]) -> None:
    one, other = await token_of(api, client), await token_of(api, client)
    own = basic(client["client_id"], client["client_secret"])
    answer = await form(api, "/oauth/revoke", own, token=one, token_type_hint="access_token")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert (await me(api, one)).status_code == 401
    assert (await me(api, other)).status_code == 200
    assert (await form(api, "/oauth/revoke", own, token=one)).status_code == 200, "again is no error"


async def test_a_client_revokes_no_token_of_another(api: Api, client: dict[str, Any]) -> None:
    token, stranger = await token_of(api, client), await created(api)
    answer = await form(
        api, "/oauth/revoke", basic(stranger["client_id"], stranger["client_secret"]), token=token
    )
    assert answer.status_code == 200, "RFC 7009 §2.2: it learns nothing about the token"
    assert (await me(api, token)).status_code == 200


async def test_revocation_needs_the_client_and_a_token(api: Api, client: dict[str, Any]) -> None:
    token = await token_of(api, client)
    refused(await form(api, "/oauth/revoke", token=token), "invalid_client")
    refused(
        await form(api, "/oauth/revoke", basic(client["client_id"], "wrong"), token=token), "invalid_client"
    )
    own = basic(client["client_id"], client["client_secret"])
    refused(await form(api, "/oauth/revoke", own), "invalid_request")
    for nothing in ("nonsense", "a.b.c", token[:-4] + "AAAA"):
        assert (await form(api, "/oauth/revoke", own, token=nothing)).status_code == 200
    assert (await me(api, token)).status_code == 200


async def test_what_authenticates_never_stands_in_the_url(api: Api, client: dict[str, Any]) -> None:
    own = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    query = "&".join(f"{name}={value}" for name, value in own.items())
    for path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect"):
        refused(await form(api, f"{path}?{query}", **own), "invalid_request")


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect"])
async def test_every_endpoint_answers_a_faulty_request_alike(
    api: Api, client: dict[str, Any], path: str
) -> None:
    got = await api.http.get(path)
    assert (got.status_code, got.headers["allow"], got.headers["cache-control"]) == (405, "POST", "no-store")
    own = basic(client["client_id"], client["client_secret"])
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x"):
        answer = await api.http.post(path, content="token=x", headers={"Content-Type": kind, **own})
        refused(answer, "invalid_request")
    refused(await form(api, path, basic(client["client_id"], "wrong"), token="x"), "invalid_client")
    refused(await form(api, path, {"Authorization": "Bearer x"}, token="x"), "invalid_client")


# Introspection


async def introspected(api: Api, client: dict[str, Any], token: str, **more: str) -> httpx2.Response:
    own = basic(client["client_id"], client["client_secret"])
    return await form(api, "/oauth/introspect", own, token=token, **more)


async def test_a_client_asks_about_its_own_token(api: Api, client: dict[str, Any]) -> None:
    token = await token_of(api, client, scope="assistance:read")
    answer = await introspected(api, client, token, token_type_hint="access_token")
    claims = part(token, 1)
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in NO_STORE} == NO_STORE
    assert answer.json() == {
        "active": True,
        "token_type": "Bearer",
        **{name: claims[name] for name in ("scope", "client_id", "sub", "aud", "iss", "iat", "exp", "jti")},
        "agency": AGENCY,
        "areas": ["4201"],
    }


async def test_any_other_token_is_inactive_and_nothing_more(api: Api, client: dict[str, Any]) -> None:
    stranger = await created(api)
    token, foreign = await token_of(api, client), await token_of(api, stranger)
    revoked = await token_of(api, client)
    await form(api, "/oauth/revoke", basic(client["client_id"], client["client_secret"]), token=revoked)
    expired = api.token("center", client_id=client["client_id"], now=int(time.time()) - 3600)
    header, claims, _ = token.split(".")
    for other in (
        foreign, revoked, expired, "nonsense", "a.b.c", token + "=", f"{header}.{claims}.", token[:-4] + "AAAA",
        "x" * 4000, "\u0e01", "{}",
    ):  # fmt: skip
        answer = await introspected(api, client, other)
        assert (answer.status_code, answer.json()) == (200, {"active": False}), other[:20]
        assert answer.headers["cache-control"] == "no-store"
    assert (await introspected(api, client, token)).json()["active"] is True


async def test_introspection_needs_the_client_and_a_token(api: Api, client: dict[str, Any]) -> None:
    token = await token_of(api, client)
    refused(await form(api, "/oauth/introspect", token=token), "invalid_client")
    refused(
        await form(api, "/oauth/introspect", {"Authorization": f"Bearer {token}"}, token=token),
        "invalid_client",
    )
    own = basic(client["client_id"], client["client_secret"])
    refused(await form(api, "/oauth/introspect", own), "invalid_request")
    refused(await form(api, "/oauth/introspect", own, token=""), "invalid_request")


async def test_a_client_that_is_out_asks_nothing(api: Api) -> None:
    client = await created(api)
    token = await token_of(api, client)
    assert (await patched(api, client, 1, enabled=False)).status_code == 200
    refused(await introspected(api, client, token), "invalid_client")


# Documents


async def test_the_metadata_names_what_is_there(api: Api) -> None:
    answer = await api.get(None, "/.well-known/oauth-authorization-server")
    found = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert found["issuer"] == ISSUER, "RFC 8414 §3.3: identical to the claim"
    assert found["scopes_supported"] == [scope.value for scope in Scope]
    assert found["grant_types_supported"] == ["client_credentials"]
    assert "response_types_supported" in found, "RFC 8414 §2: required"
    endpoints = ("token", "revocation", "introspection")
    for name in (*(f"{one}_endpoint" for one in endpoints), "jwks_uri", "service_documentation"):
        assert found[name].startswith(f"{ISSUER}/")
        probe = await api.http.request("OPTIONS" if "endpoint" in name else "GET", found[name])
        assert probe.status_code in (200, 405), name
    for name in endpoints:
        assert found[f"{name}_endpoint_auth_methods_supported"] == [
            "client_secret_basic", "client_secret_post", "private_key_jwt",
        ]  # fmt: skip
        assert found[f"{name}_endpoint_auth_signing_alg_values_supported"] == ["ES256"]


async def test_a_token_verifies_by_the_published_keys(api: Api, client: dict[str, Any]) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    answer = await api.get(None, "/.well-known/jwks.json")
    assert answer.headers["content-type"] == "application/jwk-set+json"
    keys = {key["kid"]: key for key in answer.json()["keys"]}
    for key in keys.values():
        assert set(key) == {"kty", "crv", "x", "y", "alg", "use", "kid"}, "no private member"
    token = await token_of(api, client)
    key = keys[part(token, 0)["kid"]]

    def number(text: str) -> int:
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

    public = ec.EllipticCurvePublicNumbers(number(key["x"]), number(key["y"]), ec.SECP256R1()).public_key()
    signed, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
