"""What is stored about the rows of a chunk: a handful of statements, whatever their number."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson

from domain.exchange.importing.job import Job
from domain.exchange.importing.matching import house_key, record_key
from domain.exchange.importing.state import (
    HOUSEHOLD_FIELDS,
    PERSON_FIELDS,
    Carried,
    Found,
    Household,
    Person,
    ResultKey,
    Sought,
)
from domain.exchange.reading.rows import CleanRow
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.sealing import Sealing

# Key by key: for thousands of them at once the planner would rather read the whole table, however many it holds.
_PERSONS = f"""SELECT s.key AS known, f.household_id, f.person_id FROM unnest($1::bytea[]) AS s(key) CROSS JOIN LATERAL (
    SELECT ci.household_id, ci.person_id FROM citizen_identity ci WHERE ci.blind_index = s.key OFFSET 0) f WHERE {GATE}"""
_RECORDS = f"""SELECT s.key AS known, f.household_id, f.person_id FROM unnest($1::bytea[]) AS s(key) CROSS JOIN LATERAL (
    SELECT r.household_id, r.person_id FROM source_record r WHERE r.record_key = s.key OFFSET 0) f WHERE {GATE}"""
_OF_HOUSEHOLD = f"""h.id, h.area_code, h.version, h.case_status, h.house_code, h.latitude, h.longitude, h.provenance,
    h.sources, h.target_groups, h.head_person_id, h.facets, h.dimension_mask, {", ".join(f"h.{one}" for one in HOUSEHOLD_FIELDS)}"""
# One that is found by both comes twice.
_HOUSEHOLDS = f"""SELECT f.* FROM (
    SELECT b.* FROM unnest($1::uuid[]) AS s(key) CROSS JOIN LATERAL (
      SELECT {_OF_HOUSEHOLD} FROM household h WHERE h.id = s.key AND h.merged_into IS NULL OFFSET 0) b
    UNION ALL SELECT b.* FROM unnest($2::text[]) AS s(key) CROSS JOIN LATERAL (
      SELECT {_OF_HOUSEHOLD} FROM household h WHERE h.house_code = s.key AND h.merged_into IS NULL OFFSET 0) b) f
  WHERE {GATE}"""
# Of somebody who left and came back the last row is the present one.
_MEMBERS = f"""SELECT f.* FROM unnest($1::uuid[]) AS s(key) CROSS JOIN LATERAL (
    SELECT p.household_id, p.id, p.version, p.citizen_id_tail IS NOT NULL AS identified, p.no_id_reason, p.provenance,
      p.first_name_key, p.last_name_key, ms.relationship, ms.left_on IS NULL AS current, ms.id AS membership_id,
      {", ".join(f"p.{one}" for one in PERSON_FIELDS)}
    FROM membership ms JOIN person p ON p.household_id = ms.household_id AND p.id = ms.person_id
    WHERE ms.household_id = s.key OFFSET 0) f
  WHERE {GATE} ORDER BY f.current, f.membership_id"""
_RESULTS = f"""SELECT f.* FROM unnest($1::uuid[]) AS s(key) CROSS JOIN LATERAL (
    SELECT r.household_id, r.fiscal_year, r.indicator_id, r.person_id, r.result FROM indicator_result r
    WHERE r.household_id = s.key OFFSET 0) f WHERE {GATE}"""
_SEEN = f"""SELECT s.key, f.number, f.content FROM unnest($2::bytea[]) AS s(key) CROSS JOIN LATERAL (
    SELECT r.number, r.content FROM import_row r WHERE r.import_id = $1 AND r.key = s.key OFFSET 0) f WHERE {GATE}"""
_RESOLVED = f"""SELECT f.* FROM unnest($1::uuid[]) AS s(key) CROSS JOIN LATERAL (
    SELECT c.household_id, c.person_id, c.field, c.given_hash FROM conflict c
    WHERE c.household_id = s.key AND c.status = 'resolved' AND c.choice <> 'given' OFFSET 0) f WHERE {GATE}"""


def sought(sealing: Sealing, job: Job, rows: Sequence[CleanRow]) -> Sought:
    """What to look for; arithmetic alone."""
    keyed, blind = keyed_by(sealing), sealing.index.of
    blinds: dict[str, bytes] = {}
    records: set[str] = set()
    codes: set[str] = set()
    about: dict[int, bytes] = {}
    for row in rows:
        if row.faults:
            continue
        citizen_id, part = row.citizen_id, row.household
        if citizen_id is not None:
            if citizen_id not in blinds:
                blinds[citizen_id] = blind(citizen_id)
            who = citizen_id
        else:
            who = record_key(row, job)
            records.add(who)
        about[row.number] = keyed(f"row|{who}")[:16]
        if part is not None:
            if part.house_code is not None:
                codes.add(part.house_code)
            if part.household_record_id is not None:
                records.add(house_key(row, job))
    return Sought(blinds, {keyed(text): text for text in records}, codes, about)


async def find(
    connection: Connection, sealing: Sealing, job: Job, what: Sought, ahead: Carried, *, results: bool
) -> Found:
    """Everything that the rows may be about, within the bounds of the transaction.

    `ahead`: what is not committed yet, and stands above what is.
    """
    keyed, keyed_bytes = keyed_by(sealing), hashing(sealing)
    by_index = {blind: text for text, blind in what.blinds.items()}
    identities = await connection.fetch(_PERSONS, list(by_index)) if by_index else []
    records = await connection.fetch(_RECORDS, list(what.records)) if what.records else []
    ids = {row["household_id"] for row in (*identities, *records)}
    homes: dict[UUID, Household] = {}
    if ids or what.codes:
        homes = {
            row["id"]: _household(row)
            for row in await connection.fetch(_HOUSEHOLDS, list(ids), list(what.codes))
            if row["id"] not in ahead.households
        }
    people = await _members(connection, homes)
    if results and homes:
        for row in await connection.fetch(_RESULTS, list(homes)):
            key = ResultKey(row["fiscal_year"], row["indicator_id"], row["person_id"])
            homes[row["household_id"]].results[key] = row["result"]
    for home in ahead.households.values():
        if home.id in ids or home.values["house_code"] in what.codes:
            homes[home.id] = home
            people.update((member.id, member) for member in home.members)
    by_code: dict[str, list[Household]] = defaultdict(list)
    for home in homes.values():
        if home.values["house_code"] is not None:
            by_code[home.values["house_code"]].append(home)
    persons = {
        by_index[row["known"]]: people[row["person_id"]] for row in identities if row["person_id"] in people
    }
    persons |= {text: person for text, person in ahead.identities.items() if text in what.blinds}
    recorded = {
        what.records[row["known"]]: (homes[row["household_id"]], people.get(row["person_id"]))
        for row in records
        if row["household_id"] in homes
    }
    recorded |= {text: ahead.records[text] for text in ahead.records.keys() & what.records.values()}
    for home in (*(one.household for one in persons.values()), *(home for home, _ in recorded.values())):
        homes.setdefault(home.id, home)
    return Found(
        persons=persons,
        records=recorded,
        by_code=by_code,
        households=homes,
        seen=await _seen(connection, job, what, ahead),
        resolved=await _resolved(connection, homes),
        keyed=keyed,
        content=lambda values: keyed_bytes(orjson.dumps(values, default=str))[:16],
    )


def keyed_by(sealing: Sealing) -> Callable[[str], bytes]:
    """`hashing` of texts."""
    hashed = hashing(sealing)
    return lambda text: hashed(text.encode())


def hashing(sealing: Sealing) -> Callable[[bytes], bytes]:
    """Under a key of its own, which follows from one that never changes: a job may end under another process."""
    begun = blake2b(key=sealing.content.of("import"), digest_size=32)

    def hashed(data: bytes) -> bytes:
        one = begun.copy()
        one.update(data)
        return one.digest()

    return hashed


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
    connection: Connection, job: Job, what: Sought, ahead: Carried
) -> dict[bytes, tuple[int, bytes]]:
    keys = set(what.rows.values())
    found = {key: ahead.seen[key] for key in ahead.seen.keys() & keys}
    if job.last_number:
        for row in await connection.fetch(_SEEN, job.id, list(keys)):
            found[row["key"]] = row["number"], row["content"]
    return found


async def _resolved(
    connection: Connection, homes: Collection[UUID]
) -> frozenset[tuple[UUID, UUID | None, str, bytes]]:
    if not homes:
        return frozenset()
    rows = await connection.fetch(_RESOLVED, list(homes))
    return frozenset((row["household_id"], row["person_id"], row["field"], row["given_hash"]) for row in rows)
