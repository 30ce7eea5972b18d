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
        "export",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.Text(collation="C"), nullable=False),
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("areas", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(collation="C"), nullable=True),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unmasked", sa.Boolean(), nullable=False),
        sa.Column("kept_hours", sa.Integer(), nullable=False),
        sa.Column("file_ids", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("transaction_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("feed_position", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column(
            "deleted", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'failed') = (error_code IS NOT NULL)", name="export_failed_why"),
        sa.CheckConstraint(
            "error_code IN ('client-revoked', 'insufficient-scope', 'outside-your-areas', 'internal-error')",
            name="export_error_code_known",
        ),
        sa.CheckConstraint("format IN ('ndjson', 'parquet', 'csv')", name="export_format_known"),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="export_status_known"
        ),
        sa.CheckConstraint(
            "type IN ('households', 'problems', 'assignments', 'assistance_events')", name="export_type_known"
        ),
        sa.CheckConstraint("cardinality(file_ids) = 2", name="export_two_files"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("export_client", "export", ["client_id", "id"], unique=False)
    op.create_index("export_finished", "export", ["finished_at"], unique=False)
    op.create_index(
        "export_unfinished",
        "export",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
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
        "import_cell",
        sa.Column("import_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cells_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "number"),
    )
    op.create_table(
        "import_job",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("areas", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("file_id", sa.UUID(), nullable=False),
        sa.Column("file_key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("header", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("last_number", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_read", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=True),
        sa.Column("created", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("updated", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("unchanged", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("conflict", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rejected", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("resubmits", sa.UUID(), nullable=True),
        sa.Column("validated_by", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("format IN ('csv', 'xlsx', 'ndjson')", name="import_job_format_known"),
        sa.CheckConstraint(
            "kind IN ('thaiqm', 'tpmap_target', 'vulnerable_group', 'welfare_card', 'bmn', 'assistance')",
            name="import_job_kind_known",
        ),
        sa.CheckConstraint("mode IN ('validate', 'commit')", name="import_job_mode_known"),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'partly_succeeded', 'failed', 'cancelled')",
            name="import_job_status_known",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("import_job_client", "import_job", ["client_id", "id"], unique=False)
    op.create_index("import_job_file", "import_job", ["file_id"], unique=False)
    op.create_index(
        "import_job_unfinished",
        "import_job",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.create_table(
        "import_row",
        sa.Column("import_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), server_default=sa.text("''"), nullable=False),
        sa.Column("household_id", sa.UUID(), nullable=True),
        sa.Column("person_id", sa.UUID(), nullable=True),
        sa.Column("record_id", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column(
            "codes", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False
        ),
        sa.Column(
            "diff", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False
        ),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('created', 'updated', 'unchanged', 'conflict', 'rejected')",
            name="import_row_outcome_known",
        ),
        sa.PrimaryKeyConstraint("import_id", "number"),
    )
    op.create_index(
        "import_row_key",
        "import_row",
        ["import_id", "key"],
        unique=False,
        postgresql_where=sa.text("key IS NOT NULL"),
    )
    op.create_index("import_row_outcome", "import_row", ["import_id", "outcome", "number"], unique=False)
    op.create_table(
        "source_record",
        sa.Column("record_key", sa.LargeBinary(), nullable=False),
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("person_id", sa.UUID(), nullable=True),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint("octet_length(record_key) = 32", name="source_record_key_shape"),
        sa.PrimaryKeyConstraint("record_key"),
    )
    op.create_index("source_record_household", "source_record", ["household_id"], unique=False)
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
        sa.Column("position_epoch", sa.Text(), nullable=False),
        sa.Column("position_transaction", Xid8(), nullable=False),
        sa.Column("position_id", sa.UUID(), nullable=False),
        sa.Column("relayed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_number", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
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
    op.create_table(
        "conflict",
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("person_id", sa.UUID(), nullable=True),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("stored", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("stored_source", sa.Text(), nullable=False),
        sa.Column("stored_seen_on", sa.Date(), nullable=True),
        sa.Column("given", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("given_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("given_source", sa.Text(), nullable=False),
        sa.Column("given_seen_on", sa.Date(), nullable=True),
        sa.Column("given_hash", sa.LargeBinary(), nullable=False),
        sa.Column("import_id", sa.UUID(), nullable=True),
        sa.Column("row_number", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("settled_agency", sa.Text(collation="C"), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("area_code ~ '^([0-9]{6}|[0-9]{8})$'", name="conflict_area_code_shape"),
        sa.CheckConstraint("status IN ('open', 'settled', 'resolved')", name="conflict_status_known"),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name="conflict_household_fk"),
        sa.PrimaryKeyConstraint("household_id", "id"),
    )
    op.create_index("conflict_id", "conflict", ["id"], unique=False)
    op.create_index(
        "conflict_once",
        "conflict",
        ["household_id", "person_id", "field", "given_source", "given_hash"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "export_file",
        sa.Column("export_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("file_key_sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="export_file_sha256_shape"),
        sa.CheckConstraint(
            "type IN ('households', 'problems', 'assignments', 'assistance_events', 'deleted')",
            name="export_file_type_known",
        ),
        sa.CheckConstraint("part >= 1 AND row_count >= 0 AND size >= 0", name="export_file_counts"),
        sa.ForeignKeyConstraint(["export_id"], ["export.id"], name="export_file_export_fk"),
        sa.PrimaryKeyConstraint("export_id", "id"),
        sa.UniqueConstraint("export_id", "part", name="export_file_part"),
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
    op.add_column(
        "household",
        sa.Column(
            "provenance",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
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
        "person",
        sa.Column(
            "provenance",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
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
    op.create_check_constraint(
        "assistance_event_corrected",
        "assistance_event",
        "(status = 'corrected') = (superseded_by IS NOT NULL) AND (superseded_by IS NULL) = (corrected_at IS NULL)",
    )
    op.create_check_constraint(
        "assistance_event_voided", "assistance_event", "(status = 'voided') = (voided_at IS NOT NULL)"
    )
    op.create_check_constraint(
        "assistance_event_confirmed", "assistance_event", "status <> 'confirmed' OR confirmed_at IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_index("queued_event_waiting", table_name="queued_event", postgresql_where=sa.text("waits"))
    op.drop_column("queued_event", "waits")
    op.drop_column("person", "provenance")
    op.drop_index(
        "household_merged_into", table_name="household", postgresql_where=sa.text("merged_into IS NOT NULL")
    )
    op.drop_column("household", "merged_into")
    op.drop_column("household", "provenance")
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
    op.drop_table("export_file")
    op.drop_index("conflict_once", table_name="conflict", postgresql_nulls_not_distinct=True)
    op.drop_index("conflict_id", table_name="conflict")
    op.drop_table("conflict")
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
    op.drop_index("source_record_household", table_name="source_record")
    op.drop_table("source_record")
    op.drop_index("import_row_outcome", table_name="import_row")
    op.drop_index("import_row_key", table_name="import_row", postgresql_where=sa.text("key IS NOT NULL"))
    op.drop_table("import_row")
    op.drop_index(
        "import_job_unfinished",
        table_name="import_job",
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.drop_index("import_job_file", table_name="import_job")
    op.drop_index("import_job_client", table_name="import_job")
    op.drop_table("import_job")
    op.drop_table("import_cell")
    op.drop_table("feed_epoch")
    op.drop_index(
        "export_unfinished", table_name="export", postgresql_where=sa.text("status IN ('queued', 'running')")
    )
    op.drop_index("export_finished", table_name="export")
    op.drop_index("export_client", table_name="export")
    op.drop_table("export")
    op.execute(f"DROP SCHEMA {jobs.SCHEMA} CASCADE")
