"""What the tests of casework do again and again."""

import json
from typing import Any
from uuid import UUID

import pytest

from domain.access.actor import Actor
from domain.casework import analyses, assignments, problems
from domain.casework.assignment import AssignmentDraft, AssignmentTransition
from domain.casework.problem import AnalysisDraft, ProblemDraft, ProblemTransition
from domain.errors import Invalid
from domain.kernel import Document, Evidence
from tests.persistence.casework.conftest import NOW, TODAY, Scene
from tests.support.casework import actor

TEAM = actor("problems:read", "problems:write", "problems:resolve", "households:read", client="team")
WRITER = actor("problems:read", "problems:write", "households:read", client="writer")
OTHER = actor("problems:read", "problems:write", "households:read", client="other")
PHOTO = Evidence(uri="https://files.example/1.jpg", sha256="a" * 64)
FULL = AnalysisDraft(attitude="ดี", skills="ทอผ้า", resources="ที่ดิน", way_out="ขายผ้า", analysed_on=TODAY)


def shown(document: Document) -> Any:
    return json.loads(document.text)


async def add(scene: Scene, who: Actor = TEAM, **more: Any) -> UUID:
    draft = {"household_id": scene.household_id, "dimension": "income", "fiscal_year": 2569, **more}
    made = await problems.add(scene.work, who, ProblemDraft.model_validate(draft), now=NOW)
    return UUID(shown(made)["id"])


async def move(scene: Scene, problem_id: UUID, to: str, who: Actor = TEAM, **more: Any) -> Any:
    if to != "analysed":
        more.setdefault("reason", "เหตุผล")
    transition = ProblemTransition.model_validate({"to": to, **more})
    return shown(await problems.transition(scene.work, who, problem_id, transition, now=NOW))


async def analysed(scene: Scene, **more: Any) -> UUID:
    await analyses.add(scene.work, TEAM, scene.household_id, FULL, now=NOW)
    problem_id = await add(scene, **more)
    await move(scene, problem_id, "analysed")
    return problem_id


async def helped(scene: Scene, **more: Any) -> UUID:
    problem_id = await analysed(scene, **more)
    await scene.work.record_help(problem_id, TODAY)
    return problem_id


async def assign(scene: Scene, problem_ids: list[UUID], who: Actor, **more: Any) -> Any:
    draft = {"problem_ids": problem_ids, "agency": "PROV_MOPH-42", **more}
    made = await assignments.make(scene.work, who, AssignmentDraft.model_validate(draft), now=NOW)
    return shown(made)


async def answer(scene: Scene, assignment: Any, to: str, who: Actor, **more: Any) -> Any:
    move = AssignmentTransition.model_validate({"to": to, **more})
    found = await assignments.transition(scene.work, who, UUID(assignment["id"]), move, now=NOW)
    return shown(found)


async def status(scene: Scene, problem_id: UUID) -> str:
    found = shown(await problems.read(scene.work, TEAM, problem_id))
    return str(found["status"])


async def refused(awaitable: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        await awaitable
    return [(fault.pointer, fault.code) for fault in caught.value.faults]
