"""Indexes every citizen id anew under another index key, and takes the rows of the old one away."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from persistence.rekeying.workers import tried_again
from persistence.sealing import Keys

BATCH = 500
DELETED = 5000
"""Rows that one statement takes away."""
Progress = Callable[[int, int], None]

_MISSING = """FROM person p WHERE p.citizen_id_sealed IS NOT NULL AND NOT EXISTS (
  SELECT FROM citizen_identity ci WHERE ci.person_id = p.id AND ci.key_id = $1)"""


class NotUnique(Exception):
    """Under the new key a citizen id is somebody else's already: two persons have the same one."""


async def missing(connection: Any, key_id: int) -> int:
    """How many persons cannot be found under this key yet."""
    count: int = await connection.fetchval(f"SELECT count(*) {_MISSING}", key_id, timeout=None)
    return count


async def backfill(connection: Any, keys: Keys, key_id: int, progress: Progress) -> None:
    """Adds what is missing under this key; all who write now add their own. Raises NotUnique."""
    total = await missing(connection, key_id)
    done, last = 0, (UUID(int=0), UUID(int=0))
    while True:
        with tried_again():
            rows = await _filled(connection, keys, key_id, last)
            if not rows:
                break
            done, last = done + len(rows), (rows[-1]["household_id"], rows[-1]["id"])
            progress(min(done, total), total)
    if still := await missing(connection, key_id):
        raise NotUnique(
            f"{still} citizen ids are recorded for two persons; nothing was lost, nothing is switched"
        )
    progress(total, total)


async def _filled(connection: Any, keys: Keys, key_id: int, last: tuple[UUID, UUID]) -> Sequence[Any]:
    async with connection.transaction():
        # Locked: a citizen id that is being corrected is read when that is done, with its new value.
        rows: Sequence[Any] = await connection.fetch(
            f"""SELECT p.household_id, p.id, p.area_code, p.citizen_id_sealed {_MISSING} AND (p.household_id, p.id) > ($2, $3)
                ORDER BY p.household_id, p.id LIMIT {BATCH} FOR UPDATE OF p""",
            key_id,
            *last,
            timeout=None,
        )
        indices = [
            keys.index.under(
                key_id, keys.cipher.open("person", "citizen_id_sealed", row["id"], row["citizen_id_sealed"])
            )
            for row in rows
        ]
        await connection.execute(
            """INSERT INTO citizen_identity (blind_index, key_id, person_id, household_id, area_code)
               SELECT n.blind_index, $1, n.person_id, n.household_id, n.area_code
               FROM unnest($2::bytea[], $3::uuid[], $4::uuid[], $5::text[])
                 AS n(blind_index, person_id, household_id, area_code)
               ON CONFLICT DO NOTHING""",
            key_id,
            indices,
            [row["id"] for row in rows],
            [row["household_id"] for row in rows],
            [row["area_code"] for row in rows],
        )
    return rows


async def index_queue(connection: Any, keys: Keys) -> None:
    """What waits for an unknown household is found under the current key from now on."""
    last: tuple[Any, ...] = ("", UUID(int=0))
    while True:
        rows = await connection.fetch(
            f"""SELECT agency, id, blind_index, citizen_id_sealed FROM queued_event
                WHERE blind_index IS NOT NULL AND (agency, id) > ($1, $2) ORDER BY agency, id LIMIT {BATCH}""",
            *last,
        )
        if not rows:
            return
        anew = [
            keys.index.of(
                keys.cipher.open("queued_event", "citizen_id_sealed", row["id"], row["citizen_id_sealed"])
            )
            for row in rows
        ]
        await connection.execute(
            """UPDATE queued_event q SET blind_index = n.anew
               FROM unnest($1::text[], $2::uuid[], $3::bytea[], $4::bytea[]) AS n(agency, id, old, anew)
               WHERE q.agency = n.agency AND q.id = n.id AND q.blind_index = n.old""",
            [row["agency"] for row in rows],
            [row["id"] for row in rows],
            [row["blind_index"] for row in rows],
            anew,
        )
        last = (rows[-1]["agency"], rows[-1]["id"])


async def foreign(connection: Any, key_ids: Sequence[int]) -> int:
    """How many rows are of other keys than these."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM citizen_identity WHERE NOT key_id = ANY($1::int[])", list(key_ids), timeout=None
    )
    return count


async def forget(connection: Any, key_ids: Sequence[int], progress: Progress) -> None:
    """Takes the rows of all other keys than these away: nobody writes or asks them any more."""
    total = await foreign(connection, key_ids)
    done, last = 0, b""
    while True:
        with tried_again():
            gone = await connection.fetchrow(
                f"""WITH old AS (
                      SELECT blind_index FROM citizen_identity WHERE blind_index > $1 AND NOT key_id = ANY($2::int[])
                      ORDER BY blind_index LIMIT {DELETED}),
                    gone AS (DELETE FROM citizen_identity ci USING old WHERE ci.blind_index = old.blind_index)
                    SELECT count(*) AS rows, (SELECT blind_index FROM old ORDER BY blind_index DESC LIMIT 1) AS last FROM old""",
                last,
                list(key_ids),
                timeout=None,
            )
            if not gone["rows"]:
                break
            done, last = done + gone["rows"], gone["last"]
            progress(min(done, total), total)
    progress(total, total)
