"""Corrections of assistance events (contract 6, 9): nothing is overwritten."""

from uuid import UUID

from api.graphql.context import Call
from api.graphql.fields import Fields
from domain.assistance import corrections
from domain.assistance.corrections import CorrectionDraft
from domain.assistance.event import AssistanceEvent
from domain.kernel import Document

fields = Fields()


@fields.mutation("correctAssistance", AssistanceEvent, body=CorrectionDraft, target="id")
async def correct(call: Call, id: UUID, draft: CorrectionDraft) -> Document:
    """Supersedes or voids the newest version of your agency's event; the event that holds from now on."""
    async with call.writing() as work:
        return await corrections.correct(work, call.actor, id, draft, now=call.now)
