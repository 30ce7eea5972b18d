"""The main job: reference, access, registry, casework, assistance, exchange

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from persistence.exchange.tables import Xid8

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_block",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("rows_digest", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("pruned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pruned_hash", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("(pruned_at IS NULL) = (pruned_hash IS NULL)", name="access_block_pruned_hash"),
        sa.CheckConstraint("number >= 1", name="access_block_number_positive"),
        sa.CheckConstraint("octet_length(pruned_hash) = 32", name="access_block_pruned_hash_shape"),
        sa.CheckConstraint(
            "octet_length(rows_digest) = 32 AND octet_length(previous) = 32 AND octet_length(hash) = 32",
            name="access_block_hash_shape",
        ),
        sa.CheckConstraint("rows >= 1", name="access_block_rows_positive"),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "access_ledger",
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("person_ids", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("fields", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint("block >= 1", name="access_ledger_block_positive"),
        sa.PrimaryKeyConstraint("household_id", "id"),
    )
    op.create_index("access_ledger_block", "access_ledger", ["block", "id", "household_id"], unique=False)
    op.create_table(
        "access_log",
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("person_ids", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("fields", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("household_id", "id"),
    )
    op.create_table(
        "agency",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name_th", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=True),
        sa.Column("abbreviation", sa.Text(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=True),
        sa.Column("parent_code", sa.Text(collation="C"), nullable=True),
        sa.Column("aliases", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("search_key", sa.Text(collation="C"), nullable=False),
        sa.Column("acts_at", sa.Text(), nullable=True),
        sa.Column("acts_through", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("origin", sa.Text(), server_default=sa.text("'packaged'"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "level IN ('national', 'provincial', 'district', 'local', 'subdistrict', 'community', 'household')",
            name="agency_level_known",
        ),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("agency_area", "agency", ["area_code", "code"], unique=False)
    op.create_index("agency_category", "agency", ["category", "code"], unique=False)
    op.create_index("agency_kind", "agency", ["kind", "code"], unique=False)
    op.create_index(
        "agency_routing", "agency", ["code"], unique=False, postgresql_where=sa.text("acts_at IS NOT NULL")
    )
    op.create_table(
        "area",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("name_th", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=True),
        sa.Column("parent_code", sa.Text(collation="C"), nullable=True),
        sa.Column("abolished_on", sa.Date(), nullable=True),
        sa.Column("successors", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("name_key", sa.Text(collation="C"), nullable=False),
        sa.Column("name_en_key", sa.Text(collation="C"), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "level IN ('province', 'district', 'subdistrict', 'village')", name="area_level_known"
        ),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("area_level", "area", ["level", "code"], unique=False)
    op.create_index("area_name", "area", ["name_key"], unique=False)
    op.create_index("area_name_en", "area", ["name_en_key"], unique=False)
    op.create_index("area_parent", "area", ["parent_code", "code"], unique=False)
    op.create_table(
        "audit",
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=True),
        sa.Column(
            "changes", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.PrimaryKeyConstraint("household_id", "id"),
    )
    op.create_index("audit_at", "audit", ["at"], unique=False)
    op.create_table(
        "campaign",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("origin", sa.Text(), server_default=sa.text("'packaged'"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("fiscal_year", name="campaign_fiscal_year_once"),
    )
    op.create_table(
        "change",
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("transaction_id", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.UUID(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("agency", sa.Text(collation="C"), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("household_id", "id"),
    )
    op.create_index("change_commit_order", "change", ["transaction_id", "id"], unique=False)
    op.create_table(
        "citizen_identity",
        sa.Column("blind_index", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.SmallInteger(), nullable=False),
        sa.Column("person_id", sa.UUID(), nullable=False),
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint("key_id BETWEEN 1 AND 255", name="citizen_identity_key_id_shape"),
        sa.CheckConstraint("octet_length(blind_index) = 32", name="citizen_identity_blind_index_shape"),
        sa.PrimaryKeyConstraint("blind_index"),
    )
    op.create_index("citizen_identity_person", "citizen_identity", ["person_id"], unique=False)
    op.create_table(
        "client",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("areas", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret_hash", sa.LargeBinary(), nullable=True),
        sa.Column("previous_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "allowed_networks", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("jwks", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("tokens_not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(secret_hash) = 32", name="client_secret_hash_shape"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("client_agency", "client", ["agency"], unique=False)
    op.create_table(
        "client_assertion",
        sa.Column("client_id", sa.Text(collation="C"), nullable=False),
        sa.Column("jti_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(jti_hash) = 32", name="client_assertion_jti_shape"),
        sa.PrimaryKeyConstraint("client_id", "jti_hash"),
    )
    op.create_index("client_assertion_expires", "client_assertion", ["expires_at"], unique=False)
    op.create_table(
        "code",
        sa.Column("list", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name_th", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("list", "code"),
    )
    op.create_table(
        "event_key",
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("household_id", sa.UUID(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(content_hash) = 32", name="event_key_hash_shape"),
        sa.PrimaryKeyConstraint("agency", "external_id"),
    )
    op.create_table(
        "household",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("house_code", sa.Text(collation="C"), nullable=True),
        sa.Column("house_no", sa.Text(), nullable=True),
        sa.Column("moo", sa.Integer(), nullable=True),
        sa.Column("village_name", sa.Text(), nullable=True),
        sa.Column("road", sa.Text(), nullable=True),
        sa.Column("postcode", sa.Text(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("case_status", sa.Text(), nullable=False),
        sa.Column("close_outcome", sa.Text(), nullable=True),
        sa.Column("classification", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("annual_income_per_person", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("dimension_mask", sa.Text(), nullable=True),
        sa.Column(
            "target_groups",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column(
            "sources", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False
        ),
        sa.Column("has_land", sa.Boolean(), nullable=True),
        sa.Column("head_person_id", sa.UUID(), nullable=True),
        sa.Column("facets", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(case_status = 'closed') = (close_outcome IS NOT NULL)", name="household_close_outcome"
        ),
        sa.CheckConstraint("area_code ~ '^([0-9]{6}|[0-9]{8})$'", name="household_area_code_shape"),
        sa.CheckConstraint(
            "case_status IN ('imported', 'verified', 'classified', 'analysed', 'planned', 'in_assistance', 'monitoring', 'closed')",
            name="household_case_status_known",
        ),
        sa.CheckConstraint(
            "classification IN ('unclassified', 'developable', 'welfare', 'declined', 'other')",
            name="household_classification_known",
        ),
        sa.CheckConstraint(
            "close_outcome IN ('resolved', 'declined', 'moved_out', 'deceased', 'passed', 'duplicate')",
            name="household_close_outcome_known",
        ),
        sa.CheckConstraint("dimension_mask ~ '^[01]{5}$'", name="household_dimension_mask_shape"),
        sa.CheckConstraint("house_code ~ '^[0-9]{11}$'", name="household_house_code_shape"),
        sa.CheckConstraint("stage IN ('survive', 'sufficient', 'sustain')", name="household_stage_known"),
        sa.CheckConstraint("annual_income_per_person >= 0", name="household_income_positive"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "household_district", "household", [sa.literal_column("left(area_code, 4)"), "id"], unique=False
    )
    op.create_index("household_facets", "household", ["facets"], unique=False, postgresql_using="gin")
    op.create_index("household_house_code", "household", ["house_code"], unique=False)
    op.create_index(
        "household_province", "household", [sa.literal_column("left(area_code, 2)"), "id"], unique=False
    )
    op.create_index(
        "household_province_updated",
        "household",
        [sa.literal_column("left(area_code, 2)"), "updated_at", "id"],
        unique=False,
    )
    op.create_index(
        "household_subdistrict", "household", [sa.literal_column("left(area_code, 6)"), "id"], unique=False
    )
    op.create_index("household_updated", "household", ["updated_at", "id"], unique=False)
    op.create_index("household_village", "household", ["area_code", "id"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column(
            "headers", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "key"),
    )
    op.create_index("idempotency_created", "idempotency", ["created_at"], unique=False)
    op.create_table(
        "indicator",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("framework", sa.Text(), nullable=False),
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name_th", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("category_en", sa.Text(), nullable=True),
        sa.Column("dimension", sa.Text(), nullable=True),
        sa.Column(
            "lead_agencies", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column(
            "joint_agencies", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("age_min", sa.Integer(), nullable=True),
        sa.Column("age_max", sa.Integer(), nullable=True),
        sa.Column("sensitive", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("successor", sa.Text(collation="C"), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "dimension IN ('health', 'living', 'education', 'income', 'access')",
            name="indicator_dimension_known",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "key_adoption",
        sa.Column("worker_id", sa.UUID(), nullable=False),
        sa.Column("keyring_digest", sa.LargeBinary(), nullable=False),
        sa.Column("signing_digest", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "octet_length(keyring_digest) = 32 AND octet_length(signing_digest) = 32",
            name="key_adoption_digest_shape",
        ),
        sa.PrimaryKeyConstraint("worker_id"),
    )
    op.create_table(
        "menu",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("indicators", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("agencies", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("origin", sa.Text(), server_default=sa.text("'packaged'"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "dimension IN ('health', 'living', 'education', 'income', 'access', 'other')",
            name="menu_dimension_known",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code", name="menu_code_once"),
    )
    op.create_table(
        "queued_event",
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("blind_index", sa.LargeBinary(), nullable=True),
        sa.Column("house_code", sa.Text(collation="C"), nullable=True),
        sa.Column("citizen_id_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("draft", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("areas", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("agency", "id"),
    )
    op.create_index("queued_event_blind_index", "queued_event", ["blind_index"], unique=False)
    op.create_index("queued_event_house_code", "queued_event", ["house_code"], unique=False)
    op.create_table(
        "quota",
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("class", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("taken >= 0", name="quota_taken"),
        sa.PrimaryKeyConstraint("window_start", "class", "key"),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "reference_load",
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), server_default=sa.text("'packaged'"), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("loaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("origin IN ('packaged', 'operator')", name="reference_load_origin_known"),
        sa.PrimaryKeyConstraint("file"),
    )
    op.create_table(
        "revoked_token",
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_id"),
    )
    op.create_index("revoked_token_expires", "revoked_token", ["expires_at"], unique=False)
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("private_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retiring_since", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'next') = (activated_at IS NULL)", name="signing_key_activated"),
        sa.CheckConstraint(
            "(state = 'retiring') = (retiring_since IS NOT NULL)", name="signing_key_retiring"
        ),
        sa.CheckConstraint("state IN ('next', 'active', 'retiring')", name="signing_key_state_known"),
        sa.PrimaryKeyConstraint("kid"),
    )
    op.create_index(
        "signing_key_one",
        "signing_key",
        ["state"],
        unique=True,
        postgresql_where=sa.text("state IN ('next', 'active')"),
    )
    op.create_table(
        "access_grant",
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("area_code ~ '^([0-9]{6}|[0-9]{8})$'", name="access_grant_area_code_shape"),
        sa.CheckConstraint("char_length(reason) BETWEEN 10 AND 500", name="access_grant_reason_length"),
        sa.CheckConstraint("expires_at > granted_at", name="access_grant_expiry"),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name="access_grant_household_fk"),
        sa.PrimaryKeyConstraint("household_id", "id"),
    )
    op.create_index("access_grant_agency", "access_grant", ["agency", "expires_at"], unique=False)
    op.create_index("access_grant_id", "access_grant", ["id"], unique=False)
    op.create_table(
        "analysis",
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("attitude", sa.Text(), nullable=True),
        sa.Column("skills", sa.Text(), nullable=True),
        sa.Column("resources", sa.Text(), nullable=True),
        sa.Column("way_out", sa.Text(), nullable=True),
        sa.Column("analysed_on", sa.Date(), nullable=False),
        sa.Column("analysts", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "complete = (attitude IS NOT NULL AND skills IS NOT NULL AND resources IS NOT NULL AND way_out IS NOT NULL)",
            name="analysis_complete",
        ),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name="analysis_household_fk"),
        sa.PrimaryKeyConstraint("household_id", "id"),
    )
    op.create_table(
        "assignment",
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("problem_ids", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("menu_code", sa.Text(collation="C"), nullable=True),
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("meeting_id", sa.UUID(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("instructions", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("escalated_to", sa.UUID(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("area_code ~ '^([0-9]{6}|[0-9]{8})$'", name="assignment_area_code_shape"),
        sa.CheckConstraint("role IN ('lead', 'joint')", name="assignment_role_known"),
        sa.CheckConstraint(
            "status IN ('proposed', 'assigned', 'accepted', 'in_progress', 'completed', 'confirmed', 'returned', 'escalated', 'cancelled')",
            name="assignment_status_known",
        ),
        sa.CheckConstraint("cardinality(problem_ids) > 0", name="assignment_has_problems"),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name="assignment_household_fk"),
        sa.PrimaryKeyConstraint("household_id", "id"),
    )
    op.create_index("assignment_agency", "assignment", ["agency", "id"], unique=False)
    op.create_index(
        "assignment_agency_household", "assignment", ["agency", "household_id", "status"], unique=False
    )
    op.create_index(
        "assignment_district", "assignment", [sa.literal_column("left(area_code, 4)"), "id"], unique=False
    )
    op.create_index("assignment_id", "assignment", ["id"], unique=False)
    op.create_index(
        "assignment_province", "assignment", [sa.literal_column("left(area_code, 2)"), "id"], unique=False
    )
    op.create_index(
        "assignment_subdistrict", "assignment", [sa.literal_column("left(area_code, 6)"), "id"], unique=False
    )
    op.create_index("assignment_village", "assignment", ["area_code", "id"], unique=False)
    op.create_table(
        "assignment_move",
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("assignment_id", sa.UUID(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "from_status IN ('proposed', 'assigned', 'accepted', 'in_progress', 'completed', 'confirmed', 'returned', 'escalated', 'cancelled')",
            name="assignment_move_from_status_known",
        ),
        sa.CheckConstraint(
            "to_status IN ('proposed', 'assigned', 'accepted', 'in_progress', 'completed', 'confirmed', 'returned', 'escalated', 'cancelled')",
            name="assignment_move_to_status_known",
        ),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name="assignment_move_household_fk"),
        sa.PrimaryKeyConstraint("household_id", "id"),
    )
    op.create_index(
        "assignment_move_assignment", "assignment_move", ["household_id", "assignment_id"], unique=False
    )
    op.create_table(
        "assistance_event",
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("assignment_id", sa.UUID(), nullable=True),
        sa.Column("problem_ids", postgresql.ARRAY(sa.UUID()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("reason_no_problem", sa.Text(), nullable=True),
        sa.Column("menu_code", sa.Text(collation="C"), nullable=True),
        sa.Column("plan_activity_id", sa.UUID(), nullable=True),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("assistance_type", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("provided_on", sa.Date(), nullable=False),
        sa.Column("value_baht", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("quantity", sa.Numeric(precision=12, scale=3), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("budget_source", sa.Text(), nullable=True),
        sa.Column(
            "beneficiaries", postgresql.ARRAY(sa.UUID()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("project_code", sa.Text(), nullable=True),
        sa.Column(
            "evidence",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("obstacle", sa.Text(), nullable=True),
        sa.Column("suggestion", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("area_code ~ '^([0-9]{6}|[0-9]{8})$'", name="assistance_event_area_code_shape"),
        sa.CheckConstraint(
            "assistance_type IN ('relief', 'livelihood', 'training', 'material', 'housing_repair', 'health_service', 'entitlement', 'finance_access', 'market_access', 'education', 'land', 'advice', 'home_visit', 'referral', 'other')",
            name="assistance_event_assistance_type_known",
        ),
        sa.CheckConstraint(
            "dimension IN ('health', 'living', 'education', 'income', 'access', 'other')",
            name="assistance_event_dimension_known",
        ),
        sa.CheckConstraint(
            "status IN ('recorded', 'corrected', 'voided', 'confirmed')", name="assistance_event_status_known"
        ),
        sa.CheckConstraint("quantity >= 0", name="assistance_event_quantity_positive"),
        sa.CheckConstraint("value_baht >= 0", name="assistance_event_value_positive"),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name="assistance_event_household_fk"),
        sa.PrimaryKeyConstraint("household_id", "id"),
    )
    op.create_index("assistance_event_agency", "assistance_event", ["agency", "id"], unique=False)
    op.create_index(
        "assistance_event_district",
        "assistance_event",
        [sa.literal_column("left(area_code, 4)"), "id"],
        unique=False,
    )
    op.create_index("assistance_event_id", "assistance_event", ["id"], unique=False)
    op.create_index(
        "assistance_event_province",
        "assistance_event",
        [sa.literal_column("left(area_code, 2)"), "id"],
        unique=False,
    )
    op.create_index(
        "assistance_event_subdistrict",
        "assistance_event",
        [sa.literal_column("left(area_code, 6)"), "id"],
        unique=False,
    )
    op.create_index("assistance_event_village", "assistance_event", ["area_code", "id"], unique=False)
    op.create_table(
        "indicator_result",
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("indicator_id", sa.Text(collation="C"), nullable=False),
        sa.Column("person_id", sa.UUID(), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint(
            "result IN ('pass', 'fail', 'not_applicable', 'no_data')", name="indicator_result_result_known"
        ),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name="indicator_result_household_fk"),
        sa.PrimaryKeyConstraint("household_id", "id"),
        sa.UniqueConstraint(
            "household_id",
            "fiscal_year",
            "indicator_id",
            "person_id",
            name="indicator_result_once",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "membership",
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("person_id", sa.UUID(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("relationship", sa.Text(), nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=True),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.Column("left_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "relationship IN ('head', 'spouse', 'child', 'parent', 'sibling', 'grandchild', 'grandparent', 'child_in_law', 'parent_in_law', 'relative', 'other')",
            name="membership_relationship_known",
        ),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name="membership_household_fk"),
        sa.PrimaryKeyConstraint("household_id", "id"),
    )
    op.create_index(
        "membership_once",
        "membership",
        ["household_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("left_on IS NULL"),
    )
    op.create_index(
        "membership_one_head",
        "membership",
        ["household_id"],
        unique=True,
        postgresql_where=sa.text("relationship = 'head' AND left_on IS NULL"),
    )
    op.create_index("membership_person", "membership", ["person_id"], unique=False)
    op.create_table(
        "person",
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("citizen_id_tail", sa.Text(), nullable=True),
        sa.Column("citizen_id_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("no_id_reason", sa.Text(), nullable=True),
        sa.Column("prefix", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("first_name_key", sa.Text(collation="C"), nullable=False),
        sa.Column("last_name_key", sa.Text(collation="C"), nullable=True),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("vital_status", sa.Text(), nullable=False),
        sa.Column("deceased_on", sa.Date(), nullable=True),
        sa.Column("welfare_card", sa.Text(), nullable=False),
        sa.Column(
            "disabilities", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("bedridden", sa.Boolean(), nullable=True),
        sa.Column("able_to_work", sa.Boolean(), nullable=True),
        sa.Column("occupation", sa.Text(), nullable=True),
        sa.Column("annual_income", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("area_code ~ '^([0-9]{6}|[0-9]{8})$'", name="person_area_code_shape"),
        sa.CheckConstraint("citizen_id_tail ~ '^[0-9]{3}$'", name="person_citizen_id_tail_shape"),
        sa.CheckConstraint(
            "no_id_reason IN ('not_registered', 'newborn', 'stateless', 'foreigner', 'not_known', 'refused')",
            name="person_no_id_reason_known",
        ),
        sa.CheckConstraint("sex IN ('male', 'female', 'other', 'unknown')", name="person_sex_known"),
        sa.CheckConstraint(
            "vital_status IN ('alive', 'deceased', 'unknown')", name="person_vital_status_known"
        ),
        sa.CheckConstraint(
            "welfare_card IN ('has_card', 'no_card', 'unknown')", name="person_welfare_card_known"
        ),
        sa.CheckConstraint(
            "(citizen_id_tail IS NULL) = (citizen_id_sealed IS NULL)", name="person_citizen_id_sealed"
        ),
        sa.CheckConstraint(
            "(citizen_id_tail IS NULL) = (no_id_reason IS NOT NULL)", name="person_identified"
        ),
        sa.CheckConstraint("annual_income >= 0", name="person_income_positive"),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name="person_household_fk"),
        sa.PrimaryKeyConstraint("household_id", "id"),
    )
    op.create_index("person_first_name", "person", ["first_name_key", "household_id"], unique=False)
    op.create_index("person_id", "person", ["id"], unique=False)
    op.create_index("person_last_name", "person", ["last_name_key", "household_id"], unique=False)
    op.create_table(
        "problem",
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("person_id", sa.UUID(), nullable=True),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("indicator_id", sa.Text(collation="C"), nullable=True),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column("need", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("solvability", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("proposed_status", sa.Text(), nullable=True),
        sa.Column("proposed_by", sa.Text(), nullable=True),
        sa.Column("recurrence_of", sa.UUID(), nullable=True),
        sa.Column("moved_to", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(status = 'moved_out') = (moved_to IS NOT NULL)", name="problem_moved_to"),
        sa.CheckConstraint("area_code ~ '^([0-9]{6}|[0-9]{8})$'", name="problem_area_code_shape"),
        sa.CheckConstraint(
            "dimension IN ('health', 'living', 'education', 'income', 'access', 'other')",
            name="problem_dimension_known",
        ),
        sa.CheckConstraint(
            "proposed_status IN ('resolved', 'entered_in_error')", name="problem_proposed_status_known"
        ),
        sa.CheckConstraint(
            "solvability IN ('self_solvable', 'external_resource')", name="problem_solvability_known"
        ),
        sa.CheckConstraint(
            "source IN ('bmn', 'tpmap', 'thaiqm', 'vulnerable', 'welfare_card', 'local', 'mpi_questionnaire')",
            name="problem_source_known",
        ),
        sa.CheckConstraint("status <> 'deceased' OR person_id IS NOT NULL", name="problem_deceased_person"),
        sa.CheckConstraint(
            "status IN ('identified', 'analysed', 'assigned', 'being_helped', 'resolved', 'declined', 'moved_out', 'deceased', 'entered_in_error')",
            name="problem_status_known",
        ),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name="problem_household_fk"),
        sa.PrimaryKeyConstraint("household_id", "id"),
    )
    op.create_index(
        "problem_district", "problem", [sa.literal_column("left(area_code, 4)"), "id"], unique=False
    )
    op.create_index("problem_id", "problem", ["id"], unique=False)
    op.create_index(
        "problem_province", "problem", [sa.literal_column("left(area_code, 2)"), "id"], unique=False
    )
    op.create_index("problem_status_household", "problem", ["status", "household_id"], unique=False)
    op.create_index(
        "problem_subdistrict", "problem", [sa.literal_column("left(area_code, 6)"), "id"], unique=False
    )
    op.create_index("problem_village", "problem", ["area_code", "id"], unique=False)
    op.create_table(
        "problem_move",
        sa.Column("household_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("problem_id", sa.UUID(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("proposal", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("occurred_on", sa.Date(), nullable=True),
        sa.Column("moved_to", sa.Text(), nullable=True),
        sa.Column(
            "evidence",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "from_status IN ('identified', 'analysed', 'assigned', 'being_helped', 'resolved', 'declined', 'moved_out', 'deceased', 'entered_in_error')",
            name="problem_move_from_status_known",
        ),
        sa.CheckConstraint(
            "to_status IN ('identified', 'analysed', 'assigned', 'being_helped', 'resolved', 'declined', 'moved_out', 'deceased', 'entered_in_error')",
            name="problem_move_to_status_known",
        ),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name="problem_move_household_fk"),
        sa.PrimaryKeyConstraint("household_id", "id"),
    )
    op.create_index("problem_move_problem", "problem_move", ["household_id", "problem_id"], unique=False)


def downgrade() -> None:
    op.drop_index("problem_move_problem", table_name="problem_move")
    op.drop_table("problem_move")
    op.drop_index("problem_village", table_name="problem")
    op.drop_index("problem_subdistrict", table_name="problem")
    op.drop_index("problem_status_household", table_name="problem")
    op.drop_index("problem_province", table_name="problem")
    op.drop_index("problem_id", table_name="problem")
    op.drop_index("problem_district", table_name="problem")
    op.drop_table("problem")
    op.drop_index("person_last_name", table_name="person")
    op.drop_index("person_id", table_name="person")
    op.drop_index("person_first_name", table_name="person")
    op.drop_table("person")
    op.drop_index("membership_person", table_name="membership")
    op.drop_index(
        "membership_one_head",
        table_name="membership",
        postgresql_where=sa.text("relationship = 'head' AND left_on IS NULL"),
    )
    op.drop_index("membership_once", table_name="membership", postgresql_where=sa.text("left_on IS NULL"))
    op.drop_table("membership")
    op.drop_table("indicator_result")
    op.drop_index("assistance_event_village", table_name="assistance_event")
    op.drop_index("assistance_event_subdistrict", table_name="assistance_event")
    op.drop_index("assistance_event_province", table_name="assistance_event")
    op.drop_index("assistance_event_id", table_name="assistance_event")
    op.drop_index("assistance_event_district", table_name="assistance_event")
    op.drop_index("assistance_event_agency", table_name="assistance_event")
    op.drop_table("assistance_event")
    op.drop_index("assignment_move_assignment", table_name="assignment_move")
    op.drop_table("assignment_move")
    op.drop_index("assignment_village", table_name="assignment")
    op.drop_index("assignment_subdistrict", table_name="assignment")
    op.drop_index("assignment_province", table_name="assignment")
    op.drop_index("assignment_id", table_name="assignment")
    op.drop_index("assignment_district", table_name="assignment")
    op.drop_index("assignment_agency_household", table_name="assignment")
    op.drop_index("assignment_agency", table_name="assignment")
    op.drop_table("assignment")
    op.drop_table("analysis")
    op.drop_index("access_grant_id", table_name="access_grant")
    op.drop_index("access_grant_agency", table_name="access_grant")
    op.drop_table("access_grant")
    op.drop_index(
        "signing_key_one", table_name="signing_key", postgresql_where=sa.text("state IN ('next', 'active')")
    )
    op.drop_table("signing_key")
    op.drop_index("revoked_token_expires", table_name="revoked_token")
    op.drop_table("revoked_token")
    op.drop_table("reference_load")
    op.drop_table("quota")
    op.drop_index("queued_event_house_code", table_name="queued_event")
    op.drop_index("queued_event_blind_index", table_name="queued_event")
    op.drop_table("queued_event")
    op.drop_table("menu")
    op.drop_table("key_adoption")
    op.drop_table("indicator")
    op.drop_index("idempotency_created", table_name="idempotency")
    op.drop_table("idempotency")
    op.drop_index("household_village", table_name="household")
    op.drop_index("household_updated", table_name="household")
    op.drop_index("household_subdistrict", table_name="household")
    op.drop_index("household_province_updated", table_name="household")
    op.drop_index("household_province", table_name="household")
    op.drop_index("household_house_code", table_name="household")
    op.drop_index("household_facets", table_name="household", postgresql_using="gin")
    op.drop_index("household_district", table_name="household")
    op.drop_table("household")
    op.drop_table("event_key")
    op.drop_table("code")
    op.drop_index("client_assertion_expires", table_name="client_assertion")
    op.drop_table("client_assertion")
    op.drop_index("client_agency", table_name="client")
    op.drop_table("client")
    op.drop_index("citizen_identity_person", table_name="citizen_identity")
    op.drop_table("citizen_identity")
    op.drop_index("change_commit_order", table_name="change")
    op.drop_table("change")
    op.drop_table("campaign")
    op.drop_index("audit_at", table_name="audit")
    op.drop_table("audit")
    op.drop_index("area_parent", table_name="area")
    op.drop_index("area_name_en", table_name="area")
    op.drop_index("area_name", table_name="area")
    op.drop_index("area_level", table_name="area")
    op.drop_table("area")
    op.drop_index("agency_routing", table_name="agency", postgresql_where=sa.text("acts_at IS NOT NULL"))
    op.drop_index("agency_kind", table_name="agency")
    op.drop_index("agency_category", table_name="agency")
    op.drop_index("agency_area", table_name="agency")
    op.drop_table("agency")
    op.drop_table("access_log")
    op.drop_index("access_ledger_block", table_name="access_ledger")
    op.drop_table("access_ledger")
    op.drop_table("access_block")
