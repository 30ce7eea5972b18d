"""Batches over REST: each item judged by itself, results in the order of the request."""

from typing import Any

import pytest

from tests.api.test_assistance import assigned, rows
from tests.api.test_households import registered
from tests.support import builders
from tests.support.api import Api

PATH = "/v1/assistance-events/batch"


async def batch(api: Api, items: list[Any], who: str = "health", **more: Any) -> Any:
    return await api.post(who, PATH, {"items": items, **more})


def outcomes(answer: Any) -> list[str]:
    return [one["outcome"] for one in answer.json()["results"]]


def summary(**counts: int) -> dict[str, int]:
    names = ("created", "duplicate", "conflict", "rejected", "queued", "not_written")
    return {name: counts.get(name, 0) for name in names}


async def recorded(api: Api, external_id: str) -> bool:
    return (await api.get("health", f"/v1/assistance-events/by-external-id/{external_id}")).status_code == 200


async def test_good_items_are_recorded_as_single_posts_are(api: Api) -> None:
    made = await registered(api)
    items = [
        builders.event(
            made["id"],
            evidence=[{"uri": "https://x.example/1", "sha256": "a" * 64, "caption": "ภาพ"}],
            beneficiaries=[made["head_person_id"]],
            quantity=2.5,
            unit="ถุง",
            menu_code="INC-01",
            reason_no_problem="เร่งด่วน",
            obstacle="ฝน",
            suggestion="เพิ่ม",
            budget_source="งบ",
            project_code="P-1",
        ),
        builders.event(made["id"]),
    ]
    answer = await batch(api, items)
    assert answer.status_code == 200, answer.text
    assert answer.json()["summary"] == summary(created=2)
    for at, (item, result) in enumerate(zip(items, answer.json()["results"], strict=True)):
        assert (result["index"], result["external_id"]) == (at, item["external_id"])
        single = await api.post("health", "/v1/assistance-events", item)
        assert (single.status_code, single.json()["receipt"]["outcome"]) == (200, "duplicate")
        assert single.json()["id"] == result["id"]
        assert result.keys() == {"index", "external_id", "outcome", "id"}
        twin = {**item, "external_id": f"{item['external_id']}-alone"}
        alone = (await api.post("health", "/v1/assistance-events", twin)).json()
        told = {"id", "external_id", "recorded_at", "receipt"}
        assert {k: v for k, v in single.json().items() if k not in told} == {
            k: v for k, v in alone.items() if k not in told
        }


async def test_every_event_leaves_its_rows_in_feed_and_audit(api: Api) -> None:
    made = await registered(api)
    answer = await batch(api, [builders.event(made["id"]) for _ in range(3)])
    ids = [one["id"] for one in answer.json()["results"]]
    fed = await rows(
        api,
        """SELECT resource_id::text, type, action, version, agency, area_code FROM change
           WHERE household_id = $1::text::uuid AND type = 'assistance_event' ORDER BY transaction_id, id""",
        made["id"],
    )
    row = ("assistance_event", "created", 1, "PROV_MOPH-42", made["area_code"])
    assert [tuple(one) for one in fed] == [(id, *row) for id in ids]
    audited = await rows(
        api,
        """SELECT resource, operation, client_id, agency, area_code FROM audit
           WHERE household_id = $1::text::uuid AND operation LIKE 'assistance%'""",
        made["id"],
    )
    what = ("assistance_event.created", "demo-health", "PROV_MOPH-42", made["area_code"])
    assert {tuple(one) for one in audited} == {(id, *what) for id in ids}


async def test_results_stand_in_the_order_of_the_request(api: Api) -> None:
    made = await registered(api)
    old, changed = builders.event(made["id"]), builders.event(made["id"])
    await batch(api, [old, changed])
    again = builders.event(made["id"])
    items = [
        {**changed, "value_baht": "7.00"},
        builders.event(made["id"], provided_on="2999-01-01"),
        again,
        old,
        again,
        {**again, "unit": "ถุง"},
        "no object",
        {"household": {"id": made["id"]}},
    ]
    answer = await batch(api, items)
    assert answer.status_code == 200
    assert outcomes(answer) == [
        "conflict", "rejected", "created", "duplicate", "duplicate", "conflict", "rejected", "rejected",
    ]  # fmt: skip
    results = answer.json()["results"]
    assert answer.json()["summary"] == summary(created=1, duplicate=2, conflict=2, rejected=3)
    assert [one["index"] for one in results] == list(range(8))
    assert results[4]["id"] == results[2]["id"]
    assert [one["external_id"] for one in results[-2:]] == [None, None]
    assert results[0]["problem"]["code"] == "external-id-conflict"
    kept = await api.get("health", f"/v1/assistance-events/{results[2]['id']}")
    assert kept.json()["unit"] is None


BAD: list[tuple[str, Any, str, str, str]] = [
    ("future", {"provided_on": "2999-01-01"}, "invalid-input", "/provided_on", "future-date"),
    ("no date", {"provided_on": "tomorrow"}, "invalid-input", "/provided_on", "wrong-format"),
    ("negative", {"value_baht": "-1.00"}, "invalid-input", "/value_baht", "out-of-range"),
    ("enum", {"assistance_type": "gift"}, "invalid-input", "/assistance_type", "unknown-value"),
    ("agency", {"agency": "PROV_MSDHS-42"}, "invalid-input", "/agency", "unknown-field"),
    ("two names", {"household": {"id": "01890000-0000-7000-8000-000000000000", "house_code": "1" * 11}}, "invalid-input", "/household", "one-identifier"),
    ("check digit", {"household": {"citizen_id": "1234567890123"}}, "invalid-input", "/household/citizen_id", "invalid-citizen-id"),
    ("unknown", {"household": {"house_code": "99999999999"}}, "unknown-household", "/household", "unknown-household"),
    ("unknown person", {"household": {"citizen_id": builders.citizen_id(77)}}, "unknown-household", "/household", "unknown-household"),
    ("menu", {"menu_code": "XXX-99"}, "invalid-input", "/menu_code", "unknown-menu"),
    ("problem", {"problem_ids": ["01890000-0000-7000-8000-000000000000"]}, "invalid-input", "/problem_ids", "unknown-problem"),
    ("assignment", {"assignment_id": "01890000-0000-7000-8000-000000000000"}, "invalid-input", "/assignment_id", "unknown-assignment"),
    ("stranger", {"beneficiaries": ["01890000-0000-7000-8000-000000000000"]}, "invalid-input", "/beneficiaries", "unknown-beneficiary"),
    ("free text", {"description": f"ผู้รับ {builders.citizen_id(7)}"}, "invalid-input", "/description", "personal-data"),
    ("huge number", {"value_baht": 10**30}, "invalid-input", "/value_baht", "out-of-range"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code", "pointer", "fault"), [one[1:] for one in BAD], ids=[one[0] for one in BAD]
)
async def test_a_bad_item_is_rejected_where_it_is_and_the_good_ones_are_recorded(
    api: Api, changes: dict[str, Any], code: str, pointer: str, fault: str
) -> None:
    made = await registered(api)
    good, bad = builders.event(made["id"]), builders.event(made["id"], **changes)
    answer = await batch(api, [bad, good])
    assert answer.status_code == 200
    assert outcomes(answer) == ["rejected", "created"]
    problem = answer.json()["results"][0]["problem"]
    assert problem["code"] == code
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [(f"/items/0{pointer}", fault)]
    alone = await api.post("health", "/v1/assistance-events", bad)
    assert alone.json()["code"] == code
    assert [one["code"] for one in alone.json()["errors"]] == [fault]
    assert not await recorded(api, bad["external_id"])
    assert await recorded(api, good["external_id"])


RAW: list[tuple[str, str, str, str]] = [
    ("duplicate key", '{"external_id": "R-1", "external_id": "R-2"}', "", "duplicate-key"),
    ("infinite", '{"external_id": "R-3", "value_baht": 1e999}', "", "out-of-range"),
    ("half a surrogate", '{"external_id": "R-4", "unit": "\\ud800"}', "", "malformed-json"),
    ("crowded", "{" + ",".join(f'"a{n}": 0' for n in range(300)) + "}", "", "too-many"),
    ("null", "null", "", "wrong-type"),
    ("array", "[[]]", "", "wrong-type"),
    ("number", "1", "", "wrong-type"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pointer", "fault"), [one[1:] for one in RAW], ids=[one[0] for one in RAW])
async def test_an_item_that_is_no_event_spoils_none_of_the_others(
    api: Api, text: str, pointer: str, fault: str
) -> None:
    import json

    made = await registered(api)
    good = json.dumps(builders.event(made["id"]))
    answer = await api.post("health", PATH, f'{{"items": [{text}, {good}]}}')
    assert answer.status_code == 200, answer.text
    assert outcomes(answer) == ["rejected", "created"]
    errors = answer.json()["results"][0]["problem"]["errors"]
    assert [(one["pointer"], one["code"]) for one in errors] == [(f"/items/0{pointer}", fault)]


async def test_an_atomic_batch_with_one_bad_item_writes_nothing(api: Api) -> None:
    made = await registered(api)
    good = [builders.event(made["id"]) for _ in range(2)]
    old = builders.event(made["id"])
    await batch(api, [old])
    before = await rows(api, "SELECT count(*) FROM change")
    bad = builders.event(made["id"], menu_code="XXX-99")
    # The last repeats what is not written.
    items = [good[0], bad, old, good[1], {**old, "unit": "x"}, good[0]]
    answer = await batch(api, items, atomic=True)
    assert (answer.status_code, answer.json()["code"]) == (422, "batch-refused")
    assert outcomes(answer) == [
        "not_written",
        "rejected",
        "duplicate",
        "not_written",
        "conflict",
        "not_written",
    ]
    assert answer.json()["summary"] == summary(duplicate=1, conflict=1, rejected=1, not_written=3)
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/items/1/menu_code", "/items/4"]
    assert not any([await recorded(api, one["external_id"]) for one in good])
    assert await rows(api, "SELECT count(*) FROM change") == before
    mended = await batch(api, [good[0], old, good[1]], atomic=True)
    assert (mended.status_code, outcomes(mended)) == (200, ["created", "duplicate", "created"])


async def test_a_malformed_item_refuses_an_atomic_batch_as_well(api: Api) -> None:
    made = await registered(api)
    good = builders.event(made["id"])
    answer = await batch(api, [good, 1], atomic=True)
    assert (answer.status_code, outcomes(answer)) == (422, ["not_written", "rejected"])
    assert not await recorded(api, good["external_id"])


async def test_validating_tells_the_same_and_writes_nothing(api: Api) -> None:
    made = await registered(api)
    person = builders.person()["citizen_id"]
    items = [
        builders.event(made["id"]),
        builders.event(made["id"], menu_code="XXX-99"),
        builders.event("", household={"citizen_id": person}, on_unknown="register"),
    ]
    items += [items[0], {**items[0], "unit": "x"}]
    counted = """SELECT (SELECT count(*) FROM change), (SELECT count(*) FROM audit), (SELECT count(*) FROM event_key),
      (SELECT count(*) FROM idempotency)"""
    before = await rows(api, counted)
    asked = await batch(api, items, mode="validate")
    assert (asked.status_code, await rows(api, counted)) == (200, before)
    assert not any("id" in one for one in asked.json()["results"])
    done = await batch(api, items)
    assert outcomes(asked) == outcomes(done) == ["created", "rejected", "queued", "duplicate", "conflict"]
    assert (
        asked.json()["summary"]
        == done.json()["summary"]
        == summary(created=2, queued=1, rejected=1, duplicate=1, conflict=1)
    )
    again = await batch(api, items, mode="validate")
    assert outcomes(again) == ["duplicate", "rejected", "duplicate", "duplicate", "conflict"]
    assert [one.get("id") for one in again.json()["results"]] == [
        one.get("id") if one["outcome"] != "rejected" else None for one in done.json()["results"]
    ]


async def test_the_first_event_of_an_assignment_sets_it_its_problems_and_the_case_going(api: Api) -> None:
    homes = [await assigned(api) for _ in range(2)]
    path = f"/v1/households/{homes[0][0]['id']}"
    for status in ("verified", "classified", "analysed"):
        version = (await api.get("frontend", path)).headers["etag"]
        await api.call("team", "PATCH", path, {"case_status": status}, headers={"If-Match": version})
    items = [
        builders.event(home["id"], assignment_id=given["id"], problem_ids=given["problem_ids"])
        for home, given in [*homes, *homes]
    ]
    answer = await batch(api, items)
    assert outcomes(answer) == ["created"] * 4, answer.text
    for home, given in homes:
        after = (await api.get("health", f"/v1/assignments/{given['id']}")).json()
        assert after["status"] == "in_progress"
        assert [one["to_status"] for one in after["history"]].count("in_progress") == 1
        problem = await api.get("team", f"/v1/problems/{given['problem_ids'][0]}")
        assert problem.json()["status"] == "being_helped"
        moves = await rows(
            api,
            "SELECT to_status FROM problem_move WHERE household_id = $1::text::uuid AND to_status = 'being_helped'",
            home["id"],
        )
        assert len(moves) == 1
        fed = await rows(
            api,
            """SELECT type, count(*) FROM change WHERE household_id = $1::text::uuid AND occurred_at >= (
                 SELECT min(occurred_at) FROM change WHERE household_id = $1::text::uuid AND type = 'assistance_event')
               GROUP BY type""",
            home["id"],
        )
        assert dict(fed)["assignment"] == dict(fed)["problem"] == 1
        assert dict(fed)["assistance_event"] == 2
    assert (await api.get("frontend", path)).json()["case_status"] == "in_assistance"


async def test_a_closed_assignment_takes_no_event(api: Api) -> None:
    made, given = await assigned(api)
    moved = await api.post(
        "center", f"/v1/assignments/{given['id']}/transitions", {"to": "cancelled", "reason": "ซ้ำ"}
    )
    assert moved.status_code < 300, moved.text
    answer = await batch(api, [builders.event(made["id"], assignment_id=given["id"])])
    assert answer.json()["results"][0]["problem"]["code"] == "assignment-closed"


async def test_a_house_code_that_fits_two_is_ambiguous_and_one_that_fits_one_is_found(api: Api) -> None:
    codes = [f"4201{builders.citizen_id()[-8:-1]}" for _ in range(2)]
    for code in (codes[0], codes[0], codes[1]):
        await registered(api, house_code=code)
    answer = await batch(api, [builders.event("", household={"house_code": code}) for code in codes])
    assert outcomes(answer) == ["rejected", "created"]
    assert answer.json()["results"][0]["problem"]["code"] == "ambiguous-identifier"


async def test_help_for_an_unknown_household_waits_and_is_linked(api: Api) -> None:
    person, house_code = builders.person(), f"4201{builders.citizen_id()[-8:-1]}"
    items = [
        builders.event("", household={"citizen_id": person["citizen_id"]}, on_unknown="register"),
        builders.event("", household={"house_code": house_code}, on_unknown="register"),
        builders.event("01890000-0000-7000-8000-000000000000", on_unknown="register"),
        builders.event("", household={"house_code": "11111111111"}),
    ]
    answer = await batch(api, items)
    assert outcomes(answer) == ["queued", "queued", "rejected", "rejected"]
    assert answer.json()["summary"] == summary(created=2, queued=2, rejected=2)
    assert outcomes(await batch(api, items)) == ["duplicate", "duplicate", "rejected", "rejected"]
    single = await api.post("health", "/v1/assistance-events", items[0])
    assert (single.status_code, single.json()["id"]) == (200, answer.json()["results"][0]["id"])
    made = await registered(api, house_code=house_code, members=[{"relationship": "head", "person": person}])
    for result in answer.json()["results"][:2]:
        linked = await api.get("health", f"/v1/assistance-events/{result['id']}")
        assert linked.json()["household_id"] == made["id"]


async def test_other_areas_and_agencies_are_bounded_as_in_single_posts(api: Api) -> None:
    made, given = await assigned(api)
    item = builders.event(made["id"])
    assert outcomes(await batch(api, [item], who="neighbour")) == ["rejected"]
    foreign = await batch(api, [{**item, "assignment_id": given["id"]}], who="social")
    assert foreign.json()["results"][0]["problem"]["errors"][0]["code"] == "unknown-assignment"
    assert outcomes(await batch(api, [item])) == ["created"]
    # Another client of the agency, which does not reach where it was recorded.
    elsewhere = await api.post("health", PATH, {"items": [item]}, areas=["4202"])
    assert elsewhere.json()["results"][0]["problem"]["code"] == "unknown-household"
    refused = await api.post("frontend", PATH, {"items": [item]})
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")


WHOLE: list[tuple[str, Any, str, str]] = [
    ("no items", {}, "/items", "required"),
    ("items no array", {"items": {}}, "/items", "wrong-type"),
    ("too many", {"items": [0] * 1001}, "/items", "too-many"),
    ("unknown member", {"items": [], "dry_run": True}, "/dry_run", "unknown-field"),
    ("unknown mode", {"items": [], "mode": "try"}, "/mode", "unknown-value"),
    ("atomic no boolean", {"items": [], "atomic": "yes"}, "/atomic", "wrong-type"),
    ("no object", [], "", "wrong-type"),
]


@pytest.mark.parametrize(
    ("body", "pointer", "fault"), [one[1:] for one in WHOLE], ids=[one[0] for one in WHOLE]
)
async def test_what_is_no_batch_is_refused_whole(api: Api, body: Any, pointer: str, fault: str) -> None:
    answer = await api.post("health", PATH, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, fault)]


async def test_a_thousand_are_recorded_and_no_more_bytes_than_stated_are_taken(api: Api) -> None:
    made = await registered(api)
    items = [builders.event(made["id"]) for _ in range(1000)]
    answer = await batch(api, items)
    assert answer.json()["summary"] == summary(created=1000)
    assert outcomes(await batch(api, items)) == ["duplicate"] * 1000
    empty = await batch(api, [])
    assert (empty.status_code, empty.json()) == (200, {"summary": summary(), "results": []})
    large = await api.post("health", PATH, b'{"items": ["' + b"x" * 8_388_608 + b'"]}')
    assert (large.status_code, large.json()["code"]) == (413, "content-too-large")


async def test_an_external_id_may_change_content_until_one_is_good(api: Api) -> None:
    made = await registered(api)
    item = builders.event(made["id"])
    items = [{**item, "menu_code": "XXX-99"}, item, {**item, "unit": "ถุง"}, {**item, "menu_code": "XXX-99"}]
    assert outcomes(await batch(api, items)) == ["rejected", "created", "conflict", "rejected"]


async def test_of_several_events_the_first_that_was_sent_sets_the_assignment_going(api: Api) -> None:
    home, given = await assigned(api)
    items = [
        builders.event(
            home["id"], assignment_id=given["id"], provided_on=day, external_id=f"{name}-{home['id']}"
        )
        for name, day in (("z", "2026-01-02"), ("a", "2026-01-01"))
    ]
    assert outcomes(await batch(api, items)) == ["created", "created"]
    moves = await rows(
        api,
        """SELECT occurred_on::text AS on FROM problem_move WHERE household_id = $1::text::uuid
           AND to_status = 'being_helped'""",
        home["id"],
    )
    assert [move["on"] for move in moves] == ["2026-01-02"]
