"""The loop of a background process: tells webhooks of new changes, sends what is due, sweeps what is old.

Any number of processes run it: what one of them has claimed and not settled, because it was killed, another one
sends again when the claim has run out. So a receiver may get a message twice, with the same `webhook-id`.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from api.webhooks.guard import Guard
from api.webhooks.sender import TOTAL_S, Sender
from domain.exchange.delivery import DELAYS, DeliveryStatus, Message, Outcome, Verdict, judged
from domain.exchange.jobs import Works
from domain.exchange.targets import Allowed
from domain.exchange.webhooks import may_hear, view_for

log = structlog.get_logger("kaejon")

KEPT = timedelta(days=30)
"""How long deliveries that are over are listed, and can be replayed."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often, how many, how long; the standard's, which tests shorten."""

    delays: Sequence[float] = DELAYS
    look_s: float = 0.5
    """Seconds between two looks for changes and for what is due."""
    each: int = 4
    """Messages under way to one webhook, over all processes."""
    most: int = 64
    """Messages under way in one process."""
    lease_s: float = TOTAL_S + 45
    """Seconds after which a sender that has not settled a message is taken for dead."""
    settle_s: float = 20.0
    """Seconds that an outcome is tried to be stored for, through a restart of the database."""
    swept_every_s: float = 60.0


USUAL = Pace()
MOST_FAILED = 3
"""Webhooks that may fail in one look before the rest waits for the next."""


async def relay_and_send(
    works: Works,
    *,
    allowed: Allowed,
    source: str,
    stop: asyncio.Event,
    now: Callable[[], datetime],
    pace: Pace = USUAL,
    guard: Guard | None = None,
    sender: Sender | None = None,
) -> None:
    """Until `stop` or a cancellation; what is under way then is settled, or sent again by another process.

    `source` is the service's own URL. A database that goes away is waited for, with one line in the log.
    """
    guard = guard or Guard(allowed)
    sender = sender or Sender(guard, source=source)
    relay = Relay(works, sender, now=now, pace=pace)
    try:
        async with asyncio.TaskGroup() as group:
            for step, every_s in (
                (relay.tell, pace.look_s), (relay.send_due, pace.look_s), (relay.sweep, pace.swept_every_s),
            ):  # fmt: skip
                group.create_task(_again_and_again(step, stop, every_s), name=f"webhooks {step.__name__}")
        await relay.settled()
    finally:
        relay.cancel()
        await sender.close()
        guard.close()


async def _again_and_again(step: Callable[[], Awaitable[bool]], stop: asyncio.Event, every_s: float) -> None:
    told = False
    while not stop.is_set():
        more = False
        try:
            more = await step()
            told = False
        except Exception as error:
            if not told:
                log.warning("webhooks wait for the database", error_type=type(error).__name__)
            told = True
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.01 if more else every_s)


class Relay:
    """The steps; each says whether there is more to do at once."""

    def __init__(self, works: Works, sender: Sender, *, now: Callable[[], datetime], pace: Pace) -> None:
        self._works, self._sender, self._now, self._pace = works, sender, now, pace
        self._under_way: set[asyncio.Task[None]] = set()

    async def tell(self) -> bool:
        """Makes what the feed has got into messages, a page for each webhook."""
        async with self._works.reading() as work:
            lagging = await work.outbox.lagging(now=self._now())
        more, failed = False, list[Exception]()
        for webhook_id, client, types in lagging:
            try:
                async with self._works.writing(client) as work:
                    more |= await work.outbox.relay(webhook_id, view_for(client, types), now=self._now())
            except Exception as error:
                # What is wrong with one webhook is not the others' concern; a database that is away is everybody's.
                failed.append(error)
                if len(failed) == MOST_FAILED:
                    break
        if failed:
            raise failed[0]
        return more

    async def send_due(self) -> bool:
        """Claims what is due as far as there is room, and begins to send it."""
        room = self._pace.most - len(self._under_way)
        if room <= 0:
            return False
        now = self._now()
        until = now + timedelta(seconds=self._pace.lease_s)
        async with self._works.writing() as work:
            claimed = await work.outbox.claim(now=now, until=until, each=self._pace.each, most=room)
        for message in claimed:
            task = asyncio.create_task(self._send(message), name="webhook message")
            self._under_way.add(task)
            task.add_done_callback(self._done)
        return bool(claimed)

    async def sweep(self) -> bool:
        async with self._works.reading() as work:
            return await work.outbox.sweep(before=self._now() - KEPT)

    async def settled(self) -> None:
        """When nothing is under way any more."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    def cancel(self) -> None:
        for task in self._under_way:
            task.cancel()

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its claim runs out, and it is sent again.
            log.warning("a webhook message was not settled", error_type=type(error).__name__)

    async def _send(self, message: Message) -> None:
        outcome, verdict = None, Verdict(DeliveryStatus.WITHDRAWN)
        if may_hear(message.endpoint.client, message.item["type"], message.area):
            outcome = await self._sender.send(message, now=self._now())
            verdict = judged(
                outcome,
                message.attempts + 1,
                now=self._now(),
                chance=random.random(),  # noqa: S311 - spreads load
                delays=self._pace.delays,
            )
        await self._settle(message, outcome, verdict)

    async def _settle(self, message: Message, outcome: Outcome | None, verdict: Verdict) -> None:
        """A message whose success is not stored would be sent again: worth waiting for a database to come back."""
        async with asyncio.timeout(self._pace.settle_s):
            while True:
                try:
                    async with self._works.writing() as work:
                        await work.outbox.settle(message, outcome, verdict, now=self._now())
                    return
                except Exception:
                    await asyncio.sleep(self._pace.look_s)
