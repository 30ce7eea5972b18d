"""Leases of a shared limit: exact together, cheap alone, and alone where the store is away."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
import structlog

from api.limits.quotas import Quotas
from api.limits.rates import DEFAULTS, Rate, RateClass, rates_of
from domain.access.quota import Ask
from persistence.access.quota import PgQuota
from persistence.engine import Database

READ, LOOKUP = RateClass.READ, RateClass.LOOKUP


class Clock:
    """Seconds since the epoch, as told."""

    def __init__(self, now: float = 1_000_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Shared:
    """A store in memory, which can be switched off."""

    def __init__(self) -> None:
        self.totals: dict[tuple[str, str, int], int] = {}
        self.calls: list[list[Ask]] = []
        self.fails: BaseException | None = None
        self.hangs = False

    async def add(self, asks: Sequence[Ask]) -> list[int]:
        self.calls.append(list(asks))
        await asyncio.sleep(0)
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if self.fails is not None:
            raise self.fails
        found = []
        for ask in asks:
            name = (ask.rate_class, ask.key, ask.window_start)
            self.totals[name] = self.totals.get(name, 0) + ask.amount
            found.append(self.totals[name])
        return found

    async def close(self) -> None: ...


class Seen:
    """What the gauges were told."""

    def __init__(self) -> None:
        self.degraded: list[bool] = []
        self.failures = 0

    def quota_degraded(self, degraded: bool) -> None:
        self.degraded.append(degraded)

    def quota_failed(self) -> None:
        self.failures += 1


def rate(text: str, kind: RateClass = READ) -> Rate:
    return rates_of({kind: text})[kind]


@asynccontextmanager
async def workers(
    store: object, count: int = 2, *, patience_s: float = 30.0, **more: object
) -> AsyncIterator[list[Quotas]]:
    made = [Quotas(store, patience_s=patience_s, probe_s=0.01, **more) for _ in range(count)]  # type: ignore[arg-type]
    try:
        yield made
    finally:
        for one in made:
            await one.close()


async def granted(quotas: Sequence[Quotas], limit: Rate, times: int, *, kind: RateClass = READ, key: str = "c") -> int:  # fmt: skip
    """How many of `times` requests at once, spread over the workers, are let through."""
    answers = await asyncio.gather(
        *(quotas[number % len(quotas)].take(kind, limit, key) for number in range(times))
    )
    return sum(may for may, _ in answers)


async def until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not fact():  # noqa: ASYNC110 - of another's state
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("kind", [READ, LOOKUP])
@pytest.mark.parametrize("limit", [1, 7, 50, 1000])
async def test_what_all_workers_grant_together_is_the_limit(limit: int, kind: RateClass) -> None:
    async with workers(Shared(), 4, clock=Clock()) as quotas:
        many = rate(f"{limit}/60", kind)
        assert await granted(quotas, many, 5 * limit + 20, kind=kind) == limit
        assert await granted(quotas, many, 10, kind=kind) == 0


async def test_postgresql_counts_exactly_too(database: Database) -> None:
    stores = [PgQuota(database.alone) for _ in range(2)]
    quotas = [Quotas(store, clock=Clock(), patience_s=30.0) for store in stores]
    for limit, key in ((50, "a"), (3000, "b")):
        assert await granted(quotas, rate(f"{limit}/60"), 2 * limit + 100, key=key) == limit
    assert not any(one.degraded for one in quotas)
    for one in quotas:
        await one.close()


async def test_old_windows_are_swept(database: Database) -> None:
    from datetime import UTC, datetime

    store = PgQuota(database.alone)
    await store.add([Ask("read", "a", 60, 60, 5), Ask("read", "a", 1_000_000_020, 60, 5)])
    await store.forget_old(datetime.fromtimestamp(1_000_000_000, UTC))
    assert await store.add([Ask("read", "a", 60, 60, 1), Ask("read", "a", 1_000_000_020, 60, 1)]) == [1, 6]
    await store.close()


async def test_clients_and_classes_are_counted_apart() -> None:
    async with workers(Shared(), 2, clock=Clock()) as quotas:
        few = rate("5/60")
        assert await granted(quotas, few, 20, key="one") == 5
        assert await granted(quotas, few, 20, key="two") == 5
        assert await granted(quotas, few, 20, key="one", kind=RateClass.WRITE) == 5
        assert await granted(quotas, few, 20, key="one") == 0


async def test_a_window_ends_and_another_begins() -> None:
    clock, few = Clock(1_000_000_025.5), rate("5/60")
    async with workers(Shared(), 2, clock=clock) as quotas:
        assert await granted(quotas, few, 20) == 5
        _, left = await quotas[0].take(READ, few, "c")
        assert (left.remaining, left.resets_in) == (0, 55)
        clock.now = 1_000_000_079.9
        assert await granted(quotas, few, 20) == 0
        assert (await quotas[0].take(READ, few, "c"))[1].resets_in == 1
        clock.now = 1_000_000_080.0
        assert await granted(quotas, few, 20) == 5


async def test_a_lease_of_one_window_is_not_used_in_the_next() -> None:
    clock, many, store = Clock(), rate("1000/60"), Shared()
    async with workers(store, 1, clock=clock) as quotas:
        await quotas[0].take(READ, many, "c")
        clock.now += 60
        assert await granted(quotas, many, 1100) == 1000


async def test_a_clock_set_back_does_not_lengthen_a_window() -> None:
    clock, few = Clock(), rate("5/60")
    async with workers(Shared(), 1, clock=clock) as quotas:
        assert await granted(quotas, few, 9) == 5
        clock.now -= 3600
        assert await granted(quotas, few, 9) == 5


async def test_a_large_limit_is_fetched_now_and_then_and_a_small_one_each_time() -> None:
    store = Shared()
    async with workers(store, 1, clock=Clock()) as quotas:
        many = rate(DEFAULTS[READ])
        for _ in range(600):
            assert (await quotas[0].take(READ, many, "c"))[0]
        assert len(store.calls) == 1
        for _ in range(5):
            await quotas[0].take(LOOKUP, rate("300/60", LOOKUP), "c")
        assert [ask.amount for call in store.calls[1:] for ask in call] == [1] * 5


async def test_those_who_come_at_once_share_one_call_of_the_store() -> None:
    store = Shared()
    async with workers(store, 1, clock=Clock()) as quotas:
        few = rate("300/60", LOOKUP)
        await asyncio.gather(*(quotas[0].take(LOOKUP, few, f"c{number % 5}") for number in range(50)))
    assert [sorted(ask.amount for ask in call) for call in store.calls] == [[10] * 5]


async def test_what_is_left_is_told_as_it_goes() -> None:
    async with workers(Shared(), 2, clock=Clock()) as quotas:
        many = rate("1000/60")
        told = [(await quotas[0].take(READ, many, "c"))[1].remaining for _ in range(3)]
        assert told == [999, 998, 997]


async def test_a_charge_takes_what_there_is() -> None:
    async with workers(Shared(), 2, clock=Clock()) as quotas:
        few = rate("10/60", RateClass.TOKEN)
        assert (await quotas[0].charge(RateClass.TOKEN, few, "c", 4))[0] == 4
        assert (await quotas[1].charge(RateClass.TOKEN, few, "c", 4))[0] == 4
        assert quotas[0].look(RateClass.TOKEN, few, "c")[0]
        assert (await quotas[0].charge(RateClass.TOKEN, few, "c", 4))[0] == 2
        assert not quotas[0].look(RateClass.TOKEN, few, "c")[0]
        assert await granted(quotas, few, 5, kind=RateClass.TOKEN) == 0


async def test_charges_at_once_are_granted_the_limit_together_by_few_calls() -> None:
    store = Shared()
    async with workers(store, 2, clock=Clock()) as quotas:
        few = rate("300/60", LOOKUP)
        taken = await asyncio.gather(
            *(quotas[number % 2].charge(LOOKUP, few, "c", 70) for number in range(10))
        )
        assert sum(amount for amount, _ in taken) == 300
        assert max(amount for amount, _ in taken) == 70
        assert min(left.remaining for _, left in taken) == 0
        assert len(store.calls) <= 4


@pytest.mark.parametrize("how", ["fails", "hangs"])
async def test_without_its_store_a_worker_counts_alone_and_goes_back(how: str) -> None:
    store, seen, few = Shared(), Seen(), rate("50/60")
    with structlog.testing.capture_logs() as logs:
        async with workers(store, 2, patience_s=0.05, clock=Clock(), gauges=seen) as quotas:
            assert await granted(quotas, few, 10) == 10
            store.fails, store.hangs = (ConnectionError("redis.internal:6379"), False) if how == "fails" else (None, True)  # fmt: skip
            # Each has the whole limit; nobody is let through without end.
            assert await granted(quotas[:1], few, 200) == 45
            assert await granted(quotas[1:], few, 200) == 45
            assert [one.degraded for one in quotas] == [True, True]
            store.fails, store.hangs = None, False
            await until(lambda: not any(one.degraded for one in quotas))
            assert await granted(quotas, few, 20) == 0
            # What was granted meanwhile is told to the store before more is granted elsewhere.
            assert await granted(quotas, few, 120, key="d") == 50
    assert seen.degraded == [True, True, False, False]
    assert seen.failures >= 2
    told = [line["event"] for line in logs]
    assert (
        told
        == ["rate limits: each worker counts alone"] * 2
        + ["rate limits: the workers count together again"] * 2
    )
    assert "redis.internal" not in str(logs)


async def test_what_was_granted_alone_is_owed_to_the_store() -> None:
    store, many = Shared(), rate("100/60")
    async with workers(store, 2, clock=Clock()) as quotas:
        store.fails = ConnectionError()
        assert await granted(quotas[:1], many, 60) == 60
        store.fails = None
        await until(lambda: not quotas[0].degraded)
        assert await granted(quotas[:1], many, 1) == 1
        assert await granted(quotas[1:], many, 100) <= 100 - 61


async def test_a_request_that_goes_away_takes_nobody_along() -> None:
    store = Shared()
    async with workers(store, 1, clock=Clock()) as quotas:
        few = rate("10/60")
        leaving = asyncio.create_task(quotas[0].take(READ, few, "c"))
        staying = asyncio.create_task(quotas[0].take(READ, few, "c"))
        await asyncio.sleep(0)
        leaving.cancel()
        assert (await staying)[0]


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.limits.quotas.MOST_BUCKETS", 100)
    clock = Clock()
    async with workers(Shared(), 1, clock=clock) as quotas:
        for number in range(500):
            await quotas[0].take(READ, rate("10/60"), f"client-{number}")
        assert len(quotas[0]._buckets) == 100
        clock.now += 60
        quotas[0].forget_ended()
        assert not quotas[0]._buckets


@pytest.mark.parametrize(
    "text", ["", "10", "10/", "/60", "0/60", "10/0", "-1/60", "1e3/60", "๑/60", "10/60/60"]
)
def test_a_rate_is_requests_over_seconds(text: str) -> None:
    with pytest.raises(ValueError, match="requests/seconds"):
        Rate.parsed(text)
