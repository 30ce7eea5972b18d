"""What is cleared away, and what is not."""

import asyncio
from datetime import UTC, datetime, timedelta

from api.housekeeping import kept_tidy
from domain.exchange.idempotency import StoredAnswer
from persistence.access.standing import PgStanding
from persistence.engine import Database
from persistence.exchange.idempotency import PgIdempotency
from persistence.sealing import Sealing

NOW = datetime(2026, 11, 21, tzinfo=UTC)


async def test_answers_are_kept_seven_days(database: Database, sealing: Sealing) -> None:
    async with database.reading() as connection:
        store = PgIdempotency(connection, sealing)
        for key, age in (("old", timedelta(days=7, seconds=1)), ("young", timedelta(days=6))):
            await store.keep("c", key, StoredAnswer(b"h", 201, {}, b"{}"), now=NOW - age)
        assert await store.forget_old(now=NOW) == 1
        assert await store.find("c", "old") is None
        assert await store.find("c", "young") is not None


async def test_revocations_outlive_their_tokens_by_an_hour(database: Database) -> None:
    standing = PgStanding(database, now=lambda: NOW)
    async with database.reading() as connection:
        for token, age in (("old", timedelta(hours=2)), ("young", timedelta(minutes=5))):
            await connection.execute("INSERT INTO revoked_token VALUES ($1, 'c', $2)", token, NOW - age)
        await standing.forget_expired()
        assert [row[0] for row in await connection.fetch("SELECT token_id FROM revoked_token")] == ["young"]


async def test_a_failure_is_tried_again() -> None:
    calls = 0

    async def tidy() -> None:
        nonlocal calls
        calls += 1
        raise OSError

    async with kept_tidy(tidy, every_s=0.01):
        await asyncio.sleep(0.1)
    assert calls > 1
