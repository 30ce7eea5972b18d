"""Casework in memory: stores that keep what the real ones keep, for the use cases that are tested on both."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from domain.access.actor import Actor
from domain.access.policy import Reach
from domain.calendar import today
from domain.casework.analyses import complete
from domain.casework.assignment import AssignmentDraft
from domain.casework.menus import Menu
from domain.casework.moves import assignment_key, problem_key
from domain.casework.problem import AnalysisDraft, ProblemDraft, ProblemTransition
from domain.casework.states import ENTITLING, OPEN_ASSIGNMENT, OPEN_PROBLEM
from domain.casework.store import HeldAssignment, HeldProblem, MatchSubject, Moves
from domain.kernel import Document
from domain.reference.store import KnownAgency, KnownIndicator
from domain.reference.units import ActsThrough, Routing
from domain.registry.store import Held

AREA = "42010301"
AGENCIES = {
    agency.code: agency
    for agency in (
        KnownAgency("MOPH", None, True),
        KnownAgency("PROV_MOPH", None, False),
        KnownAgency("PROV_MOPH-42", "42", True),
        KnownAgency("PROV_MSDHS-42", "42", True),
        KnownAgency("PROV_MOPH-41", "41", True),
        KnownAgency("DIST_CDD-4201", "4201", False),
    )
}
INDICATORS = {
    one.id: one
    for one in (
        KnownIndicator("bmn-38-27", "income", "person", "38", ("MOL",), ()),
        KnownIndicator("bmn-38-31", "income", "household", "38", ("MOI",), ()),
        KnownIndicator("bmn-38-1", "health", "person", "38", ("MOPH",), ()),
    )
}


def actor(
    *scopes: str, agency: str = "PROV_PELCD-42", client: str = "center", areas: Sequence[str] = ("42",)
) -> Actor:
    """A caller with these scopes."""
    return Actor(client, agency, frozenset(scopes), tuple(areas), 2**31, "token")


class Households:
    """Implements what casework asks of `HouseholdStore`."""

    def __init__(self, work: "FakeWork") -> None:
        self._work = work
        self.areas: dict[UUID, str] = {}
        self.members: dict[UUID, set[UUID]] = {}

    async def hold(self, reach: Reach, household_id: UUID) -> Held | None:
        area = self.areas.get(household_id)
        if area is None or not self._work.sees(reach, household_id, area):
            return None
        return Held(household_id, area, 1, {})

    async def members_of(self, household_id: UUID) -> set[UUID]:
        return self.members.get(household_id, set())

    async def matching_facts(self, household_id: UUID, *, today: date) -> Mapping[str, Any]:
        person = {"age": 40, "able_to_work": True, "bedridden": False, "disabilities": [], "occupation": None}
        return {
            "area_code": self.areas[household_id],
            "has_land": True,
            "classification": "developable",
            "annual_income_per_person": "20000.00",
            "members": [{"id": one, "vital_status": "alive", **person} for one in self.members[household_id]],
        }


class Reference:
    async def agencies(self, codes: Sequence[str]) -> Mapping[str, KnownAgency]:
        return {code: AGENCIES[code] for code in codes if code in AGENCIES}

    async def indicators(self, ids: Sequence[str]) -> Mapping[str, KnownIndicator]:
        return {one: INDICATORS[one] for one in ids if one in INDICATORS}

    async def routing(self) -> Routing:
        through = ActsThrough(
            code="MOPH",
            sequence=1,
            unit_kind="PROV_MOPH",
            reason_th="ในจังหวัด",
            reason_en="in the province",
            source="test",
        )
        return Routing.of({"MOPH": "country", "PROV_MOPH": "province"}, [through])

    async def code_exists(self, list_name: str, code: str) -> bool:
        return (list_name, code) == ("menu_kind", "livelihood")

    async def area_exists(self, code: str) -> bool:
        return code.startswith(("41", "42"))


class Menus:
    """A catalogue that a test fills."""

    def __init__(self) -> None:
        self.found: list[Menu] = []

    async def enabled(self, dimension: str, indicators: Sequence[str]) -> list[Menu]:
        return self.found

    async def exists(self, code: str) -> bool:
        return code == "INC-01"


class Analyses:
    def __init__(self) -> None:
        self.complete: set[UUID] = set()

    async def add(
        self,
        reach: Reach,
        analysis_id: UUID,
        household_id: UUID,
        area_code: str,
        draft: AnalysisDraft,
        *,
        now: datetime,
    ) -> Document:
        if complete(draft):
            self.complete.add(household_id)
        return Document(json.dumps({"id": str(analysis_id), "complete": complete(draft)}).encode(), 1)

    async def complete_one_exists(self, household_id: UUID) -> bool:
        return household_id in self.complete


@dataclass
class Row:
    """A problem or an assignment with what its view shows beyond the held part."""

    held: Any
    history: list[dict[str, Any]] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)

    def move(self, to: str, *, proposal: bool = False, reason: str | None = None, **changes: Any) -> None:
        line = {"from_status": self.held.status, "to_status": to, "proposal": proposal, "reason": reason}
        self.history.append(line)
        self.held = replace(self.held, version=self.held.version + 1, **changes)


class Problems:
    """Implements `ProblemStore`, without pages."""

    def __init__(self, work: "FakeWork") -> None:
        self._work = work
        self.rows: dict[UUID, Row] = {}
        self.helped: set[UUID] = set()

    async def view(self, reach: Reach, problem_id: UUID, moves: Moves) -> Document | None:
        row = self.rows.get(problem_id)
        if row is None or not self._work.sees(reach, row.held.household_id, row.held.area_code):
            return None
        held = row.held
        shown = {
            "id": str(held.id),
            "status": held.status,
            "proposed_status": held.proposed_status,
            "need": held.need,
            "moved_to": row.more.get("moved_to"),
            "history": row.history,
            "allowed": moves[problem_key(held.status, held.person_id)],
            "version": held.version,
        }
        return Document(json.dumps(shown).encode(), held.version)

    async def add(
        self, reach: Reach, problem_id: UUID, area_code: str, draft: ProblemDraft, *, now: datetime
    ) -> None:
        held = HeldProblem(
            id=problem_id,
            household_id=draft.household_id,
            area_code=area_code,
            person_id=draft.person_id,
            status="identified",
            proposed_status=None,
            proposed_by=None,
            dimension=draft.dimension,
            indicator_id=draft.indicator_id,
            solvability=draft.solvability,
            version=1,
            need=draft.need,
            description=draft.description,
        )
        first = {"from_status": None, "to_status": "identified", "proposal": False, "reason": None}
        self.rows[problem_id] = Row(held, [first])

    async def hold(self, reach: Reach, problem_ids: Sequence[UUID]) -> list[HeldProblem]:
        found = [self.rows[one].held for one in sorted(set(problem_ids)) if one in self.rows]
        return [held for held in found if self._work.sees(reach, held.household_id, held.area_code)]

    async def amend(
        self, reach: Reach, held: HeldProblem, changes: Mapping[str, Any], *, now: datetime
    ) -> None:
        row = self.rows[held.id]
        row.held = replace(row.held, version=held.version + 1, **changes)

    async def move(self, reach: Reach, held: HeldProblem, move: ProblemTransition, *, now: datetime) -> None:
        row = self.rows[held.id]
        row.more["moved_to"] = move.moved_to
        row.move(move.to, reason=move.reason, status=move.to.value, proposed_status=None, proposed_by=None)

    async def propose(
        self, reach: Reach, held: HeldProblem, move: ProblemTransition, *, now: datetime
    ) -> None:
        by = reach.actor.client_id
        self.rows[held.id].move(
            move.to, proposal=True, reason=move.reason, proposed_status=move.to.value, proposed_by=by
        )

    async def follow(
        self, reach: Reach, held: Sequence[HeldProblem], to: str, reason: str, *, now: datetime
    ) -> None:
        for one in held:
            self.rows[one.id].move(to, reason=reason, status=str(to), proposed_status=None, proposed_by=None)

    async def subject(self, reach: Reach, problem_id: UUID) -> MatchSubject | None:
        row = self.rows.get(problem_id)
        if row is None or not self._work.sees(reach, row.held.household_id, row.held.area_code):
            return None
        held = row.held
        return MatchSubject(
            held.household_id, held.area_code, held.person_id, held.dimension, held.indicator_id
        )

    async def has_assistance(self, held: HeldProblem) -> bool:
        return held.id in self.helped

    async def closed_in(self, household_id: UUID, problem_id: UUID) -> bool:
        row = self.rows.get(problem_id)
        return (
            row is not None
            and row.held.household_id == household_id
            and row.held.status in ("resolved", "declined")
        )


class Assignments:
    """Implements `AssignmentStore`, without pages."""

    def __init__(self, work: "FakeWork") -> None:
        self._work = work
        self.rows: dict[UUID, Row] = {}

    def _sees(self, reach: Reach, held: HeldAssignment) -> bool:
        own = reach.assigned_to is None or (held.agency == reach.assigned_to and held.status != "proposed")
        return own and any(held.area_code.startswith(prefix) for prefix in reach.prefixes)

    async def view(
        self, reach: Reach, assignment_id: UUID, moves: Moves, *, now: datetime
    ) -> Document | None:
        row = self.rows.get(assignment_id)
        if row is None or not self._sees(reach, row.held):
            return None
        held: HeldAssignment = row.held
        late = held.status in OPEN_ASSIGNMENT and held.due_on is not None and held.due_on < today(now)
        shown = {
            "id": str(held.id),
            "problem_ids": [str(one) for one in held.problem_ids],
            "agency": held.agency,
            "status": held.status,
            "overdue": late,
            "outcome": row.more.get("outcome"),
            "escalated_to": row.more.get("escalated_to"),
            "history": row.history,
            "allowed": moves[assignment_key(held.status, own=held.agency == reach.actor.agency)],
            "version": held.version,
        }
        return Document(json.dumps(shown).encode(), held.version)

    async def add(
        self,
        reach: Reach,
        assignment_id: UUID,
        household_id: UUID,
        area_code: str,
        draft: AssignmentDraft,
        status: str,
        *,
        now: datetime,
    ) -> None:
        held = HeldAssignment(
            id=assignment_id,
            household_id=household_id,
            area_code=area_code,
            problem_ids=tuple(draft.problem_ids),
            agency=draft.agency,
            role=draft.role,
            menu_code=draft.menu_code,
            instructions=draft.instructions,
            due_on=draft.due_on,
            status=str(status),
            version=1,
        )
        self.rows[assignment_id] = Row(
            held, [{"from_status": None, "to_status": str(status), "reason": None}]
        )

    async def hold(self, reach: Reach, assignment_id: UUID) -> HeldAssignment | None:
        row = self.rows.get(assignment_id)
        return row.held if row is not None and self._sees(reach, row.held) else None

    async def move(
        self,
        reach: Reach,
        held: HeldAssignment,
        to: str,
        *,
        reason: str | None,
        outcome: str | None,
        escalated_to: UUID | None,
        now: datetime,
    ) -> None:
        row = self.rows[held.id]
        row.more |= {"outcome": outcome, "escalated_to": str(escalated_to) if escalated_to else None}
        row.move(to, reason=reason, status=str(to))

    async def cancel_open(self, reach: Reach, problem: HeldProblem, reason: str, *, now: datetime) -> None:
        for row in self.rows.values():
            problems = [self._work.problems.rows[one].held.status for one in row.held.problem_ids]
            covers = problem.id in row.held.problem_ids and row.held.status in OPEN_ASSIGNMENT
            if covers and not any(status in OPEN_PROBLEM for status in problems):
                row.move("cancelled", reason=reason, status="cancelled")

    async def covered(self, household_id: UUID, problem_ids: Sequence[UUID]) -> set[UUID]:
        live = [row.held for row in self.rows.values() if row.held.status in ENTITLING]
        return {one for one in problem_ids if any(one in held.problem_ids for held in live)}


class Events:
    """What casework asks of `EventStore`."""

    def __init__(self) -> None:
        self.confirmed: list[UUID] = []

    async def confirm(self, reach: Reach, household_id: UUID, assignment_id: UUID, *, now: datetime) -> int:
        self.confirmed.append(assignment_id)
        return 0


class FakeWork:
    """The stores of casework in memory; `UnitOfWork` as far as casework asks."""

    def __init__(self) -> None:
        self.households = Households(self)
        self.problems = Problems(self)
        self.analyses = Analyses()
        self.assignments = Assignments(self)
        self.menus = Menus()
        self.reference = Reference()
        self.events = Events()

    def new_id(self) -> UUID:
        return uuid4()

    def sees(self, reach: Reach, household_id: UUID, area_code: str) -> bool:
        """Inside the areas, and assigned where only that is seen."""
        if not any(area_code.startswith(prefix) for prefix in reach.prefixes):
            return False
        own = [row.held for row in self.assignments.rows.values() if row.held.agency == reach.assigned_to]
        return reach.assigned_to is None or any(
            held.household_id == household_id and held.status in ENTITLING for held in own
        )

    # -- the scene

    async def register(self, household_id: UUID, person_id: UUID, area: str = AREA) -> None:
        self.households.areas[household_id] = area
        self.households.members[household_id] = {person_id}

    async def record_help(self, problem_id: UUID, provided_on: date) -> None:
        self.problems.helped.add(problem_id)
        row = self.problems.rows[problem_id]
        row.move("being_helped", status="being_helped")
