"""Imports: what was asked for, the report row by row, and where sources disagree. Maps of tables, never instantiated.

There is no staging table. A chunk of rows travels as arrays inside the statements that apply it: COPY cannot go
through the views of the wall, and what is staged would be personal data outside any household for a while.
"""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel

from domain.exchange.importing.job import ImportMode, ImportStatus, RowOutcome
from domain.exchange.reading.kinds import ImportFormat, ImportKind
from domain.registry.conflict import ConflictStatus
from persistence import columns as c


class ImportJobRow(SQLModel, table=True):
    """One file in one mode, with who asked for it: nobody's personal data. The file is kept sealed elsewhere."""

    __tablename__: ClassVar[Any] = "import_job"
    __table_args__ = (
        c.known("import_job", "kind", ImportKind),
        c.known("import_job", "format", ImportFormat),
        c.known("import_job", "mode", ImportMode),
        c.known("import_job", "status", ImportStatus),
        sa.Index("import_job_client", "client_id", "id"),
        sa.Index("import_job_unfinished", "id", postgresql_where=sa.text("status IN ('queued', 'running')")),
        sa.Index("import_job_file", "file_id"),
    )
    id: UUID = c.key(c.UUID)
    client_id: str = c.col(c.TEXT)
    agency: str = c.col(c.CODE)
    scopes: list[str] = c.col(c.TEXTS)
    areas: list[str] = c.col(c.TEXTS)
    request_id: str = c.col(c.TEXT)
    kind: str = c.col(c.TEXT)
    format: str = c.col(c.TEXT)
    mode: str = c.col(c.TEXT)
    mapping: str | None = c.opt(c.TEXT)
    status: str = c.col(c.TEXT)
    file_id: UUID = c.col(c.UUID)
    """Shared by a validation and the import that commits it."""
    file_key_sealed: bytes = c.col(c.BYTES)
    file_size: int = c.col(sa.BigInteger())
    sha256: str = c.col(c.TEXT)
    header: list[str] = c.col(c.TEXTS, "'{}'")
    """The file's own column names, in its order; for NDJSON those of its first line."""
    last_number: int = c.col(c.INTEGER, "0")
    """The last row that is reported: a job that is begun again goes on after it."""
    rows_read: int = c.col(c.INTEGER, "0")
    rows_total: int | None = c.opt(c.INTEGER)
    created: int = c.col(c.INTEGER, "0")
    updated: int = c.col(c.INTEGER, "0")
    unchanged: int = c.col(c.INTEGER, "0")
    conflict: int = c.col(c.INTEGER, "0")
    rejected: int = c.col(c.INTEGER, "0")
    error: dict[str, Any] | None = c.opt(c.JSON)
    resubmits: UUID | None = c.opt(c.UUID)
    validated_by: UUID | None = c.opt(c.UUID)
    created_at: datetime = c.col(c.TIME)
    started_at: datetime | None = c.opt(c.TIME)
    finished_at: datetime | None = c.opt(c.TIME)


class ImportRowRow(SQLModel, table=True):
    """The report: what became of one row. Differences never hold a value of a masked field."""

    __tablename__: ClassVar[Any] = "import_row"
    __table_args__ = (
        c.known("import_row", "outcome", RowOutcome),
        sa.Index("import_row_outcome", "import_id", "outcome", "number"),
        sa.Index("import_row_key", "import_id", "key", postgresql_where=sa.text("key IS NOT NULL")),
    )
    import_id: UUID = c.key(c.UUID)
    number: int = c.key(c.INTEGER)
    agency: str = c.col(c.CODE)
    area_code: str = c.col(c.CODE, "''")
    """Of the household; empty where the row was not applied to any."""
    household_id: UUID | None = c.opt(c.UUID)
    person_id: UUID | None = c.opt(c.UUID)
    record_id: str | None = c.opt(c.TEXT)
    outcome: str = c.col(c.TEXT)
    codes: list[dict[str, Any]] = c.col(c.JSON, "'[]'")
    diff: list[dict[str, Any]] = c.col(c.JSON, "'[]'")
    key: bytes | None = c.opt(c.BYTES)
    """A keyed hash of whom the row is about: a later row about the same is compared with this one."""
    content: bytes | None = c.opt(c.BYTES)
    """A hash of what it says."""


class ImportCellRow(SQLModel, table=True):
    """The cells of a row that was not taken, as they stood in the file, to be corrected: sealed whole."""

    __tablename__: ClassVar[Any] = "import_cell"
    import_id: UUID = c.key(c.UUID)
    number: int = c.key(c.INTEGER)
    cells_sealed: bytes = c.col(c.BYTES)


class SourceRecordRow(SQLModel, table=True):
    """Where a record of a source went that has no citizen id or house code to be found by again."""

    __tablename__: ClassVar[Any] = "source_record"
    __table_args__ = (
        sa.CheckConstraint("octet_length(record_key) = 32", name="source_record_key_shape"),
        sa.Index("source_record_household", "household_id"),
    )
    record_key: bytes = c.key(c.BYTES)
    """A keyed hash of agency, source and the record's own id."""
    household_id: UUID = c.col(c.UUID)
    person_id: UUID | None = c.opt(c.UUID)
    area_code: str = c.col(c.CODE)


class ConflictRow(SQLModel, table=True):
    """Two sources say different things of one field. Values of masked fields are sealed, or not kept at all."""

    __tablename__: ClassVar[Any] = "conflict"
    __table_args__ = (
        c.of_household("conflict"),
        c.shape("conflict", "area_code", c.AREA_SHAPE),
        c.known("conflict", "status", ConflictStatus),
        sa.Index("conflict_id", "id"),
        sa.Index(
            "conflict_once",
            "household_id",
            "person_id",
            "field",
            "given_source",
            "given_hash",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )
    household_id: UUID = c.key(c.UUID)
    id: UUID = c.key(c.UUID)
    area_code: str = c.col(c.CODE)
    person_id: UUID | None = c.opt(c.UUID)
    field: str = c.col(c.TEXT)
    stored: Any = c.opt(c.JSON)
    stored_source: str = c.col(c.TEXT)
    stored_seen_on: date | None = c.opt(c.DATE)
    given: Any = c.opt(c.JSON)
    given_sealed: bytes | None = c.opt(c.BYTES)
    given_source: str = c.col(c.TEXT)
    given_seen_on: date | None = c.opt(c.DATE)
    given_hash: bytes = c.col(c.BYTES)
    import_id: UUID | None = c.opt(c.UUID)
    row_number: int | None = c.opt(c.INTEGER)
    status: str = c.col(c.TEXT)
    choice: str | None = c.opt(c.TEXT)
    reason: str | None = c.opt(c.TEXT)
    settled_by: str | None = c.opt(c.TEXT)
    """`trust_order`, or the client that decided."""
    settled_agency: str | None = c.opt(c.CODE)
    settled_at: datetime | None = c.opt(c.TIME)
    created_at: datetime = c.col(c.TIME)
    chosen_hash: bytes | None = c.opt(c.BYTES)
    """A keyed hash of the third value that a person has decided on."""
