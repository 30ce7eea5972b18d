"""Break the glass: who may, for which household, for how long, and what it opens."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx2
import pytest

from domain.access.grants import LASTS, MOST_OPEN
from tests.support import builders
from tests.support.access import owner_of
from tests.support.api import Api
from tests.support.calls import everything

REASON = "แจ้งเหตุด่วนทางโทรศัพท์"
ABSENT = "01990000-0000-7000-8000-000000000000"


async def registered(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await everything(api, "POST", "/v1/households", builders.household(**changes))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def ask(api: Api, household_id: str, who: str = "health", **more: Any) -> httpx2.Response:
    body = {"household_id": household_id, "reason": more.pop("reason", REASON)}
    return await api.post(who, "/v1/access-grants", body, **more)


def agency(name: str) -> str:
    """One of its own for a test, so that no other test's grants count."""
    return f"TEST_{name.upper()}-42"


# -- asking


async def test_a_grant_says_what_it_opens_and_until_when(api: Api) -> None:
    home = await registered(api)
    answer = await ask(api, home["id"])
    assert answer.status_code == 201, answer.text
    grant = answer.json()
    assert grant.keys() == {"id", "household_id", "agency", "client_id", "reason", "granted_at", "expires_at"}
    assert (grant["household_id"], grant["agency"], grant["client_id"], grant["reason"]) == (
        home["id"], "PROV_MOPH-42", "demo-health", REASON,
    )  # fmt: skip
    lasts = datetime.fromisoformat(grant["expires_at"]) - datetime.fromisoformat(grant["granted_at"])
    assert lasts == LASTS
    assert answer.headers["location"] == f"/v1/access-grants/{grant['id']}"
    assert (await api.get("health", answer.headers["location"])).json() == grant


async def test_it_leaves_an_audit_row_and_one_in_the_feed_without_the_reason(api: Api) -> None:
    home = await registered(api)
    grant = (await ask(api, home["id"], headers={"X-Request-Id": "the-glass"})).json()
    async with owner_of(api) as owner:
        (audit,) = await owner.fetch("SELECT * FROM audit WHERE request_id = 'the-glass'")
        (change,) = await owner.fetch("SELECT * FROM change WHERE resource_id = $1", UUID(grant["id"]))
    assert (audit["operation"], audit["resource"], audit["agency"]) == (
        "access_grant.created", grant["id"], "PROV_MOPH-42",
    )  # fmt: skip
    assert (change["type"], change["action"], change["agency"], change["area_code"]) == (
        "access_grant", "created", "PROV_MOPH-42", "420101",
    )  # fmt: skip
    assert str(change["household_id"]) == str(audit["household_id"]) == home["id"]
    assert REASON.encode() not in audit["changes"].encode()


async def test_who_is_entitled_already_is_recorded_all_the_same(api: Api) -> None:
    home = await registered(api)
    assert (await ask(api, home["id"], "team")).status_code == 201


@pytest.mark.parametrize("areas", [["4209"], ["420901", "41"], ["42090101"], ["42"], ["*"]])
async def test_its_provinces_are_those_of_the_clients_areas(api: Api, areas: list[str]) -> None:
    home = await registered(api)
    assert (await ask(api, home["id"], areas=areas, agency=agency("provinces"))).status_code == 201


@pytest.mark.parametrize("areas", [["41"], ["4101", "43"], []])
async def test_a_household_outside_the_provinces_is_as_absent(api: Api, areas: list[str]) -> None:
    home = await registered(api)
    hidden, absent = await ask(api, home["id"], areas=areas), await ask(api, ABSENT)
    assert hidden.status_code == absent.status_code == 404
    kept = ("code", "title", "detail", "type", "status")
    assert [hidden.json()[one] for one in kept] == [absent.json()[one] for one in kept]
    async with owner_of(api) as owner:
        assert (
            await owner.fetchval(
                "SELECT count(*) FROM access_grant WHERE household_id = $1", UUID(home["id"])
            )
            == 0
        )


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("a" * 9, "too-short"), ("a" * 501, "too-long"), (" " * 40, "too-short"), (" " * 20 + "a" * 9, "too-short"),
        ("เรื่อง " + "1101700230708", "personal-data"), ("ก" * 10 + "\x00", "control-character"), (None, None), (7, None),
    ],
)  # fmt: skip
async def test_a_reason_is_needed_and_names_nobody(api: Api, reason: Any, code: str | None) -> None:
    home = await registered(api)
    answer = await ask(api, home["id"], reason=reason)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/reason"
    assert code is None or error["code"] == code
    assert "1101700230708" not in answer.text


async def test_a_mistyped_citizen_id_in_a_reason_is_hidden(api: Api) -> None:
    home = await registered(api)
    answer = await ask(api, home["id"], reason="บัตรเลข 1101700230709 สูญหาย", agency=agency("typo"))
    assert answer.json()["reason"] == "บัตรเลข [...] สูญหาย"


@pytest.mark.parametrize("length", [10, 500])
async def test_the_shortest_and_the_longest_reason_are_taken(api: Api, length: int) -> None:
    home = await registered(api)
    answer = await ask(api, home["id"], reason="ก" * length, agency=agency("length"))
    assert answer.status_code == 201


@pytest.mark.parametrize("scopes", [["households:read"], ["households:read.assigned"]])
async def test_whoever_reads_households_may_ask(api: Api, scopes: list[str]) -> None:
    home = await registered(api)
    assert (await ask(api, home["id"], scopes=scopes, agency=agency("may"))).status_code == 201


@pytest.mark.parametrize("scopes", [["audit:read"], ["households:write", "persons:pii"], []])
async def test_nobody_else_may(api: Api, scopes: list[str]) -> None:
    home = await registered(api)
    answer = await ask(api, home["id"], scopes=scopes)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")


async def test_an_agency_has_so_many_open_at_once_however_they_arrive(api: Api) -> None:
    homes, own = [await registered(api) for _ in range(MOST_OPEN + 5)], agency("many")
    answers = await asyncio.gather(*(ask(api, home["id"], agency=own) for home in homes))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] * MOST_OPEN + [409] * 5
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["code"] == "too-many-grants"
    # Whom it is refused for is not told from whether there is such a household.
    assert (await ask(api, ABSENT, agency=own)).status_code == 404
    assert (await ask(api, homes[0]["id"], agency=agency("another"))).status_code == 201
    opened = next(home for home, answer in zip(homes, answers, strict=True) if answer.status_code == 201)
    assert (await ask(api, opened["id"], agency=own)).status_code == 201  # asked again: no further household
    await expire(api, own)
    assert (await ask(api, homes[0]["id"], agency=own)).status_code == 201


async def expire(api: Api, own: str) -> None:
    async with owner_of(api) as owner:
        await owner.execute(
            """UPDATE access_grant SET granted_at = now() - interval '4 hours', expires_at = now() - interval '1 second'
               WHERE agency = $1""",
            own,
        )


async def test_an_idempotency_key_makes_one_grant(api: Api) -> None:
    home, own = await registered(api), agency("once")
    answers = [await ask(api, home["id"], agency=own, headers={"Idempotency-Key": "g-1"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
async def test_a_grant_is_not_changed(api: Api, method: str) -> None:
    home = await registered(api)
    grant = (await ask(api, home["id"], agency=agency("fixed"))).json()
    answer = await api.call("health", method, f"/v1/access-grants/{grant['id']}", {})
    assert answer.status_code == 405


# -- reading them


async def ids(api: Api, who: str, **more: Any) -> list[str]:
    answer = await api.get(who, "/v1/access-grants?limit=200", **more)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


async def test_an_agency_lists_its_own_and_an_auditor_those_of_its_areas(api: Api) -> None:
    own = agency("listed")
    near, far = await registered(api), await registered(api, area_code="420901")
    grants = [(await ask(api, one["id"], agency=own)).json()["id"] for one in (near, far)]
    assert await ids(api, "health", agency=own) == grants
    assert await ids(api, "health", agency=own, areas=["4209"]) == grants  # its provinces
    assert await ids(api, "health", agency=own, areas=["41"]) == []
    other = {"agency": agency("stranger")}
    assert await ids(api, "health", **other) == []
    audited = {"scopes": ["audit:read"], **other}
    assert set(grants) <= set(await ids(api, "admin", areas=["42"], **audited))
    assert grants[1] in await ids(api, "admin", areas=["4209"], **audited)
    assert grants[0] not in await ids(api, "admin", areas=["4209"], **audited)
    assert await ids(api, "admin", areas=["41"], **audited) == []


async def test_a_grant_of_others_is_as_absent(api: Api) -> None:
    grant = (await ask(api, (await registered(api))["id"], agency=agency("read"))).json()
    path = f"/v1/access-grants/{grant['id']}"
    assert (await api.get("social", path)).status_code == 404
    assert (await api.get("admin", path, scopes=["audit:read"])).json() == grant
    assert (await api.get("admin", path, scopes=["audit:read"], areas=["41"])).status_code == 404
    assert (await api.get("health", "/v1/access-grants/nonsense")).status_code == 404


async def test_graphql_grants_and_lists_alike(api: Api) -> None:
    home, own = await registered(api), agency("graphql")
    query = """mutation ($input: CreateAccessGrantInput!) { createAccessGrant(input: $input) {
      id householdId agency clientId reason grantedAt expiresAt } }"""
    answer = await api.graphql(
        "health", query, {"input": {"householdId": home["id"], "reason": REASON}}, agency=own
    )
    made = answer.json()["data"]["createAccessGrant"]
    rest = (await api.get("health", f"/v1/access-grants/{made['id']}", agency=own)).json()
    assert list(made.values()) == [rest[one] for one in (
        "id", "household_id", "agency", "client_id", "reason", "granted_at", "expires_at",
    )]  # fmt: skip
    both = f'{{ accessGrant(id: "{made["id"]}") {{ id }} accessGrants {{ totalCount nodes {{ id }} }} }}'
    found = (await api.graphql("health", both, agency=own)).json()["data"]
    assert found == {
        "accessGrant": {"id": made["id"]},
        "accessGrants": {"totalCount": 1, "nodes": [{"id": made["id"]}]},
    }


# -- what it opens

ASSIGNED = ["households:read.assigned", "problems:read", "assignments:read", "assistance:read"]
CALLERS: dict[str, dict[str, Any]] = {
    "an agency without assignment": {"scopes": ASSIGNED, "areas": ["42"]},
    "one of another subdistrict of the province": {"scopes": ASSIGNED, "areas": ["420901"]},
    "one that reads all of another district": {
        "scopes": ["households:read", *ASSIGNED[1:]],
        "areas": ["4209"],
    },
}
LISTS = "?include=problems,analyses,assignments,assistance"


async def scene(api: Api) -> dict[str, Any]:
    home = await registered(api)
    await everything(api, "POST", "/v1/problems", builders.problem(home["id"]))
    return home


def ways(home: dict[str, Any]) -> list[str]:
    return [
        f"/v1/households/{home['id']}",
        f"/v1/households/{home['id']}{LISTS}",
        f"/v1/persons/{home['head_person_id']}",
    ]


@pytest.mark.parametrize("name", CALLERS)
async def test_the_granted_agency_reads_the_household_until_it_runs_out(api: Api, name: str) -> None:
    home, caller = await scene(api), {**CALLERS[name], "agency": agency(f"effect{list(CALLERS).index(name)}")}
    for path in ways(home):
        assert (await api.get("health", path, **caller)).status_code == 404
    assert (await ask(api, home["id"], **caller)).status_code == 201
    for path in ways(home):
        answer = await api.get("health", path, **caller)
        assert answer.status_code == 200, (path, answer.text)
        assert "ใจดี" not in answer.text
        assert "0899999999" not in answer.text
    read = (await api.get("health", ways(home)[1], **caller)).json()
    assert len(read["problems"]) == 1
    found = await api.graphql(
        "health", f'{{ household(id: "{home["id"]}") {{ id problems {{ id }} }} }}', **caller
    )
    assert [one["id"] for one in found.json()["data"]["household"]["problems"]] == [read["problems"][0]["id"]]
    await expire(api, caller["agency"])
    for path in ways(home):
        assert (await api.get("health", path, **caller)).status_code == 404


async def test_another_agency_and_another_household_stay_closed(api: Api) -> None:
    home, other = await scene(api), await scene(api)
    caller = {"scopes": ASSIGNED, "areas": ["420901"], "agency": agency("closed")}
    assert (await ask(api, home["id"], **caller)).status_code == 201
    for path in ways(home):
        assert (await api.get("health", path, **{**caller, "agency": agency("else")})).status_code == 404
    for path in ways(other):
        assert (await api.get("health", path, **caller)).status_code == 404
