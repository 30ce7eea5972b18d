"""Calls that wait for a change: woken by one, let go at the end of their time, bounded, and holding nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.feed import LOOK_S, MOST_OF_ONE, Watch
from api.keyring import Keyring
from api.settings import Settings
from domain.exchange.changes import FIRST, ChangeType, News, View
from tests.support import builders
from tests.support.api import Api
from tests.support.calls import everything, told
from tests.support.feed import asked, now
from tests.support.server import GENEROUS
from tests.support.waiting import PATIENCE_S

FEW = 3


@pytest.fixture(scope="module")
async def small(module_dsn: str, keyring: Keyring) -> AsyncIterator[Api]:
    """A service in which few calls may wait."""
    rates = {name.removeprefix("KAEJON_").lower(): rate for name, rate in GENEROUS.items()}
    async with Api.open(module_dsn, keyring, Settings(feed_waiting=FEW, **rates)) as opened:
        yield opened


async def waiting(api: Api, start: str, *, who: str = "center", **claims: Any) -> "asyncio.Task[Any]":
    """A call that has been waiting for a while when this returns."""
    task = asyncio.create_task(asked(api, who=who, after=start, wait=30, claims=claims))
    await asyncio.sleep(0)
    return task


async def registered(api: Api, **changes: Any) -> str:
    answer = await everything(api, "POST", "/v1/households", builders.household(**changes))
    assert answer.status_code == 201
    return str(answer.json()["id"])


async def test_it_answers_at_once_where_there_is_something(small: Api) -> None:
    start = await now(small)
    home = await registered(small)
    answer = await asked(small, after=start, wait=30)
    assert [one["resource_id"] for one in answer.json()["items"]] == [home]


async def test_a_change_wakes_whoever_waits_for_it(small: Api) -> None:
    start = await now(small)
    calls = [await waiting(small, start), await waiting(small, start, areas=["42"])]
    await asyncio.sleep(3 * LOOK_S)
    assert not any(call.done() for call in calls)
    home = await registered(small)
    async with asyncio.timeout(PATIENCE_S):
        for call in calls:
            assert [one["resource_id"] for one in (await call).json()["items"]] == [home]


async def test_who_is_not_concerned_waits_on_and_loses_nothing(small: Api) -> None:
    start = await now(small)
    call = await waiting(small, start, areas=["41"])
    await registered(small)
    await asyncio.sleep(3 * LOOK_S)
    assert not call.done()
    home = await registered(small, area_code="410101")
    async with asyncio.timeout(PATIENCE_S):
        assert [one["resource_id"] for one in (await call).json()["items"]] == [home]


async def test_when_its_time_is_up_the_page_is_empty_and_says_where_to_go_on(small: Api) -> None:
    start = await now(small)
    answer = await asked(small, after=start, wait=1)
    assert (answer.status_code, answer.json()["items"], answer.json()["more"]) == (200, [], False)
    home = await registered(small)
    later = await asked(small, after=answer.json()["next"])
    assert [one["resource_id"] for one in later.json()["items"]] == [home]


async def refused_of(calls: "list[asyncio.Task[Any]]") -> Any:
    """The answer of the first that is not let wait; the others wait on."""
    async with asyncio.timeout(PATIENCE_S):
        done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    assert len(done) == 1
    calls.remove(*done)
    return done.pop().result()


async def test_more_than_a_worker_can_hold_are_sent_away(small: Api) -> None:
    start = await now(small)
    calls = [await waiting(small, start) for _ in range(FEW + 1)]
    refused = await refused_of(calls)
    assert told(refused) == (503, "unavailable")
    assert refused.headers["retry-after"] == "2"
    assert (await asked(small, after=start)).status_code == 200, "who does not wait needs no place"
    await registered(small)
    async with asyncio.timeout(PATIENCE_S):
        assert {(await call).status_code for call in calls} == {200}
    assert (await asked(small, after=await now(small), wait=1)).status_code == 200


async def test_one_client_cannot_take_every_place(api: Api) -> None:
    start = await now(api)
    calls = [await waiting(api, start) for _ in range(MOST_OF_ONE + 1)]
    refused = await refused_of(calls)
    assert told(refused) == (429, "rate-limited")
    assert int(refused.headers["retry-after"]) > 0
    assert (await asked(api, who="neighbour", after=start, wait=1)).status_code == 200
    await registered(api)
    async with asyncio.timeout(PATIENCE_S):
        assert {(await call).status_code for call in calls} == {200}


# -- the watch itself


class Source:
    """Stands for units of work and their store: says what the feed has got, and counts who asks."""

    def __init__(self) -> None:
        self.found = News(FIRST, None)
        self.asked = 0
        self.fails = False

    async def __aenter__(self) -> "Source":
        if self.fails:
            raise OSError
        return self

    async def __aexit__(self, *_: object) -> None: ...

    @property
    def changes(self) -> Any:
        return self

    async def news(self, since: Any) -> News:
        self.asked += 1
        return self.found


def watched(source: Source) -> Watch:
    return Watch(lambda: source, most=100)


class Caller:
    """A request's `receive`: its end, then whatever the test sends."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.messages.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    async def __call__(self) -> dict[str, Any]:
        return await self.messages.get()


VIEW = View(["42"], None, list(ChangeType))


async def test_all_who_wait_share_one_look() -> None:
    source = Source()
    watch = watched(source)

    async def wait() -> bool:
        async with watch.place("c", VIEW, Caller()) as place:
            return await place.until_news(FIRST, 4 * LOOK_S)

    assert await asyncio.gather(*(wait() for _ in range(MOST_OF_ONE))) == [False] * MOST_OF_ONE
    assert 1 <= source.asked <= 8, "not one look for each of them"
    looks = source.asked
    await asyncio.sleep(3 * LOOK_S)
    assert source.asked <= looks + 1, "nobody waits"
    await watch.close()


@pytest.mark.parametrize("message", ["http.disconnect", "http.request"], ids=["gone", "the server ends"])
async def test_who_has_gone_or_is_asked_to_hurry_waits_no_more(message: str) -> None:
    source, caller = Source(), Caller()
    watch = watched(source)
    async with watch.place("c", VIEW, caller) as place:
        call = asyncio.create_task(place.until_news(FIRST, 30))
        await asyncio.sleep(2 * LOOK_S)
        assert not call.done()
        caller.messages.put_nowait({"type": message})
        async with asyncio.timeout(10):
            assert await call is False
    await watch.close()


async def test_what_came_before_it_began_to_wait_wakes_it() -> None:
    source = Source()
    watch = watched(source)
    async with watch.place("c", VIEW, Caller()) as first:
        source.found = News((900, "a"), frozenset({"42"}))
        assert await first.until_news(FIRST, PATIENCE_S)
        async with watch.place("c", VIEW, Caller()) as second:
            assert await second.until_news((800, "z"), PATIENCE_S)
            assert not await second.until_news((900, "a"), 2 * LOOK_S)
            source.found = News((901, "b"), None)
            assert await second.until_news((900, "a"), PATIENCE_S), "too many to tell"
    await watch.close()


async def test_a_database_that_is_away_is_waited_for() -> None:
    source = Source()
    watch = watched(source)
    async with watch.place("c", VIEW, Caller()) as place:
        source.fails = True
        assert not await place.until_news(FIRST, 3 * LOOK_S)
        source.fails, source.found = False, News((900, "a"), frozenset({"42"}))
        assert await place.until_news(FIRST, PATIENCE_S)
    await watch.close()


async def test_the_end_of_the_worker_wakes_them_all() -> None:
    watch = watched(Source())
    async with watch.place("c", VIEW, Caller()) as place:
        call = asyncio.create_task(place.until_news(FIRST, 30))
        await asyncio.sleep(2 * LOOK_S)
        await watch.close()
        async with asyncio.timeout(10):
            await call
