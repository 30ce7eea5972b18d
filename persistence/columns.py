"""Column shapes shared by the tables: text that sorts by code point, closed vocabularies, times."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlmodel import Field

# "C" ordering: prefixes of area codes and name keys are index ranges whatever the server's locale.
CODE = sa.Text(collation="C")
TEXT = sa.Text()
UUID = pg.UUID(as_uuid=True)
TIME = sa.DateTime(timezone=True)
DATE = sa.Date()
MONEY = sa.Numeric(12, 2)
INTEGER = sa.Integer()
BOOLEAN = sa.Boolean()
BYTES = sa.LargeBinary()
TEXTS = pg.ARRAY(sa.Text())
UUIDS = pg.ARRAY(pg.UUID(as_uuid=True))
JSON = pg.JSONB()


def key(type_: Any) -> Any:
    """Part of the primary key; ids are UUIDv7 made by the application."""
    return Field(sa_column=sa.Column(type_, primary_key=True, nullable=False))


def col(type_: Any, default: str | None = None) -> Any:
    """A required column; `default` is SQL text."""
    return Field(sa_column=sa.Column(type_, nullable=False, server_default=_sql(default)))


def opt(type_: Any) -> Any:
    """A column that may be null."""
    return Field(default=None, sa_column=sa.Column(type_, nullable=True))


def _sql(text: str | None) -> Any:
    return None if text is None else sa.text(text)


def known(table: str, column: str, values: Iterable[str]) -> sa.CheckConstraint:
    """The column holds one of `values` or null: every enum of the wire is a CHECK."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"{table}_{column}_known")


def shape(table: str, column: str, pattern: str) -> sa.CheckConstraint:
    """The column matches a regular expression or is null."""
    return sa.CheckConstraint(f"{column} ~ '{pattern}'", name=f"{table}_{column}_shape")


AREA_SHAPE = "^([0-9]{6}|[0-9]{8})$"


def of_household(table: str) -> sa.ForeignKeyConstraint:
    """Ties a row to its household; the one foreign key that a growing table carries."""
    return sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=f"{table}_household_fk")


def by_area(table: str) -> tuple[sa.Index, ...]:
    """One index for each length of area code: a list inside one area is a walk in the order of its page."""
    lengths = {"province": 2, "district": 4, "subdistrict": 6}
    shorter = (
        sa.Index(f"{table}_{level}", sa.text(f"left(area_code, {length})"), "id")
        for level, length in lengths.items()
    )
    return (*shorter, sa.Index(f"{table}_village", "area_code", "id"))
