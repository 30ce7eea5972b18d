"""An assistance event: what an agency gave to a household, append-only (contract 6)."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, PlainSerializer, model_validator
from pydantic_core import PydanticCustomError

from domain.casework.problem import ProblemDimension
from domain.kernel import AreaCode, Code, Evidence, HouseCode, Line, Moment, Money, Text, Value
from domain.registry.person import CitizenIdText


class AssistanceType(StrEnum):
    RELIEF = "relief"
    LIVELIHOOD = "livelihood"
    TRAINING = "training"
    MATERIAL = "material"
    HOUSING_REPAIR = "housing_repair"
    HEALTH_SERVICE = "health_service"
    ENTITLEMENT = "entitlement"
    FINANCE_ACCESS = "finance_access"
    MARKET_ACCESS = "market_access"
    EDUCATION = "education"
    LAND = "land"
    ADVICE = "advice"
    HOME_VISIT = "home_visit"
    REFERRAL = "referral"
    OTHER = "other"


class EventStatus(StrEnum):
    RECORDED = "recorded"
    CORRECTED = "corrected"
    VOIDED = "voided"
    CONFIRMED = "confirmed"


class Outcome(StrEnum):
    """What became of a posted event."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    LINKED = "linked"
    QUEUED = "queued"


class OnUnknown(StrEnum):
    REJECT = "reject"
    REGISTER = "register"


class HouseholdRef(Value):
    """Exactly one way to name a household."""

    id: UUID | None = None
    house_code: HouseCode | None = None
    citizen_id: CitizenIdText | None = None

    @model_validator(mode="after")
    def _one(self) -> "HouseholdRef":
        if sum(x is not None for x in (self.id, self.house_code, self.citizen_id)) != 1:
            raise PydanticCustomError("one-identifier", "Give exactly one of id, house_code, citizen_id.")
        return self


Quantity = Annotated[
    Decimal,
    Field(ge=0, le=Decimal("999999999"), max_digits=12, decimal_places=3, allow_inf_nan=False),
    PlainSerializer(float, return_type=float),
]


class EventDraft(Value):
    """The body of `POST /v1/assistance-events`. The agency is always the token's."""

    external_id: Annotated[Line, Field(max_length=200)]
    """The partner's own record id, unique within its agency: a retry with it makes no second record."""
    household: HouseholdRef
    assignment_id: UUID | None = None
    problem_ids: Annotated[list[UUID], Field(max_length=50)] = Field(default_factory=list)
    reason_no_problem: Text | None = None
    """Why the help answers no recorded problem."""
    menu_code: Code | None = None
    plan_activity_id: UUID | None = None
    dimension: ProblemDimension
    assistance_type: AssistanceType
    description: Text | None = None
    provided_on: date
    value_baht: Money | None = None
    quantity: Quantity | None = None
    unit: Line | None = None
    budget_source: Line | None = None
    beneficiaries: Annotated[list[UUID], Field(max_length=50)] = Field(default_factory=list)
    """Members of the household; empty: the household as a whole."""
    project_code: Line | None = None
    evidence: Annotated[list[Evidence], Field(max_length=20)] = Field(default_factory=list)
    obstacle: Text | None = None
    suggestion: Text | None = None
    on_unknown: OnUnknown = OnUnknown.REJECT


class Receipt(Value):
    outcome: Outcome
    household_id: UUID | None
    warnings: list[str]


class AssistanceEvent(Value):
    id: UUID
    external_id: str
    agency: str
    household_id: UUID | None
    """Null while the event waits for its household to be registered."""
    area_code: str | None
    assignment_id: UUID | None
    problem_ids: list[UUID]
    reason_no_problem: str | None
    menu_code: str | None
    plan_activity_id: UUID | None
    dimension: ProblemDimension
    assistance_type: AssistanceType
    description: str | None
    provided_on: date
    value_baht: Money | None
    quantity: Quantity | None
    unit: str | None
    budget_source: str | None
    beneficiaries: list[UUID]
    project_code: str | None
    evidence: list[Evidence]
    obstacle: str | None
    suggestion: str | None
    status: EventStatus
    """`corrected` and `voided` count no more; what was said stays readable."""
    recorded_at: datetime
    confirmed_at: datetime | None
    """When its assignment was confirmed."""
    supersedes: UUID | None
    """The earlier version that this one replaces."""
    superseded_by: UUID | None
    """The version that replaces this one; the newest has none."""
    corrected_at: datetime | None
    voided_at: datetime | None
    correction_reason: str | None
    """Why it was corrected or voided."""
    version: int
    """Grows with what becomes of the event; what was said never changes."""


class RecordedEvent(AssistanceEvent):
    """The answer to a post."""

    receipt: Receipt


class EventReceipt(Value):
    """What has become of an event so far."""

    event_id: UUID
    external_id: str
    household_id: UUID | None
    """Null while the event waits for its household to be registered."""
    status: EventStatus
    recorded_at: datetime
    linked_at: datetime | None
    """When an event that waited for its household found it."""
    confirmed_at: datetime | None
    """When its assignment was confirmed."""
    snapshot: str | None
    """The month of the first snapshot that has counted it; null: none so far."""
    corrected_at: datetime | None
    voided_at: datetime | None
    correction_reason: str | None
    supersedes: UUID | None
    superseded_by: UUID | None


class EventFilter(Value):
    household_id: list[UUID] = Field(default=[], max_length=50)
    agency: Annotated[list[Line], Field(max_length=20)] = []
    area: Annotated[list[AreaCode], Field(max_length=50)] = []
    dimension: Annotated[list[ProblemDimension], Field(max_length=6)] = []
    assistance_type: Annotated[list[AssistanceType], Field(max_length=15)] = []
    status: Annotated[list[EventStatus], Field(max_length=4)] = []
    """What counts is `recorded` or `confirmed`."""
    provided_from: date | None = None
    provided_to: date | None = None
    recorded_since: Moment | None = None


class QueuedEvent(Value):
    """Help that waits for its household to be registered: whom somebody has helped, and no register knows."""

    id: UUID
    """The event's; its agency knows whom it means."""
    agency: str
    areas: list[str]
    """Where the household may live: the areas of the client that posted the event; empty text: anywhere."""
    citizen_id: str | None
    """Its last three digits, whatever the caller's rights."""
    house_code: str | None
    dimension: ProblemDimension
    assistance_type: AssistanceType
    provided_on: date
    recorded_at: datetime


class QueueFilter(Value):
    area: Annotated[list[AreaCode], Field(max_length=50)] = []
    """Events whose household may live there."""
    agency: Annotated[list[Line], Field(max_length=20)] = []
    dimension: Annotated[list[ProblemDimension], Field(max_length=6)] = []
