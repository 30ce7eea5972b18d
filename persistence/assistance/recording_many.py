"""Many events in one statement: the rules of a single post (recording.py), judged and written in sets.

Items arrive as one array a column, sorted by their external ids. Under one external id the first good one is written, and
others come back as `raced`, as do those of whom a writer beside this one was quicker: their next run finds what was
written. Where no external id stands twice the keys can be inserted `plainly`, without a look whether they are free.

Decision: two statements, one for one event and one for many, that share their rules. The one for many makes a
single post a sixth slower.

Locks are taken in one order, so that writers never wait for each other in a ring: the turn in the casework of
households (persistence/casework/locks.py), the households, keys as they sort, then assignments, problems, and the
households that are written to. Each is sorted by id; a `(SELECT count(*) …)` in a condition finishes one step before
the next begins.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

from domain.kernel import NIL
from persistence.assistance.recording import OPEN_TO_EVENTS, STORED, verdict_sql

_ITEM: Mapping[str, str] = {
    "id": "uuid", "external_id": "text", "content_hash": "bytea", "named_id": "uuid", "house_code": "text",
    "blind_index": "bytea", "assignment_id": "uuid", "problem_ids": "uuid[]", "beneficiaries": "uuid[]",
    "menu_code": "text", "reason_no_problem": "text", "plan_activity_id": "uuid", "dimension": "text",
    "assistance_type": "text", "description": "text", "provided_on": "date", "value_baht": "numeric",
    "quantity": "numeric", "unit": "text", "budget_source": "text", "project_code": "text", "evidence": "jsonb",
    "obstacle": "text", "suggestion": "text",
}  # fmt: skip
"""What an item brings, in the order of the parameters."""
_NESTED = {"problem_ids": "{}", "beneficiaries": "{}", "evidence": "[]"}
"""What is a list itself travels as text, for arrays of PostgreSQL have no ragged edge; null for an empty one."""
_SAID = ", ".join(list(_ITEM)[6:])

_FITS: Mapping[str, str] = {
    "id": "h.id = i.named_id",
    # A partner goes on naming a household that was merged by the id it knows.
    "merged": "h.id = (SELECT was.merged_into FROM household was WHERE was.id = i.named_id)",
    "house_code": "h.house_code = i.house_code",
    "citizen_id": "h.id = (SELECT ci.household_id FROM citizen_identity ci WHERE ci.blind_index = i.blind_index)",
}
_LIVE = "h.merged_into IS NULL AND h.area_code ^@ ANY($2::text[])"
_LOOKING = """home AS MATERIALIZED (
    SELECT h.id, h.area_code, h.case_status FROM household h WHERE {among} AND {live})"""
_TURNS = """alone AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(hashtextextended('casework:' || x.id, 0))
    FROM (SELECT DISTINCT h.id FROM named n JOIN household h ON h.id = n.id
      WHERE n.assignment_id IS NOT NULL AND {live} ORDER BY h.id) x),
  """
_TURN = "AND (SELECT count(*) FROM alone) >= 0"
_HOLDING = """home AS MATERIALIZED (
    SELECT h.id, h.area_code, h.case_status FROM household h WHERE {among} AND {live} {turn}
    ORDER BY h.id FOR KEY SHARE OF h)"""
_QUEUE: Mapping[str, str] = {"register": "boolean", "citizen_id_sealed": "bytea", "draft": "text"}
"""What an item brings as well where some may be queued."""


def _items(count_at: int, columns: Mapping[str, str]) -> str:
    """The items as rows; their number is bound at `$count_at`, an array a column after it.

    The shorter arrays are filled up with nulls. The planner takes the rows for a thousand: by fewer it would compare
    each with each.
    """
    arrays = ", ".join(
        f"unnest(${place}::{'text' if name in _NESTED else kind}[]) AS {name}"
        for place, (name, kind) in enumerate(columns.items(), start=count_at + 1)
    )
    # A constant is read once, and a cast for every row.
    shaped = ", ".join(
        f"CASE WHEN {name} IS NULL THEN '{_NESTED[name]}'::{kind} ELSE {name}::{kind} END AS {name}"
        if name in _NESTED
        else name
        for name, kind in columns.items()
    )
    return f"SELECT at, {shaped} FROM (SELECT generate_series(1, ${count_at}::int) AS at, {arrays}) i"


def _bound(count_at: int, name: str) -> str:
    """The array of a column of the items."""
    return f"${count_at + 1 + list(_ITEM).index(name)}::{_ITEM[name]}[]"


_VERDICT = partial(
    verdict_sql,
    known="k.event_id IS NOT NULL",
    same="k.content_hash = i.content_hash",
    here="""k.household_id IS NULL OR EXISTS (SELECT FROM assistance_event ev
          WHERE ev.household_id = k.household_id AND ev.id = k.event_id AND ev.area_code ^@ ANY($2::text[]))""",
    homeless="t.id IS NULL",
    home="t.id",
    problems="i.problem_ids",
    beneficiaries="i.beneficiaries",
    menu="i.menu_code",
)
_HOMELESS = "'unknown-household'"
_QUEUED = "CASE WHEN i.register THEN 'queued' ELSE 'unknown-household' END"


class Kind(NamedTuple):
    """What a batch needs of its statement."""

    named: tuple[str, ...]
    """How its items name their households: `id` alone takes each for the id of one that was not merged."""
    queueing: bool
    helping: bool = True
    """Some are help against an assignment."""
    plainly: bool = False
    """Its items' external ids differ; UniqueViolation where another writer takes one of them meanwhile."""


def _judged(kind: Kind, count_at: int, *, held: bool) -> str:
    """The verdict on each item. Every LIMIT keeps a lookup by key: a join would read whole tables. What all items ask
    for alike is looked up at once, by their arrays: neighbours in an index are found without beginning at its root.

    `held`: no household moves or is merged before the events have landed (registry/holding.py), and nobody else is at
    work on the assignments of those whose help is against one.
    """
    columns = {**_ITEM, **_QUEUE} if kind.queueing else _ITEM
    by_id = kind.named == ("id",)
    # All of them at once, along the index.
    among = f"h.id = ANY({_bound(count_at, 'named_id')})" if by_id else "h.id IN (SELECT id FROM named)"
    against = _AGAINST if kind.helping else _AGAINST_NONE
    verdict = _VERDICT(
        ambiguous="false" if by_id else "t.fits > 1",
        homeless_verdict=_QUEUED if kind.queueing else _HOMELESS,
        **against.verdict,
    )
    return f"""item AS MATERIALIZED ({_items(count_at, columns)}),
  named AS MATERIALIZED ({_ID_NAMED if by_id else _named(kind.named)}),
  {_home(kind, held).format(among=among, live=_LIVE, turn=_TURN if kind.helping else "")},
  {"" if by_id else _placed(kind.named)}
  known AS MATERIALIZED (
    SELECT k.external_id, k.event_id, k.household_id, k.content_hash FROM event_key k
    WHERE k.agency = $1 AND k.external_id = ANY({_bound(count_at, "external_id")})),
  judged AS MATERIALIZED (
    SELECT i.*, t.id AS home, t.area_code, t.case_status, k.event_id AS known, {against.columns}
      {verdict} AS verdict
    FROM item i LEFT JOIN {"home t ON t.id = i.named_id" if by_id else "placed t ON t.at = i.at"}
    LEFT JOIN known k ON k.external_id = i.external_id {against.join}
    ORDER BY i.at)"""


class _Against(NamedTuple):
    """How the assignments are looked at that the items name."""

    verdict: Mapping[str, str]
    columns: str = ""
    join: str = ""


_AGAINST = _Against(
    {
        "assignment": "i.assignment_id",
        "unassigned": "a.id IS NULL",
        "closed": f"a.status NOT IN {OPEN_TO_EVENTS}",
    },
    "a.problem_ids AS to_help,",
    """LEFT JOIN LATERAL (SELECT a.id, a.status, a.problem_ids FROM assignment a
      WHERE a.household_id = t.id AND a.id = i.assignment_id AND a.agency = $1 LIMIT 1) a ON true""",
)
_AGAINST_NONE = _Against({"assignment": "NULL", "unassigned": "false", "closed": "false"})


def _home(kind: Kind, held: bool) -> str:
    if not held:
        return _LOOKING
    return _TURNS + _HOLDING if kind.helping else _HOLDING


_ID_NAMED = "SELECT i.at, i.assignment_id, i.named_id AS id FROM item i"


def _named(by: Sequence[str]) -> str:
    """The households that each item may mean."""
    fitting = " UNION ALL ".join(f"SELECT h.id FROM household h WHERE {_FITS[one]} AND {_LIVE}" for one in by)
    limited = f"{fitting} LIMIT {2 if _several(by) else 1}"
    return f"SELECT i.at, i.assignment_id, h.id FROM item i CROSS JOIN LATERAL ({limited}) h"


def _placed(by: Sequence[str]) -> str:
    """Of each item one of them, and how many there are."""
    if not _several(by):
        return "placed AS MATERIALIZED (SELECT n.at, h.*, 1 AS fits FROM named n JOIN home h ON h.id = n.id),"
    return """placed AS MATERIALIZED (
    SELECT DISTINCT ON (n.at) n.at, h.*, count(*) OVER (PARTITION BY n.at) AS fits
    FROM named n JOIN home h ON h.id = n.id ORDER BY n.at),"""


def _several(by: Sequence[str]) -> bool:
    return "house_code" in by


@lru_cache(maxsize=64)
def judge_sql(kind: Kind) -> str:
    """$1 agency · $2 area prefixes · $3 number of items · then an array for each of their columns."""
    return f"""WITH {_judged(kind, 3, held=False)}
  SELECT verdict, CASE WHEN verdict = 'duplicate' THEN known END FROM judged ORDER BY at"""


# The keys, and of what has landed everything else follows. Ids are in the order in which the items were sent.
_KEYED = """keyed AS (
    INSERT INTO event_key (agency, external_id, event_id, household_id, content_hash)
    SELECT $1, external_id, id, home, content_hash FROM {source} RETURNING event_id)"""
_PLAIN_KEYS = f"""landed AS NOT MATERIALIZED (SELECT * FROM judged WHERE verdict IN {{good}}),
  {_KEYED.format(source="landed")}"""
_KEYS = f"""good AS MATERIALIZED (
    SELECT DISTINCT ON (external_id COLLATE "C") * FROM judged WHERE verdict IN {{good}}
    ORDER BY external_id COLLATE "C", at),
  {_KEYED.format(source="good ON CONFLICT DO NOTHING")},
  landed AS MATERIALIZED (SELECT * FROM good WHERE id IN (SELECT event_id FROM keyed))"""
_HELPING = """sought AS MATERIALIZED (
    SELECT DISTINCT ON (assignment_id) home, assignment_id, to_help, provided_on FROM landed
    WHERE assignment_id IS NOT NULL AND (SELECT count(*) FROM keyed) >= 0 ORDER BY assignment_id, id),
  held AS MATERIALIZED (
    SELECT a.household_id, a.id, a.status FROM assignment a
    WHERE (a.household_id, a.id) IN (SELECT home, assignment_id FROM sought) AND a.status IN ('assigned', 'accepted')
    ORDER BY a.id FOR UPDATE),
  started AS (
    UPDATE assignment a SET status = 'in_progress', version = a.version + 1, updated_at = $3
    FROM held WHERE a.household_id = held.household_id AND a.id = held.id AND a.status IN ('assigned', 'accepted')
    RETURNING a.household_id, a.id, a.area_code, a.version, a.agency, held.status AS from_status),
  started_moves AS (
    INSERT INTO assignment_move (household_id, id, assignment_id, area_code, at, agency, client_id, from_status, to_status)
    SELECT household_id, gen_random_uuid(), id, area_code, $3, $1, $4, from_status, 'in_progress' FROM started),
  waiting AS MATERIALIZED (
    SELECT pr.household_id, pr.id, s.provided_on FROM sought s CROSS JOIN unnest(s.to_help) named(id)
      JOIN problem pr ON pr.household_id = s.home AND pr.id = named.id
    WHERE pr.status = 'assigned' AND (SELECT count(*) FROM started) >= 0
    ORDER BY pr.id FOR UPDATE OF pr),
  helped AS (
    UPDATE problem pr SET status = 'being_helped', version = pr.version + 1, updated_at = $3
    FROM waiting w WHERE pr.household_id = w.household_id AND pr.id = w.id AND pr.status = 'assigned'
    RETURNING pr.household_id, pr.id, pr.area_code, pr.version, w.provided_on),
  helped_moves AS (
    INSERT INTO problem_move (household_id, id, problem_id, area_code, at, agency, client_id, from_status, to_status, occurred_on)
    SELECT household_id, gen_random_uuid(), id, area_code, $3, $1, $4, 'assigned', 'being_helped', provided_on FROM helped),
  """
_BEGINNING = """begun AS MATERIALIZED (
    SELECT h.id FROM household h WHERE h.id IN (
        SELECT home FROM landed WHERE case_status IN ('analysed', 'planned'))
      AND h.case_status IN ('analysed', 'planned') AND (SELECT count(*) FROM {before}) >= 0
    ORDER BY h.id FOR NO KEY UPDATE),
  entered AS (
    UPDATE household h SET case_status = 'in_assistance', version = h.version + 1, updated_at = $3
    FROM begun WHERE h.id = begun.id AND h.case_status IN ('analysed', 'planned')
    RETURNING h.id, h.area_code, h.version)"""


_HELP_FED = """UNION ALL
    SELECT household_id, gen_random_uuid(), area_code, 'assignment', id, 'updated', version, agency, $3 FROM started
    UNION ALL SELECT household_id, gen_random_uuid(), area_code, 'problem', id, 'updated', version, NULL, $3 FROM helped"""


_QUEUEING = f"""queued AS (
    INSERT INTO queued_event
      (agency, id, external_id, blind_index, house_code, citizen_id_sealed, draft, client_id, areas, recorded_at)
    SELECT $1, id, external_id, blind_index, house_code, citizen_id_sealed, draft::jsonb, $4, $2, $3
    FROM landed WHERE verdict = 'queued' RETURNING id),
  queue_audited AS (
    INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource)
    SELECT '{NIL}', id, $3, $4, $1, $5, 'assistance_event.queued', id::text FROM queued),"""


@lru_cache(maxsize=64)
def record_sql(kind: Kind) -> str:
    """$1 agency · $2 area prefixes · $3 now · $4 client · $5 request · $6 number of items · then an array for each
    of their columns.

    The rows of the feed and the audit of an event have its id: they keep its order, and need none of their own.
    """
    good = "('created', 'queued')" if kind.queueing else "('created')"
    created = "WHERE verdict = 'created'" if kind.queueing else ""
    keying = _PLAIN_KEYS if kind.plainly else _KEYS
    raced = "false" if kind.plainly else f"verdict IN {good} AND id NOT IN (SELECT event_id FROM keyed)"
    return f"""WITH {_judged(kind, 6, held=True)},
  {keying.format(good=good)},
  recorded AS (
    INSERT INTO assistance_event ({STORED})
    SELECT home, id, area_code, $1, external_id, {_SAID}, 'recorded', $3
    FROM landed {created} RETURNING household_id, id, area_code),
  {_QUEUEING if kind.queueing else ""}
  {_HELPING if kind.helping else ""}
  {_BEGINNING.format(before="helped" if kind.helping else "keyed")},
  fed AS (
    INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, agency, occurred_at)
    SELECT household_id, id, area_code, 'assistance_event', id, 'created', 1, $1, $3 FROM recorded
    {_HELP_FED if kind.helping else ""}
    UNION ALL SELECT id, gen_random_uuid(), area_code, 'household', id, 'updated', version, NULL, $3 FROM entered),
  audited AS (
    INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource, area_code)
    SELECT household_id, id, $3, $4, $1, $5, 'assistance_event.created', id::text, area_code FROM recorded)
  SELECT CASE WHEN {raced} THEN 'raced' ELSE verdict END,
    CASE WHEN verdict IN {good} THEN id WHEN verdict = 'duplicate' THEN known END
  FROM judged ORDER BY at"""
