"""What tells whether a citizen id is registered costs lookups, by whatever road; what is honest costs none."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest
import structlog
from uuid_utils.compat import uuid7

from api.keyring import Keyring
from domain.assistance.events import _REFUSALS
from persistence.engine import Database
from tests.support import builders
from tests.support.api import Api
from tests.support.doors import DOORS, Answer, AnyDoor
from tests.support.limits import limited
from tests.support.scenarios import assigned, registered

Opened = Callable[[int], Awaitable[AnyDoor]]


@pytest.fixture(params=DOORS, ids=[door.name for door in DOORS])
async def opened(request: pytest.FixtureRequest, dsn: str, keyring: Keyring) -> AsyncIterator[Opened]:
    """A door to the application with so many lookups."""
    async with AsyncExitStack() as stack:

        async def opening(lookups: int) -> AnyDoor:
            api = await stack.enter_async_context(limited(dsn, keyring, lookup=str(lookups)))
            made: AnyDoor = request.param(api)
            return made

        yield opening


async def spent(database: Database) -> int:
    """Lookups asked for by all clients, granted or not: they are leased one by one."""
    async with database.reading() as connection:
        counted = "SELECT coalesce(sum(taken), 0)::int FROM quota WHERE class = 'lookup'"
        number: int = await connection.fetchval(counted)
    return number


async def queued(dsn: str) -> int:
    """As the owner: the queue is closed to the service's plain reads."""
    connection = await asyncpg.connect(dsn)
    try:
        number: int = await connection.fetchval("SELECT count(*)::int FROM queued_event")
    finally:
        await connection.close()
    return number


def first_id(body: Mapping[str, Any]) -> str:
    """The citizen id of the first member, as it is sent."""
    found: str = body["members"][0]["person"]["citizen_id"]
    return found


def family(*taken: str, members: int) -> dict[str, Any]:
    """A household of so many, among them these."""
    ids = [*taken, *(builders.citizen_id() for _ in range(members - len(taken)))]
    people = [builders.member("head" if not at else "relative", citizen_id=one) for at, one in enumerate(ids)]
    return builders.household(members=people)


async def known(door: AnyDoor) -> str:
    """The citizen id of somebody who is registered."""
    body = family(members=1)
    assert (await door.create_household("team", body)).code is None
    return first_id(body)


def left(answer: Answer) -> str | None:
    """Lookups left, as the answer tells; None where it says nothing of them."""
    for entry in answer.response.headers["ratelimit"].split(", "):
        if entry.startswith('"lookup"'):
            return entry.split(";")[1].removeprefix("r=")
    return None


# -- registering


async def test_where_one_is_taken_every_id_named_is_paid_for(opened: Opened, database: Database) -> None:
    door = await opened(100)
    taken = await known(door)
    assert await spent(database) == 0
    answer = await door.create_household("team", family(taken, members=5))
    assert answer.code == "already-a-member"
    assert (await spent(database), left(answer)) == (5, "95")
    # Whoever has no citizen id was not asked about.
    nameless = {"relationship": "child", "person": builders.person(citizen_id=None, no_id_reason="newborn")}
    body = family(taken, members=2)
    body["members"].append(nameless)
    assert (await door.create_household("team", body)).code == "already-a-member"
    assert await spent(database) == 7


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "at once"])
async def test_ten_large_families_tell_no_more_than_the_limit(opened: Opened, at_once: bool) -> None:
    door = await opened(100)
    taken = await known(door)
    bodies = [family(taken, members=45) for _ in range(10)]
    if at_once:
        answers = await asyncio.gather(*(door.create_household("team", body) for body in bodies))
    else:
        answers = [await door.create_household("team", body) for body in bodies]
    codes = [one.code for one in answers]
    assert codes.count("already-a-member") <= 2
    assert codes.count("already-a-member") + codes.count("rate-limited") == 10
    if not at_once:
        assert codes[:2] == ["already-a-member"] * 2
    assert all(not one.faults for one in answers if one.code == "rate-limited")


async def test_with_no_lookup_left_a_hit_is_told_from_a_miss_no_more(
    opened: Opened, database: Database
) -> None:
    door = await opened(3)
    taken, home = await known(door), await registered(door)
    assert (await door.create_household("team", family(taken, members=3))).code == "already-a-member"
    patched = home["members"][0]["person"]
    for named in (taken, builders.citizen_id()):
        assert (await door.create_household("team", family(named, members=1))).refusal == ("rate-limited", ())
        given = {"citizen_id": named}
        answer = await door.patch_person("team", patched["id"], given, version=patched["version"])
        assert answer.refusal == ("rate-limited", ())
    assert await spent(database) == 3
    # Who names nobody goes on, and so do other clients.
    nameless = builders.member(citizen_id=None, no_id_reason="not_known")
    assert (await door.create_household("team", builders.household(members=[nameless]))).code is None
    changed = await door.patch_person(
        "team", patched["id"], {"occupation": "ทอผ้า"}, version=patched["version"]
    )
    assert changed.code is None
    assert (await door.create_household("center", family(taken, members=1))).code == "already-a-member"


async def test_amending_a_person_costs_a_lookup_where_the_id_is_taken(
    opened: Opened, database: Database
) -> None:
    door = await opened(2)
    taken, home = await known(door), await registered(door)
    id, version = home["members"][0]["person"]["id"], 1
    for _ in range(3):
        # Another id, free: nothing.
        answer = await door.patch_person("team", id, {"citizen_id": builders.citizen_id()}, version=version)
        version = answer.good["version"]
    assert (await spent(database), left(answer)) == (0, None)
    for _ in range(2):
        answer = await door.patch_person("team", id, {"citizen_id": taken}, version=version)
        assert answer.refusal == ("already-a-member", (("/citizen_id", "already-a-member"),))
    assert await spent(database) == 2
    assert (
        await door.patch_person("team", id, {"citizen_id": taken}, version=version)
    ).code == "rate-limited"


async def test_at_once_no_more_people_are_told_than_the_limit(opened: Opened) -> None:
    door = await opened(3)
    taken = await known(door)
    # One who names two at a time is told once, and of the last lookup nothing.
    told = await asyncio.gather(*(door.create_household("team", family(taken, members=2)) for _ in range(20)))
    codes = [one.code for one in told]
    assert codes.count("already-a-member") <= 1
    assert codes.count("already-a-member") + codes.count("rate-limited") == 20


async def test_a_family_larger_than_the_limit_is_told_in_a_fresh_window(opened: Opened) -> None:
    door = await opened(3)
    taken = await known(door)
    assert (await door.create_household("team", family(taken, members=5))).code == "already-a-member"
    assert (await door.create_household("team", family(taken, members=5))).code == "rate-limited"


async def test_ids_that_are_taken_leave_one_line_without_them(opened: Opened) -> None:
    door = await opened(9)
    taken = await known(door)
    with structlog.testing.capture_logs() as logs:
        answer = await door.create_household("team", family(taken, members=4))
    assert answer.code == "already-a-member"
    (line,) = [one for one in logs if one["event"] == "citizen ids taken"]
    assert line == {
        "event": "citizen ids taken",
        "log_level": "warning",
        "client_id": "demo-team",
        "request_id": answer.response.headers["x-request-id"],
        "count": 4,
    }
    assert taken not in str(logs)


# -- assistance


def help_for(citizen_id: str, **more: Any) -> dict[str, Any]:
    return builders.event("", household={"citizen_id": citizen_id}, **more)


async def test_an_event_that_is_queued_costs_a_lookup(opened: Opened, database: Database, dsn: str) -> None:
    door = await opened(3)
    taken = await known(door)
    bodies = [help_for(builders.citizen_id(), on_unknown="register") for _ in range(3)]
    for number, body in enumerate(bodies, 1):
        answer = await door.record_assistance("health", body)
        assert answer.good["receipt"]["outcome"] == "queued"
        assert (await spent(database), left(answer)) == (number, str(3 - number))
    for named in (builders.citizen_id(), taken):
        answer = await door.record_assistance("health", help_for(named, on_unknown="register"))
        assert answer.refusal == ("rate-limited", ())
    assert await queued(dsn) == 3
    by_code = builders.event("", household={"house_code": "42010998765"}, on_unknown="register")
    assert (await door.record_assistance("health", by_code)).good["receipt"]["outcome"] == "queued"
    assert await spent(database) == 3


async def test_at_once_no_more_is_queued_than_the_limit(opened: Opened, dsn: str) -> None:
    """What is refused leaves nothing behind: a retry in another window would be told of it for nothing."""
    door = await opened(3)
    bodies = [help_for(builders.citizen_id(), on_unknown="register") for _ in range(12)]
    answers = await asyncio.gather(*(door.record_assistance("health", body) for body in bodies))
    codes = [one.code for one in answers]
    assert (codes.count(None), codes.count("rate-limited")) == (3, 9)
    assert await queued(dsn) == 3


async def test_every_refusal_after_the_household_was_looked_for_costs_a_lookup(
    opened: Opened, database: Database
) -> None:
    door = await opened(100)
    body = family(members=1)
    home, _, assignment = await assigned(door, members=body["members"])
    named, nothing = first_id(body), str(uuid7())
    cancelled = {"to": "cancelled", "reason": "ย้ายออก"}
    assert (await door.transition_assignment("center", assignment["id"], cancelled)).code is None
    beyond: Mapping[str, dict[str, Any]] = {
        "unknown-household": help_for(builders.citizen_id()),
        "unknown-assignment": help_for(named, assignment_id=nothing),
        "assignment-closed": help_for(named, assignment_id=assignment["id"]),
        "unknown-problem": help_for(named, problem_ids=[nothing]),
        "unknown-beneficiary": help_for(named, beneficiaries=[nothing]),
        "unknown-menu": help_for(named, menu_code="NO-SUCH"),
    }
    assert set(_REFUSALS) < set(beyond)
    paid = 0
    for code, event in beyond.items():
        for on_unknown in ("reject",) if code == "unknown-household" else ("reject", "register"):
            answer = await door.record_assistance("health", {**event, "on_unknown": on_unknown})
            assert code in (answer.code, *(fault for _, fault in answer.faults)), answer.response.text
            paid += 1
            assert (await spent(database), left(answer)) == (paid, str(100 - paid)), code
        # The same by the household's own id tells nothing of a citizen id.
        by_id = {**event, "household": {"id": home["id"]}}
        await door.record_assistance("health", by_id)
        assert await spent(database) == paid


async def test_what_is_wrong_with_the_event_itself_costs_nothing(opened: Opened, database: Database) -> None:
    door = await opened(9)
    taken, id = await known(door), str(uuid7())
    for wrong in (
        {"provided_on": "2999-01-01"},
        {"provided_on": "1999-12-31"},
        {"description": f"ผู้รับ {builders.citizen_id()}"},
        {"problem_ids": [id, id]},
        {"beneficiaries": [id, id]},
        {"value_baht": "-1"},
    ):
        answer = await door.record_assistance("health", help_for(taken, **wrong))
        assert answer.code is not None, wrong
    assert (await door.record_assistance("frontend", help_for(taken))).code == "insufficient-scope"
    assert await spent(database) == 0


async def test_what_is_recorded_costs_nothing(opened: Opened, database: Database) -> None:
    """Nor does a record that was there already, which is found by the agency's own id."""
    door = await opened(1)
    taken = await known(door)
    for on_unknown in ("reject", "register") * 3:
        event = help_for(taken, on_unknown=on_unknown)
        assert (await door.record_assistance("health", event)).good["receipt"]["outcome"] == "created"
        assert (await door.record_assistance("health", event)).good["receipt"]["outcome"] == "duplicate"
        other = {**event, "value_baht": "1.00"}
        assert (await door.record_assistance("health", other)).code == "external-id-conflict"
    assert await spent(database) == 0


async def test_honest_registrations_cost_nothing(opened: Opened, database: Database) -> None:
    door = await opened(1)
    answers = await asyncio.gather(*(door.create_household("team", family(members=12)) for _ in range(10)))
    assert [left(one) for one in answers if one.code is None] == [None] * 10
    assert await spent(database) == 0


# -- under an Idempotency-Key: one transaction with the stored answer


async def test_under_a_key_it_is_paid_for_once(dsn: str, keyring: Keyring, database: Database) -> None:
    async with limited(dsn, keyring, lookup="4") as api:
        home = builders.household()
        assert (await api.post("team", "/v1/households", home)).status_code == 201

        async def sent(name: str, path: str, body: Any, key: str) -> tuple[int, str | None]:
            answer = await api.post(name, path, body, headers={"Idempotency-Key": key})
            return answer.status_code, answer.headers.get("idempotency-replayed")

        assert await sent("team", "/v1/households", home, "a") == (409, None)
        assert await spent(database) == 2
        assert await sent("team", "/v1/households", home, "a") == (409, None)
        assert await sent("team", "/v1/households", home, "a") == (429, None)
        event = help_for(builders.citizen_id(), on_unknown="register")
        assert await sent("health", "/v1/assistance-events", event, "b") == (201, None)
        assert await spent(database) == 5
        assert await sent("health", "/v1/assistance-events", event, "b") == (201, "true")
        assert await spent(database) == 5


async def test_any_version_pays_once(dsn: str, keyring: Keyring, database: Database) -> None:
    """If-Match: * asks the handler twice, and tells once."""
    async with limited(dsn, keyring, lookup="9") as api:
        made = [(await _registered(api)) for _ in range(2)]
        taken, person = made[0][0], made[1][1]
        answer = await api.call(
            "team", "PATCH", f"/v1/persons/{person}", {"citizen_id": taken}, headers={"If-Match": "*"}
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "already-a-member")
    assert await spent(database) == 1


async def _registered(api: Api) -> tuple[str, str]:
    """The citizen id and the id of a new household's head."""
    body = family(members=1)
    made = await api.post("team", "/v1/households", body)
    return first_id(body), made.json()["members"][0]["person"]["id"]


# -- overlap checks


async def test_an_overlap_check_by_citizen_id_costs_a_lookup_whatever_it_finds(
    opened: Opened, database: Database
) -> None:
    door = await opened(3)
    taken = await known(door)
    check = {"dimension": "income", "since": "2026-01-01"}
    for number, citizen_id in enumerate((taken, builders.citizen_id(), taken), 1):
        answer = await door.check_assistance("health", {"household": {"citizen_id": citizen_id}, **check})
        assert answer.good == {"overlap": False, "by": []}
        assert (await spent(database), left(answer)) == (number, str(3 - number))
    for citizen_id in (taken, builders.citizen_id()):
        answer = await door.check_assistance("health", {"household": {"citizen_id": citizen_id}, **check})
        assert answer.refusal == ("rate-limited", ())
    by_code = await door.check_assistance("health", {"household": {"house_code": "42010998765"}, **check})
    assert by_code.code is None
    assert await spent(database) == 3
