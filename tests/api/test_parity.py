"""Every scenario through REST and through GraphQL: the same data, the same codes, the same faults."""

import inspect
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.support import builders
from tests.support.api import Api
from tests.support.doors import DOORS, AnyDoor, GraphqlDoor, RestDoor

ABSENT = "01890000-0000-7000-8000-000000000000"
SURVEY = {
    "fiscal_year": 2569,
    "edition": "38",
    "results": [{"indicator_id": "bmn-38-29", "result": "fail"}],
}


@pytest.fixture(params=DOORS, ids=[door.name for door in DOORS])
def door(request: pytest.FixtureRequest, api: Api) -> AnyDoor:
    made: AnyDoor = request.param(api)
    return made


@pytest.fixture
def doors(api: Api) -> tuple[RestDoor, GraphqlDoor]:
    return RestDoor(api), GraphqlDoor(api)


async def registered(door: AnyDoor, **changes: Any) -> Any:
    return (await door.create_household("team", builders.household(**changes))).good


async def analysed(door: AnyDoor, **changes: Any) -> tuple[Any, Any]:
    """A household with an analysed problem."""
    home = await registered(door, **changes)
    problem = (await door.create_problem("team", builders.problem(home["id"]))).good
    assert (await door.analysis("team", home["id"], builders.analysis())).good["complete"] is True
    moved = await door.transition_problem("team", problem["id"], {"to": "analysed"})
    return home, moved.good


async def assigned(door: AnyDoor, agency: str = "PROV_MOPH-42", **changes: Any) -> tuple[Any, Any, Any]:
    home, problem = await analysed(door, **changes)
    body = {"problem_ids": [problem["id"]], "agency": agency, "menu_code": "INC-01", "due_on": "2999-01-31"}
    return home, problem, (await door.create_assignment("center", body)).good


def verbs(door: type[AnyDoor]) -> set[str]:
    return {
        name
        for name, one in inspect.getmembers(door, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }


def test_the_doors_have_the_same_verbs() -> None:
    assert verbs(GraphqlDoor) - verbs(RestDoor) == {"schema", "query", "mutation"}
    assert verbs(RestDoor) <= verbs(GraphqlDoor)


# -- the main job


async def test_a_household_is_found_assigned_helped_and_seen(door: AnyDoor) -> None:
    house_code = f"4201{builders.citizen_id()[-8:-1]}"
    home, problem = await analysed(door, house_code=house_code)
    assert (problem["status"], problem["version"]) == ("analysed", 2)
    found = await door.search("team", {"house_code": house_code})
    assert [one["id"] for one in found.items] == [home["id"]]
    surveyed = await door.put_results("team", home["id"], SURVEY)
    assert surveyed.good["dimension_mask"] == "00010"
    matches = (await door.menu_matches("team", problem["id"])).good
    menu = next(one for one in matches if one["eligible"])
    assert {"rule", "condition", "passed", "actual"} == set(menu["conditions"][0])
    body = {"problem_ids": [problem["id"]], "agency": "PROV_MOPH-42", "menu_code": menu["menu_code"]}
    made = (await door.create_assignment("center", body)).good
    assert (made["status"], made["household_id"], made["overdue"]) == ("assigned", home["id"], False)
    accepted = await door.transition_assignment("health", made["id"], {"to": "accepted"})
    assert accepted.good["allowed"] == ["in_progress"]
    given = builders.event(home["id"], assignment_id=made["id"], problem_ids=[problem["id"]])
    event = (await door.record_assistance("health", given)).good
    assert event["receipt"] == {"outcome": "created", "household_id": home["id"], "warnings": []}
    assert (event["agency"], event["value_baht"]) == ("PROV_MOPH-42", "1500.00")
    done = await door.transition_assignment("health", made["id"], {"to": "completed", "outcome": "มีรายได้"})
    assert (done.good["status"], done.good["outcome"]) == ("completed", "มีรายได้")
    confirmed = await door.transition_assignment("team", made["id"], {"to": "confirmed"})
    assert confirmed.good["status"] == "confirmed"
    move = {"to": "resolved", "reason": "มีรายได้แล้ว"}
    proposed = (await door.transition_problem("health", problem["id"], move)).good
    assert (proposed["status"], proposed["proposed_status"]) == ("being_helped", "resolved")
    ended = (await door.transition_problem("team", problem["id"], move)).good
    assert (ended["status"], ended["proposed_status"], ended["allowed"]) == ("resolved", None, [])
    steps = [line["to_status"] for line in ended["history"] if not line["proposal"]]
    assert steps == ["identified", "analysed", "assigned", "being_helped", "resolved"]
    for reader in ("frontend", "team", "health", "center"):
        seen = await door.household(
            reader, home["id"], include=("problems", "analyses", "assignments", "assistance")
        )
        assert [one["status"] for one in seen.good["problems"]] == ["resolved"]
        assert [one["status"] for one in seen.good["assignments"]] == ["confirmed"]
        assert [one["id"] for one in seen.good["assistance"]] == [event["id"]]
        assert [one["complete"] for one in seen.good["analyses"]] == [True]
    assert (await door.household("neighbour", home["id"])).code == "not-found"
    assert (await door.receipt("health", event["id"])).good["status"] == "recorded"


# -- the same resource through both


async def test_every_resource_is_the_same_through_both_doors(doors: tuple[RestDoor, GraphqlDoor]) -> None:
    rest = doors[0]
    home, problem, assignment = await assigned(
        rest,
        house_code=f"4201{builders.citizen_id()[-8:-1]}",
        location={"latitude": 17.48, "longitude": 101.73},
        target_groups=[{"fiscal_year": 2569, "group": "1a"}, {"fiscal_year": 2568, "group": "3"}],
        stage="survive",
    )
    evidence = [{"uri": "https://example.org/a.jpg", "sha256": "0" * 64, "media_type": "image/jpeg"}]
    given = builders.event(
        home["id"], assignment_id=assignment["id"], quantity=2.5, unit="ถุง", evidence=evidence, value_baht=0.1
    )
    event = (await rest.record_assistance("health", given)).good
    menu = (await rest.menus("team", {"dimension": "income"}, limit=1)).items[0]
    campaign = (await rest.campaigns("team", limit=1)).items[0]
    client = (
        await rest.create_client("admin", {"name": "ก", "agency": "PROV_MOPH-42", "areas": ["42"]})
    ).good
    include = ("problems", "analyses", "assignments", "assistance")
    stamp = int(time.time())
    calls: Mapping[str, Callable[[AnyDoor], Any]] = {
        **{f"household by {who}": lambda d, who=who: d.household(who, home["id"], include=include) for who in ("team", "frontend", "health")},
        **{f"person by {who}": lambda d, who=who: d.person(who, home["head_person_id"]) for who in ("team", "frontend", "health")},
        **{f"households by {who}": lambda d, who=who: d.households(who, {"area": "4201"}, limit=10, count=True) for who in ("team", "frontend", "health")},
        "search": lambda d: d.search("team", {"name": "สมศ"}, limit=10),
        "problem": lambda d: d.problem("team", problem["id"]),
        "problems": lambda d: d.problems("team", limit=10, sort="-created_at", count=True),
        "matches": lambda d: d.menu_matches("team", problem["id"]),
        "analyses": lambda d: d.analyses("team", home["id"]),
        "assignment": lambda d: d.assignment("health", assignment["id"]),
        "assignments": lambda d: d.assignments("center", limit=10, count=True),
        "event": lambda d: d.event("health", event["id"]),
        "event by external id": lambda d: d.event_by_external_id("health", given["external_id"]),
        "events": lambda d: d.events("center", {"area": "42"}, limit=10, count=True),
        "receipt": lambda d: d.receipt("health", event["id"]),
        "menus": lambda d: d.menus("team", {"dimension": "health"}, limit=20, count=True),
        "menu": lambda d: d.menu("team", menu["id"]),
        "me": lambda d: d.me("team", now=stamp),
        "me without personal data": lambda d: d.me("frontend", now=stamp),
        "areas": lambda d: d.areas("team", {"parent": "42"}, limit=20, count=True),
        "area": lambda d: d.area("team", "420101"),
        "agencies": lambda d: d.agencies("team", {"area": "4201", "kind": "TAO"}, limit=20),
        "agency": lambda d: d.agency("team", "PROV_MOPH-42"),
        "indicators": lambda d: d.indicators("team", {"edition": "38", "dimension": ["health", "income"]}, limit=50),
        "village indicators": lambda d: d.indicators("team", {"framework": "village"}, limit=50),
        "indicator": lambda d: d.indicator("team", "bmn-38-27"),
        "dimensions": lambda d: d.dimensions("team"),
        "code lists": lambda d: d.code_lists("team"),
        "codes": lambda d: d.codes("team", "purposes"),
        "campaigns": lambda d: d.campaigns("team", limit=2),
        "campaign": lambda d: d.campaign("team", campaign["id"]),
        "clients": lambda d: d.clients("admin", limit=10),
        "client": lambda d: d.client("admin", client["client_id"]),
    }  # fmt: skip
    different = {}
    for name, call in calls.items():
        one, other = [(await call(door)).good for door in doors]
        for page in (one, other):
            if isinstance(page, dict) and "items" in page:
                # Cursors are of their own list: told apart by whether there is one.
                page["next_cursor"] = page["next_cursor"] is not None
        assert one not in ([], {}, {"items": []}), name
        if one != other:
            different[name] = (one, other)
    assert different == {}


async def test_a_write_answers_the_same_through_both_doors(doors: tuple[RestDoor, GraphqlDoor]) -> None:
    made = []
    for door in doors:
        home, problem, assignment = await assigned(door)
        event = builders.event(home["id"], assignment_id=assignment["id"], external_id=f"same-{door.name}")
        patch = {"classification": "welfare", "address": {"road": "สาย 1"}, "has_land": None}
        made.append(
            {
                "household": home,
                "patched": (await door.patch_household("team", home["id"], patch, version=home["version"])).good,
                "person": (await door.patch_person("team", home["head_person_id"], {"occupation": "ทอผ้า"}, version=1)).good,
                "results": (await door.put_results("team", home["id"], SURVEY)).good,
                "problem": problem,
                "amended": (await door.patch_problem("team", problem["id"], {"need": "x"}, version=3)).good,
                "assignment": assignment,
                "event": (await door.record_assistance("health", event)).good,
            }
        )  # fmt: skip
    assert _shape(made[0]) == _shape(made[1])


def _shape(value: Any, name: str = "") -> Any:
    """What is left of two records of the same content once ids, times and numbers of their own are gone."""
    if isinstance(value, dict):
        own = ("_at", "id", "_ids", "at", "occurred_on")
        return {
            key: key if key.endswith(own) and one is not None else _shape(one, key)
            for key, one in value.items()
        }
    return [_shape(one, name) for one in value] if isinstance(value, list) else value


# -- who may see what


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


def menu(**changes: Any) -> dict[str, Any]:
    return {
        "code": f"TEST-{builders.citizen_id()}",
        "title_th": "เมนูทดลอง",
        "kind": "livelihood",
        "dimension": "income",
        "conditions": [{"rule": "land", "has": True}],
        "lead_agencies": ["PROV_MOPH"],
        **changes,
    }


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


# -- what is refused


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


# -- lifecycles and versions


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


# -- lists


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "updated_at", "-updated_at"])
async def test_pages_show_everything_once(door: AnyDoor, sort: str) -> None:
    made = {(await registered(door, area_code="420103"))["id"] for _ in range(5)}
    seen: list[str] = []
    cursor: str | None = None
    total = None
    for limit in (2, 1, 3, 100):
        page = await door.households(
            "frontend", {"area": "420103"}, limit=limit, cursor=cursor, sort=sort, count=True
        )
        seen += [one["id"] for one in page.items]
        total, cursor = page.good["total"], page.good["next_cursor"]
        if cursor is None:
            break
    assert cursor is None
    assert len(seen) == len(set(seen)) == total
    assert made <= set(seen)
    key = sort.removeprefix("-")
    listed = (await door.households("frontend", {"area": "420103"}, limit=100, sort=sort)).items
    order = [(one[key], one["id"]) for one in listed]
    assert order == sorted(order, reverse=sort.startswith("-"))
    assert [one["id"] for one in listed] == seen


async def test_every_list_pages_through_everything_once(door: AnyDoor) -> None:
    for number in range(3):
        home, problem, assignment = await assigned(door)
        await door.record_assistance("health", builders.event(home["id"], assignment_id=assignment["id"]))
        assert (problem["status"], number) == ("analysed", number)
    for verb, who, where in (
        (door.problems, "team", {"dimension": "income"}),
        (door.assignments, "center", {"agency": "PROV_MOPH-42"}),
        (door.events, "center", {"dimension": "income"}),
        (door.menus, "team", {"dimension": "health"}),
        (door.areas, "team", {"parent": "42"}),
        (door.agencies, "team", {"area": "4201", "kind": "TAO"}),
        (door.indicators, "team", {"framework": "village"}),
        (door.campaigns, "team", None),
    ):
        total = (await verb(who, where, limit=1, count=True)).good["total"]
        seen: list[Any] = []
        cursor: str | None = None
        while len(seen) <= total:
            page = await verb(who, where, limit=max(1, total // 3), cursor=cursor)
            seen += [one.get("id") or one["code"] for one in page.items]
            cursor = page.good["next_cursor"]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == total, verb
        assert total > 1


async def test_a_cursor_is_of_one_list_one_order_and_one_agency(door: AnyDoor) -> None:
    for _ in range(2):
        await registered(door)
    cursor = (await door.households("frontend", limit=1)).good["next_cursor"]
    for call in (
        door.households("center", cursor=cursor),
        door.households("frontend", sort="-created_at", cursor=cursor),
        door.problems("frontend", cursor=cursor),
        door.households("frontend", cursor=cursor[:-2] + "AA"),
        door.households("frontend", cursor="\x00"),
        door.households("frontend", cursor="ก"),
        door.households("frontend", cursor=""),
    ):
        assert (await call).refusal == ("invalid-input", (("query/cursor", "invalid-cursor"),))


@pytest.mark.parametrize("limit", [0, 201, -1])
async def test_a_page_has_one_to_two_hundred_items(door: AnyDoor, limit: int) -> None:
    answer = await door.areas("team", limit=limit)
    assert answer.refusal == ("invalid-input", (("query/limit", "out-of-range"),))


FILTERS: list[tuple[dict[str, Any], bool]] = [
    ({"failed_dimension": "income"}, True),
    ({"failed_dimension": ["health", "income"]}, True),
    ({"failed_dimension": "health"}, False),
    ({"dimension_mask": "00010"}, True),
    ({"dimension_mask": "00000"}, False),
    ({"indicator": "bmn-38-29"}, True),
    ({"indicator": "bmn-38-1"}, False),
    ({"target_group": "1a"}, True),
    ({"target_group": "1"}, True),
    ({"target_group": ["2", "1a"], "fiscal_year": 2569}, True),
    ({"target_group": "1", "fiscal_year": 2568}, False),
    ({"target_group": "2"}, False),
    ({"fiscal_year": [2569, 2570]}, True),
    ({"source": "thaiqm"}, True),
    ({"source": "bmn"}, False),
    ({"welfare_card": "has_card"}, True),
    ({"welfare_card": "no_card"}, False),
    ({"classification": ["unclassified", "other"]}, True),
    ({"classification": "welfare"}, False),
    ({"case_status": "imported"}, True),
    ({"case_status": "closed"}, False),
    ({"stage": "survive"}, True),
    ({"stage": "sustain"}, False),
    ({"problem_status": "assigned"}, True),
    ({"problem_status": "identified"}, False),
    ({"assigned_agency": "PROV_MOPH-42"}, True),
    ({"assigned_agency": "PROV_MSDHS-42"}, False),
    ({"updated_since": "2026-01-01T00:00:00Z"}, True),
    ({"updated_since": "2999-01-01T07:00:00+07:00"}, False),
    ({"area": ["41", "420109"]}, True),
    ({"area": "41"}, False),
]


async def test_filters_narrow_alike(door: AnyDoor) -> None:
    home, _, _ = await assigned(
        door,
        area_code="420109",
        stage="survive",
        target_groups=[{"fiscal_year": 2569, "group": "1a"}],
        sources=[{"system": "thaiqm"}],
    )
    assert (await door.put_results("team", home["id"], SURVEY)).code is None
    for where, fits in FILTERS:
        narrowed = where if "area" in where else {"area": "420109", **where}
        found = (await door.households("frontend", narrowed, limit=100)).items
        assert (home["id"] in [one["id"] for one in found]) is fits, where


BAD_FILTERS = [
    ({"colour": "red"}, "query/colour", {"unknown-parameter", "unknown-field"}),
    ({"case_status": "open"}, "query/case_status", {"unknown-value"}),
    ({"area": "4"}, "query/area", {"wrong-format"}),
    ({"area": "๔๒"}, "query/area", {"wrong-format"}),
    ({"dimension_mask": "2"}, "query/dimension_mask", {"wrong-format"}),
    ({"updated_since": "yesterday"}, "query/updated_since", {"wrong-format"}),
    ({"updated_since": "2026-01-01T00:00:00"}, "query/updated_since", {"no-time-zone"}),
    ({"fiscal_year": 2026}, "query/fiscal_year", {"out-of-range"}),
    ({"target_group": "5"}, "query/target_group", {"unknown-value"}),
]


@pytest.mark.parametrize(("where", "place", "codes"), BAD_FILTERS, ids=[str(one[0]) for one in BAD_FILTERS])
async def test_a_bad_filter_is_refused(
    door: AnyDoor, where: dict[str, Any], place: str, codes: set[str]
) -> None:
    answer = await door.households("frontend", where)
    assert answer.code == "invalid-input"
    assert [(one, code in codes) for one, code in answer.faults] == [(place, True)]


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
