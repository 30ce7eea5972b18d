"""Counting in leases: a request costs a decrement in memory, and now and then a worker fetches some more.

The store adds up what all workers have taken; what it grants is never more than the limit together. Where it is
away, each worker counts by itself up to the whole limit, and goes back to the store when that answers again.
"""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from api.limits.headers import Allowance
from api.limits.rates import Rate, RateClass
from domain.access.quota import Ask, QuotaStore

LEASE_SHARE = 100
"""A worker fetches a hundredth of a limit at a time: what idle workers hold back stays small."""
PATIENCE_S = 0.1
PROBE_S = 1.0
PROBE_PATIENCE_S = 5.0
MOST_BUCKETS = 20_000
"""Windows held in memory; beyond that the oldest are dropped: the store remembers them."""
LEASED_ONE_BY_ONE = frozenset({RateClass.TOKEN, RateClass.ADDRESS, RateClass.LOOKUP})
"""Small limits that guard something: exact at every moment."""

_TURNS = 8
log = structlog.get_logger("kaejon")


class Gauges(Protocol):
    """What is told of the store's health."""

    def quota_degraded(self, degraded: bool) -> None: ...

    def quota_failed(self) -> None: ...


class _Unwatched:
    def quota_degraded(self, degraded: bool) -> None: ...

    def quota_failed(self) -> None: ...


@dataclass(slots=True)
class _Bucket:
    """One window of one client and class, as this worker holds it."""

    kind: RateClass
    rate: Rate
    key: str
    start: int
    ends: int
    left: int = 0
    """Leased and not used."""
    taken: int = 0
    """By everybody, as the store last said; more than the limit where some was refused."""
    own: int = 0
    """Granted to this worker."""
    owed: int = 0
    """Granted while the store was away, and not yet told to it."""
    wanted: int = 0
    """What requests wait for."""
    refill: "asyncio.Future[None] | None" = None

    @property
    def amount(self) -> int:
        """To be fetched: what is waited for, and some ahead; less as the limit comes near."""
        needed = max(1, self.wanted - self.left)
        if self.kind in LEASED_ONE_BY_ONE:
            return needed
        return max(needed, min(self.rate.requests // LEASE_SHARE, (self.rate.requests - self.taken) // 8))

    @property
    def closed(self) -> bool:
        """Nothing more will come in this window, as far as this worker knows."""
        return max(self.taken, self.own) >= self.rate.requests

    def grant(self, amount: int, *, before: int) -> int:
        """Adds what of `amount` still fits when `before` was taken already; how much that was."""
        granted = max(0, min(amount, self.rate.requests - before))
        self.left += granted
        self.own += granted
        return granted

    def allowance(self, now: float) -> Allowance:
        unleased = max(0, self.rate.requests - max(self.taken, self.own))
        return Allowance(self.kind, self.rate, unleased + self.left, max(1, math.ceil(self.ends - now)))


class Quotas:
    """The counters of one worker over a store that all share; without one, of this worker alone."""

    def __init__(
        self,
        store: QuotaStore | None = None,
        *,
        gauges: Gauges | None = None,
        clock: Callable[[], float] = time.time,
        patience_s: float = PATIENCE_S,
        probe_s: float = PROBE_S,
    ) -> None:
        """`clock` tells seconds since the epoch; a request waits `patience_s` for the store and no longer."""
        self._store, self._gauges, self._clock = store, gauges or _Unwatched(), clock
        self._patience_s, self._probe_s = patience_s, probe_s
        self._buckets: dict[tuple[RateClass, str], _Bucket] = {}
        self._asking: list[_Bucket] = []
        self._pump: asyncio.Task[None] | None = None
        self._probe: asyncio.Task[None] | None = None
        self.degraded = False
        """The store is away: every worker counts for itself."""

    async def take(self, kind: RateClass, rate: Rate, key: str) -> tuple[bool, Allowance]:
        """Whether one more is granted, and what is left."""
        now = self._clock()
        bucket = self._bucket(kind, rate, key, now)
        if not bucket.left:
            await self._refilled(bucket, 1)
        granted = bucket.left > 0
        if granted:
            bucket.left -= 1
        return granted, bucket.allowance(now)

    async def charge(self, kind: RateClass, rate: Rate, key: str, cost: int) -> tuple[int, Allowance]:
        """Takes `cost`, or what there is of it; how much that was, and what is left."""
        now = self._clock()
        bucket = self._bucket(kind, rate, key, now)
        if bucket.left < cost:
            await self._refilled(bucket, cost)
        taken = min(bucket.left, cost)
        bucket.left -= taken
        return taken, bucket.allowance(now)

    def look(self, kind: RateClass, rate: Rate, key: str) -> tuple[bool, Allowance]:
        """Whether there may be any left, as far as this worker knows; nothing is taken."""
        now = self._clock()
        bucket = self._bucket(kind, rate, key, now)
        return bucket.left > 0 or not bucket.closed, bucket.allowance(now)

    def forget_ended(self) -> None:
        """Drops the windows that are over."""
        now = self._clock()
        for name in [name for name, bucket in self._buckets.items() if bucket.ends <= now]:
            del self._buckets[name]

    async def close(self) -> None:
        for task in (self._pump, self._probe):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        if self._store is not None:
            with suppress(Exception):
                await self._store.close()

    # -- leases

    def _bucket(self, kind: RateClass, rate: Rate, key: str, now: float) -> _Bucket:
        bucket = self._buckets.get((kind, key))
        # A clock that was set back makes a new window as well, rather than one that hardly ends.
        if bucket is None or not bucket.start <= now < bucket.ends:
            start = int(now) - int(now) % rate.seconds
            self._buckets.pop((kind, key), None)
            if len(self._buckets) >= MOST_BUCKETS:
                self.forget_ended()
                for name in list(self._buckets)[: len(self._buckets) - MOST_BUCKETS + 1]:
                    del self._buckets[name]
            bucket = self._buckets[kind, key] = _Bucket(kind, rate, key, start, start + rate.seconds)
        return bucket

    async def _refilled(self, bucket: _Bucket, cost: int) -> None:
        """Until `cost` is there, or nothing more will come in this window."""
        bucket.wanted += cost
        try:
            while bucket.left < cost and not bucket.closed:
                if bucket.refill is None:
                    self._ask(bucket)
                if bucket.refill is not None:
                    # Others wait for it too: whoever goes away does not take it along.
                    await asyncio.shield(bucket.refill)
        finally:
            bucket.wanted -= cost

    def _ask(self, bucket: _Bucket) -> None:
        if self._store is None or self.degraded:
            self._grant_alone(bucket, bucket.amount)
            return
        bucket.refill = asyncio.get_running_loop().create_future()
        self._asking.append(bucket)
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._pumping(self._store), name="quotas")

    def _grant_alone(self, bucket: _Bucket, amount: int) -> None:
        bucket.owed += bucket.grant(amount, before=bucket.own)

    async def _pumping(self, store: QuotaStore) -> None:
        """One call at a time for all who ask meanwhile: a single connection is enough."""
        # A turn of the loop first, so that those who come at once are counted into one ask.
        await asyncio.sleep(0)
        while self._asking:
            waiting, self._asking = self._asking, []
            amounts = [bucket.amount for bucket in waiting]
            totals = await self._from(store, waiting, amounts)
            for index, (bucket, amount) in enumerate(zip(waiting, amounts, strict=True)):
                if totals is None:
                    self._grant_alone(bucket, amount)
                else:
                    bucket.taken, bucket.owed = totals[index], 0
                    bucket.grant(amount, before=totals[index] - amount)
                refill, bucket.refill = bucket.refill, None
                if refill is not None and not refill.done():
                    refill.set_result(None)

    async def _from(
        self, store: QuotaStore, buckets: Sequence[_Bucket], amounts: Sequence[int]
    ) -> Sequence[int] | None:
        """The new totals; None where the store failed or did not answer in time."""
        if self.degraded:
            return None
        asks = [
            Ask(bucket.kind.value, bucket.key, bucket.start, bucket.rate.seconds, amount + bucket.owed)
            for bucket, amount in zip(buckets, amounts, strict=True)
        ]
        try:
            return await _within(self._patience_s, store.add(asks))
        except Exception as error:
            self._lost(store, error)
            return None

    # -- the store's health

    def _lost(self, store: QuotaStore, error: Exception) -> None:
        self._gauges.quota_failed()
        self._gauges.quota_degraded(True)
        self.degraded = True
        log.warning("rate limits: each worker counts alone", error_type=type(error).__name__)
        self._probe = asyncio.create_task(self._probing(store), name="quota probe")

    async def _probing(self, store: QuotaStore) -> None:
        """Asks the store now and then, and goes back to it once it answers."""
        while self.degraded:
            await asyncio.sleep(self._probe_s)
            try:
                await _within(PROBE_PATIENCE_S, store.add([]))
            except Exception:
                self._gauges.quota_failed()
            else:
                self.degraded = False
                self._gauges.quota_degraded(False)
                log.warning("rate limits: the workers count together again")


async def _within(seconds: float, work: Coroutine[Any, Any, Sequence[int]]) -> Sequence[int]:
    """Its result. Raises TimeoutError without waiting for it to let go: a driver may take its time."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
        for _ in range(_TURNS):
            if task.done():
                return task.result()
            # Where this process was busy itself, the answer lies here already.
            await asyncio.sleep(0)
        raise TimeoutError
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
