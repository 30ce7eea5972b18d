"""A household moves: over REST, on a real database, with everything that is recorded about it."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import pytest
from uuid_utils.compat import uuid7

from persistence.metadata import METADATA
from persistence.registry.relocation import MERGES, MERGES_OTHERWISE, MOVES, STAYS, UNMERGED
from tests.support import builders
from tests.support.api import PURPOSE, Api
from tests.support.calls import EVERYTHING, everything, make_scene, told
from tests.support.database import seeing

OLD, NEW = "420101", "410101"
THERE = {"area_code": NEW, "address": {"house_no": "7", "moo": 2}, "moved_on": "2026-01-05"}


async def moved(api: Api, id: str, body: Any = THERE, **more: Any) -> httpx2.Response:
    return await everything(api, "POST", f"/v1/households/{id}/move", body, **more)


async def read(api: Api, path: str, **more: Any) -> httpx2.Response:
    return await everything(api, "GET", path, **more)


# -- nothing is forgotten


def test_every_table_of_a_household_moves_or_says_why_it_stays() -> None:
    of_area = {
        name
        for name, table in METADATA.tables.items()
        if {"household_id", "area_code"} <= {column.name for column in table.columns}
    }
    assert of_area == {*MOVES, *STAYS}
    assert not {*MOVES} & {*STAYS}


def test_every_table_of_a_household_is_merged_or_says_why_not() -> None:
    named = {
        name
        for name, table in METADATA.tables.items()
        if "household_id" in {column.name for column in table.columns}
    }
    assert named == {*MERGES, *MERGES_OTHERWISE, *UNMERGED}


async def areas_of(api: Api, id: str) -> dict[str, set[str]]:
    """The areas that the rows of a household have, by table."""
    async with seeing(api.worker.database) as connection:
        return {
            table: {
                row[0]
                for row in await connection.fetch(
                    f"SELECT DISTINCT area_code FROM {table} WHERE household_id = $1", UUID(id)
                )
            }
            for table in (*MOVES, *STAYS)
        }


async def disagree(api: Api, id: str) -> None:
    """What imports leave at a household."""
    async with seeing(api.worker.database) as connection:
        await connection.execute(
            "INSERT INTO source_record (record_key, household_id, area_code) VALUES (sha256($1::text::bytea), $2, $3)",
            id,
            UUID(id),
            OLD,
        )
        await connection.execute(
            """INSERT INTO conflict (household_id, id, area_code, field, stored_source, given_source, given_hash, status,
                 created_at) VALUES ($1, $1, $2, 'has_land', 'tpmap', 'bmn', sha256($3::text::bytea), 'open', now())""",
            UUID(id),
            OLD,
            id,
        )


async def test_every_row_of_the_household_has_the_new_area(api: Api) -> None:
    scene = await make_scene(api)
    id = scene["household_id"]
    await everything(api, "PUT", f"/v1/households/{id}/indicator-results", {
        "fiscal_year": 2569, "edition": "38", "results": [{"indicator_id": "bmn-38-29", "result": "fail"}],
    })  # fmt: skip
    grant = {"household_id": id, "reason": "แจ้งเหตุด่วนทางโทรศัพท์"}
    assert (await everything(api, "POST", "/v1/access-grants", grant)).status_code == 201
    await disagree(api, id)
    before = await areas_of(api, id)
    assert all(before[table] == {OLD} for table in MOVES), before
    answer = await moved(api, id)
    assert answer.status_code == 200, answer.text
    after = await areas_of(api, id)
    assert {table: after[table] for table in MOVES} == {table: {NEW} for table in MOVES}
    assert OLD in after["change"]
    assert OLD in after["audit"]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("problem_move", "reason"),
        ("assignment_move", "reason"),
        ("analysis", "skills"),
        ("access_grant", "reason"),
        ("access_grant", "expires_at"),
        ("audit", "area_code"),
        ("change", "area_code"),
        ("access_ledger", "area_code"),
    ],
)
async def test_what_was_said_and_done_does_not_change_with_the_place(
    api: Api, table: str, column: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with seeing(api.worker.database) as connection:
            await connection.execute(f"UPDATE {table} SET {column} = {column}")


# -- what it says


async def test_a_household_moves_with_its_address_and_keeps_neither_house_code_nor_location(api: Api) -> None:
    body = builders.household(house_code="42010112345", location={"latitude": 17.4, "longitude": 101.7})
    home = (await everything(api, "POST", "/v1/households", body)).json()
    to = (await moved(api, home["id"])).json()
    assert (to["area_code"], to["version"]) == (NEW, 2)
    assert to["address"] == {"house_no": "7", "moo": 2, "village_name": None, "road": None, "postcode": None}
    assert (to["house_code"], to["location"]) == (None, None)
    assert to["members"][0]["person"]["household_id"] == home["id"]
    history = (await read(api, f"/v1/households/{home['id']}/history")).json()["items"]
    told_of = {
        one["field"]: (one["before"], one["after"]) for one in history if one["action"] == "household.moved"
    }
    assert told_of["area_code"] == (OLD, NEW)
    assert told_of["house_no"] == ("99/1", "7")
    assert told_of["moved_on"] == (None, "2026-01-05")


async def test_a_move_inside_the_place_changes_the_address_alone(api: Api) -> None:
    scene = await make_scene(api)
    problem = (await read(api, f"/v1/problems/{scene['problem_id']}")).json()
    body = {**THERE, "area_code": OLD, "house_code": "42010154321"}
    to = (await moved(api, scene["household_id"], body)).json()
    assert (to["area_code"], to["house_code"]) == (OLD, "42010154321")
    assert (await read(api, f"/v1/problems/{scene['problem_id']}")).json() == problem
    assert "left" not in [action for *_, action, _ in await fed(api, scene["household_id"])]


async def test_what_is_shown_with_an_area_is_a_new_version_of_it(api: Api) -> None:
    scene = await make_scene(api)
    paths = [f"/v1/problems/{scene['problem_id']}", f"/v1/assignments/{scene['assignment_id']}"]
    before = [(await read(api, path)).json() for path in paths]
    await moved(api, scene["household_id"])
    for path, old in zip(paths, before, strict=True):
        new = (await read(api, path)).json()
        assert (new["area_code"], new["version"]) == (NEW, old["version"] + 1)
        assert new["updated_at"] > old["updated_at"]


async def test_those_of_the_old_area_lose_it_and_those_of_the_new_gain_it(api: Api) -> None:
    scene = await make_scene(api)
    await moved(api, scene["household_id"])
    for path in (
        f"/v1/households/{scene['household_id']}",
        f"/v1/persons/{scene['person_id']}",
        f"/v1/problems/{scene['problem_id']}",
        f"/v1/assignments/{scene['assignment_id']}",
        f"/v1/assistance-events/{scene['event_id']}",
    ):
        assert told(await read(api, path, areas=["42"])) == (404, "not-found"), path
        assert (await read(api, path, areas=["41"])).status_code == 200, path


# -- who may


@pytest.mark.parametrize(
    ("areas", "answer"),
    [
        (["42"], (403, "outside-your-areas")),
        (["41"], (404, "not-found")),
        ([], (404, "not-found")),
        (["42", "41"], (200, None)),
    ],
    ids=["old alone", "new alone", "none", "both"],
)
async def test_whoever_moves_a_household_covers_both_areas(
    api: Api, areas: list[str], answer: tuple[int, str | None]
) -> None:
    home = (await everything(api, "POST", "/v1/households", builders.household())).json()
    assert told(await moved(api, home["id"], areas=areas)) == answer


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"area_code": "999999"}, "/area_code", "unknown-area"),
        ({"area_code": "4201"}, "/area_code", "wrong-format"),
        ({"moved_on": "2099-01-01"}, "/moved_on", "future-date"),
        ({"address": {"house_no": "1234567890123"}}, "/address/house_no", "personal-data"),
        ({"version": 1}, "/version", "unknown-field"),
    ],
    ids=["unknown area", "too wide", "future", "13 digits", "unknown field"],
)
async def test_bad_moves_are_refused(api: Api, change: dict[str, Any], pointer: str, code: str) -> None:
    home = (await everything(api, "POST", "/v1/households", builders.household())).json()
    answer = await moved(api, home["id"], {**THERE, **change})
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]
    assert (await read(api, f"/v1/households/{home['id']}")).json() == home


# -- the feed


async def fed(api: Api, id: str, since: UUID | None = None) -> list[tuple[str, str, str, str | None]]:
    """(area, type, action, left for), in the order of the feed."""
    async with seeing(api.worker.database) as connection:
        rows = await connection.fetch(
            """SELECT area_code, type, action, left_for FROM change WHERE household_id = $1 AND id > $2
               ORDER BY transaction_id, id""",
            UUID(id),
            since or UUID(int=0),
        )
    return [tuple(row) for row in rows]


async def test_the_feed_tells_the_old_area_that_it_left_and_the_new_one_of_everything(api: Api) -> None:
    scene = await make_scene(api)
    since = UUID(int=uuid7().int)
    await moved(api, scene["household_id"])
    rows = await fed(api, scene["household_id"], since)
    left = [row for row in rows if row[2] == "left"]
    assert left
    assert rows[: len(left)] == left, "they stand before the others of the same change"
    assert {row[:2] + row[3:] for row in left} == {(OLD, "household", NEW)}
    here = [row for row in rows if row[0] == NEW]
    assert {row[1] for row in here} >= {
        "household",
        "person",
        "problem",
        "analysis",
        "assignment",
        "assistance_event",
    }
    assert len(left) + len(here) == len(rows)
    assert (NEW, "household", "moved", None) in here


# -- at once


async def test_what_is_recorded_while_a_household_moves_ends_up_where_it_is(api: Api) -> None:
    for _ in range(6):
        home = (await everything(api, "POST", "/v1/households", builders.household())).json()
        id, person = home["id"], home["members"][1]["person_id"]

        def post(path: str, body: Any) -> Any:
            return everything(api, "POST", path, body)

        answers = await asyncio.gather(
            *(post("/v1/assistance-events", builders.event(id)) for _ in range(3)),
            moved(api, id),
            *(post("/v1/assistance-events", builders.event(id)) for _ in range(3)),
            post("/v1/problems", builders.problem(id)),
            post(f"/v1/households/{id}/analyses", builders.analysis()),
            post(f"/v1/households/{id}/members", builders.member("sibling")),
            everything(
                api, "PATCH", f"/v1/persons/{person}", {"occupation": "ทอผ้า"}, headers={"If-Match": '"1"'}
            ),
        )
        assert all(one.is_success for one in answers), [one.text for one in answers if not one.is_success]
        areas = await areas_of(api, id)
        assert all(areas[table] <= {NEW} for table in MOVES), areas


async def test_graphql_moves_as_well(api: Api) -> None:
    home = (await everything(api, "POST", "/v1/households", builders.household())).json()
    asked = "mutation ($input: MoveHouseholdInput!) { moveHousehold(input: $input) { areaCode address { houseNo } } }"
    wanted = {
        "householdId": home["id"],
        "areaCode": NEW,
        "address": {"houseNo": "7"},
        "movedOn": "2026-01-05",
    }
    claims: dict[str, Any] = {"scopes": EVERYTHING, "areas": ["*"]}
    answer = (await api.graphql("center", asked, {"input": wanted}, headers=PURPOSE, **claims)).json()
    assert answer["data"] == {"moveHousehold": {"areaCode": NEW, "address": {"houseNo": "7"}}}, answer
