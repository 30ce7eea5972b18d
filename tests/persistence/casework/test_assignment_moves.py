"""What may be done with an assignment, on the fake and on PostgreSQL."""

from typing import Any
from uuid import UUID

import pytest

from domain.access.policy import InsufficientScope
from domain.casework import assignments, problems
from domain.errors import Conflict, IllegalTransition, NotFound
from tests.persistence.casework.conftest import NOW, TODAY, Scene, new_id
from tests.persistence.casework.steps import (
    TEAM,
    WRITER,
    add,
    analysed,
    answer,
    assign,
    helped,
    move,
    refused,
    shown,
    status,
)
from tests.support.casework import actor

DECIDER = actor(
    "households:read",
    "problems:read",
    "problems:write",
    "problems:resolve",
    "assignments:read",
    "assignments:write",
)
HEALTH = actor(
    "households:read.assigned", "problems:read", "assignments:read", "assignments:respond",
    agency="PROV_MOPH-42", client="health",
)  # fmt: skip
SOCIAL = actor(
    "households:read.assigned", "problems:read", "assignments:read", "assignments:respond",
    agency="PROV_MSDHS-42", client="social",
)  # fmt: skip


async def test_a_decider_s_assignment_moves_its_problems(scene: Scene) -> None:
    problem_id = await analysed(scene)
    made = await assign(scene, [problem_id], DECIDER, due_on=TODAY)
    assert (made["status"], made["version"], made["overdue"]) == ("assigned", 1, False)
    assert await status(scene, problem_id) == "assigned"


async def test_a_team_s_assignment_is_a_proposal_and_moves_nothing(scene: Scene) -> None:
    problem_id = await add(scene)
    made = await assign(scene, [problem_id], WRITER)
    assert made["status"] == "proposed"
    assert await status(scene, problem_id) == "identified"


async def test_the_approval_of_a_proposal_moves_its_problems(scene: Scene) -> None:
    problem_id = await analysed(scene)
    made = await assign(scene, [problem_id], WRITER)
    assert (await answer(scene, made, "assigned", DECIDER))["status"] == "assigned"
    assert await status(scene, problem_id) == "assigned"


async def test_what_nobody_has_analysed_is_not_assigned(scene: Scene) -> None:
    problem_id = await add(scene)
    with pytest.raises(Conflict) as caught:
        await assign(scene, [problem_id], DECIDER)
    assert caught.value.error_code == "illegal-transition"
    assert "analysed" in caught.value.extra["allowed"]
    proposal = await assign(scene, [problem_id], WRITER)
    with pytest.raises(Conflict):
        await answer(scene, proposal, "assigned", DECIDER)


async def test_a_closed_problem_is_not_assigned(scene: Scene) -> None:
    problem_id = await add(scene)
    await move(scene, problem_id, "declined")
    for who in (DECIDER, WRITER):
        with pytest.raises(Conflict) as caught:
            await assign(scene, [problem_id], who)
        assert caught.value.error_code == "problem-closed"


@pytest.mark.parametrize(
    ("more", "faults"),
    [
        ({"agency": "NOBODY"}, [("/agency", "unknown-agency")]),
        ({"agency": "PROV_MOPH-41"}, [("/agency", "agency-outside-area")]),
        ({"menu_code": "NONE"}, [("/menu_code", "unknown-menu")]),
        ({"household_id": UUID(int=5)}, [("/problem_ids/0", "other-household")]),
    ],
)
async def test_an_assignment_that_names_something_unknown_is_refused(
    scene: Scene, more: Any, faults: Any
) -> None:
    problem_id = await analysed(scene)
    assert await refused(assign(scene, [problem_id], DECIDER, **more)) == faults


async def test_an_assignment_is_for_problems_of_one_household(scene: Scene) -> None:
    problem_id = await analysed(scene)
    elsewhere = Scene(scene.work, new_id(), new_id())
    await scene.work.register(elsewhere.household_id, elsewhere.person_id)
    other = await analysed(elsewhere)
    found = await refused(assign(scene, [problem_id, UUID(int=3), other, problem_id], DECIDER))
    assert found == [
        ("/problem_ids/1", "unknown-problem"),
        ("/problem_ids/2", "other-household"),
        ("/problem_ids/3", "repeated-id"),
    ]


async def test_an_agency_goes_through_its_own_assignment(scene: Scene) -> None:
    problem_id = await analysed(scene)
    made = await assign(scene, [problem_id], DECIDER)
    found = await answer(scene, made, "accepted", HEALTH)
    assert found["allowed"] == ["in_progress"]
    await answer(scene, made, "in_progress", HEALTH)
    assert (await answer(scene, made, "completed", HEALTH, outcome="ได้งานทำ"))["outcome"] == "ได้งานทำ"
    assert (await answer(scene, made, "confirmed", TEAM))["status"] == "confirmed"
    with pytest.raises(IllegalTransition) as caught:
        await answer(scene, made, "cancelled", DECIDER, reason="พลาด")
    assert caught.value.extra["allowed"] == []


async def test_another_agency_neither_sees_nor_moves_it(scene: Scene) -> None:
    made = await assign(scene, [await analysed(scene)], DECIDER)
    with pytest.raises(NotFound):
        await assignments.read(scene.work, SOCIAL, UUID(made["id"]), now=NOW)
    with pytest.raises(NotFound):
        await answer(scene, made, "accepted", SOCIAL)


async def test_an_agency_sees_its_household_while_assigned(scene: Scene) -> None:
    problem_id = await analysed(scene)
    made = await assign(scene, [problem_id], DECIDER)
    assert shown(await problems.read(scene.work, HEALTH, problem_id))["status"] == "assigned"
    assert (await answer(scene, made, "returned", HEALTH, reason="ไม่ใช่ภารกิจ"))["status"] == "returned"
    with pytest.raises(NotFound):
        await problems.read(scene.work, HEALTH, problem_id)
    # Its own assignment stays its own.
    assert (
        shown(await assignments.read(scene.work, HEALTH, UUID(made["id"]), now=NOW))["status"] == "returned"
    )


async def test_a_proposal_is_not_shown_to_the_agency_before_it_is_decided(scene: Scene) -> None:
    made = await assign(scene, [await add(scene)], WRITER)
    with pytest.raises(NotFound):
        await assignments.read(scene.work, HEALTH, UUID(made["id"]), now=NOW)


async def test_a_returned_problem_goes_back_to_analysed(scene: Scene) -> None:
    problem_id = await analysed(scene)
    made = await assign(scene, [problem_id], DECIDER)
    assert await refused(answer(scene, made, "returned", HEALTH)) == [("/reason", "required")]
    await answer(scene, made, "returned", HEALTH, reason="ไม่ใช่ภารกิจ")
    assert await status(scene, problem_id) == "analysed"


async def test_a_problem_that_another_assignment_covers_stays_assigned(scene: Scene) -> None:
    problem_id = await analysed(scene)
    made = await assign(scene, [problem_id], DECIDER)
    await assign(scene, [problem_id], DECIDER, agency="PROV_MSDHS-42", role="joint")
    await answer(scene, made, "cancelled", DECIDER, reason="ซ้ำซ้อน")
    assert await status(scene, problem_id) == "assigned"


async def test_help_that_has_begun_is_not_taken_back(scene: Scene) -> None:
    problem_id = await analysed(scene)
    made = await assign(scene, [problem_id], DECIDER)
    await scene.work.record_help(problem_id, TODAY)
    await answer(scene, made, "cancelled", DECIDER, reason="พลาด")
    assert await status(scene, problem_id) == "being_helped"


async def test_an_escalation_makes_the_assignment_of_the_other_agency(scene: Scene) -> None:
    problem_id = await analysed(scene)
    made = await assign(scene, [problem_id], DECIDER, menu_code="INC-01", due_on=TODAY)
    assert await refused(answer(scene, made, "escalated", DECIDER)) == [("/reason", "required")]
    again = {"reason": "เกินกำลัง", "agency": "PROV_MOPH-42"}
    assert await refused(answer(scene, made, "escalated", DECIDER, **again)) == [("/agency", "same-agency")]
    found = await answer(scene, made, "escalated", DECIDER, reason="เกินกำลัง", agency="MOPH")
    taken_over = shown(await assignments.read(scene.work, DECIDER, UUID(found["escalated_to"]), now=NOW))
    assert (taken_over["agency"], taken_over["status"]) == ("MOPH", "assigned")
    assert taken_over["problem_ids"] == [str(problem_id)]
    assert await status(scene, problem_id) == "assigned"


async def test_an_escalation_leaves_closed_problems_behind(scene: Scene) -> None:
    one, two = await analysed(scene), await analysed(scene)
    made = await assign(scene, [one, two], DECIDER)
    await move(scene, one, "declined")
    found = await answer(scene, made, "escalated", DECIDER, reason="เกินกำลัง", agency="MOPH")
    taken_over = shown(await assignments.read(scene.work, DECIDER, UUID(found["escalated_to"]), now=NOW))
    assert taken_over["problem_ids"] == [str(two)]


async def test_only_an_escalation_names_another_agency(scene: Scene) -> None:
    made = await assign(scene, [await analysed(scene)], DECIDER)
    assert await refused(answer(scene, made, "accepted", HEALTH, agency="MOPH")) == [
        ("/agency", "not-applicable")
    ]


@pytest.mark.parametrize("to", ["declined", "moved_out", "deceased"])
async def test_the_end_of_the_last_problem_cancels_its_open_assignments(scene: Scene, to: str) -> None:
    problem_id = await analysed(scene, person_id=scene.person_id)
    made = await assign(scene, [problem_id], DECIDER)
    await move(scene, problem_id, to, **({"moved_to": "ตราด"} if to == "moved_out" else {}))
    found = shown(await assignments.read(scene.work, DECIDER, UUID(made["id"]), now=NOW))
    assert (found["status"], found["allowed"]) == ("cancelled", [])


async def test_an_assignment_with_another_open_problem_goes_on(scene: Scene) -> None:
    one, two = await analysed(scene), await analysed(scene)
    made = await assign(scene, [one, two], DECIDER)
    await move(scene, one, "declined")
    assert (
        shown(await assignments.read(scene.work, DECIDER, UUID(made["id"]), now=NOW))["status"] == "assigned"
    )
    await move(scene, two, "declined")
    assert (
        shown(await assignments.read(scene.work, DECIDER, UUID(made["id"]), now=NOW))["status"] == "cancelled"
    )


async def test_an_agency_may_end_what_it_sees_the_household_by(scene: Scene) -> None:
    writing = actor("problems:write", "problems:read", agency="PROV_MOPH-42", client="health")
    problem_id = await analysed(scene)
    await assign(scene, [problem_id], DECIDER)
    assert (await move(scene, problem_id, "declined", writing))["status"] == "declined"


async def test_a_resolved_problem_leaves_its_assignment_to_be_confirmed(scene: Scene) -> None:
    problem_id = await helped(scene)
    made = await assign(scene, [problem_id], DECIDER)
    await move(scene, problem_id, "resolved")
    assert (
        shown(await assignments.read(scene.work, DECIDER, UUID(made["id"]), now=NOW))["status"] == "assigned"
    )


async def test_without_a_scope_nobody_assigns(scene: Scene) -> None:
    problem_id = await analysed(scene)
    with pytest.raises(InsufficientScope):
        await assign(scene, [problem_id], HEALTH)
