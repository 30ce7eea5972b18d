"""Webhooks: what a client asks to be told at an address of its own (contract 7; Standard Webhooks 1.0.0).

A webhook is its client's alone, and is told what the feed would show that client at the moment of each message:
areas, scopes and assignments as they are then. `webhooks:write` stands for `changes:read` here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from domain.access.actor import Actor, Scope
from domain.access.policy import InsufficientScope, Operation, admit
from domain.errors import Conflict, Fault, Invalid, NotFound, VersionMismatch
from domain.exchange.changes import ANY_TYPE, HEARD_WITH, ChangeType, View, view_of
from domain.exchange.delivery import DeliveryStatus
from domain.exchange.targets import TargetRefused
from domain.exchange.webhook import (
    DeliveryFilter,
    ReplayedWebhook,
    Webhook,
    WebhookDraft,
    WebhookPatch,
    WebhookReplay,
    WebhookRotation,
)
from domain.kernel import Document, Listing, Paging

MOST_WEBHOOKS = 100
"""Of one client."""
MOST_REPLAYED = 10_000
"""Messages that one request sends again."""
TEST_TYPE, TEST_ACTION = "webhook", "test"


class TooManyWebhooks(Conflict):
    code = "too-many-webhooks"

    def __init__(self) -> None:
        super().__init__(f"A client has at most {MOST_WEBHOOKS} webhooks; delete one that is not used.")


class Targets(Protocol):
    """Judges addresses, and looks up names to do so."""

    async def check(self, url: str) -> None:
        """Raises TargetRefused."""
        ...


class WebhookStore(Protocol):
    """Of the actor's client alone; others are absent. Writes run in a transaction."""

    async def add(
        self, actor: Actor, webhook_id: UUID, draft: WebhookDraft, secret: str, *, most: int, now: datetime
    ) -> Document:
        """Raises TooManyWebhooks."""
        ...

    async def owner(self, actor: Actor) -> Actor | None:
        """The client as it stands, which is whom deliveries are for: its token may carry less."""
        ...

    async def get(self, actor: Actor, webhook_id: UUID) -> Document | None: ...
    async def page(self, actor: Actor, paging: Paging) -> Listing: ...
    async def amend(
        self, actor: Actor, webhook_id: UUID, changes: Mapping[str, Any], *, version: int, now: datetime
    ) -> Document | None:
        """None when that version is gone."""
        ...

    async def rotate(
        self, actor: Actor, webhook_id: UUID, secret: str, *, overlap_until: datetime, now: datetime
    ) -> Document | None: ...
    async def remove(self, actor: Actor, webhook_id: UUID, *, now: datetime) -> bool: ...


class DeliveryStore(Protocol):
    """Of the actor's client alone. Writes run in a transaction."""

    async def page(
        self, actor: Actor, webhook_id: UUID, statuses: Sequence[DeliveryStatus], paging: Paging
    ) -> Listing: ...
    async def replay(
        self,
        actor: Actor,
        webhook_id: UUID,
        since: datetime,
        until: datetime,
        *,
        most: int,
        now: datetime,
    ) -> int | None:
        """How many; None when there are more than `most`, and nothing is done."""
        ...

    async def test(self, actor: Actor, webhook_id: UUID, *, now: datetime) -> Document | None:
        """Queues a message about nothing; its delivery."""
        ...


class HasWebhooks(Protocol):
    @property
    def webhooks(self) -> WebhookStore: ...
    @property
    def deliveries(self) -> DeliveryStore: ...
    def new_id(self) -> UUID: ...


def view_for(client: Actor, types: Sequence[ChangeType] = ()) -> View:
    """What a webhook of this client is told, of these types, or of all it may read."""
    seen = view_of(replace(client, scopes=client.scopes | {Scope.CHANGES_READ}))
    return replace(seen, types=[one for one in seen.types if one in types]) if types else seen


def may_hear(client: Actor, item_type: str, area: str) -> bool:
    """Whether a message that was queued may still be sent: the client reads such things, there."""
    if item_type == TEST_TYPE:
        return True
    return item_type in view_for(client).types and (not area or client.covers(area))


async def vet(targets: Targets, actor: Actor, url: str | None) -> None:
    """Looks at a URL before it is stored; outside of any transaction, since names are looked up.

    Raises Invalid `target-refused`.
    """
    admit(actor, Operation.MANAGE_WEBHOOKS)
    if url is None:
        return
    try:
        await targets.check(url)
    except TargetRefused as refused:
        raise Invalid.at("/url", "target-refused", str(refused)) from None


async def create(
    work: HasWebhooks, actor: Actor, draft: WebhookDraft, *, now: datetime, mint: Callable[[], str]
) -> Document:
    """A new webhook with its secret (an `IssuedWebhook`); told of what is committed from now on. `vet` its URL first.

    Raises TooManyWebhooks, and InsufficientScope for types that the client could never be told of.
    """
    admit(actor, Operation.MANAGE_WEBHOOKS)
    await _check_heard(work, actor, draft.types)
    secret = mint()
    made = await work.webhooks.add(actor, work.new_id(), draft, secret, most=MOST_WEBHOOKS, now=now)
    return _issued(made, secret)


async def browse(work: HasWebhooks, actor: Actor, paging: Paging) -> Listing:
    """The caller's own, oldest first."""
    admit(actor, Operation.MANAGE_WEBHOOKS)
    return await work.webhooks.page(actor, paging)


async def read(work: HasWebhooks, actor: Actor, webhook_id: UUID) -> Document:
    """One of the caller's own. Raises NotFound."""
    admit(actor, Operation.MANAGE_WEBHOOKS)
    return _found(await work.webhooks.get(actor, webhook_id))


async def amend(
    work: HasWebhooks, actor: Actor, webhook_id: UUID, patch: WebhookPatch, *, version: int, now: datetime
) -> Document:
    """Applies a merge patch to the given version; `vet` a new URL first.

    Raises NotFound, VersionMismatch, and InsufficientScope for types that the client could never be told of.
    """
    admit(actor, Operation.MANAGE_WEBHOOKS)
    stored = _found(await work.webhooks.get(actor, webhook_id))
    if stored.version != version:
        raise VersionMismatch(stored.version)
    before = Webhook.model_validate_json(stored.text)
    given = {name: getattr(patch, name) for name in patch.model_fields_set}
    changes = {name: value for name, value in given.items() if getattr(before, name) != value}
    if not changes:
        return stored
    if "types" in changes:
        await _check_heard(work, actor, patch.types)
    amended = await work.webhooks.amend(actor, webhook_id, changes, version=version, now=now)
    if amended is None:
        raise VersionMismatch
    return amended


async def rotate(
    work: HasWebhooks,
    actor: Actor,
    webhook_id: UUID,
    rotation: WebhookRotation,
    *,
    now: datetime,
    mint: Callable[[], str],
) -> Document:
    """A new secret; the old one signs along until the overlap ends. Raises NotFound."""
    admit(actor, Operation.MANAGE_WEBHOOKS)
    secret, until = mint(), now + timedelta(seconds=rotation.overlap_seconds)
    rotated = await work.webhooks.rotate(actor, webhook_id, secret, overlap_until=until, now=now)
    return _issued(_found(rotated), secret)


async def remove(work: HasWebhooks, actor: Actor, webhook_id: UUID, *, now: datetime) -> Document:
    """As it was; nothing more is sent, what was waiting is dropped. Raises NotFound."""
    stored = await read(work, actor, webhook_id)
    if not await work.webhooks.remove(actor, webhook_id, now=now):
        raise NotFound
    return stored


async def deliveries(
    work: HasWebhooks, actor: Actor, webhook_id: UUID, where: DeliveryFilter, paging: Paging
) -> Listing:
    """What was and will be sent to one of the caller's webhooks, in the order of its queue. Raises NotFound."""
    await read(work, actor, webhook_id)
    return await work.deliveries.page(actor, webhook_id, where.status, paging)


async def replay(
    work: HasWebhooks, actor: Actor, webhook_id: UUID, wanted: WebhookReplay, *, now: datetime
) -> ReplayedWebhook:
    """Sends messages again that were delivered, given up or withdrawn, in their old order, behind what waits.

    Raises NotFound, Invalid `invalid-window`, `too-many`.
    """
    await read(work, actor, webhook_id)
    until = wanted.to or now
    if until <= wanted.from_:
        raise Invalid.at("/to", "invalid-window", "The end is not after the start.")
    queued = await work.deliveries.replay(actor, webhook_id, wanted.from_, until, most=MOST_REPLAYED, now=now)
    if queued is None:
        raise Invalid.at("/to", "too-many", f"More than {MOST_REPLAYED} messages; take a shorter time.")
    return ReplayedWebhook(queued=queued)


async def test(work: HasWebhooks, actor: Actor, webhook_id: UUID, *, now: datetime) -> Document:
    """Queues a message about nothing; what comes of it is in the deliveries. Raises NotFound."""
    admit(actor, Operation.MANAGE_WEBHOOKS)
    return _found(await work.deliveries.test(actor, webhook_id, now=now))


async def _check_heard(work: HasWebhooks, actor: Actor, types: Sequence[ChangeType]) -> None:
    """Raises InsufficientScope where a webhook would stay silent about what it was asked for."""
    heard = view_for(await work.webhooks.owner(actor) or actor).types
    unheard = [one for one in types if one not in heard]
    faults = [
        Fault("/types", "type-not-readable", f"{one}: your client lacks {' or '.join(HEARD_WITH[one])}.")
        for one in unheard
    ]
    if unheard:
        raise InsufficientScope(HEARD_WITH[unheard[0]], faults=faults)
    if not types and all(not HEARD_WITH[one] for one in heard):
        told = "Your client may read nothing that changes but campaigns; name those, or ask for a scope."
        raise InsufficientScope(ANY_TYPE, faults=[Fault("/types", "type-not-readable", told)])


def _found(document: Document | None) -> Document:
    if document is None:
        raise NotFound
    return document


def _issued(made: Document, secret: str) -> Document:
    """An `IssuedWebhook`: the row as PostgreSQL wrote it, and the secret, whose letters need no escape."""
    return Document(made.text[:-1] + f',"secret":"{secret}"}}'.encode(), made.version)
