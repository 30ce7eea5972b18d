"""Webhooks: what a client asks to be told at an address of its own (contract 7; Standard Webhooks 1.0.0).

A webhook is its client's alone, and is told what the feed would show that client at the moment of each message:
areas, scopes and assignments as they are then. `webhooks:write` stands for `changes:read` here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Protocol
from uuid import UUID

from pydantic import AfterValidator, Field

from domain.access.actor import Actor, Scope
from domain.access.policy import Operation, admit
from domain.errors import Conflict, Fault, Invalid, NotFound, VersionMismatch
from domain.exchange.changes import ChangeType, View, view_of
from domain.exchange.delivery import DeliveryFault, DeliveryStatus, DisabledReason
from domain.exchange.targets import LONGEST_URL, TargetRefused
from domain.kernel import Document, Listing, Moment, Paging, Value

MOST_WEBHOOKS = 100
"""Of one client."""
MOST_REPLAYED = 10_000
"""Messages that one request sends again."""
DEFAULT_OVERLAP = 86_400
"""Seconds that a replaced secret signs along: a day to bring the new one to every machine (assumed)."""
LONGEST_OVERLAP = 7 * 86_400
TEST_TYPE, TEST_ACTION = "webhook", "test"


def _type_list(types: list[ChangeType]) -> list[ChangeType]:
    return [one for one in ChangeType if one in types]


Types = Annotated[list[ChangeType], Field(max_length=len(ChangeType)), AfterValidator(_type_list)]
Url = Annotated[str, Field(min_length=1, max_length=LONGEST_URL)]


class WebhookDraft(Value):
    """Where to send what."""

    url: Url
    """HTTPS, port 443 or 8443, a public address; no user name, no fragment. Redirects are not followed."""
    types: Types = []
    """Only changes of these; empty: of everything that the client may read."""


class WebhookPatch(Value):
    """Merge patch of a webhook: absent keeps; nothing may be null."""

    url: Url = ""
    types: Types = []
    enabled: bool = True
    """True takes up a webhook again that was switched off: what has happened since is sent."""


class WebhookRotation(Value):
    """How a secret is replaced."""

    overlap_seconds: Annotated[int, Field(ge=0, le=LONGEST_OVERLAP)] = DEFAULT_OVERLAP
    """How long messages carry a second signature, by the old secret; 0 for one that has leaked."""


class WebhookReplay(Value):
    """Which messages are sent again: those about changes from `from` on and before `to`."""

    from_: Annotated[Moment, Field(alias="from")]
    """Deliveries are kept for 30 days."""
    to: Moment | None = None
    """Null or absent: until now."""


class WebhookTest(Value):
    """There is nothing to say but which webhook."""


class Webhook(Value):
    """A webhook; never its secret."""

    id: UUID
    url: Annotated[str, Field(max_length=LONGEST_URL)]
    types: Annotated[list[str], Field(max_length=len(ChangeType))]
    """Empty: everything that the client may read."""
    enabled: bool
    disabled_reason: DisabledReason | None
    """Why it is switched off."""
    disabled_at: datetime | None
    previous_secret_expires_at: datetime | None
    """Until when a replaced secret signs along."""
    created_at: datetime
    updated_at: datetime
    version: int


class IssuedWebhook(Webhook):
    """A webhook with its new secret: the one answer in which it stands."""

    secret: Annotated[str | None, Field(repr=False, max_length=64)]
    """`whsec_` and 256 bits in base64. Shown once; null where this answer is replayed under an Idempotency-Key."""


class ReplayedWebhook(Value):
    """What a replay has done."""

    queued: int
    """Messages that will be sent again; those that were still waiting are not counted."""


class Delivery(Value):
    """One message to one webhook, and how sending it went; never what was answered."""

    id: Annotated[str, Field(max_length=64)]
    """`webhook-id`: the same for every attempt, and for replays."""
    number: int
    """The place in this webhook's queue; a replay gets a new one."""
    type: Annotated[str, Field(max_length=64)]
    action: Annotated[str, Field(max_length=64)]
    resource_id: UUID
    household_id: UUID | None
    occurred_at: datetime
    status: DeliveryStatus
    attempts: int
    last_attempt_at: datetime | None
    last_status: int | None
    """Of the last answer; null where there was none."""
    last_fault: DeliveryFault | None
    """Why the last attempt failed."""
    next_attempt_at: datetime | None
    """Null while it waits for an earlier message about the same household, and when it is over."""
    created_at: datetime
    finished_at: datetime | None


class DeliveryFilter(Value):
    status: list[DeliveryStatus] = []
    """Only these; a repeated one ORs."""


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


def view_for(client: Actor) -> View:
    """What a webhook of this client is told."""
    return view_of(replace(client, scopes=client.scopes | {Scope.CHANGES_READ}))


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
        raise Invalid("The URL is not called; see errors.", faults=[Fault("/url", "target-refused", str(refused))]) from None  # fmt: skip


async def create(
    work: HasWebhooks, actor: Actor, draft: WebhookDraft, *, now: datetime, mint: Callable[[], str]
) -> IssuedWebhook:
    """A new webhook with its secret; told of what is committed from now on. `vet` its URL first.

    Raises TooManyWebhooks.
    """
    admit(actor, Operation.MANAGE_WEBHOOKS)
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
    """Applies a merge patch to the given version; `vet` a new URL first. Raises NotFound, VersionMismatch."""
    admit(actor, Operation.MANAGE_WEBHOOKS)
    stored = _found(await work.webhooks.get(actor, webhook_id))
    if stored.version != version:
        raise VersionMismatch(stored.version)
    before = Webhook.model_validate_json(stored.text)
    given = {name: getattr(patch, name) for name in patch.model_fields_set}
    changes = {name: value for name, value in given.items() if getattr(before, name) != value}
    if not changes:
        return stored
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
) -> IssuedWebhook:
    """A new secret; the old one signs along until the overlap ends. Raises NotFound."""
    admit(actor, Operation.MANAGE_WEBHOOKS)
    secret, until = mint(), now + timedelta(seconds=rotation.overlap_seconds)
    rotated = await work.webhooks.rotate(actor, webhook_id, secret, overlap_until=until, now=now)
    return _issued(_found(rotated), secret)


async def remove(work: HasWebhooks, actor: Actor, webhook_id: UUID, *, now: datetime) -> None:
    """Nothing more is sent, what was waiting is dropped. Raises NotFound."""
    admit(actor, Operation.MANAGE_WEBHOOKS)
    if not await work.webhooks.remove(actor, webhook_id, now=now):
        raise NotFound


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
    queued = await work.deliveries.replay(
        actor, webhook_id, wanted.from_, until, most=MOST_REPLAYED, now=now
    )
    if queued is None:
        raise Invalid.at("/to", "too-many", f"More than {MOST_REPLAYED} messages; take a shorter time.")
    return ReplayedWebhook(queued=queued)


async def test(work: HasWebhooks, actor: Actor, webhook_id: UUID, *, now: datetime) -> Document:
    """Queues a message about nothing; what comes of it is in the deliveries. Raises NotFound."""
    admit(actor, Operation.MANAGE_WEBHOOKS)
    return _found(await work.deliveries.test(actor, webhook_id, now=now))


def _found(document: Document | None) -> Document:
    if document is None:
        raise NotFound
    return document


def _issued(made: Document, secret: str) -> IssuedWebhook:
    return IssuedWebhook(**dict(Webhook.model_validate_json(made.text)), secret=secret)
