"""Assistance over REST: retries, effects, and what is refused."""

import asyncio
from typing import Any

import pytest

from tests.api.test_households import registered
from tests.support import builders
from tests.support.api import PURPOSE, Api
from tests.support.database import seeing


async def rows(api: Api, sql: str, *values: Any) -> list[Any]:
    async with seeing(api.worker.database) as connection:
        return await connection.fetch(sql, *values)


async def assigned(api: Api) -> tuple[dict[str, Any], dict[str, Any]]:
    """A household with an analysed problem, assigned to the provincial health office."""
    made = await registered(api)
    problem = (await api.post("team", "/v1/problems", builders.problem(made["id"]))).json()
    await api.post("team", f"/v1/households/{made['id']}/analyses", builders.analysis())
    moved = await api.post("team", f"/v1/problems/{problem['id']}/transitions", {"to": "analysed"})
    assert moved.status_code < 300, moved.text
    body = {
        "problem_ids": [problem["id"]],
        "agency": "PROV_MOPH-42",
        "role": "lead",
        "due_on": "2027-01-31",
        "menu_code": "INC-01",
    }
    answer = await api.post("center", "/v1/assignments", body)
    assert answer.status_code == 201, answer.text
    return made, answer.json()


async def test_an_event_is_recorded_once_and_a_retry_finds_it(api: Api) -> None:
    made = await registered(api)
    body = builders.event(made["id"])
    first = await api.post("health", "/v1/assistance-events", body)
    assert first.status_code == 201, first.text
    assert first.json()["receipt"] == {
        "outcome": "created",
        "household_id": made["id"],
        "warnings": ["no-problem-named"],
    }
    assert first.json()["agency"] == "PROV_MOPH-42"
    again = await api.post("health", "/v1/assistance-events", body)
    assert (again.status_code, again.json()["receipt"]["outcome"]) == (200, "duplicate")
    assert again.json()["id"] == first.json()["id"]
    other = await api.post("health", "/v1/assistance-events", {**body, "value_baht": "2.00"})
    assert (other.status_code, other.json()["code"]) == (409, "external-id-conflict")
    elsewhere = await api.post("social", "/v1/assistance-events", body)
    assert elsewhere.status_code == 201, "an external id is unique within its agency"
    for path in (
        f"/v1/assistance-events/{first.json()['id']}",
        f"/v1/assistance-events/by-external-id/{body['external_id']}",
    ):
        read = await api.get("health", path)
        assert read.json() == {k: v for k, v in first.json().items() if k != "receipt"}
    receipt = await api.get("health", f"/v1/assistance-events/{first.json()['id']}/receipt")
    assert receipt.json()["status"] == "recorded"


@pytest.mark.parametrize("key", [None, "retry-key"])
async def test_fifty_at_once_make_one_record(api: Api, key: str | None) -> None:
    made = await registered(api)
    body = builders.event(made["id"])
    headers = {"Idempotency-Key": key} if key else {}
    answers = await asyncio.gather(
        *(api.post("health", "/v1/assistance-events", body, headers=headers) for _ in range(50))
    )
    codes = {(one.status_code, one.json().get("code")) for one in answers}
    assert codes <= {(201, None), (200, None), (409, "idempotency-in-progress")}
    assert len({one.json()["id"] for one in answers if one.status_code < 300}) == 1
    found = await rows(api, "SELECT 1 FROM assistance_event WHERE external_id = $1", body["external_id"])
    assert len(found) == 1
    fed = await rows(
        api,
        "SELECT 1 FROM change WHERE type = 'assistance_event' AND household_id = $1::text::uuid",
        made["id"],
    )
    assert len(fed) == 1


async def test_an_idempotency_key_replays_the_answer(api: Api) -> None:
    body = builders.household()
    headers = {**PURPOSE, "Idempotency-Key": "household-1"}
    first = await api.post("team", "/v1/households", body, headers=headers)
    again = await api.post("team", "/v1/households", body, headers=headers)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert "idempotency-replayed" not in first.headers
    other = await api.post("team", "/v1/households", builders.household(), headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    elsewhere = await api.post("center", "/v1/households", builders.household(), headers=headers)
    assert elsewhere.status_code == 201, "a key is of one client"
    kept = await rows(api, "SELECT body_sealed FROM idempotency WHERE key = 'household-1'")
    assert all(body["members"][0]["person"]["citizen_id"].encode() not in bytes(one[0]) for one in kept)


async def test_a_refusal_is_not_kept_under_its_key(api: Api) -> None:
    headers = {"Idempotency-Key": "refused-1"}
    wrong = builders.household(area_code="420198")
    assert (await api.post("team", "/v1/households", wrong, headers=headers)).status_code == 422
    assert (
        await api.post("team", "/v1/households", builders.household(), headers=headers)
    ).status_code == 201


async def test_an_event_moves_its_assignment_problems_and_case(api: Api) -> None:
    made, assignment = await assigned(api)
    path = f"/v1/households/{made['id']}"
    for status in ("verified", "classified", "analysed"):
        version = (await api.get("frontend", path)).headers["etag"]
        moved = await api.call("team", "PATCH", path, {"case_status": status}, headers={"If-Match": version})
        assert moved.status_code == 200, moved.text
    body = builders.event(made["id"], assignment_id=assignment["id"], problem_ids=assignment["problem_ids"])
    answer = await api.post("health", "/v1/assistance-events", body)
    assert (answer.status_code, answer.json()["receipt"]["warnings"]) == (201, [])
    after = await api.get("health", f"/v1/assignments/{assignment['id']}")
    assert after.json()["status"] == "in_progress"
    assert [one["to_status"] for one in after.json()["history"]][-1] == "in_progress"
    problem = await api.get("team", f"/v1/problems/{assignment['problem_ids'][0]}")
    assert problem.json()["status"] == "being_helped"
    household = await api.get("frontend", f"{path}?include=problems,assignments,assistance,analyses")
    assert household.json()["case_status"] == "in_assistance"
    assert [
        len(household.json()[name]) for name in ("problems", "assignments", "assistance", "analyses")
    ] == [1, 1, 1, 1]
    fed = await rows(
        api,
        "SELECT type FROM change WHERE household_id = $1::text::uuid ORDER BY occurred_at DESC LIMIT 4",
        made["id"],
    )
    assert sorted(one[0] for one in fed) == ["assignment", "assistance_event", "household", "problem"]


async def test_an_assigned_agency_sees_the_household_and_others_do_not(api: Api) -> None:
    made, assignment = await assigned(api)
    assert (await api.get("health", f"/v1/households/{made['id']}")).status_code == 200
    assert (await api.get("social", f"/v1/households/{made['id']}")).status_code == 404
    assert (await api.get("social", f"/v1/assignments/{assignment['id']}")).status_code == 404
    listed = (await api.get("health", "/v1/households?limit=200")).json()["items"]
    assert made["id"] in [one["id"] for one in listed]
    body = builders.event(made["id"], assignment_id=assignment["id"])
    foreign = await api.post("social", "/v1/assistance-events", body)
    assert [(one["pointer"], one["code"]) for one in foreign.json()["errors"]] == [
        ("/assignment_id", "unknown-assignment")
    ]
    recorded = await api.post("health", "/v1/assistance-events", body)
    assert (await api.get("social", f"/v1/assistance-events/{recorded.json()['id']}")).status_code == 404
    assert (await api.get("center", f"/v1/assistance-events/{recorded.json()['id']}")).status_code == 200


BAD: list[tuple[str, dict[str, Any], int, str, str]] = [
    ("future", {"provided_on": "2999-01-01"}, 422, "/provided_on", "future-date"),
    ("long ago", {"provided_on": "1900-01-01"}, 422, "/provided_on", "implausible-date"),
    ("negative", {"value_baht": "-1.00"}, 422, "/value_baht", "out-of-range"),
    ("absurd", {"value_baht": 1e15}, 422, "/value_baht", "out-of-range"),
    ("too precise", {"value_baht": "1.001"}, 422, "/value_baht", "too-precise"),
    ("enum", {"assistance_type": "gift"}, 422, "/assistance_type", "unknown-value"),
    ("agency in body", {"agency": "PROV_MSDHS-42"}, 422, "/agency", "unknown-field"),
    ("no household", {"household": {}}, 422, "/household", "one-identifier"),
    ("unknown household", {"household": {"house_code": "99999999999"}}, 422, "/household", "unknown-household"),
    ("unknown menu", {"menu_code": "XXX-99"}, 422, "/menu_code", "unknown-menu"),
    ("unknown problem", {"problem_ids": ["01890000-0000-7000-8000-000000000000"]}, 422, "/problem_ids", "unknown-problem"),
    ("stranger", {"beneficiaries": ["01890000-0000-7000-8000-000000000000"]}, 422, "/beneficiaries", "unknown-beneficiary"),
    ("id in free text", {"description": f"ผู้รับ {builders.citizen_id(7)}"}, 422, "/description", "personal-data"),
    ("bad evidence", {"evidence": [{"uri": "file:///etc/passwd", "sha256": "0" * 64}]}, 422, "/evidence/0/uri", "wrong-format"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "changes", "status", "pointer", "code"), BAD, ids=[one[0] for one in BAD])
async def test_a_bad_event_is_refused_where_it_is(
    api: Api, why: str, changes: dict[str, Any], status: int, pointer: str, code: str
) -> None:
    made = await registered(api)
    body = builders.event(made["id"], **changes)
    answer = await api.post("health", "/v1/assistance-events", body)
    assert answer.status_code == status
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]
    assert await rows(api, "SELECT 1 FROM event_key WHERE external_id = $1", body["external_id"]) == []


async def test_a_household_of_another_area_is_unknown(api: Api) -> None:
    made = await registered(api)
    answer = await api.post("neighbour", "/v1/assistance-events", builders.event(made["id"]))
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown-household")


async def test_a_house_code_that_fits_two_is_ambiguous(api: Api) -> None:
    house_code = f"4201{builders.citizen_id()[-8:-1]}"
    for _ in range(2):
        await registered(api, house_code=house_code)
    answer = await api.post(
        "health", "/v1/assistance-events", builders.event("", household={"house_code": house_code})
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "ambiguous-identifier")


async def test_help_for_a_household_nobody_registered_waits_for_it(api: Api) -> None:
    person = builders.person()
    body = builders.event("", household={"citizen_id": person["citizen_id"]}, on_unknown="register")
    queued = await api.post("health", "/v1/assistance-events", body)
    assert (queued.status_code, queued.json()["receipt"]["outcome"]) == (201, "queued")
    assert queued.json()["household_id"] is None
    again = await api.post("health", "/v1/assistance-events", body)
    assert (again.status_code, again.json()["receipt"]["outcome"]) == (200, "duplicate")
    for path in (queued.json()["id"], f"by-external-id/{body['external_id']}"):
        waiting = await api.get("health", f"/v1/assistance-events/{path}")
        assert (waiting.status_code, waiting.json()["household_id"]) == (200, None)
        assert (await api.get("social", f"/v1/assistance-events/{path}")).status_code == 404
    receipt = await api.get("health", f"/v1/assistance-events/{queued.json()['id']}/receipt")
    assert (receipt.json()["household_id"], receipt.json()["linked_at"]) == (None, None)
    made = await registered(api, members=[{"relationship": "head", "person": person}])
    linked = await api.get("health", f"/v1/assistance-events/{queued.json()['id']}")
    assert linked.json()["household_id"] == made["id"]
    receipt = await api.get("health", f"/v1/assistance-events/{queued.json()['id']}/receipt")
    assert receipt.json()["linked_at"] is not None


async def test_events_are_append_only(api: Api) -> None:
    made = await registered(api)
    event = (await api.post("health", "/v1/assistance-events", builders.event(made["id"]))).json()
    for method in ("PATCH", "PUT", "DELETE"):
        answer = await api.call("health", method, f"/v1/assistance-events/{event['id']}", {})
        assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")
        assert answer.headers["allow"] == "GET, HEAD"


async def test_lists_of_events_narrow(api: Api) -> None:
    made = await registered(api)
    event = (await api.post("health", "/v1/assistance-events", builders.event(made["id"]))).json()
    base = f"/v1/assistance-events?household_id={made['id']}"
    for query in (
        "",
        "&agency=PROV_MOPH-42",
        "&area=42",
        "&dimension=income",
        "&assistance_type=livelihood",
        "&provided_from=2026-01-01&provided_to=2026-02-01",
    ):
        assert [one["id"] for one in (await api.get("center", base + query)).json()["items"]] == [
            event["id"]
        ], query
    for query in (
        "&agency=PROV_MSDHS-42",
        "&area=41",
        "&dimension=health",
        "&assistance_type=land",
        "&provided_from=2026-02-02",
    ):
        assert (await api.get("center", base + query)).json()["items"] == [], query


async def test_the_agency_that_helps_proposes_and_the_team_resolves(api: Api) -> None:
    made, assignment = await assigned(api)
    problem = assignment["problem_ids"][0]
    await api.post(
        "health", "/v1/assistance-events", builders.event(made["id"], assignment_id=assignment["id"])
    )
    move = {"to": "resolved", "reason": "มีรายได้แล้ว"}
    proposed = await api.post("health", f"/v1/problems/{problem}/transitions", move)
    assert (proposed.json()["status"], proposed.json()["proposed_status"]) == ("being_helped", "resolved")
    stranger = await api.post("social", f"/v1/problems/{problem}/transitions", move)
    assert stranger.status_code == 404
    resolved = await api.post("team", f"/v1/problems/{problem}/transitions", move)
    assert (resolved.json()["status"], resolved.json()["proposed_status"]) == ("resolved", None)
    again = await api.post("team", f"/v1/problems/{problem}/transitions", {**move, "to": "declined"})
    assert (again.status_code, again.json()["code"], again.json()["allowed"]) == (
        409,
        "illegal-transition",
        [],
    )


async def test_a_replayed_answer_discloses_nothing_and_is_judged_again(api: Api) -> None:
    body = builders.household()
    headers = {**PURPOSE, "Idempotency-Key": "replay-1"}
    first = await api.post("team", "/v1/households", body, headers=headers)
    assert first.json()["members"][0]["person"]["phone"] is None
    narrowed = await api.post("team", "/v1/households", body, headers=headers, scopes=["menus:read"])
    assert (narrowed.status_code, narrowed.json()["code"]) == (403, "insufficient-scope")
    search = {"name": "สมศรี"}
    for _ in range(2):
        found = await api.post("team", "/v1/households/search", search, headers=headers)
        assert "idempotency-replayed" not in found.headers


async def test_ten_clients_asked_for_under_one_key_are_one_with_its_secret_once(api: Api) -> None:
    body = {"name": "Retry", "agency": "PROV_MOPH-42", "scopes": ["assistance:write"], "areas": ["42"]}
    answers = [
        await api.post("admin", "/v1/clients", body, headers={"Idempotency-Key": "client-1"})
        for _ in range(10)
    ]
    assert len({one.json()["client_id"] for one in answers}) == 1
    assert [one.json()["client_secret"] is None for one in answers] == [False] + [True] * 9


async def test_help_reported_by_the_agency_opens_the_way_to_a_resolution_with_evidence(api: Api) -> None:
    _, assignment = await assigned(api)
    path = f"/v1/assignments/{assignment['id']}/transitions"
    for to in ("accepted", "in_progress", "completed"):
        assert (await api.post("health", path, {"to": to})).status_code == 200
    problem = f"/v1/problems/{assignment['problem_ids'][0]}"
    bare = await api.post("team", f"{problem}/transitions", {"to": "resolved", "reason": "มีรายได้แล้ว"})
    assert (bare.status_code, bare.json()["code"]) == (409, "evidence-required")
    evidence = [{"uri": "https://files.example.org/1.jpg", "sha256": "0" * 64}]
    shown = await api.post(
        "team", f"{problem}/transitions", {"to": "resolved", "reason": "มีรายได้แล้ว", "evidence": evidence}
    )
    assert shown.json()["status"] == "resolved"


async def test_a_menu_of_the_country_is_not_a_province_s_to_amend(api: Api) -> None:
    menus = (await api.get("center", "/v1/menus?limit=1")).json()["items"]
    answer = await api.call(
        "center", "PATCH", f"/v1/menus/{menus[0]['id']}", {"enabled": False}, headers={"If-Match": '"1"'}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "outside-your-areas")
    own = {
        "code": "LOEI-1",
        "title_th": "เมนูเลย",
        "kind": "livelihood",
        "dimension": "income",
        "lead_agencies": ["DIST_CDD"],
    }
    assert (await api.post("center", "/v1/menus", own)).json()["areas"] == ["42"]
