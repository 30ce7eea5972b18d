"""Problems, analyses and assignments as JSON: the columns of one row, for a page, a read, or a household
that carries them along. Aliases: problem `pr`, analysis `an`, assignment `asg`.

What the caller may move a row to is looked up in the bound map of its moves, so that the same text serves
everybody (domain/casework/moves.py).
"""

from domain.casework.states import OPEN_ASSIGNMENT
from persistence.masking import free_text

OPEN = ", ".join(f"'{status}'" for status in OPEN_ASSIGNMENT)
OVERDUE = f"(asg.status IN ({OPEN}) AND asg.due_on IS NOT NULL AND asg.due_on < {{today}})"
"""Open, and its due date has passed; format with the bound date in Bangkok."""


def problem_columns(*, moves: str) -> str:
    """Columns of a problem `pr`; `moves` is the bound map of `problem_moves`."""
    key = "pr.status || CASE WHEN pr.person_id IS NULL THEN ':household' ELSE ':person' END"
    return f"""pr.id, pr.household_id, pr.person_id, pr.area_code, pr.dimension, pr.indicator_id,
    pr.fiscal_year, {free_text("pr.need")}, {free_text("pr.description")},
    pr.source, pr.solvability, pr.status, pr.proposed_status,
    pr.recurrence_of, {free_text("pr.moved_to")},
    (SELECT coalesce(json_agg(m), '[]') FROM (
      SELECT mv.at, mv.agency, mv.from_status, mv.to_status, mv.proposal, {free_text("mv.reason")}, mv.occurred_on,
        {free_text("mv.moved_to")}, mv.evidence
      FROM problem_move mv WHERE mv.household_id = pr.household_id AND mv.problem_id = pr.id
      ORDER BY mv.at, mv.id) m) AS history,
    {moves}::jsonb -> ({key}) AS allowed,
    pr.version, pr.created_at, pr.updated_at"""


def analysis_columns() -> str:
    """Columns of an analysis `an`."""
    return f"""an.id, an.household_id, {free_text("an.attitude")}, {free_text("an.skills")},
    {free_text("an.resources")}, {free_text("an.way_out")}, an.analysed_on,
    an.analysts, an.complete, an.created_at"""


def assignment_columns(*, moves: str, agency: str, today: str) -> str:
    """Columns of an assignment `asg`; bound: the map of `assignment_moves`, the caller's agency, the date."""
    key = f"asg.status || CASE WHEN asg.agency = {agency}::text THEN ':own' ELSE ':other' END"
    return f"""asg.id, asg.household_id, asg.area_code, asg.problem_ids, asg.menu_code, asg.agency, asg.role,
    asg.meeting_id, asg.status, asg.due_on, {OVERDUE.format(today=f"{today}::date")} AS overdue,
    {free_text("asg.instructions")}, {free_text("asg.outcome")}, asg.escalated_to,
    (SELECT coalesce(json_agg(m), '[]') FROM (
      SELECT mv.at, mv.agency, mv.from_status, mv.to_status, {free_text("mv.reason")}
      FROM assignment_move mv WHERE mv.household_id = asg.household_id AND mv.assignment_id = asg.id
      ORDER BY mv.at, mv.id) m) AS history,
    {moves}::jsonb -> ({key}) AS allowed,
    asg.version, asg.created_at, asg.updated_at"""
