"""The feed's statement on PostgreSQL: commit order behind a safe horizon, one history, bounded work."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from domain.exchange.changes import FIRST, ChangeType, CursorExpired, Position, View
from persistence.bounds import Bounded, Bounds
from persistence.engine import SEARCH_PATH, SERVICE_ROLE, Database
from persistence.exchange import changes, epoch
from persistence.exchange.changes import PgChanges, page_sql
from persistence.migrate import upgrade
from persistence.sql import Binds
from tests.conftest import renamed
from tests.support.waiting import eventually_so

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
LOEI = View(["42"], None, list(ChangeType))
COUNTRY = View([""], None, list(ChangeType))
PUT = """INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, occurred_at)
  VALUES ($1, $2, $3, 'problem', $2, 'updated', 1, $4)"""
PUT_MANY = """INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, occurred_at)
  SELECT gen_random_uuid(), gen_random_uuid(), (10 + n % 77)::text || lpad((n % 13)::text, 2, '0') || '01', 'problem',
    gen_random_uuid(), 'updated', 1, now() FROM generate_series($1::int, $2::int) n"""

Owner = "asyncpg.Connection[Any]"


@asynccontextmanager
async def owning(dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def put(connection: Any, area: str = "420101", *, at: datetime = NOW) -> str:
    id = uuid4()
    await connection.execute(PUT, uuid4(), id, area, at)
    return str(id)


def bounds(view: View) -> Bounds:
    return Bounds("{" + ",".join(f'"{one}"' for one in view.prefixes) + "}", f"off|{view.assigned_to or ''}")


async def page(
    database: Database, view: View = COUNTRY, after: Position | None = None, limit: int = 50
) -> Any:
    async with database.reading() as connection:
        return await PgChanges(Bounded(connection, bounds(view))).page(view, after, limit)


async def end(database: Database) -> Position:
    async with database.reading() as connection:
        return await PgChanges(Bounded(connection, bounds(COUNTRY))).end()


def ids(found: Any) -> list[str]:
    return [one["resource_id"] for one in json.loads(found.items)]


# -- the horizon


async def test_a_late_commit_is_neither_skipped_nor_shown_before_its_turn(
    dsn: str, database: Database
) -> None:
    start = await end(database)
    async with owning(dsn) as slow, owning(dsn) as quick:
        late = slow.transaction()
        await late.start()
        first = await put(slow)
        second = await put(quick)
        held = await page(database, after=start)
        assert (ids(held), held.more, held.next) == ([], False, start)
        await late.commit()
        assert ids(await page(database, after=held.next)) == [first, second]


async def test_a_transaction_that_fails_lets_the_others_pass(dsn: str, database: Database) -> None:
    start = await end(database)
    async with owning(dsn) as slow, owning(dsn) as quick:
        late = slow.transaction()
        await late.start()
        await put(slow)
        second = await put(quick)
        assert ids(await page(database, after=start)) == []
        await late.rollback()
        assert ids(await page(database, after=start)) == [second]


async def test_a_writer_of_another_database_holds_it_as_well_and_a_reader_does_not(
    dsn: str, server_dsn: str, database: Database
) -> None:
    start = await end(database)
    async with owning(server_dsn) as elsewhere, owning(dsn) as quick:
        async with elsewhere.transaction():
            await elsewhere.fetchval("SELECT count(*) FROM pg_class")
            first = await put(quick)
            assert ids(await page(database, after=start)) == [first]
            await elsewhere.fetchval("SELECT pg_current_xact_id()")
            second = await put(quick)
            assert ids(await page(database, after=start)) == [first]
        assert ids(await page(database, after=start)) == [first, second]


async def test_a_cursor_never_lies_beyond_the_last_change(dsn: str, database: Database) -> None:
    """Numbers of transactions that left nothing durable may be given again after a crash."""
    async with owning(dsn) as owner:
        first = await put(owner)
        for _ in range(3):
            transaction = owner.transaction()
            await transaction.start()
            await put(owner)
            await transaction.rollback()
        last = await owner.fetchval("SELECT transaction_id::text FROM change WHERE id = $1", UUID(first))
    assert (await end(database)).place == (int(last), first)
    assert (await page(database)).next == await end(database)


WRITERS, EACH = 16, 25


async def test_sixteen_writers_and_a_long_one_leave_no_gap_and_nothing_twice(
    dsn: str, database: Database
) -> None:
    start = await end(database)
    seen: list[str] = []
    written: list[str] = []
    done = asyncio.Event()

    async def write(number: int) -> None:
        async with owning(dsn) as connection:
            for turn in range(EACH):
                async with connection.transaction():
                    made = [await put(connection) for _ in range(1 + turn % 3)]
                    # Some commit long after others that began later.
                    await asyncio.sleep(0.002 * ((number * 7 + turn) % 5))
                written.extend(made)

    async def write_long() -> None:
        async with owning(dsn) as connection, connection.transaction():
            written.append(await put(connection))
            assert await eventually_so(lambda: len(written) >= WRITERS * EACH // 2)
            written.append(await put(connection))

    async def follow() -> None:
        after = start
        while True:
            ended = done.is_set()
            found = await page(database, LOEI, after, 7)
            seen.extend(ids(found))
            after = found.next
            if ended and not found.more:
                return
            await asyncio.sleep(0)

    follower = asyncio.create_task(follow())
    await asyncio.gather(write_long(), *(write(number) for number in range(WRITERS)))
    done.set()
    await follower
    assert len(seen) == len(set(seen))
    assert set(seen) == set(written)
    async with owning(dsn) as owner:
        rows = await owner.fetch("SELECT resource_id::text FROM change ORDER BY transaction_id, id")
    assert seen == [row[0] for row in rows][-len(seen) :]


# -- one history


async def test_a_cursor_of_another_database_is_refused(dsn: str, database: Database) -> None:
    place = await end(database)
    for foreign in (
        place._replace(epoch=f"{uuid4()}.{place.epoch.partition('.')[2]}"),
        # Another timeline: a standby that took over, or a restore to a point in time.
        place._replace(epoch=f"{place.epoch.partition('.')[0]}.000000FF"),
        # A copy of the files of before: it has not counted as far yet.
        place._replace(transaction_id=2**40),
    ):
        with pytest.raises(CursorExpired):
            await page(database, after=foreign)
    assert ids(await page(database, after=place)) == []


async def test_a_copied_database_has_a_history_of_its_own_and_shows_nothing_of_the_old_one(
    dsn: str, server_dsn: str
) -> None:
    async with owning(dsn) as owner:
        await put(owner)
    database = await Database.open(dsn, size=2)
    old = await end(database)
    await database.close()
    copy = f"kaejon_{secrets.token_hex(6)}"
    async with owning(server_dsn) as owner:
        await owner.execute(f"CREATE DATABASE {copy} TEMPLATE {dsn.partition('?')[0].rpartition('/')[2]}")
    try:
        await upgrade(renamed(dsn, copy))
        database = await Database.open(renamed(dsn, copy), size=2)
        with pytest.raises(CursorExpired):
            await page(database, after=old)
        begun = await page(database)
        assert (ids(begun), begun.next.place) == ([], FIRST)
        async with owning(renamed(dsn, copy)) as owner:
            later = await put(owner)
            before = await owner.fetchval("SELECT id FROM feed_epoch")
        assert ids(await page(database, after=begun.next)) == [later]
        # The next start is at the same place.
        await upgrade(renamed(dsn, copy))
        async with owning(renamed(dsn, copy)) as owner:
            assert await owner.fetchval("SELECT id FROM feed_epoch") == before
        assert ids(await page(database)) == [later]
        await database.close()
    finally:
        async with owning(server_dsn) as owner:
            await owner.execute(f"DROP DATABASE {copy} WITH (FORCE)")


# -- retention


async def test_what_is_old_goes_in_order_and_who_had_not_read_it_is_told(
    dsn: str, database: Database
) -> None:
    start = await end(database)
    async with owning(dsn) as owner:
        for _ in range(3):
            await put(owner, at=NOW - timedelta(days=400))
        seen = await page(database, after=start)
        young = await put(owner, at=NOW - timedelta(days=3))
        # Older than what stands before it: a clock that went wrong leaves no hole.
        odd = await put(owner, at=NOW - timedelta(days=500))
    assert await epoch.prune(dsn, kept=timedelta(days=365), now=NOW) == 3
    assert await epoch.prune(dsn, kept=timedelta(days=365), now=NOW) == 0
    with pytest.raises(CursorExpired):
        await page(database, after=start)
    assert ids(await page(database, after=seen.next)) == [young, odd]
    assert ids(await page(database)) == [young, odd]


async def test_it_goes_in_small_steps(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch, "MOST_PRUNED", 2)
    told: list[int] = []
    async with owning(dsn) as owner:
        for _ in range(5):
            await put(owner, at=NOW - timedelta(days=400))
        before = await owner.fetchval("SELECT count(*) FROM change")
        gone = await epoch.prune(
            dsn, kept=timedelta(days=365), now=NOW, progress=lambda done, _: told.append(done)
        )
        assert (gone, told) == (5, [2, 4, 5])
        assert await owner.fetchval("SELECT count(*) FROM change") == before - 5


# -- the work of a page


async def test_where_the_callers_changes_are_rare_a_page_stops_and_says_that_there_is_more(
    dsn: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MOST_LOOKED_AT", 5)
    start = await end(database)
    async with owning(dsn) as owner:
        for number in range(23):
            await put(owner, "420101" if number % 11 else "420201")
        rare = await owner.fetch("SELECT resource_id::text FROM change WHERE area_code = '420201'")
    view = View(["4202"], None, list(ChangeType))
    found: list[str] = []
    after, pages, more = start, 0, True
    while more:
        one = await page(database, view, after)
        found, after, more = found + ids(one), one.next, one.more
        pages += 1
    assert set(found) == {row[0] for row in rare}
    assert len(found) == len(rare) == 3
    assert pages == 5


@pytest.mark.parametrize("count", [1, 2, changes.MOST_PROVINCES, changes.MOST_PROVINCES + 1])
async def test_several_provinces_are_merged_in_order(dsn: str, database: Database, count: int) -> None:
    start = await end(database)
    async with owning(dsn) as owner:
        made = [await put(owner, f"{40 + number % 12}0101") for number in range(40)]
    provinces = [str(40 + number) for number in range(count)]
    view = View(provinces, None, list(ChangeType))
    found: list[str] = []
    after, more = start, True
    while more:
        one = await page(database, view, after, 3)
        found, after, more = found + ids(one), one.next, one.more
    assert found == [id for number, id in enumerate(made) if number % 12 < count]


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(one for child in plan.get("Plans", ()) for one in nodes(child))]


VIEWS = {
    "country": COUNTRY,
    "province": LOEI,
    "two provinces": View(["41", "42"], None, list(ChangeType)),
    "district": View(["4201"], None, list(ChangeType)),
    "assigned": View(["42"], "PROV_MOPH-42", list(ChangeType)),
}


@pytest.mark.parametrize("name", VIEWS)
async def test_a_page_reads_along_indexes_and_no_more_of_a_larger_feed(dsn: str, name: str) -> None:
    view = VIEWS[name]
    read: list[int] = []
    for least in (1, 20_000):
        async with owning(dsn) as owner:
            for first in range(least, 20_000 * (1 if least == 1 else 2), 500):
                await owner.execute(PUT_MANY, first, first + 499)
            await owner.execute("ANALYZE change")
        async with owning(dsn) as service:
            await service.execute(f"SET ROLE {SERVICE_ROLE}")
            await service.execute(f"SET search_path = {SEARCH_PATH}")
            for setting, value in zip(("areas", "holder"), bounds(view), strict=False):
                await service.execute(f"SELECT set_config('kaejon.{setting}', $1, false)", value)
            binds = Binds()
            sql = page_sql(view, FIRST, 50, binds)
            found = await service.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *binds)
        scans = [one for one in nodes(json.loads(found)[0]["Plan"]) if one.get("Relation Name") == "change"]
        used = [one for one in scans if one["Actual Loops"]]
        assert used
        assert {one["Node Type"] for one in scans} <= {"Index Scan", "Index Only Scan"}
        read.append(sum(int(one["Actual Rows"] * one["Actual Loops"]) for one in used))
    narrow = name in ("district", "assigned")
    assert read[1] <= (4 * changes.MOST_LOOKED_AT if narrow else 300), read
    assert narrow or read[1] <= 1.2 * read[0]


@pytest.mark.parametrize("name", VIEWS)
async def test_a_page_is_planned_once_in_a_session_and_not_for_every_place(
    dsn: str, database: Database, name: str
) -> None:
    async with owning(dsn) as owner:
        for first in range(1, 5_000, 500):
            await owner.execute(PUT_MANY, first, first + 499)
        await owner.execute("ANALYZE change")
    view = VIEWS[name]
    async with database.reading() as connection:
        feed, after = PgChanges(Bounded(connection, bounds(view))), None
        for limit in (1, 50, 200) * 4:
            after = (await feed.page(view, after, limit)).next
        plans = await connection.fetch(
            "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement LIKE 'WITH shown%'"
        )
        assert await connection.fetchval("SHOW plan_cache_mode") == "auto"
    # PostgreSQL tries five plans before it keeps one.
    assert [tuple(row) for row in plans] == [(5, 7)]
