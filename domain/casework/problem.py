"""A problem or need of a household or of one of its members (contract 5). Never deleted."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from domain.casework.states import ProblemStatus
from domain.kernel import AreaCode, Code, Evidence, FiscalYear, Line, Moment, Text, Value
from domain.registry.household import DataSource


class ProblemDimension(StrEnum):
    HEALTH = "health"
    LIVING = "living"
    EDUCATION = "education"
    INCOME = "income"
    ACCESS = "access"
    OTHER = "other"


class Solvability(StrEnum):
    SELF_SOLVABLE = "self_solvable"
    EXTERNAL_RESOURCE = "external_resource"


class ProblemDraft(Value):
    household_id: UUID
    person_id: UUID | None = None
    """The member concerned; null: the household as a whole."""
    dimension: ProblemDimension
    indicator_id: Code | None = None
    fiscal_year: FiscalYear
    need: Line | None = None
    """What would help, in a few words."""
    description: Text | None = None
    source: DataSource = DataSource.LOCAL
    solvability: Solvability = Solvability.EXTERNAL_RESOURCE
    recurrence_of: UUID | None = None
    """An earlier, closed problem of the same household that has come back."""


class ProblemPatch(Value):
    """Merge patch; the state moves by transitions only."""

    need: Line | None = None
    description: Text | None = None
    solvability: Solvability = Solvability.EXTERNAL_RESOURCE
    indicator_id: Code | None = None


class ProblemTransition(Value):
    to: ProblemStatus
    reason: Text | None = None
    """Required for everything but `analysed`."""
    occurred_on: date | None = None
    """When it happened; today if absent, never in the future."""
    moved_to: Line | None = None
    """Required for `moved_out`: where to."""
    evidence: Annotated[list[Evidence], Field(max_length=20)] = []


class ProblemMove(Value):
    """One line of a problem's history."""

    at: datetime
    agency: str
    from_status: ProblemStatus | None
    to_status: ProblemStatus
    proposal: bool
    """Asked for, and waiting for somebody entitled to decide."""
    reason: str | None
    occurred_on: date | None
    moved_to: str | None
    evidence: list[Evidence]


class Problem(Value):
    id: UUID
    household_id: UUID
    person_id: UUID | None
    area_code: str
    dimension: ProblemDimension
    indicator_id: str | None
    fiscal_year: int
    need: str | None
    description: str | None
    source: DataSource
    solvability: Solvability
    status: ProblemStatus
    proposed_status: ProblemStatus | None
    """`resolved` or `entered_in_error`, proposed and not yet confirmed."""
    recurrence_of: UUID | None
    moved_to: str | None
    history: list[ProblemMove]
    allowed: list[ProblemStatus]
    """The states this caller may move it to."""
    version: int
    created_at: datetime
    updated_at: datetime


class ProblemFilter(Value):
    household_id: list[UUID] = Field(default=[], max_length=50)
    area: Annotated[list[AreaCode], Field(max_length=50)] = []
    status: Annotated[list[ProblemStatus], Field(max_length=9)] = []
    dimension: Annotated[list[ProblemDimension], Field(max_length=6)] = []
    indicator: Annotated[list[Line], Field(max_length=50)] = []
    fiscal_year: Annotated[list[Annotated[int, Field(ge=2500, le=2700)]], Field(max_length=20)] = []
    solvability: Annotated[list[Solvability], Field(max_length=2)] = []
    updated_since: Moment | None = None


class AnalysisDraft(Value):
    """๔ท: attitude, skills, resources, way out; all four parts, or it is saved incomplete."""

    attitude: Text | None = None
    """ทัศนคติ"""
    skills: Text | None = None
    """ทักษะ"""
    resources: Text | None = None
    """ทรัพยากร"""
    way_out: Text | None = None
    """ทางออก"""
    analysed_on: date
    analysts: Annotated[list[Line], Field(max_length=20)] = []


class Analysis(AnalysisDraft):
    id: UUID
    household_id: UUID
    complete: bool
    created_at: datetime
