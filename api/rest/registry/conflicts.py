"""Where sources disagree, and where fields come from (contract 7)."""

from starlette.responses import Response

from api.rest.call import Call, Listed
from api.rest.operations import Routes
from domain.access.policy import Operation
from domain.registry import conflicts
from domain.registry.conflict import ConflictFilter, ConflictResolution, FieldConflict, Provenance

routes = Routes("households")
HOUSEHOLD = "/v1/households/{household_id}"


class ConflictQuery(ConflictFilter, Listed):
    """All of them, unless a status is asked for; a repeated one ORs."""


@routes.get(
    HOUSEHOLD + "/conflicts", "listConflicts", "List where sources disagree on a household",
    policy=Operation.READ_HOUSEHOLDS, query=ConflictQuery, answer=FieldConflict, many=True,
)  # fmt: skip
async def browse(call: Call) -> Response:
    """Oldest first. Between imported sources the order of trust settles it: team, mpi_questionnaire, local,
    welfare_card, vulnerable, tpmap, thaiqm, bmn; whether somebody has a welfare card is known best by welfare_card.
    What a team has said stands, and the conflict is open; so is one over which house somebody lives in, or who is
    head. Values of masked fields are shown to whoever has persons:pii and states a purpose, and that is recorded."""
    given = call.query(ConflictQuery)
    paging = call.paging(given)
    async with call.reading() as work:
        found = await conflicts.browse(work, call.actor, call.id("household_id"), given, paging, now=call.now)
    return call.listing(found, paging)


@routes.post(
    HOUSEHOLD + "/conflicts/{conflict_id}/resolve", "resolveConflict", "Decide which value stands",
    policy=Operation.WRITE_HOUSEHOLDS, body=ConflictResolution, answer=FieldConflict, status=200, errors=(409,),
)  # fmt: skip
async def resolve(call: Call) -> Response:
    """The value that is chosen is the team's from then on. A given value that is masked is taken by whoever has
    persons:pii and states a purpose. What the order of trust has settled may be decided otherwise. What a person has
    decided is not decided again: the same once more answers the same, anything else is 409 `already-resolved`."""
    decision = await call.body(ConflictResolution)
    ids = call.id("household_id"), call.id("conflict_id")
    async with call.writing() as work:
        found = await conflicts.resolve(work, call.actor, *ids, decision, now=call.now)
    return call.document(found, etag=False)


@routes.get(
    HOUSEHOLD + "/provenance", "getProvenance", "Read where the fields of a household come from",
    policy=Operation.READ_HOUSEHOLDS, answer=Provenance,
)  # fmt: skip
async def provenance(call: Call) -> Response:
    """Of each field that has a value the source, and when that saw it; `team`: through this interface."""
    call.no_query()
    async with call.reading() as work:
        return call.document(
            await conflicts.provenance(work, call.actor, call.id("household_id")), etag=False
        )
