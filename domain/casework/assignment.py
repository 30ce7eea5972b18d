"""An assignment: a responsible agency, a menu and a due date for problems of one household (contract 5)."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from domain.casework.states import AssignmentStatus
from domain.kernel import AreaCode, Code, Line, Moment, Text, Value


class Role(StrEnum):
    LEAD = "lead"
    JOINT = "joint"


class AssignmentDraft(Value):
    household_id: UUID | None = None
    """May be left out: it follows from the problems."""
    problem_ids: Annotated[list[UUID], Field(min_length=1, max_length=50)]
    menu_code: Code | None = None
    agency: Code
    role: Role = Role.LEAD
    due_on: date | None = None
    instructions: Text | None = None


class AssignmentTransition(Value):
    to: AssignmentStatus
    reason: Text | None = None
    """Required for `returned`, `escalated` and `cancelled`."""
    outcome: Text | None = None
    """What came of it, for `completed`."""
    agency: Code | None = None
    """For `escalated`: the agency that takes over, with an assignment of its own; null: none yet."""


class AssignmentMove(Value):
    at: datetime
    agency: str
    from_status: AssignmentStatus | None
    to_status: AssignmentStatus
    reason: str | None


class Assignment(Value):
    id: UUID
    household_id: UUID
    area_code: str
    problem_ids: list[UUID]
    menu_code: str | None
    agency: str
    role: Role
    meeting_id: UUID | None
    status: AssignmentStatus
    due_on: date | None
    overdue: bool
    """Open, and its due date has passed."""
    instructions: str | None
    outcome: str | None
    escalated_to: UUID | None
    """The assignment that took over."""
    history: list[AssignmentMove]
    allowed: list[AssignmentStatus]
    """The states this caller may move it to."""
    version: int
    created_at: datetime
    updated_at: datetime


class AssignmentFilter(Value):
    household_id: list[UUID] = Field(default=[], max_length=50)
    agency: Annotated[list[Line], Field(max_length=20)] = []
    status: Annotated[list[AssignmentStatus], Field(max_length=9)] = []
    overdue: bool | None = None
    area: Annotated[list[AreaCode], Field(max_length=50)] = []
    updated_since: Moment | None = None
