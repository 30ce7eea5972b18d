"""What reaches tokens that are out: networks, rights taken away, secrets that have leaked; REST and GraphQL alike."""

import asyncio
import time
from typing import Any

import httpx2
import pytest

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


class From:
    """The same application, called from another address."""

    def __init__(self, api: Api, address: str) -> None:
        app = api.http._transport.app  # type: ignore[attr-defined] # the test's own transport
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 4711))
        self.http = httpx2.AsyncClient(transport=transport, base_url=ISSUER)

    async def statuses(self, token: str) -> tuple[int, int]:
        headers = {"Authorization": f"Bearer {token}"}
        rest = await self.http.get("/v1/me/access", headers=headers)
        graphql = await self.http.post("/graphql", json={"query": "{ me { clientId } }"}, headers=headers)
        for answer in (rest, graphql):
            assert "network" not in answer.text + answer.headers.get("www-authenticate", "")
            if answer.status_code == 401:
                assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
        return rest.status_code, graphql.status_code

    async def token(self, client: dict[str, Any]) -> httpx2.Response:
        own = (client["client_id"], client["client_secret"])
        return await self.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=own)


@pytest.mark.parametrize(
    ("networks", "address", "inside"),
    [
        (["10.0.0.0/8"], "10.255.0.1", True),
        (["10.0.0.0/8"], "11.0.0.1", False),
        (["10.0.0.0/8"], "::ffff:10.1.2.3", True),
        (["10.0.0.0/8"], "::ffff:11.1.2.3", False),
        (["10.0.0.0/8"], "::10.1.2.3", False),
        (["::ffff:10.0.0.0/104"], "10.1.2.3", True),
        (["2001:db8::/32"], "2001:db8:1::5", True),
        (["2001:db8::/32"], "2001:db9::5", False),
        (["192.0.2.7"], "192.0.2.7", True),
        (["192.0.2.7"], "192.0.2.8", False),
        (["192.0.2.0/24", "2001:db8::/32"], "192.0.2.200", True),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["10.0.0.0/8"], "no address", False),
        (["10.0.0.0/8"], "", False),
        ([], "203.0.113.9", True),
    ],
)
async def test_a_client_calls_from_its_networks_only(
    api: Api, networks: list[str], address: str, inside: bool
) -> None:
    client, caller = await created(api, allowed_networks=networks), From(api, address)
    answer = await caller.token(client)
    if inside:
        assert answer.status_code == 200
    else:
        refused(answer, "invalid_client")
        wrong = await form(api, "/oauth/token", basic(client["client_id"], "wrong"))
        assert answer.json() == wrong.json(), "as a wrong secret"
    token = api.token("center", client_id=client["client_id"])
    wanted = (200, 200) if inside else (401, 401)
    assert await caller.statuses(token) == wanted


async def test_networks_reach_tokens_that_are_out_at_once(api: Api) -> None:
    client = await created(api)
    token, home, away = await token_of(api, client), From(api, "10.0.0.1"), From(api, "192.0.2.1")
    assert await home.statuses(token) == await away.statuses(token) == (200, 200)
    answer = await patched(api, client, 1, allowed_networks=["10.0.0.0/8"])
    assert answer.json()["allowed_networks"] == ["10.0.0.0/8"]
    assert (await home.statuses(token), await away.statuses(token)) == ((200, 200), (401, 401))
    refused(await away.token(client), "invalid_client")
    assert (await patched(api, client, 2, allowed_networks=[])).status_code == 200
    assert await away.statuses(token) == (200, 200)


async def test_an_assertion_counts_from_its_networks_only_and_is_not_spent_elsewhere(api: Api) -> None:
    key = ClientKey()
    client = await created(api, allowed_networks=["10.0.0.0/8"], jwks=key.jwks)
    fields = {"grant_type": "client_credentials", **asserting(key.assertion(client["client_id"]))}
    refused(await From(api, "192.0.2.1").http.post("/oauth/token", data=fields), "invalid_client")
    assert (await From(api, "10.0.0.1").http.post("/oauth/token", data=fields)).status_code == 200


async def test_networks_are_kept_in_their_canonical_form(api: Api) -> None:
    given = ["2001:DB8::/32", "10.0.0.0/255.0.0.0", "::ffff:192.0.2.0/120", "10.0.0.0/8", "203.0.113.9"]
    client = await created(api, allowed_networks=given)
    assert client["allowed_networks"] == ["10.0.0.0/8", "192.0.2.0/24", "203.0.113.9/32", "2001:db8::/32"]


@pytest.mark.parametrize(
    ("networks", "pointer", "code"),
    [
        (["10.0.0.1/8"], "/allowed_networks/0", "not-a-network"),
        (["10.0.0.0/8", "300.0.0.0/8"], "/allowed_networks/1", "not-a-network"),
        (["10.0.0.0/33"], "/allowed_networks/0", "not-a-network"),
        (["010.0.0.0/8"], "/allowed_networks/0", "not-a-network"),
        (["example.org"], "/allowed_networks/0", "wrong-format"),
        (["fe80::1%eth0"], "/allowed_networks/0", "wrong-format"),
        ([""], "/allowed_networks/0", "wrong-format"),
        ([167772160], "/allowed_networks/0", "wrong-type"),
        ("10.0.0.0/8", "/allowed_networks", "wrong-type"),
        ([f"10.{number}.0.0/16" for number in range(21)], "/allowed_networks", "too-many"),
    ],
)
async def test_a_network_that_is_none_is_refused(api: Api, networks: Any, pointer: str, code: str) -> None:
    draft = {"name": "HIS", "agency": "PROV_MOPH-42", "allowed_networks": networks}
    answer = await api.post("admin", "/v1/clients", draft)
    assert answer.status_code == 422, answer.text
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


# Rights taken away


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": ["assistance:read"]},
        {"scopes": []},
        {"areas": ["420101"]},
        {"areas": ["4202"]},
        {"areas": []},
    ],
    ids=str,
)
async def test_what_is_taken_away_ends_with_the_tokens_that_carry_it(
    api: Api, change: dict[str, Any]
) -> None:
    client = await created(api)
    before = await token_of(api, client)
    assert (await me(api, before)).status_code == 200
    assert (await patched(api, client, 1, **change)).status_code == 200
    assert (await me(api, before)).status_code == 401
    # In the same second: a fresh one counts at once, and goes on counting.
    after = await token_of(api, client)
    found = await me(api, after)
    assert (found.status_code, {name: found.json()[name] for name in change}) == (200, change)
    assert part(after, 1)["iat"] > part(before, 1)["iat"]
    assert part(after, 1)["exp"] <= time.time() + 901
    assert (await me(api, before)).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": ["households:read", "assistance:read", "menus:read"]}, {"areas": ["42"]}, {"areas": ["*"]},
        {"name": "HIS 2"}, {"areas": ["4201", "4202"]}, {"expires_at": "2099-01-01T00:00:00Z"},
    ],
    ids=str,
)  # fmt: skip
async def test_what_is_added_leaves_tokens_as_they_are(api: Api, change: dict[str, Any]) -> None:
    client = await created(api)
    token = await token_of(api, client)
    assert (await patched(api, client, 1, **change)).status_code == 200
    found = (await me(api, token)).json()
    assert (found["scopes"], found["areas"]) == (["households:read", "assistance:read"], ["4201"])


async def test_a_narrowing_and_tokens_at_the_same_time_leave_no_token_with_the_old_rights(api: Api) -> None:
    client = await created(api)
    tokens: list[str] = []

    async def fetch() -> None:
        for _ in range(15):
            tokens.append(await token_of(api, client))

    async def narrow() -> None:
        assert (await patched(api, client, 1, scopes=["assistance:read"])).status_code == 200

    await asyncio.gather(fetch(), fetch(), narrow(), fetch())
    answers = [await me(api, token) for token in tokens]
    counted = [answer.json()["scopes"] for answer in answers if answer.status_code == 200]
    assert all(scopes == ["assistance:read"] for scopes in counted)
    assert {answer.status_code for answer in answers} <= {200, 401}
    assert (await me(api, await token_of(api, client))).status_code == 200


async def test_a_secret_that_has_leaked_ends_with_its_tokens(api: Api) -> None:
    client = await created(api)
    token, path = await token_of(api, client), f"/v1/clients/{client['client_id']}/rotate-secret"
    kept = (await api.post("admin", path, {"overlap_seconds": 60})).json()
    assert (await me(api, token)).status_code == 200
    fresh = (await api.post("admin", path, {"overlap_seconds": 0})).json()
    assert (await me(api, token)).status_code == 401
    refused(
        await form(api, "/oauth/token", basic(client["client_id"], kept["client_secret"])), "invalid_client"
    )
    assert (await me(api, await token_of(api, fresh))).status_code == 200


async def test_a_revoked_client_that_comes_back_has_no_old_token(api: Api) -> None:
    client = await created(api)
    token = await token_of(api, client)
    assert (await api.call("admin", "DELETE", f"/v1/clients/{client['client_id']}")).status_code == 204
    assert (await patched(api, client, 2, enabled=True)).status_code == 200
    assert (await me(api, token)).status_code == 401


async def test_graphql_administers_keys_networks_and_revocation(api: Api) -> None:
    key = ClientKey()
    fields = "clientId clientSecret allowedNetworks jwks { keys { kty crv x y kid alg use } }"
    draft = {
        "name": "HIS", "agency": "PROV_MOPH-42", "areas": ["42"], "scopes": ["households:read"],
        "allowedNetworks": ["127.0.0.0/8"], "jwks": {"keys": [key.jwk]},
    }  # fmt: skip
    made = (
        await api.graphql(
            "admin",
            f"mutation ($input: CreateClientInput!) {{ createClient(input: $input) {{ {fields} }} }}",
            {"input": draft},
        )
    ).json()["data"]["createClient"]
    assert (made["allowedNetworks"], made["jwks"]) == (["127.0.0.0/8"], key.jwks)
    client_id = made["clientId"]
    token = (await form(api, "/oauth/token", **asserting(key.assertion(client_id)))).json()["access_token"]
    assert (await me(api, token)).status_code == 200
    amended = await api.graphql(
        "admin",
        "mutation ($input: UpdateClientInput!) { updateClient(input: $input) { jwks { keys { kid } } allowedNetworks } }",
        {"input": {"clientId": client_id, "version": 1, "jwks": None, "allowedNetworks": []}},
    )
    assert amended.json()["data"]["updateClient"] == {"jwks": None, "allowedNetworks": []}
    assert (await me(api, token)).status_code == 401, "its key was taken away"
    own = {"client_id": client_id, "client_secret": made["clientSecret"]}
    token = await token_of(api, own)
    revoked = await api.graphql(
        "admin",
        "mutation ($input: RevokeClientInput!) { revokeClient(input: $input) { clientId enabled } }",
        {"input": {"clientId": client_id}},
    )
    assert revoked.json()["data"]["revokeClient"] == {"clientId": client_id, "enabled": False}
    assert (await me(api, token)).status_code == 401
    refused(await form(api, "/oauth/token", basic(client_id, made["clientSecret"])), "invalid_client")
