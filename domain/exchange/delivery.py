"""One message on its way to one webhook: its body, when it is tried again, when it is given up.

Standard Webhooks 1.0.0 (schedule, status codes, signatures over `id.timestamp.body`) and CloudEvents 1.0 (the
body, in JSON). A body holds ids and no personal data: whoever is told fetches what it may see.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from domain.access.actor import Actor
from domain.exchange.changes import ChangeType, View

DELAYS: tuple[float, ...] = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds from one attempt to the next, after the first, which is made at once: ten attempts in some 75 hours."""
JITTER = 0.1
"""Up to this part of a delay is added, so that what failed together does not come back together."""
LONGEST_HOLD = timedelta(hours=24)
"""Of a Retry-After that asks for more."""
FAILING_FOR = timedelta(days=5)
"""A webhook that has answered nothing but failures for so long is switched off: longer than one message is tried."""
WEARY_AFTER = 10
"""After so many failures in a row a webhook gets one message at a time, until one succeeds."""
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    """Waits for its first or next attempt, or for an earlier message about the same household."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """Every attempt failed; a replay sends it again."""
    WITHDRAWN = "withdrawn"
    """Its client may no longer see what it is about."""


class DeliveryFault(StrEnum):
    """Why the last attempt failed."""

    STATUS = "status"
    """It answered with another status than 2xx."""
    REDIRECT = "redirect"
    """It answered with 3xx, which is never followed."""
    GONE = "gone"
    """It answered 410: the webhook is switched off."""
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    """It could not be reached, or broke off."""
    TLS = "tls"
    """Its certificate is not valid for its name, or the handshake failed."""
    NO_ADDRESS = "no_address"
    """Its name was not found."""
    TARGET_REFUSED = "target_refused"
    """Its name has an address that is private or reserved."""
    PROTOCOL = "protocol"
    """What it answered is not HTTP."""


class DisabledReason(StrEnum):
    CLIENT = "client"
    """Switched off by PATCH."""
    GONE = "gone"
    """The receiver answered 410."""
    FAILING = "failing"
    """Nothing but failures for five days."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A webhook as it is sent to: read with each claim, so that what changes holds at once."""

    webhook_id: UUID
    url: str
    secrets: tuple[str, ...]
    """`whsec_…`, the current one first; a replaced one signs along until its overlap is over."""
    client: Actor
    """Its client as it stands now."""


@dataclass(frozen=True, slots=True)
class Message:
    """A delivery that was claimed for one attempt."""

    endpoint: Endpoint
    number: int
    id: UUID
    """The same for every attempt and replay of one change to one webhook."""
    item: Mapping[str, Any]
    """As in the feed."""
    area: str
    """Where the change happened."""
    attempts: int
    """Made before this one."""
    claimed_until: datetime
    """Whoever claims it later is another sender: this one's outcome then counts no more."""

    @property
    def message_id(self) -> str:
        """`webhook-id`: without a full stop, which parts what is signed."""
        return f"msg_{self.id.hex}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt."""

    status: int | None
    """Of the answer, where there was one."""
    fault: DeliveryFault | None
    """None: it succeeded."""
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from an outcome."""

    status: DeliveryStatus
    next_attempt_at: datetime | None = None
    held_until: datetime | None = None
    """Nothing is sent to the webhook before."""
    gone: bool = False


def body_of(message: Message, *, source: str) -> bytes:
    """The CloudEvent, byte for byte the same at every attempt; `source` is the service's own URL."""
    item = message.item
    event = {
        "specversion": "1.0",
        "id": message.message_id,
        "source": source,
        "type": f"th.kaejon.{item['type']}.{item['action']}",
        "subject": item["resource_id"],
        "time": item["occurred_at"],
        "datacontenttype": "application/json",
        "data": dict(item),
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def judged(
    outcome: Outcome,
    attempts: int,
    *,
    now: datetime,
    chance: float,
    delays: Sequence[float] = DELAYS,
) -> Verdict:
    """What becomes of a message whose attempt number `attempts` (from 1) came out so; `chance` is in [0, 1)."""
    if outcome.fault is None:
        return Verdict(DeliveryStatus.DELIVERED)
    if outcome.fault is DeliveryFault.GONE:
        return Verdict(DeliveryStatus.FAILED, gone=True)
    wanted = min(outcome.retry_after, LONGEST_HOLD) if outcome.retry_after is not None else None
    # Whoever says "too many" or "not now", and for how long, means every message.
    held = now + wanted if wanted is not None and outcome.status in (429, 503) else None
    if attempts > len(delays):
        return Verdict(DeliveryStatus.FAILED, held_until=held)
    delay = timedelta(seconds=delays[attempts - 1] * (1 + JITTER * chance))
    return Verdict(DeliveryStatus.PENDING, now + max(delay, wanted or delay), held)


class Outbox(Protocol):
    """What senders work from; any number of them at once."""

    async def lagging(self, *, now: datetime) -> Sequence[tuple[UUID, Actor, Sequence[ChangeType]]]:
        """Webhooks that have not been told of all that the feed gives out by now: whose, and of which types.

        Only those that are switched on and whose client is in good standing and may have webhooks.
        """
        ...

    async def relay(self, webhook_id: UUID, view: View, *, now: datetime) -> bool:
        """Makes the next changes that the view shows into messages; whether there are more. In a transaction
        within the client's bounds."""
        ...

    async def claim(self, *, now: datetime, until: datetime, each: int, most: int) -> Sequence[Message]:
        """Messages whose time has come, `each` of one webhook at once over all senders, `most` together: this
        sender's until `until`. In a transaction."""
        ...

    async def settle(
        self, message: Message, outcome: Outcome | None, verdict: Verdict, *, now: datetime
    ) -> None:
        """Stores what came of it, unless another sender has claimed it since; None: it was not tried. In a
        transaction."""
        ...

    async def sweep(self, *, before: datetime) -> bool:
        """Drops a bounded number of messages that were over before that, or whose webhook is gone; whether there
        are more."""
        ...
