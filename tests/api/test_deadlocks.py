"""Writers that wait for each other in a ring: the service does once more what the database has undone."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import asyncpg
import httpx2
import pytest

from api import retrying
from tests.api.test_assistance import assigned, rows
from tests.support import builders
from tests.support.access import owner_of
from tests.support.api import PURPOSE, Api
from tests.support.calls import everything
from tests.support.waiting import eventually_so

ROUNDS = 10
"""Which of two in a ring PostgreSQL ends is decided by who has waited longer: now and then it is the test's own."""
EVENTS = "/v1/assistance-events"
RECORD = "mutation ($input: RecordAssistanceInput!) { recordAssistance(input: $input) { id externalId } }"
Answering = Coroutine[Any, Any, httpx2.Response]
Send = Callable[[Api, dict[str, Any]], Answering]


async def rest(api: Api, event: dict[str, Any], **headers: str) -> httpx2.Response:
    return await api.post("health", EVENTS, event, headers=headers)


async def rest_keyed(api: Api, event: dict[str, Any]) -> httpx2.Response:
    return await rest(api, event, **{"Idempotency-Key": event["external_id"]})


async def batch(api: Api, event: dict[str, Any]) -> httpx2.Response:
    return await api.post("health", f"{EVENTS}/batch", {"items": [event]})


async def graphql(api: Api, event: dict[str, Any], **headers: str) -> httpx2.Response:
    given = {
        "externalId": event["external_id"],
        "household": event["household"],
        "assignmentId": event["assignment_id"],
        "dimension": event["dimension"].upper(),
        "assistanceType": event["assistance_type"].upper(),
        "providedOn": event["provided_on"],
    }
    return await api.graphql("health", RECORD, {"input": given}, headers=headers)


async def graphql_keyed(api: Api, event: dict[str, Any]) -> httpx2.Response:
    return await graphql(api, event, **{"Idempotency-Key": event["external_id"]})


async def in_a_ring(api: Api, given: dict[str, Any], run: Callable[[], Answering]) -> Any:
    """The answer to a writer of assignment and problem, while somebody holds the problem and wants the assignment."""
    async with owner_of(api) as owner:
        turn = owner.transaction()
        await turn.start()
        problem, assignment = given["problem_ids"][0], given["id"]
        await owner.execute("SET LOCAL deadlock_timeout = '8s'")
        await owner.execute("SELECT FROM problem WHERE id = $1 FOR UPDATE", problem)
        answering = asyncio.create_task(run())
        me = owner.get_server_pid()

        async def waits() -> bool:
            found = "SELECT FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))"
            async with owner_of(api) as looking:
                return bool(await looking.fetch(found, me))

        assert await eventually_so(waits)
        try:
            await owner.execute("SELECT FROM assignment WHERE id = $1 FOR UPDATE", assignment)
        except asyncpg.DeadlockDetectedError:
            pass
        finally:
            await turn.rollback()
        return await answering


@pytest.mark.parametrize("send", [rest, rest_keyed, batch, graphql, graphql_keyed])
async def test_whoever_was_ended_for_another_s_sake_is_done_once_more(
    api: Api, monkeypatch: pytest.MonkeyPatch, send: Send
) -> None:
    ended: list[type[BaseException]] = []
    judge = retrying.undone

    def noting(error: BaseException) -> bool:
        found = judge(error)
        if found:
            ended.append(type(error))
        return found

    monkeypatch.setattr(retrying, "undone", noting)
    for _ in range(ROUNDS):
        home, given = await assigned(api)
        event = builders.event(home["id"], assignment_id=given["id"])
        answer = await in_a_ring(api, given, lambda event=event: send(api, event))  # type: ignore[misc]
        assert answer.status_code in (200, 201), answer.text
        assert "errors" not in answer.json()
        found = await api.get("health", f"{EVENTS}/by-external-id/{event['external_id']}")
        assert found.status_code == 200
        moves = await rows(
            api,
            """SELECT to_status FROM assignment_move WHERE household_id = $1::text::uuid
               AND assignment_id = $2::text::uuid AND to_status = 'in_progress'""",
            home["id"],
            given["id"],
        )
        assert len(moves) == 1
        if ended:
            break
    assert ended


async def test_posts_declines_and_moves_of_the_same_problems_at_once(api: Api) -> None:
    homes = [await assigned(api) for _ in range(4)]
    events = [
        builders.event(home["id"], assignment_id=given["id"]) for _ in range(6) for home, given in homes
    ]

    async def declined(given: dict[str, Any]) -> httpx2.Response:
        path = f"/v1/problems/{given['problem_ids'][0]}/transitions"
        return await api.post("team", path, {"to": "declined", "reason": "ไม่ประสงค์"})

    async def moved(home: dict[str, Any]) -> httpx2.Response:
        body = {"area_code": "420102", "address": home["address"], "moved_on": "2026-02-01"}
        return await everything(api, "POST", f"/v1/households/{home['id']}/move", body, headers=PURPOSE)

    sends: tuple[Send, ...] = (rest, graphql, batch, rest_keyed, graphql_keyed)
    answers = await asyncio.gather(
        *(sends[at % len(sends)](api, event) for at, event in enumerate(events)),
        *(declined(given) for _, given in homes[:2]),
        *(moved(home) for home, _ in homes),
        *(rest(api, event) for event in events[:8]),
    )
    assert {one.status_code for one in answers} <= {200, 201, 409}, [one.text for one in answers]
    assert not [one.text for one in answers if '"unavailable"' in one.text]
    for at, (home, given) in enumerate(homes):
        found = (await everything(api, "GET", f"/v1/assignments/{given['id']}")).json()
        problem = (await everything(api, "GET", f"/v1/problems/{given['problem_ids'][0]}")).json()
        if at < 2:
            assert (found["status"], problem["status"]) == ("cancelled", "declined")
        else:
            assert (found["status"], problem["status"]) == ("in_progress", "being_helped")
        lying = await rows(
            api,
            "SELECT DISTINCT area_code FROM assistance_event WHERE household_id = $1::text::uuid",
            home["id"],
        )
        assert {row[0] for row in lying} <= {"420102"}
        told = await rows(
            api,
            """SELECT ev.id FROM assistance_event ev LEFT JOIN change ch ON ch.household_id = ev.household_id
                 AND ch.resource_id = ev.id AND ch.action = 'created'
               WHERE ev.household_id = $1::text::uuid GROUP BY ev.id HAVING count(ch.id) <> 1""",
            home["id"],
        )
        assert told == []
