"""Overlap checks, and the queue of help for unknown households (contract 6)."""

from starlette.responses import Response

from api.limits.rates import RateClass
from api.rest.call import Call, Listed
from api.rest.operations import Routes
from domain.access.policy import Operation
from domain.assistance import checks, queue
from domain.assistance.checks import AssistanceCheck, Overlap
from domain.assistance.event import QueuedEvent, QueueFilter

routes = Routes("assistance")


class QueueQuery(QueueFilter, Listed):
    """Filters AND; a repeated one ORs. Orders: created_at (default), -created_at."""


@routes.post(
    "/v1/assistance-checks", "checkAssistance", "Ask whether anyone has given this already",
    policy=Operation.CHECK_ASSISTANCE, body=AssistanceCheck, answer=Overlap, status=200, keyed=False, errors=(409,),
)  # fmt: skip
async def check(call: Call) -> Response:
    """Agencies and months, no personal data; of every agency, in the caller's areas. A household that is not known
    answers as one that nobody has helped. By citizen id it costs a lookup."""
    wanted = await call.body(AssistanceCheck)
    if wanted.household.citizen_id is not None:
        await call.services.limits.admit(call.request.scope, RateClass.LOOKUP, call.actor.client_id)
    async with call.reading() as work:
        return call.json(await checks.check(work, call.actor, wanted))


@routes.get(
    "/v1/assistance-queue", "listAssistanceQueue", "List help that waits for its household to be registered",
    policy=Operation.READ_QUEUE, query=QueueQuery, answer=QueuedEvent, many=True,
)  # fmt: skip
async def waiting(call: Call) -> Response:
    """Whom somebody has helped and no register knows (target group 4), where they may live in the caller's areas.
    Registering the household, or giving it the citizen id or house code, links the event and ends its waiting."""
    given = call.query(QueueQuery)
    paging = call.paging(given)
    async with call.reading() as work:
        return call.listing(await queue.browse(work, call.actor, given, paging), paging)
