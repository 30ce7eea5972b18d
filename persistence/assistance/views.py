"""Assistance events as JSON."""

from persistence.masking import free_text, of_agency

COLUMNS = f"""ev.id, {of_agency("ev.external_id", "ev.agency")}, ev.agency, ev.household_id, ev.area_code, ev.assignment_id,
  ev.problem_ids, {free_text("ev.reason_no_problem")}, ev.menu_code, ev.plan_activity_id, ev.dimension,
  ev.assistance_type, {free_text("ev.description")}, ev.provided_on, ev.value_baht::text AS value_baht,
  ev.quantity::float8 AS quantity, {free_text("ev.unit")}, {free_text("ev.budget_source")}, ev.beneficiaries,
  {free_text("ev.project_code")}, ev.evidence, {free_text("ev.obstacle")}, {free_text("ev.suggestion")}, ev.status,
  ev.recorded_at, ev.confirmed_at, ev.supersedes, ev.superseded_by, ev.corrected_at, ev.voided_at,
  {free_text("ev.correction_reason")}, coalesce(ev.version, 1) AS version"""

RECEIPT = f"""ev.id AS event_id, {of_agency("ev.external_id", "ev.agency")}, ev.household_id, ev.status, ev.recorded_at,
  ev.linked_at, ev.confirmed_at, NULL::text AS snapshot, ev.corrected_at, ev.voided_at,
  {free_text("ev.correction_reason")}, ev.supersedes, ev.superseded_by"""
"""What has become of an event so far."""

QUEUED = "(SELECT (jsonb_populate_record(NULL::assistance_event, q.draft)).*) ev"
"""A queued event `q` as an event without a household: the source of the same columns."""
