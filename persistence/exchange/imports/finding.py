"""What is stored about the rows of a chunk: a handful of statements, whatever their number."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson

from domain.exchange.importing.job import Job
from domain.exchange.importing.matching import house_key, record_key
from domain.exchange.importing.state import (
    HOUSEHOLD_FIELDS,
    PERSON_FIELDS,
    Found,
    Household,
    Person,
    ResultKey,
)
from domain.exchange.reading.rows import CleanRow
from persistence.engine import Connection
from persistence.sealing import Sealing

_PERSONS = "SELECT blind_index AS known, household_id, person_id FROM citizen_identity WHERE blind_index = ANY($1::bytea[])"
_RECORDS = "SELECT record_key AS known, household_id, person_id FROM source_record WHERE record_key = ANY($1::bytea[])"
_HOUSEHOLDS = f"""SELECT h.id, h.area_code, h.version, h.case_status, h.house_code, h.latitude, h.longitude, h.provenance,
    h.sources, h.target_groups, h.head_person_id, h.facets, h.dimension_mask, {", ".join(f"h.{one}" for one in HOUSEHOLD_FIELDS)}
  FROM household h WHERE (h.id = ANY($1::uuid[]) OR h.house_code = ANY($2::text[])) AND h.merged_into IS NULL"""
# Of somebody who left and came back the last row is the present one.
_MEMBERS = f"""SELECT p.household_id, p.id, p.version, p.citizen_id_tail IS NOT NULL AS identified, p.no_id_reason,
    p.provenance, p.first_name_key, p.last_name_key, ms.relationship, ms.left_on IS NULL AS current,
    {", ".join(f"p.{one}" for one in PERSON_FIELDS)}
  FROM membership ms JOIN person p ON p.household_id = ms.household_id AND p.id = ms.person_id
  WHERE ms.household_id = ANY($1::uuid[]) ORDER BY ms.left_on IS NULL, ms.id"""
_RESULTS = """SELECT household_id, fiscal_year, indicator_id, person_id, result FROM indicator_result
  WHERE household_id = ANY($1::uuid[])"""
_SEEN = "SELECT key, number, content FROM import_row WHERE import_id = $1 AND key = ANY($2::bytea[])"
_RESOLVED = """SELECT household_id, person_id, field, given_hash FROM conflict
  WHERE household_id = ANY($1::uuid[]) AND status = 'resolved' AND choice <> 'given'"""


async def find(
    connection: Connection, sealing: Sealing, job: Job, rows: Sequence[CleanRow], *, results: bool
) -> Found:
    """Everything that the rows may be about, within the bounds of the transaction."""
    rows = [row for row in rows if not row.faults]
    keyed = keyed_by(sealing)
    index = sealing.index
    by_index = {index.of(row.citizen_id): row.citizen_id for row in rows if row.citizen_id is not None}
    record_texts = {record_key(row, job) for row in rows if row.citizen_id is None}
    record_texts |= {
        house_key(row, job) for row in rows if row.household and row.household.household_record_id
    }
    by_record = {keyed(text): text for text in record_texts}
    identities = await connection.fetch(_PERSONS, list(by_index)) if by_index else []
    records = await connection.fetch(_RECORDS, list(by_record)) if by_record else []
    ids = {row["household_id"] for row in (*identities, *records)}
    codes = {row.household.house_code for row in rows if row.household and row.household.house_code}
    homes = {
        row["id"]: _household(row) for row in await connection.fetch(_HOUSEHOLDS, list(ids), list(codes))
    }
    people = await _members(connection, homes)
    if results and homes:
        for row in await connection.fetch(_RESULTS, list(homes)):
            key = ResultKey(row["fiscal_year"], row["indicator_id"], row["person_id"])
            homes[row["household_id"]].results[key] = row["result"]
    by_code: dict[str, list[Household]] = defaultdict(list)
    for home in homes.values():
        if home.values["house_code"] is not None:
            by_code[home.values["house_code"]].append(home)
    return Found(
        persons={
            by_index[row["known"]]: people[row["person_id"]]
            for row in identities
            if row["person_id"] in people
        },
        records={
            by_record[row["known"]]: (homes[row["household_id"]], people.get(row["person_id"]))
            for row in records
            if row["household_id"] in homes
        },
        by_code=by_code,
        households=homes,
        seen=await _seen(connection, job, rows, keyed),
        resolved=await _resolved(connection, homes),
        keyed=keyed,
    )


def keyed_by(sealing: Sealing) -> Callable[[str], bytes]:
    """Under a key of its own, which follows from one that never changes: a job may end under another process."""
    begun = blake2b(key=sealing.content.of("import"), digest_size=32)

    def keyed(text: str) -> bytes:
        hashed = begun.copy()
        hashed.update(text.encode())
        return hashed.digest()

    return keyed


async def _members(connection: Connection, homes: dict[UUID, Household]) -> dict[UUID, Person]:
    if not homes:
        return {}
    people: dict[UUID, Person] = {}
    for row in await connection.fetch(_MEMBERS, list(homes)):
        home = homes[row["household_id"]]
        earlier = people.get(row["id"])
        if earlier is not None:
            home.members.remove(earlier)
        people[row["id"]] = person = Person(
            id=row["id"],
            household=home,
            new=False,
            version=row["version"],
            values={name: row[name] for name in PERSON_FIELDS},
            provenance=orjson.loads(row["provenance"]),
            relationship=row["relationship"],
            current=row["current"],
            identified=row["identified"],
            keys=(row["first_name_key"], row["last_name_key"] or ""),
            no_id_reason=row["no_id_reason"],
        )
        home.members.append(person)
    return people


def _household(row: Any) -> Household:
    values = {name: row[name] for name in HOUSEHOLD_FIELDS}
    values["house_code"] = row["house_code"]
    values["location"] = None if row["latitude"] is None else (row["latitude"], row["longitude"])
    return Household(
        id=row["id"],
        area_code=row["area_code"],
        new=False,
        version=row["version"],
        case_status=row["case_status"],
        values=values,
        provenance=orjson.loads(row["provenance"]),
        sources=orjson.loads(row["sources"]),
        target_groups=orjson.loads(row["target_groups"]),
        head_person_id=row["head_person_id"],
        facets=row["facets"],
        dimension_mask=row["dimension_mask"],
    )


async def _seen(
    connection: Connection, job: Job, rows: Sequence[CleanRow], keyed: Callable[[str], bytes]
) -> dict[bytes, tuple[int, bytes]]:
    if not job.last_number:
        return {}
    keys = [keyed(f"row|{row.citizen_id or record_key(row, job)}")[:16] for row in rows]
    found = await connection.fetch(_SEEN, job.id, keys)
    return {row["key"]: (row["number"], row["content"]) for row in found}


async def _resolved(
    connection: Connection, homes: dict[UUID, Household]
) -> frozenset[tuple[UUID, UUID | None, str, bytes]]:
    if not homes:
        return frozenset()
    rows = await connection.fetch(_RESOLVED, list(homes))
    return frozenset((row["household_id"], row["person_id"], row["field"], row["given_hash"]) for row in rows)
