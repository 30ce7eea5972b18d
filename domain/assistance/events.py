"""What may be done with assistance events: record, read, browse. Append-only."""

import json
from datetime import date, datetime
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from domain.access.actor import Actor
from domain.access.policy import Operation, admit
from domain.assistance.event import EventDraft, EventFilter, OnUnknown
from domain.assistance.store import Recorded
from domain.calendar import today
from domain.errors import AmbiguousIdentifier, Conflict, DomainError, Fault, Invalid, NotFound
from domain.kernel import Document, Line, Listing, Paging
from domain.registry.free_text import personal_data_faults
from domain.work import UnitOfWork

EARLIEST = date(2000, 1, 1)
"""Before the programme's registers; an earlier date is a typing error (assumed)."""
_EXTERNAL_ID: TypeAdapter[str] = TypeAdapter(Line)
"""Asked for as it is stored: cleaned; what could not be stored names nothing."""
_FREE_TEXT = (
    "description", "reason_no_problem", "obstacle", "suggestion", "budget_source", "unit", "project_code",
)  # fmt: skip

_REFUSALS = {
    "unknown-assignment": ("/assignment_id", "Your agency has no such assignment at the household."),
    "unknown-problem": ("/problem_ids", "The household has no such problem."),
    "unknown-beneficiary": ("/beneficiaries", "A beneficiary is a current member of the household."),
    "unknown-menu": ("/menu_code", "There is no such menu; see /v1/menus."),
}


class ExternalIdConflict(Conflict):
    code = "external-id-conflict"

    def __init__(self) -> None:
        super().__init__(
            "Your agency has recorded another content under this external_id; correct that record instead."
        )


class UnknownHousehold(Invalid):
    code = "unknown-household"

    def __init__(self) -> None:
        fault = Fault("/household", "unknown-household", "No such household in your areas.")
        super().__init__(
            "No such household in your areas; send on_unknown=register to queue it.", faults=[fault]
        )


def event_faults(draft: EventDraft, *, on: date) -> list[Fault]:
    """What is wrong with an event beyond its shape."""
    # Not the URIs: UUIDs and timestamps in them look like citizen ids too often.
    captions = {f"evidence/{at}/caption": piece.caption for at, piece in enumerate(draft.evidence)}
    texts = {name: text for name in _FREE_TEXT if (text := getattr(draft, name)) is not None}
    faults = personal_data_faults({**texts, **captions})
    if draft.provided_on > on:
        faults.append(Fault("/provided_on", "future-date", "The date is in the future."))
    if draft.provided_on < EARLIEST:
        faults.append(
            Fault("/provided_on", "implausible-date", "The date is too long ago; is the year right?")
        )
    for name, values in (("problem_ids", draft.problem_ids), ("beneficiaries", draft.beneficiaries)):
        if len(set(values)) != len(values):
            faults.append(Fault(f"/{name}", "repeated-id", "An id stands twice."))
    return faults


def warnings(draft: EventDraft) -> list[str]:
    """What is accepted, and would be better otherwise (001 §2: help answers a recorded problem)."""
    if not draft.problem_ids and draft.assignment_id is None and draft.reason_no_problem is None:
        return ["no-problem-named"]
    return []


async def record(work: UnitOfWork, actor: Actor, draft: EventDraft, *, now: datetime) -> tuple[bool, bytes]:
    """Records one event with its effects; whether it is new, and the event with its receipt as JSON.

    A retry of what was recorded is a duplicate of the first version, whatever has corrected it since, and also where
    its household has left the areas that it was recorded in. An event that may be queued needs a transaction around it:
    nobody registers its household while it is looked for.

    Raises Invalid, UnknownHousehold, ExternalIdConflict, AmbiguousIdentifier, Conflict `assignment-closed`.
    """
    reach = admit(actor, Operation.WRITE_ASSISTANCE)
    if faults := event_faults(draft, on=today(now)):
        raise Invalid("The event breaks rules; see errors.", faults=faults)
    event_id = work.new_id()
    recorded = await work.events.record(reach, event_id, draft, now=now)
    if recorded.verdict == "unknown-household" and draft.on_unknown is OnUnknown.REGISTER:
        recorded = await work.events.queue(reach, event_id, draft, now=now)
    return recorded.verdict in ("created", "queued"), _with_receipt(recorded, warnings(draft))


def _with_receipt(recorded: Recorded, warned: list[str]) -> bytes:
    if recorded.verdict not in ("created", "duplicate", "queued"):
        raise refusal(recorded.verdict)
    receipt = {"outcome": recorded.verdict, "household_id": recorded.household_id, "warnings": warned}
    return recorded.text[:-1] + b',"receipt":' + json.dumps(receipt).encode() + b"}"


def refusal(verdict: str, *, at: str = "") -> DomainError:
    """A verdict that recorded nothing, as an error; `at` is the pointer of what holds the event."""
    match verdict:
        case "external-id-conflict":
            return ExternalIdConflict()
        case "unknown-household":
            return UnknownHousehold()
        case "ambiguous-identifier":
            return AmbiguousIdentifier()
        case "assignment-closed":
            return Conflict("The assignment is not open to assistance any more.", code="assignment-closed")
    pointer, detail = _REFUSALS[verdict]
    return Invalid.at(at + pointer, verdict, detail)


async def read(work: UnitOfWork, actor: Actor, event_id: UUID) -> Document:
    """Raises NotFound, absent or hidden alike."""
    return _found(await work.events.view(admit(actor, Operation.READ_ASSISTANCE), event_id))


async def by_external_id(work: UnitOfWork, actor: Actor, external_id: str) -> Document:
    """The newest version of the caller's own agency's event. Raises NotFound."""
    reach = admit(actor, Operation.READ_ASSISTANCE)
    try:
        named = _EXTERNAL_ID.validate_python(external_id)
    except ValidationError:
        raise NotFound from None
    return _found(await work.events.by_external_id(reach, named))


async def receipt(work: UnitOfWork, actor: Actor, event_id: UUID) -> Document:
    """What has become of an event so far, with times. Raises NotFound."""
    return _found(await work.events.receipt(admit(actor, Operation.READ_ASSISTANCE), event_id))


async def browse(work: UnitOfWork, actor: Actor, where: EventFilter, paging: Paging) -> Listing:
    return await work.events.page(admit(actor, Operation.READ_ASSISTANCE), where, paging)


def _found(document: Document | None) -> Document:
    if document is None:
        raise NotFound
    return document
