"""A demo into an empty database: COPY in batches, in one transaction, with the next batch made meanwhile.

Decision: one transaction for all of it. A demo is there or it is not; one that was interrupted has left nothing,
and loading starts again. The cost: an interruption late in a load of millions repeats it.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import asyncpg

from persistence.cipher import BlindIndex, FieldCipher
from persistence.demo.generator import generate
from persistence.demo.records import Household
from persistence.demo.rows import COLUMNS, Row, put_household
from persistence.sealing import Sealing

FILE = "demo"
"""The line in `reference_load` that says a demo is in."""
BATCH = 500
"""Households a COPY; some 25,000 rows, the most that is in memory twice."""
_LOCK = 0x6B61656A64656D6F

Progress = Callable[[int, int], None]
Batch = dict[str, list[Row]]


class NotEmpty(Exception):
    """A demo goes into an empty database only; it never mixes with what was recorded."""


class AlreadyLoaded(NotEmpty):
    """There is a demo in the database already."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows loaded, by table."""

    by_table: dict[str, int]

    @property
    def households(self) -> int:
        return self.by_table["household"]


async def load(
    dsn: str,
    households: int,
    *,
    areas: Sequence[str],
    cipher: FieldCipher,
    blind_index: BlindIndex,
    progress: Callable[[int, int], None],
) -> Counts:
    """Loads the first `households` of the demo of these areas, as the owner of the tables.

    `progress` is told how many of how many are in, after every batch. Raises AlreadyLoaded, NotEmpty, and
    ValueError for areas or numbers that `generate` refuses.
    """
    made = generate(households, areas=areas)
    connection = await _connect(dsn)
    try:
        async with connection.transaction():
            await _refuse_filled(connection)
            counts = await _copy_all(
                connection, _batches(made, Sealing(cipher, blind_index)), households, progress
            )
            await connection.execute(
                "INSERT INTO reference_load (file, sha256, rows) VALUES ($1, $2, $3)",
                FILE,
                hashlib.sha256(f"{households} {' '.join(areas)}".encode()).hexdigest(),
                households,
            )
        # Outside: VACUUM marks the pages all visible, so that the first reads do not pay for it.
        await connection.execute(f"VACUUM (ANALYZE) {', '.join(COLUMNS)}", timeout=None)
    finally:
        await connection.close()
    return counts


async def loaded(connection: Any) -> int | None:
    """How many households of a demo are in; None without one."""
    count: int | None = await connection.fetchval("SELECT rows FROM reference_load WHERE file = $1", FILE)
    return count


async def _connect(dsn: str) -> "asyncpg.Connection[Any]":
    connection = await asyncpg.connect(
        dsn, server_settings={"application_name": "kaejon demo", "timezone": "UTC"}
    )
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda text: b"\x01" + text,
        decoder=lambda raw: raw[1:],
    )
    return connection


async def _refuse_filled(connection: "asyncpg.Connection[Any]") -> None:
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    if await loaded(connection) is not None:
        raise AlreadyLoaded("There is a demo in this database already.")
    if await connection.fetchval("SELECT EXISTS (SELECT FROM household)"):
        raise NotEmpty("The database holds households: a demo goes into an empty one.")


async def _copy_all(
    connection: "asyncpg.Connection[Any]", batches: Iterator[Batch], households: int, progress: Progress
) -> Counts:
    counts = dict.fromkeys(COLUMNS, 0)
    batch = next(batches, None)
    while batch is not None:
        following = asyncio.create_task(asyncio.to_thread(next, batches, None))
        try:
            for table, rows in batch.items():
                if rows:
                    await connection.copy_records_to_table(
                        table, records=rows, columns=COLUMNS[table].split()
                    )
                    counts[table] += len(rows)
        finally:
            # Also when the COPY failed: the generator's thread is not left running behind.
            batch = await following
        progress(counts["household"], households)
    return Counts(counts)


def _batches(households: Iterator[Household], sealing: Sealing) -> Iterator[Batch]:
    while some := list(islice(households, BATCH)):
        batch: Batch = {table: [] for table in COLUMNS}
        for household in some:
            put_household(household, sealing, lambda table, row, batch=batch: batch[table].append(row))  # type: ignore[misc]
        yield batch
