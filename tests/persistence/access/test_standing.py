"""Who is barred is known in memory, and stays known through whatever happens to the connections."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from persistence.access import standing as module
from persistence.access.standing import INTERVAL_S, PgStanding, watch, watched
from persistence.engine import Database
from tests.support.waiting import PATIENCE_S, eventually_so

HASH = b"h" * 32


@pytest_asyncio.fixture
async def owner(dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def standing(database: Database) -> AsyncIterator[PgStanding]:
    found = PgStanding(database)
    yield found
    await found.close()


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


async def kill_connections(owner: "asyncpg.Connection[Any]") -> int:
    killed: int = await owner.fetchval(
        """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid()
             AND backend_type = 'client backend' AND application_name = 'kaejon'"""
    )
    return killed


async def test_before_the_first_look_nobody_is_allowed(standing: PgStanding, database: Database) -> None:
    assert not standing.allows("anyone", "any", 1)
    assert standing.age is None
    await standing.refresh()
    assert standing.allows("anyone", "any", 1)
    assert standing.age is not None


async def test_disabled_and_expired_clients_and_revoked_tokens_are_barred(
    standing: PgStanding, database: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    now = datetime.now(UTC)
    await put(owner, "well")
    await put(owner, "later", expires_at=now + timedelta(hours=1))
    await put(owner, "disabled", enabled=False)
    await put(owner, "expired", expires_at=now - timedelta(seconds=1))
    await revoke(owner, "t-revoked")
    await standing.refresh()
    allowed = {name: standing.allows(name, "t", 1) for name in ("well", "later", "disabled", "expired")}
    assert allowed == {"well": True, "later": True, "disabled": False, "expired": False}
    assert not standing.allows("well", "t-revoked", 1)


async def test_a_list_of_expired_tokens_does_not_grow_in_memory(
    standing: PgStanding, database: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    await revoke(owner, "long-gone", seconds=-120)
    await revoke(owner, "just-gone", seconds=-30)
    await standing.refresh()
    assert standing.allows("c", "long-gone", 1), "it is refused by its expiry"
    assert not standing.allows("c", "just-gone", 1), "a minute for the clocks"


async def test_a_revocation_elsewhere_is_seen_within_a_second(
    database: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    assert INTERVAL_S < 1, "that is how often it looks; how soon it does on a busy machine is not measured"
    await put(owner, "c")
    async with watched(PgStanding(database)) as standing:
        assert standing.allows("c", "t-1", 1)
        await revoke(owner, "t-1")
        assert await eventually_so(lambda: not standing.allows("c", "t-1", 1))
        assert standing.allows("c", "t-2", 1)
        await put(owner, "c", enabled=False)
        assert await eventually_so(lambda: not standing.allows("c", "t-2", 1))
        await put(owner, "c", enabled=True)
        assert await eventually_so(lambda: standing.allows("c", "t-2", 1))


async def test_the_watch_survives_killed_connections(
    database: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    await put(owner, "c")
    async with watched(PgStanding(database)) as standing:
        for turn in range(3):
            assert await kill_connections(owner) > 0
            assert standing.allows("c", f"t-{turn}", 1), "the last knowledge holds"
            await revoke(owner, f"t-{turn}")
            assert await eventually_so(lambda turn=turn: not standing.allows("c", f"t-{turn}", 1))


async def test_a_long_outage_is_told_once_and_ends(
    standing: PgStanding,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await standing.refresh()

    async def away(*_: Any) -> None:
        raise ConnectionRefusedError("host=/tmp/secret-place")

    with caplog.at_level(logging.WARNING, logger=module.__name__):
        task = asyncio.create_task(watch(standing, interval_s=0.01, stale_after_s=0.05))
        with monkeypatch.context() as broken:
            broken.setattr(database, "alone", away)
            await standing.close()
            assert await eventually_so(lambda: caplog.records)
            await asyncio.sleep(0.1)
        assert await eventually_so(lambda: len(caplog.records) == 2)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert [record.getMessage() for record in caplog.records] == [
        "standing is stale: ConnectionRefusedError",
        "standing is fresh again",
    ]


async def test_a_refresh_that_hangs_is_given_up_and_leaves_its_connection_usable(
    standing: PgStanding,
    database: Database,
    owner: "asyncpg.Connection[Any]",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_TIMEOUT_S", PATIENCE_S)
    await standing.refresh()
    async with owner.transaction():
        await owner.execute("LOCK TABLE revoked_token IN ACCESS EXCLUSIVE MODE")
        with monkeypatch.context() as impatient, pytest.raises(TimeoutError):
            impatient.setattr(module, "_TIMEOUT_S", 0.2)
            await standing.refresh()
        assert standing.allows("c", "t", 1)
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

    monkeypatch.setattr(database, "alone", away)
    with pytest.raises(ConnectionRefusedError):
        async with watched(PgStanding(database)):
            pytest.fail("it began")


async def test_what_is_told_is_known_at_once_and_not_by_the_clock(
    database: Database, owner: "asyncpg.Connection[Any]"
) -> None:
    await put(owner, "c")
    standing = PgStanding(database)
    await standing.refresh()
    # It would look again in an hour.
    task = asyncio.create_task(watch(standing, interval_s=3600))
    try:
        assert await eventually_so(lambda: standing.allows("c", "t", 1))
        await put(owner, "c", enabled=False)
        await owner.execute("SELECT pg_notify('standing', '')")
        assert await eventually_so(lambda: not standing.allows("c", "t", 1))
        # On a connection that was ended meanwhile, too: the next look makes a new one, which listens again.
        assert await kill_connections(owner) > 0
        await put(owner, "c", enabled=True)
        await standing.refresh()
        assert standing.allows("c", "t", 1)
        await put(owner, "c", enabled=False)
        await owner.execute("SELECT pg_notify('standing', '')")
        assert await eventually_so(lambda: not standing.allows("c", "t", 1))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await standing.close()


async def test_a_busy_pool_does_not_hide_a_revocation(dsn: str, owner: "asyncpg.Connection[Any]") -> None:
    database = await Database.open(dsn, size=1)
    try:
        await put(owner, "c")
        async with watched(PgStanding(database)) as standing, database.reading():
            await revoke(owner, "t-1")
            assert await eventually_so(lambda: not standing.allows("c", "t-1", 1))
            await standing.refresh()
    finally:
        await database.close()


async def test_tokens_of_a_narrowed_client_count_from_its_second_on(
    standing: PgStanding, owner: "asyncpg.Connection[Any]"
) -> None:
    now = int(time.time())
    for name, age in (("narrowed", 10), ("long-ago", 3600)):
        await put(owner, name)
        await owner.execute(
            "UPDATE client SET tokens_not_before = to_timestamp($2::bigint) WHERE id = $1", name, now - age
        )
    await standing.refresh()
    assert [standing.allows("narrowed", "t", now + at) for at in (-11, -10, 0)] == [False, True, True]
    assert standing.allows("long-ago", "t", now - 7200), "what was issued before has expired by itself"


async def test_only_clients_with_networks_are_asked_where_they_call_from(
    standing: PgStanding, owner: "asyncpg.Connection[Any]"
) -> None:
    for name, networks in (("bound", ["10.0.0.0/8", "2001:db8::/32"]), ("free", [])):
        await put(owner, name)
        await owner.execute("UPDATE client SET allowed_networks = $2 WHERE id = $1", name, networks)
    await standing.refresh()
    assert set(standing._networks) == {"bound"}
    known = standing._networks
    await standing.refresh()
    assert standing._networks is known, "not read again for nothing"
    for remote, inside in (
        ("10.1.1.1", True),
        ("::ffff:10.1.1.1", True),
        ("2001:db8::1", True),
        ("11.1.1.1", False),
        ("", False),
    ):
        assert standing.admits("bound", remote) == inside
        assert standing.admits("free", remote)
    await owner.execute("UPDATE client SET allowed_networks = '{}'")
    await standing.refresh()
    assert standing.admits("bound", "11.1.1.1")


async def test_used_assertions_are_forgotten_an_hour_after_their_end(
    standing: PgStanding, owner: "asyncpg.Connection[Any]"
) -> None:
    for letter, hours in ((b"o", 2), (b"y", 0)):
        ends = datetime.now(UTC) - timedelta(hours=hours)
        await owner.execute("INSERT INTO client_assertion VALUES ('c', $1, $2)", letter * 32, ends)
    await standing.forget_expired()
    assert [row[0] for row in await owner.fetch("SELECT jti_hash FROM client_assertion")] == [b"y" * 32]
