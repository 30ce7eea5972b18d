"""The one statement that records an event with every effect, and answers what became of it.

Fifty identical posts at once: each statement looks for the natural key, and the unique key lets one insert
win; a loser waits for the winner, inserts nothing, and its second run finds the winner's record.
"""

from typing import Any

from domain.assistance.event import EventDraft
from persistence.assistance.views import COLUMNS
from persistence.bounds import GATE

HOUSEHOLD_BY = {
    # A partner goes on naming a household that was merged by the id it knows.
    "id": "h.id = coalesce((SELECT was.merged_into FROM household was WHERE was.id = $6::uuid), $6::uuid)",
    "house_code": "h.house_code = $6::text",
    "citizen_id": "h.id = (SELECT ci.household_id FROM citizen_identity ci WHERE ci.blind_index = $6::bytea)",
}

STORED = """household_id, id, area_code, agency, external_id, assignment_id, problem_ids, beneficiaries, menu_code,
  reason_no_problem, plan_activity_id, dimension, assistance_type, description, provided_on, value_baht, quantity, unit,
  budget_source, project_code, evidence, obstacle, suggestion, status, recorded_at"""

OPEN_TO_EVENTS = "('assigned', 'accepted', 'in_progress', 'completed', 'confirmed')"


# An event against the agency's own assignment sets it and its problems going; the first one the case as well.
EFFECTS = """started AS (
    UPDATE assignment a SET status = 'in_progress', version = a.version + 1, updated_at = $25
    FROM keyed, asg WHERE a.household_id = keyed.household_id AND a.id = asg.id AND a.status IN ('assigned', 'accepted')
    RETURNING a.household_id, a.id, a.area_code, a.version, a.agency, asg.status AS from_status),
  started_moves AS (
    INSERT INTO assignment_move (household_id, id, assignment_id, area_code, at, agency, client_id, from_status, to_status)
    SELECT household_id, gen_random_uuid(), id, area_code, $25, $2, $26, from_status, 'in_progress' FROM started),
  helped AS (
    UPDATE problem pr SET status = 'being_helped', version = pr.version + 1, updated_at = $25
    FROM keyed, asg WHERE pr.household_id = keyed.household_id AND pr.id = ANY(asg.problem_ids)
      AND pr.status = 'assigned'
    RETURNING pr.household_id, pr.id, pr.area_code, pr.version),
  helped_moves AS (
    INSERT INTO problem_move (household_id, id, problem_id, area_code, at, agency, client_id, from_status, to_status, occurred_on)
    SELECT household_id, gen_random_uuid(), id, area_code, $25, $2, $26, 'assigned', 'being_helped', $16 FROM helped),
  entered AS (
    UPDATE household h SET case_status = 'in_assistance', version = h.version + 1, updated_at = $25
    FROM keyed, target t WHERE h.id = keyed.household_id AND t.id = h.id AND t.case_status IN ('analysed', 'planned')
    RETURNING h.id, h.area_code, h.version)"""


def verdict_sql(
    *,
    known: str,
    same: str,
    here: str,
    homeless: str,
    ambiguous: str,
    home: str,
    assignment: str,
    unassigned: str,
    closed: str,
    problems: str,
    beneficiaries: str,
    menu: str,
    homeless_verdict: str = "'unknown-household'",
) -> str:
    """What becomes of an event, as an SQL expression: the rules, for one event and for a thousand.

    Conditions: `known` the key is taken, `same` by this content, `here` of an event that the caller reaches;
    `homeless` and `ambiguous`: none or several households fit; `unassigned`, `closed`: of the named assignment.
    `home` is the household's id, the others are what the event names.
    """
    return f"""CASE
      WHEN {same} THEN CASE
        WHEN {here} THEN 'duplicate'
        -- Recorded where this client does not reach: another one's, or its household has left (departed.py).
        ELSE 'elsewhere' END
      WHEN {known} THEN 'external-id-conflict'
      WHEN {homeless} THEN {homeless_verdict}
      WHEN {ambiguous} THEN 'ambiguous-identifier'
      WHEN {assignment} IS NOT NULL AND {unassigned} THEN 'unknown-assignment'
      WHEN {closed} THEN 'assignment-closed'
      WHEN {problems} <> '{{}}' AND EXISTS (
        SELECT FROM unnest({problems}) wanted(id) WHERE NOT EXISTS (
          SELECT FROM problem pr WHERE pr.household_id = {home} AND pr.id = wanted.id)) THEN 'unknown-problem'
      WHEN {beneficiaries} <> '{{}}' AND EXISTS (
        SELECT FROM unnest({beneficiaries}) wanted(id) WHERE NOT EXISTS (
          SELECT FROM membership ms WHERE ms.household_id = {home} AND ms.person_id = wanted.id AND ms.left_on IS NULL))
        THEN 'unknown-beneficiary'
      WHEN {menu} IS NOT NULL AND NOT EXISTS (SELECT FROM menu m WHERE m.code = {menu}) THEN 'unknown-menu'
      ELSE 'created' END"""


_VERDICT = verdict_sql(
    known="EXISTS (SELECT FROM known)",
    same="EXISTS (SELECT FROM known WHERE content_hash = $4)",
    here="EXISTS (SELECT FROM known WHERE household_id IS NULL) OR EXISTS (SELECT FROM mine)",
    homeless="NOT EXISTS (SELECT FROM target)",
    ambiguous="(SELECT count(*) FROM target) > 1",
    home="(SELECT id FROM target LIMIT 1)",
    assignment="$7",
    unassigned="NOT EXISTS (SELECT FROM asg)",
    closed=f"EXISTS (SELECT FROM asg WHERE status NOT IN {OPEN_TO_EVENTS})",
    problems="$8::uuid[]",
    beneficiaries="$9::uuid[]",
    menu="$10::text",
)


def said(draft: EventDraft) -> tuple[Any, ...]:
    """What the draft says of the help itself: $7 to $24, of a recording and of a new version alike."""
    return (
        draft.assignment_id,
        draft.problem_ids,
        draft.beneficiaries,
        draft.menu_code,
        draft.reason_no_problem,
        draft.plan_activity_id,
        draft.dimension.value,
        draft.assistance_type.value,
        draft.description,
        draft.provided_on,
        draft.value_baht,
        draft.quantity,
        draft.unit,
        draft.budget_source,
        draft.project_code,
        [one.model_dump(mode="json") for one in draft.evidence],
        draft.obstacle,
        draft.suggestion,
    )


def record_sql(household_by: str) -> str:
    """$1 id · $2 agency · $3 external id · $4 content hash · $5 area prefixes · $6 household · $7 assignment ·
    $8 problems · $9 beneficiaries · $10 menu · $11 reason · $12 plan activity · $13 dimension · $14 type ·
    $15 description · $16 provided on · $17 value · $18 quantity · $19 unit · $20 budget source · $21 project ·
    $22 evidence · $23 obstacle · $24 suggestion · $25 now · $26 client · $27 request · $28 change id · $29 audit id
    """
    return f"""WITH known AS MATERIALIZED (
    SELECT k.event_id, k.household_id, k.content_hash FROM event_key k WHERE k.agency = $2 AND k.external_id = $3),
  mine AS (
    SELECT ev.* FROM assistance_event ev, known
    WHERE ev.household_id = known.household_id AND ev.id = known.event_id AND ev.area_code ^@ ANY($5::text[])),
  target AS MATERIALIZED (
    SELECT h.id, h.area_code, h.case_status FROM household h
    -- Locked, so that its area and id are those it has when the event lands: it may be moving (registry/holding.py).
    WHERE {HOUSEHOLD_BY[household_by]} AND h.merged_into IS NULL AND h.area_code ^@ ANY($5::text[]) LIMIT 2 FOR KEY SHARE OF h),
  asg AS MATERIALIZED (
    SELECT a.id, a.status, a.problem_ids FROM assignment a, target t
    WHERE $7::uuid IS NOT NULL AND a.household_id = t.id AND a.id = $7 AND a.agency = $2),
  checked AS MATERIALIZED (
    SELECT {_VERDICT} AS verdict),
  keyed AS (
    INSERT INTO event_key (agency, external_id, event_id, household_id, content_hash)
    SELECT $2, $3, $1, t.id, $4 FROM target t, checked WHERE verdict = 'created'
    ON CONFLICT DO NOTHING RETURNING household_id),
  recorded AS (
    INSERT INTO assistance_event ({STORED})
    SELECT t.id, $1, t.area_code, $2, $3, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
      $22, $23, $24, 'recorded', $25
    FROM keyed, target t RETURNING *),
  {EFFECTS},
  fed AS (
    INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, agency, occurred_at)
    SELECT household_id, $28::uuid, area_code, 'assistance_event', id, 'created', 1, agency, $25 FROM recorded
    UNION ALL SELECT household_id, gen_random_uuid(), area_code, 'assignment', id, 'updated', version, agency, $25 FROM started
    UNION ALL SELECT household_id, gen_random_uuid(), area_code, 'problem', id, 'updated', version, NULL, $25 FROM helped
    UNION ALL SELECT id, gen_random_uuid(), area_code, 'household', id, 'updated', version, NULL, $25 FROM entered),
  audited AS (
    INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource, area_code)
    SELECT household_id, $29::uuid, $25, $26, $2, $27, 'assistance_event.created', id::text, area_code FROM recorded)
  SELECT CASE WHEN verdict = 'created' AND NOT EXISTS (SELECT FROM keyed) THEN 'raced' ELSE verdict END,
    CASE verdict
      WHEN 'created' THEN (SELECT row_to_json(t) FROM (SELECT {COLUMNS} FROM recorded ev) t)
      WHEN 'duplicate' THEN (SELECT row_to_json(t) FROM (SELECT {COLUMNS} FROM mine ev) t) END,
    coalesce((SELECT household_id FROM known), (SELECT id FROM target LIMIT 1))::text
  FROM checked WHERE {GATE}"""


RECORD = {by: record_sql(by) for by in HOUSEHOLD_BY}
