"""Pages, cursors and filters through REST and through GraphQL."""

from typing import Any

import pytest

from tests.support import builders
from tests.support.calls import SURVEY
from tests.support.doors import AnyDoor
from tests.support.scenarios import assigned, registered


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
