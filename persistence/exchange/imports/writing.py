"""Carries out the plan of a chunk: one statement a table, whatever the number of rows, and nothing of others' changes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from domain.access.policy import MASKED_FIELDS
from domain.exchange.importing.job import Job
from domain.exchange.importing.state import (
    HOUSEHOLD_FIELDS,
    PERSON_FIELDS,
    Household,
    Person,
    Plan,
    ResultKey,
)
from domain.exchange.importing.store import Raced
from domain.kernel import Trail
from persistence.assistance import queue
from persistence.engine import Connection
from persistence.exchange.imports.finding import keyed_by
from persistence.exchange.trail import leave_all
from persistence.registry.facets import facets
from persistence.registry.trails import changed, of_member
from persistence.sealing import Sealing

Columns = Mapping[str, str]
_LIST = "\x1f"
"""Parts the items of a list of texts, which holds no control characters."""

_AS_TEXT = {"list": "text"}

_PERSON_TYPES = dict.fromkeys(PERSON_FIELDS, "text") | {
    "birth_date": "date", "deceased_on": "date", "disabilities": "list", "bedridden": "bool", "able_to_work": "bool",
    "annual_income": "numeric",
}  # fmt: skip
_PERSON: Columns = {
    "household_id": "uuid", "id": "uuid", "area_code": "text", **_PERSON_TYPES, "first_name_key": "text",
    "last_name_key": "text", "provenance": "jsonb",
}  # fmt: skip
_SECRET: Columns = {
    "citizen_id_tail": "text", "citizen_id_sealed": "bytea", "no_id_reason": "text", "phone_sealed": "bytea",
}  # fmt: skip
_MEMBERSHIP: Columns = {
    "household_id": "uuid", "id": "uuid", "person_id": "uuid", "area_code": "text", "relationship": "text", "joined_on": "date",
}  # fmt: skip
_HOUSEHOLD: Columns = {
    "id": "uuid", "area_code": "text", "house_code": "text", "latitude": "float8", "longitude": "float8",
    **dict.fromkeys(HOUSEHOLD_FIELDS, "text"), "moo": "int", "annual_income_per_person": "numeric", "has_land": "bool",
    "sources": "jsonb", "target_groups": "jsonb", "provenance": "jsonb", "head_person_id": "uuid", "facets": "list",
    "dimension_mask": "text",
}  # fmt: skip
_RESULT: Columns = {
    "household_id": "uuid", "id": "uuid", "area_code": "text", "fiscal_year": "int", "edition": "text",
    "indicator_id": "text", "person_id": "uuid", "result": "text",
}  # fmt: skip
_RECORD: Columns = {"record_key": "bytea", "household_id": "uuid", "person_id": "uuid", "area_code": "text"}
_CONFLICT: Columns = {
    "household_id": "uuid", "id": "uuid", "area_code": "text", "person_id": "uuid", "field": "text", "stored": "jsonb",
    "stored_source": "text", "stored_seen_on": "date", "given": "jsonb", "given_sealed": "bytea", "given_source": "text",
    "given_seen_on": "date", "given_hash": "bytea", "row_number": "int", "status": "text", "choice": "text", "settled_by": "text",
}  # fmt: skip
IDENTITY: Columns = {
    "blind_index": "bytea", "key_id": "smallint", "person_id": "uuid", "household_id": "uuid", "area_code": "text",
}  # fmt: skip


def _source(columns: Columns) -> str:
    """The rows as one JSON text bound at $1: the driver looks at every item of an array, and nothing at these."""
    listed = ", ".join(f"{name} {_AS_TEXT.get(kind, kind)}" for name, kind in columns.items())
    return f"json_to_recordset($1::text::json) AS n({listed})"


def _value(name: str, kind: str) -> str:
    if kind == "list":
        return f"string_to_array(n.{name}, E'\\x1f')"
    return f"n.{name}"


def inserting(table: str, columns: Columns, more: Mapping[str, str] | None = None, tail: str = "") -> str:
    """INSERT of such arrays; `more` are columns with the same SQL text for every row."""
    more = more or {}
    values = ", ".join((*(_value(name, kind) for name, kind in columns.items()), *more.values()))
    return (
        f"INSERT INTO {table} ({', '.join((*columns, *more))}) SELECT {values} FROM {_source(columns)} {tail}"
    )


def updating(table: str, columns: Columns, key: Sequence[str], more: str) -> str:
    """UPDATE from such arrays, of rows at the version that was found."""
    sets = ", ".join(
        f"{name} = {_value(name, kind)}" for name, kind in columns.items() if name not in (*key, "version")
    )
    same = " AND ".join(f"t.{name} = n.{name}" for name in (*key, "version"))
    return f"UPDATE {table} t SET {sets}, {more} FROM {_source(columns)} WHERE {same}"


_PERSON_NEW = {**_PERSON, **_SECRET}
_PERSON_OLD = {name: kind for name, kind in _PERSON.items() if name != "area_code"} | {"version": "int"}
_HOUSEHOLD_OLD = {name: kind for name, kind in _HOUSEHOLD.items() if name != "area_code"} | {"version": "int"}


_STAMPED = {"created_at": "$2", "updated_at": "$2"}


_ADD_HOUSEHOLDS = inserting("household", _HOUSEHOLD, {"case_status": "'imported'", **_STAMPED})
_ADD_PERSONS = inserting("person", _PERSON_NEW, _STAMPED)
_ADD_MEMBERSHIPS = inserting("membership", _MEMBERSHIP)
_RENEWED = "version = t.version + 1, updated_at = $2"
_RENEW_HOUSEHOLDS = updating("household", _HOUSEHOLD_OLD, ("id",), _RENEWED)
_RENEW_PERSONS = updating("person", _PERSON_OLD, ("household_id", "id"), _RENEWED)
_IDENTIFY = """UPDATE person t SET citizen_id_tail = n.tail, citizen_id_sealed = n.sealed, no_id_reason = NULL
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[]) AS n(household_id, id, tail, sealed)
  WHERE t.household_id = n.household_id AND t.id = n.id"""
_PHONE = """UPDATE person t SET phone_sealed = n.sealed
  FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) AS n(household_id, id, sealed)
  WHERE t.household_id = n.household_id AND t.id = n.id"""
_RELATE = """UPDATE membership t SET relationship = n.relationship
  FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS n(household_id, person_id, relationship)
  WHERE t.household_id = n.household_id AND t.person_id = n.person_id AND t.left_on IS NULL"""
_RESULTS = inserting(
    "indicator_result", _RESULT,
    {"recorded_at": "$2", "agency": "$3"},
    """ON CONFLICT (household_id, fiscal_year, indicator_id, person_id)
       DO UPDATE SET result = excluded.result, recorded_at = excluded.recorded_at, agency = excluded.agency""",
)  # fmt: skip
_RECORDS = inserting("source_record", _RECORD, tail="ON CONFLICT DO NOTHING")
# The same given value again is the same conflict; where the other one is trusted more by now it is settled anew.
_CONFLICTS = inserting(
    "conflict", _CONFLICT,
    {"import_id": "$2", "created_at": "$3", "settled_at":
     "CASE WHEN n.settled_by IS NOT NULL THEN $3::timestamptz END"},
    "ON CONFLICT (household_id, person_id, field, given_source, given_hash) DO NOTHING",
)  # fmt: skip
CLAIM = f"""WITH n AS MATERIALIZED (SELECT * FROM {_source(IDENTITY)}),
  claimed AS (
    INSERT INTO citizen_identity ({", ".join(IDENTITY)}) SELECT * FROM n ON CONFLICT DO NOTHING
    RETURNING blind_index, person_id)
  SELECT person_id FROM n WHERE (blind_index, person_id) NOT IN (SELECT blind_index, person_id FROM claimed)"""
"""Whose are somebody else's already."""


def dumped(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as `_source` reads them: what is no column is passed over, and what is missing is null."""
    return orjson.dumps(rows, default=_text).decode()


def as_json(columns: Columns, rows: Sequence[Mapping[str, Any]]) -> str:
    """The same, of each row only the columns."""
    return dumped([{name: row[name] for name in columns} for row in rows])


def _text(value: Any) -> str:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)


async def write(
    connection: Connection,
    sealing: Sealing,
    new_id: Callable[[], UUID],
    job: Job,
    plan: Plan,
    *,
    now: datetime,
) -> None:
    """Everything, with the feed and audit rows. Raises Raced where a record has another version by now."""
    run = connection.execute
    made = [one for one in plan.households if one.new]
    renewed = sorted((one for one in plan.households if not one.new and one.changed), key=lambda one: one.id)
    joined = [one for one in plan.persons if one.new]
    amended = sorted((one for one in plan.persons if not one.new and one.changed), key=lambda one: one.id)
    # As everywhere: persons before households, each in the order of their ids.
    if amended:
        await _renew_persons(connection, sealing, amended, now)
    if renewed:
        rows = [{**_household(one), "version": one.version} for one in renewed]
        _all(await run(_RENEW_HOUSEHOLDS, dumped(rows), now), len(rows))
    steps: list[Step] = []
    if made:
        steps.append((_ADD_HOUSEHOLDS, lambda: (dumped([_household(one) for one in made]), now)))
    if joined:
        steps.append((_ADD_PERSONS, lambda: (dumped(_people(sealing, joined)), now)))
        steps.append((_ADD_MEMBERSHIPS, lambda: (dumped([_membership(one, new_id()) for one in joined]),)))
    if plan.records:
        steps.append((_RECORDS, lambda: (dumped(_records(sealing, plan)),)))
    await _in_turn(connection, steps)
    await _add_results(connection, new_id, job, plan, now)
    await _add_conflicts(connection, sealing, new_id, job, plan, now)
    await leave_all(
        connection, job.actor, _trails(job, made, renewed, joined, amended), now=now, new_id=new_id
    )
    homes = {one.household.id for one in joined} | {one.household.id for one in amended if one.citizen_id}
    homes |= {one.id for one in renewed if "house_code" in one.before}
    if homes:
        await queue.link_all(connection, sorted(homes), now=now)


Step = tuple[str, Callable[[], tuple[object, ...]]]
"""A statement and what makes its values."""


async def _in_turn(connection: Connection, steps: Sequence[Step]) -> None:
    """One after the other; while the server is at one, the values of the next are made."""
    coming: asyncio.Task[tuple[object, ...]] | None = None
    try:
        for at, (sql, make) in enumerate(steps):
            values = make() if coming is None else await coming
            coming = None
            if at + 1 < len(steps):
                coming = asyncio.create_task(asyncio.to_thread(steps[at + 1][1]))
            await connection.execute(sql, *values)
    finally:
        if coming is not None:
            await asyncio.wait({coming})


async def _renew_persons(
    connection: Connection, sealing: Sealing, amended: Sequence[Person], now: datetime
) -> None:
    cipher = sealing.cipher
    rows = [{**_person(one), "version": one.version} for one in amended]
    _all(await connection.execute(_RENEW_PERSONS, dumped(rows), now), len(rows))
    identified = [(one, one.citizen_id) for one in amended if one.citizen_id is not None]
    if identified:
        await connection.execute(
            _IDENTIFY,
            [one.household.id for one, _ in identified],
            [one.id for one, _ in identified],
            [text[-3:] for _, text in identified],
            [cipher.seal("person", "citizen_id_sealed", one.id, text) for one, text in identified],
        )
    called = [(one, one.phone) for one in amended if one.phone is not None]
    if called:
        await connection.execute(
            _PHONE,
            [one.household.id for one, _ in called],
            [one.id for one, _ in called],
            [cipher.seal("person", "phone_sealed", one.id, text) for one, text in called],
        )
    related = [one for one in amended if "relationship" in one.before]
    if related:
        await connection.execute(
            _RELATE,
            [one.household.id for one in related],
            [one.id for one in related],
            [one.relationship for one in related],
        )


async def _add_results(
    connection: Connection, new_id: Callable[[], UUID], job: Job, plan: Plan, now: datetime
) -> None:
    rows = [
        {
            "household_id": home.id,
            "id": new_id(),
            "area_code": home.area_code,
            "fiscal_year": key.fiscal_year,
            "edition": _edition(key),
            "indicator_id": key.indicator_id,
            "person_id": key.person_id,
            "result": result,
        }
        for home in plan.households
        for key, result in home.changed_results.items()
    ]
    if rows:
        await connection.execute(_RESULTS, as_json(_RESULT, rows), now, job.agency)


def _edition(key: ResultKey) -> str:
    # Ids are `bmn-38-27`: framework, edition, number.
    return key.indicator_id.split("-")[1]


async def _add_conflicts(
    connection: Connection, sealing: Sealing, new_id: Callable[[], UUID], job: Job, plan: Plan, now: datetime
) -> None:
    rows = []
    for one in plan.disagreements:
        id, hidden = new_id(), one.field in MASKED_FIELDS
        sealed = sealing.cipher.seal("conflict", "given_sealed", id, str(one.given)) if hidden else None
        rows.append(
            {
                **one._asdict(),
                "household_id": one.household.id,
                "id": id,
                "area_code": one.household.area_code,
                "given": None if hidden else one.given,
                "given_sealed": sealed,
                "settled_by": "trust_order" if one.status == "settled" else None,
            }
        )
    if rows:
        await connection.execute(_CONFLICTS, as_json(_CONFLICT, rows), job.id, now)


def _all(done: str, wanted: int) -> None:
    if int(done.split()[-1]) != wanted:
        raise Raced


def _household(one: Household) -> dict[str, Any]:
    location = one.values["location"]
    failed = [
        key.indicator_id
        for key, result in one.results.items()
        if result == "fail" and key.fiscal_year == _year(one)
    ]
    if not one.results:
        failed = [facet.removeprefix("indicator:") for facet in one.facets if facet.startswith("indicator:")]
    cards = [member.values["welfare_card"] for member in one.members if member.current]
    return {
        **one.values,
        "id": one.id,
        "area_code": one.area_code,
        "latitude": location[0] if location else None,
        "longitude": location[1] if location else None,
        "sources": one.sources,
        "target_groups": one.target_groups,
        "provenance": one.provenance,
        "head_person_id": one.head_person_id,
        "dimension_mask": one.dimension_mask,
        "facets": _LIST.join(facets(one.sources, one.target_groups, cards, one.dimension_mask, failed)),
    }


def _year(one: Household) -> int:
    return max(key.fiscal_year for key in one.results)


def _person(one: Person) -> dict[str, Any]:
    first, last = one.keys
    disabilities = one.values["disabilities"]
    return {
        **one.values,
        "disabilities": _LIST.join(disabilities) if disabilities else "",
        "household_id": one.household.id,
        "id": one.id,
        "area_code": one.household.area_code,
        "first_name_key": first,
        "last_name_key": last or None,
        "provenance": one.provenance,
    }


def _people(sealing: Sealing, joined: Sequence[Person]) -> list[dict[str, Any]]:
    """New persons, with what is sealed of them."""
    seal, people = sealing.cipher.seal, []
    for one in joined:
        row, text, place = _person(one), one.citizen_id, str(one.id)
        row["no_id_reason"] = one.no_id_reason
        if text is not None:
            row["citizen_id_tail"] = text[-3:]
            row["citizen_id_sealed"] = seal("person", "citizen_id_sealed", place, text)
        if one.phone is not None:
            row["phone_sealed"] = seal("person", "phone_sealed", place, one.phone)
        people.append(row)
    return people


def _records(sealing: Sealing, plan: Plan) -> list[dict[str, Any]]:
    keyed = keyed_by(sealing)
    return [
        {
            "record_key": keyed(one.key),
            "household_id": one.household.id,
            "person_id": one.person.id if one.person else None,
            "area_code": one.household.area_code,
        }
        for one in plan.records
    ]


def _membership(one: Person, row_id: UUID) -> dict[str, Any]:
    return {
        "household_id": one.household.id,
        "id": row_id,
        "person_id": one.id,
        "area_code": one.household.area_code,
        "relationship": one.relationship,
        "joined_on": one.joined_on,
    }


def _trails(
    job: Job,
    made: Sequence[Household],
    renewed: Sequence[Household],
    joined: Sequence[Person],
    amended: Sequence[Person],
) -> list[Trail]:
    """As by hand: a new household is one line, with its members; what joins or changes is a line of its own."""
    source: dict[str, object] = {"import_id": str(job.id)}
    left = [
        Trail(
            one.id, one.area_code, "household", one.id, "created", 1, None,
            {**source, "area_code": one.area_code, "members": len(one.members)},
        )
        for one in made
    ]  # fmt: skip
    for one in renewed:
        after = {name: _as_stored(one, name) for name in one.before}
        left.append(
            Trail(
                one.id, one.area_code, "household", one.id, "updated", one.version + 1, None,
                {**source, **changed(one.before, after)},
            )
        )  # fmt: skip
    for person in joined:
        home = person.household
        if not home.new:
            fields = changed({}, {"relationship": person.relationship}, at=of_member(person.id))
            left.append(
                Trail(home.id, home.area_code, "person", person.id, "created", 1, None, {**source, **fields})
            )
    for person in amended:
        home = person.household
        after = {
            name: person.relationship if name == "relationship" else person.values.get(name)
            for name in person.before
        }
        left.append(
            Trail(
                home.id, home.area_code, "person", person.id, "updated", person.version + 1, None,
                {**source, **changed(person.before, after)},
            )
        )  # fmt: skip
    return left


def _as_stored(one: Household, name: str) -> Any:
    if name in ("head_person_id", "target_groups"):
        return getattr(one, name)
    return one.values[name]
