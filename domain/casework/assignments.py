"""Assignments: an agency made responsible for problems of one household (contract 5; 001 §2 ๓, 003 §๔).

Problems follow: a decided assignment moves its analysed problems to `assigned`; when it ends without help and
no other covers them, they go back to `analysed`.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.access.actor import Actor, Scope
from domain.access.policy import Operation, Reach, admit
from domain.casework.answers import beyond_its_own_effect, found
from domain.casework.assignment import AssignmentDraft, AssignmentFilter, AssignmentTransition, Role
from domain.casework.moves import assignment_key, assignment_moves, problem_key, problem_moves
from domain.casework.rules import missing, refuse, unwanted
from domain.casework.states import OPEN_PROBLEM, AssignmentStatus, ProblemStatus
from domain.casework.store import HeldAssignment, HeldProblem
from domain.errors import Conflict, Fault, IllegalTransition, NotFound
from domain.kernel import Document, Listing, Paging
from domain.reference.store import KnownAgency
from domain.registry.free_text import personal_data_faults
from domain.work import UnitOfWork

A, P = AssignmentStatus, ProblemStatus
_NEEDS_REASON = (A.RETURNED, A.ESCALATED, A.CANCELLED)


def problem_faults(
    wanted: Sequence[UUID], held: Sequence[HeldProblem], household: UUID | None
) -> list[Fault]:
    """The problems are known to the caller, of one household, and named once."""
    known = {problem.id: problem.household_id for problem in held}
    home = household or next((known[given] for given in wanted if given in known), None)
    faults = []
    for place, given in enumerate(wanted):
        pointer = f"/problem_ids/{place}"
        if given not in known:
            faults.append(Fault(pointer, "unknown-problem", "No problem of yours has this id."))
        elif known[given] != home:
            faults.append(Fault(pointer, "other-household", "An assignment is for one household."))
        elif given in wanted[:place]:
            faults.append(Fault(pointer, "repeated-id", "Name a problem once."))
    return faults


def agency_faults(agency: KnownAgency | None, area_code: str) -> list[Fault]:
    """The agency can be assigned, and a unit acts only at its own place (contract 3)."""
    if agency is None or not agency.enabled:
        return [Fault("/agency", "unknown-agency", "No agency that can be assigned has this code.")]
    if agency.area_code is not None and not area_code.startswith(agency.area_code):
        told = "This unit does not act at the household's area; see menu-matches for those that do."
        return [Fault("/agency", "agency-outside-area", told)]
    return []


def transition_faults(move: AssignmentTransition) -> list[Fault]:
    """What the move itself lacks, or has too much."""
    faults = personal_data_faults({"reason": move.reason, "outcome": move.outcome})
    if move.to in _NEEDS_REASON:
        faults += missing("/reason", move.reason, "Say why.")
    if move.to is A.ESCALATED:
        return faults
    return faults + unwanted("/agency", move.agency, "Only an escalation names another agency.")


def to_follow(problems: Sequence[HeldProblem], actor: Actor) -> list[HeldProblem]:
    """The problems that a decided assignment moves to `assigned`.

    Raises IllegalTransition's conflict for one that nobody has analysed, `problem-closed` for a closed one.
    """
    _refuse_closed(problems)
    for problem in problems:
        if problem.status == P.IDENTIFIED:
            raise Conflict(
                "Record a complete 4ท analysis and move the problem to analysed before assigning it.",
                code=IllegalTransition.code,
                allowed=sorted(problem_moves(actor)[problem_key(problem.status, problem.person_id)]),
            )
    return [problem for problem in problems if problem.status == P.ANALYSED]


def _refuse_closed(problems: Sequence[HeldProblem]) -> None:
    if any(problem.status not in OPEN_PROBLEM for problem in problems):
        raise Conflict("A problem is closed; record a recurrence if it has come back.", code="problem-closed")


async def read(work: UnitOfWork, actor: Actor, assignment_id: UUID, *, now: datetime) -> Document:
    reach = admit(actor, Operation.READ_ASSIGNMENTS)
    return found(await work.assignments.view(reach, assignment_id, assignment_moves(actor), now=now))


async def browse(
    work: UnitOfWork, actor: Actor, where: AssignmentFilter, paging: Paging, *, now: datetime
) -> Listing:
    reach = admit(actor, Operation.READ_ASSIGNMENTS)
    return await work.assignments.page(reach, where, paging, assignment_moves(actor), now=now)


async def make(work: UnitOfWork, actor: Actor, draft: AssignmentDraft, *, now: datetime) -> Document:
    """A decider's starts at `assigned`, a team's at `proposed`. Raises Invalid for what it names and is not
    known, Conflict `problem-closed` or `illegal-transition`."""
    reach = admit(actor, Operation.MAKE_ASSIGNMENTS)
    decides = actor.can(Scope.ASSIGNMENTS_WRITE)
    held = await work.problems.hold(reach, draft.problem_ids)
    refuse(problem_faults(draft.problem_ids, held, draft.household_id))
    household_id, area_code = held[0].household_id, held[0].area_code
    refuse(await _draft_faults(work, draft, area_code))
    follow = to_follow(held, actor) if decides else []
    _refuse_closed(held)
    assignment_id = work.new_id()
    status = A.ASSIGNED if decides else A.PROPOSED
    await work.assignments.add(reach, assignment_id, household_id, area_code, draft, status, now=now)
    await _follow(work, reach, follow, P.ASSIGNED, "An agency was assigned.", now)
    return await _answer(work, reach, assignment_id, now)


async def transition(
    work: UnitOfWork, actor: Actor, assignment_id: UUID, move: AssignmentTransition, *, now: datetime
) -> Document:
    """Moves an assignment, and its problems where they follow.

    Raises IllegalTransition, Invalid, and Conflict `problem-closed`.
    """
    reach = admit(actor, Operation.MOVE_ASSIGNMENTS)
    held = await work.assignments.hold(reach, assignment_id)
    if held is None:
        raise NotFound
    allowed = assignment_moves(actor)[assignment_key(held.status, own=held.agency == actor.agency)]
    if move.to not in allowed:
        raise IllegalTransition(held.status, move.to, allowed)
    refuse(transition_faults(move))
    if move.to is A.ASSIGNED:
        problems = await _problems_of(work, reach, held)
        await _follow(work, reach, to_follow(problems, actor), P.ASSIGNED, "An agency was assigned.", now)
    if move.to is A.IN_PROGRESS:
        # The agency says that it helps: its problems are being helped, with or without an event yet.
        helped = [one for one in await _problems_of(work, reach, held) if one.status == P.ASSIGNED]
        await _follow(work, reach, helped, P.BEING_HELPED, "Its agency has begun.", now)
    successor = await _escalate(work, reach, held, move.agency, now) if move.agency is not None else None
    await work.assignments.move(
        reach, held, move.to, reason=move.reason, outcome=move.outcome, escalated_to=successor, now=now
    )
    if move.to is A.CONFIRMED:
        await work.events.confirm(reach, held.household_id, held.id, now=now)
    if move.to in (A.RETURNED, A.CANCELLED):
        await _release(work, reach, held, f"Its assignment was {move.to}.", now)
    return await _answer(work, reach, assignment_id, now)


async def _draft_faults(work: UnitOfWork, draft: AssignmentDraft, area_code: str) -> list[Fault]:
    agencies = await work.reference.agencies([draft.agency])
    faults = agency_faults(agencies.get(draft.agency), area_code)
    if draft.menu_code is not None and not await work.menus.exists(draft.menu_code):
        faults.append(Fault("/menu_code", "unknown-menu", "No menu that is enabled has this code."))
    return faults + personal_data_faults({"instructions": draft.instructions})


async def _escalate(work: UnitOfWork, reach: Reach, held: HeldAssignment, agency: str, now: datetime) -> UUID:
    """The agency that takes over gets an assignment of the problems still open, with menu and due date."""
    if agency == held.agency:
        refuse([Fault("/agency", "same-agency", "Name another agency than the one assigned.")])
    known = await work.reference.agencies([agency])
    refuse(agency_faults(known.get(agency), held.area_code))
    problems = [one for one in await _problems_of(work, reach, held) if one.status in OPEN_PROBLEM]
    if not problems:
        raise Conflict("All its problems are closed: cancel it instead.", code="problem-closed")
    await _follow(work, reach, to_follow(problems, reach.actor), P.ASSIGNED, "An agency was assigned.", now)
    successor = work.new_id()
    draft = AssignmentDraft(
        problem_ids=[problem.id for problem in problems],
        menu_code=held.menu_code,
        agency=agency,
        role=Role(held.role),
        due_on=held.due_on,
        instructions=held.instructions,
    )
    await work.assignments.add(
        reach, successor, held.household_id, held.area_code, draft, A.ASSIGNED, now=now
    )
    return successor


async def _release(work: UnitOfWork, reach: Reach, held: HeldAssignment, why: str, now: datetime) -> None:
    """Problems in `assigned` that nobody is responsible for any more go back to `analysed`."""
    waiting = [one for one in await _problems_of(work, reach, held) if one.status == P.ASSIGNED]
    covered = await work.assignments.covered(held.household_id, [one.id for one in waiting])
    await _follow(work, reach, [one for one in waiting if one.id not in covered], P.ANALYSED, why, now)


async def _problems_of(work: UnitOfWork, reach: Reach, held: HeldAssignment) -> list[HeldProblem]:
    # Whoever may move the assignment moves its problems along, wherever its own reach ends by this very move.
    return await work.problems.hold(beyond_its_own_effect(reach), held.problem_ids)


async def _follow(
    work: UnitOfWork, reach: Reach, held: Sequence[HeldProblem], to: ProblemStatus, why: str, now: datetime
) -> None:
    if held:
        await work.problems.follow(reach, held, to, why, now=now)


async def _answer(work: UnitOfWork, reach: Reach, assignment_id: UUID, now: datetime) -> Document:
    """What was written, as its writer may see it."""
    reach = beyond_its_own_effect(reach)
    return found(await work.assignments.view(reach, assignment_id, assignment_moves(reach.actor), now=now))
