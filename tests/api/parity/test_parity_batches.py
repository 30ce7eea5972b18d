"""Batches through both doors: the same results under the same names."""

from typing import Any

from tests.support import builders
from tests.support.doors import Answer, AnyDoor
from tests.support.scenarios import registered


def shown(answer: Answer) -> list[tuple[Any, ...]]:
    """What both doors tell of each item; GraphQL has null where REST has nothing, and its own spelling of places."""
    results = (answer.good if answer.code is None else answer.more)["results"]
    found = []
    for one in results:
        problem = one.get("problem") or {"code": None, "errors": []}
        faults = [(fault["pointer"].lower().replace("_", ""), fault["code"]) for fault in problem["errors"]]
        found.append((one["index"], one["external_id"], one["outcome"].lower(), problem["code"], faults))
    return found


async def test_each_item_has_its_outcome(door: AnyDoor) -> None:
    home = await registered(door)
    good = builders.event(home["id"])
    bad = builders.event(home["id"], provided_on="2999-01-01")
    nobody = builders.event("", household={"citizen_id": "1234567890123"})
    queued = builders.event("", household={"citizen_id": builders.citizen_id()}, on_unknown="register")
    items = [good, bad, nobody, good, {**good, "unit": "ถุง"}, queued]
    names = [one["external_id"] for one in items]
    answer = await door.record_batch("health", {"items": items})
    assert shown(answer) == [
        (0, names[0], "created", None, []),
        (1, names[1], "rejected", "invalid-input", [("/items/1/providedon", "future-date")]),
        (2, names[2], "rejected", "invalid-input", [("/items/2/household/citizenid", "invalid-citizen-id")]),
        (3, names[3], "duplicate", None, []),
        (4, names[4], "conflict", "external-id-conflict", []),
        (5, names[5], "queued", None, []),
    ]
    assert answer.good["summary"] == {
        "created": 2, "duplicate": 1, "conflict": 1, "rejected": 2, "queued": 1, "not_written": 0,
    }  # fmt: skip
    kept = await door.event_by_external_id("health", names[0])
    assert kept.good["id"] == answer.good["results"][0]["id"]


async def test_validating_and_atomic_batches(door: AnyDoor) -> None:
    home = await registered(door)
    items = [builders.event(home["id"]), builders.event(home["id"], menu_code="NO-SUCH")]
    asked = await door.record_batch("health", {"items": items, "mode": "validate"})
    assert [one[2] for one in shown(asked)] == ["created", "rejected"]
    refused = await door.record_batch("health", {"items": items, "atomic": True})
    assert refused.code == "batch-refused"
    assert [one[2] for one in shown(refused)] == ["not_written", "rejected"]
    assert (await door.event_by_external_id("health", items[0]["external_id"])).code == "not-found"


async def test_whoever_may_not_record_records_no_batch(door: AnyDoor) -> None:
    home = await registered(door)
    refused = await door.record_batch("frontend", {"items": [builders.event(home["id"])]})
    assert refused.code == "insufficient-scope"
