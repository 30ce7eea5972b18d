"""What the generator makes of one household, before it is rows or request bodies. Identifiers stand in clear."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID


@dataclass(slots=True, eq=False)
class Person:
    """A member; dates and income fit the relationship to the head."""

    id: UUID
    citizen_id: str | None
    no_id_reason: str | None
    relationship: str
    prefix: str
    first_name: str
    last_name: str
    sex: str
    birth_date: date
    age: int
    """Full years at the end of the demo's fiscal year."""
    joined_on: date | None = None
    deceased_on: date | None = None
    welfare_card: str = "no_card"
    disabilities: list[str] = field(default_factory=list)
    bedridden: bool = False
    able_to_work: bool = True
    occupation: str | None = None
    annual_income: int | None = None
    """Baht a year."""
    phone: str | None = None


class Result(NamedTuple):
    """The answer to one indicator, of a member or (None) of the household."""

    indicator_id: str
    person_id: UUID | None
    result: str


class Move(NamedTuple):
    """A line in the history of a problem or an assignment."""

    id: UUID
    at: datetime
    agency: str
    client_id: str
    from_status: str | None
    to_status: str
    reason: str | None = None
    occurred_on: date | None = None
    moved_to: str | None = None
    evidence: tuple[dict[str, Any], ...] = ()
    proposal: bool = False


@dataclass(slots=True, eq=False)
class Problem:
    id: UUID
    person_id: UUID | None
    dimension: str
    indicator_id: str | None
    fiscal_year: int
    need: str
    description: str
    source: str
    solvability: str
    created_at: datetime
    recurrence_of: UUID | None = None
    status: str = "identified"
    proposed_status: str | None = None
    proposed_by: str | None = None
    moved_to: str | None = None
    moves: list[Move] = field(default_factory=list)


class Analysis(NamedTuple):
    id: UUID
    parts: tuple[str | None, str | None, str | None, str | None]
    """Attitude, skills, resources, way out."""
    analysed_on: date
    analysts: list[str]
    agency: str
    created_at: datetime


@dataclass(slots=True, eq=False)
class Assignment:
    id: UUID
    problems: list[Problem]
    menu_code: str
    agency: str
    role: str
    due_on: date
    instructions: str
    created_at: datetime
    status: str
    outcome: str | None = None
    escalated_to: UUID | None = None
    moves: list[Move] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Event:
    id: UUID
    external_id: str
    agency: str
    assignment_id: UUID | None
    problem_ids: list[UUID]
    reason_no_problem: str | None
    menu_code: str | None
    dimension: str
    assistance_type: str
    description: str
    provided_on: date
    value_baht: int | None
    quantity: int | None
    unit: str | None
    budget_source: str | None
    beneficiaries: list[UUID]
    evidence: list[dict[str, Any]]
    obstacle: str | None
    suggestion: str | None
    recorded_at: datetime


@dataclass(slots=True, eq=False)
class Household:
    """A household with everything that hangs on it."""

    number: int
    id: UUID
    area_code: str
    house_code: str | None
    house_no: str
    moo: int
    village_name: str
    road: str | None
    postcode: str | None
    latitude: float | None
    longitude: float | None
    has_land: bool | None
    classification: str
    created_at: datetime
    members: list[Person]
    case_status: str = "imported"
    close_outcome: str | None = None
    stage: str | None = None
    annual_income_per_person: str | None = None
    """Baht with two decimals."""
    dimension_mask: str | None = None
    target_groups: list[dict[str, Any]] = field(default_factory=list)
    sources: list[dict[str, Any]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    surveyed_at: datetime | None = None
    analyses: list[Analysis] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    version: int = 1
    updated_at: datetime | None = None
    """None: nothing has changed since it was created."""

    @property
    def head(self) -> Person:
        return self.members[0]

    @property
    def living(self) -> list[Person]:
        """The members who can be helped."""
        return [person for person in self.members if person.deceased_on is None]
