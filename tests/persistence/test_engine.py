"""The pool under trouble: exhausted, cancelled, killed. Nothing waits for ever, nothing is left behind."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from persistence import engine
from persistence.engine import SERVICE_ROLE, Busy, Database
from tests.support.waiting import PATIENCE_S, eventually_so

INSERT = "INSERT INTO revoked_token (token_id, client_id, expires_at) VALUES ($1, 'c', now())"
EXISTS = "SELECT EXISTS (SELECT FROM revoked_token WHERE token_id = $1)"
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What a lost connection may show as: its end can come before, in or between the messages of a statement."""
# Without the workers of autovacuum, which come to every database now and then.
OTHERS = """FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""


@pytest_asyncio.fixture
async def one(dsn: str) -> AsyncIterator[Database]:
    """A pool of a single connection: whatever spoils it is seen at once."""
    opened = await Database.open(dsn, size=1)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def owner(dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


async def ask(database: Database, sql: str, *values: Any) -> Any:
    async with database.reading() as connection:
        return await connection.fetchval(sql, *values)


async def write(database: Database, token_id: str) -> None:
    async with database.writing() as connection:
        await connection.execute(INSERT, token_id)


async def kill_all(owner: "asyncpg.Connection[Any]") -> list[int]:
    """Returns their process ids at once: they may be about to end, and their end has yet to arrive here."""
    rows = await owner.fetch(f"SELECT pid, pg_terminate_backend(pid) {OTHERS}")
    return [row["pid"] for row in rows]


async def gone(owner: "asyncpg.Connection[Any]", killed: list[int]) -> bool:
    return not await owner.fetchval(f"SELECT count(*) {OTHERS} AND pid = ANY($1)", killed)


async def connections(owner: "asyncpg.Connection[Any]") -> int:
    count: int = await owner.fetchval(f"SELECT count(*) {OTHERS}")
    return count


async def nobody(owner: "asyncpg.Connection[Any]") -> bool:
    return await connections(owner) == 0


async def sleeping(owner: "asyncpg.Connection[Any]") -> bool:
    """A statement is in the middle of its pg_sleep: no longer being sent, parsed or planned."""
    return bool(await owner.fetchval(f"SELECT count(*) {OTHERS} AND wait_event = 'PgSleep'"))


async def not_sleeping(owner: "asyncpg.Connection[Any]") -> bool:
    return not await sleeping(owner)


async def recovers(database: Database) -> bool:
    """Whether it answers again: until the end of a killed connection has arrived, it may be given out once more."""

    async def answers() -> bool:
        try:
            return bool(await ask(database, "SELECT 1") == 1)
        except LOST:
            return False

    return await eventually_so(answers)


def noticed(connection: Any) -> bool:
    """That a connection at rest was closed by the server."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool has it back already
        return True


# Sessions


async def test_a_session_is_the_service_s_role_with_its_bounds(one: Database) -> None:
    async with one.reading() as connection:
        row = await connection.fetchrow(
            """SELECT current_user::text AS role, current_setting('statement_timeout') AS statement,
                 current_setting('lock_timeout') AS lock, current_setting('jit') AS jit,
                 current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('timezone') AS zone"""
        )
    assert dict(row) == {
        "role": SERVICE_ROLE,
        "statement": "30s",
        "lock": "10s",
        "jit": "off",
        "idle": "1min",
        "zone": "UTC",
    }


async def test_json_comes_as_the_bytes_that_postgresql_made(one: Database) -> None:
    assert await ask(one, 'SELECT \'{"b":1,  "a":"ก"}\'::json') == '{"b":1,  "a":"ก"}'.encode()
    assert await ask(one, 'SELECT \'{"a":"ก"}\'::jsonb') == '{"a": "ก"}'.encode()
    assert await ask(one, "SELECT $1::jsonb->>'a'", {"a": "ข"}) == "ข"


# Waiting


async def test_an_exhausted_pool_is_busy_after_its_timeout(
    one: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "ACQUIRE_TIMEOUT_S", 0.2)
    async with one.reading():
        began = time.monotonic()
        with pytest.raises(Busy):
            await asyncio.wait_for(ask(one, "SELECT 1"), PATIENCE_S)
        assert time.monotonic() - began > 0.15
    assert await ask(one, "SELECT 1") == 1
    assert one.waiting == 0


async def test_whoever_waits_gets_the_connection_that_comes_back(one: Database) -> None:
    async with one.reading():
        waiter = asyncio.create_task(ask(one, "SELECT 7"))
        assert await eventually_so(lambda: one.waiting == 1)
    assert await asyncio.wait_for(waiter, PATIENCE_S) == 7
    assert one.waiting == 0


async def test_a_waiter_that_is_cancelled_takes_nothing_with_it(one: Database) -> None:
    async with one.reading():
        waiters = [asyncio.create_task(ask(one, "SELECT 1")) for _ in range(5)]
        assert await eventually_so(lambda: one.waiting == 5)
        for waiter in waiters[:4]:
            waiter.cancel()
        await asyncio.gather(*waiters[:4], return_exceptions=True)
    assert await asyncio.wait_for(waiters[4], PATIENCE_S) == 1
    assert await asyncio.wait_for(ask(one, "SELECT 1"), PATIENCE_S) == 1
    assert one.waiting == 0


async def test_many_more_requests_than_connections_are_all_answered(
    dsn: str, owner: "asyncpg.Connection[Any]"
) -> None:
    database = await Database.open(dsn, size=3)
    answers = await asyncio.gather(*(ask(database, "SELECT $1::int", n) for n in range(300)))
    assert answers == list(range(300))
    assert await connections(owner) <= 3
    assert len(database.resting) <= 3
    assert len({id(one) for one in database.resting}) == len(database.resting), "none rests twice"
    await database.close()
    assert await eventually_so(lambda: nobody(owner))


# Failing


async def test_a_failed_statement_leaves_the_connection_usable(one: Database) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await ask(one, "SELECT 1 / 0")
    assert await ask(one, "SELECT 1") == 1


async def test_a_cancelled_statement_does_not_poison_the_connection(
    one: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    pid = await ask(one, "SELECT pg_backend_pid()")
    for _ in range(3):
        task = asyncio.create_task(ask(one, "SELECT pg_sleep(30)"))
        assert await eventually_so(lambda: sleeping(owner))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.wait_for(ask(one, "SELECT 42"), PATIENCE_S) == 42
    assert await ask(one, "SELECT pg_backend_pid()") == pid, "it is the same connection"


async def test_a_cancelled_statement_stops_on_the_server_too(
    one: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as limit:
            task = asyncio.create_task(expire(limit, owner))
            await ask(one, "SELECT pg_sleep(300)")
    assert await task
    assert await eventually_so(lambda: not_sleeping(owner), within=20), "it still runs"


async def expire(limit: asyncio.Timeout, owner: "asyncpg.Connection[Any]") -> bool:
    """The time is up as soon as the statement runs."""
    found = await eventually_so(lambda: sleeping(owner))
    limit.reschedule(asyncio.get_running_loop().time())
    return found


async def test_a_transaction_cancelled_in_the_middle_is_rolled_back(
    one: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    async def slow() -> None:
        async with one.writing() as connection:
            await connection.execute(INSERT, "cancelled")
            await connection.fetchval("SELECT pg_sleep(30)")

    task = asyncio.create_task(slow())
    assert await eventually_so(lambda: sleeping(owner))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not await ask(one, EXISTS, "cancelled")
    await write(one, "after")
    assert await ask(one, EXISTS, "after")


async def test_a_write_that_raises_is_rolled_back_and_one_that_ends_is_there(one: Database) -> None:
    async def failing() -> None:
        async with one.writing() as connection:
            await connection.execute(INSERT, "lost")
            raise LookupError

    with pytest.raises(LookupError):
        await failing()
    await write(one, "kept")
    assert not await ask(one, EXISTS, "lost")
    assert await ask(one, EXISTS, "kept")


async def test_a_write_whose_commit_fails_is_not_there(
    one: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    async def killed() -> None:
        async with one.writing() as connection:
            await connection.execute(INSERT, "half")
            await kill_all(owner)

    with pytest.raises(LOST):
        await killed()
    assert await recovers(one)
    assert not await ask(one, EXISTS, "half")


# Killed connections


async def test_killed_connections_are_replaced(dsn: str, owner: "asyncpg.Connection[Any]") -> None:
    database = await Database.open(dsn, size=3)
    for _ in range(3):
        await asyncio.gather(*(ask(database, "SELECT pg_sleep(0.05)") for _ in range(3)))
        killed = await kill_all(owner)
        assert len(killed) == 3
        # The end of a connection arrives like any other message.
        assert await eventually_so(lambda: all(map(noticed, database.resting)))
        assert await eventually_so(lambda killed=killed: gone(owner, killed))
        answers = await asyncio.gather(*(ask(database, "SELECT $1::int", n) for n in range(9)))
        assert answers == list(range(9))
    await database.close()


async def test_a_connection_killed_in_the_middle_fails_its_request_alone(
    dsn: str, owner: "asyncpg.Connection[Any]"
) -> None:
    database = await Database.open(dsn, size=1)
    task = asyncio.create_task(ask(database, "SELECT pg_sleep(30)"))
    assert await eventually_so(lambda: sleeping(owner))
    assert len(await kill_all(owner)) == 1
    with pytest.raises(LOST):
        await task
    assert await recovers(database)
    await database.close()


async def test_a_pool_closes_with_killed_connections_in_it(
    dsn: str, owner: "asyncpg.Connection[Any]"
) -> None:
    database = await Database.open(dsn, size=2)
    await ask(database, "SELECT 1")
    await kill_all(owner)
    await asyncio.wait_for(database.close(), PATIENCE_S)
