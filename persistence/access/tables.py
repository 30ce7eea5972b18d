"""Clients, revoked tokens, the log of who read whose personal data, grants that break the glass, and keys."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

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
    allowed_networks: list[str] = c.col(c.TEXTS, "'{}'")
    """CIDR blocks; empty: from anywhere."""
    jwks: dict[str, Any] | None = c.opt(c.JSON)
    """Public keys alone (RFC 7517)."""
    tokens_not_before: datetime | None = c.opt(c.TIME)
    """Tokens issued before this whole second are refused: its rights were narrowed since."""
    version: int = c.col(c.INTEGER, "1")
    created_at: datetime = c.col(c.TIME)
    updated_at: datetime = c.col(c.TIME)


class RevokedTokenRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "revoked_token"
    __table_args__ = (sa.Index("revoked_token_expires", "expires_at"),)
    token_id: str = c.key(c.TEXT)
    client_id: str = c.col(c.TEXT)
    expires_at: datetime = c.col(c.TIME)


class ClientAssertionRow(SQLModel, table=True):
    """A client assertion that has been used; kept until it has expired everywhere (RFC 7523 §3, `jti`)."""

    __tablename__: ClassVar[Any] = "client_assertion"
    __table_args__ = (
        sa.CheckConstraint("octet_length(jti_hash) = 32", name="client_assertion_jti_shape"),
        sa.Index("client_assertion_expires", "expires_at"),
    )
    client_id: str = c.key(c.CODE)
    jti_hash: bytes = c.key(c.BYTES)
    expires_at: datetime = c.col(c.TIME)


class AccessLogRow(SQLModel, table=True):
    """One row for each household whose members' unmasked data one request returned.

    The page that is being written: within a second the sealer moves its rows on into the ledger.
    """

    __tablename__: ClassVar[Any] = "access_log"
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


class AccessLedgerRow(SQLModel, table=True):
    """A row of the access log that has been sealed in a block: it can only be read."""

    __tablename__: ClassVar[Any] = "access_ledger"
    __table_args__ = (
        sa.CheckConstraint("block >= 1", name="access_ledger_block_positive"),
        sa.Index("access_ledger_block", "block", "id", "household_id"),
    )
    household_id: UUID = c.key(c.UUID)
    id: UUID = c.key(c.UUID)
    block: int = c.col(sa.BigInteger())
    at: datetime = c.col(c.TIME)
    client_id: str = c.col(c.TEXT)
    agency: str = c.col(c.CODE)
    purpose: str = c.col(c.TEXT)
    person_ids: list[UUID] = c.col(c.UUIDS)
    fields: list[str] = c.col(c.TEXTS)
    request_id: str = c.col(c.TEXT)
    area_code: str = c.col(c.CODE)


class AccessBlockRow(SQLModel, table=True):
    """A link of the chain over the ledger (domain/access/log.py); the rows of an old one may be gone."""

    __tablename__: ClassVar[Any] = "access_block"
    __table_args__ = (
        sa.CheckConstraint("number >= 1", name="access_block_number_positive"),
        sa.CheckConstraint("rows >= 1", name="access_block_rows_positive"),
        sa.CheckConstraint(
            "octet_length(rows_digest) = 32 AND octet_length(previous) = 32 AND octet_length(hash) = 32",
            name="access_block_hash_shape",
        ),
        sa.CheckConstraint("(pruned_at IS NULL) = (pruned_hash IS NULL)", name="access_block_pruned_hash"),
        sa.CheckConstraint("octet_length(pruned_hash) = 32", name="access_block_pruned_hash_shape"),
    )
    number: int = Field(
        sa_column=sa.Column(sa.BigInteger(), primary_key=True, nullable=False, autoincrement=False)
    )
    """1, 2, 3, … without a gap: the last one and one more, found under the sealer's lock."""
    sealed_at: datetime = c.col(c.TIME)
    rows: int = c.col(c.INTEGER)
    rows_digest: bytes = c.col(c.BYTES)
    previous: bytes = c.col(c.BYTES)
    hash: bytes = c.col(c.BYTES)
    pruned_at: datetime | None = c.opt(c.TIME)
    """When the retention took its rows; set by the owner, the service may not."""
    pruned_hash: bytes | None = c.opt(c.BYTES)
    """HMAC-SHA-256 under the audit key: the owner alone, without it, cannot pass rows off as pruned."""


class AccessGrantRow(SQLModel, table=True):
    """Break the glass: an agency may read one household that it is not assigned to, for three hours."""

    __tablename__: ClassVar[Any] = "access_grant"
    __table_args__ = (
        c.of_household("access_grant"),
        c.shape("access_grant", "area_code", c.AREA_SHAPE),
        sa.CheckConstraint("expires_at > granted_at", name="access_grant_expiry"),
        sa.CheckConstraint("char_length(reason) BETWEEN 10 AND 500", name="access_grant_reason_length"),
        sa.Index("access_grant_agency", "agency", "expires_at"),
        sa.Index("access_grant_id", "id"),
    )
    household_id: UUID = c.key(c.UUID)
    id: UUID = c.key(c.UUID)
    area_code: str = c.col(c.CODE)
    agency: str = c.col(c.CODE)
    """Whose reading it opens: that of the client that asked."""
    client_id: str = c.col(c.TEXT)
    reason: str = c.col(c.TEXT)
    granted_at: datetime = c.col(c.TIME)
    expires_at: datetime = c.col(c.TIME)


class SigningKeyRow(SQLModel, table=True):
    """A key that tokens are signed with: every worker loads them from here, and any may turn them."""

    __tablename__: ClassVar[Any] = "signing_key"
    __table_args__ = (
        sa.CheckConstraint("state IN ('next', 'active', 'retiring')", name="signing_key_state_known"),
        sa.CheckConstraint("(state = 'next') = (activated_at IS NULL)", name="signing_key_activated"),
        sa.CheckConstraint(
            "(state = 'retiring') = (retiring_since IS NOT NULL)", name="signing_key_retiring"
        ),
        sa.Index(
            "signing_key_one", "state", unique=True, postgresql_where=sa.text("state IN ('next', 'active')")
        ),
    )
    kid: str = c.key(c.CODE)
    state: str = c.col(c.TEXT)
    private_sealed: bytes = c.col(c.BYTES)
    """PKCS #8, under a field key: whoever can only write here cannot add a key that is believed."""
    created_at: datetime = c.col(c.TIME)
    activated_at: datetime | None = c.opt(c.TIME)
    retiring_since: datetime | None = c.opt(c.TIME)


class KeyAdoptionRow(SQLModel, table=True):
    """Which keys a running worker has: it says so every second, and a rotation waits for all of them."""

    __tablename__: ClassVar[Any] = "key_adoption"
    __table_args__ = (
        sa.CheckConstraint(
            "octet_length(keyring_digest) = 32 AND octet_length(signing_digest) = 32",
            name="key_adoption_digest_shape",
        ),
    )
    worker_id: UUID = c.key(c.UUID)
    keyring_digest: bytes = c.col(c.BYTES)
    """An HMAC under a key that is not in the database."""
    signing_digest: bytes = c.col(c.BYTES)
    """SHA-256 of the public names and states of the signing keys."""
    seen_at: datetime = c.col(c.TIME)


class QuotaRow(SQLModel, table=True):
    """What all processes together have taken of one rate limit in one window; a crash may lose it."""

    __tablename__: ClassVar[Any] = "quota"
    __table_args__ = (sa.CheckConstraint("taken >= 0", name="quota_taken"), {"prefixes": ["UNLOGGED"]})
    window_start: datetime = c.key(c.TIME)
    rate_class: str = Field(sa_column=sa.Column("class", c.CODE, primary_key=True, nullable=False))
    key: str = c.key(c.CODE)
    taken: int = c.col(sa.BigInteger())
