"""Seals the access log: moves its rows into the append-only ledger, block by block, and lets go of old ones."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from domain.access.log import Block, LoggedRow, RowsDigest, is_genuine, pruned_hash, seal
from domain.kernel import NIL
from persistence.bounds import EVERYTHING, bind
from persistence.engine import Database

MOST = 5_000
"""Rows of a block."""
_TURN = 0x6B61656A6F6E5C  # the advisory lock under which the chain grows
_AT_ONCE = 100  # blocks whose rows one transaction deletes

LOGGED = "household_id, id, at, client_id, agency, purpose, person_ids, fields, request_id, area_code"
BLOCK = "number, sealed_at, rows, rows_digest, previous, hash, pruned_at, pruned_hash"

_LAST = f"SELECT {BLOCK} FROM access_block ORDER BY number DESC LIMIT 1"
# The page is empty most of the time, and its statistics say so: after a large export the planner would compare each row
# with each.
_BY_KEY = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
# Whatever is committed is taken, in the statement that deletes it. A position that is remembered (an id, a time)
# would miss a row whose transaction began before it was passed and committed after; here such a row simply waits
# for the next turn.
_MOVE = f"""WITH moved AS (
    DELETE FROM access_log l WHERE (l.household_id, l.id) IN (SELECT f.household_id, f.id FROM access_log f LIMIT $2)
    RETURNING l.*),
  kept AS (INSERT INTO access_ledger (block, {LOGGED}) SELECT $1, {LOGGED} FROM moved)
  SELECT {LOGGED} FROM moved ORDER BY id, household_id"""
_ADD = f"INSERT INTO access_block ({BLOCK}) VALUES ($1, $2, $3, $4, $5, $6, NULL, NULL)"


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn of the sealer did."""

    rows: int
    head: Block | None
    """The last block of the chain; None while there is none."""
    waiting: int
    """Rows that are not sealed yet."""


class Sealer:
    """Extends the chain; one worker at a time, whichever comes first."""

    def __init__(self, database: Database, key: bytes, *, now: Callable[[], datetime]) -> None:
        self._database, self._key, self._now = database, key, now

    async def seal(self, *, patient: bool = False) -> Turn | None:
        """Seals everything that is committed; None when another worker is at it (unless `patient`: waits)."""
        rows = 0
        while True:
            turn = await self._block(patient)
            if turn is None:
                return None
            rows += turn.rows
            if turn.rows < MOST:
                return Turn(rows, turn.head, turn.waiting)

    async def _block(self, patient: bool) -> Turn | None:
        async with self._database.writing() as connection:
            if patient:
                await connection.fetchval("SELECT pg_advisory_xact_lock($1)", _TURN)
            elif not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _TURN):
                return None
            await bind(connection, EVERYTHING)
            # Under the lock the last block is the last one: numbers have no gap, and no sequence to leave one.
            found = await connection.fetchrow(_LAST)
            head = None if found is None else Block(**found)
            await connection.execute(_BY_KEY)
            moved = await connection.fetch(_MOVE, 1 if head is None else head.number + 1, MOST)
            if moved:
                digest = await asyncio.to_thread(_digest, moved)
                head = seal(self._key, head, digest, now=self._now())
                await connection.execute(
                    _ADD, head.number, head.sealed_at, head.rows, head.rows_digest, head.previous, head.hash
                )
            waiting = await connection.fetchval("SELECT count(*) FROM access_log")
        return Turn(len(moved), head, waiting)


def _digest(rows: Iterable[Any]) -> RowsDigest:
    digest = RowsDigest()
    for row in rows:
        digest.add(LoggedRow(**row))
    return digest


@dataclass(frozen=True, slots=True)
class Pruned:
    blocks: int
    rows: int
    left: int = 0
    """Old blocks that are not as they were sealed: their rows stay, for `verify` to name them."""


_OLD = f"""SELECT {BLOCK} FROM access_block b WHERE b.number > $3 AND b.pruned_at IS NULL AND b.sealed_at < $1
    AND NOT EXISTS (SELECT FROM access_ledger l WHERE l.block = b.number AND l.at >= $1)
  ORDER BY b.number LIMIT $2 FOR UPDATE OF b SKIP LOCKED"""
_MARK = """UPDATE access_block b SET pruned_at = $1, pruned_hash = m.hash
  FROM unnest($2::bigint[], $3::bytea[]) AS m (number, hash) WHERE b.number = m.number"""
_AUDITED = """INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource, changes)
  VALUES ($1, $2, $3, 'operator', 'SCJP', '', 'access_log.pruned', $4, $5::text::jsonb)"""


async def prune(
    dsn: str,
    key: bytes,
    *,
    days: int,
    now: datetime,
    new_id: Callable[[], UUID],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Pruned:
    """Deletes the rows of blocks whose newest row is older than `days`; run by the owner.

    The blocks stay, with the digest of the rows that were theirs, and say under the key when they lost them; every
    transaction leaves an audit row.
    """
    before, last, done = now - timedelta(days=days), 0, Pruned(0, 0)
    connection = await asyncpg.connect(dsn)
    try:
        total = await connection.fetchval(
            "SELECT count(*) FROM access_block b WHERE b.pruned_at IS NULL AND b.sealed_at < $1", before
        )
        while True:
            async with connection.transaction():
                found = [Block(**row) for row in await connection.fetch(_OLD, before, _AT_ONCE, last)]
                if not found:
                    return done
                last = found[-1].number
                # A block whose age was forged must not get its loss signed: with its age put right again, it would
                # pass for pruned in time.
                old = [block for block in found if is_genuine(key, block)]
                gone = await _let_go(connection, key, old, now=now, days=days, new_id=new_id) if old else 0
            left = done.left + len(found) - len(old)
            done = Pruned(done.blocks + len(old), done.rows + gone, left)
            progress(done.blocks + left, max(total, done.blocks + left))
    finally:
        await connection.close()


async def _let_go(
    connection: "asyncpg.Connection[Any]",
    key: bytes,
    old: list[Block],
    *,
    now: datetime,
    days: int,
    new_id: Callable[[], UUID],
) -> int:
    """Deletes the rows of these blocks; how many they were."""
    numbers = [block.number for block in old]
    status = await connection.execute("DELETE FROM access_ledger WHERE block = ANY($1)", numbers)
    await connection.execute(_MARK, now, numbers, [pruned_hash(key, block, now) for block in old])
    gone = int(status.split()[1])
    told = f'{{"rows": {gone}, "days": {days}}}'
    await connection.execute(_AUDITED, NIL, new_id(), now, f"blocks {numbers[0]} to {numbers[-1]}", told)
    return gone
