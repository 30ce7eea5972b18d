"""The machines, cut down to the rights of a caller."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.actor import Scope
from domain.casework.moves import assignment_key, assignment_moves, problem_key, problem_moves
from domain.casework.states import (
    ASSIGNMENT_MOVES,
    FOLLOWING,
    OPEN_PROBLEM,
    PROBLEM_MOVES,
    AssignmentStatus,
    ProblemStatus,
)
from tests.support.casework import actor

ANY_SCOPES = st.sets(st.sampled_from([scope.value for scope in Scope]))
CLOSED = [status for status in ProblemStatus if status not in OPEN_PROBLEM]
OVER = [status for status, after in ASSIGNMENT_MOVES.items() if not after]


@given(ANY_SCOPES)
def test_nobody_may_make_a_move_that_the_machine_does_not_know(scopes: set[str]) -> None:
    for key, allowed in problem_moves(actor(*scopes)).items():
        status = ProblemStatus(key.partition(":")[0])
        assert {ProblemStatus(to) for to in allowed} <= set(PROBLEM_MOVES[status])
    for key, allowed in assignment_moves(actor(*scopes)).items():
        state = AssignmentStatus(key.partition(":")[0])
        assert {AssignmentStatus(to) for to in allowed} <= set(ASSIGNMENT_MOVES[state])


@given(ANY_SCOPES)
def test_every_row_has_a_key(scopes: set[str]) -> None:
    for status in ProblemStatus:
        for person in (None, UUID(int=1)):
            assert problem_key(status, person) in problem_moves(actor(*scopes))
    for state in AssignmentStatus:
        for own in (True, False):
            assert assignment_key(state, own=own) in assignment_moves(actor(*scopes))


@given(ANY_SCOPES)
def test_closed_is_final(scopes: set[str]) -> None:
    problems, assignments = problem_moves(actor(*scopes)), assignment_moves(actor(*scopes))
    assert all(not problems[f"{status}:{kind}"] for status in CLOSED for kind in ("person", "household"))
    assert all(not assignments[f"{status}:{whose}"] for status in OVER for whose in ("own", "other"))


@given(ANY_SCOPES)
def test_nobody_asks_for_a_state_that_follows_from_other_things(scopes: set[str]) -> None:
    asked = {to for allowed in problem_moves(actor(*scopes)).values() for to in allowed}
    assert asked.isdisjoint(FOLLOWING)


def test_only_the_problem_of_a_person_ends_by_a_death() -> None:
    moves = problem_moves(actor("problems:write"))
    assert "deceased" in moves["identified:person"]
    assert all("deceased" not in allowed for key, allowed in moves.items() if key.endswith(":household"))


def test_an_agency_that_helps_may_propose_a_resolution_and_nothing_else() -> None:
    moves = problem_moves(actor("problems:read", "assignments:respond"))
    assert {key: to for key, to in moves.items() if to} == {
        "being_helped:person": ["resolved"],
        "being_helped:household": ["resolved"],
    }


def test_without_a_right_to_write_resolve_or_respond_nothing_moves() -> None:
    assert not any(problem_moves(actor("problems:read", "assignments:read")).values())


def test_resolved_is_offered_while_being_helped_to_whoever_may_propose_it() -> None:
    moves = problem_moves(actor("problems:write"))
    offering = {key.partition(":")[0] for key, allowed in moves.items() if "resolved" in allowed}
    assert offering == {"being_helped"}


@pytest.mark.parametrize(
    ("scope", "key", "allowed"),
    [
        ("assignments:write", "proposed:other", {"assigned", "escalated", "cancelled"}),
        ("assignments:write", "assigned:other", {"escalated", "cancelled"}),
        ("assignments:write", "completed:own", set()),
        ("assignments:respond", "assigned:own", {"accepted", "returned"}),
        ("assignments:respond", "assigned:other", set()),
        ("assignments:respond", "accepted:own", {"in_progress"}),
        ("assignments:respond", "in_progress:own", {"completed"}),
        ("assignments:respond", "proposed:own", set()),
        ("problems:resolve", "completed:other", {"confirmed"}),
        ("assignments:read", "assigned:own", set()),
    ],
)
def test_an_assignment_moves_by_the_scope_that_fits(scope: str, key: str, allowed: set[str]) -> None:
    assert set(assignment_moves(actor(scope))[key]) == allowed
