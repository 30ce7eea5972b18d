"""Corrections of assistance events (contract 6): nothing is overwritten."""

from starlette.responses import Response

from api.rest.call import Call
from api.rest.operations import Routes
from domain.access.policy import Operation
from domain.assistance import corrections
from domain.assistance.corrections import CorrectionDraft
from domain.assistance.event import AssistanceEvent

routes = Routes("assistance")


@routes.post(
    "/v1/assistance-events/{event_id}/corrections", "correctAssistance", "Supersede or void an assistance event",
    policy=Operation.WRITE_ASSISTANCE, body=CorrectionDraft, answer=AssistanceEvent, errors=(404, 409),
)  # fmt: skip
async def correct(call: Call) -> Response:
    """By the agency that recorded it, of its newest version. Answers the event that holds from now on: the new
    version of a superseded one, or the voided one itself. `event` is a merge patch of what was said; what it set
    going stays. The external_id stays too: its first content remains a duplicate, any other a conflict."""
    draft = await call.body(CorrectionDraft)
    async with call.writing() as work:
        held = await corrections.correct(work, call.actor, call.id("event_id"), draft, now=call.now)
    return call.created(held, "/v1/assistance-events")
