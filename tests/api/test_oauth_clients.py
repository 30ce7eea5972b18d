"""The life of a client over REST: its secret, its rights and its end."""

import base64
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from auth.clients import hash_secret
from auth.keys import SigningKeys
from domain.access.actor import Scope
from tests.support.api import Api
from tests.support.oauth import (
    AGENCY,
    HELD,
    basic,
    created,
    form,
    me,
    part,
    patched,
    refused,
    token_of,
)
from tests.support.waiting import eventually_so


@pytest_asyncio.fixture(scope="module")
async def client(api: Api) -> dict[str, Any]:
    return await created(api)


@pytest_asyncio.fixture(scope="module")
async def owner(module_dsn: str, api: Api) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(module_dsn)
    yield connection
    await connection.close()


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
    assert (await me(api, before)).status_code == 401, "a token that is out does not keep what was taken"
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


async def expires_now(owner: "asyncpg.Connection[Any]", client: dict[str, Any]) -> None:
    """As if its time had been up by now."""
    await owner.execute("UPDATE client SET expires_at = now() WHERE id = $1", client["client_id"])


async def test_an_expired_client_gets_no_token_and_its_token_does_not_outlive_it(
    api: Api, owner: "asyncpg.Connection[Any]"
) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=400)
    client = await created(api, expires_at=ends.isoformat())
    answer = await form(api, "/oauth/token", basic(client["client_id"], client["client_secret"]))
    assert 300 < answer.json()["expires_in"] <= 400
    token = answer.json()["access_token"]
    assert part(token, 1)["exp"] == int(ends.timestamp())
    assert (await me(api, token)).status_code == 200
    await expires_now(owner, client)
    refused(
        await form(api, "/oauth/token", basic(client["client_id"], client["client_secret"])), "invalid_client"
    )


async def test_an_expiry_set_later_bars_tokens_already_out(
    api: Api, owner: "asyncpg.Connection[Any]"
) -> None:
    client = await created(api)
    token = await token_of(api, client)
    ends = datetime.now(UTC) + timedelta(seconds=300)
    assert (await patched(api, client, 1, expires_at=ends.isoformat())).status_code == 200
    assert (await me(api, token)).status_code == 200
    await expires_now(owner, client)

    async def barred() -> bool:
        return (await me(api, token)).status_code == 401

    assert await eventually_so(barred), "the watch looks twice a second"


async def test_a_rotated_secret_overlaps_as_stated(api: Api, owner: "asyncpg.Connection[Any]") -> None:
    client = await created(api)
    client_id, path = client["client_id"], f"/v1/clients/{client['client_id']}/rotate-secret"
    first = client["client_secret"]
    answer = await api.post("admin", path, {"overlap_seconds": 3600})
    second = answer.json()["client_secret"]
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    until = datetime.fromisoformat(answer.json()["previous_secret_expires_at"])
    assert abs((until - datetime.now(UTC)).total_seconds() - 3600) < 60
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
    assert abs(default.total_seconds() - 86_400) < 60
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
    api.keyring = replace(own, signing=SigningKeys.generate())
    try:
        assert (await api.get("admin", "/v1/me/access")).status_code == 401
    finally:
        api.keyring = own
