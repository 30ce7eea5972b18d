"""Recomputes the chain of the access log from its rows, block after block, holding one row at a time."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg

from domain.access.log import (
    GENESIS,
    Anchor,
    Block,
    LoggedRow,
    RowsDigest,
    is_genuine,
    pruned_by_a_setting,
    pruned_with_the_key,
)
from persistence.access.ledger import BLOCK, LOGGED

MOST_FAULTS = 1_000
"""Faults that are named; further ones are counted."""
_PREFETCH = 1_000
_EVERY = 500  # blocks between two words about the progress


@dataclass(slots=True)
class Report:
    """What was found."""

    head: Block | None = None
    blocks: int = 0
    rows: int = 0
    pruned: int = 0
    strays: int = 0
    """Rows that belong to no block; each is part of a fault."""
    waiting: int = 0
    """Rows of the fresh page: nothing vouches for them yet."""
    faults: list[str] = field(default_factory=list)
    more: int = 0

    def fault(self, text: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(text)
        else:
            self.more += 1


async def verify(
    dsn: str,
    key: bytes,
    *,
    since: int = 1,
    expected: Anchor | None = None,
    now: datetime | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Looks at every block from `since` on; run by the owner, against one snapshot, while others write.

    What stands before `since` is taken on trust. `expected` is a head that was kept elsewhere;
    `now` is this machine's clock unless given (the database's is in its owner's hands).
    """
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            walk = _Walk(connection, key, since, now or datetime.now(UTC))
            await walk.along(progress)
            if expected is not None:
                await walk.compare(expected)
            walk.report.waiting = await connection.fetchval("SELECT count(*) FROM access_log")
            return walk.report
    finally:
        await connection.close()


class _Walk:
    """Along the blocks and their rows at the same time, both in the order of the chain."""

    def __init__(self, connection: "asyncpg.Connection[Any]", key: bytes, since: int, now: datetime) -> None:
        self._connection, self._key, self._since, self._now = connection, key, since, now
        self.report = Report()
        self._altered: list[Block] = []
        self._row: Any = None

    async def along(self, progress: Callable[[int, int], None]) -> None:
        total = await self._connection.fetchval(
            "SELECT count(*) FROM access_block WHERE number >= $1", self._since
        )
        await self._below()
        follows = await self._before()
        rows = self._rows()
        self._row = await anext(rows, None)
        wanted = self._since
        async for found in self._connection.cursor(
            f"SELECT {BLOCK} FROM access_block WHERE number >= $1 ORDER BY number",
            self._since,
            prefetch=_PREFETCH,
        ):
            block = Block(**found)
            if block.number > wanted:
                self._missing(wanted, block.number - 1)
                follows = None
            await self._strays(rows, block.number)
            await self._judge(block, follows, await self._digest(rows, block.number))
            follows = block.hash if not self._altered or self._altered[-1] is not block else None
            wanted = block.number + 1
            self.report.head = block
            self.report.blocks += 1
            if self.report.blocks % _EVERY == 0 or self.report.blocks == total:
                progress(self.report.blocks, total)
        await self._strays(rows, None)
        self._explain_altered()

    async def _below(self) -> None:
        """Rows under numbers that no block can have: a CHECK refuses them, and the owner could take it away."""
        sql = "SELECT block, count(*) FROM access_ledger WHERE block < 1 OR block IS NULL GROUP BY block ORDER BY block"
        async for number, count in self._connection.cursor(sql, prefetch=_PREFETCH):
            self._stray(number, count)

    async def _before(self) -> bytes | None:
        """The hash that the first block has to follow; None where it is not known."""
        if self._since == 1:
            return GENESIS
        found: bytes | None = await self._connection.fetchval(
            "SELECT hash FROM access_block WHERE number = $1", self._since - 1
        )
        if found is None:
            self._missing(self._since - 1, self._since - 1)
        return found

    async def _rows(self) -> AsyncIterator[Any]:
        sql = f"SELECT block, {LOGGED} FROM access_ledger WHERE block >= $1 ORDER BY block, id, household_id"
        async for row in self._connection.cursor(sql, self._since, prefetch=_PREFETCH):
            yield row

    async def _digest(self, rows: AsyncIterator[Any], number: int) -> RowsDigest:
        digest = RowsDigest()
        while self._row is not None and self._row["block"] == number:
            digest.add(LoggedRow(**{name: value for name, value in self._row.items() if name != "block"}))
            self._row = await anext(rows, None)
        self.report.rows += digest.rows
        return digest

    async def _strays(self, rows: AsyncIterator[Any], before: int | None) -> None:
        """Rows that name a block which is not there."""
        while self._row is not None and (before is None or self._row["block"] < before):
            number = self._row["block"]
            self._stray(number, (await self._digest(rows, number)).rows)

    def _stray(self, number: int | None, count: int) -> None:
        self.report.strays += count
        if number is None:
            self.report.fault(f"{count} rows name no block")
        else:
            self.report.fault(f"block {number} is not there, and {count} rows name it")

    def _missing(self, first: int, last: int) -> None:
        which = f"block {first} is" if first == last else f"blocks {first} to {last} are"
        self.report.fault(f"{which} missing")

    async def _judge(self, block: Block, follows: bytes | None, found: RowsDigest) -> None:
        number, fault = block.number, self.report.fault
        if not is_genuine(self._key, block):
            # What it says of its rows is worth nothing either; whether it was moved is told at the end.
            self._altered.append(block)
        elif follows is not None and block.previous != follows:
            fault(f"block {number} does not follow block {number - 1}")
        if block.pruned_at is not None:
            self.report.pruned += 1
            if found.rows:
                fault(f"block {number} says that it was pruned, and {found.rows} rows name it")
            elif not pruned_with_the_key(self._key, block):
                fault(f"block {number} lost its rows without the key")
            elif block.pruned_at > self._now:
                fault(f"block {number} lost its rows at a time that is yet to come")
            elif not pruned_by_a_setting(block):  # nor, then, before it was sealed
                fault(f"block {number} lost its rows sooner than any retention takes them")
        elif found.rows != block.rows:
            fault(f"block {number} is altered: it was sealed with {block.rows} rows and has {found.rows}")
        elif found.digest() != block.rows_digest:
            fault(f"block {number} is altered: a row of it is not as it was sealed")

    def _explain_altered(self) -> None:
        altered = self._altered[:MOST_FAULTS]
        for block in altered:
            moved = (one.number for one in altered if is_genuine(self._key, block, number=one.number))
            place = next(moved, None)
            if place is None:
                self.report.fault(f"block {block.number} is altered: its hash is not the one of its contents")
            else:
                self.report.fault(f"block {block.number} is reordered: it was sealed as block {place}")
        self.report.more += len(self._altered) - len(altered)

    async def compare(self, kept: Anchor) -> None:
        head = self.report.head
        found = await self._connection.fetchval(
            "SELECT hash FROM access_block WHERE number = $1", kept.number
        )
        if found == kept.hash:
            return
        if found is not None:
            self.report.fault(f"block {kept.number} is not the one that was kept: the chain was made anew")
        elif head is None or head.number < kept.number:
            last = "it is empty" if head is None else f"it ends at block {head.number}"
            self.report.fault(f"the chain is cut off: {last}, and block {kept.number} was kept")
