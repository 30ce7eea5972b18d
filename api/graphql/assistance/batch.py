"""Batches of assistance events (contract 7, 9)."""

from typing import Any

from api import batching
from api.graphql.context import Call
from api.graphql.fields import Fields
from api.graphql.naming import pointer
from domain.assistance import batch
from domain.assistance.batch import Batch, BatchAnswer, BatchDraft

fields = Fields()
COST = 1000
"""As much as a hundred single ones."""


@fields.mutation("recordAssistanceBatch", BatchAnswer, body=BatchDraft, read=batching.of, cost=COST)
async def record(call: Call, given: Batch) -> dict[str, Any]:
    """Records up to a thousand events; costs 1000. A bad item does not keep the others out, unless `atomic`: then
    the error `batch-refused` has the summary and the results in its extensions."""
    lookups = call.services.limits.lookups(call.scope, call.actor.client_id)
    async with call.services.batches.one(), call.writing() as work:
        answer = await batch.record(work, call.actor, given, lookups, now=call.now)
    return {**answer, "results": [_spelled(one) for one in answer["results"]]}


def _spelled(result: dict[str, Any]) -> dict[str, Any]:
    """With its pointers into the input as a GraphQL caller spells it."""
    problem = result.get("problem")
    if problem is None:
        return result
    errors = [{**one, "pointer": pointer(one["pointer"])} for one in problem["errors"]]
    return {**result, "problem": {**problem, "errors": errors}}
