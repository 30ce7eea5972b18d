"""Overlap checks, and the queue of help for unknown households (contract 6, 9)."""

from api.graphql.context import Call
from api.graphql.fields import Fields
from api.limits.rates import RateClass
from domain.assistance import checks, queue
from domain.assistance.checks import AssistanceCheck, Overlap
from domain.assistance.event import QueuedEvent, QueueFilter
from domain.kernel import Listing, Paging

fields = Fields()


@fields.query("assistanceCheck", Overlap, args=AssistanceCheck)
async def check(call: Call, wanted: AssistanceCheck) -> bytes:
    """Has anyone given this already? Agencies and months alone. By citizen id it costs a lookup."""
    if wanted.household.citizen_id is not None:
        await call.services.limits.admit(call.scope, RateClass.LOOKUP, call.actor.client_id)
    async with call.reading() as work:
        return await checks.check(work, call.actor, wanted)


@fields.connection("assistanceQueue", QueuedEvent, filter=QueueFilter)
async def waiting(call: Call, where: QueueFilter, paging: Paging) -> Listing:
    """Help that waits for a household which may live in the caller's areas to be registered."""
    async with call.reading() as work:
        return await queue.browse(work, call.actor, where, paging)
