"""Assistance events as JSON."""

from persistence.masking import free_text, of_agency

COLUMNS = f"""ev.id, {of_agency("ev.external_id", "ev.agency")}, ev.agency, ev.household_id, ev.area_code, ev.assignment_id,
  ev.problem_ids, {free_text("ev.reason_no_problem")}, ev.menu_code, ev.plan_activity_id, ev.dimension,
  ev.assistance_type, {free_text("ev.description")}, ev.provided_on, ev.value_baht::text AS value_baht,
  ev.quantity::float8 AS quantity, {free_text("ev.unit")}, {free_text("ev.budget_source")}, ev.beneficiaries,
  {free_text("ev.project_code")}, ev.evidence, {free_text("ev.obstacle")}, {free_text("ev.suggestion")}, ev.status,
  ev.recorded_at"""
