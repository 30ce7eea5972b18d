"""The two state machines of casework, as data (contract 5; reference state_transitions)."""

from collections.abc import Mapping
from enum import StrEnum


class ProblemStatus(StrEnum):
    IDENTIFIED = "identified"
    ANALYSED = "analysed"
    ASSIGNED = "assigned"
    BEING_HELPED = "being_helped"
    RESOLVED = "resolved"
    DECLINED = "declined"
    MOVED_OUT = "moved_out"
    DECEASED = "deceased"
    ENTERED_IN_ERROR = "entered_in_error"


class AssignmentStatus(StrEnum):
    PROPOSED = "proposed"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    RETURNED = "returned"
    ESCALATED = "escalated"
    CANCELLED = "cancelled"


P, A = ProblemStatus, AssignmentStatus

OPEN_PROBLEM = (P.IDENTIFIED, P.ANALYSED, P.ASSIGNED, P.BEING_HELPED)
_LEAVES = (P.DECLINED, P.MOVED_OUT, P.DECEASED, P.ENTERED_IN_ERROR)

PROBLEM_MOVES: Mapping[ProblemStatus, tuple[ProblemStatus, ...]] = {
    P.IDENTIFIED: (P.ANALYSED, *_LEAVES),
    P.ANALYSED: (P.ASSIGNED, P.BEING_HELPED, *_LEAVES),
    P.ASSIGNED: (P.BEING_HELPED, *_LEAVES),
    P.BEING_HELPED: (P.RESOLVED, *_LEAVES),
    P.RESOLVED: (),
    P.DECLINED: (),
    P.MOVED_OUT: (),
    P.DECEASED: (),
    P.ENTERED_IN_ERROR: (),
}
FOLLOWING = (P.ASSIGNED, P.BEING_HELPED)
"""States nobody asks for: they follow from assignments and assistance."""

OPEN_ASSIGNMENT = (A.PROPOSED, A.ASSIGNED, A.ACCEPTED, A.IN_PROGRESS)
ENTITLING = (A.ASSIGNED, A.ACCEPTED, A.IN_PROGRESS, A.COMPLETED, A.CONFIRMED)
"""While an assignment is in one of these, its agency sees the household."""

ASSIGNMENT_MOVES: Mapping[AssignmentStatus, tuple[AssignmentStatus, ...]] = {
    A.PROPOSED: (A.ASSIGNED, A.ESCALATED, A.CANCELLED),
    A.ASSIGNED: (A.ACCEPTED, A.RETURNED, A.ESCALATED, A.CANCELLED),
    A.ACCEPTED: (A.IN_PROGRESS, A.ESCALATED, A.CANCELLED),
    A.IN_PROGRESS: (A.COMPLETED, A.ESCALATED, A.CANCELLED),
    A.COMPLETED: (A.CONFIRMED,),
    A.CONFIRMED: (),
    A.RETURNED: (),
    A.ESCALATED: (),
    A.CANCELLED: (),
}
