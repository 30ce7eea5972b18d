"""The change feed, the audit trail and the idempotency keys: written by the statement that makes the change."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlmodel import SQLModel

from persistence import columns as c


class Xid8(sa.types.UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id: with `pg_snapshot_xmin` it gives the feed a safe horizon."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


pg.base.ischema_names["xid8"] = Xid8


class ChangeRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "change"
    __table_args__ = (
        sa.Index("change_commit_order", "transaction_id", "id"),
        # The same order inside one province: a reader of one of 77 does not walk past the others' changes.
        sa.Index("change_province_order", sa.text("left(area_code, 2)"), "transaction_id", "id"),
    )
    household_id: UUID = c.key(c.UUID)
    id: UUID = c.key(c.UUID)
    transaction_id: int = c.col(Xid8(), "pg_current_xact_id()")
    area_code: str = c.col(c.CODE)
    type: str = c.col(c.TEXT)
    resource_id: UUID = c.col(c.UUID)
    action: str = c.col(c.TEXT)
    version: int = c.col(c.INTEGER)
    agency: str | None = c.opt(c.CODE)
    """The agency the resource belongs to, for readers who see only their own. Of a household: the one agency that
    the row is addressed to (persistence/exchange/leaving.py)."""
    occurred_at: datetime = c.col(c.TIME)
    left_for: str | None = c.opt(c.CODE)
    """Of a household that has left this area: where to. Whoever covers that as well is not told."""


class FeedEpochRow(SQLModel, table=True):
    """One row: the history that positions in the feed belong to. Another database, or a restored one, has another."""

    __tablename__: ClassVar[Any] = "feed_epoch"
    id: UUID = c.key(c.UUID)
    place: str = c.col(c.TEXT)
    """The server's system identifier and the database's oid."""
    begun_at: datetime = c.col(c.TIME, "now()")
    pruned_transaction_id: int = c.col(Xid8(), "'0'")
    """With `pruned_id` the last change that retention has taken away."""
    pruned_id: UUID = c.col(c.UUID, "'00000000-0000-0000-0000-000000000000'")


class AuditRow(SQLModel, table=True):
    """Who changed what. Field values are kept without names, ids and phones."""

    __tablename__: ClassVar[Any] = "audit"
    __table_args__ = (sa.Index("audit_at", "at"),)
    household_id: UUID = c.key(c.UUID)
    """The nil UUID where the change concerns no household."""
    id: UUID = c.key(c.UUID)
    at: datetime = c.col(c.TIME)
    client_id: str = c.col(c.TEXT)
    agency: str = c.col(c.CODE)
    request_id: str = c.col(c.TEXT)
    operation: str = c.col(c.TEXT)
    resource: str = c.col(c.TEXT)
    area_code: str | None = c.opt(c.CODE)
    changes: dict[str, Any] = c.col(c.JSON, "'{}'")


class IdempotencyRow(SQLModel, table=True):
    """The stored answer of a POST, kept seven days; keyed by the client."""

    __tablename__: ClassVar[Any] = "idempotency"
    __table_args__ = (sa.Index("idempotency_created", "created_at"),)
    client_id: str = c.key(c.TEXT)
    key: str = c.key(c.TEXT)
    request_hash: bytes = c.col(c.BYTES)
    status: int = c.col(c.INTEGER)
    headers: dict[str, Any] = c.col(c.JSON, "'{}'")
    body_sealed: bytes = c.col(c.BYTES)
    created_at: datetime = c.col(c.TIME)
