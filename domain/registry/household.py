"""A household and its members: draft, patch, and the value a caller reads (contract 4)."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from domain.casework.states import ProblemStatus
from domain.kernel import AreaCode, FiscalYear, HouseCode, Line, Moment, Money, PlaceCode, Value
from domain.registry.person import Person, PersonDraft, WelfareCard


class CaseStatus(StrEnum):
    IMPORTED = "imported"
    VERIFIED = "verified"
    CLASSIFIED = "classified"
    ANALYSED = "analysed"
    PLANNED = "planned"
    IN_ASSISTANCE = "in_assistance"
    MONITORING = "monitoring"
    CLOSED = "closed"


class Dimension(StrEnum):
    """In the order of the dimension mask."""

    HEALTH = "health"
    LIVING = "living"
    EDUCATION = "education"
    INCOME = "income"
    ACCESS = "access"


class CloseOutcome(StrEnum):
    RESOLVED = "resolved"
    DECLINED = "declined"
    MOVED_OUT = "moved_out"
    DECEASED = "deceased"
    PASSED = "passed"
    DUPLICATE = "duplicate"


class Classification(StrEnum):
    UNCLASSIFIED = "unclassified"
    DEVELOPABLE = "developable"
    WELFARE = "welfare"
    DECLINED = "declined"
    OTHER = "other"


class Stage(StrEnum):
    SURVIVE = "survive"
    SUFFICIENT = "sufficient"
    SUSTAIN = "sustain"


class DataSource(StrEnum):
    """Where a record came from (reference enums, `data_source`)."""

    BMN = "bmn"
    TPMAP = "tpmap"
    THAIQM = "thaiqm"
    VULNERABLE = "vulnerable"
    WELFARE_CARD = "welfare_card"
    LOCAL = "local"
    MPI_QUESTIONNAIRE = "mpi_questionnaire"


class Relationship(StrEnum):
    """To the head of the household; assumed, the seeds give no list."""

    HEAD = "head"
    SPOUSE = "spouse"
    CHILD = "child"
    PARENT = "parent"
    SIBLING = "sibling"
    GRANDCHILD = "grandchild"
    GRANDPARENT = "grandparent"
    CHILD_IN_LAW = "child_in_law"
    PARENT_IN_LAW = "parent_in_law"
    RELATIVE = "relative"
    OTHER = "other"


class Group(StrEnum):
    """Target groups of the programme (001 §1)."""

    G1 = "1"
    G1A = "1a"
    G1B = "1b"
    G2 = "2"
    G3 = "3"
    G3A = "3a"
    G3B = "3b"
    G4 = "4"


class Address(Value):
    house_no: Line | None = None
    moo: Annotated[int, Field(ge=0, le=99)] | None = None
    """Village number within the subdistrict."""
    village_name: Line | None = None
    road: Line | None = None
    postcode: Annotated[str, Field(pattern=r"^[0-9]{5}$")] | None = None


class Location(Value):
    """WGS 84 degrees, inside the country's bounding box."""

    latitude: Annotated[float, Field(ge=5.5, le=20.6)]
    longitude: Annotated[float, Field(ge=97.3, le=105.7)]


class SourceRecord(Value):
    system: DataSource
    record_id: Line | None = None
    seen_on: date | None = None


class TargetGroup(Value):
    fiscal_year: FiscalYear
    group: Group


class MemberDraft(Value):
    relationship: Relationship
    joined_on: date | None = None
    person: PersonDraft


class Member(Value):
    person_id: UUID
    relationship: Relationship
    joined_on: date | None
    left_on: date | None
    person: Person


TargetGroups = Annotated[list[TargetGroup], Field(max_length=40)]


class HouseholdDraft(Value):
    """A household to be registered with its members, all or nothing."""

    house_code: HouseCode | None = None
    address: Address = Address()
    area_code: PlaceCode
    location: Location | None = None
    classification: Classification = Classification.UNCLASSIFIED
    stage: Stage | None = None
    annual_income_per_person: Money | None = None
    target_groups: TargetGroups = []
    sources: Annotated[list[SourceRecord], Field(max_length=20)] = []
    has_land: bool | None = None
    members: Annotated[list[MemberDraft], Field(max_length=50)] = []


class HouseholdPatch(Value):
    """Merge patch of a household: absent keeps, null clears. Its area changes by a move only."""

    house_code: HouseCode | None = None
    address: Address = Address()
    location: Location | None = None
    case_status: CaseStatus = CaseStatus.IMPORTED
    close_outcome: CloseOutcome | None = None
    classification: Classification = Classification.UNCLASSIFIED
    stage: Stage | None = None
    annual_income_per_person: Money | None = None
    target_groups: TargetGroups = []
    has_land: bool | None = None


class Household(Value):
    id: UUID
    house_code: str | None
    address: Address
    area_code: str
    location: Location | None
    case_status: CaseStatus
    close_outcome: CloseOutcome | None
    classification: Classification
    stage: Stage | None
    annual_income_per_person: Money | None
    dimension_mask: str | None
    """Five digits in the order health, living, education, income, access; 1 fails. Null: never surveyed."""
    target_groups: list[TargetGroup]
    sources: list[SourceRecord]
    head_person_id: UUID | None
    incomplete: list[str]
    """What is missing before the record is whole, e.g. `head`."""
    members: list[Member]
    has_land: bool | None
    version: int
    created_at: datetime
    updated_at: datetime


class HouseholdFilter(Value):
    """Filters of the household list: they AND; a repeated one ORs."""

    id: Annotated[list[UUID], Field(max_length=200)] = []
    area: Annotated[list[AreaCode], Field(max_length=50)] = []
    case_status: Annotated[list[CaseStatus], Field(max_length=8)] = []
    failed_dimension: Annotated[list[Dimension], Field(max_length=5)] = []
    dimension_mask: Annotated[list[Annotated[str, Field(pattern=r"^[01]{5}$")]], Field(max_length=32)] = []
    indicator: Annotated[list[Line], Field(max_length=50)] = []
    """Ids of failed indicators, e.g. bmn-38-29."""
    problem_status: Annotated[list[ProblemStatus], Field(max_length=9)] = []
    target_group: Annotated[list[Group], Field(max_length=8)] = []
    fiscal_year: Annotated[list[Annotated[int, Field(ge=2500, le=2700)]], Field(max_length=20)] = []
    """Of the target groups."""
    classification: Annotated[list[Classification], Field(max_length=5)] = []
    stage: Annotated[list[Stage], Field(max_length=3)] = []
    source: Annotated[list[DataSource], Field(max_length=7)] = []
    welfare_card: Annotated[list[WelfareCard], Field(max_length=3)] = []
    assigned_agency: Annotated[list[Line], Field(max_length=20)] = []
    updated_since: Moment | None = None
