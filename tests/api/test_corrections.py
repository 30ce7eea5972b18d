"""Corrections of events: what was said stays, one version holds, and only its agency speaks."""

import asyncio
from typing import Any

import pytest

from tests.api.test_assistance import assigned, rows
from tests.api.test_households import registered
from tests.support import builders
from tests.support.api import Api


async def recorded(api: Api, **changes: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A household, what the health office posts of it, and the event."""
    made = await registered(api)
    body = builders.event(made["id"], **changes)
    answer = await api.post("health", "/v1/assistance-events", body)
    assert answer.status_code == 201, answer.text
    event = {name: value for name, value in answer.json().items() if name != "receipt"}
    return made, body, event


async def corrected(api: Api, id: str, event: Any = None, *, who: str = "health", **more: Any) -> Any:
    body: dict[str, Any] = {"kind": "void" if event is None else "supersede", "reason": "พิมพ์ผิด"}
    if event is not None:
        body["event"] = event
    return await api.post(who, f"/v1/assistance-events/{id}/corrections", body, **more)


async def read(api: Api, id: str, who: str = "health") -> dict[str, Any]:
    answer = await api.get(who, f"/v1/assistance-events/{id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_new_version_stands_beside_what_was_said(api: Api) -> None:
    home, body, event = await recorded(api)
    answer = await corrected(api, event["id"], {"value_baht": "1200.00", "description": None})
    assert answer.status_code == 201, answer.text
    new = answer.json()
    assert answer.headers["location"] == f"/v1/assistance-events/{new['id']}"
    said = {"value_baht": "1200.00", "description": None, "supersedes": event["id"]}
    assert new == {**event, **said, "id": new["id"], "recorded_at": new["recorded_at"]}
    assert new["id"] != event["id"]
    old = await read(api, event["id"])
    marks = {
        "status": "corrected", "superseded_by": new["id"], "corrected_at": new["recorded_at"],
        "correction_reason": "พิมพ์ผิด", "version": 2,
    }  # fmt: skip
    assert old == {**event, **marks}, "what was said stays"
    current = await api.get("health", f"/v1/assistance-events/by-external-id/{body['external_id']}")
    assert current.json() == new
    listed = await api.get("center", f"/v1/assistance-events?household_id={home['id']}")
    assert [one["status"] for one in listed.json()["items"]] == ["corrected", "recorded"]
    counting = f"/v1/assistance-events?household_id={home['id']}&status=recorded&status=confirmed"
    assert [one["id"] for one in (await api.get("center", counting)).json()["items"]] == [new["id"]]


async def test_a_voided_event_stays_readable_and_is_final(api: Api) -> None:
    _, body, event = await recorded(api)
    answer = await corrected(api, event["id"])
    assert (answer.status_code, answer.json()["status"]) == (201, "voided")
    assert answer.json() == await read(api, event["id"])
    assert (answer.json()["voided_at"], answer.json()["correction_reason"]) != (None, None)
    for change in (None, {"value_baht": "1.00"}):
        again = await corrected(api, event["id"], change)
        assert (again.status_code, again.json()["code"], again.json()["allowed"]) == (
            409,
            "illegal-transition",
            [],
        )
    by_name = await api.get("health", f"/v1/assistance-events/by-external-id/{body['external_id']}")
    assert by_name.json()["status"] == "voided"


async def test_only_the_newest_version_is_corrected(api: Api) -> None:
    _, _, first = await recorded(api)
    second = (await corrected(api, first["id"], {"value_baht": "2.00"})).json()
    for change in (None, {"value_baht": "3.00"}):
        refused = await corrected(api, first["id"], change)
        assert (refused.status_code, refused.json()["code"]) == (409, "illegal-transition")
        assert refused.json()["superseded_by"] == second["id"]
    third = (await corrected(api, second["id"], {"value_baht": "3.00"})).json()
    assert (third["supersedes"], third["external_id"]) == (second["id"], first["external_id"])
    assert (await corrected(api, third["id"])).json()["status"] == "voided"
    shown = [(await read(api, one["id"]))["status"] for one in (first, second, third)]
    assert shown == ["corrected", "corrected", "voided"]


async def test_a_retry_of_the_first_content_is_a_duplicate_and_other_content_a_conflict(api: Api) -> None:
    _, body, event = await recorded(api)
    new = (await corrected(api, event["id"], {"value_baht": "1200.00"})).json()
    again = await api.post("health", "/v1/assistance-events", body)
    assert (again.status_code, again.json()["receipt"]["outcome"]) == (200, "duplicate")
    assert (again.json()["id"], again.json()["superseded_by"]) == (event["id"], new["id"])
    other = await api.post("health", "/v1/assistance-events", {**body, "value_baht": "1200.00"})
    assert (other.status_code, other.json()["code"]) == (409, "external-id-conflict")
    await corrected(api, new["id"])
    after = await api.post("health", "/v1/assistance-events", body)
    assert (after.status_code, after.json()["id"]) == (200, event["id"])
    held = await rows(api, "SELECT 1 FROM assistance_event WHERE external_id = $1", body["external_id"])
    assert len(held) == 2, "no retry has made a third"


async def test_only_its_agency_corrects_and_whoever_does_not_see_it_learns_nothing(api: Api) -> None:
    _, _, event = await recorded(api)
    scopes = ["assistance:read", "assistance:write", "households:read"]
    seen = await corrected(api, event["id"], who="center", scopes=scopes)
    assert (seen.status_code, seen.json()["code"]) == (403, "not-your-event")
    for claims in (
        {"who": "social", "scopes": ["assistance:read", "assistance:write"]},
        {"who": "center", "scopes": ["assistance:write", "households:read"]},
        {"who": "neighbour"},
        {"who": "health", "areas": ["41"]},
        {"who": "health", "areas": []},
    ):
        hidden = await corrected(api, event["id"], **claims)
        assert (hidden.status_code, hidden.json()["code"]) == (404, "not-found"), claims
    assert (await corrected(api, event["id"], scopes=["assistance:read"])).json()[
        "code"
    ] == "insufficient-scope"
    assert await read(api, event["id"]) == event


BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("nothing to say", {"kind": "supersede", "reason": "x"}, "/event", "required"),
    ("no reason", {"kind": "void"}, "/reason", "required"),
    ("no kind", {"reason": "x"}, "/kind", "required"),
    ("another kind", {"kind": "delete", "reason": "x"}, "/kind", "unknown-value"),
    ("void with a version", {"kind": "void", "reason": "x", "event": {"unit": "y"}}, "/event", "not-applicable"),
    ("reason with an id", {"kind": "void", "reason": f"ของ {builders.citizen_id(8)}"}, "/reason", "personal-data"),
    ("the same again", {"value_baht": 1500, "problem_ids": None}, "/event", "nothing-changed"),
    ("no change at all", {}, "/event", "nothing-changed"),
    ("cleared", {"dimension": None}, "/event/dimension", "required"),
    ("another agency", {"agency": "PROV_MSDHS-42"}, "/event/agency", "unknown-field"),
    ("another name", {"external_id": "X"}, "/event/external_id", "unknown-field"),
    ("another household", {"household": {"house_code": "42010912345"}}, "/event/household", "unknown-field"),
    ("future", {"provided_on": "2999-01-01"}, "/event/provided_on", "future-date"),
    ("long ago", {"provided_on": "1900-01-01"}, "/event/provided_on", "implausible-date"),
    ("negative", {"value_baht": "-1.00"}, "/event/value_baht", "out-of-range"),
    ("id in free text", {"obstacle": f"บัตร {builders.citizen_id(7)}"}, "/event/obstacle", "personal-data"),
    ("unknown menu", {"menu_code": "XXX-99"}, "/event/menu_code", "unknown-menu"),
    ("unknown problem", {"problem_ids": ["01890000-0000-7000-8000-000000000000"]}, "/event/problem_ids", "unknown-problem"),
    ("stranger", {"beneficiaries": ["01890000-0000-7000-8000-000000000000"]}, "/event/beneficiaries", "unknown-beneficiary"),
    ("no assignment", {"assignment_id": "01890000-0000-7000-8000-000000000000"}, "/event/assignment_id", "unknown-assignment"),
    ("a name twice", {"beneficiaries": ["01890000-0000-7000-8000-000000000000"] * 2}, "/event/beneficiaries", "repeated-id"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "sent", "pointer", "code"), BAD, ids=[one[0] for one in BAD])
async def test_a_bad_correction_is_refused_where_it_is(
    api: Api, why: str, sent: dict[str, Any], pointer: str, code: str
) -> None:
    _, _, event = await recorded(api)
    body = sent if {"kind", "reason"} & set(sent) else {"kind": "supersede", "reason": "x", "event": sent}
    answer = await api.post("health", f"/v1/assistance-events/{event['id']}/corrections", body)
    assert answer.status_code == 422, answer.text
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]
    assert await read(api, event["id"]) == event


async def test_of_corrections_at_once_one_wins(api: Api) -> None:
    _, body, event = await recorded(api)
    answers = await asyncio.gather(
        *(corrected(api, event["id"], {"value_baht": f"{n + 1}.00"} if n % 3 else None) for n in range(20))
    )
    codes = sorted((one.status_code, one.json().get("code")) for one in answers)
    assert codes == [(201, None)] + [(409, "illegal-transition")] * 19
    held = await rows(
        api,
        "SELECT status FROM assistance_event WHERE external_id = $1 AND superseded_by IS NULL",
        body["external_id"],
    )
    assert len(held) == 1


async def test_a_key_replays_a_correction(api: Api) -> None:
    _, _, event = await recorded(api)
    headers = {"Idempotency-Key": "correction-1"}
    first = await corrected(api, event["id"], {"value_baht": "7.00"}, headers=headers)
    again = await corrected(api, event["id"], {"value_baht": "7.00"}, headers=headers)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    other = await corrected(api, event["id"], {"value_baht": "8.00"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


async def test_the_feed_and_the_audit_tell_of_a_correction(api: Api) -> None:
    home, _, event = await recorded(api)
    new = (await corrected(api, event["id"], {"value_baht": "2.00", "unit": "ถุง"})).json()
    await corrected(api, new["id"])
    fed = await rows(
        api,
        "SELECT action, resource_id::text, version, agency FROM change"
        " WHERE household_id = $1::text::uuid AND type = 'assistance_event' ORDER BY transaction_id, id",
        home["id"],
    )
    assert [tuple(one) for one in fed] == [
        ("created", event["id"], 1, "PROV_MOPH-42"),
        ("corrected", event["id"], 2, "PROV_MOPH-42"),
        ("created", new["id"], 1, "PROV_MOPH-42"),
        ("voided", new["id"], 2, "PROV_MOPH-42"),
    ]
    left = await rows(
        api,
        "SELECT operation, changes::text FROM audit WHERE household_id = $1::text::uuid AND operation LIKE 'assistance%'"
        " ORDER BY id",
        home["id"],
    )
    operations = [one[0].removeprefix("assistance_event.") for one in left]
    assert sorted(operations) == ["corrected", "created", "created", "voided"]
    (changes,) = [one[1] for one in left if one[0].endswith("corrected")]
    assert '"unit", "value_baht"' in changes
    assert "ถุง" not in changes


async def test_the_version_that_is_read_tells_that_something_has_become_of_it(api: Api) -> None:
    _, _, event = await recorded(api)
    path = f"/v1/assistance-events/{event['id']}"
    tag = (await api.get("health", path)).headers["etag"]
    assert (await api.get("health", path, headers={"If-None-Match": tag})).status_code == 304
    await corrected(api, event["id"])
    after = await api.get("health", path, headers={"If-None-Match": tag})
    assert (after.status_code, after.headers["etag"]) == (200, '"2"')


# -- effects


async def test_what_was_set_going_is_not_undone_but_counts_as_no_assistance(api: Api) -> None:
    home, assignment = await assigned(api)
    body = builders.event(home["id"], assignment_id=assignment["id"])
    event = (await api.post("health", "/v1/assistance-events", body)).json()
    assert (await corrected(api, event["id"])).status_code == 201
    assert (await api.get("health", f"/v1/assignments/{assignment['id']}")).json()["status"] == "in_progress"
    problem = f"/v1/problems/{assignment['problem_ids'][0]}"
    assert (await api.get("team", problem)).json()["status"] == "being_helped"
    resolve = {"to": "resolved", "reason": "มีรายได้แล้ว"}
    bare = await api.post("team", f"{problem}/transitions", resolve)
    assert (bare.status_code, bare.json()["code"]) == (409, "evidence-required")
    real = await api.post(
        "health", "/v1/assistance-events", {**body, "external_id": body["external_id"] + "b"}
    )
    assert real.status_code == 201
    fixed = await corrected(api, real.json()["id"], {"value_baht": "9.00"})
    assert fixed.status_code == 201
    assert (await api.post("team", f"{problem}/transitions", resolve)).json()["status"] == "resolved"


async def test_a_version_that_names_an_assignment_sets_it_going(api: Api) -> None:
    home, assignment = await assigned(api)
    event = (await api.post("health", "/v1/assistance-events", builders.event(home["id"]))).json()
    named = {"assignment_id": assignment["id"], "problem_ids": assignment["problem_ids"]}
    new = await corrected(api, event["id"], named)
    assert (new.status_code, new.json()["assignment_id"]) == (201, assignment["id"]), new.text
    after = await api.get("health", f"/v1/assignments/{assignment['id']}")
    assert (after.json()["status"], after.json()["version"]) == ("in_progress", assignment["version"] + 1)
    problem = await api.get("team", f"/v1/problems/{assignment['problem_ids'][0]}")
    assert problem.json()["status"] == "being_helped"


async def test_a_closed_assignment_takes_no_correction_but_the_event_s_own_stays(api: Api) -> None:
    home, assignment = await assigned(api)
    against = await api.post(
        "health", "/v1/assistance-events", builders.event(home["id"], assignment_id=assignment["id"])
    )
    free = await api.post("health", "/v1/assistance-events", builders.event(home["id"]))
    cancel = {"to": "cancelled", "reason": "ย้ายออก"}
    assert (
        await api.post("center", f"/v1/assignments/{assignment['id']}/transitions", cancel)
    ).status_code == 200
    refused = await corrected(api, free.json()["id"], {"assignment_id": assignment["id"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "assignment-closed")
    allowed = await corrected(api, against.json()["id"], {"value_baht": "3.00"})
    assert (allowed.status_code, allowed.json()["assignment_id"]) == (201, assignment["id"])


# -- receipts


async def test_a_receipt_follows_the_event(api: Api) -> None:
    home, assignment = await assigned(api)
    body = builders.event(home["id"], assignment_id=assignment["id"])
    event = (await api.post("health", "/v1/assistance-events", body)).json()
    path = f"/v1/assistance-events/{event['id']}/receipt"
    nothing_yet = {
        "event_id": event["id"], "external_id": body["external_id"], "household_id": home["id"], "status": "recorded",
        "recorded_at": event["recorded_at"], "linked_at": None, "confirmed_at": None, "snapshot": None,
        "corrected_at": None, "voided_at": None, "correction_reason": None, "supersedes": None, "superseded_by": None,
    }  # fmt: skip
    assert (await api.get("health", path)).json() == nothing_yet
    moves = f"/v1/assignments/{assignment['id']}/transitions"
    assert (await api.post("health", moves, {"to": "completed", "outcome": "เสร็จ"})).status_code == 200
    assert (await api.post("team", moves, {"to": "confirmed"})).status_code == 200
    confirmed = (await api.get("health", path)).json()
    assert confirmed["confirmed_at"] is not None
    assert confirmed == {**nothing_yet, "status": "confirmed", "confirmed_at": confirmed["confirmed_at"]}
    assert (await read(api, event["id"]))["version"] == 2
    new = (await corrected(api, event["id"], {"value_baht": "2.00"})).json()
    assert (new["status"], new["confirmed_at"]) == ("recorded", None), "nobody has confirmed the new version"
    done = (await api.get("health", path)).json()
    assert (done["status"], done["superseded_by"], done["corrected_at"]) == (
        "corrected", new["id"], new["recorded_at"],
    )  # fmt: skip
    await corrected(api, new["id"])
    last = (await api.get("health", f"/v1/assistance-events/{new['id']}/receipt")).json()
    assert (last["status"], last["supersedes"], last["corrected_at"]) == ("voided", event["id"], None)
    assert (last["voided_at"], last["correction_reason"]) != (None, None)


async def test_a_reason_with_a_number_that_may_be_somebody_s_is_hidden(api: Api) -> None:
    _, _, event = await recorded(api)
    body = {"kind": "void", "reason": "ของ 1101700230700"}
    answer = await api.post("health", f"/v1/assistance-events/{event['id']}/corrections", body)
    assert answer.json()["correction_reason"] == "ของ [...]"
    receipt = await api.get("health", f"/v1/assistance-events/{event['id']}/receipt")
    assert receipt.json()["correction_reason"] == "ของ [...]"
