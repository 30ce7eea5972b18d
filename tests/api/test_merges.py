"""A duplicate is folded into a household: over REST, on a real database."""

import asyncio
from collections import defaultdict
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from domain.registry.household import CaseStatus
from domain.registry.merges import merged_fields, merged_origins, merged_status
from tests.support import builders
from tests.support.api import PURPOSE, Api
from tests.support.calls import EVERYTHING, OPERATIONS, RECIPES, everything, make_scene, told
from tests.support.database import seeing

WHOLE: dict[str, Any] = {"scopes": EVERYTHING, "areas": ["*"]}


async def registered(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await everything(api, "POST", "/v1/households", builders.household(**changes))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def merged(api: Api, winner: str, loser: str, **more: Any) -> httpx2.Response:
    body = {"duplicate_id": loser, "reason": "บันทึกซ้ำ"}
    return await everything(api, "POST", f"/v1/households/{winner}/merge", body, **more)


async def read(api: Api, path: str, **more: Any) -> httpx2.Response:
    return await everything(api, "GET", path, **more)


# -- what it does


async def test_everything_of_the_duplicate_is_found_with_the_other(api: Api) -> None:
    scene, home = await make_scene(api), await registered(api)
    gone = scene["household_id"]
    before = {
        path: (await read(api, path)).json()
        for path in (f"/v1/problems/{scene['problem_id']}", f"/v1/assignments/{scene['assignment_id']}")
    }
    answer = await merged(api, home["id"], gone)
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == 2
    for path, old in before.items():
        new = (await read(api, path)).json()
        assert (new["household_id"], new["version"]) == (home["id"], old["version"] + 1)
        assert len(new["history"]) == len(old["history"])
    for path in (f"/v1/persons/{scene['person_id']}", f"/v1/assistance-events/{scene['event_id']}"):
        assert (await read(api, path)).json()["household_id"] == home["id"]
    by_key = await read(api, f"/v1/assistance-events/by-external-id/{scene['external_id']}")
    assert by_key.json()["household_id"] == home["id"]
    whole = (
        await read(api, f"/v1/households/{home['id']}?include=problems,analyses,assignments,assistance")
    ).json()
    assert [len(whole[part]) for part in ("problems", "analyses", "assignments", "assistance")] == [
        1,
        1,
        1,
        1,
    ]
    people = {one["person_id"]: one["relationship"] for one in whole["members"]}
    assert len(people) == 4
    assert people[scene["person_id"]] == "other", "a household has one head"
    assert whole["head_person_id"] == home["head_person_id"]
    found = await everything(api, "POST", "/v1/households/search", {"citizen_id": scene["citizen_id"]})
    assert [one["id"] for one in found.json()["items"]] == [home["id"]]


async def test_a_household_without_a_head_gets_the_duplicate_s(api: Api) -> None:
    home, twin = await registered(api, members=[]), await registered(api)
    made = (await merged(api, home["id"], twin["id"])).json()
    assert (made["head_person_id"], made["incomplete"]) == (twin["head_person_id"], [])
    assert made["members"][0]["relationship"] == "head"


async def test_the_duplicate_is_listed_nowhere_any_more(api: Api) -> None:
    home, twin = (
        await registered(api, house_code="42010199991"),
        await registered(api, house_code="42010199991"),
    )
    ambiguous = {**builders.event(""), "household": {"house_code": "42010199991"}}
    assert told(await everything(api, "POST", "/v1/assistance-events", ambiguous)) == (
        409,
        "ambiguous-identifier",
    )
    await merged(api, home["id"], twin["id"])
    listed = await read(api, f"/v1/households?id={home['id']}&id={twin['id']}")
    assert [one["id"] for one in listed.json()["items"]] == [home["id"]]
    found = await everything(api, "POST", "/v1/households/search", {"house_code": "42010199991"})
    assert [one["id"] for one in found.json()["items"]] == [home["id"]]
    posted = await everything(api, "POST", "/v1/assistance-events", ambiguous)
    assert posted.json()["household_id"] == home["id"]
    async with seeing(api.worker.database) as connection:
        row = await connection.fetchrow(
            "SELECT case_status, close_outcome, merged_into FROM household WHERE id = $1", UUID(twin["id"])
        )
    assert (row["case_status"], row["close_outcome"], str(row["merged_into"])) == (
        "closed",
        "duplicate",
        home["id"],
    )


async def test_a_partner_that_knows_the_duplicate_s_id_goes_on_recording(api: Api) -> None:
    home, twin = await registered(api), await registered(api)
    event = builders.event(twin["id"])
    first = (await everything(api, "POST", "/v1/assistance-events", event)).json()
    await merged(api, home["id"], twin["id"])
    again = await everything(api, "POST", "/v1/assistance-events", event)
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    another = await everything(api, "POST", "/v1/assistance-events", builders.event(twin["id"]))
    assert (another.status_code, another.json()["household_id"]) == (201, home["id"])


async def test_results_of_both_count_and_the_mask_is_derived_anew(api: Api) -> None:
    home, twin = await registered(api), await registered(api)

    async def survey(id: str, **results: str) -> None:
        body = {
            "fiscal_year": 2569, "edition": "38",
            "results": [{"indicator_id": f"bmn-38-{n[1:]}", "result": told} for n, told in results.items()],
        }  # fmt: skip
        answer = await everything(api, "PUT", f"/v1/households/{id}/indicator-results", body)
        assert answer.status_code == 200, answer.text

    await survey(home["id"], i29="pass")
    await survey(twin["id"], i29="fail", i8="fail")
    made = (await merged(api, home["id"], twin["id"])).json()
    async with seeing(api.worker.database) as connection:
        rows = await connection.fetch(
            "SELECT indicator_id, result FROM indicator_result WHERE household_id = $1 ORDER BY 1",
            UUID(home["id"]),
        )
    # What the household has answered itself stands.
    assert [tuple(row) for row in rows] == [("bmn-38-29", "pass"), ("bmn-38-8", "fail")]
    assert made["dimension_mask"] == "10000"
    listed = await read(api, f"/v1/households?id={home['id']}&failed_dimension=health")
    assert len(listed.json()["items"]) == 1


BASE: dict[str, Any] = {
    "house_code": None, "has_land": None, "annual_income_per_person": None, "stage": None, "dimension_mask": None,
    "head_person_id": None, "latitude": None, "longitude": None, "classification": "unclassified", "sources": [],
    "target_groups": [], "case_status": "imported", "close_outcome": None,
}  # fmt: skip


def test_what_it_has_stays_and_what_it_lacks_the_duplicate_gives() -> None:
    full = {
        **BASE,
        "house_code": "1",
        "has_land": False,
        "latitude": 1.0,
        "longitude": 2.0,
        "classification": "other",
    }
    assert merged_fields(BASE, full) == {
        "house_code": "1", "has_land": False, "latitude": 1.0, "longitude": 2.0, "classification": "other",
    }  # fmt: skip
    assert merged_fields(full, {**full, "house_code": "2", "has_land": True, "latitude": 9.0}) == {}
    source, other = (
        {"system": "tpmap", "record_id": "1", "seen_on": None},
        {"system": "bmn", "record_id": "1"},
    )
    both = merged_fields(
        {**BASE, "sources": [source]}, {**BASE, "sources": [{**source, "seen_on": "x"}, other]}
    )
    assert both == {"sources": [source, other]}
    first, second = {"fiscal_year": 2569, "group": "1a"}, {"fiscal_year": 2568, "group": "2"}
    years = merged_fields(
        {**BASE, "target_groups": [first]}, {**BASE, "target_groups": [{**first, "group": "2"}, second]}
    )
    assert years == {"target_groups": [first, second]}


def test_what_the_duplicate_gives_keeps_its_source() -> None:
    noted = {"*": ["tpmap", "2025-03-01"], "has_land": ["bmn", None]}
    changes = ["has_land", "latitude", "longitude", "head_person_id", "sources", "stage"]
    assert merged_origins(changes, noted) == {
        "has_land": ["bmn", None], "location": ["tpmap", "2025-03-01"], "stage": ["tpmap", "2025-03-01"],
    }  # fmt: skip


@pytest.mark.parametrize("other", sorted(CaseStatus))
def test_the_case_stands_where_the_further_of_the_two_stands(other: CaseStatus) -> None:
    assert merged_status("planned", other) == (
        other if other in ("in_assistance", "monitoring") else "planned"
    )
    assert merged_status("closed", other) == other
    closed = {**BASE, "case_status": "closed", "close_outcome": "resolved"}
    reopened = merged_fields(closed, {**BASE, "case_status": other, "close_outcome": None})
    assert (reopened.get("close_outcome", "resolved") is None) is (other != "closed")


# -- where the duplicate leads


async def test_every_path_of_the_duplicate_leads_to_the_other(api: Api) -> None:
    home, twin = await registered(api), await registered(api)
    member = twin["members"][1]["person_id"]
    await merged(api, home["id"], twin["id"])
    scene = defaultdict(lambda: str(uuid4()), household_id=twin["id"], person_id=member, area="420101")
    checked = set()
    for one in OPERATIONS.values():
        if "{household_id}" not in one.path:
            continue
        path, recipe = one.path.format_map(scene), RECIPES[one.id]
        body = None if recipe.body is None else recipe.body(scene)
        headers = {"If-Match": "*"} if one.method == "PATCH" else {}
        answer = await everything(api, one.method, path, body, headers=headers)
        assert answer.status_code == 308, (one.id, answer.status_code, answer.text)
        assert answer.headers["location"] == path.replace(twin["id"], home["id"]), one.id
        assert answer.content == b""
        checked.add(one.id)
    assert checked >= {
        "getHousehold",
        "patchHousehold",
        "listHouseholdHistory",
        "moveHousehold",
        "createAnalysis",
    }


async def test_the_query_and_a_chain_of_duplicates_lead_on_too(api: Api) -> None:
    first, second, third = [await registered(api) for _ in range(3)]
    assert (await merged(api, second["id"], first["id"])).status_code == 200
    assert (await merged(api, third["id"], second["id"])).status_code == 200
    for old in (first, second):
        answer = await read(api, f"/v1/households/{old['id']}?include=problems")
        assert (answer.status_code, answer.headers["location"]) == (
            308, f"/v1/households/{third['id']}?include=problems",
        )  # fmt: skip
        assert answer.headers["cache-control"] == "no-store"
    followed = await read(api, f"/v1/households/{first['id']}/history?limit=3")
    assert followed.headers["location"].endswith(f"{third['id']}/history?limit=3")


async def test_who_does_not_see_the_other_is_not_led_there(api: Api) -> None:
    home, twin = await registered(api, area_code="410101"), await registered(api)
    await merged(api, home["id"], twin["id"])
    path = f"/v1/households/{twin['id']}"
    assert told(await read(api, path, areas=["42"])) == (404, "not-found")
    assert (await read(api, path)).status_code == 308


async def test_an_agency_that_was_assigned_to_the_duplicate_is_led_on(api: Api) -> None:
    scene, home = await make_scene(api), await registered(api)
    await merged(api, home["id"], scene["household_id"])
    answer = await api.get("health", f"/v1/households/{scene['household_id']}")
    assert (answer.status_code, answer.headers.get("location")) == (308, f"/v1/households/{home['id']}")
    assert (await api.get("health", f"/v1/households/{home['id']}")).status_code == 200


async def test_graphql_answers_with_the_other(api: Api) -> None:
    home, twin = await registered(api), await registered(api)
    asked = "mutation ($input: MergeHouseholdsInput!) { mergeHouseholds(input: $input) { id } }"
    wanted = {"householdId": home["id"], "duplicateId": twin["id"], "reason": "ซ้ำ"}
    answer = (await api.graphql("center", asked, {"input": wanted}, headers=PURPOSE, **WHOLE)).json()
    assert answer["data"] == {"mergeHouseholds": {"id": home["id"]}}, answer
    query = f'{{ household(id: "{twin["id"]}") {{ id members {{ personId }} }} }}'
    found = (await api.graphql("center", query, headers=PURPOSE, **WHOLE)).json()
    assert found["data"]["household"]["id"] == home["id"]
    assert len(found["data"]["household"]["members"]) == 4


# -- who may, and when


async def test_both_lie_in_the_caller_s_areas(api: Api) -> None:
    home, far = await registered(api), await registered(api, area_code="410101")
    for winner, loser in ((home, far), (far, home)):
        assert told(await merged(api, winner["id"], loser["id"], areas=["42"])) == (404, "not-found")
    assert told(await merged(api, home["id"], str(uuid4()))) == (404, "not-found")
    assert (await read(api, f"/v1/households/{far['id']}")).json() == far


async def test_not_with_itself_and_not_twice(api: Api) -> None:
    home, twin = await registered(api), await registered(api)
    itself = await merged(api, home["id"], home["id"])
    assert [(one["pointer"], one["code"]) for one in itself.json()["errors"]] == [
        ("/duplicate_id", "same-household")
    ]
    assert (await merged(api, home["id"], twin["id"])).status_code == 200
    assert told(await merged(api, home["id"], twin["id"])) == (409, "already-merged")
    back = await merged(api, twin["id"], home["id"])
    assert (back.status_code, back.headers["location"]) == (308, f"/v1/households/{home['id']}/merge")


async def test_of_two_that_are_merged_into_each_other_at_once_one_is_left(api: Api) -> None:
    for _ in range(8):
        one, two = await registered(api), await registered(api)
        answers = await asyncio.gather(merged(api, one["id"], two["id"]), merged(api, two["id"], one["id"]))
        assert sorted(answer.status_code for answer in answers) == [200, 308], [one.text for one in answers]
        left = await read(api, f"/v1/households?id={one['id']}&id={two['id']}")
        (home,) = left.json()["items"]
        assert len(home["members"]) == 4


async def test_what_is_recorded_meanwhile_is_found_with_the_other(api: Api) -> None:
    for _ in range(5):
        home, twin = await registered(api), await registered(api)

        def post(path: str, body: Any) -> Any:
            return everything(api, "POST", path, body)

        answers = await asyncio.gather(
            *(post("/v1/assistance-events", builders.event(twin["id"])) for _ in range(4)),
            merged(api, home["id"], twin["id"]),
            *(post("/v1/assistance-events", builders.event(twin["id"])) for _ in range(4)),
            post("/v1/problems", builders.problem(twin["id"])),
            post(f"/v1/households/{twin['id']}/analyses", builders.analysis()),
        )
        assert answers[4].status_code == 200
        assert all(one.status_code in (200, 201, 308, 422) for one in answers), [one.text for one in answers]
        async with seeing(api.worker.database) as connection:
            for table in ("assistance_event", "problem", "analysis", "event_key", "person"):
                left = await connection.fetchval(
                    f"SELECT count(*) FROM {table} WHERE household_id = $1", UUID(twin["id"])
                )
                assert left == 0, table


async def test_the_feed_tells_that_it_is_gone_and_where_everything_is(api: Api) -> None:
    scene, home = await make_scene(api), await registered(api)
    await merged(api, home["id"], scene["household_id"])
    async with seeing(api.worker.database) as connection:
        rows = await connection.fetch(
            """SELECT household_id, type, action FROM change WHERE transaction_id =
                 (SELECT max(transaction_id) FROM change WHERE action = 'merged') ORDER BY id"""
        )
    gone = [(row["type"], row["action"]) for row in rows if str(row["household_id"]) == scene["household_id"]]
    here = [(row["type"], row["action"]) for row in rows if str(row["household_id"]) == home["id"]]
    assert set(gone) == {("household", "merged")}
    assert {kind for kind, _ in here} == {
        "household",
        "person",
        "problem",
        "analysis",
        "assignment",
        "assistance_event",
    }


async def test_who_read_a_person_is_still_known_after_a_merge(api: Api) -> None:
    home, twin = await registered(api), await registered(api)
    person = twin["members"][1]["person_id"]
    await read(api, f"/v1/households/{twin['id']}", headers={"X-Request-Id": "before-the-merge"})
    await merged(api, home["id"], twin["id"])
    log = (await read(api, f"/v1/persons/{person}/access-log")).json()["items"]
    assert "before-the-merge" in [one["request_id"] for one in log]
