"""Help for households that nobody has registered: it waits, is shown to registrars, and is linked by whatever
brings the household; nobody who comes at the same moment is missed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from api.app import new_id, sealing_of
from domain.access.actor import Actor
from domain.assistance import events
from domain.assistance.corrections import CorrectionDraft, correct
from domain.assistance.event import EventDraft
from domain.registry import households
from domain.registry.household import HouseholdDraft
from persistence.assistance.queue import link_all
from persistence.demo.clients import demo_clients
from persistence.work import PgWork, WorkFactory
from tests.api.test_assistance import rows
from tests.api.test_corrections import corrected, read
from tests.api.test_households import registered
from tests.support import builders
from tests.support.api import Api
from tests.support.database import seeing
from tests.support.waiting import eventually_so

REGISTRAR = ["households:write"]


def nameless() -> dict[str, Any]:
    return builders.member(citizen_id=None, no_id_reason="not_known")


def house_code() -> str:
    return f"4201{builders.citizen_id()[-8:-1]}"


async def queued(api: Api, household: dict[str, str], **more: Any) -> dict[str, Any]:
    changes = {"household": household, "on_unknown": "register", **more.pop("event", {})}
    answer = await api.post("health", "/v1/assistance-events", builders.event("", **changes), **more)
    assert (answer.status_code, answer.json()["receipt"]["outcome"]) == (201, "queued"), answer.text
    found: dict[str, Any] = answer.json()
    return found


async def waiting(api: Api, query: str = "", who: str = "team", **claims: Any) -> list[dict[str, Any]]:
    claims.setdefault("scopes", REGISTRAR)
    answer = await api.get(who, f"/v1/assistance-queue?limit=200{query}", **claims)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def ids(api: Api, query: str = "", **more: Any) -> set[str]:
    return {one["id"] for one in await waiting(api, query, **more)}


async def home_of(api: Api, id: str) -> str | None:
    found: str | None = (await read(api, id))["household_id"]
    return found


# -- linked by whatever brings the household


@pytest.mark.parametrize("way", ["createHousehold", "citizen id of a person", "a new member", "house code"])
async def test_an_event_is_linked_by_whatever_brings_its_household(api: Api, way: str) -> None:
    citizen_id, code = builders.citizen_id(), house_code()
    by_person = way != "house code"
    event = await queued(api, {"citizen_id": citizen_id} if by_person else {"house_code": code})
    body = builders.household(members=[nameless()])
    if way == "createHousehold":
        body["members"].append(builders.member("child", citizen_id=citizen_id))
    made = await registered(api, **{"members": body["members"]})
    path, match = f"/v1/households/{made['id']}", {"If-Match": f'"{made["version"]}"'}
    match way:
        case "citizen id of a person":
            person = made["members"][0]["person"]
            answer = await api.call(
                "team", "PATCH", f"/v1/persons/{person['id']}", {"citizen_id": citizen_id}, headers={"If-Match": '"1"'}
            )  # fmt: skip
            assert answer.status_code == 200, answer.text
        case "a new member":
            joining = builders.member("child", citizen_id=citizen_id)
            answer = await api.post("team", f"{path}/members", joining, headers=match)
            assert answer.status_code in (200, 201), answer.text
        case "house code":
            answer = await api.call("team", "PATCH", path, {"house_code": code}, headers=match)
            assert answer.status_code == 200, answer.text
    linked = await read(api, event["id"])
    assert (linked["household_id"], linked["area_code"], linked["version"]) == (made["id"], "420101", 2)
    assert event["id"] not in await ids(api)
    fed = await rows(
        api, "SELECT action, version FROM change WHERE resource_id = $1::text::uuid", event["id"]
    )
    assert [tuple(one) for one in fed] == [("linked", 2)]


async def test_many_households_are_linked_in_one_go(api: Api) -> None:
    """As an import does: their events were posted while it was read."""
    codes = [house_code() for _ in range(30)]
    people = [builders.citizen_id() for _ in range(30)]
    homes = [
        await registered(api, house_code=code, members=[builders.member(citizen_id=person)])
        for code, person in zip(codes, people, strict=True)
    ]
    events = [await queued(api, {"house_code": house_code()}) for _ in range(30)]
    events += [await queued(api, {"citizen_id": builders.citizen_id()}) for _ in range(30)]
    apart = await queued(api, {"house_code": house_code()})
    index = sealing_of(api.keyring).index
    async with seeing(api.worker.database) as connection:
        for event, code in zip(events[:30], codes, strict=True):
            await connection.execute(
                "UPDATE queued_event SET house_code = $2 WHERE id = $1::text::uuid", event["id"], code
            )
        for event, person in zip(events[30:], people, strict=True):
            await connection.execute(
                "UPDATE queued_event SET blind_index = $2 WHERE id = $1::text::uuid",
                event["id"],
                index.of(person),
            )
        count = await link_all(connection, [one["id"] for one in homes], now=datetime.now(UTC))
    assert count == 60
    assert [await home_of(api, one["id"]) for one in events] == [one["id"] for one in homes] * 2
    assert await home_of(api, apart["id"]) is None


async def test_a_house_code_of_two_households_is_nobody_s_to_pick(api: Api) -> None:
    code = house_code()
    event = await queued(api, {"house_code": code}, areas=["4201"])
    # Two that came at once.
    async with seeing(api.worker.database) as connection:
        await connection.execute(
            "UPDATE queued_event SET waits = false WHERE id = $1::text::uuid", event["id"]
        )
    first = await registered(api, house_code=code)
    async with seeing(api.worker.database) as connection:
        await connection.execute(
            "UPDATE queued_event SET waits = true WHERE id = $1::text::uuid", event["id"]
        )
    second = await registered(api, house_code=code)
    async with seeing(api.worker.database) as connection:
        assert await link_all(connection, [first["id"], second["id"]], now=datetime.now(UTC)) == 0
    assert await home_of(api, event["id"]) is None
    # Where one of them got a code of its own, the other is meant.
    path = f"/v1/households/{first['id']}"
    await api.call("team", "PATCH", path, {"house_code": house_code()}, headers={"If-Match": '"1"'})
    async with seeing(api.worker.database) as connection:
        assert await link_all(connection, [second["id"]], now=datetime.now(UTC)) == 1
    assert await home_of(api, event["id"]) == second["id"]


async def test_it_is_linked_only_where_its_poster_could_have_posted_it(api: Api) -> None:
    code = house_code()
    event = await queued(api, {"house_code": code}, areas=["4202"])
    made = await registered(api, house_code=code)
    assert made["area_code"] == "420101"
    assert await home_of(api, event["id"]) is None


# -- corrected where it waits


async def test_a_waiting_event_is_corrected_and_linked_with_its_versions(api: Api) -> None:
    person = builders.person()
    event = await queued(api, {"citizen_id": person["citizen_id"]})
    answer = await corrected(api, event["id"], {"value_baht": "900.00"})
    assert answer.status_code == 201, answer.text
    new = answer.json()
    assert (new["household_id"], new["supersedes"], new["value_baht"]) == (None, event["id"], "900.00")
    old = await read(api, event["id"])
    assert (old["status"], old["superseded_by"], old["value_baht"]) == ("corrected", new["id"], "1500.00")
    assert await read(api, new["id"]) == new
    name = f"/v1/assistance-events/by-external-id/{event['external_id']}"
    assert (await api.get("health", name)).json() == new
    assert {event["id"], new["id"]} & await ids(api) == {new["id"]}
    refused = await corrected(api, event["id"], {"value_baht": "1.00"})
    assert (refused.status_code, refused.json()["superseded_by"]) == (409, new["id"])
    made = await registered(api, members=[{"relationship": "head", "person": person}])
    shown = [await read(api, one["id"]) for one in (event, new)]
    assert [(one["household_id"], one["status"], one["version"]) for one in shown] == [
        (made["id"], "corrected", 3), (made["id"], "recorded", 2),
    ]  # fmt: skip
    assert (await api.get("health", name)).json()["id"] == new["id"]
    fed = await rows(
        api,
        "SELECT resource_id::text, action FROM change WHERE type = 'assistance_event' AND household_id = $1::text::uuid",
        made["id"],
    )
    assert {tuple(one) for one in fed} == {(event["id"], "corrected"), (new["id"], "linked")}
    again = await corrected(api, new["id"], {"value_baht": "800.00"})
    assert again.status_code == 201


async def test_a_waiting_event_that_was_voided_is_never_linked(api: Api) -> None:
    person = builders.person()
    body = {"household": {"citizen_id": person["citizen_id"]}, "on_unknown": "register"}
    sent = builders.event("", **body)
    event = (await api.post("health", "/v1/assistance-events", sent)).json()
    voided = await corrected(api, event["id"])
    assert (voided.status_code, voided.json()["status"]) == (201, "voided")
    assert (await corrected(api, event["id"])).json()["code"] == "illegal-transition"
    assert event["id"] not in await ids(api)
    retried = await api.post("health", "/v1/assistance-events", sent)
    assert (retried.status_code, retried.json()["status"]) == (200, "voided")
    receipt = await api.get("health", f"/v1/assistance-events/{event['id']}/receipt")
    assert (receipt.json()["status"], receipt.json()["household_id"]) == ("voided", None)
    assert receipt.json()["voided_at"] is not None
    await registered(api, members=[{"relationship": "head", "person": person}])
    assert await home_of(api, event["id"]) is None


@pytest.mark.parametrize("field", ["problem_ids", "beneficiaries", "assignment_id"])
async def test_a_waiting_event_names_nothing_of_a_household_that_is_not_known(api: Api, field: str) -> None:
    event = await queued(api, {"house_code": house_code()})
    named = str(uuid7())
    answer = await corrected(api, event["id"], {field: named if field == "assignment_id" else [named]})
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [f"/event/{field}"]


async def test_a_waiting_event_is_its_agency_s_alone_to_correct(api: Api) -> None:
    event = await queued(api, {"house_code": house_code()})
    for who in ("social", "center", "neighbour"):
        hidden = await corrected(api, event["id"], who=who)
        assert (hidden.status_code, hidden.json()["code"]) == (404, "not-found"), who


# -- shown to registrars


async def test_a_registrar_sees_whom_to_register_and_no_citizen_id(api: Api) -> None:
    citizen_id, code = builders.citizen_id(), house_code()
    by_person = await queued(api, {"citizen_id": citizen_id})
    by_code = await queued(
        api, {"house_code": code}, event={"dimension": "health", "assistance_type": "advice"}
    )
    shown = {one["id"]: one for one in await waiting(api)}
    assert shown[by_person["id"]] == {
        "id": by_person["id"], "agency": "PROV_MOPH-42", "areas": ["42"],
        "citizen_id": f"x-xxxx-xxxxx-{citizen_id[-3:-1]}-{citizen_id[-1]}", "house_code": None, "dimension": "income",
        "assistance_type": "livelihood", "provided_on": "2026-02-01", "recorded_at": by_person["recorded_at"],
    }  # fmt: skip
    assert (shown[by_code["id"]]["citizen_id"], shown[by_code["id"]]["house_code"]) == (None, code)
    with_pii = [*REGISTRAR, "households:read", "persons:pii"]
    everything = await api.get(
        "team", "/v1/assistance-queue?limit=200", scopes=with_pii, headers={"X-Purpose": "casework"}
    )
    assert citizen_id not in everything.text
    assert by_code["id"] in await ids(api, "&dimension=health")
    assert by_person["id"] not in await ids(api, "&dimension=health")
    assert by_code["id"] in await ids(api, "&agency=PROV_MOPH-42&area=420101")
    assert await ids(api, "&agency=PROV_MSDHS-42") == set()
    assert await ids(api, "&area=41") == set()


async def test_the_queue_is_shown_where_the_household_may_live(api: Api) -> None:
    narrow = await queued(api, {"house_code": house_code()}, areas=["420102"])
    wide = await queued(api, {"house_code": house_code()}, areas=["42"])
    for areas, seen in (
        (["42"], {narrow["id"], wide["id"]}),
        (["420102"], {narrow["id"], wide["id"]}),
        (["420101"], {wide["id"]}),
        (["*"], {narrow["id"], wide["id"]}),
        (["41"], set()),
        ([], set()),
    ):
        assert await ids(api, areas=areas) & {narrow["id"], wide["id"]} == seen, areas
    # Its agency, where it registers elsewhere, is no exception.
    assert await ids(api, who="health", areas=["41"]) == set()
    for scopes in (["households:read"], ["assistance:read", "assistance:write"]):
        refused = await api.get("team", "/v1/assistance-queue", scopes=scopes)
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")


# -- at the same moment


def actor(name: str) -> Actor:
    client = next(one for one in demo_clients() if one.name == name)
    scopes, areas = frozenset(client.scopes), tuple(client.areas)
    return Actor(f"demo-{name}", client.agency, scopes, areas, 2**31, "token")


@asynccontextmanager
async def at_work(api: Api, name: str) -> AsyncIterator[PgWork]:
    """A unit of work that is not committed before the block ends."""
    assert api.worker.database is not None
    works = WorkFactory(api.worker.database, sealing_of(api.keyring), new_id)
    async with works.writing(actor(name)) as work:
        yield work


async def held_up(api: Api) -> bool:
    """Whether somebody waits for a lock on a place of the queue."""
    return bool(await rows(api, "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))


@pytest.mark.parametrize("by", ["citizen_id", "house_code"])
async def test_an_event_that_comes_while_its_household_is_registered_finds_it(api: Api, by: str) -> None:
    person, code = builders.person(), house_code()
    body = builders.household(house_code=code, members=[{"relationship": "head", "person": person}])
    named = {"citizen_id": person["citizen_id"]} if by == "citizen_id" else {"house_code": code}
    event = builders.event("", household=named, on_unknown="register")
    async with at_work(api, "team") as work:
        draft = HouseholdDraft.model_validate(body)
        made = await households.register(work, actor("team"), draft, now=datetime.now(UTC))
        posting = asyncio.create_task(api.post("health", "/v1/assistance-events", event))
        assert await eventually_so(lambda: held_up(api))
        assert not posting.done()
    answer = await posting
    assert (answer.status_code, answer.json()["receipt"]["outcome"]) == (201, "created"), answer.text
    assert answer.json()["household_id"].encode() in made.text


@pytest.mark.parametrize("by", ["citizen_id", "house_code"])
async def test_a_household_that_is_registered_while_its_event_comes_links_it(api: Api, by: str) -> None:
    person, code = builders.person(), house_code()
    named = {"citizen_id": person["citizen_id"]} if by == "citizen_id" else {"house_code": code}
    draft = EventDraft.model_validate(builders.event("", household=named, on_unknown="register"))
    body = builders.household(house_code=code, members=[{"relationship": "head", "person": person}])
    async with at_work(api, "health") as work:
        new, _ = await events.record(work, actor("health"), draft, now=datetime.now(UTC))
        assert new
        registering = asyncio.create_task(api.post("team", "/v1/households", body))
        assert await eventually_so(lambda: held_up(api))
        assert not registering.done()
    made = (await registering).json()
    found = await api.get("health", f"/v1/assistance-events/by-external-id/{draft.external_id}")
    assert found.json()["household_id"] == made["id"]


async def test_a_version_that_comes_while_the_household_is_registered_is_not_left_behind(api: Api) -> None:
    person = builders.person()
    event = await queued(api, {"citizen_id": person["citizen_id"]})
    body = builders.household(members=[{"relationship": "head", "person": person}])
    async with at_work(api, "team") as work:
        draft = HouseholdDraft.model_validate(body)
        await households.register(work, actor("team"), draft, now=datetime.now(UTC))
        correcting = asyncio.create_task(corrected(api, event["id"], {"value_baht": "5.00"}))
        assert await eventually_so(lambda: held_up(api))
    new = (await correcting).json()
    assert await home_of(api, event["id"]) is not None
    assert new["household_id"] == await home_of(api, new["id"]) == await home_of(api, event["id"])


async def test_a_household_that_is_registered_while_its_event_is_corrected_links_both_versions(
    api: Api,
) -> None:
    person = builders.person()
    event = await queued(api, {"citizen_id": person["citizen_id"]})
    body = builders.household(members=[{"relationship": "head", "person": person}])
    draft = CorrectionDraft.model_validate(
        {"kind": "supersede", "reason": "x", "event": {"value_baht": "6.00"}}
    )
    async with at_work(api, "health") as work:
        new = await correct(work, actor("health"), UUID(event["id"]), draft, now=datetime.now(UTC))
        registering = asyncio.create_task(api.post("team", "/v1/households", body))
        assert await eventually_so(lambda: held_up(api))
        assert not registering.done()
    made = (await registering).json()
    for id in (event["id"], json.loads(new.text)["id"]):
        assert await home_of(api, id) == made["id"]


async def test_of_many_who_come_at_once_none_is_left_behind(api: Api) -> None:
    people = [builders.person() for _ in range(25)]
    sent = [
        builders.event("", household={"citizen_id": one["citizen_id"]}, on_unknown="register")
        for one in people
    ]
    bodies = [builders.household(members=[{"relationship": "head", "person": one}]) for one in people]
    answers = await asyncio.gather(
        *(
            api.post(*pair)
            for post, home in zip(sent, bodies, strict=True)
            for pair in (("health", "/v1/assistance-events", post), ("team", "/v1/households", home))
        )
    )
    assert {one.status_code for one in answers} == {201}
    homes = [one.json()["id"] for one in answers[1::2]]
    assert [await home_of(api, one.json()["id"]) for one in answers[::2]] == homes
