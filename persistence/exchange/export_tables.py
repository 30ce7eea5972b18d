"""Exports, and the files that they have made: names of files on disk, never what is in them."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel

from domain.exchange.export import ExportFault, ExportFormat, ExportStatus, ExportType, OutputType
from persistence import columns as c


class ExportRow(SQLModel, table=True):
    """Who asked for what, with which rights, and what became of it."""

    __tablename__: ClassVar[Any] = "export"
    __table_args__ = (
        c.known("export", "type", ExportType),
        c.known("export", "format", ExportFormat),
        c.known("export", "status", ExportStatus),
        c.known("export", "error_code", ExportFault),
        sa.CheckConstraint("(status = 'failed') = (error_code IS NOT NULL)", name="export_failed_why"),
        sa.CheckConstraint("cardinality(file_ids) = 2", name="export_two_files"),
        sa.Index("export_client", "client_id", "id"),
        sa.Index("export_unfinished", "id", postgresql_where=sa.text("status IN ('queued', 'running')")),
        sa.Index("export_finished", "finished_at"),
    )
    id: UUID = c.key(c.UUID)
    client_id: str = c.col(c.CODE)
    agency: str = c.col(c.CODE)
    scopes: list[str] = c.col(c.TEXTS)
    areas: list[str] = c.col(c.TEXTS)
    """The client's, as it asked."""
    purpose: str | None = c.opt(c.TEXT)
    request_id: str = c.col(c.TEXT)
    type: str = c.col(c.TEXT)
    area: str | None = c.opt(c.CODE)
    format: str = c.col(c.TEXT)
    since: datetime | None = c.opt(c.TIME)
    unmasked: bool = c.col(c.BOOLEAN)
    kept_hours: int = c.col(c.INTEGER)
    file_ids: list[UUID] = c.col(c.UUIDS)
    """Of the rows and of the deleted, whether they have been written yet or not."""
    status: str = c.col(c.TEXT)
    error_code: str | None = c.opt(c.TEXT)
    transaction_time: datetime | None = c.opt(c.TIME)
    feed_position: list[str] | None = c.opt(c.TEXTS)
    """History, transaction and id of a place in the feed."""
    deleted: list[dict[str, Any]] = c.col(c.JSON, "'[]'")
    created_at: datetime = c.col(c.TIME)
    started_at: datetime | None = c.opt(c.TIME)
    finished_at: datetime | None = c.opt(c.TIME)
    expires_at: datetime | None = c.opt(c.TIME)


class ExportFileRow(SQLModel, table=True):
    """A finished file; gone when the file is."""

    __tablename__: ClassVar[Any] = "export_file"
    __table_args__ = (
        c.known("export_file", "type", OutputType),
        sa.ForeignKeyConstraint(["export_id"], ["export.id"], name="export_file_export_fk"),
        sa.UniqueConstraint("export_id", "part", name="export_file_part"),
        sa.CheckConstraint("part >= 1 AND row_count >= 0 AND size >= 0", name="export_file_counts"),
        c.shape("export_file", "sha256", "^[0-9a-f]{64}$"),
    )
    export_id: UUID = c.key(c.UUID)
    id: UUID = c.key(c.UUID)
    """The file's name."""
    type: str = c.col(c.TEXT)
    part: int = c.col(c.INTEGER)
    row_count: int = c.col(sa.BigInteger())
    size: int = c.col(sa.BigInteger())
    sha256: str = c.col(c.TEXT)
    file_key_sealed: bytes = c.col(c.BYTES)
