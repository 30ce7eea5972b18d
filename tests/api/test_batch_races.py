"""Batches beside other writers: nobody waits in a ring, and every event lands where its household is."""

import asyncio
import itertools
from typing import Any

import asyncpg

from persistence.assistance.batch import PgBatches
from persistence.assistance.recording_many import Kind, judge_sql, record_sql
from tests.api.test_assistance import assigned, rows
from tests.api.test_batch import PATH, batch, outcomes
from tests.api.test_households import registered
from tests.support import builders
from tests.support.api import PURPOSE, Api
from tests.support.calls import everything
from tests.support.waiting import eventually_so


async def test_batches_single_posts_and_casework_on_the_same_assignments_at_once(api: Api) -> None:
    homes = [await assigned(api) for _ in range(6)]
    items = [
        builders.event(home["id"], assignment_id=given["id"])
        for home, given in itertools.chain.from_iterable(itertools.repeat(homes, 5))
    ]

    async def declined(given: dict[str, Any]) -> int:
        path = f"/v1/problems/{given['problem_ids'][0]}/transitions"
        return (await api.post("team", path, {"to": "declined", "reason": "ไม่ประสงค์"})).status_code

    async def posted(item: dict[str, Any]) -> int:
        return (await api.post("health", "/v1/assistance-events", item)).status_code

    async def sent(turn: int) -> int:
        turned = [*items[turn * 5 :], *items[: turn * 5]]
        return (await batch(api, turned[::-1] if turn % 2 else turned)).status_code

    statuses = await asyncio.gather(
        *(sent(turn) for turn in range(5)),
        *(posted(item) for item in items[:10]),
        *(declined(given) for _, given in homes[:3]),
    )
    assert set(statuses) <= {200, 201, 409}, statuses
    # Whatever came first: one event a key, and one beginning an assignment.
    last = await batch(api, items)
    assert set(outcomes(last)) <= {"duplicate", "rejected"}
    for home, given in homes[3:]:
        began = await rows(
            api,
            """SELECT 1 FROM assignment_move WHERE household_id = $1::text::uuid AND assignment_id = $2::text::uuid
               AND to_status = 'in_progress'""",
            home["id"],
            given["id"],
        )
        assert len(began) == 1


async def test_an_event_for_a_merged_household_lands_with_the_other(api: Api) -> None:
    home, twin, other = await registered(api), await registered(api), await registered(api)
    body = {"duplicate_id": twin["id"], "reason": "ซ้ำ"}
    merged = await everything(api, "POST", f"/v1/households/{home['id']}/merge", body)
    assert merged.status_code == 200, merged.text
    nobody = builders.event("01890000-0000-7000-8000-000000000000")
    by_code = builders.event("", household={"house_code": "99999999998"})
    for more in ([], [by_code]):
        items = [builders.event(twin["id"]), builders.event(other["id"]), nobody, *more]
        asked = await batch(api, items, mode="validate")
        answer = await batch(api, items)
        assert (
            outcomes(asked)
            == outcomes(answer)
            == ["created", "created", "rejected", *["rejected"] * len(more)]
        )
        event = await api.get("health", f"/v1/assistance-events/{answer.json()['results'][0]['id']}")
        assert event.json()["household_id"] == home["id"]


async def test_events_sent_while_a_household_moves_lie_where_it_lies(api: Api) -> None:
    homes = [await registered(api) for _ in range(5)]

    async def moved(home: dict[str, Any]) -> int:
        body = {"area_code": "420102", "address": home["address"], "moved_on": "2026-02-01"}
        answer = await everything(api, "POST", f"/v1/households/{home['id']}/move", body, headers=PURPOSE)
        return answer.status_code

    async def sent() -> int:
        items = [builders.event(home["id"]) for home in homes for _ in range(10)]
        answer = await batch(api, items)
        assert outcomes(answer) == ["created"] * 50, answer.text
        return int(answer.status_code)

    statuses = await asyncio.gather(
        *(sent() for _ in range(4)), *(moved(home) for home in homes), *(sent() for _ in range(4))
    )
    assert set(statuses) == {200}, statuses
    lying = await rows(
        api,
        """SELECT DISTINCT ev.area_code, h.area_code FROM assistance_event ev JOIN household h ON h.id = ev.household_id
           WHERE h.id = ANY($1::text[]::uuid[])""",
        [home["id"] for home in homes],
    )
    assert [tuple(row) for row in lying] == [("420102", "420102")]


async def test_a_batch_is_one_statement_and_one_more_where_it_is_judged_before(
    api: Api, monkeypatch: Any
) -> None:
    made, ran = await registered(api), []
    make = PgBatches.__init__

    class Noting:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            found = getattr(self.inner, name)
            if name == "transaction":
                return found

            async def noted(sql: str, *values: Any) -> Any:
                ran.append(sql)
                return await found(sql, *values)

            return noted

    monkeypatch.setattr(
        PgBatches, "__init__", lambda self, connection, *rest: make(self, Noting(connection), *rest)
    )
    items = [builders.event(made["id"]) for _ in range(50)]
    await batch(api, items)
    kind, plain = Kind(("id",), False, False), Kind(("id",), False, False, plainly=True)
    assert ran == [record_sql(plain)]
    ran.clear()
    await batch(api, [builders.event(made["id"])], atomic=True)
    assert ran == [judge_sql(kind), record_sql(plain)]
    ran.clear()
    twice = builders.event(made["id"])
    await batch(api, [twice, {**twice, "description": "อย่างอื่น"}])
    assert ran == [record_sql(kind), record_sql(Kind(("id", "merged"), False, False, plainly=True))]
    ran.clear()
    await api.post("health", PATH, {"items": []})
    assert ran == []


async def test_a_key_that_another_writer_takes_meanwhile_keeps_no_other_item_out(
    api: Api, module_dsn: str
) -> None:
    """The keys go in without a look whether they are free: what the other writer makes of one is found afterwards."""
    made = await registered(api)
    items = [builders.event(made["id"]) for _ in range(3)]
    agency = (await api.post("health", "/v1/assistance-events", builders.event(made["id"]))).json()["agency"]
    other = await asyncpg.connect(module_dsn)
    transaction = other.transaction()
    await transaction.start()
    await other.execute(
        "INSERT INTO event_key (agency, external_id, event_id, content_hash) VALUES ($1, $2, gen_random_uuid(), $3)",
        agency, items[1]["external_id"], bytes(32),
    )  # fmt: skip
    sent = asyncio.create_task(batch(api, items))
    waiting = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
    assert await eventually_so(lambda: other.fetchval(waiting))
    await transaction.commit()
    assert outcomes(await sent) == ["created", "conflict", "created"]
    await other.close()
    assert outcomes(await batch(api, items)) == ["duplicate", "conflict", "duplicate"]
