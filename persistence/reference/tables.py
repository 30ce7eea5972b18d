"""Reference data: small, replicated to every node. `origin` tells packaged rows from an operator's."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel

from domain.casework.problem import ProblemDimension
from domain.reference.agency import AgencyLevel
from domain.reference.area import AreaLevel
from domain.registry.household import Dimension
from persistence import columns as c


class AreaRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "area"
    __table_args__ = (
        c.known("area", "level", AreaLevel),
        sa.Index("area_parent", "parent_code", "code"),
        sa.Index("area_level", "level", "code"),
        sa.Index("area_name", "name_key"),
        sa.Index("area_name_en", "name_en_key"),
    )
    code: str = c.key(c.CODE)
    level: str = c.col(c.TEXT)
    name_th: str = c.col(c.TEXT)
    name_en: str | None = c.opt(c.TEXT)
    parent_code: str | None = c.opt(c.CODE)
    abolished_on: date | None = c.opt(c.DATE)
    """Null while the code is in use."""
    successors: list[str] = c.col(c.TEXTS, "'{}'")
    """Of an abolished area, where known."""
    name_key: str = c.col(c.CODE)
    """`domain.thai.name_key` of the Thai name: what a search walks along."""
    name_en_key: str | None = c.opt(c.CODE)
    source: str = c.col(c.TEXT)


class AgencyRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "agency"
    __table_args__ = (
        c.known("agency", "level", AgencyLevel),
        sa.Index("agency_kind", "kind", "code"),
        sa.Index("agency_category", "category", "code"),
        sa.Index("agency_routing", "code", postgresql_where=sa.text("acts_at IS NOT NULL")),
        sa.Index("agency_area", "area_code", "code"),
    )
    code: str = c.key(c.CODE)
    name_th: str = c.col(c.TEXT)
    name_en: str | None = c.opt(c.TEXT)
    abbreviation: str | None = c.opt(c.TEXT)
    level: str = c.col(c.TEXT)
    kind: str = c.col(c.CODE)
    """The code of the kind: `PROV_MOPH` for `PROV_MOPH-42`; a national body is its own kind."""
    category: str = c.col(c.TEXT)
    area_code: str | None = c.opt(c.CODE)
    parent_code: str | None = c.opt(c.CODE)
    aliases: list[str] = c.col(c.TEXTS, "'{}'")
    enabled: bool = c.col(c.BOOLEAN, "true")
    search_key: str = c.col(c.CODE)
    """The names in one key; a search looks for its words anywhere in it."""
    acts_at: str | None = c.opt(c.TEXT)
    """Of a kind and a national body: where its units stand. The files' own, never an operator's."""
    acts_through: dict[str, Any] | None = c.opt(c.JSON)
    """Of the same: the lines of acts_through.csv, who acts for it at a place."""
    origin: str = c.col(c.TEXT, "'packaged'")
    source: str = c.col(c.TEXT)
    version: int = c.col(c.INTEGER, "1")
    updated_at: datetime = c.col(c.TIME, "now()")


class IndicatorRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "indicator"
    __table_args__ = (c.known("indicator", "dimension", Dimension),)
    id: str = c.key(c.CODE)
    framework: str = c.col(c.TEXT)
    edition: str = c.col(c.TEXT)
    number: int = c.col(c.INTEGER)
    name_th: str = c.col(c.TEXT)
    name_en: str | None = c.opt(c.TEXT)
    category: str = c.col(c.TEXT)
    category_en: str | None = c.opt(c.TEXT)
    dimension: str | None = c.opt(c.TEXT)
    lead_agencies: list[str] = c.col(c.TEXTS, "'{}'")
    joint_agencies: list[str] = c.col(c.TEXTS, "'{}'")
    unit: str | None = c.opt(c.TEXT)
    age_min: int | None = c.opt(c.INTEGER)
    age_max: int | None = c.opt(c.INTEGER)
    sensitive: bool = c.col(c.BOOLEAN, "false")
    successor: str | None = c.opt(c.CODE)
    source: str = c.col(c.TEXT)


class CodeRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "code"
    list: str = c.key(c.CODE)
    code: str = c.key(c.CODE)
    name_th: str = c.col(c.TEXT)
    name_en: str | None = c.opt(c.TEXT)
    sequence: int = c.col(c.INTEGER)
    source: str = c.col(c.TEXT)


class CampaignRow(SQLModel, table=True):
    """A fiscal year's programme; phases, thresholds, members and targets are one document."""

    __tablename__: ClassVar[Any] = "campaign"
    __table_args__ = (sa.UniqueConstraint("fiscal_year", name="campaign_fiscal_year_once"),)
    id: UUID = c.key(c.UUID)
    fiscal_year: int = c.col(c.INTEGER)
    document: dict[str, Any] = c.col(c.JSON)
    origin: str = c.col(c.TEXT, "'packaged'")
    version: int = c.col(c.INTEGER, "1")
    updated_at: datetime = c.col(c.TIME, "now()")


class MenuRow(SQLModel, table=True):
    """A solution menu; the columns are what lists filter on, the document is the whole."""

    __tablename__: ClassVar[Any] = "menu"
    __table_args__ = (
        c.known("menu", "dimension", ProblemDimension),
        sa.UniqueConstraint("code", name="menu_code_once"),
    )
    id: UUID = c.key(c.UUID)
    code: str = c.col(c.CODE)
    dimension: str = c.col(c.TEXT)
    indicators: list[str] = c.col(c.TEXTS, "'{}'")
    agencies: list[str] = c.col(c.TEXTS, "'{}'")
    """Lead and joint."""
    enabled: bool = c.col(c.BOOLEAN, "true")
    document: dict[str, Any] = c.col(c.JSON)
    origin: str = c.col(c.TEXT, "'packaged'")
    version: int = c.col(c.INTEGER, "1")
    updated_at: datetime = c.col(c.TIME, "now()")


class ReferenceLoadRow(SQLModel, table=True):
    """Which file was loaded last, by its hash: loading the same again does nothing."""

    __tablename__: ClassVar[Any] = "reference_load"
    __table_args__ = (c.known("reference_load", "origin", ("packaged", "operator")),)
    file: str = c.key(c.TEXT)
    sha256: str = c.col(c.TEXT)
    rows: int = c.col(c.INTEGER)
    origin: str = c.col(c.TEXT, "'packaged'")
    content: bytes | None = c.opt(c.BYTES)
    """An operator's file as it came: a newer packaged file is checked and expanded with it."""
    loaded_at: datetime = c.col(c.TIME, "now()")
