"""Lifecycles and versions through REST and through GraphQL: the same moves and the same preconditions."""

from typing import Any

import pytest

from tests.support import builders
from tests.support.doors import AnyDoor
from tests.support.scenarios import ABSENT, analysed, assigned, menu, registered


@pytest.mark.parametrize("to", ["assigned", "being_helped", "resolved", "identified"])
async def test_an_illegal_move_of_a_problem_names_the_legal_ones(door: AnyDoor, to: str) -> None:
    home = await registered(door)
    problem = (await door.create_problem("team", builders.problem(home["id"]))).good
    answer = await door.transition_problem("team", problem["id"], {"to": to, "reason": "x"})
    assert answer.refusal == ("illegal-transition", ())
    assert answer.more["allowed"] == sorted(problem["allowed"])
    assert answer.more["allowed"] == ["analysed", "declined", "entered_in_error", "moved_out"]
    assert (await door.problem("team", problem["id"])).good == problem


async def test_an_illegal_move_of_an_assignment_names_those_of_this_caller(door: AnyDoor) -> None:
    _, _, assignment = await assigned(door)
    for who, allowed in (("health", ["accepted", "returned"]), ("center", ["cancelled", "escalated"])):
        answer = await door.transition_assignment(who, assignment["id"], {"to": "completed", "outcome": "x"})
        assert answer.refusal == ("illegal-transition", ())
        assert answer.more["allowed"] == allowed
        assert sorted((await door.assignment(who, assignment["id"])).good["allowed"]) == allowed


async def test_an_illegal_move_of_a_case_names_the_legal_ones(door: AnyDoor) -> None:
    home = await registered(door)
    answer = await door.patch_household("team", home["id"], {"case_status": "planned"}, version=1)
    assert (answer.refusal, answer.more["allowed"]) == (("illegal-transition", ()), ["closed", "verified"])
    closed = await door.patch_household("team", home["id"], {"case_status": "closed"}, version=1)
    assert closed.refusal == ("invalid-input", (("/close_outcome", "close-outcome"),))


@pytest.mark.parametrize(
    ("move", "place", "code"),
    [
        ({"to": "moved_out", "reason": "ย้าย"}, "/moved_to", "required"),
        ({"to": "declined"}, "/reason", "required"),
        ({"to": "declined", "reason": "x", "occurred_on": "2999-01-01"}, "/occurred_on", "future-date"),
        ({"to": "declined", "reason": "x", "moved_to": "y"}, "/moved_to", "not-applicable"),
        ({"to": "gone", "reason": "x"}, "/to", "unknown-value"),
    ],
)
async def test_a_malformed_move_is_refused(
    door: AnyDoor, move: dict[str, Any], place: str, code: str
) -> None:
    home = await registered(door)
    problem = (await door.create_problem("team", builders.problem(home["id"]))).good
    answer = await door.transition_problem("team", problem["id"], move)
    assert answer.refusal == ("invalid-input", ((place, code),))


async def test_a_problem_is_analysed_after_an_analysis_and_resolved_on_evidence(door: AnyDoor) -> None:
    home = await registered(door)
    problem = (await door.create_problem("team", builders.problem(home["id"]))).good
    early = await door.transition_problem("team", problem["id"], {"to": "analysed"})
    assert early.refusal == ("analysis-required", ())
    partial = await door.analysis("team", home["id"], builders.analysis(way_out=None))
    assert partial.good["complete"] is False
    assert (await door.transition_problem("team", problem["id"], {"to": "analysed"})).code == early.code
    unready = await door.create_assignment(
        "center", {"problem_ids": [problem["id"]], "agency": "PROV_MOPH-42"}
    )
    assert unready.code == "illegal-transition"
    unknown = await door.create_assignment("center", {"problem_ids": [ABSENT], "agency": "PROV_MOPH-42"})
    assert unknown.refusal == ("invalid-input", (("/problem_ids/0", "unknown-problem"),))


async def test_an_agency_that_cannot_act_there_is_not_assigned(door: AnyDoor) -> None:
    _, problem = await analysed(door)
    for agency, code in (
        ("PROV_MOPH-41", "agency-outside-area"),
        ("PROV_MOPH", "unknown-agency"),
        ("NOBODY", "unknown-agency"),
    ):
        body = {"problem_ids": [problem["id"]], "agency": agency}
        answer = await door.create_assignment("center", body)
        assert answer.refusal == ("invalid-input", (("/agency", code),))


async def test_what_one_client_calls_an_error_another_confirms(door: AnyDoor) -> None:
    home = await registered(door)
    problem = (await door.create_problem("team", builders.problem(home["id"]))).good
    move = {"to": "entered_in_error", "reason": "บันทึกผิด"}
    proposed = (await door.transition_problem("team", problem["id"], move)).good
    assert (proposed["status"], proposed["proposed_status"]) == ("identified", "entered_in_error")
    assert (await door.transition_problem("team", problem["id"], move)).code == "needs-another-client"
    confirmed = (await door.transition_problem("center", problem["id"], move)).good
    assert confirmed["status"] == "entered_in_error"


@pytest.mark.parametrize("kind", ["household", "person", "problem", "menu", "client", "agency"])
async def test_a_change_names_the_version_it_was_made_from(door: AnyDoor, kind: str) -> None:
    home = await registered(door)
    match kind:
        case "household":
            who, id, patch = "team", home["id"], {"has_land": False}
            change, read = door.patch_household, door.household
        case "person":
            who, id, patch = "team", home["head_person_id"], {"occupation": "ทอผ้า"}
            change, read = door.patch_person, door.person
        case "problem":
            problem = (await door.create_problem("team", builders.problem(home["id"]))).good
            who, id, patch = "team", problem["id"], {"need": "เมล็ดพันธุ์"}
            change, read = door.patch_problem, door.problem
        case "menu":
            who, id, patch = (
                "center",
                (await door.create_menu("center", menu())).good["id"],
                {"enabled": False},
            )
            change, read = door.patch_menu, door.menu
        case "client":
            made = (await door.create_client("admin", {"name": "ก", "agency": "PROV_MOPH-42"})).good
            who, id, patch = "admin", made["client_id"], {"name": "ข"}
            change, read = door.patch_client, door.client
        case _:
            body = {"code": f"NGO-{builders.citizen_id()[5:]}", "name_th": "มูลนิธิ", "kind": "ngo"}
            who, id, patch = (
                "admin",
                (await door.create_agency("admin", body)).good["code"],
                {"name_th": "สมาคม"},
            )
            change, read = door.patch_agency, door.agency
    assert (await change(who, id, patch)).refusal == ("precondition-required", ())
    assert (await change(who, id, patch, version=7)).refusal == ("version-mismatch", ())
    changed = (await change(who, id, patch, version=1)).good
    ((name, value),) = patch.items()
    assert (changed["version"], changed[name]) == (2, value)
    assert (await change(who, id, patch, version=1)).refusal == ("version-mismatch", ())
    assert (await read(who, id)).good == changed


async def test_a_patch_keeps_what_is_absent_and_clears_what_is_null(door: AnyDoor) -> None:
    home = await registered(door)
    patch = {"annual_income_per_person": None, "address": {"road": "สาย 1", "moo": None}, "stage": "sustain"}
    changed = (await door.patch_household("team", home["id"], patch, version=1)).good
    kept = {
        name: one for name, one in home.items() if name not in {*patch, "version", "updated_at", "members"}
    }
    assert {name: changed[name] for name in kept} == kept
    assert changed["annual_income_per_person"] is None
    assert changed["address"] == {**home["address"], "road": "สาย 1", "moo": None}
    head = home["head_person_id"]
    cleared = await door.patch_person("team", head, {"first_name": None}, version=1)
    assert (cleared.code, [place for place, _ in cleared.faults]) == ("invalid-input", ["/first_name"])
    died = {"vital_status": "deceased", "deceased_on": "2026-01-02"}
    assert (await door.patch_person("team", head, died, version=1)).good["version"] == 2
    left = (await door.household("team", home["id"])).good
    assert (left["incomplete"], left["head_person_id"]) == (["head"], None)
