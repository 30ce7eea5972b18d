"""Assistance events (contract 6): append-only, idempotent by the agency's own record id."""

from starlette.responses import Response

from api.rest.call import Call, Listed
from api.rest.operations import Routes
from domain.access.policy import Operation
from domain.assistance import events
from domain.assistance.event import (
    AssistanceEvent,
    EventDraft,
    EventFilter,
    EventReceipt,
    OnUnknown,
    RecordedEvent,
)

routes = Routes("assistance")

READ, WRITE = Operation.READ_ASSISTANCE, Operation.WRITE_ASSISTANCE
SORTS = ("created_at", "-created_at")


class EventListQuery(EventFilter, Listed):
    """Filters AND; a repeated one ORs. Orders: created_at (default), -created_at."""


@routes.post(
    "/v1/assistance-events", "recordAssistance", "Record an assistance event",
    policy=WRITE, body=EventDraft, answer=RecordedEvent, errors=(409,),
)  # fmt: skip
async def record(call: Call) -> Response:
    """201 for a new record; 200 with outcome `duplicate` for one recorded before with the same content."""
    draft = await call.body(EventDraft)

    async def recorded(draft: EventDraft) -> tuple[bool, bytes]:
        # One statement is one transaction: nothing is opened around it, unless what is unknown is to be queued.
        opened = call.writing if draft.on_unknown is OnUnknown.REGISTER else call.reading
        async with opened() as work:
            return await events.record(work, call.actor, draft, now=call.now)

    finding = call.services.limits.finding
    new, text = await finding(call.request.scope, call.actor.client_id, draft, recorded)
    return call.recorded(text, "/v1/assistance-events", new=new)


@routes.get(
    "/v1/assistance-events",
    "listAssistance",
    "List assistance events",
    policy=READ,
    query=EventListQuery,
    answer=AssistanceEvent,
    many=True,
)
async def browse(call: Call) -> Response:
    """With households:read, every agency's in the caller's areas; otherwise the caller's own agency's."""
    given = call.query(EventListQuery)
    paging = call.paging(given, sorts=SORTS)
    async with call.reading() as work:
        return call.listing(await events.browse(work, call.actor, given, paging), paging)


@routes.get(
    "/v1/assistance-events/by-external-id/{external_id:path}", "getAssistanceByExternalId",
    "Read your agency's event by its own record id", policy=READ, answer=AssistanceEvent,
)  # fmt: skip
async def by_external_id(call: Call) -> Response:
    call.no_query()
    async with call.reading() as work:
        found = await events.by_external_id(work, call.actor, call.request.path_params["external_id"])
    return call.document(found)


@routes.get(
    "/v1/assistance-events/{event_id}",
    "getAssistance",
    "Read an assistance event",
    policy=READ,
    answer=AssistanceEvent,
)
async def read(call: Call) -> Response:
    call.no_query()
    async with call.reading() as work:
        return call.document(await events.read(work, call.actor, call.id("event_id")))


@routes.get(
    "/v1/assistance-events/{event_id}/receipt", "getAssistanceReceipt", "Read what has become of an event",
    policy=READ, answer=EventReceipt,
)  # fmt: skip
async def receipt(call: Call) -> Response:
    """That of your agency's own event stays readable where its household has left the areas that it was recorded in."""
    call.no_query()
    async with call.reading() as work:
        return call.document(await events.receipt(work, call.actor, call.id("event_id")), etag=False)
