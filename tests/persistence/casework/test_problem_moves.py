"""What may be done with a problem, on the fake and on PostgreSQL."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.access.policy import InsufficientScope, Operation, admit
from domain.casework import analyses, problems
from domain.casework.problem import ProblemPatch, ProblemTransition
from domain.casework.states import ProblemStatus
from domain.errors import Conflict, IllegalTransition, NotFound, VersionMismatch
from tests.persistence.casework.conftest import NOW, TODAY, Scene
from tests.persistence.casework.steps import (
    FULL,
    OTHER,
    PHOTO,
    TEAM,
    WRITER,
    add,
    analysed,
    helped,
    move,
    refused,
    shown,
)
from tests.support.builders import citizen_id
from tests.support.casework import actor


async def test_a_new_problem_is_identified_and_has_a_history(scene: Scene) -> None:
    found = shown(await problems.read(scene.work, TEAM, await add(scene)))
    assert (found["status"], found["version"], len(found["history"])) == ("identified", 1, 1)
    assert set(found["allowed"]) == {"analysed", "declined", "moved_out", "entered_in_error"}


@pytest.mark.parametrize(
    ("more", "faults"),
    [
        ({"person_id": UUID(int=7)}, [("/person_id", "unknown-member")]),
        ({"indicator_id": "bmn-38-99"}, [("/indicator_id", "unknown-indicator")]),
        ({"indicator_id": "bmn-38-1"}, [("/indicator_id", "other-dimension")]),
        ({"recurrence_of": UUID(int=7)}, [("/recurrence_of", "not-a-closed-problem")]),
        ({"household_id": UUID(int=7)}, [("/household_id", "unknown-household")]),
        ({"need": f"บัตร {citizen_id()}"}, [("/need", "personal-data")]),
    ],
)
async def test_a_problem_that_names_something_unknown_is_refused(
    scene: Scene, more: Any, faults: Any
) -> None:
    assert await refused(add(scene, **more)) == faults


async def test_any_indicator_fits_the_dimension_other(scene: Scene) -> None:
    await add(scene, dimension="other", indicator_id="bmn-38-1")


async def test_a_household_outside_the_caller_s_areas_is_unknown(scene: Scene) -> None:
    neighbour = actor("problems:write", "households:read", areas=("41",))
    assert await refused(add(scene, neighbour)) == [("/household_id", "unknown-household")]


async def test_without_the_scope_nothing_is_written(scene: Scene) -> None:
    with pytest.raises(InsufficientScope):
        await add(scene, actor("problems:read", "households:read"))


async def test_a_problem_outside_the_caller_s_areas_is_not_found(scene: Scene) -> None:
    problem_id = await add(scene)
    with pytest.raises(NotFound):
        await problems.read(scene.work, actor("problems:read", "households:read", areas=("41",)), problem_id)
    with pytest.raises(NotFound):
        await move(scene, problem_id, "declined", actor("problems:write", "households:read", areas=("41",)))


async def test_an_agency_that_is_not_assigned_does_not_see_the_problem(scene: Scene) -> None:
    problem_id = await add(scene)
    with pytest.raises(NotFound):
        await problems.read(scene.work, actor("problems:read", agency="PROV_MOPH-42"), problem_id)


async def test_analysed_needs_a_complete_analysis(scene: Scene) -> None:
    problem_id = await add(scene)
    with pytest.raises(Conflict) as caught:
        await move(scene, problem_id, "analysed")
    assert caught.value.error_code == "analysis-required"
    partial = FULL.model_copy(update={"way_out": None})
    assert (
        shown(await analyses.add(scene.work, TEAM, scene.household_id, partial, now=NOW))["complete"] is False
    )
    with pytest.raises(Conflict):
        await move(scene, problem_id, "analysed")
    await analyses.add(scene.work, TEAM, scene.household_id, FULL, now=NOW)
    assert (await move(scene, problem_id, "analysed"))["status"] == "analysed"


@pytest.mark.parametrize("to", ["assigned", "being_helped", "resolved", "identified", "deceased"])
async def test_a_move_that_is_not_allowed_names_those_that_are(scene: Scene, to: str) -> None:
    problem_id = await add(scene)
    with pytest.raises(IllegalTransition) as caught:
        await move(scene, problem_id, to)
    assert caught.value.extra["allowed"] == ["analysed", "declined", "entered_in_error", "moved_out"]


async def test_every_fault_of_a_move_is_told_at_once(scene: Scene) -> None:
    problem_id = await add(scene)
    move_out = ProblemTransition.model_validate({"to": "moved_out", "occurred_on": TODAY + timedelta(days=1)})
    faults = await refused(problems.transition(scene.work, TEAM, problem_id, move_out, now=NOW))
    assert faults == [("/occurred_on", "future-date"), ("/reason", "required"), ("/moved_to", "required")]


async def test_a_destination_belongs_to_moved_out_alone(scene: Scene) -> None:
    problem_id = await add(scene)
    assert await refused(move(scene, problem_id, "declined", moved_to="เลย")) == [
        ("/moved_to", "not-applicable")
    ]
    assert (await move(scene, problem_id, "moved_out", moved_to="ขอนแก่น"))["moved_to"] == "ขอนแก่น"


async def test_a_member_s_problem_may_end_by_a_death(scene: Scene) -> None:
    problem_id = await add(scene, person_id=scene.person_id)
    assert (await move(scene, problem_id, "deceased"))["status"] == "deceased"


async def test_resolved_needs_help_or_evidence(scene: Scene) -> None:
    problem_id = await analysed(scene)
    reach = admit(TEAM, Operation.WRITE_PROBLEMS)
    held = await scene.work.problems.hold(reach, [problem_id])
    await scene.work.problems.follow(reach, held, ProblemStatus.BEING_HELPED, "ได้รับความช่วยเหลือ", now=NOW)
    with pytest.raises(Conflict) as caught:
        await move(scene, problem_id, "resolved")
    assert caught.value.error_code == "evidence-required"
    assert (await move(scene, problem_id, "resolved", evidence=[PHOTO.model_dump()]))["status"] == "resolved"


async def test_assistance_is_support_enough(scene: Scene) -> None:
    found = await move(scene, await helped(scene), "resolved")
    assert (found["status"], found["allowed"]) == ("resolved", [])


async def test_without_problems_resolve_it_is_a_proposal(scene: Scene) -> None:
    problem_id = await helped(scene)
    found = await move(scene, problem_id, "resolved", WRITER)
    assert (found["status"], found["proposed_status"]) == ("being_helped", "resolved")
    assert found["history"][-1]["proposal"] is True
    found = await move(scene, problem_id, "resolved", TEAM)
    assert (found["status"], found["proposed_status"]) == ("resolved", None)


async def test_an_entry_in_error_takes_two_clients(scene: Scene) -> None:
    problem_id = await add(scene)
    found = await move(scene, problem_id, "entered_in_error", WRITER)
    assert (found["status"], found["proposed_status"]) == ("identified", "entered_in_error")
    with pytest.raises(Conflict) as caught:
        await move(scene, problem_id, "entered_in_error", WRITER)
    assert caught.value.error_code == "needs-another-client"
    assert (await move(scene, problem_id, "entered_in_error", OTHER))["status"] == "entered_in_error"


async def test_closed_is_final(scene: Scene) -> None:
    problem_id = await add(scene)
    closed = await move(scene, problem_id, "declined")
    with pytest.raises(IllegalTransition):
        await move(scene, problem_id, "analysed")
    with pytest.raises(Conflict) as caught:
        await amend(scene, problem_id, closed["version"], need="ใหม่")
    assert caught.value.error_code == "problem-closed"


async def test_a_closed_problem_may_recur(scene: Scene) -> None:
    problem_id = await add(scene)
    assert await refused(add(scene, recurrence_of=problem_id)) == [("/recurrence_of", "not-a-closed-problem")]
    await move(scene, problem_id, "declined")
    await add(scene, recurrence_of=problem_id)


async def amend(scene: Scene, problem_id: UUID, version: int, **named: Any) -> Any:
    patch = ProblemPatch.model_validate(named)
    return shown(await problems.amend(scene.work, TEAM, problem_id, patch, version=version, now=NOW))


async def test_a_patch_is_for_the_version_that_was_read(scene: Scene) -> None:
    problem_id = await add(scene)
    found = await amend(scene, problem_id, 1, need="เมล็ดพันธุ์")
    assert (found["need"], found["version"]) == ("เมล็ดพันธุ์", 2)
    with pytest.raises(VersionMismatch):
        await amend(scene, problem_id, 1, need="อื่น")
    assert (await amend(scene, problem_id, 2, need="เมล็ดพันธุ์"))["version"] == 2
    assert (await amend(scene, problem_id, 2, need=None))["need"] is None


async def test_a_patch_is_held_to_the_same_rules(scene: Scene) -> None:
    problem_id = await add(scene)
    assert await refused(amend(scene, problem_id, 1, indicator_id="bmn-38-1")) == [
        ("/indicator_id", "other-dimension")
    ]


async def test_an_analysis_is_not_of_tomorrow(scene: Scene) -> None:
    tomorrow = FULL.model_copy(update={"analysed_on": TODAY + timedelta(days=1)})
    faults = await refused(analyses.add(scene.work, TEAM, scene.household_id, tomorrow, now=NOW))
    assert faults == [("/analysed_on", "future-date")]
