"""Assistance events and the natural key that makes a retry find its first record. No UPDATE of what was said: the
service's role may change what became of an event alone (persistence/grants.py)."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel

from domain.assistance import event as e
from domain.casework.problem import ProblemDimension
from persistence import columns as c


class EventRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "assistance_event"
    __table_args__ = (
        c.of_household("assistance_event"),
        c.shape("assistance_event", "area_code", c.AREA_SHAPE),
        c.known("assistance_event", "dimension", ProblemDimension),
        c.known("assistance_event", "assistance_type", e.AssistanceType),
        c.known("assistance_event", "status", e.EventStatus),
        sa.CheckConstraint("value_baht >= 0", name="assistance_event_value_positive"),
        sa.CheckConstraint("quantity >= 0", name="assistance_event_quantity_positive"),
        sa.CheckConstraint(
            "(status = 'corrected') = (superseded_by IS NOT NULL) AND (superseded_by IS NULL) = (corrected_at IS NULL)",
            name="assistance_event_corrected",
        ),
        sa.CheckConstraint("(status = 'voided') = (voided_at IS NOT NULL)", name="assistance_event_voided"),
        sa.CheckConstraint(
            "status <> 'confirmed' OR confirmed_at IS NOT NULL", name="assistance_event_confirmed"
        ),
        sa.Index("assistance_event_id", "id"),
        sa.Index("assistance_event_agency", "agency", "id"),
        sa.Index(
            "assistance_event_supersedes",
            "household_id",
            "supersedes",
            unique=True,
            postgresql_where=sa.text("supersedes IS NOT NULL"),
        ),
        *c.by_area("assistance_event"),
    )
    household_id: UUID = c.key(c.UUID)
    id: UUID = c.key(c.UUID)
    area_code: str = c.col(c.CODE)
    agency: str = c.col(c.CODE)
    external_id: str = c.col(c.TEXT)
    assignment_id: UUID | None = c.opt(c.UUID)
    problem_ids: list[UUID] = c.col(c.UUIDS, "'{}'")
    reason_no_problem: str | None = c.opt(c.TEXT)
    menu_code: str | None = c.opt(c.CODE)
    plan_activity_id: UUID | None = c.opt(c.UUID)
    dimension: str = c.col(c.TEXT)
    assistance_type: str = c.col(c.TEXT)
    description: str | None = c.opt(c.TEXT)
    provided_on: date = c.col(c.DATE)
    value_baht: Decimal | None = c.opt(c.MONEY)
    quantity: Decimal | None = c.opt(sa.Numeric(12, 3))
    unit: str | None = c.opt(c.TEXT)
    budget_source: str | None = c.opt(c.TEXT)
    beneficiaries: list[UUID] = c.col(c.UUIDS, "'{}'")
    project_code: str | None = c.opt(c.TEXT)
    evidence: list[dict[str, Any]] = c.col(c.JSON, "'[]'")
    obstacle: str | None = c.opt(c.TEXT)
    suggestion: str | None = c.opt(c.TEXT)
    status: str = c.col(c.TEXT)
    recorded_at: datetime = c.col(c.TIME)
    linked_at: datetime | None = c.opt(c.TIME)
    """When a queued event found its household."""
    confirmed_at: datetime | None = c.opt(c.TIME)
    supersedes: UUID | None = c.opt(c.UUID)
    superseded_by: UUID | None = c.opt(c.UUID)
    corrected_at: datetime | None = c.opt(c.TIME)
    voided_at: datetime | None = c.opt(c.TIME)
    correction_reason: str | None = c.opt(c.TEXT)
    version: int = c.col(c.INTEGER, "1")
    """What was said never changes; what became of it does."""


class EventKeyRow(SQLModel, table=True):
    """(agency, external id) names one event. Keyed by agency, so that it stays unique under Citus."""

    __tablename__: ClassVar[Any] = "event_key"
    __table_args__ = (sa.CheckConstraint("octet_length(content_hash) = 32", name="event_key_hash_shape"),)
    agency: str = c.key(c.CODE)
    external_id: str = c.key(c.TEXT)
    event_id: UUID = c.col(c.UUID)
    """The first one: a retry of what it said is a duplicate of it, whatever has corrected it since."""
    household_id: UUID | None = c.opt(c.UUID)
    """Null while the event waits in the queue of unknown households."""
    content_hash: bytes = c.col(c.BYTES)


class QueuedEventRow(SQLModel, table=True):
    """The exclusion-error queue (target group 4): help for a household that nobody has registered yet."""

    __tablename__: ClassVar[Any] = "queued_event"
    __table_args__ = (
        sa.Index("queued_event_blind_index", "blind_index"),
        sa.Index("queued_event_house_code", "house_code"),
        sa.Index("queued_event_waiting", "id", postgresql_where=sa.text("waits")),
    )
    agency: str = c.key(c.CODE)
    id: UUID = c.key(c.UUID)
    external_id: str = c.col(c.TEXT)
    blind_index: bytes | None = c.opt(c.BYTES)
    house_code: str | None = c.opt(c.CODE)
    citizen_id_sealed: bytes | None = c.opt(c.BYTES)
    draft: dict[str, Any] = c.col(c.JSON)
    """The event as posted, without the citizen id, and what became of it since."""
    client_id: str = c.col(c.TEXT)
    areas: list[str] = c.col(c.TEXTS)
    """The poster's areas: it is linked only where the poster could have posted it."""
    recorded_at: datetime = c.col(c.TIME)
    waits: bool = c.col(c.BOOLEAN, "true")
    """It is to be linked: the newest version of its event, and not voided."""
