"""Corrections of assistance events (contract 6): append-only, by the agency that gave the help.

A correction changes nothing that was said: the event is marked, and a superseding one stands beside it under the
same external_id, of the same agency and household. Only the newest version can be corrected, and voided is final.
What the event has set going (its assignment, its problems, the case) is not undone: a person judges that anew.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from domain.access.actor import Actor, Scope
from domain.access.policy import Operation, admit
from domain.assistance.event import AssistanceType, EventDraft, EventStatus, Quantity
from domain.assistance.events import event_faults, refusal
from domain.assistance.store import HeldEvent
from domain.calendar import today
from domain.casework.problem import ProblemDimension
from domain.errors import Fault, Forbidden, IllegalTransition, Invalid, NotFound
from domain.kernel import Code, Document, Evidence, Line, Money, Text, Value
from domain.registry.free_text import personal_data_faults
from domain.work import UnitOfWork

CORRECTABLE = (EventStatus.RECORDED, EventStatus.CONFIRMED)
_REQUIRED = ("dimension", "assistance_type", "provided_on")
_LISTS = ("problem_ids", "beneficiaries", "evidence")


class CorrectionKind(StrEnum):
    SUPERSEDE = "supersede"
    """It was said wrongly: a new version takes its place."""
    VOID = "void"
    """It should not have been said at all."""


class EventChanges(Value):
    """What the new version says otherwise, as a merge patch (RFC 7396): what is left out stays, null clears."""

    assignment_id: UUID | None = None
    problem_ids: Annotated[list[UUID] | None, Field(max_length=50)] = None
    reason_no_problem: Text | None = None
    menu_code: Code | None = None
    plan_activity_id: UUID | None = None
    dimension: ProblemDimension | None = None
    assistance_type: AssistanceType | None = None
    description: Text | None = None
    provided_on: date | None = None
    value_baht: Money | None = None
    quantity: Quantity | None = None
    unit: Line | None = None
    budget_source: Line | None = None
    beneficiaries: Annotated[list[UUID] | None, Field(max_length=50)] = None
    project_code: Line | None = None
    evidence: Annotated[list[Evidence] | None, Field(max_length=20)] = None
    obstacle: Text | None = None
    suggestion: Text | None = None


class CorrectionDraft(Value):
    """The body of `POST /v1/assistance-events/{id}/corrections`."""

    kind: CorrectionKind
    reason: Text
    event: EventChanges | None = None
    """For `supersede` alone: the fields that change. Agency, household and external_id stay; help that was
    recorded for the wrong household is voided, and posted again under another external_id."""


class NotYourEvent(Forbidden):
    code = "not-your-event"

    def __init__(self) -> None:
        super().__init__("Only the agency that recorded the event corrects it.")


class NotCorrectable(IllegalTransition):
    """The event is not the newest version, or it is voided."""

    def __init__(self, held: HeldEvent, kind: CorrectionKind) -> None:
        super().__init__(held.status, "corrected" if kind is CorrectionKind.SUPERSEDE else "voided", ())
        self.detail = "The event was voided, and voided is final."
        if held.superseded_by is not None:
            self.detail = "The event was corrected; correct the version in superseded_by, or its successor."
            self.extra["superseded_by"] = str(held.superseded_by)


def shape_faults(draft: CorrectionDraft) -> list[Fault]:
    """What the correction itself lacks, or has too much."""
    faults = personal_data_faults({"reason": draft.reason})
    if draft.kind is CorrectionKind.VOID:
        if draft.event is not None:
            faults.append(Fault("/event", "not-applicable", "A voided event has no new version."))
        return faults
    if draft.event is None:
        return [*faults, Fault("/event", "required", "Say which fields change.")]
    return faults + [
        Fault(f"/event/{name}", "required", "It cannot be cleared.")
        for name in _REQUIRED
        if name in draft.event.model_fields_set and getattr(draft.event, name) is None
    ]


def differing(content: EventDraft, changes: EventChanges) -> Mapping[str, Any]:
    """The fields that the changes set to something else than was said."""
    named = {name: getattr(changes, name) for name in changes.model_fields_set}
    named.update({name: [] for name in _LISTS if name in named and named[name] is None})
    return {name: value for name, value in named.items() if value != getattr(content, name)}


async def correct(
    work: UnitOfWork, actor: Actor, event_id: UUID, draft: CorrectionDraft, *, now: datetime
) -> Document:
    """Voids the event, or puts a new version in its place; the event that holds from now on.

    Raises NotFound, NotYourEvent where the caller sees another agency's event, NotCorrectable, Invalid, and
    Conflict `assignment-closed`.
    """
    reach = admit(actor, Operation.WRITE_ASSISTANCE)
    if faults := shape_faults(draft):
        raise Invalid("The correction breaks rules; see errors.", faults=faults)
    held = await work.corrections.hold(reach, event_id)
    if held is None:
        raise NotFound
    if held.agency != actor.agency:
        # Told apart from what is absent by those alone who may read it.
        sees = actor.can(Scope.ASSISTANCE_READ) and actor.can(Scope.HOUSEHOLDS_READ)
        raise NotYourEvent if sees else NotFound
    if held.status not in CORRECTABLE:
        raise NotCorrectable(held, draft.kind)
    if draft.event is None:
        return await work.corrections.void(reach, held, draft.reason, now=now)
    changes = differing(held.content, draft.event)
    replacement = held.content.model_copy(update=changes)
    faults = [
        Fault(f"/event{one.pointer}", one.code, one.detail)
        for one in event_faults(replacement, on=today(now))
    ]
    if not changes:
        faults.append(Fault("/event", "nothing-changed", "The event says all of that already."))
    if faults:
        raise Invalid("The correction breaks rules; see errors.", faults=faults)
    recorded = await work.corrections.supersede(
        reach, held, work.new_id(), replacement, frozenset(changes), draft.reason, now=now
    )
    if recorded.verdict != "created":
        raise refusal(recorded.verdict, at="/event")
    return Document(recorded.text, 1)
