"""Random walks through both machines: whatever callers try, only declared moves happen, and closed is final."""

import json
from collections.abc import Coroutine
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.access.actor import Actor
from domain.casework import analyses, assignments, problems
from domain.casework.assignment import AssignmentDraft, AssignmentTransition
from domain.casework.problem import AnalysisDraft, ProblemDraft, ProblemTransition
from domain.casework.states import (
    ASSIGNMENT_MOVES,
    OPEN_ASSIGNMENT,
    OPEN_PROBLEM,
    PROBLEM_MOVES,
    AssignmentStatus,
    ProblemStatus,
)
from domain.errors import DomainError
from tests.support.casework import FakeWork, actor

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
TODAY = date(2026, 11, 21)
ALL = ("households:read", "problems:read", "problems:write", "assignments:read")
CALLERS = {
    "center": actor(*ALL, "problems:resolve", "assignments:write", client="center"),
    "team": actor(*ALL, "problems:resolve", client="team"),
    "writer": actor(*ALL, client="writer"),
    "health": actor(
        "assignments:read", "assignments:respond", "problems:read", agency="PROV_MOPH-42", client="health"
    ),
    "reader": actor("households:read", "problems:read", "assignments:read", client="reader"),
}
ANYBODY = st.sampled_from(["center", "center", "health", *CALLERS]).map(CALLERS.__getitem__)
PLACE = st.integers(0, 11)
OFTEN_ALLOWED = st.sampled_from([True, True, True, False])
"""Whether a step tries one of the states it was offered, so that walks get far, or any state at all."""
# A problem may go back to `analysed` when nobody is responsible for it any more, and in no other way.
BACK = {(ProblemStatus.ASSIGNED, ProblemStatus.ANALYSED)}


def run(step: Coroutine[Any, Any, Any]) -> Any:
    """The fake never waits: one send runs the whole step."""
    try:
        step.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the fake waited")


class Casework(RuleBasedStateMachine):
    """One household, everybody tries everything."""

    @initialize(analysed=st.integers(0, 2))
    def begin(self, analysed: int) -> None:
        self.work = FakeWork()
        self.household, self.person = uuid4(), uuid4()
        run(self.work.register(self.household, self.person))
        self.seen: dict[UUID, str] = {}
        for of_person in (True, False):
            self.record(CALLERS["team"], of_person)
        self.analyse(CALLERS["team"])
        for one in list(self.work.problems.rows)[:analysed]:
            step = ProblemTransition(to=ProblemStatus.ANALYSED)
            run(problems.transition(self.work, CALLERS["team"], one, step, now=NOW))

    def attempt(self, step: Coroutine[Any, Any, Any]) -> Any:
        """What a caller tries may be refused, and then nothing has moved."""
        before = self.states()
        try:
            return run(step)
        except DomainError:
            assert self.states() == before
            return None

    def states(self) -> dict[UUID, str]:
        rows = {**self.work.problems.rows, **self.work.assignments.rows}
        return {one: row.held.status for one, row in rows.items()}

    @rule(who=ANYBODY, of_person=st.booleans())
    def record(self, who: Actor, of_person: bool) -> None:
        if len(self.work.problems.rows) < 4:
            draft = ProblemDraft(
                household_id=self.household,
                person_id=self.person if of_person else None,
                dimension="income",
                fiscal_year=2569,
            )
            self.attempt(problems.add(self.work, who, draft, now=NOW))

    def analyse(self, who: Actor) -> None:
        parts = dict.fromkeys(("attitude", "skills", "resources", "way_out"), "มี")
        draft = AnalysisDraft(**parts, analysed_on=TODAY)
        self.attempt(analyses.add(self.work, who, self.household, draft, now=NOW))

    @rule(who=ANYBODY, offered=OFTEN_ALLOWED, state=st.sampled_from(ProblemStatus), place=PLACE)
    def move_problem(self, who: Actor, offered: bool, state: ProblemStatus, place: int) -> None:
        if not self.work.problems.rows:
            return
        problem_id = list(self.work.problems.rows)[place % len(self.work.problems.rows)]
        shown = self.attempt(problems.read(self.work, who, problem_id))
        allowed = json.loads(shown.text)["allowed"] if shown else []
        to = ProblemStatus(allowed[place % len(allowed)]) if offered and allowed else state
        moved_to = "ตราด" if to is ProblemStatus.MOVED_OUT else None
        move = ProblemTransition(to=to, reason="เหตุ", moved_to=moved_to)
        if self.attempt(problems.transition(self.work, who, problem_id, move, now=NOW)):
            assert to in allowed

    @rule(who=ANYBODY, agency=st.sampled_from(["PROV_MOPH-42", "PROV_MSDHS-42"]), both=st.booleans())
    def assign(self, who: Actor, agency: str, both: bool) -> None:
        open_ones = [one for one, row in self.work.problems.rows.items() if row.held.status in OPEN_PROBLEM]
        named = open_ones[: 2 if both else 1]
        if named and len(self.work.assignments.rows) < 6:
            draft = AssignmentDraft(problem_ids=named, agency=agency)
            self.attempt(assignments.make(self.work, who, draft, now=NOW))

    @rule(who=ANYBODY, offered=OFTEN_ALLOWED, state=st.sampled_from(AssignmentStatus), place=PLACE)
    def move_assignment(self, who: Actor, offered: bool, state: AssignmentStatus, place: int) -> None:
        if not self.work.assignments.rows:
            return
        assignment_id = list(self.work.assignments.rows)[place % len(self.work.assignments.rows)]
        shown = self.attempt(assignments.read(self.work, who, assignment_id, now=NOW))
        allowed = json.loads(shown.text)["allowed"] if shown else []
        to = AssignmentStatus(allowed[place % len(allowed)]) if offered and allowed else state
        agency = "MOPH" if to is AssignmentStatus.ESCALATED else None
        move = AssignmentTransition(to=to, reason="เหตุ", outcome="ผล", agency=agency)
        if self.attempt(assignments.transition(self.work, who, assignment_id, move, now=NOW)):
            assert to in allowed

    @rule(place=PLACE)
    def help(self, place: int) -> None:
        waiting = [one for one, row in self.work.problems.rows.items() if row.held.status == "assigned"]
        if waiting:
            run(self.work.record_help(waiting[place % len(waiting)], TODAY))

    @invariant()
    def only_declared_moves_happened(self) -> None:
        for row in self.work.problems.rows.values():
            walked = [ProblemStatus(line["to_status"]) for line in row.history if not line["proposal"]]
            for before, after in pairwise(walked):
                assert after in PROBLEM_MOVES[before] or (before, after) in BACK
            assert walked[-1] == row.held.status
        for row in self.work.assignments.rows.values():
            gone = [AssignmentStatus(line["to_status"]) for line in row.history]
            for earlier, later in pairwise(gone):
                assert later in ASSIGNMENT_MOVES[earlier]

    @invariant()
    def closed_is_final(self) -> None:
        for one, status in self.seen.items():
            closed = status not in (*OPEN_PROBLEM, *OPEN_ASSIGNMENT, AssignmentStatus.COMPLETED)
            assert not closed or self.states()[one] == status
        self.seen = self.states()

    @invariant()
    def an_open_assignment_has_an_open_problem_or_a_resolved_one(self) -> None:
        for row in self.work.assignments.rows.values():
            if row.held.status in OPEN_ASSIGNMENT:
                states = {self.work.problems.rows[one].held.status for one in row.held.problem_ids}
                assert states & {*OPEN_PROBLEM, ProblemStatus.RESOLVED}

    @invariant()
    def an_assigned_problem_has_somebody_responsible(self) -> None:
        waiting = [row.held for row in self.work.problems.rows.values() if row.held.status == "assigned"]
        covered = run(self.work.assignments.covered(self.household, [held.id for held in waiting]))
        assert covered == {held.id for held in waiting}


Casework.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestCasework = Casework.TestCase
