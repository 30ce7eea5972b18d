"""Where sources disagree, and where fields come from (contract 7, 9)."""

from uuid import UUID

from api.graphql.context import Call
from api.graphql.fields import Fields
from domain.kernel import Document, Listing, Paging
from domain.registry import conflicts
from domain.registry.conflict import ConflictFilter, ConflictResolution, FieldConflict, Provenance

fields = Fields()


class ResolutionInput(ConflictResolution):
    """Which value is to stand, and of which household."""

    household_id: UUID


@fields.connection("conflicts", FieldConflict, filter=ConflictFilter, owner="household_id")
async def browse(call: Call, household_id: UUID, where: ConflictFilter, paging: Paging) -> Listing:
    """Of one household, oldest first; masked values for whoever may see them, which is recorded."""
    async with call.reading() as work:
        return await conflicts.browse(work, call.actor, household_id, where, paging, now=call.now)


@fields.by_id("householdProvenance", Provenance)
async def provenance(call: Call, id: UUID) -> Document:
    """Of each field that has a value the source, and when that saw it."""
    async with call.reading() as work:
        return await conflicts.provenance(work, call.actor, id)


@fields.mutation("resolveConflict", FieldConflict, body=ResolutionInput, target="id")
async def resolve(call: Call, id: UUID, decision: ResolutionInput) -> Document:
    """Decides which value stands; it is the team's from then on, and is not decided again here."""
    async with call.writing() as work:
        return await conflicts.resolve(work, call.actor, decision.household_id, id, decision, now=call.now)
