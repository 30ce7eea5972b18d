"""The statements that carry out the plan of a chunk: one a table, whatever the number of rows, all through the wall.

$1 are the rows (transport.py).
"""

from collections.abc import Mapping, Sequence

from domain.exchange.importing.state import HOUSEHOLD_FIELDS, PERSON_FIELDS
from persistence.exchange.imports.transport import Columns, source

_PERSON_TYPES = dict.fromkeys(PERSON_FIELDS, "text") | {
    "birth_date": "date", "deceased_on": "date", "disabilities": "list", "bedridden": "bool", "able_to_work": "bool",
    "annual_income": "numeric",
}  # fmt: skip
_PERSON_KEYS: Columns = {"first_name_key": "code", "last_name_key": "text", "provenance": "jsonb"}
PERSON_NEW: Columns = {
    "household_id": "uuid", "id": "uuid", "area_code": "text", "no_id_reason": "text", "citizen_id_tail": "text",
    "citizen_id_sealed": "bytea", "phone_sealed": "bytea", **_PERSON_KEYS, **_PERSON_TYPES,
}  # fmt: skip
MEMBER: Columns = {**PERSON_NEW, "relationship": "text", "joined_on": "date", "blind_index": "bytea"}
"""A new person with the membership, and the citizen id to be claimed."""
PERSON_OLD: Columns = {
    "household_id": "uuid", "id": "uuid", "version": "int", **_PERSON_KEYS, **_PERSON_TYPES,
}  # fmt: skip
_HOUSEHOLD: Columns = {
    "id": "uuid", "house_code": "text", "latitude": "float8", "longitude": "float8",
    **dict.fromkeys(HOUSEHOLD_FIELDS, "text"), "moo": "int", "annual_income_per_person": "numeric", "has_land": "bool",
    "sources": "jsonb", "target_groups": "jsonb", "provenance": "jsonb", "head_person_id": "uuid", "facets": "list",
    "dimension_mask": "text",
}  # fmt: skip
HOUSEHOLD_NEW: Columns = {"area_code": "text", **_HOUSEHOLD}
HOUSEHOLD_OLD: Columns = {"version": "int", **_HOUSEHOLD}
RESULT: Columns = {
    "household_id": "uuid", "id": "uuid", "area_code": "text", "fiscal_year": "int", "edition": "text",
    "indicator_id": "text", "person_id": "uuid", "result": "text",
}  # fmt: skip
RECORD: Columns = {"record_key": "bytea", "household_id": "uuid", "person_id": "uuid", "area_code": "text"}
CONFLICT: Columns = {
    "household_id": "uuid", "id": "uuid", "area_code": "text", "person_id": "uuid", "field": "text", "stored": "jsonb",
    "stored_source": "text", "stored_seen_on": "date", "given": "jsonb", "given_sealed": "bytea", "given_source": "text",
    "given_seen_on": "date", "given_hash": "bytea", "row_number": "int", "status": "text", "choice": "text", "settled_by": "text",
}  # fmt: skip
IDENTITY: Columns = {
    "blind_index": "bytea", "key_id": "smallint", "person_id": "uuid", "household_id": "uuid", "area_code": "text",
}  # fmt: skip
REPORT: Columns = {
    "number": "int", "area_code": "code", "household_id": "uuid", "person_id": "uuid", "record_id": "text",
    "outcome": "text", "codes": "jsonb", "diff": "jsonb", "key": "bytea", "content": "bytea",
}  # fmt: skip


def inserting(table: str, columns: Columns, more: Mapping[str, str] | None = None, tail: str = "") -> str:
    """INSERT of such rows; `more` are columns with the same SQL text for every row."""
    more = more or {}
    values = ", ".join((*(f"n.{name}" for name in columns), *more.values()))
    return (
        f"INSERT INTO {table} ({', '.join((*columns, *more))}) SELECT {values} FROM {source(columns)} {tail}"
    )


def updating(table: str, columns: Columns, key: Sequence[str], more: str) -> str:
    """UPDATE from such rows, of those at the version that was found."""
    sets = ", ".join(f"{name} = n.{name}" for name in columns if name not in (*key, "version"))
    same = " AND ".join(f"t.{name} = n.{name}" for name in (*key, "version"))
    return f"UPDATE {table} t SET {sets}, {more} FROM {source(columns)} WHERE {same}"


_STAMPED = {"created_at": "$2", "updated_at": "$2"}
_RENEWED = "version = t.version + 1, updated_at = $2"
ADD_HOUSEHOLDS = inserting("household", HOUSEHOLD_NEW, {"case_status": "'imported'", **_STAMPED})
# In one order for all writers: of two that register the same persons one waits, and none in a circle.
ADD_MEMBERS = f"""WITH n AS MATERIALIZED (SELECT * FROM {source(MEMBER)}),
  people AS (
    INSERT INTO person ({", ".join((*PERSON_NEW, *_STAMPED))})
    SELECT {", ".join((*(f"n.{name}" for name in PERSON_NEW), *_STAMPED.values()))} FROM n),
  members AS (
    INSERT INTO membership (household_id, id, person_id, area_code, relationship, joined_on)
    SELECT n.household_id, gen_random_uuid(), n.id, n.area_code, n.relationship, n.joined_on FROM n),
  claimed AS (
    INSERT INTO citizen_identity (blind_index, key_id, person_id, household_id, area_code)
    SELECT n.blind_index, $3::smallint, n.id, n.household_id, n.area_code FROM n WHERE n.blind_index IS NOT NULL
    ORDER BY n.blind_index ON CONFLICT DO NOTHING RETURNING person_id)
  SELECT n.id FROM n WHERE n.blind_index IS NOT NULL AND n.id NOT IN (SELECT person_id FROM claimed)"""
"""$3 is the key of the blind indexes. Whose citizen ids are somebody else's already."""
RENEW_HOUSEHOLDS = updating("household", HOUSEHOLD_OLD, ("id",), _RENEWED)
RENEW_PERSONS = updating("person", PERSON_OLD, ("household_id", "id"), _RENEWED)
IDENTIFY = """UPDATE person t SET citizen_id_tail = n.tail, citizen_id_sealed = n.sealed, no_id_reason = NULL
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[]) AS n(household_id, id, tail, sealed)
  WHERE t.household_id = n.household_id AND t.id = n.id"""
PHONE = """UPDATE person t SET phone_sealed = n.sealed
  FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) AS n(household_id, id, sealed)
  WHERE t.household_id = n.household_id AND t.id = n.id"""
RELATE = """UPDATE membership t SET relationship = n.relationship
  FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS n(household_id, person_id, relationship)
  WHERE t.household_id = n.household_id AND t.person_id = n.person_id AND t.left_on IS NULL"""
ADD_RESULTS = inserting(
    "indicator_result", RESULT,
    {"recorded_at": "$2", "agency": "$3"},
    """ON CONFLICT (household_id, fiscal_year, indicator_id, person_id)
       DO UPDATE SET result = excluded.result, recorded_at = excluded.recorded_at, agency = excluded.agency""",
)  # fmt: skip
ADD_RECORDS = inserting("source_record", RECORD, tail="ON CONFLICT DO NOTHING")
# The same given value again is the same conflict; where the other one is trusted more by now it is settled anew.
ADD_CONFLICTS = inserting(
    "conflict", CONFLICT,
    {"import_id": "$2", "created_at": "$3", "settled_at":
     "CASE WHEN n.settled_by IS NOT NULL THEN $3::timestamptz END"},
    "ON CONFLICT (household_id, person_id, field, given_source, given_hash) DO NOTHING",
)  # fmt: skip
ADD_REPORT = inserting("import_row", REPORT, {"import_id": "$2", "agency": "$3"})
ADD_CELLS = """INSERT INTO import_cell (import_id, number, cells_sealed)
  SELECT $1, n.number, n.cells FROM unnest($2::int[], $3::bytea[]) AS n(number, cells)"""
CLAIM = f"""WITH n AS MATERIALIZED (SELECT * FROM {source(IDENTITY)}),
  claimed AS (
    INSERT INTO citizen_identity ({", ".join(IDENTITY)}) SELECT * FROM n ON CONFLICT DO NOTHING
    RETURNING blind_index, person_id)
  SELECT person_id FROM n WHERE (blind_index, person_id) NOT IN (SELECT blind_index, person_id FROM claimed)"""
"""Whose are somebody else's already."""
