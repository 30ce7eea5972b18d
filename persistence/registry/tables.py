"""Households, persons, memberships, indicator results. Maps of tables, never instantiated.

Keys start with the household (Citus can distribute by it); every row carries its `area_code`, which the
feed, the reports and row-level security need.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel

from domain.registry import household as h
from domain.registry import person as p
from domain.registry.indicators import Result
from persistence import columns as c

_T = "household"


class HouseholdRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "household"
    __table_args__ = (
        c.shape(_T, "area_code", c.AREA_SHAPE),
        c.shape(_T, "house_code", "^[0-9]{11}$"),
        c.shape(_T, "dimension_mask", "^[01]{5}$"),
        c.known(_T, "case_status", h.CaseStatus),
        c.known(_T, "close_outcome", h.CloseOutcome),
        c.known(_T, "classification", h.Classification),
        c.known(_T, "stage", h.Stage),
        sa.CheckConstraint(
            "(case_status = 'closed') = (close_outcome IS NOT NULL)", name="household_close_outcome"
        ),
        sa.CheckConstraint("annual_income_per_person >= 0", name="household_income_positive"),
        sa.CheckConstraint(
            "merged_into IS NULL OR (close_outcome = 'duplicate' AND merged_into <> id)",
            name="household_merged_closed",
        ),
        sa.Index("household_house_code", "house_code"),
        sa.Index(
            "household_merged_into",
            "merged_into",
            postgresql_where=sa.text("merged_into IS NOT NULL"),
        ),
        sa.Index("household_updated", "updated_at", "id"),
        *c.by_area(_T),
        sa.Index("household_province_updated", sa.text("left(area_code, 2)"), "updated_at", "id"),
        sa.Index("household_facets", "facets", postgresql_using="gin"),
    )
    id: UUID = c.key(c.UUID)
    area_code: str = c.col(c.CODE)
    house_code: str | None = c.opt(c.CODE)
    house_no: str | None = c.opt(c.TEXT)
    moo: int | None = c.opt(c.INTEGER)
    village_name: str | None = c.opt(c.TEXT)
    road: str | None = c.opt(c.TEXT)
    postcode: str | None = c.opt(c.TEXT)
    latitude: float | None = c.opt(sa.Double())
    longitude: float | None = c.opt(sa.Double())
    case_status: str = c.col(c.TEXT)
    close_outcome: str | None = c.opt(c.TEXT)
    classification: str = c.col(c.TEXT)
    stage: str | None = c.opt(c.TEXT)
    annual_income_per_person: Decimal | None = c.opt(c.MONEY)
    dimension_mask: str | None = c.opt(c.TEXT)
    target_groups: list[dict[str, Any]] = c.col(c.JSON, "'[]'")
    sources: list[dict[str, Any]] = c.col(c.JSON, "'[]'")
    has_land: bool | None = c.opt(c.BOOLEAN)
    provenance: dict[str, Any] = c.col(c.JSON, "'{}'")
    """Where the fields come from (domain/registry/provenance.py)."""
    head_person_id: UUID | None = c.opt(c.UUID)
    facets: list[str] = c.col(c.TEXTS, "'{}'")
    """What the rarer filters match, as `kind:value`: failed indicators, sources, cards, target groups."""
    merged_into: UUID | None = c.opt(c.UUID)
    """The household that this one was a duplicate of: it answers for it, however often that one is merged on."""
    version: int = c.col(c.INTEGER, "1")
    created_at: datetime = c.col(c.TIME)
    updated_at: datetime = c.col(c.TIME)


class PersonRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "person"
    __table_args__ = (
        c.of_household("person"),
        c.shape("person", "area_code", c.AREA_SHAPE),
        c.shape("person", "citizen_id_tail", "^[0-9]{3}$"),
        c.known("person", "sex", p.Sex),
        c.known("person", "vital_status", p.VitalStatus),
        c.known("person", "welfare_card", p.WelfareCard),
        c.known("person", "no_id_reason", p.NoIdReason),
        sa.CheckConstraint(
            "(citizen_id_tail IS NULL) = (no_id_reason IS NOT NULL)", name="person_identified"
        ),
        sa.CheckConstraint(
            "(citizen_id_tail IS NULL) = (citizen_id_sealed IS NULL)", name="person_citizen_id_sealed"
        ),
        sa.CheckConstraint("annual_income >= 0", name="person_income_positive"),
        sa.Index("person_id", "id"),
        sa.Index("person_first_name", "first_name_key", "household_id"),
        sa.Index("person_last_name", "last_name_key", "household_id"),
    )
    household_id: UUID = c.key(c.UUID)
    id: UUID = c.key(c.UUID)
    area_code: str = c.col(c.CODE)
    citizen_id_tail: str | None = c.opt(c.TEXT)
    """The last three digits, so that a masked read decrypts nothing."""
    citizen_id_sealed: bytes | None = c.opt(c.BYTES)
    no_id_reason: str | None = c.opt(c.TEXT)
    prefix: str | None = c.opt(c.TEXT)
    first_name: str = c.col(c.TEXT)
    last_name: str | None = c.opt(c.TEXT)
    first_name_key: str = c.col(c.CODE)
    last_name_key: str | None = c.opt(c.CODE)
    sex: str = c.col(c.TEXT)
    birth_date: date | None = c.opt(c.DATE)
    vital_status: str = c.col(c.TEXT)
    deceased_on: date | None = c.opt(c.DATE)
    welfare_card: str = c.col(c.TEXT)
    disabilities: list[str] = c.col(c.TEXTS, "'{}'")
    bedridden: bool | None = c.opt(c.BOOLEAN)
    able_to_work: bool | None = c.opt(c.BOOLEAN)
    occupation: str | None = c.opt(c.TEXT)
    annual_income: Decimal | None = c.opt(c.MONEY)
    phone_sealed: bytes | None = c.opt(c.BYTES)
    provenance: dict[str, Any] = c.col(c.JSON, "'{}'")
    version: int = c.col(c.INTEGER, "1")
    created_at: datetime = c.col(c.TIME)
    updated_at: datetime = c.col(c.TIME)


class MembershipRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "membership"
    __table_args__ = (
        c.of_household("membership"),
        c.known("membership", "relationship", h.Relationship),
        sa.Index(
            "membership_one_head",
            "household_id",
            unique=True,
            postgresql_where=sa.text("relationship = 'head' AND left_on IS NULL"),
        ),
        sa.Index(
            "membership_once",
            "household_id",
            "person_id",
            unique=True,
            postgresql_where=sa.text("left_on IS NULL"),
        ),
        sa.Index("membership_person", "person_id"),
    )
    household_id: UUID = c.key(c.UUID)
    id: UUID = c.key(c.UUID)
    person_id: UUID = c.col(c.UUID)
    area_code: str = c.col(c.CODE)
    relationship: str = c.col(c.TEXT)
    joined_on: date | None = c.opt(c.DATE)
    left_on: date | None = c.opt(c.DATE)
    left_reason: str | None = c.opt(c.TEXT)


class CitizenIdentityRow(SQLModel, table=True):
    """A citizen id belongs to one person: keyed by the blind index, so that it stays unique under Citus.

    A row for each index key in use: one, and two while the key is changed.
    """

    __tablename__: ClassVar[Any] = "citizen_identity"
    __table_args__ = (
        sa.CheckConstraint("octet_length(blind_index) = 32", name="citizen_identity_blind_index_shape"),
        sa.CheckConstraint("key_id BETWEEN 1 AND 255", name="citizen_identity_key_id_shape"),
        sa.Index("citizen_identity_person", "person_id"),
    )
    blind_index: bytes = c.key(c.BYTES)
    key_id: int = c.col(sa.SmallInteger())
    """The index key it was made with."""
    person_id: UUID = c.col(c.UUID)
    household_id: UUID = c.col(c.UUID)
    area_code: str = c.col(c.CODE)


class IndicatorResultRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "indicator_result"
    __table_args__ = (
        c.of_household("indicator_result"),
        c.known("indicator_result", "result", Result),
        sa.UniqueConstraint(
            "household_id",
            "fiscal_year",
            "indicator_id",
            "person_id",
            name="indicator_result_once",
            postgresql_nulls_not_distinct=True,
        ),
    )
    household_id: UUID = c.key(c.UUID)
    id: UUID = c.key(c.UUID)
    area_code: str = c.col(c.CODE)
    fiscal_year: int = c.col(c.INTEGER)
    edition: str = c.col(c.TEXT)
    indicator_id: str = c.col(c.CODE)
    person_id: UUID | None = c.opt(c.UUID)
    result: str = c.col(c.TEXT)
    recorded_at: datetime = c.col(c.TIME)
    agency: str = c.col(c.CODE)
