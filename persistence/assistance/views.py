"""Assistance events as JSON."""

COLUMNS = """ev.id, ev.external_id, ev.agency, ev.household_id, ev.area_code, ev.assignment_id, ev.problem_ids,
  ev.reason_no_problem, ev.menu_code, ev.plan_activity_id, ev.dimension, ev.assistance_type, ev.description,
  ev.provided_on, ev.value_baht::text AS value_baht, ev.quantity::float8 AS quantity, ev.unit, ev.budget_source,
  ev.beneficiaries, ev.project_code, ev.evidence, ev.obstacle, ev.suggestion, ev.status, ev.recorded_at"""
