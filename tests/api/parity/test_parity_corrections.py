"""Corrections, overlap checks and the queue through REST and through GraphQL: the same effects and refusals."""

from typing import Any

import pytest

from tests.support import builders
from tests.support.doors import AnyDoor
from tests.support.scenarios import ABSENT, registered

SUPERSEDE = {"kind": "supersede", "reason": "พิมพ์ผิด"}
VOID = {"kind": "void", "reason": "บันทึกผิดบ้าน"}


async def recorded(door: AnyDoor) -> Any:
    home = await registered(door)
    return (await door.record_assistance("health", builders.event(home["id"]))).good


async def test_a_new_version_takes_the_place_of_what_was_said(door: AnyDoor) -> None:
    event = await recorded(door)
    evidence = [{"uri": "https://files.example.org/1.jpg", "sha256": "0" * 64}]
    change = {"value_baht": "12.50", "description": None, "dimension": "health", "evidence": evidence}
    new = (await door.correct_assistance("health", event["id"], {**SUPERSEDE, "event": change})).good
    assert (new["supersedes"], new["value_baht"], new["description"]) == (event["id"], "12.50", None)
    assert (new["dimension"], new["evidence"][0]["sha256"], new["unit"]) == (
        "health",
        "0" * 64,
        event["unit"],
    )
    old = (await door.event("health", event["id"])).good
    assert (old["status"], old["superseded_by"], old["value_baht"]) == ("corrected", new["id"], "1500.00")
    assert (await door.event_by_external_id("health", event["external_id"])).good == new
    voided = (await door.correct_assistance("health", new["id"], VOID)).good
    assert (voided["id"], voided["status"], voided["version"]) == (new["id"], "voided", 2)
    receipt = (await door.receipt("health", new["id"])).good
    assert (receipt["voided_at"], receipt["supersedes"]) == (voided["voided_at"], event["id"])
    assert (receipt["correction_reason"], receipt["snapshot"]) == (VOID["reason"], None)


async def test_what_was_corrected_is_corrected_no_more(door: AnyDoor) -> None:
    event = await recorded(door)
    change = {**SUPERSEDE, "event": {"value_baht": "1.00"}}
    new = (await door.correct_assistance("health", event["id"], change)).good
    again = await door.correct_assistance("health", event["id"], VOID)
    assert again.refusal == ("illegal-transition", ())
    assert (again.more["allowed"], again.more["superseded_by"]) == ([], new["id"])
    assert (await door.correct_assistance("center", new["id"], VOID)).code == "not-your-event"
    for who, id in (("social", new["id"]), ("neighbour", new["id"]), ("health", ABSENT)):
        assert (await door.correct_assistance(who, id, VOID)).refusal == ("not-found", ())
    assert (await door.correct_assistance("frontend", new["id"], VOID)).code == "insufficient-scope"


@pytest.mark.parametrize(
    ("body", "place", "code"),
    [
        (SUPERSEDE, "/event", "required"),
        ({**VOID, "event": {"unit": "ถุง"}}, "/event", "not-applicable"),
        ({**SUPERSEDE, "event": {"provided_on": "2999-01-01"}}, "/event/provided_on", "future-date"),
        ({**SUPERSEDE, "event": {"assistance_type": None}}, "/event/assistance_type", "required"),
        ({**SUPERSEDE, "event": {"value_baht": "1500.00"}}, "/event", "nothing-changed"),
        ({**SUPERSEDE, "event": {"menu_code": "XXX-99"}}, "/event/menu_code", "unknown-menu"),
    ],
)
async def test_a_bad_correction_is_refused(door: AnyDoor, body: Any, place: str, code: str) -> None:
    event = await recorded(door)
    answer = await door.correct_assistance("health", event["id"], body)
    assert answer.refusal == ("invalid-input", ((place, code),))


async def test_an_overlap_is_told_in_agencies_and_months(door: AnyDoor) -> None:
    event = await recorded(door)
    check = {"household": {"id": event["household_id"]}, "since": "2026-01-01"}
    given = {"overlap": True, "by": [{"agency": "PROV_MOPH-42", "month": "2026-02"}]}
    assert (await door.check_assistance("social", {**check, "dimension": "income"})).good == given
    assert (await door.check_assistance("social", {**check, "assistance_type": "livelihood"})).good == given
    nobody = {"overlap": False, "by": []}
    assert (await door.check_assistance("social", {**check, "dimension": "health"})).good == nobody
    assert (await door.check_assistance("neighbour", {**check, "dimension": "income"})).good == nobody
    assert (await door.check_assistance("social", check)).refusal == (
        "invalid-input", (("/assistance_type", "required"),),
    )  # fmt: skip
    assert (
        await door.check_assistance("team", {**check, "dimension": "income"}, scopes=["menus:read"])
    ).code == ("insufficient-scope")


async def test_registrars_see_what_waits(door: AnyDoor) -> None:
    citizen_id = builders.citizen_id()
    body = builders.event("", household={"citizen_id": citizen_id}, on_unknown="register")
    event = (await door.record_assistance("health", body)).good
    listed = (await door.assistance_queue("team", limit=200)).good["items"]
    (shown,) = [one for one in listed if one["id"] == event["id"]]
    assert shown["citizen_id"] == f"x-xxxx-xxxxx-{citizen_id[-3:-1]}-{citizen_id[-1]}"
    assert (shown["agency"], shown["assistance_type"]) == ("PROV_MOPH-42", "livelihood")
    elsewhere = await door.assistance_queue("team", {"area": ["41"]})
    assert elsewhere.good["items"] == []
    assert (await door.assistance_queue("frontend")).code == "insufficient-scope"
