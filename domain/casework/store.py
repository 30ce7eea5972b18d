"""What casework asks of its stores.

Locks are taken in one order, household, assignments, problems, so that two casework writes and the
statement that records assistance never wait for each other in a ring.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from domain.access.policy import Reach
from domain.casework.assignment import AssignmentDraft, AssignmentFilter
from domain.casework.menu_forms import MenuFilter
from domain.casework.menus import Menu, MenuDraft
from domain.casework.problem import AnalysisDraft, ProblemDraft, ProblemFilter, ProblemTransition
from domain.casework.states import ProblemStatus
from domain.kernel import Document, Listing, Paging

Moves = Mapping[str, Sequence[str]]
"""Which states this caller may move to, by the key of a row (domain/casework/moves.py)."""


@dataclass(frozen=True, slots=True)
class HeldProblem:
    """A problem as it is stored, locked for a change."""

    id: UUID
    household_id: UUID
    area_code: str
    person_id: UUID | None
    status: str
    proposed_status: str | None
    proposed_by: str | None
    dimension: str
    indicator_id: str | None
    solvability: str
    version: int
    need: str | None
    description: str | None


@dataclass(frozen=True, slots=True)
class HeldAssignment:
    """An assignment as it is stored, locked for a change."""

    id: UUID
    household_id: UUID
    area_code: str
    problem_ids: tuple[UUID, ...]
    agency: str
    role: str
    menu_code: str | None
    instructions: str | None
    due_on: date | None
    status: str
    version: int


@dataclass(frozen=True, slots=True)
class MatchSubject:
    """What a problem is matched by."""

    household_id: UUID
    area_code: str
    person_id: UUID | None
    dimension: str
    indicator_id: str | None


class ProblemStore(Protocol):
    async def view(self, reach: Reach, problem_id: UUID, moves: Moves) -> Document | None: ...
    async def page(self, reach: Reach, where: ProblemFilter, paging: Paging, moves: Moves) -> Listing: ...
    async def add(
        self, reach: Reach, problem_id: UUID, area_code: str, draft: ProblemDraft, *, now: datetime
    ) -> None: ...
    async def hold(self, reach: Reach, problem_ids: Sequence[UUID]) -> list[HeldProblem]:
        """Locks those within reach, with their households and open assignments, in the order of their ids."""
        ...

    async def amend(
        self, reach: Reach, held: HeldProblem, changes: Mapping[str, Any], *, now: datetime
    ) -> None: ...
    async def move(
        self, reach: Reach, held: HeldProblem, move: ProblemTransition, *, now: datetime
    ) -> None: ...
    async def propose(
        self, reach: Reach, held: HeldProblem, move: ProblemTransition, *, now: datetime
    ) -> None:
        """Notes the wish; the state stays."""
        ...

    async def follow(
        self, reach: Reach, held: Sequence[HeldProblem], to: ProblemStatus, reason: str, *, now: datetime
    ) -> None:
        """Moves the problems of one household because something else has happened."""
        ...

    async def subject(self, reach: Reach, problem_id: UUID) -> MatchSubject | None: ...
    async def has_assistance(self, held: HeldProblem) -> bool:
        """An event that still counts names the problem, or an assignment that covers it."""
        ...

    async def closed_in(self, household_id: UUID, problem_id: UUID) -> bool:
        """Whether an earlier problem of the household is resolved or declined, so that it can recur."""
        ...


class AnalysisStore(Protocol):
    async def add(
        self,
        reach: Reach,
        analysis_id: UUID,
        household_id: UUID,
        area_code: str,
        draft: AnalysisDraft,
        *,
        now: datetime,
    ) -> Document: ...
    async def page(self, reach: Reach, household_id: UUID, paging: Paging) -> Listing | None:
        """None where the household is absent or out of reach."""
        ...

    async def complete_one_exists(self, household_id: UUID) -> bool: ...


class AssignmentStore(Protocol):
    async def view(
        self, reach: Reach, assignment_id: UUID, moves: Moves, *, now: datetime
    ) -> Document | None: ...
    async def page(
        self, reach: Reach, where: AssignmentFilter, paging: Paging, moves: Moves, *, now: datetime
    ) -> Listing: ...
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
    ) -> None: ...
    async def hold(self, reach: Reach, assignment_id: UUID) -> HeldAssignment | None:
        """Locks it, its household first."""
        ...

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
    ) -> None: ...
    async def cancel_open(self, reach: Reach, problem: HeldProblem, reason: str, *, now: datetime) -> None:
        """Cancels the open assignments of the problem that are left with no open problem."""
        ...

    async def covered(self, household_id: UUID, problem_ids: Sequence[UUID]) -> set[UUID]:
        """Those that an assignment, decided and neither returned nor cancelled, still covers."""
        ...


class MenuStore(Protocol):
    async def view(self, menu_id: UUID) -> Document | None: ...
    async def page(self, where: MenuFilter, paging: Paging) -> Listing:
        """In the order of their codes."""
        ...

    async def add(self, reach: Reach, menu_id: UUID, draft: MenuDraft, *, now: datetime) -> None:
        """Raises Conflict `menu-exists` where the code is taken."""
        ...

    async def hold(self, menu_id: UUID) -> Menu | None: ...
    async def amend(self, reach: Reach, held: Menu, draft: MenuDraft, *, now: datetime) -> None: ...
    async def exists(self, code: str) -> bool:
        """Whether an enabled menu has the code."""
        ...

    async def enabled(self, dimension: str, indicators: Sequence[str]) -> list[Menu]:
        """Menus that may answer a problem of the dimension, or of one of the indicators."""
        ...
