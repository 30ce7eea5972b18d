"""What a webhook is, what may be said about it, and how its deliveries look (contract 7)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from domain.exchange.changes import ChangeType
from domain.exchange.delivery import DeliveryFault, DeliveryStatus, DisabledReason
from domain.exchange.targets import LONGEST_URL
from domain.kernel import Moment, Value

DEFAULT_OVERLAP = 86_400
"""Seconds that a replaced secret signs along: a day to bring the new one to every machine (assumed)."""
LONGEST_OVERLAP = 7 * 86_400


def _type_list(types: list[ChangeType]) -> list[ChangeType]:
    return [one for one in ChangeType if one in types]


Types = Annotated[list[ChangeType], Field(max_length=len(ChangeType)), AfterValidator(_type_list)]
Url = Annotated[str, Field(min_length=1, max_length=LONGEST_URL)]


class WebhookDraft(Value):
    """Where to send what."""

    url: Url
    """HTTPS, port 443 or 8443, a public address; no user name, no fragment. Redirects are not followed."""
    types: Types = []
    """Only changes of these, each of which the client may read; empty: of everything that it may read."""


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
    """A time; what is over is kept for 30 days."""
    to: Moment | None = None
    """Null or absent: until now."""


class WebhookTest(Value):
    """There is nothing to say but which webhook."""


class WebhookRemoval(Value):
    """There is nothing to say but which webhook."""


class Webhook(Value):
    """A webhook; never its secret."""

    id: UUID
    url: Annotated[str, Field(max_length=LONGEST_URL)]
    types: Annotated[list[str], Field(max_length=len(ChangeType))]
    """Empty: everything that the client may read."""
    withheld_types: Annotated[list[str], Field(max_length=len(ChangeType))]
    """Of `types` those that the client may not read any more: nothing of them is sent until it has the scope again."""
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
