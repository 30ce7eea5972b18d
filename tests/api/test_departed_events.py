"""Help given to a household that has left the areas since: its agency is told of its own, and not where that is."""

from typing import Any

import httpx2
import pytest

from persistence.bounds import Bounds
from tests.support import builders
from tests.support.api import Api
from tests.support.calls import HIDDEN, everything, told
from tests.support.database import seeing
from tests.support.doors import GraphqlDoor

EVENTS = "/v1/assistance-events"
HEALTH, SOCIAL = "PROV_MOPH-42", "PROV_MSDHS-42"
HERE, THERE = "420101", "410101"
UNKNOWN = (422, "unknown-household")


async def home_of(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await everything(api, "POST", "/v1/households", builders.household(**changes))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def left(api: Api, home: dict[str, Any], to: str = THERE) -> None:
    body = {"area_code": to, "address": {"house_no": "7", "moo": 2}, "moved_on": "2026-01-05"}
    answer = await everything(api, "POST", f"/v1/households/{home['id']}/move", body)
    assert answer.status_code == 200, answer.text


async def recorded(api: Api, body: Any, **claims: Any) -> httpx2.Response:
    return await api.post("health", EVENTS, body, **claims)


def naming(home: dict[str, Any], by: str) -> dict[str, Any]:
    if by == "id":
        return {"id": home["id"]}
    if by == "house_code":
        return {"house_code": home["house_code"]}
    return {"citizen_id": home["members"][0]["person"]["citizen_id"]}


def silent(answer: httpx2.Response) -> bool:
    """Whether it says nothing of the place the household is at."""
    return THERE not in answer.text and '"41' not in answer.text


@pytest.mark.parametrize("on_unknown", ["reject", "register"])
@pytest.mark.parametrize(
    ("by", "house_code"), [("id", None), ("house_code", "42010199001"), ("citizen_id", None)]
)
async def test_a_retry_has_the_first_answer(
    api: Api, by: str, house_code: str | None, on_unknown: str
) -> None:
    code = None if house_code is None else house_code[:-1] + str(len(on_unknown) % 10)
    home = await home_of(api, house_code=code)
    body = builders.event(
        home["id"], household=naming(home, by), on_unknown=on_unknown, description="ผ้าห่ม", beneficiaries=[home["head_person_id"]],
    )  # fmt: skip
    first = await recorded(api, body)
    assert first.status_code == 201, first.text
    await left(api, home)
    again = await recorded(api, body)
    assert again.status_code == 200, again.text
    assert again.json() == {**first.json(), "receipt": {**first.json()["receipt"], "outcome": "duplicate"}}
    assert again.json()["area_code"] == HERE
    assert silent(again)
    other = await recorded(api, {**body, "value_baht": "2.00"})
    assert told(other) == (409, "external-id-conflict")
    # What is new cannot land there, and is not told why.
    assert told(await recorded(api, builders.event(home["id"]))) == UNKNOWN


async def test_so_it_is_in_a_batch_and_by_graphql(api: Api) -> None:
    home = await home_of(api)
    body = builders.event(home["id"])
    first = (await recorded(api, body)).json()
    await left(api, home)
    fresh = builders.event((await home_of(api))["id"])
    for mode in ("validate", "commit"):
        answer = await api.post(
            "health", f"{EVENTS}/batch", {"mode": mode, "items": [body, fresh, {**body, "unit": "ถุง"}]}
        )
        results = answer.json()["results"]
        assert [one["outcome"] for one in results] == ["duplicate", "created", "conflict"]
        assert results[0]["id"] == first["id"]
        assert silent(answer)
    door = GraphqlDoor(api)
    again = await door.record_assistance("health", body)
    assert (again.good["id"], again.good["receipt"]["outcome"]) == (first["id"], "duplicate")
    assert silent(again.response)
    assert (await door.receipt("health", first["id"])).good["status"] == "recorded"


async def test_its_receipt_stays_readable_and_the_record_itself_does_not(api: Api) -> None:
    home = await home_of(api)
    body = builders.event(home["id"])
    first = (await recorded(api, body)).json()
    path = f"{EVENTS}/{first['id']}"
    before = (await api.get("health", f"{path}/receipt")).json()
    await left(api, home)
    after = await api.get("health", f"{path}/receipt")
    assert (after.status_code, after.json()) == (200, before)
    assert (after.json()["external_id"], after.json()["household_id"]) == (body["external_id"], home["id"])
    assert silent(after)
    for hidden in (path, f"{EVENTS}/by-external-id/{body['external_id']}"):
        assert told(await api.get("health", hidden)) == HIDDEN
    # Its fate goes on, and that it has one is no secret to its agency.
    reason = {"kind": "void", "reason": "บันทึกซ้ำ"}
    voided = await everything(api, "POST", f"{path}/corrections", reason, agency=HEALTH, areas=["41"])
    assert voided.status_code in (200, 201), voided.text
    end = (await api.get("health", f"{path}/receipt")).json()
    assert (end["status"], end["correction_reason"]) == ("voided", None)
    assert end["voided_at"] is not None
    assert (await recorded(api, body)).json()["status"] == "voided"


async def test_whoever_never_reached_there_is_told_nothing(api: Api) -> None:
    home = await home_of(api)
    body = builders.event(home["id"])
    first = (await recorded(api, body)).json()
    await left(api, home)
    receipt = f"{EVENTS}/{first['id']}/receipt"
    for areas in (["43"], ["420102"], []):
        assert told(await recorded(api, body, areas=areas)) == UNKNOWN
        assert told(await api.get("health", receipt, areas=areas)) == HIDDEN
    batch = await api.post("health", f"{EVENTS}/batch", {"items": [body]}, areas=["43"])
    assert batch.json()["results"][0]["problem"]["code"] == "unknown-household"
    # Nor is another agency of the place.
    assert told(await api.get("social", receipt)) == HIDDEN
    assert told(await recorded(api, body, agency=SOCIAL)) == UNKNOWN


async def test_where_it_was_merged_since_nothing_is_told(api: Api) -> None:
    """The id that the household has now was never told here."""
    home, twin = await home_of(api), await home_of(api, area_code=THERE)
    body = builders.event(home["id"])
    first = (await recorded(api, body)).json()
    await left(api, home)
    merge = {"duplicate_id": home["id"], "reason": "ซ้ำ"}
    answer = await everything(api, "POST", f"/v1/households/{twin['id']}/merge", merge)
    assert answer.status_code == 200, answer.text
    again, receipt = await recorded(api, body), await api.get("health", f"{EVENTS}/{first['id']}/receipt")
    assert (told(again), told(receipt)) == (UNKNOWN, HIDDEN)
    assert twin["id"] not in again.text + receipt.text


async def test_the_wall_opens_an_agency_s_own_events_and_no_area(api: Api) -> None:
    home = await home_of(api)
    first = (await recorded(api, builders.event(home["id"]))).json()
    sql = "SELECT id::text FROM own_event"
    for bounds, seen in ((Bounds('{"43"}', f"off|{HEALTH}"), True), (Bounds('{""}', f"on|{SOCIAL}"), False), (Bounds('{""}', "on|"), False)):  # fmt: skip
        async with seeing(api.worker.database, bounds) as connection:
            assert (first["id"] in {row[0] for row in await connection.fetch(sql)}) is seen
            columns = await connection.fetch("SELECT attname FROM pg_attribute WHERE attrelid = 'own_event'::regclass AND attnum > 0")  # fmt: skip
            assert {"area_code", "description", "beneficiaries", "evidence"}.isdisjoint(
                row[0] for row in columns
            )
