"""Assistance events (contract 6, 9): append-only, idempotent by the agency's own record id."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.graphql.context import Call
from api.graphql.fields import Fields
from api.graphql.loaders import Row, everything, grouped
from api.graphql.registry import households
from domain.assistance import events
from domain.assistance.event import (
    AssistanceEvent,
    EventDraft,
    EventFilter,
    EventReceipt,
    OnUnknown,
    RecordedEvent,
)
from domain.kernel import Document, Line, Listing, Paging, Value
from domain.registry.household import Household

fields = Fields()


class ByExternalId(Value):
    external_id: Annotated[Line, Field(max_length=200)]
    """Your agency's own record id."""


@fields.by_id("assistanceEvent", AssistanceEvent)
async def event(call: Call, id: UUID) -> Document:
    """One event."""
    async with call.reading() as work:
        return await events.read(work, call.actor, id)


@fields.query("assistanceEventByExternalId", AssistanceEvent, args=ByExternalId)
async def by_external_id(call: Call, given: ByExternalId) -> Document:
    """Your agency's event by its own record id."""
    async with call.reading() as work:
        return await events.by_external_id(work, call.actor, given.external_id)


@fields.by_id("assistanceEventReceipt", EventReceipt)
async def receipt(call: Call, id: UUID) -> Document:
    """What has become of an event so far, with times; of your agency's own also where its household has left the areas."""
    async with call.reading() as work:
        return await events.receipt(work, call.actor, id)


@fields.connection("assistanceEvents", AssistanceEvent, filter=EventFilter)
async def browse(call: Call, where: EventFilter, paging: Paging) -> Listing:
    """With households:read every agency's in the caller's areas; otherwise the caller's own agency's."""
    async with call.reading() as work:
        return await events.browse(work, call.actor, where, paging)


@fields.mutation("recordAssistance", RecordedEvent, body=EventDraft)
async def record(call: Call, draft: EventDraft) -> bytes:
    """Records an event; outcome `DUPLICATE` for one recorded before with the same content."""

    async def recorded(draft: EventDraft) -> tuple[bool, bytes]:
        # One statement is one transaction: nothing is opened around it, unless what is unknown is to be queued.
        opened = call.writing if draft.on_unknown is OnUnknown.REGISTER else call.reading
        async with opened() as work:
            return await events.record(work, call.actor, draft, now=call.now)

    finding = call.services.limits.finding
    _, text = await finding(call.scope, call.actor.client_id, draft, recorded)
    return text


async def by_household(call: Call, ids: list[str]) -> list[list[Row]]:
    """The events of each household."""
    where = EventFilter.model_construct(household_id=[UUID(id) for id in ids])
    async with call.reading() as work:
        rows = await everything(lambda paging: events.browse(work, call.actor, where, paging))
    return grouped(ids, rows, "household_id")


@fields.edge(AssistanceEvent, "household", Household)
async def household_of(call: Call, event: Row) -> Row | None:
    """Whom it was given to; null while the event waits for its household, or where it is hidden."""
    if event["household_id"] is None:
        return None
    found: Row | None = await call.load(households.by_id, event["household_id"])
    return found
