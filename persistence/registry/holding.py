"""Holds whole households: nobody writes to them, or to anything of theirs, until the transaction ends.

In one order for all writers: the turn in their casework (persistence/casework/locks.py), the persons, the households,
each sorted by id. Whoever records assistance takes the household first as well, and reads its area once it has it.
"""

from collections.abc import Sequence
from uuid import UUID

import orjson

from domain.access.policy import Reach
from domain.registry.store import Held
from persistence.engine import Connection
from persistence.sql import Binds, reach_conditions

_TURN = """SELECT pg_advisory_xact_lock(hashtextextended('casework:' || x.id, 0))
  FROM (SELECT id FROM unnest($1::uuid[]) AS x(id) ORDER BY id) x"""
_PERSONS = "SELECT FROM person p WHERE p.household_id = ANY($1::uuid[]) ORDER BY p.id FOR UPDATE"
FIELDS = """h.house_code, h.house_no, h.moo, h.village_name, h.road, h.postcode, h.latitude, h.longitude, h.case_status,
  h.close_outcome, h.classification, h.stage, h.annual_income_per_person, h.target_groups, h.sources, h.has_land,
  h.dimension_mask, h.head_person_id, h.provenance"""
LIVE = "h.merged_into IS NULL"
"""A household that was found a duplicate answers for nothing any more: the one it was merged into does."""


async def hold(connection: Connection, reach: Reach, household_ids: Sequence[UUID]) -> dict[UUID, Held]:
    """Locks those that are within reach, and answers them by id."""
    binds = Binds((list(household_ids),))
    found = [
        "h.id = ANY($1::uuid[])",
        LIVE,
        *reach_conditions(reach, binds, alias="h", household="h.id"),
    ]
    rows = await connection.fetch(
        f"""SELECT h.id, h.area_code, h.version, {FIELDS} FROM household h
        WHERE {" AND ".join(found)} ORDER BY h.id FOR UPDATE""",
        *binds,
    )
    return {row["id"]: _held(dict(row)) for row in rows}


async def hold_whole(connection: Connection, reach: Reach, household_ids: Sequence[UUID]) -> dict[UUID, Held]:
    """As `hold`, with their casework and persons."""
    await connection.execute(_TURN, list(household_ids))
    await connection.execute(_PERSONS, list(household_ids))
    return await hold(connection, reach, household_ids)


def _held(fields: dict[str, object]) -> Held:
    for name in ("target_groups", "sources", "provenance"):
        text = fields[name]
        assert isinstance(text, bytes)
        fields[name] = orjson.loads(text)
    id, area_code, version = fields.pop("id"), fields.pop("area_code"), fields.pop("version")
    assert isinstance(id, UUID)
    assert isinstance(area_code, str)
    assert isinstance(version, int)
    return Held(id, area_code, version, fields)
