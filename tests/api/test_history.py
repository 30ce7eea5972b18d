"""What has changed in a household, field by field: over REST and GraphQL, on a real database."""

from typing import Any
from uuid import UUID

import pytest

from persistence.registry.trails import NEVER_KEPT
from tests.support import builders
from tests.support.api import PURPOSE, Api
from tests.support.calls import EVERYTHING, everything, told
from tests.support.database import seeing


async def registered(api: Api, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = (
        await everything(api, "POST", "/v1/households", builders.household(**changes))
    ).json()
    return made


async def history(api: Api, id: str, query: str = "", **more: Any) -> list[dict[str, Any]]:
    answer = await everything(api, "GET", f"/v1/households/{id}/history{query}", **more)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def amended(api: Api, path: str, patch: Any) -> None:
    answer = await everything(api, "PATCH", path, patch, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


def values(items: list[dict[str, Any]], action: str) -> dict[str, tuple[Any, Any, bool]]:
    return {
        one["field"]: (one["before"], one["after"], one["masked"]) for one in items if one["action"] == action
    }


async def test_each_field_is_told_with_both_its_values_newest_first(api: Api) -> None:
    home = await registered(api)
    path = f"/v1/households/{home['id']}"
    await amended(api, path, {"has_land": False, "annual_income_per_person": "20000.00"})
    await amended(api, path, {"case_status": "verified", "address": {"house_no": "7"}})
    items = await history(api, home["id"])
    assert [(one["field"], one["before"], one["after"]) for one in items] == [
        ("house_no", "99/1", "7"),
        ("case_status", "imported", "verified"),
        ("has_land", True, False),
        ("annual_income_per_person", "30000.00", "20000.00"),
        ("members", None, 2),
        ("area_code", None, "420101"),
    ]
    newest = items[0]
    assert newest.keys() == {
        "id", "at", "client_id", "agency", "action", "resource_id", "field", "before", "after", "masked",
    }  # fmt: skip
    assert (newest["client_id"], newest["agency"], newest["action"]) == (
        "demo-center",
        "SCJP_P-42",
        "household.updated",
    )
    assert newest["resource_id"] == home["id"]


async def test_what_is_masked_anywhere_is_kept_nowhere(api: Api) -> None:
    home = await registered(api)
    person = home["members"][0]["person"]
    number = builders.citizen_id()
    secret = {
        "first_name": "ชื่อใหม่เอี่ยม",
        "last_name": "สกุลใหม่",
        "birth_date": "1961-02-03",
        "phone": "0811112222",
    }
    patch = {**secret, "citizen_id": number, "occupation": "ทอผ้า"}
    await amended(api, f"/v1/persons/{person['id']}", patch)
    answer = await everything(api, "GET", f"/v1/households/{home['id']}/history")
    told_of = values(answer.json()["items"], "person.updated")
    assert told_of.pop("occupation") == (None, "ทอผ้า", False)
    assert set(told_of) == {*NEVER_KEPT}
    assert set(told_of.values()) == {(None, None, True)}
    async with seeing(api.worker.database) as connection:
        kept = await connection.fetchval(
            "SELECT string_agg(changes::text, ' ') FROM audit WHERE household_id = $1", UUID(home["id"])
        )
    for text in (*secret.values(), number, person["citizen_id"], person["last_name"], person["phone"]):
        assert text not in answer.text
        assert text not in kept


async def test_members_that_come_and_go_are_told(api: Api) -> None:
    home = await registered(api)
    id, child = home["id"], home["members"][1]["person_id"]
    await everything(
        api, "DELETE", f"/v1/households/{id}/members/{child}", {"left_on": "2026-01-05", "reason": "แต่งงาน"}
    )
    await everything(
        api, "POST", f"/v1/households/{id}/change-head",
        {"person_id": home["head_person_id"], "reason": "เป็นอยู่แล้ว"},
    )  # fmt: skip
    told_of = values(await history(api, id), "household.updated")
    assert told_of == {
        f"members/{child}/left_on": (None, "2026-01-05", False),
        f"members/{child}/left_reason": (None, "แต่งงาน", False),
    }


async def test_a_number_mistyped_in_a_reason_is_hidden(api: Api) -> None:
    home = await registered(api)
    wrong = "1234567890123"
    child = home["members"][1]["person_id"]
    body = {"left_on": "2026-01-05", "reason": f"เลขเดิม {wrong}"}
    answer = await everything(api, "DELETE", f"/v1/households/{home['id']}/members/{child}", body)
    assert answer.status_code == 200
    told_of = values(await history(api, home["id"]), "household.updated")
    assert told_of[f"members/{child}/left_reason"][1] == "เลขเดิม [...]"


async def test_what_was_merged_in_brings_its_history(api: Api) -> None:
    home, twin = await registered(api), await registered(api)
    await amended(api, f"/v1/households/{twin['id']}", {"has_land": False})
    body = {"duplicate_id": twin["id"], "reason": "ซ้ำ"}
    assert (await everything(api, "POST", f"/v1/households/{home['id']}/merge", body)).status_code == 200
    items = await history(api, home["id"])
    assert {one["resource_id"] for one in items} == {home["id"], twin["id"]}
    assert ("has_land", True, False) in [(one["field"], one["before"], one["after"]) for one in items]
    assert values(items, "household.merged")["merged_into"] == (None, home["id"], False)


async def test_it_is_read_page_by_page_without_gap_or_repetition(api: Api) -> None:
    home = await registered(api)
    for place in range(6):
        await amended(api, f"/v1/households/{home['id']}", {"has_land": bool(place % 2), "stage": None})
    whole = await history(api, home["id"])
    path, pages = f"/v1/households/{home['id']}/history?limit=2&count=exact", []
    while True:
        page = (await everything(api, "GET", path)).json()
        assert page["total"] == len(whole)
        pages += page["items"]
        if page["next_cursor"] is None:
            break
        path = f"/v1/households/{home['id']}/history?limit=2&count=exact&cursor={page['next_cursor']}"
    assert pages == whole
    query = """query ($id: ID!, $after: String) { householdHistory(id: $id, first: 3, after: $after) {
      nodes { field before after masked } pageInfo { hasNextPage endCursor } } }"""
    found, after = [], None
    while True:
        given = {"id": home["id"], "after": after}
        answer = (await api.graphql("center", query, given, headers=PURPOSE, scopes=EVERYTHING)).json()
        part = answer["data"]["householdHistory"]
        found += part["nodes"]
        if not part["pageInfo"]["hasNextPage"]:
            break
        after = part["pageInfo"]["endCursor"]
    assert [(one["field"], one["before"], one["after"]) for one in found] == [
        (one["field"], one["before"], one["after"]) for one in whole
    ]


async def test_after_a_move_each_area_sees_what_was_done_there(api: Api) -> None:
    home = await registered(api)
    body = {"area_code": "410101", "address": {"house_no": "7"}, "moved_on": "2026-01-05"}
    await everything(api, "POST", f"/v1/households/{home['id']}/move", body)
    there = await history(api, home["id"], areas=["41"])
    assert {one["action"] for one in there} == {"household.moved"}
    assert values(there, "household.moved")["area_code"] == ("420101", "410101", False)
    here = await everything(api, "GET", f"/v1/households/{home['id']}/history", areas=["42"])
    assert told(here) == (404, "not-found")
    assert {one["action"] for one in await history(api, home["id"])} == {
        "household.moved",
        "household.created",
    }


@pytest.mark.parametrize("id", ["01890000-0000-7000-8000-000000000000", "x"])
async def test_what_is_not_there_has_no_history(api: Api, id: str) -> None:
    assert told(await everything(api, "GET", f"/v1/households/{id}/history")) == (404, "not-found")


async def test_no_other_order_is_offered(api: Api) -> None:
    home = await registered(api)
    answer = await everything(api, "GET", f"/v1/households/{home['id']}/history?sort=created_at")
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [
        ("query/sort", "unknown-value")
    ]
