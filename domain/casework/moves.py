"""Which states this caller may move a problem or an assignment to: the machines, cut down to its rights.

Source: contract 5, reference state_transitions. The maps are bound to the statements that build views, where
a row looks its `allowed` up by its key, and they judge a transition: the two cannot disagree.
"""

from collections.abc import Mapping
from functools import cache
from uuid import UUID

from domain.access.actor import Actor, Scope
from domain.casework.states import (
    ASSIGNMENT_MOVES,
    FOLLOWING,
    OPEN_ASSIGNMENT,
    PROBLEM_MOVES,
    AssignmentStatus,
    ProblemStatus,
)

P, A = ProblemStatus, AssignmentStatus
Moves = Mapping[str, list[str]]

_DECIDES = {
    (A.PROPOSED, A.ASSIGNED),
    *((state, to) for state in OPEN_ASSIGNMENT for to in (A.ESCALATED, A.CANCELLED)),
}
_RESPONDS = {
    (A.ASSIGNED, A.ACCEPTED),
    (A.ASSIGNED, A.RETURNED),
    (A.ACCEPTED, A.IN_PROGRESS),
    (A.IN_PROGRESS, A.COMPLETED),
}
_CONFIRMS = {(A.COMPLETED, A.CONFIRMED)}


def problem_key(status: str, person_id: UUID | None) -> str:
    """`identified:person` or `identified:household`: only a person's problem can end by a death."""
    return f"{status}:{'household' if person_id is None else 'person'}"


def assignment_key(status: str, *, own: bool) -> str:
    """`assigned:own` or `assigned:other`: an agency answers for its own assignments only."""
    return f"{status}:{'own' if own else 'other'}"


def problem_moves(actor: Actor) -> Moves:
    """By problem key. `resolved` is listed for whoever may propose it (the agency that helps does), as is
    `entered_in_error`."""
    proposes = actor.can(Scope.PROBLEMS_RESOLVE) or actor.can(Scope.ASSIGNMENTS_RESPOND)
    return _problem_moves(actor.can(Scope.PROBLEMS_WRITE), proposes)


def assignment_moves(actor: Actor) -> Moves:
    """By assignment key."""
    return _assignment_moves(
        actor.can(Scope.ASSIGNMENTS_WRITE),
        actor.can(Scope.ASSIGNMENTS_RESPOND),
        actor.can(Scope.PROBLEMS_RESOLVE),
    )


@cache
def _problem_moves(writes: bool, proposes: bool) -> Moves:
    found: dict[str, list[str]] = {}
    for state, to_states in PROBLEM_MOVES.items():
        asked = [
            to.value
            for to in to_states
            if to not in FOLLOWING and (writes or (proposes and to is P.RESOLVED))
        ]
        found[f"{state}:person"] = asked
        found[f"{state}:household"] = [to for to in asked if to != P.DECEASED]
    return found


@cache
def _assignment_moves(decides: bool, responds: bool, confirms: bool) -> Moves:
    anyone = (_DECIDES if decides else set()) | (_CONFIRMS if confirms else set())
    owner = anyone | (_RESPONDS if responds else set())
    return {
        assignment_key(state, own=own): [to.value for to in to_states if (state, to) in rights]
        for state, to_states in ASSIGNMENT_MOVES.items()
        for own, rights in ((True, owner), (False, anyone))
    }
