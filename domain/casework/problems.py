"""Problems: recorded, amended and moved along their machine, never deleted (contract 5, 001 §5).

A move is judged in this order: may this caller ask for it in this state, is what the move needs there, and
does what is stored support it. Closed is final.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from domain.access.actor import Actor, Scope
from domain.access.policy import Operation, Reach, admit
from domain.calendar import today
from domain.casework.answers import beyond_its_own_effect, found
from domain.casework.moves import problem_key, problem_moves
from domain.casework.problem import (
    ProblemDimension,
    ProblemDraft,
    ProblemFilter,
    ProblemPatch,
    ProblemTransition,
)
from domain.casework.rules import in_future, missing, refuse, unwanted
from domain.casework.states import OPEN_PROBLEM, ProblemStatus
from domain.casework.store import HeldProblem
from domain.errors import Conflict, Fault, IllegalTransition, Invalid, NotFound, VersionMismatch
from domain.kernel import Document, Listing, Paging
from domain.reference.store import KnownIndicator
from domain.registry.free_text import personal_data_faults
from domain.work import UnitOfWork

P = ProblemStatus
_ENDS_ASSIGNMENTS = (P.DECLINED, P.MOVED_OUT, P.DECEASED, P.ENTERED_IN_ERROR)


class Effect(Enum):
    """What an admissible move does."""

    MOVES = "it takes effect"
    PROPOSES = "it is noted, somebody else has to confirm it"
    NEEDS_ANOTHER_CLIENT = "the client that proposed it cannot confirm it"


def effect_of(
    to: ProblemStatus, *, may_resolve: bool, client_id: str, proposed: str | None, proposed_by: str | None
) -> Effect:
    """Whether the caller's word is enough.

    Source: contract 5 (two different clients for `entered_in_error`, an agency's `resolved` is a proposal).
    """
    if to is P.RESOLVED and not may_resolve:
        return Effect.PROPOSES
    if to is not P.ENTERED_IN_ERROR:
        return Effect.MOVES
    if proposed != P.ENTERED_IN_ERROR:
        return Effect.PROPOSES
    return Effect.NEEDS_ANOTHER_CLIENT if proposed_by == client_id else Effect.MOVES


def indicator_faults(indicator: KnownIndicator | None, dimension: ProblemDimension) -> list[Fault]:
    """An indicator measures one dimension (003). `other` takes any indicator."""
    if indicator is None:
        return [Fault("/indicator_id", "unknown-indicator", "No indicator has this id; see /v1/indicators.")]
    faults = []
    if dimension is not ProblemDimension.OTHER and indicator.dimension not in (None, dimension):
        told = f"This indicator belongs to the dimension {indicator.dimension}."
        faults.append(Fault("/indicator_id", "other-dimension", told))
    return faults


def transition_faults(move: ProblemTransition, on: date) -> list[Fault]:
    """What the move itself lacks, or has too much (contract 5; 001 §5.4, §5.5)."""
    faults = in_future("/occurred_on", move.occurred_on, on)
    if move.to is not P.ANALYSED:
        faults += missing("/reason", move.reason, "Say why.")
    if move.to is P.MOVED_OUT:
        faults += missing("/moved_to", move.moved_to, "Say where to.")
    else:
        faults += unwanted("/moved_to", move.moved_to, "Only moved_out has a destination.")
    captions = {f"evidence/{at}/caption": piece.caption for at, piece in enumerate(move.evidence)}
    return faults + personal_data_faults({"reason": move.reason, "moved_to": move.moved_to, **captions})


async def read(work: UnitOfWork, actor: Actor, problem_id: UUID) -> Document:
    reach = admit(actor, Operation.READ_PROBLEMS)
    return found(await work.problems.view(reach, problem_id, problem_moves(actor)))


async def browse(work: UnitOfWork, actor: Actor, where: ProblemFilter, paging: Paging) -> Listing:
    reach = admit(actor, Operation.READ_PROBLEMS)
    return await work.problems.page(reach, where, paging, problem_moves(actor))


async def add(work: UnitOfWork, actor: Actor, draft: ProblemDraft, *, now: datetime) -> Document:
    """Records an `identified` problem. Raises Invalid for what it names and the register does not know."""
    reach = admit(actor, Operation.WRITE_PROBLEMS)
    refuse(personal_data_faults({"need": draft.need, "description": draft.description}))
    household = await work.households.hold(reach, draft.household_id)
    if household is None:
        raise Invalid.at("/household_id", "unknown-household", "No household of yours has this id.")
    refuse(await _unknown(work, draft))
    problem_id = work.new_id()
    await work.problems.add(reach, problem_id, household.area_code, draft, now=now)
    return await _answer(work, reach, problem_id)


async def amend(
    work: UnitOfWork, actor: Actor, problem_id: UUID, patch: ProblemPatch, *, version: int, now: datetime
) -> Document:
    """Changes the fields that the patch names. Raises VersionMismatch unless `version` is the stored one,
    Conflict `problem-closed` where the problem is closed."""
    reach = admit(actor, Operation.WRITE_PROBLEMS)
    refuse(personal_data_faults({"need": patch.need, "description": patch.description}))
    held = await _held(work, reach, problem_id)
    if held.version != version:
        raise VersionMismatch(held.version)
    if held.status not in OPEN_PROBLEM:
        raise Conflict("The problem is closed, and closed is final.", code="problem-closed")
    changes = _differing(held, patch)
    if changes.get("indicator_id") is not None:
        known = await work.reference.indicators([changes["indicator_id"]])
        indicator, dimension = known.get(changes["indicator_id"]), ProblemDimension(held.dimension)
        refuse(indicator_faults(indicator, dimension))
    if changes:
        await work.problems.amend(reach, held, changes, now=now)
    return await _answer(work, reach, problem_id)


async def transition(
    work: UnitOfWork, actor: Actor, problem_id: UUID, move: ProblemTransition, *, now: datetime
) -> Document:
    """Moves a problem, or notes a proposal. Raises IllegalTransition, Invalid, or Conflict with
    `analysis-required`, `evidence-required` or `needs-another-client`."""
    reach = admit(actor, Operation.MOVE_PROBLEMS)
    held = await _held(work, reach, problem_id)
    allowed = problem_moves(actor)[problem_key(held.status, held.person_id)]
    if move.to not in allowed:
        raise IllegalTransition(held.status, move.to, allowed)
    day = today(now)
    refuse(transition_faults(move, day))
    move = move.model_copy(update={"occurred_on": move.occurred_on or day})
    await _support(work, held, move)
    effect = effect_of(
        move.to,
        may_resolve=actor.can(Scope.PROBLEMS_RESOLVE),
        client_id=actor.client_id,
        proposed=held.proposed_status,
        proposed_by=held.proposed_by,
    )
    if effect is Effect.NEEDS_ANOTHER_CLIENT:
        raise Conflict("Another client has to confirm what you proposed.", code="needs-another-client")
    if effect is Effect.PROPOSES:
        await work.problems.propose(reach, held, move, now=now)
        return await _answer(work, reach, problem_id)
    await work.problems.move(reach, held, move, now=now)
    if move.to in _ENDS_ASSIGNMENTS:
        await work.assignments.cancel_open(reach, held, f"The problem ended: {move.to}.", now=now)
    return await _answer(work, reach, problem_id)


async def _support(work: UnitOfWork, held: HeldProblem, move: ProblemTransition) -> None:
    """What must be stored before the move (001 §2 ๒, §5.4)."""
    if move.to is P.ANALYSED and not await work.analyses.complete_one_exists(held.household_id):
        raise Conflict("Record a complete 4ท analysis of the household first.", code="analysis-required")
    if move.to is P.RESOLVED and not move.evidence and not await work.problems.has_assistance(held):
        raise Conflict("Attach evidence, or record the assistance first.", code="evidence-required")


async def _unknown(work: UnitOfWork, draft: ProblemDraft) -> list[Fault]:
    faults: list[Fault] = []
    if draft.person_id is not None and draft.person_id not in await work.households.members_of(
        draft.household_id
    ):
        faults.append(Fault("/person_id", "unknown-member", "Name a current member of the household."))
    if draft.indicator_id is not None:
        known = await work.reference.indicators([draft.indicator_id])
        indicator = known.get(draft.indicator_id)
        faults += indicator_faults(indicator, draft.dimension)
    earlier = draft.recurrence_of
    if earlier is not None and not await work.problems.closed_in(draft.household_id, earlier):
        told = "Name a resolved or declined problem of the same household."
        faults.append(Fault("/recurrence_of", "not-a-closed-problem", told))
    return faults


async def _held(work: UnitOfWork, reach: Reach, problem_id: UUID) -> HeldProblem:
    held = await work.problems.hold(reach, [problem_id])
    if not held:
        raise NotFound
    return held[0]


def _differing(held: HeldProblem, patch: ProblemPatch) -> Mapping[str, Any]:
    named = {name: getattr(patch, name) for name in patch.model_fields_set}
    return {name: value for name, value in named.items() if value != getattr(held, name)}


async def _answer(work: UnitOfWork, reach: Reach, problem_id: UUID) -> Document:
    """What was written, as its writer may see it."""
    reach = beyond_its_own_effect(reach)
    return found(await work.problems.view(reach, problem_id, problem_moves(reach.actor)))
