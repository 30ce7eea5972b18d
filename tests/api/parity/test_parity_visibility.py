"""Who may see what, and who is known at all: the same through REST and through GraphQL."""

import time
from typing import Any

import pytest

from tests.support import builders
from tests.support.doors import AnyDoor
from tests.support.scenarios import ABSENT, assigned, menu, registered


async def test_personal_data_is_masked_without_the_scope(door: AnyDoor) -> None:
    home = await registered(door)
    whole = home["members"][0]["person"]
    assert (whole["last_name"], whole["phone"], str(whole["birth_date"])) == (
        "ใจดี",
        "0899999999",
        "1960-05-01",
    )
    tail = whole["citizen_id"][-3:]
    for answer, person in [
        (one, _first_person(one.good))
        for one in (
            await door.household("frontend", home["id"]),
            await door.person("frontend", home["head_person_id"]),
            await door.create_household("team", builders.household(), purpose=None),
        )
    ]:
        assert person["last_name"] == "ใ"
        assert (person["birth_date"], person["phone"], person["age"]) == (None, None, whole["age"])
        assert person["citizen_id"].startswith("x-xxxx-xxxxx-")
        assert whole["phone"] not in answer.response.text
        assert whole["citizen_id"] not in answer.response.text
    masked = (await door.person("frontend", home["head_person_id"])).good
    assert masked["citizen_id"] == f"x-xxxx-xxxxx-{tail[:2]}-{tail[2]}"


def _first_person(shown: Any) -> Any:
    return shown["members"][0]["person"] if "members" in shown else shown


async def test_unmasked_data_needs_a_purpose_that_is_known(door: AnyDoor) -> None:
    home = await registered(door)
    for call in (
        lambda **more: door.household("team", home["id"], **more),
        lambda **more: door.households("team", {"area": "420101"}, limit=1, **more),
        lambda **more: door.search("team", {"name": "สมศ"}, limit=1, **more),
        lambda **more: door.person("team", home["head_person_id"], **more),
    ):
        assert (await call(purpose=None)).code == "purpose-required"
        unknown = await call(purpose="curiosity")
        assert unknown.refusal == ("invalid-input", (("header/X-Purpose", "unknown-value"),))
        assert (await call()).code is None


@pytest.mark.parametrize(
    ("who", "areas"), [("frontend", ["41"]), ("frontend", []), ("neighbour", ["41"]), ("health", ["42"])]
)
async def test_absent_and_hidden_answer_alike(door: AnyDoor, who: str, areas: list[str]) -> None:
    home = await registered(door)
    problem = (await door.create_problem("team", builders.problem(home["id"]))).good
    for call, known in (
        (door.household, home["id"]),
        (door.person, home["head_person_id"]),
        (door.problem, problem["id"]),
        (door.menu_matches, problem["id"]),
    ):
        hidden, absent, malformed = [await call(who, id, areas=areas) for id in (known, ABSENT, "42")]
        assert hidden.refusal == absent.refusal == malformed.refusal == ("not-found", ())
    assert (await door.household(who, home["id"], areas=areas)).data is None
    listed = await door.problems(who, {"household_id": [home["id"]]}, areas=areas)
    assert listed.items == []


async def test_an_agency_sees_what_it_is_assigned_to_and_nothing_else(door: AnyDoor) -> None:
    mine, problem, assignment = await assigned(door)
    other, _, elsewhere = await assigned(door, "PROV_MSDHS-42")
    listed = await door.households("health", {"area": "420101"}, limit=100)
    ids = [one["id"] for one in listed.items]
    assert mine["id"] in ids
    assert other["id"] not in ids
    assert (await door.household("health", other["id"])).code == "not-found"
    assert (await door.assignment("health", elsewhere["id"])).code == "not-found"
    assert (await door.assignment("health", assignment["id"])).good["agency"] == "PROV_MOPH-42"
    assert (await door.problem("social", problem["id"])).code == "not-found"
    returned = {"to": "returned", "reason": "ไม่ใช่หน้าที่"}
    assert (await door.transition_assignment("health", assignment["id"], returned)).good[
        "status"
    ] == "returned"
    assert (await door.household("health", mine["id"])).code == "not-found"
    assert (await door.problem("team", problem["id"])).good["status"] == "analysed"


@pytest.mark.parametrize(
    ("who", "verb", "scope"),
    [
        ("frontend", "create_household", "households:write"),
        ("frontend", "create_problem", "problems:write"),
        ("frontend", "record_assistance", "assistance:write"),
        ("frontend", "create_menu", "menus:write"),
        ("importer", "households", "households:read households:read.assigned"),
        ("importer", "menus", "menus:read"),
        ("importer", "events", "assistance:read"),
        ("importer", "problems", "problems:read"),
        ("importer", "assignments", "assignments:read"),
        ("frontend", "create_assignment", "assignments:write problems:write"),
        ("frontend", "clients", "clients:admin"),
    ],
)
async def test_a_missing_scope_is_named(door: AnyDoor, who: str, verb: str, scope: str) -> None:
    bodies = {
        "create_household": builders.household(),
        "create_problem": builders.problem(ABSENT),
        "record_assistance": builders.event(ABSENT),
        "create_menu": menu(),
        "create_assignment": {"problem_ids": [ABSENT], "agency": "PROV_MOPH-42"},
    }
    arguments = [bodies[verb]] if verb in bodies else []
    answer = await getattr(door, verb)(who, *arguments)
    assert (answer.code, answer.more["scope"]) == ("insufficient-scope", scope)


@pytest.mark.parametrize("token", [None, "expired", "garbage"])
async def test_whoever_is_not_known_is_told_so(door: AnyDoor, token: str | None) -> None:
    more: dict[str, Any] = {}
    if token == "expired":
        more["headers"] = {
            "Authorization": f"Bearer {door.api.token('team', now=int(time.time()) - 900, lifetime=60)}"
        }
    if token == "garbage":
        more["headers"] = {"Authorization": "Bearer a.b.c"}
    answer = await door.households(None, **more)
    assert (answer.code, answer.response.status_code) == ("unauthenticated", 401)
    assert answer.response.headers["www-authenticate"].startswith('Bearer error="invalid_token"')


async def test_the_token_says_what_it_may(door: AnyDoor) -> None:
    mine = (await door.me("frontend")).good
    assert (mine["client_id"], mine["agency"], mine["areas"]) == (
        "demo-frontend",
        "PROV_OFFICE-42",
        ["42"],
    )
    assert mine["masked_fields"] == ["citizen_id", "last_name", "birth_date", "phone"]
    assert "households:read" in mine["scopes"]
    assert (await door.me("team")).good["masked_fields"] == []
