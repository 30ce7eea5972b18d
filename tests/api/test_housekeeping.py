"""What is cleared away, and what is not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.housekeeping import kept_sealed, kept_tidy
from domain.access.log import Block
from domain.exchange.idempotency import StoredAnswer
from persistence.access.ledger import Turn
from persistence.access.standing import PgStanding
from persistence.engine import Database
from persistence.exchange.idempotency import PgIdempotency
from persistence.sealing import Sealing
from tests.support.waiting import eventually_so

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
        assert await eventually_so(lambda: calls > 1)


class Chain:
    """A sealer that does as it is told, in the place of the database's."""

    def __init__(self, *turns: Any) -> None:
        self._turns, self.patient = list(turns), 0

    async def seal(self, *, patient: bool = False) -> Any:
        self.patient += patient
        turn = self._turns.pop(0) if len(self._turns) > 1 else self._turns[0]
        if isinstance(turn, Exception):
            raise turn
        return turn


def turn(number: int, waiting: int = 0) -> Turn:
    return Turn(1, Block(number, NOW, 1, bytes(32), bytes(32), bytes([number]) * 32), waiting)


async def test_sealing_goes_on_after_a_failure_and_after_somebody_elses_turn(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told: list[tuple[int, int]] = []
    chain = Chain(OSError("a text that nobody needs"), OSError(), None, turn(7, waiting=3))
    async with kept_sealed(chain, lambda waiting, number: told.append((waiting, number)), every_s=0.01):
        assert await eventually_so(lambda: told)
    assert set(told) == {(3, 7)}
    assert chain.patient == 1  # the last turn waits for whoever is at it
    out = "".join(capsys.readouterr())
    assert out.count("is not being sealed") == 1
    assert "a text that nobody needs" not in out


async def test_the_head_goes_to_the_log_at_first_and_then_once_an_hour(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told: list[int] = []
    chain = Chain(turn(1), turn(2), turn(3))
    async with kept_sealed(chain, lambda _, number: told.append(number), every_s=0.01):
        assert await eventually_so(lambda: len(told) > 5)
    out = "".join(capsys.readouterr())
    assert out.count("access log sealed") == 1
    assert turn(1).head.anchor in out  # type: ignore[union-attr]  # it has one
    async with kept_sealed(chain, lambda _, number: told.append(number), every_s=0.01, told_every_s=0):
        assert await eventually_so(lambda: len(told) > 10)
    assert "".join(capsys.readouterr()).count("access log sealed") > 1


async def test_an_end_without_a_database_is_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    async with kept_sealed(Chain(OSError()), lambda *_: None, every_s=60):
        pass
    assert "was not sealed at the end" in "".join(capsys.readouterr())
