"""Batches of assistance events (contract 7): up to a thousand in one request, each judged by itself."""

import orjson
from starlette.responses import Response

from api import batching
from api.rest.call import Call
from api.rest.operations import Routes
from domain.access.policy import Operation
from domain.assistance import batch
from domain.assistance.batch import BatchAnswer, BatchDraft

routes = Routes("assistance")


@routes.post(
    "/v1/assistance-events/batch", "recordAssistanceBatch", "Record up to a thousand assistance events",
    policy=Operation.WRITE_ASSISTANCE, body=BatchDraft, answer=BatchAnswer, status=200, most=batching.LARGEST,
)  # fmt: skip
async def record(call: Call) -> Response:
    """200 with a result for each item, in the order of the request: a bad item does not keep the others out.

    With `atomic` one bad item (conflict or rejected) is enough that nothing is written: 422 `batch-refused`, whose
    document has the same summary and results. With `mode: validate` nothing is written, and the answer is 200.
    An item that names its household by citizen id, and is told of without being recorded, costs a lookup; those for
    which none is left are rejected `rate-limited`.
    """
    given = await call.read(batching.batch)
    lookups = call.services.limits.lookups(call.request.scope, call.actor.client_id)
    async with call.services.batches.one(), call.writing() as work:
        answer = await batch.record(work, call.actor, given, lookups, now=call.now)
    return call.json(orjson.dumps(answer))
