"""Menus for a problem, put together from the stores."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.access.policy import InsufficientScope
from domain.casework import menu_matches, problems
from domain.casework.menus import Menu
from domain.casework.problem import ProblemDraft
from domain.casework.store import MatchSubject
from domain.errors import NotFound
from tests.support.casework import FakeWork, actor

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
READER = actor("households:read", "problems:read", "problems:write")


async def problem_of(work: FakeWork) -> UUID:
    household_id, person_id = uuid4(), uuid4()
    await work.register(household_id, person_id)
    draft = ProblemDraft(
        household_id=household_id,
        person_id=person_id,
        dimension="health",
        indicator_id="bmn-38-1",
        fiscal_year=2569,
    )
    made = await problems.add(work, READER, draft, now=NOW)
    return UUID(json.loads(made.text)["id"])


def menu(code: str, **more: Any) -> Menu:
    base = {"id": uuid4(), "version": 1, "code": code, "title_th": "ก", "kind": "k", "dimension": "health"}
    return Menu.model_validate(base | {"lead_agencies": ["MOPH"]} | more)


async def test_the_menu_of_the_indicator_comes_first_and_names_the_unit_of_the_place() -> None:
    work = FakeWork()
    problem_id = await problem_of(work)
    land = {"rule": "land", "has": False}
    work.menus.found = [menu("A"), menu("B", indicators=["bmn-38-1"], conditions=[land])]
    found = json.loads(await menu_matches.read(work, READER, problem_id, now=NOW))
    assert [(one["menu_code"], one["eligible"]) for one in found] == [("B", False), ("A", True)]
    assert found[0]["conditions"][0] == {"rule": "land", "condition": land, "passed": False, "actual": True}
    assert [one["code"] for one in found[0]["agencies"]] == ["PROV_MOPH-42"]


async def test_who_may_not_read_the_problem_gets_no_matches() -> None:
    work = FakeWork()
    problem_id = await problem_of(work)
    with pytest.raises(NotFound):
        await menu_matches.read(work, actor("problems:read", agency="PROV_MOPH-42"), problem_id, now=NOW)
    with pytest.raises(InsufficientScope):
        await menu_matches.read(work, actor("menus:read"), problem_id, now=NOW)


def test_the_dead_are_no_help() -> None:
    subject = MatchSubject(uuid4(), "420103", None, "income", None)
    person = {
        "age": 40,
        "able_to_work": True,
        "bedridden": None,
        "disabilities": ["visual"],
        "occupation": "ทอผ้า",
    }
    members = [
        {"id": uuid4(), "vital_status": status, **person} for status in ("alive", "deceased", "unknown")
    ]
    household = {
        "has_land": None,
        "classification": "welfare",
        "annual_income_per_person": None,
        "members": members,
    }
    facts = menu_matches.facts_of(subject, household)
    assert [one.person_id for one in facts.members] == [members[0]["id"], members[2]["id"]]
    assert (facts.members[0].disabled, facts.members[0].has_occupation) == (True, True)
