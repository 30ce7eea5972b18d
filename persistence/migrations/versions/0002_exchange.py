"""Exchange: background jobs, corrections, webhooks, imports, exports, disagreement

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from persistence import jobs
from persistence.exchange.tables import Xid8
from persistence.migrations.scripts import run_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(op.get_bind(), jobs.statements())
    op.create_table(
        "feed_epoch",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("pruned_transaction_id", Xid8(), server_default=sa.text("'0'"), nullable=False),
        sa.Column(
            "pruned_id",
            sa.UUID(),
            server_default=sa.text("'00000000-0000-0000-0000-000000000000'"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "webhook",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.Text(collation="C"), nullable=False),
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("types", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("previous_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("position_transaction", Xid8(), nullable=False),
        sa.Column("position_id", sa.UUID(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "disabled_reason IN ('client', 'gone', 'failing')", name="webhook_disabled_reason_known"
        ),
        sa.CheckConstraint(
            "(previous_secret_sealed IS NULL) = (previous_secret_until IS NULL)",
            name="webhook_previous_secret",
        ),
        sa.CheckConstraint("enabled = (disabled_reason IS NULL)", name="webhook_disabled_why"),
        sa.CheckConstraint("last_number >= 0 AND failures >= 0", name="webhook_counts"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("webhook_client", "webhook", ["client_id", "id"], unique=False)
    op.create_table(
        "webhook_delivery",
        sa.Column("webhook_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("change_id", sa.UUID(), nullable=False),
        sa.Column("order_key", sa.UUID(), nullable=False),
        sa.Column("item", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("change_area", sa.Text(collation="C"), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_fault", sa.Text(), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'pending') = (finished_at IS NULL)", name="webhook_delivery_finished"),
        sa.CheckConstraint(
            "last_fault IN ('status', 'redirect', 'gone', 'timeout', 'connection', 'tls', 'no_address', 'target_refused', 'protocol')",
            name="webhook_delivery_last_fault_known",
        ),
        sa.CheckConstraint(
            "status = 'pending' OR (next_attempt_at IS NULL AND claimed_until IS NULL)",
            name="webhook_delivery_over",
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'delivered', 'failed', 'withdrawn')", name="webhook_delivery_status_known"
        ),
        sa.CheckConstraint("number >= 1 AND attempts >= 0", name="webhook_delivery_counts"),
        sa.PrimaryKeyConstraint("webhook_id", "number"),
    )
    op.create_index("webhook_delivery_change", "webhook_delivery", ["webhook_id", "change_id"], unique=True)
    op.create_index(
        "webhook_delivery_claimed",
        "webhook_delivery",
        ["webhook_id", "claimed_until"],
        unique=False,
        postgresql_where=sa.text("claimed_until IS NOT NULL"),
    )
    op.create_index(
        "webhook_delivery_due",
        "webhook_delivery",
        ["webhook_id", "next_attempt_at", "number"],
        unique=False,
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.create_index(
        "webhook_delivery_old",
        "webhook_delivery",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_index("webhook_delivery_time", "webhook_delivery", ["webhook_id", "occurred_at"], unique=False)
    op.create_index(
        "webhook_delivery_turn",
        "webhook_delivery",
        ["webhook_id", "order_key", "number"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.add_column("assistance_event", sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("assistance_event", sa.Column("supersedes", sa.UUID(), nullable=True))
    op.add_column("assistance_event", sa.Column("superseded_by", sa.UUID(), nullable=True))
    op.add_column("assistance_event", sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("assistance_event", sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("assistance_event", sa.Column("correction_reason", sa.Text(), nullable=True))
    op.add_column(
        "assistance_event", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)
    )
    op.create_index(
        "assistance_event_supersedes",
        "assistance_event",
        ["household_id", "supersedes"],
        unique=True,
        postgresql_where=sa.text("supersedes IS NOT NULL"),
    )
    op.add_column("change", sa.Column("left_for", sa.Text(collation="C"), nullable=True))
    op.create_index(
        "change_province_order",
        "change",
        [sa.literal_column("left(area_code, 2)"), "transaction_id", "id"],
        unique=False,
    )
    op.add_column("household", sa.Column("merged_into", sa.UUID(), nullable=True))
    op.create_index(
        "household_merged_into",
        "household",
        ["merged_into"],
        unique=False,
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
    op.add_column(
        "queued_event", sa.Column("waits", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    op.create_index(
        "queued_event_waiting", "queued_event", ["id"], unique=False, postgresql_where=sa.text("waits")
    )
    op.create_check_constraint(
        "household_merged_closed",
        "household",
        "merged_into IS NULL OR (close_outcome = 'duplicate' AND merged_into <> id)",
    )


def downgrade() -> None:
    op.drop_index("queued_event_waiting", table_name="queued_event", postgresql_where=sa.text("waits"))
    op.drop_column("queued_event", "waits")
    op.drop_index(
        "household_merged_into", table_name="household", postgresql_where=sa.text("merged_into IS NOT NULL")
    )
    op.drop_column("household", "merged_into")
    op.drop_index("change_province_order", table_name="change")
    op.drop_column("change", "left_for")
    op.drop_index(
        "assistance_event_supersedes",
        table_name="assistance_event",
        postgresql_where=sa.text("supersedes IS NOT NULL"),
    )
    op.drop_column("assistance_event", "version")
    op.drop_column("assistance_event", "correction_reason")
    op.drop_column("assistance_event", "voided_at")
    op.drop_column("assistance_event", "corrected_at")
    op.drop_column("assistance_event", "superseded_by")
    op.drop_column("assistance_event", "supersedes")
    op.drop_column("assistance_event", "confirmed_at")
    op.drop_index(
        "webhook_delivery_turn", table_name="webhook_delivery", postgresql_where=sa.text("status = 'pending'")
    )
    op.drop_index("webhook_delivery_time", table_name="webhook_delivery")
    op.drop_index(
        "webhook_delivery_old",
        table_name="webhook_delivery",
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.drop_index(
        "webhook_delivery_due",
        table_name="webhook_delivery",
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.drop_index(
        "webhook_delivery_claimed",
        table_name="webhook_delivery",
        postgresql_where=sa.text("claimed_until IS NOT NULL"),
    )
    op.drop_index("webhook_delivery_change", table_name="webhook_delivery")
    op.drop_table("webhook_delivery")
    op.drop_index("webhook_client", table_name="webhook")
    op.drop_table("webhook")
    op.drop_table("feed_epoch")
    op.execute(f"DROP SCHEMA {jobs.SCHEMA} CASCADE")
