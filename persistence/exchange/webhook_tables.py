"""Webhooks, and the messages on their way to them: the outbox is the change feed, read once into deliveries."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from domain.exchange.delivery import DeliveryFault, DeliveryStatus, DisabledReason
from persistence import columns as c
from persistence.exchange.tables import Xid8


class WebhookRow(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "webhook"
    __table_args__ = (
        c.known("webhook", "disabled_reason", DisabledReason),
        sa.CheckConstraint("enabled = (disabled_reason IS NULL)", name="webhook_disabled_why"),
        sa.CheckConstraint(
            "(previous_secret_sealed IS NULL) = (previous_secret_until IS NULL)",
            name="webhook_previous_secret",
        ),
        sa.CheckConstraint("last_number >= 0 AND failures >= 0", name="webhook_counts"),
        sa.Index("webhook_client", "client_id", "id"),
    )
    id: UUID = c.key(c.UUID)
    client_id: str = c.col(c.CODE)
    agency: str = c.col(c.CODE)
    url: str = c.col(c.TEXT)
    types: list[str] = c.col(c.TEXTS, "'{}'")
    """Empty: every type."""
    enabled: bool = c.col(c.BOOLEAN, "true")
    disabled_reason: str | None = c.opt(c.TEXT)
    disabled_at: datetime | None = c.opt(c.TIME)
    secret_sealed: bytes = c.col(c.BYTES)
    previous_secret_sealed: bytes | None = c.opt(c.BYTES)
    previous_secret_until: datetime | None = c.opt(c.TIME)
    position_epoch: str = c.col(c.TEXT)
    position_transaction: int = c.col(Xid8())
    """Changes up to this place of the feed have been made into deliveries (domain.exchange.changes.Position)."""
    position_id: UUID = c.col(c.UUID)
    relayed_at: datetime = c.col(c.TIME)
    """When it got there."""
    told_since: datetime | None = c.opt(c.TIME)
    """Where its place was lost: the feed is being walked again, and of what happened before this it is not told."""
    last_number: int = c.col(sa.BigInteger(), "0")
    failures: int = c.col(c.INTEGER, "0")
    """Attempts that failed since the last that succeeded."""
    failing_since: datetime | None = c.opt(c.TIME)
    held_until: datetime | None = c.opt(c.TIME)
    """The receiver asked for nothing before (Retry-After)."""
    version: int = c.col(c.INTEGER, "1")
    created_at: datetime = c.col(c.TIME)
    updated_at: datetime = c.col(c.TIME)


class WebhookDeliveryRow(SQLModel, table=True):
    """A message to one webhook: ids of what has changed, and how sending it went."""

    __tablename__: ClassVar[Any] = "webhook_delivery"
    __table_args__ = (
        c.known("webhook_delivery", "status", DeliveryStatus),
        c.known("webhook_delivery", "last_fault", DeliveryFault),
        sa.CheckConstraint("number >= 1 AND attempts >= 0", name="webhook_delivery_counts"),
        sa.CheckConstraint("(status = 'pending') = (finished_at IS NULL)", name="webhook_delivery_finished"),
        sa.CheckConstraint(
            "status = 'pending' OR (next_attempt_at IS NULL AND claimed_until IS NULL)",
            name="webhook_delivery_over",
        ),
        sa.Index("webhook_delivery_change", "webhook_id", "change_id", unique=True),
        sa.Index(
            "webhook_delivery_due",
            "webhook_id",
            "next_attempt_at",
            "number",
            postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
        ),
        sa.Index(
            "webhook_delivery_turn",
            "webhook_id",
            "order_key",
            "number",
            postgresql_where=sa.text("status = 'pending'"),
        ),
        sa.Index(
            "webhook_delivery_claimed",
            "webhook_id",
            "claimed_until",
            postgresql_where=sa.text("claimed_until IS NOT NULL"),
        ),
        sa.Index("webhook_delivery_time", "webhook_id", "occurred_at"),
        sa.Index("webhook_delivery_old", "finished_at", postgresql_where=sa.text("finished_at IS NOT NULL")),
    )
    webhook_id: UUID = c.key(c.UUID)
    number: int = Field(
        sa_column=sa.Column(sa.BigInteger(), primary_key=True, nullable=False, autoincrement=False)
    )
    """1, 2, 3, … of this webhook, in the order of the feed; a replay gets a new one."""
    id: UUID = c.col(c.UUID)
    """Made of webhook and change: the same whenever one is sent to the other."""
    change_id: UUID = c.col(c.UUID)
    order_key: UUID = c.col(c.UUID)
    """The household, or the resource where there is none: messages of one key are sent one after the other."""
    item: dict[str, Any] = c.col(c.JSON)
    """The feed's, as it goes out."""
    change_area: str = c.col(c.CODE)
    """Where it happened; it does not move with the household."""
    occurred_at: datetime = c.col(c.TIME)
    status: str = c.col(c.TEXT, "'pending'")
    attempts: int = c.col(c.INTEGER, "0")
    last_attempt_at: datetime | None = c.opt(c.TIME)
    last_status: int | None = c.opt(c.INTEGER)
    last_fault: str | None = c.opt(c.TEXT)
    next_attempt_at: datetime | None = c.opt(c.TIME)
    """Null while it waits for an earlier message of its key, and when it is over."""
    claimed_until: datetime | None = c.opt(c.TIME)
    """A sender is at it; one that has died is not waited for beyond this."""
    created_at: datetime = c.col(c.TIME)
    finished_at: datetime | None = c.opt(c.TIME)
