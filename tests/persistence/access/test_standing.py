"""Who is barred is known in memory, and stays known through whatever happens to the connections."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from persistence.access import standing as module
from persistence.access.standing import PgStanding, watch, watched
from persistence.engine import Database

HASH = b"h" * 32


@pytest_asyncio.fixture
async def owner(dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


async def put(owner: "asyncpg.Connection[Any]", client_id: str, **changes: Any) -> None:
    row = {"enabled": True, "expires_at": None, **changes}
    await owner.execute(
        """INSERT INTO client (id, name, agency, scopes, areas, secret_hash, enabled, expires_at, created_at, updated_at)
           VALUES ($1, 'x', 'NESDC', '{}', '{}', $2, $3, $4, now(), now())
           ON CONFLICT (id) DO UPDATE SET enabled = EXCLUDED.enabled, expires_at = EXCLUDED.expires_at""",
        client_id,
        HASH,
        row["enabled"],
        row["expires_at"],
    )


async def revoke(owner: "asyncpg.Connection[Any]", token_id: str, *, seconds: int = 600) -> None:
    await owner.execute(
        "INSERT INTO revoked_token (token_id, client_id, expires_at) VALUES ($1, 'c', $2)",
        token_id,
        datetime.now(UTC) + timedelta(seconds=seconds),
    )


async def eventually(fact: Callable[[], bool], within: float = 5) -> bool:
    deadline = time.monotonic() + within
    while not fact():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


async def kill_connections(owner: "asyncpg.Connection[Any]") -> int:
    killed: int = await owner.fetchval(
        """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'kaejon'"""
    )
    return killed


async def test_before_the_first_look_nobody_is_allowed(database: Database) -> None:
    standing = PgStanding(database)
    assert not standing.allows("anyone", "any")
    assert standing.age is None
    await standing.refresh()
    assert standing.allows("anyone", "any")
    assert standing.age is not None


async def test_disabled_and_expired_clients_and_revoked_tokens_are_barred(
    database: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    now = datetime.now(UTC)
    await put(owner, "well")
    await put(owner, "later", expires_at=now + timedelta(hours=1))
    await put(owner, "disabled", enabled=False)
    await put(owner, "expired", expires_at=now - timedelta(seconds=1))
    await revoke(owner, "t-revoked")
    standing = PgStanding(database)
    await standing.refresh()
    allowed = {name: standing.allows(name, "t") for name in ("well", "later", "disabled", "expired")}
    assert allowed == {"well": True, "later": True, "disabled": False, "expired": False}
    assert not standing.allows("well", "t-revoked")


async def test_a_list_of_expired_tokens_does_not_grow_in_memory(
    database: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    await revoke(owner, "long-gone", seconds=-120)
    await revoke(owner, "just-gone", seconds=-30)
    standing = PgStanding(database)
    await standing.refresh()
    assert standing.allows("c", "long-gone"), "it is refused by its expiry"
    assert not standing.allows("c", "just-gone"), "a minute for the clocks"


async def test_a_revocation_elsewhere_is_seen_within_a_second(
    database: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    await put(owner, "c")
    async with watched(PgStanding(database)) as standing:
        assert standing.allows("c", "t-1")
        await revoke(owner, "t-1")
        assert await eventually(lambda: not standing.allows("c", "t-1"), within=1)
        assert standing.allows("c", "t-2")
        await put(owner, "c", enabled=False)
        assert await eventually(lambda: not standing.allows("c", "t-2"), within=1)
        await put(owner, "c", enabled=True)
        assert await eventually(lambda: standing.allows("c", "t-2"), within=1)


async def test_the_watch_survives_killed_connections(
    database: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    await put(owner, "c")
    async with watched(PgStanding(database)) as standing:
        for turn in range(3):
            assert await kill_connections(owner) > 0
            assert standing.allows("c", f"t-{turn}"), "the last knowledge holds"
            await revoke(owner, f"t-{turn}")
            assert await eventually(lambda turn=turn: not standing.allows("c", f"t-{turn}"), within=2)


async def test_a_long_outage_is_told_once_and_ends(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    standing = PgStanding(database)
    await standing.refresh()

    async def away(*_: Any) -> None:
        raise ConnectionRefusedError("host=/tmp/secret-place")

    with caplog.at_level(logging.WARNING, logger=module.__name__):
        task = asyncio.create_task(watch(standing, interval_s=0.01, stale_after_s=0.05))
        with monkeypatch.context() as broken:
            broken.setattr(database, "take", away)
            assert await eventually(lambda: bool(caplog.records))
            await asyncio.sleep(0.1)
        assert await eventually(lambda: len(caplog.records) == 2)
        task.cancel()
    assert [record.getMessage() for record in caplog.records] == [
        "standing is stale: ConnectionRefusedError",
        "standing is fresh again",
    ]


async def test_a_refresh_that_hangs_is_given_up_and_leaves_its_connection_usable(
    database: Database, owner: "asyncpg.Connection[Any]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.2)
    standing = PgStanding(database)
    await standing.refresh()
    async with owner.transaction():
        await owner.execute("LOCK TABLE revoked_token IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(TimeoutError):
            await standing.refresh()
        assert standing.allows("c", "t")
    await standing.refresh()
    async with database.reading() as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_the_watch_ends_with_its_block(database: Database) -> None:
    async with watched(PgStanding(database)):
        assert any(task.get_name() == "standing" for task in asyncio.all_tasks())
    assert not any(task.get_name() == "standing" for task in asyncio.all_tasks())


async def test_without_a_database_at_the_start_nothing_begins(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(database, "take", away)
    with pytest.raises(ConnectionRefusedError):
        async with watched(PgStanding(database)):
            pytest.fail("it began")
