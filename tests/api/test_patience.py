"""A process that begins while the database is away waits for it, and fails at once for anything else."""

from contextlib import AsyncExitStack

import asyncpg
import pytest

from api import patience
from api.patience import once_there


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE_S", 0)


async def test_it_is_tried_until_the_database_answers_and_nothing_of_a_failed_try_is_left() -> None:
    undone: list[int] = []
    outages = [ConnectionRefusedError(), asyncpg.CannotConnectNowError("starting up"), OSError()]

    async def start(stack: AsyncExitStack) -> str:
        stack.callback(undone.append, len(outages))
        if outages:
            raise outages.pop(0)
        return "started"

    async with AsyncExitStack() as stack:
        assert await once_there(start, stack) == "started"
        assert undone == [3, 2, 1]
    assert undone == [3, 2, 1, 0]


async def test_what_is_no_outage_is_not_waited_for() -> None:
    async def start(_: AsyncExitStack) -> None:
        raise asyncpg.InvalidPasswordError("no")

    with pytest.raises(asyncpg.InvalidPasswordError):
        await once_there(start, AsyncExitStack())
