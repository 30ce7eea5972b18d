"""One household's casework, played move by move under the service's own rules.

Each method is a use case of the service with its effects: problems follow assignments, an event sets things
going, a problem that ends takes its open assignments along (domain/casework, persistence/assistance/recording.py).
So whatever a story does, the states agree with each other and with their histories. A move that the machines do
not know is an error of the story and raises AssertionError.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from domain.calendar import today
from domain.casework.states import (
    ASSIGNMENT_MOVES,
    ENTITLING,
    OPEN_ASSIGNMENT,
    OPEN_PROBLEM,
    PROBLEM_MOVES,
    AssignmentStatus,
    ProblemStatus,
)
from domain.registry.household import CaseStatus
from domain.registry.rules import CASE_MOVES
from persistence.demo.ids import row_id
from persistence.demo.records import Analysis, Assignment, Event, Household, Move, Problem
from persistence.demo.remedies import Remedy, unit

P, A = ProblemStatus, AssignmentStatus
_ENDS_ASSIGNMENTS = (P.DECLINED, P.MOVED_OUT, P.DECEASED, P.ENTERED_IN_ERROR)
_FIRST_ROW = 16
"""Rows 0 to 15 of a household are the household and its members."""


class By(NamedTuple):
    """Who makes a move."""

    agency: str
    client_id: str


class Case:
    """The household, the clock of its ids, and who works on it."""

    def __init__(self, household: Household) -> None:
        self.household = household
        self.team = By(unit("SCJP_D", household.area_code), "demo-team")
        self.centre = By(unit("SCJP_P", household.area_code), "demo-center")
        self._rows = _FIRST_ROW

    def new_id(self, at: datetime) -> UUID:
        self._rows += 1
        return row_id(at, self.household.number, self._rows)

    def touch(self, at: datetime) -> None:
        """A new version of the household."""
        self.household.version += 1
        self.household.updated_at = max(at, self.household.updated_at or at)

    def advance(self, to: str, at: datetime, *, outcome: str | None = None) -> None:
        assert CaseStatus(to) in CASE_MOVES[CaseStatus(self.household.case_status)], to
        self.household.case_status, self.household.close_outcome = to, outcome
        self.touch(at)

    def record(self, problem: Problem, at: datetime) -> Problem:
        problem.moves.append(Move(self.new_id(at), at, *self.team, None, problem.status))
        self.household.problems.append(problem)
        return problem

    def analyse(
        self,
        parts: tuple[str | None, str | None, str | None, str | None],
        problems: Sequence[Problem],
        at: datetime,
    ) -> None:
        """A ๔ท analysis; a complete one lets problems move on."""
        analysts = ["ทีมปฏิบัติการตำบล", "ผู้ใหญ่บ้าน"]
        self.household.analyses.append(
            Analysis(self.new_id(at), parts, today(at), analysts, self.team.agency, at)
        )
        assert None not in parts or not problems
        for problem in problems:
            self.move(problem, P.ANALYSED, at, self.team)

    def move(
        self,
        problem: Problem,
        to: ProblemStatus,
        at: datetime,
        by: By,
        reason: str | None = None,
        *,
        moved_to: str | None = None,
        evidence: tuple[dict[str, Any], ...] = (),
    ) -> None:
        assert to in PROBLEM_MOVES[P(problem.status)], (problem.status, to)
        self._set(problem, to, at, by, reason, today(at), moved_to, evidence)
        if to in _ENDS_ASSIGNMENTS:
            for assignment in self.household.assignments:
                if problem in assignment.problems and assignment.status in OPEN_ASSIGNMENT:
                    self._cancel_empty(assignment, to, at, by)

    def propose(self, problem: Problem, to: ProblemStatus, at: datetime, by: By, reason: str) -> None:
        """Noted, and waiting for somebody else to confirm it."""
        assert to in PROBLEM_MOVES[P(problem.status)]
        status, day = problem.status, today(at)
        problem.moves.append(Move(self.new_id(at), at, *by, status, to, reason, day, proposal=True))
        problem.proposed_status, problem.proposed_by = to.value, by.client_id

    def assign(
        self,
        problems: Sequence[Problem],
        remedy: Remedy,
        at: datetime,
        due_on: date,
        *,
        proposed: bool = False,
        role: str = "lead",
    ) -> Assignment:
        """By the team it is proposed, by the centre's meeting decided."""
        by = self.team if proposed else self.centre
        assert due_on >= today(at)
        return self._assignment(
            list(problems),
            remedy.menu,
            unit(remedy.kind, self.household.area_code),
            role,
            due_on,
            at,
            by,
            proposed,
        )

    def _assignment(
        self,
        problems: list[Problem],
        menu_code: str,
        agency: str,
        role: str,
        due_on: date,
        at: datetime,
        by: By,
        proposed: bool = False,
    ) -> Assignment:
        status = A.PROPOSED if proposed else A.ASSIGNED
        assignment = Assignment(
            id=self.new_id(at),
            problems=problems,
            menu_code=menu_code,
            agency=agency,
            role=role,
            due_on=due_on,
            instructions=f"ดำเนินการตามเมนู {menu_code} และบันทึกผลทุกครั้งที่ลงพื้นที่",
            created_at=at,
            status=status,
        )
        assignment.moves.append(Move(self.new_id(at), at, *by, None, status))
        self.household.assignments.append(assignment)
        if not proposed:
            self._follow_assigned(problems, at, by)
        return assignment

    def respond(
        self,
        assignment: Assignment,
        to: AssignmentStatus,
        at: datetime,
        by: By,
        reason: str | None = None,
        outcome: str | None = None,
    ) -> None:
        assert to in ASSIGNMENT_MOVES[A(assignment.status)], (assignment.status, to)
        if to is A.ASSIGNED:
            self._follow_assigned(assignment.problems, at, by)
        self._set_assignment(assignment, to, at, by, reason)
        assignment.outcome = outcome or assignment.outcome
        if to in (A.RETURNED, A.CANCELLED):
            for problem in assignment.problems:
                if problem.status == P.ASSIGNED and not self._covered(problem):
                    self._set(problem, P.ANALYSED, at, by, f"Its assignment was {to}.")

    def escalate(self, assignment: Assignment, agency: str, at: datetime, reason: str) -> Assignment:
        """The agency takes over what is still open."""
        problems = [problem for problem in assignment.problems if problem.status in OPEN_PROBLEM]
        assert problems
        assert agency != assignment.agency
        successor = self._assignment(
            problems, assignment.menu_code, agency, assignment.role, assignment.due_on, at, self.centre
        )
        self._set_assignment(assignment, A.ESCALATED, at, self.centre, reason)
        assignment.escalated_to = successor.id
        return successor

    def help(self, event: Event, assignment: Assignment | None, at: datetime) -> None:
        """Records an event: it sets its assignment, its problems and the case going."""
        by = By(event.agency, "demo-agency")
        self.household.events.append(event)
        if assignment is not None:
            assert assignment.agency == event.agency
            assert assignment.status in ENTITLING
            if assignment.status in (A.ASSIGNED, A.ACCEPTED):
                self._set_assignment(assignment, A.IN_PROGRESS, at, by, None)
            for problem in assignment.problems:
                if problem.status == P.ASSIGNED:
                    self._set(problem, P.BEING_HELPED, at, by, None, event.provided_on)
        if self.household.case_status in ("analysed", "planned"):
            self.advance("in_assistance", at)

    def _set(
        self,
        problem: Problem,
        to: ProblemStatus,
        at: datetime,
        by: By,
        reason: str | None,
        occurred_on: date | None = None,
        moved_to: str | None = None,
        evidence: tuple[dict[str, Any], ...] = (),
    ) -> None:
        assert at >= problem.moves[-1].at
        problem.moves.append(
            Move(self.new_id(at), at, *by, problem.status, to.value, reason, occurred_on, moved_to, evidence)
        )
        problem.status, problem.moved_to = to.value, moved_to
        problem.proposed_status = problem.proposed_by = None

    def _set_assignment(
        self, assignment: Assignment, to: AssignmentStatus, at: datetime, by: By, reason: str | None
    ) -> None:
        assert at >= assignment.moves[-1].at
        assignment.moves.append(Move(self.new_id(at), at, *by, assignment.status, to.value, reason))
        assignment.status = to.value

    def _follow_assigned(self, problems: Sequence[Problem], at: datetime, by: By) -> None:
        for problem in problems:
            assert problem.status in OPEN_PROBLEM
            assert problem.status != P.IDENTIFIED, "nobody has analysed it"
            if problem.status == P.ANALYSED:
                self._set(problem, P.ASSIGNED, at, by, "An agency was assigned.")

    def _cancel_empty(self, assignment: Assignment, ended: ProblemStatus, at: datetime, by: By) -> None:
        if not any(problem.status in OPEN_PROBLEM for problem in assignment.problems):
            self._set_assignment(assignment, A.CANCELLED, at, by, f"The problem ended: {ended}.")

    def _covered(self, problem: Problem) -> bool:
        return any(
            problem in assignment.problems and assignment.status in ENTITLING
            for assignment in self.household.assignments
        )


def later(at: datetime, days: float) -> datetime:
    """`days` after `at`, to the millisecond."""
    return at + timedelta(milliseconds=int(days * 86_400_000))
