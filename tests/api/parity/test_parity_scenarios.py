"""The main job and every resource through REST and through GraphQL: the same verbs, the same data."""

import inspect
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.support import builders
from tests.support.calls import SURVEY
from tests.support.doors import AnyDoor, GraphqlDoor, RestDoor
from tests.support.scenarios import analysed, assigned


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
    # With its assignment the help was confirmed too.
    assert (await door.receipt("health", event["id"])).good["status"] == "confirmed"


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
