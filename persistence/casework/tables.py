"""Problems, analyses, assignments and their moves. No DELETE is granted on any of them."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel

from domain.casework import assignment as a
from domain.casework import problem as p
from domain.casework.states import AssignmentStatus, ProblemStatus
from domain.registry.household import DataSource
from persistence import columns as c

_PROPOSABLE = (ProblemStatus.RESOLVED, ProblemStatus.ENTERED_IN_ERROR)


class ProblemRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "problem"
    __table_args__ = (
        c.of_household("problem"),
        c.shape("problem", "area_code", c.AREA_SHAPE),
        c.known("problem", "dimension", p.ProblemDimension),
        c.known("problem", "source", DataSource),
        c.known("problem", "solvability", p.Solvability),
        c.known("problem", "status", ProblemStatus),
        c.known("problem", "proposed_status", _PROPOSABLE),
        sa.CheckConstraint("(status = 'moved_out') = (moved_to IS NOT NULL)", name="problem_moved_to"),
        sa.CheckConstraint("status <> 'deceased' OR person_id IS NOT NULL", name="problem_deceased_person"),
        sa.Index("problem_id", "id"),
        *c.by_area("problem"),
        sa.Index("problem_status_household", "status", "household_id"),
    )
    household_id: UUID = c.key(c.UUID)
    id: UUID = c.key(c.UUID)
    area_code: str = c.col(c.CODE)
    person_id: UUID | None = c.opt(c.UUID)
    dimension: str = c.col(c.TEXT)
    indicator_id: str | None = c.opt(c.CODE)
    fiscal_year: int = c.col(c.INTEGER)
    need: str | None = c.opt(c.TEXT)
    description: str | None = c.opt(c.TEXT)
    source: str = c.col(c.TEXT)
    solvability: str = c.col(c.TEXT)
    status: str = c.col(c.TEXT)
    proposed_status: str | None = c.opt(c.TEXT)
    proposed_by: str | None = c.opt(c.TEXT)
    """The client that proposed: another one has to confirm an `entered_in_error`."""
    recurrence_of: UUID | None = c.opt(c.UUID)
    moved_to: str | None = c.opt(c.TEXT)
    version: int = c.col(c.INTEGER, "1")
    created_at: datetime = c.col(c.TIME)
    updated_at: datetime = c.col(c.TIME)


class ProblemMoveRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "problem_move"
    __table_args__ = (
        c.of_household("problem_move"),
        c.known("problem_move", "from_status", ProblemStatus),
        c.known("problem_move", "to_status", ProblemStatus),
        sa.Index("problem_move_problem", "household_id", "problem_id"),
    )
    household_id: UUID = c.key(c.UUID)
    id: UUID = c.key(c.UUID)
    problem_id: UUID = c.col(c.UUID)
    area_code: str = c.col(c.CODE)
    at: datetime = c.col(c.TIME)
    agency: str = c.col(c.CODE)
    client_id: str = c.col(c.TEXT)
    from_status: str | None = c.opt(c.TEXT)
    to_status: str = c.col(c.TEXT)
    proposal: bool = c.col(c.BOOLEAN, "false")
    reason: str | None = c.opt(c.TEXT)
    occurred_on: date | None = c.opt(c.DATE)
    moved_to: str | None = c.opt(c.TEXT)
    evidence: list[dict[str, Any]] = c.col(c.JSON, "'[]'")


class AnalysisRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "analysis"
    __table_args__ = (
        c.of_household("analysis"),
        sa.CheckConstraint(
            "complete = (attitude IS NOT NULL AND skills IS NOT NULL AND resources IS NOT NULL AND way_out IS NOT NULL)",
            name="analysis_complete",
        ),
    )
    household_id: UUID = c.key(c.UUID)
    id: UUID = c.key(c.UUID)
    area_code: str = c.col(c.CODE)
    attitude: str | None = c.opt(c.TEXT)
    skills: str | None = c.opt(c.TEXT)
    resources: str | None = c.opt(c.TEXT)
    way_out: str | None = c.opt(c.TEXT)
    analysed_on: date = c.col(c.DATE)
    analysts: list[str] = c.col(c.TEXTS, "'{}'")
    complete: bool = c.col(c.BOOLEAN)
    agency: str = c.col(c.CODE)
    created_at: datetime = c.col(c.TIME)


class AssignmentRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "assignment"
    __table_args__ = (
        c.of_household("assignment"),
        c.shape("assignment", "area_code", c.AREA_SHAPE),
        c.known("assignment", "role", a.Role),
        c.known("assignment", "status", AssignmentStatus),
        sa.CheckConstraint("cardinality(problem_ids) > 0", name="assignment_has_problems"),
        sa.Index("assignment_id", "id"),
        sa.Index("assignment_agency_household", "agency", "household_id", "status"),
        sa.Index("assignment_agency", "agency", "id"),
        *c.by_area("assignment"),
    )
    household_id: UUID = c.key(c.UUID)
    id: UUID = c.key(c.UUID)
    area_code: str = c.col(c.CODE)
    problem_ids: list[UUID] = c.col(c.UUIDS)
    menu_code: str | None = c.opt(c.CODE)
    agency: str = c.col(c.CODE)
    role: str = c.col(c.TEXT)
    meeting_id: UUID | None = c.opt(c.UUID)
    status: str = c.col(c.TEXT)
    due_on: date | None = c.opt(c.DATE)
    instructions: str | None = c.opt(c.TEXT)
    outcome: str | None = c.opt(c.TEXT)
    escalated_to: UUID | None = c.opt(c.UUID)
    version: int = c.col(c.INTEGER, "1")
    created_at: datetime = c.col(c.TIME)
    updated_at: datetime = c.col(c.TIME)


class AssignmentMoveRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "assignment_move"
    __table_args__ = (
        c.of_household("assignment_move"),
        c.known("assignment_move", "from_status", AssignmentStatus),
        c.known("assignment_move", "to_status", AssignmentStatus),
        sa.Index("assignment_move_assignment", "household_id", "assignment_id"),
    )
    household_id: UUID = c.key(c.UUID)
    id: UUID = c.key(c.UUID)
    assignment_id: UUID = c.col(c.UUID)
    area_code: str = c.col(c.CODE)
    at: datetime = c.col(c.TIME)
    agency: str = c.col(c.CODE)
    client_id: str = c.col(c.TEXT)
    from_status: str | None = c.opt(c.TEXT)
    to_status: str = c.col(c.TEXT)
    reason: str | None = c.opt(c.TEXT)
