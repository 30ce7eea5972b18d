"""Turns of heavy writes: so many at once, the others in their order, and nobody for ever."""

import asyncio

import pytest

from api.limits.turns import Busy, Turns
from tests.api.test_batch import batch, outcomes
from tests.api.test_households import registered
from tests.support import builders
from tests.support.api import Api


async def test_so_many_at_once_and_the_others_in_their_order() -> None:
    turns, under_way, most, order = Turns(2), 0, 0, []

    async def work(number: int) -> None:
        nonlocal under_way, most
        async with turns.one():
            under_way += 1
            most = max(most, under_way)
            order.append(number)
            await asyncio.sleep(0)
            under_way -= 1

    await asyncio.gather(*(work(number) for number in range(20)))
    assert (most, order) == (2, list(range(20)))


async def test_whoever_waits_too_long_or_behind_too_many_is_refused() -> None:
    turns = Turns(1, most_waiting=1, patience_s=0.05)
    async with turns.one():
        waiting = asyncio.create_task(turns.one().__aenter__())
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await turns.one().__aenter__()
        with pytest.raises(Busy):
            await waiting
    # And nothing is lost by it.
    async with turns.one():
        pass


async def test_a_turn_comes_back_when_its_work_fails_or_is_called_off() -> None:
    turns = Turns(1)
    with pytest.raises(ZeroDivisionError):
        async with turns.one():
            raise ZeroDivisionError
    async with turns.one():
        waiting = asyncio.create_task(turns.one().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
    async with asyncio.timeout(10), turns.one():
        pass


async def test_a_batch_without_a_turn_may_come_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await registered(api)
    items = [builders.event(made["id"])]

    async def busy(_: Turns) -> None:
        raise Busy

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Turns, "_taken", busy)
        refused = await batch(api, items)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable"), refused.text
    assert int(refused.headers["Retry-After"]) > 0
    assert outcomes(await batch(api, items)) == ["created"]
