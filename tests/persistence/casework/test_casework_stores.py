"""What the stores of casework leave in PostgreSQL, and what their statements answer."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pydantic import TypeAdapter

from domain.access.policy import Operation, admit
from domain.casework import analyses, assignments, catalogue, problems
from domain.casework.assignment import Assignment, AssignmentFilter
from domain.casework.menu_forms import MenuFilter, MenuPatch
from domain.casework.menus import Menu, MenuDraft
from domain.casework.problem import Analysis, Problem, ProblemFilter
from domain.errors import Conflict, Invalid, NotFound, VersionMismatch
from domain.kernel import Paging
from persistence.engine import Database
from tests.persistence.casework.conftest import MENU, NOW, TODAY, PgWork, Scene, new_id
from tests.persistence.casework.steps import (
    FULL,
    PHOTO,
    TEAM,
    WRITER,
    add,
    analysed,
    answer,
    assign,
    helped,
    move,
)
from tests.support.casework import actor
from tests.support.database import seeing

DECIDER = actor(
    "households:read",
    "problems:read",
    "problems:write",
    "problems:resolve",
    "assignments:read",
    "assignments:write",
)
HEALTH = actor(
    "problems:read", "assignments:read", "assignments:respond", agency="PROV_MOPH-42", client="health"
)
CATALOGUE = actor("menus:read", "menus:write", areas=("*",))


async def test_every_view_is_what_the_contract_says(real: Scene) -> None:
    problem_id = await helped(real, person_id=real.person_id, indicator_id="bmn-38-27", need="งาน")
    await move(real, problem_id, "resolved", WRITER, evidence=[PHOTO.model_dump()])
    made = await assign(real, [problem_id], DECIDER, menu_code="INC-01", due_on=TODAY, instructions="เยี่ยมก่อน")
    found = await problems.read(real.work, TEAM, problem_id)
    problem = Problem.model_validate_json(found.text)
    assert (problem.version, problem.history[-1].evidence) == (found.version, [PHOTO])
    listed = await problems.browse(real.work, TEAM, ProblemFilter(household_id=[real.household_id]), Paging())
    assert TypeAdapter(list[Problem]).validate_json(listed.items) == [problem]
    document = await assignments.read(real.work, DECIDER, UUID(made["id"]), now=NOW)
    assignment = Assignment.model_validate_json(document.text)
    where = AssignmentFilter(household_id=[real.household_id])
    page = await assignments.browse(real.work, DECIDER, where, Paging(), now=NOW)
    assert TypeAdapter(list[Assignment]).validate_json(page.items) == [assignment]
    mine = await analyses.browse(real.work, TEAM, real.household_id, Paging())
    assert [one.complete for one in TypeAdapter(list[Analysis]).validate_json(mine.items)] == [True]


async def test_a_list_walks_through_all_pages_in_both_orders(real: Scene) -> None:
    made = [await add(real) for _ in range(5)]
    for sort, expected in (("created_at", made), ("-created_at", made[::-1])):
        seen: list[str] = []
        after: tuple[str, ...] | None = None
        while True:
            paging = Paging(limit=2, after=after, sort=sort, count="exact")
            where = ProblemFilter(household_id=[real.household_id])
            page = await problems.browse(real.work, TEAM, where, paging)
            seen += [one["id"] for one in json.loads(page.items)]
            assert page.total == 5
            if page.last is None:
                break
            after = page.last
        assert seen == [str(one) for one in expected]


async def test_an_estimate_counts_without_reading(real: Scene) -> None:
    await add(real)
    page = await problems.browse(
        real.work, TEAM, ProblemFilter(dimension=["income"]), Paging(count="estimated")
    )
    assert page.total is not None


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"status": ["declined"]}, 1),
        ({"status": ["declined", "identified"]}, 2),
        ({"dimension": ["health"]}, 1),
        ({"indicator": ["bmn-38-27"]}, 1),
        ({"indicator": ["bmn-38-99"]}, 0),
        ({"fiscal_year": [2569]}, 2),
        ({"fiscal_year": [2570]}, 0),
        ({"area": ["420103"]}, 2),
        ({"area": ["42", "41"]}, 2),
        ({"area": ["41"]}, 0),
        ({"solvability": ["self_solvable"]}, 0),
        ({"updated_since": NOW}, 2),
        ({"updated_since": NOW + timedelta(days=1)}, 0),
    ],
)
async def test_filters_of_problems_narrow(real: Scene, where: dict[str, Any], found: int) -> None:
    await move(real, await add(real, indicator_id="bmn-38-27"), "declined")
    await add(real, dimension="health")
    where = {"household_id": [real.household_id], **where}
    page = await problems.browse(real.work, TEAM, ProblemFilter.model_validate(where), Paging())
    assert len(json.loads(page.items)) == found


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"agency": ["PROV_MOPH-42"]}, 1),
        ({"agency": ["PROV_MOPH-42", "MOPH"]}, 2),
        ({"status": ["assigned"]}, 2),
        ({"status": ["cancelled"]}, 0),
        ({"overdue": True}, 1),
        ({"overdue": False}, 1),
        ({"area": ["4201"]}, 2),
        ({"area": ["4202"]}, 0),
    ],
)
async def test_filters_of_assignments_narrow(real: Scene, where: dict[str, Any], found: int) -> None:
    problem_id = await analysed(real)
    await assign(real, [problem_id], DECIDER, due_on=TODAY)
    await assign(real, [problem_id], DECIDER, agency="MOPH")
    later = NOW + timedelta(days=2)
    where = {"household_id": [real.household_id], **where}
    page = await assignments.browse(
        real.work, DECIDER, AssignmentFilter.model_validate(where), Paging(), now=later
    )
    assert len(json.loads(page.items)) == found


async def test_an_agency_lists_what_is_its_own(real: Scene) -> None:
    problem_id = await analysed(real)
    await assign(real, [problem_id], DECIDER)
    await assign(real, [problem_id], DECIDER, agency="MOPH")
    other = Scene(real.work, new_id(), new_id())
    await real.work.register(other.household_id, other.person_id)
    await add(other)
    page = await assignments.browse(real.work, HEALTH, AssignmentFilter(), Paging(), now=NOW)
    assert [one["agency"] for one in json.loads(page.items)] == ["PROV_MOPH-42"]
    seen = await problems.browse(real.work, HEALTH, ProblemFilter(), Paging())
    assert [one["id"] for one in json.loads(seen.items)] == [str(problem_id)]


async def test_the_analyses_of_an_unseen_household_are_not_found(real: Scene) -> None:
    assert (await analyses.browse(real.work, TEAM, real.household_id, Paging())).items == b"[]"
    for household_id, who in ((new_id(), TEAM), (real.household_id, HEALTH)):
        with pytest.raises(NotFound):
            await analyses.browse(real.work, who, household_id, Paging())
    with pytest.raises(NotFound):
        await analyses.add(real.work, TEAM, new_id(), FULL, now=NOW)


async def test_every_write_leaves_a_line_of_the_feed_and_one_of_the_audit(real: Scene) -> None:
    problem_id = await analysed(real, need="ลับ")
    made = await assign(real, [problem_id], DECIDER, instructions="ลับ")
    await answer(real, made, "returned", HEALTH, reason="ลับ")
    await move(real, problem_id, "declined", reason="ลับ")
    rows = await real.work.connection.fetch(
        "SELECT type, action, version, agency FROM change WHERE household_id = $1 ORDER BY id",
        real.household_id,
    )
    assert [tuple(row) for row in rows] == [
        ("analysis", "created", 1, None),
        ("problem", "created", 1, None),
        ("problem", "updated", 2, None),
        ("assignment", "created", 1, "PROV_MOPH-42"),
        ("household", "entered", 1, "PROV_MOPH-42"),
        ("problem", "updated", 3, None),
        ("assignment", "updated", 2, "PROV_MOPH-42"),
        ("household", "left", 1, "PROV_MOPH-42"),
        # What stays the agency's own to read follows the tombstone.
        ("assignment", "updated", 2, "PROV_MOPH-42"),
        ("problem", "updated", 4, None),
        ("problem", "updated", 5, None),
    ]
    told = await real.work.connection.fetch(
        "SELECT operation, client_id, changes FROM audit WHERE household_id = $1 ORDER BY id",
        real.household_id,
    )
    # Who sees it by that is no write of its own.
    assert len(told) == len(rows) - 3
    assert told[5]["client_id"] == "health"
    assert json.loads(told[-1]["changes"]) == {"status": ["analysed", "declined"]}
    assert not any("ลับ" in row["changes"].decode() for row in told)


async def test_the_database_refuses_to_delete_a_problem(real: Scene) -> None:
    problem_id = await add(real)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await real.work.connection.execute("DELETE FROM problem WHERE id = $1", problem_id)


async def test_a_read_and_a_list_are_one_statement(real: Scene) -> None:
    problem_id = await analysed(real)
    made = await assign(real, [problem_id], DECIDER)
    counted: list[str] = []

    def count(record: Any) -> None:
        counted.append(record.query)

    real.work.connection.add_query_logger(count)
    await problems.read(real.work, HEALTH, problem_id)
    await problems.browse(real.work, HEALTH, ProblemFilter(status=["assigned"]), Paging(count="exact"))
    await assignments.read(real.work, HEALTH, UUID(made["id"]), now=NOW)
    await assignments.browse(real.work, HEALTH, AssignmentFilter(), Paging(), now=NOW)
    await analyses.browse(real.work, TEAM, real.household_id, Paging())
    await catalogue.browse(real.work, CATALOGUE, MenuFilter(q="ผัก"), Paging())
    await asyncio.sleep(0)  # the logger is called by the loop
    real.work.connection.remove_query_logger(count)
    assert len(counted) == 6


async def test_two_writers_of_one_household_wait_for_each_other(shared: Database) -> None:
    """A decline and a return lock problems and assignments from two ends; neither may end in a deadlock."""
    async with seeing(shared) as setup:
        scene = Scene(PgWork(setup), new_id(), new_id())
        await scene.work.register(scene.household_id, scene.person_id)
        problem_id = await analysed(scene)
        made = await assign(scene, [problem_id], DECIDER)

    async def on_its_own(step: Any) -> str:
        async with seeing(shared) as connection:
            mine = Scene(PgWork(connection), scene.household_id, scene.person_id)
            try:
                return str((await step(mine))["status"])
            except Conflict as error:
                return error.error_code

    outcome = await asyncio.gather(
        on_its_own(lambda mine: move(mine, problem_id, "declined")),
        on_its_own(lambda mine: answer(mine, made, "returned", HEALTH, reason="ไม่ใช่ภารกิจ")),
    )
    # Whoever comes first, the problem ends declined; the assignment was returned, or already cancelled.
    assert outcome[0] == "declined"
    assert outcome[1] in ("returned", "illegal-transition")


class TestMenus:
    async def test_a_menu_is_added_read_and_amended(self, real: Scene) -> None:
        draft = MENU.model_copy(update={"code": "LOCAL-1", "kind": "livelihood"})
        made = await catalogue.add(real.work, CATALOGUE, draft, now=NOW)
        menu = Menu.model_validate_json(made.text)
        assert (menu.code, menu.version) == ("LOCAL-1", 1)
        patch = MenuPatch.model_validate({"enabled": False, "title_en": "Kitchen garden"})
        amended = await catalogue.amend(real.work, CATALOGUE, menu.id, patch, version=1, now=NOW)
        found = Menu.model_validate_json(amended.text)
        assert (found.enabled, found.title_en, found.title_th, found.version) == (
            False,
            "Kitchen garden",
            menu.title_th,
            2,
        )
        assert not await real.work.menus.exists("LOCAL-1")
        with pytest.raises(VersionMismatch):
            await catalogue.amend(real.work, CATALOGUE, menu.id, patch, version=1, now=NOW)

    async def test_a_code_is_taken_once(self, real: Scene) -> None:
        with pytest.raises(Conflict) as caught:
            await catalogue.add(real.work, CATALOGUE, MENU, now=NOW)
        assert caught.value.error_code == "menu-exists"

    async def test_what_the_reference_data_does_not_know_is_refused(self, real: Scene) -> None:
        unknown = {
            "code": "X-1",
            "indicators": ["bmn-38-99"],
            "lead_agencies": ["NOBODY"],
            "areas": ["99"],
            "kind": "no",
        }
        with pytest.raises(Invalid) as caught:
            await catalogue.add(real.work, CATALOGUE, MENU.model_copy(update=unknown), now=NOW)
        assert {fault.pointer for fault in caught.value.faults} == {
            "/kind",
            "/indicators/0",
            "/lead_agencies/0",
            "/areas/0",
        }

    @pytest.mark.parametrize(
        ("where", "found"),
        [
            ({"dimension": ["income"]}, True),
            ({"dimension": ["health"]}, False),
            ({"indicator": ["bmn-38-27"]}, True),
            ({"agency": ["PROV_MOPH"]}, True),
            ({"agency": ["PROV_MOPH-42"]}, True),
            ({"agency": ["PROV_MOPH-4"]}, True),
            ({"agency": ["DIST_CDD"]}, False),
            ({"q": "ผักสวน"}, True),
            ({"q": "ไม่มี%"}, False),
        ],
    )
    async def test_filters_of_menus_narrow(self, real: Scene, where: dict[str, Any], found: bool) -> None:
        draft = MENU.model_copy(
            update={"code": "ZZ-1", "lead_agencies": ["PROV_MOPH"], "title_th": "ปลูกผักสวนครัว"}
        )
        await real.work.menus.add(admit(CATALOGUE, Operation.WRITE_MENUS), new_id(), draft, now=NOW)
        page = await catalogue.browse(
            real.work, CATALOGUE, MenuFilter.model_validate(where), Paging(limit=200)
        )
        assert ("ZZ-1" in [one["code"] for one in json.loads(page.items)]) is found

    async def test_menus_are_listed_by_code(self, real: Scene) -> None:
        for code in ("ZZ-3", "ZZ-1", "ZZ-2"):
            await real.work.menus.add(
                admit(CATALOGUE, Operation.WRITE_MENUS),
                new_id(),
                MENU.model_copy(update={"code": code}),
                now=NOW,
            )
        first = await catalogue.browse(real.work, CATALOGUE, MenuFilter(), Paging(limit=200))
        codes = [one["code"] for one in json.loads(first.items)]
        assert codes == sorted(codes)
        rest = await catalogue.browse(real.work, CATALOGUE, MenuFilter(), Paging(after=("ZZ-1",)))
        assert [one["code"] for one in json.loads(rest.items)] == ["ZZ-2", "ZZ-3"]

    async def test_matching_looks_at_menus_of_the_dimension_or_the_indicator(self, real: Scene) -> None:
        for code, more in (
            ("ZZ-1", {"dimension": "health", "indicators": []}),
            ("ZZ-2", {"dimension": "living", "indicators": ["bmn-38-1"]}),
            ("ZZ-3", {"dimension": "living", "indicators": []}),
            ("ZZ-4", {"dimension": "health", "indicators": [], "enabled": False}),
        ):
            draft = MenuDraft.model_validate(MENU.model_dump() | {"code": code} | more)
            await real.work.menus.add(admit(CATALOGUE, Operation.WRITE_MENUS), new_id(), draft, now=NOW)
        found = {menu.code for menu in await real.work.menus.enabled("health", ["bmn-38-1"])}
        assert found & {"ZZ-1", "ZZ-2", "ZZ-3", "ZZ-4"} == {"ZZ-1", "ZZ-2"}
