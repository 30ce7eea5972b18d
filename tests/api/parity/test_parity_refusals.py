"""What is refused, and where it is bad: the same codes and faults through REST and through GraphQL."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import builders
from tests.support.calls import SURVEY
from tests.support.doors import AnyDoor, RestDoor
from tests.support.scenarios import ABSENT, registered


@pytest.mark.parametrize("name", ["", "a\x00b", "a b", "ก", "x" * 300])
async def test_what_is_no_code_names_nothing(door: AnyDoor, name: str) -> None:
    for change in (door.patch_client, door.patch_agency):
        if name in ("", "a\x00b") and isinstance(door, RestDoor):
            continue  # cannot stand in a URL as they are
        answer = await change(
            "admin", name, {"name_th": "x"} if change == door.patch_agency else {"name": "x"}, version=1
        )
        assert answer.refusal == ("not-found", ())


async def test_a_record_id_is_found_as_it_was_given(door: AnyDoor) -> None:
    home = await registered(door)
    # Decomposed: stored as NFC, and found by either spelling.
    body = builders.event(home["id"], external_id=f" e\u0301/กำ {builders.citizen_id()} ")
    event = (await door.record_assistance("health", body)).good
    assert event["external_id"] == f"\u00e9/กำ {body['external_id'].split()[-1]}"
    for spelt in (event["external_id"], body["external_id"].strip()):
        assert (await door.event_by_external_id("health", spelt)).good["id"] == event["id"]
    assert (await door.event_by_external_id("health", "none")).refusal == ("not-found", ())


async def test_the_same_event_is_a_duplicate_and_another_a_conflict(door: AnyDoor) -> None:
    home = await registered(door)
    body = builders.event(home["id"])
    first = (await door.record_assistance("health", body)).good
    again = (await door.record_assistance("health", {**body, "value_baht": 1500})).good
    assert (again["receipt"]["outcome"], again["id"]) == ("duplicate", first["id"])
    other = await door.record_assistance("health", {**body, "value_baht": "1500.01"})
    assert other.refusal == ("external-id-conflict", ())
    elsewhere = (await door.record_assistance("social", body)).good
    assert elsewhere["receipt"]["outcome"] == "created"
    assert elsewhere["id"] != first["id"]


async def test_an_event_for_an_unknown_household_is_refused_or_queued(door: AnyDoor) -> None:
    person = builders.person()
    body = builders.event("", household={"citizen_id": person["citizen_id"]})
    refused = await door.record_assistance("health", body)
    assert refused.refusal == ("unknown-household", (("/household", "unknown-household"),))
    queued = (await door.record_assistance("health", {**body, "on_unknown": "register"})).good
    assert (queued["receipt"]["outcome"], queued["household_id"]) == ("queued", None)
    home = await registered(door, members=[{"relationship": "head", "person": person}])
    assert (await door.event("health", queued["id"])).good["household_id"] == home["id"]
    assert (await door.receipt("health", queued["id"])).good["linked_at"] is not None


async def test_an_identifier_that_fits_two_is_never_a_pick(door: AnyDoor) -> None:
    house_code = f"4201{builders.citizen_id()[-8:-1]}"
    for _ in range(2):
        await registered(door, house_code=house_code)
    body = builders.event("", household={"house_code": house_code})
    assert (await door.record_assistance("health", body)).refusal == ("ambiguous-identifier", ())


async def test_a_living_person_is_a_member_of_one_household(door: AnyDoor) -> None:
    home = await registered(door)
    taken = home["members"][0]["person"]["citizen_id"]
    again = await door.create_household(
        "team", builders.household(members=[builders.member(citizen_id=taken)])
    )
    assert again.refusal == (
        "already-a-member",
        (("/members/0/person/citizen_id", "already-a-member"),),
    )


Spoil = Callable[[Any], Any]
PERSON = "/members/0/person"
BAD_HOUSEHOLDS: list[tuple[str, Spoil, str, str]] = [
    ("wrong check digit", lambda h: h["members"][0]["person"].update(citizen_id="1234567890122"), f"{PERSON}/citizen_id", "invalid-citizen-id"),
    ("too few digits", lambda h: h["members"][0]["person"].update(citizen_id="123456789012 "), f"{PERSON}/citizen_id", "invalid-citizen-id"),
    ("duplicate head", lambda h: h["members"][1].update(relationship="head"), "/members/1/relationship", "duplicate-head"),
    ("two members with one id", lambda h: h["members"][1]["person"].update(citizen_id=h["members"][0]["person"]["citizen_id"]), "/members/1/person/citizen_id", "duplicate-citizen-id"),
    ("area that is not", lambda h: h.update(area_code="429876"), "/area_code", "unknown-area"),
    ("area of five digits", lambda h: h.update(area_code="42010"), "/area_code", "wrong-format"),
    ("area in Thai digits", lambda h: h.update(area_code="๔๒๐๑๐๑"), "/area_code", "wrong-format"),
    ("area of another", lambda h: h.update(area_code="420201"), "/area_code", "outside-your-areas"),
    ("future birth", lambda h: h["members"][0]["person"].update(birth_date="2999-01-01"), f"{PERSON}/birth_date", "future-date"),
    ("Buddhist birth year", lambda h: h["members"][0]["person"].update(birth_date="1503-01-01"), f"{PERSON}/birth_date", "implausible-date"),
    ("no date", lambda h: h["members"][0]["person"].update(birth_date="1.5.1960"), f"{PERSON}/birth_date", "wrong-format"),
    ("future joining", lambda h: h["members"][0].update(joined_on="2999-01-01"), "/members/0/joined_on", "future-date"),
    ("future source", lambda h: h["sources"][0].update(seen_on="2999-01-01"), "/sources/0/seen_on", "future-date"),
    ("death without being dead", lambda h: h["members"][0]["person"].update(deceased_on="2020-01-01"), f"{PERSON}/deceased_on", "not-deceased"),
    ("income below zero", lambda h: h.update(annual_income_per_person="-1"), "/annual_income_per_person", "out-of-range"),
    ("absurd income", lambda h: h.update(annual_income_per_person="99999999999999"), "/annual_income_per_person", "out-of-range"),
    ("income of thousandths", lambda h: h.update(annual_income_per_person="1.234"), "/annual_income_per_person", "too-precise"),
    ("income in words", lambda h: h.update(annual_income_per_person="many"), "/annual_income_per_person", "wrong-type"),
    ("unknown classification", lambda h: h.update(classification="rich"), "/classification", "unknown-value"),
    ("unknown relationship", lambda h: h["members"][1].update(relationship="boss"), "/members/1/relationship", "unknown-value"),
    ("unknown source", lambda h: h["sources"][0].update(system="rumour"), "/sources/0/system", "unknown-value"),
    ("unknown group", lambda h: h.update(target_groups=[{"fiscal_year": 2569, "group": "9z"}]), "/target_groups/0/group", "unknown-value"),
    ("Gregorian fiscal year", lambda h: h.update(target_groups=[{"fiscal_year": 2026, "group": "1"}]), "/target_groups/0/fiscal_year", "out-of-range"),
    ("unknown field", lambda h: h.update(colour="red"), "/colour", "unknown-field"),
    ("unknown field of a person", lambda h: h["members"][0]["person"].update(colour="red"), f"{PERSON}/colour", "unknown-field"),
    ("NUL", lambda h: h["members"][0]["person"].update(first_name="a\x00b"), f"{PERSON}/first_name", "control-character"),
    ("no name", lambda h: h["members"][0]["person"].pop("first_name"), f"{PERSON}/first_name", "required"),
    ("empty name", lambda h: h["members"][0]["person"].update(first_name=""), f"{PERSON}/first_name", "too-short"),
    ("endless name", lambda h: h["members"][0]["person"].update(first_name="ก" * 201), f"{PERSON}/first_name", "too-long"),
    ("no id and no reason", lambda h: h["members"][0]["person"].update(citizen_id=None), PERSON, "no-id-reason-required"),
    ("an id and a reason", lambda h: h["members"][0]["person"].update(no_id_reason="newborn"), PERSON, "no-id-reason-not-needed"),
    ("house code", lambda h: h.update(house_code="123"), "/house_code", "wrong-format"),
    ("outside the country", lambda h: h.update(location={"latitude": 48.1, "longitude": 101.0}), "/location/latitude", "out-of-range"),
    ("wrong type", lambda h: h.update(has_land="yes"), "/has_land", "wrong-type"),
    ("a number for a text", lambda h: h.update(house_code=42), "/house_code", "wrong-type"),
    ("too many members", lambda h: h.update(members=[builders.member("child") for _ in range(51)]), "/members", "too-many"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("why", "spoil", "place", "code"), BAD_HOUSEHOLDS, ids=[one[0] for one in BAD_HOUSEHOLDS]
)
async def test_a_bad_household_is_refused_where_it_is_bad(
    door: AnyDoor, why: str, spoil: Spoil, place: str, code: str
) -> None:
    body = builders.household()
    spoil(body)
    counted = {"limit": 1, "count": True}
    before = (await door.households("frontend", **counted)).good["total"]
    answer = await door.create_household("team", body)
    assert answer.code == (code if code == "outside-your-areas" else "invalid-input")
    assert (place, code) in answer.faults
    assert len(answer.faults) == 1
    person = body["members"][0]["person"]
    for secret in (person["last_name"], person["phone"], person["citizen_id"]):
        assert secret is None or secret not in answer.response.text
    assert (await door.households("frontend", **counted)).good["total"] == before


async def test_thai_digits_spaces_and_dashes_are_read(door: AnyDoor) -> None:
    plain = builders.citizen_id()
    typed = "-".join(plain.translate(str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")))
    home = await registered(door, members=[builders.member(citizen_id=typed)])
    assert home["members"][0]["person"]["citizen_id"] == plain
    spaced = f" {plain[0]} {plain[1:5]} {plain[5:10]} {plain[10:12]} {plain[12]}"
    found = await door.search("team", {"citizen_id": spaced})
    assert [one["id"] for one in found.items] == [home["id"]]


RAW: list[tuple[str, str | bytes, set[str]]] = [
    ("duplicate keys", '{"area_code": "420101", "area_code": "420101"}', {"duplicate-key"}),
    ("100,000 deep", '{"members": ' + "[" * 100_000 + "]" * 100_000 + "}", {"too-deep"}),
    ("lone surrogate", '{"area_code": "\\ud800"}', {"malformed-json", "malformed-text"}),
    ("not UTF-8", b'{"area_code": "\xff"}', {"malformed-json"}),
    ("NaN", '{"annual_income_per_person": NaN}', {"malformed-json"}),
    ("cut off", '{"area_code": ', {"malformed-json"}),
]


@pytest.mark.parametrize(("why", "text", "codes"), RAW, ids=[one[0] for one in RAW])
async def test_a_body_that_is_no_json_is_refused(
    door: AnyDoor, why: str, text: str | bytes, codes: set[str]
) -> None:
    answer = await door.raw("team", text)
    assert answer.code == "invalid-input"
    assert {code for _, code in answer.faults} <= codes


async def test_a_body_of_a_hundred_megabytes_is_refused(door: AnyDoor) -> None:
    answer = await door.raw("team", b'{"area_code": "' + b"4" * 100_000_000 + b'"}')
    assert (answer.code, answer.response.status_code) == ("content-too-large", 413)


BAD_EVENTS: list[tuple[str, dict[str, Any], str, str]] = [
    ("in the future", {"provided_on": "2999-01-01"}, "/provided_on", "future-date"),
    ("long ago", {"provided_on": "1026-01-01"}, "/provided_on", "implausible-date"),
    ("below zero", {"value_baht": "-0.01"}, "/value_baht", "out-of-range"),
    ("absurd", {"value_baht": 1e12}, "/value_baht", "out-of-range"),
    ("unknown type", {"assistance_type": "magic"}, "/assistance_type", "unknown-value"),
    ("unknown dimension", {"dimension": "luck"}, "/dimension", "unknown-value"),
    ("an id in a text", {"description": "บัตร 9000000000009 ค่ะ"}, "/description", "personal-data"),
    ("unknown problem", {"problem_ids": [ABSENT]}, "/problem_ids", "unknown-problem"),
    ("one problem twice", {"problem_ids": [ABSENT, ABSENT]}, "/problem_ids", "repeated-id"),
    ("unknown assignment", {"assignment_id": ABSENT}, "/assignment_id", "unknown-assignment"),
    ("unknown beneficiary", {"beneficiaries": [ABSENT]}, "/beneficiaries", "unknown-beneficiary"),
    ("unknown menu", {"menu_code": "NONE-1"}, "/menu_code", "unknown-menu"),
    ("no id", {"problem_ids": ["x"]}, "/problem_ids/0", "wrong-format"),
    ("evidence without a hash", {"evidence": [{"uri": "https://example.org/a", "sha256": "1"}]}, "/evidence/0/sha256", "wrong-format"),
    ("NUL", {"external_id": "a\x00b"}, "/external_id", "control-character"),
    ("two ways to a household", {"household": {"id": ABSENT, "house_code": "42010100001"}}, "/household", "one-identifier"),
    ("no way to a household", {"household": {}}, "/household", "one-identifier"),
    ("unknown field", {"agency": "PROV_MOPH-42"}, "/agency", "unknown-field"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "changes", "place", "code"), BAD_EVENTS, ids=[one[0] for one in BAD_EVENTS])
async def test_a_bad_event_is_refused_where_it_is_bad(
    door: AnyDoor, why: str, changes: dict[str, Any], place: str, code: str
) -> None:
    home = await registered(door)
    if code == "personal-data":
        changes = {"description": f"บัตร {builders.citizen_id()} ค่ะ"}
    answer = await door.record_assistance("health", builders.event(home["id"], **changes))
    assert answer.refusal == ("invalid-input", ((place, code),))
    assert (await door.events("center", {"household_id": [home["id"]]})).items == []


BAD_PROBLEMS: list[tuple[dict[str, Any], str, str]] = [
    ({"household_id": ABSENT}, "/household_id", "unknown-household"),
    ({"person_id": ABSENT}, "/person_id", "unknown-member"),
    ({"indicator_id": "bmn-38-99"}, "/indicator_id", "unknown-indicator"),
    ({"indicator_id": "bmn-38-1"}, "/indicator_id", "other-dimension"),
    ({"recurrence_of": ABSENT}, "/recurrence_of", "not-a-closed-problem"),
    ({"dimension": "luck"}, "/dimension", "unknown-value"),
    ({"fiscal_year": 2026}, "/fiscal_year", "out-of-range"),
    ({"solvability": "perhaps"}, "/solvability", "unknown-value"),
    ({"status": "resolved"}, "/status", "unknown-field"),
]


@pytest.mark.parametrize(("changes", "place", "code"), BAD_PROBLEMS, ids=[one[2] for one in BAD_PROBLEMS])
async def test_a_bad_problem_is_refused_where_it_is_bad(
    door: AnyDoor, changes: dict[str, Any], place: str, code: str
) -> None:
    home = await registered(door)
    answer = await door.create_problem("team", {**builders.problem(home["id"]), **changes})
    assert answer.refusal == ("invalid-input", ((place, code),))
    assert (await door.problems("team", {"household_id": [home["id"]]})).items == []


async def test_bad_results_are_refused_where_they_are_bad(door: AnyDoor) -> None:
    home = await registered(door)
    wrong = {
        "fiscal_year": 2569,
        "edition": "38",
        "results": [
            {"indicator_id": "bmn-31-22", "result": "fail"},
            {"indicator_id": "bmn-38-29", "person_id": home["id"], "result": "fail"},
            {"indicator_id": "bmn-38-12", "result": "pass"},
            {"indicator_id": "bmn-38-12", "result": "pass"},
        ],
    }
    answer = await door.put_results("team", home["id"], wrong)
    assert answer.refusal == (
        "invalid-input",
        (
            ("/results/0/indicator_id", "unknown-indicator"),
            ("/results/1/person_id", "household-indicator"),
            ("/results/1/person_id", "unknown-member"),
            ("/results/3", "duplicate-result"),
        ),
    )
    for changes, place, code in (
        ({"edition": "37"}, "/edition", "wrong-format"),
        ({"results": []}, "/results", "too-few"),
        (
            {"results": [{"indicator_id": "bmn-38-1", "result": "perhaps"}]},
            "/results/0/result",
            "unknown-value",
        ),
    ):
        refused = await door.put_results("team", home["id"], {**SURVEY, **changes})
        assert refused.refusal == ("invalid-input", ((place, code),))


async def test_a_search_takes_exactly_one_identifier(door: AnyDoor) -> None:
    for wanted in ({}, {"area": "42"}, {"name": "สมศรี", "house_code": "42010100001"}):
        answer = await door.search("team", wanted)
        assert answer.refusal == ("invalid-input", (("", "one-identifier"),))
    short = await door.search("team", {"name": "ส"})
    assert short.refusal == ("invalid-input", (("/name", "too-short"),))
    wrong = await door.search("team", {"citizen_id": "1234567890122"})
    assert wrong.refusal == ("invalid-input", (("/citizen_id", "invalid-citizen-id"),))
