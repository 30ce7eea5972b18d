"""Clients, revoked tokens and the log of who read whose personal data."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel

from persistence import columns as c


class ClientRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "client"
    __table_args__ = (
        sa.CheckConstraint("octet_length(secret_hash) = 32", name="client_secret_hash_shape"),
        sa.Index("client_agency", "agency"),
    )
    id: str = c.key(c.CODE)
    name: str = c.col(c.TEXT)
    agency: str = c.col(c.CODE)
    scopes: list[str] = c.col(c.TEXTS)
    areas: list[str] = c.col(c.TEXTS)
    secret_hash: bytes = c.col(c.BYTES)
    """HMAC-SHA-256 with a pepper that is not in the database; the secret itself has 256 random bits."""
    previous_secret_hash: bytes | None = c.opt(c.BYTES)
    previous_secret_until: datetime | None = c.opt(c.TIME)
    enabled: bool = c.col(c.BOOLEAN, "true")
    expires_at: datetime | None = c.opt(c.TIME)
    last_used_at: datetime | None = c.opt(c.TIME)
    version: int = c.col(c.INTEGER, "1")
    created_at: datetime = c.col(c.TIME)
    updated_at: datetime = c.col(c.TIME)


class RevokedTokenRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "revoked_token"
    __table_args__ = (sa.Index("revoked_token_expires", "expires_at"),)
    token_id: str = c.key(c.TEXT)
    client_id: str = c.col(c.TEXT)
    expires_at: datetime = c.col(c.TIME)


class AccessLogRow(SQLModel, table=True):
    """One row for each household whose members' unmasked data one request returned."""

    __tablename__: ClassVar[Any] = "access_log"
    __table_args__ = (sa.Index("access_log_at", "at"),)
    household_id: UUID = c.key(c.UUID)
    id: UUID = c.key(c.UUID)
    at: datetime = c.col(c.TIME)
    client_id: str = c.col(c.TEXT)
    agency: str = c.col(c.CODE)
    purpose: str = c.col(c.TEXT)
    person_ids: list[UUID] = c.col(c.UUIDS)
    fields: list[str] = c.col(c.TEXTS)
    request_id: str = c.col(c.TEXT)
    area_code: str = c.col(c.CODE)
