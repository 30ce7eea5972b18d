"""The token endpoint and its documents to the letter of their RFCs, and the life of a client over REST."""

import asyncio
import base64
import json
import re
import secrets
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import asyncpg
import httpx2
import pytest
import pytest_asyncio

from api.keyring import Keyring
from auth.clients import hash_secret
from domain.access.actor import Scope
from tests.support.api import ISSUER, Api

FORM = "application/x-www-form-urlencoded"
NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
AGENCY = "PROV_MOPH-42"
HELD = ["households:read", "assistance:read"]


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


async def form(
    api: Api, path: str, headers: dict[str, str] | None = None, /, **fields: str
) -> httpx2.Response:
    content = urlencode({"grant_type": "client_credentials", **fields} if path == "/oauth/token" else fields)
    sent = {"Content-Type": FORM, **(headers or {})}
    return await api.http.post(path, content=content, headers=sent)


async def created(api: Api, **changes: Any) -> dict[str, Any]:
    draft = {"name": "HIS", "agency": AGENCY, "scopes": HELD, "areas": ["4201"], **changes}
    answer = await api.post("admin", "/v1/clients", draft)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def token_of(api: Api, client: dict[str, Any], **fields: str) -> str:
    answer = await form(api, "/oauth/token", basic(client["client_id"], client["client_secret"]), **fields)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def me(api: Api, token: str) -> httpx2.Response:
    return await api.get(None, "/v1/me/access", headers={"Authorization": f"Bearer {token}"})


def part(token: str, place: int) -> dict[str, Any]:
    segment = token.split(".")[place]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return found


def refused(answer: httpx2.Response, error: str) -> None:
    """RFC 6749 §5.2 to the letter."""
    assert (answer.status_code, answer.json()["error"]) == (401 if error == "invalid_client" else 400, error)
    assert set(answer.json()) == {"error", "error_description"}
    # §5.2: %x20-21 / %x23-5B / %x5D-7E
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", answer.json()["error_description"])
    assert answer.headers["content-type"] == "application/json"
    assert {name: answer.headers[name] for name in NO_STORE} == NO_STORE
    challenge = answer.headers.get("www-authenticate", "")
    assert challenge.startswith("Basic realm=") == (error == "invalid_client")


@pytest_asyncio.fixture(scope="module")
async def client(api: Api) -> dict[str, Any]:
    return await created(api)


@pytest_asyncio.fixture(scope="module")
async def owner(module_dsn: str, api: Api) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(module_dsn)
    yield connection
    await connection.close()


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
    assert abs(claims["iat"] - time.time()) < 5


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


# Documents


async def test_the_metadata_names_what_is_there(api: Api) -> None:
    answer = await api.get(None, "/.well-known/oauth-authorization-server")
    found = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert found["issuer"] == ISSUER, "RFC 8414 §3.3: identical to the claim"
    assert found["scopes_supported"] == [scope.value for scope in Scope]
    assert found["grant_types_supported"] == ["client_credentials"]
    assert "response_types_supported" in found, "RFC 8414 §2: required"
    for name in ("token_endpoint", "revocation_endpoint", "jwks_uri", "service_documentation"):
        assert found[name].startswith(f"{ISSUER}/")
        probe = await api.http.request("OPTIONS" if "endpoint" in name else "GET", found[name])
        assert probe.status_code in (200, 405), name
    for name in ("token", "revocation"):
        assert set(found[f"{name}_endpoint_auth_methods_supported"]) == {
            "client_secret_basic",
            "client_secret_post",
        }


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


# Clients over REST


async def test_a_client_is_created_with_its_secret_and_read_without_it(api: Api) -> None:
    answer = await api.post(
        "admin",
        "/v1/clients",
        {"name": "โรงพยาบาลเลย", "agency": AGENCY, "scopes": HELD[::-1], "areas": ["4202", "4201"]},
    )
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["location"] == f"/v1/clients/{made['client_id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert (made["scopes"], made["areas"], made["enabled"], made["version"]) == (
        HELD,
        ["4201", "4202"],
        True,
        1,
    )
    assert re.fullmatch(r"kjs_[A-Za-z0-9_-]{43}", made["client_secret"])
    read = await api.get("admin", answer.headers["location"])
    assert read.headers["etag"] == '"1"'
    assert "client_secret" not in read.json()
    assert read.json().items() <= made.items()
    listed = await api.get("admin", "/v1/clients?limit=200")
    assert made["client_id"] in [one["client_id"] for one in listed.json()["items"]]
    assert "secret" not in listed.text


async def test_no_secret_and_no_token_stands_in_the_database(
    api: Api, owner: "asyncpg.Connection[Any]"
) -> None:
    client = await created(api)
    first = client["client_secret"]
    token = await token_of(api, client)
    rotated = (await api.post("admin", f"/v1/clients/{client['client_id']}/rotate-secret", {})).json()
    await form(api, "/oauth/revoke", basic(client["client_id"], first), token=token)
    tables = [
        row[0] for row in await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    ]
    raw = base64.urlsafe_b64decode(first.removeprefix("kjs_") + "=")
    looked_for = [
        first,
        rotated["client_secret"],
        token,
        token.split(".")[2],
        raw.hex(),
        first.encode().hex(),
    ]
    for table in tables:
        for row in await owner.fetch(f'SELECT t::text AS line FROM "{table}" t'):
            assert not any(secret in row["line"] for secret in looked_for), table
    stored = await owner.fetchrow("SELECT * FROM client WHERE id = $1", client["client_id"])
    assert stored["secret_hash"] == hash_secret(rotated["client_secret"], api.keyring.client_pepper)
    assert stored["previous_secret_hash"] == hash_secret(first, api.keyring.client_pepper)


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"agency": "NOBODY-42"}, "/agency", "unknown-agency"),
        ({"scopes": ["households:eat"]}, "/scopes/0", "unknown-value"),
        ({"areas": ["420"]}, "/areas/0", "wrong-format"),
        ({"areas": ["*", "42"]}, "/areas", "country-and-areas"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at", "past-date"),
        ({"expires_at": "2030-01-01T00:00:00"}, "/expires_at", "no-time-zone"),
        ({"client_secret": "mine"}, "/client_secret", "unknown-field"),
        ({"name": "a\u0000b"}, "/name", "control-character"),
        ({"name": ""}, "/name", None),
    ],
)
async def test_a_faulty_client_is_refused_with_a_pointer(
    api: Api, changes: dict[str, Any], pointer: str, code: str | None
) -> None:
    draft = {"name": "HIS", "agency": AGENCY, "scopes": HELD, "areas": ["4201"], **changes}
    answer = await api.post("admin", "/v1/clients", draft)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input"), answer.text
    fault = answer.json()["errors"][0]
    assert fault["pointer"] == pointer
    assert code in (None, fault["code"])


async def test_only_an_administrator_comes_here(api: Api, client: dict[str, Any]) -> None:
    path = f"/v1/clients/{client['client_id']}"
    calls = [
        ("POST", "/v1/clients", {"name": "x", "agency": AGENCY}),
        ("GET", "/v1/clients", None),
        ("GET", path, None),
        ("POST", f"{path}/rotate-secret", {}),
        ("DELETE", path, None),
    ]
    for method, where, body in calls:
        answer = await api.call("center", method, where, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope"), (method, where)
        assert (await api.call(None, method, where, body)).status_code == 401
    headers = {"If-Match": '"1"', "Content-Type": "application/merge-patch+json"}
    assert (await api.call("center", "PATCH", path, {"name": "y"}, headers=headers)).status_code == 403


async def patched(api: Api, client: dict[str, Any], version: int, /, **changes: Any) -> httpx2.Response:
    headers = {"If-Match": f'"{version}"', "Content-Type": "application/merge-patch+json"}
    return await api.call(
        "admin", "PATCH", f"/v1/clients/{client['client_id']}", json.dumps(changes), headers=headers
    )


async def test_a_patch_needs_the_version_and_changes_the_next_token(api: Api) -> None:
    client = await created(api)
    before = await token_of(api, client)
    path = f"/v1/clients/{client['client_id']}"
    bare = await api.call(
        "admin", "PATCH", path, "{}", headers={"Content-Type": "application/merge-patch+json"}
    )
    assert (bare.status_code, bare.json()["code"]) == (428, "precondition-required")
    answer = await patched(api, client, 1, scopes=["assistance:read"], areas=["42"])
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert (answer.json()["scopes"], answer.json()["areas"]) == (["assistance:read"], ["42"])
    stale = await patched(api, client, 1, name="zu spät")
    assert (stale.status_code, stale.json()["code"]) == (412, "version-mismatch")
    assert (await me(api, before)).json()["scopes"] == HELD, "a token that is out keeps its rights"
    after = (await me(api, await token_of(api, client))).json()
    assert (after["scopes"], after["areas"]) == (["assistance:read"], ["42"])
    for faulty in ({"agency": "NESDC"}, {"name": None}, {"version": 9}, {"areas": None}):
        assert (await patched(api, client, 2, **faulty)).status_code == 422, faulty


async def test_a_disabled_client_is_out_at_once_and_may_come_back(api: Api) -> None:
    client = await created(api)
    token = await token_of(api, client)
    assert (await patched(api, client, 1, enabled=False)).status_code == 200
    assert (await me(api, token)).status_code == 401
    own = basic(client["client_id"], client["client_secret"])
    refused(await form(api, "/oauth/token", own), "invalid_client")
    assert (await patched(api, client, 2, enabled=True)).status_code == 200
    assert (await me(api, token)).status_code == 200
    assert (await form(api, "/oauth/token", own)).status_code == 200


async def test_a_deleted_client_is_out_for_good_and_its_record_stays(api: Api) -> None:
    client = await created(api)
    path, token = f"/v1/clients/{client['client_id']}", await token_of(api, client)
    assert (await api.call("admin", "DELETE", path)).status_code == 204
    assert (await me(api, token)).status_code == 401
    own = basic(client["client_id"], client["client_secret"])
    refused(await form(api, "/oauth/token", own), "invalid_client")
    record = (await api.get("admin", path)).json()
    assert (record["enabled"], record["version"]) == (False, 2)
    assert (await patched(api, client, 2, enabled=True)).status_code == 200
    refused(await form(api, "/oauth/token", own), "invalid_client")
    assert (await api.call("admin", "DELETE", "/v1/clients/nobody")).status_code == 404


async def test_an_expired_client_gets_no_token_and_its_token_does_not_outlive_it(api: Api) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=2)
    client = await created(api, expires_at=ends.isoformat())
    answer = await form(api, "/oauth/token", basic(client["client_id"], client["client_secret"]))
    assert 1 <= answer.json()["expires_in"] <= 2
    token = answer.json()["access_token"]
    assert (await me(api, token)).status_code == 200
    await asyncio.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds()) + 0.1)
    assert (await me(api, token)).status_code == 401
    refused(
        await form(api, "/oauth/token", basic(client["client_id"], client["client_secret"])), "invalid_client"
    )


async def test_an_expiry_set_later_bars_tokens_already_out(api: Api) -> None:
    client = await created(api)
    token = await token_of(api, client)
    ends = datetime.now(UTC) + timedelta(seconds=1)
    assert (await patched(api, client, 1, expires_at=ends.isoformat())).status_code == 200
    assert (await me(api, token)).status_code == 200
    # The watch looks twice a second.
    await asyncio.sleep(1.8)
    assert (await me(api, token)).status_code == 401


async def test_a_rotated_secret_overlaps_as_stated(api: Api, owner: "asyncpg.Connection[Any]") -> None:
    client = await created(api)
    client_id, path = client["client_id"], f"/v1/clients/{client['client_id']}/rotate-secret"
    first = client["client_secret"]
    answer = await api.post("admin", path, {"overlap_seconds": 3600})
    second = answer.json()["client_secret"]
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    until = datetime.fromisoformat(answer.json()["previous_secret_expires_at"])
    assert abs((until - datetime.now(UTC)).total_seconds() - 3600) < 10
    assert second != first
    for secret in (first, second):
        assert (await form(api, "/oauth/token", basic(client_id, secret))).status_code == 200
    third = (await api.post("admin", path, {"overlap_seconds": 0})).json()["client_secret"]
    for gone in (first, second):
        refused(await form(api, "/oauth/token", basic(client_id, gone)), "invalid_client")
    assert (await form(api, "/oauth/token", basic(client_id, third))).status_code == 200
    # The overlap ends by the clock, too.
    fourth = (await api.post("admin", path)).json()
    default = datetime.fromisoformat(fourth["previous_secret_expires_at"]) - datetime.now(UTC)
    assert abs(default.total_seconds() - 86_400) < 10
    await owner.execute("UPDATE client SET previous_secret_until = now() WHERE id = $1", client_id)
    refused(await form(api, "/oauth/token", basic(client_id, third)), "invalid_client")
    assert (await form(api, "/oauth/token", basic(client_id, fourth["client_secret"]))).status_code == 200


@pytest.mark.parametrize("body", [{"overlap_seconds": -1}, {"overlap_seconds": 10**9}, {"overlap": 1}])
async def test_an_overlap_that_cannot_be_is_refused(
    api: Api, client: dict[str, Any], body: dict[str, Any]
) -> None:
    answer = await api.post("admin", f"/v1/clients/{client['client_id']}/rotate-secret", body)
    assert answer.status_code == 422


async def test_an_administrator_reaches_no_further_than_its_areas(api: Api) -> None:
    bound = {"scopes": (Scope.CLIENTS_ADMIN,), "areas": ["42"]}
    wide, near = await created(api, areas=["41"]), await created(api, areas=["4201"])
    for areas in (["*"], ["41"], ["4201", "41"]):
        draft = {"name": "x", "agency": AGENCY, "scopes": [], "areas": areas}
        answer = await api.post("admin", "/v1/clients", draft, **bound)
        assert (answer.status_code, answer.json()["code"]) == (403, "outside-your-areas"), areas
    made = await api.post("admin", "/v1/clients", {"name": "x", "agency": AGENCY, "areas": ["4201"]}, **bound)
    assert made.status_code == 201
    for method, tail, body in (("GET", "", None), ("POST", "/rotate-secret", {}), ("DELETE", "", None)):
        path = f"/v1/clients/{wide['client_id']}{tail}"
        assert (await api.call("admin", method, path, body, **bound)).status_code == 404, (method, tail)
    headers = {"If-Match": '"1"', "Content-Type": "application/merge-patch+json"}
    path = f"/v1/clients/{near['client_id']}"
    widened = await api.call("admin", "PATCH", path, '{"areas": ["*"]}', headers=headers, **bound)
    assert (widened.status_code, widened.json()["code"]) == (403, "outside-your-areas")
    listed = (await api.get("admin", "/v1/clients?limit=200", **bound)).json()["items"]
    assert near["client_id"] in [one["client_id"] for one in listed]
    assert all(area.startswith("42") for one in listed for area in one["areas"])
    assert (await form(api, "/oauth/token", basic(wide["client_id"], wide["client_secret"]))).is_success


async def test_clients_are_listed_page_by_page(api: Api) -> None:
    made = [(await created(api))["client_id"] for _ in range(3)]
    found: list[str] = []
    path: str | None = "/v1/clients?limit=2"
    while path is not None:
        answer = (await api.get("admin", path)).json()
        found += [one["client_id"] for one in answer["items"]]
        path = answer["next_cursor"] and f"/v1/clients?limit=2&cursor={answer['next_cursor']}"
    assert found == sorted(set(found))
    assert set(made) <= set(found)


async def test_every_change_of_a_client_is_audited_without_secret_or_name(
    api: Api, owner: "asyncpg.Connection[Any]"
) -> None:
    client = await created(api, name="นางสาวมาลี ใจงาม")
    await patched(api, client, 1, name="นายสมชาย ใจงาม", enabled=True)
    rotated = (await api.post("admin", f"/v1/clients/{client['client_id']}/rotate-secret", {})).json()
    await api.call("admin", "DELETE", f"/v1/clients/{client['client_id']}")
    rows = await owner.fetch(
        "SELECT operation, client_id, agency, changes::text AS changes FROM audit WHERE resource = $1 ORDER BY id",
        client["client_id"],
    )
    assert [row["operation"] for row in rows] == [
        "client.created",
        "client.updated",
        "client.secret-rotated",
        "client.revoked",
    ]
    assert {(row["client_id"], row["agency"]) for row in rows} == {("demo-admin", "NESDC")}
    said = " ".join(row["changes"] for row in rows)
    assert not any(text in said for text in ("ใจงาม", client["client_secret"], rotated["client_secret"]))


async def test_a_token_of_other_keys_is_refused(api: Api) -> None:
    own = api.keyring
    api.keyring = Keyring.generate()
    try:
        assert (await api.get("admin", "/v1/me/access")).status_code == 401
    finally:
        api.keyring = own
