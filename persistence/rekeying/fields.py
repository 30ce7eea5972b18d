"""Seals every sealed field anew under the current field key."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from persistence.cipher import FieldCipher
from persistence.exchange.idempotency import row_id as answer_id
from persistence.exchange.imports.preparing import cell_id
from persistence.rekeying.workers import tried_again

BATCH = 500
"""Rows in one statement: some ten milliseconds."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column that holds sealed values; `key` is the table's primary key with its types."""

    table: str
    column: str
    key: tuple[tuple[str, str], ...]
    place: Callable[[Sequence[Any]], UUID | str]
    """What of the primary key a value is bound to."""


_BY_HOUSEHOLD = (("household_id", "uuid"), ("id", "uuid"))
COLUMNS: tuple[Sealed, ...] = (
    Sealed("person", "citizen_id_sealed", _BY_HOUSEHOLD, lambda key: key[1]),
    Sealed("person", "phone_sealed", _BY_HOUSEHOLD, lambda key: key[1]),
    Sealed("queued_event", "citizen_id_sealed", (("agency", "text"), ("id", "uuid")), lambda key: key[1]),
    Sealed(
        "idempotency", "body_sealed", (("client_id", "text"), ("key", "text")), lambda key: answer_id(*key)
    ),
    Sealed("signing_key", "private_sealed", (("kid", "text"),), lambda key: key[0]),
    Sealed("webhook", "secret_sealed", (("id", "uuid"),), lambda key: key[0]),
    Sealed("webhook", "previous_secret_sealed", (("id", "uuid"),), lambda key: key[0]),
    Sealed("import_job", "file_key_sealed", (("id", "uuid"),), lambda key: key[0]),
    Sealed(
        "import_cell",
        "cells_sealed",
        (("import_id", "uuid"), ("number", "int")),
        lambda key: cell_id(*key),
    ),
    Sealed("conflict", "given_sealed", _BY_HOUSEHOLD, lambda key: key[1]),
    Sealed("export_file", "file_key_sealed", (("export_id", "uuid"), ("id", "uuid")), lambda key: key[1]),
)
"""Every one that there is: a test looks through the schema for another."""


async def left(connection: Any, current: int) -> int:
    """How many values are sealed under another key than the current one."""
    counts = [
        await connection.fetchval(
            f"SELECT count(*) FROM {one.table} WHERE get_byte({one.column}, 0) <> $1", current, timeout=None
        )
        for one in COLUMNS
    ]
    return sum(counts)


async def reseal(connection: Any, cipher: FieldCipher, progress: Progress) -> None:
    """Until nothing is left under an older key; `progress` is told how many of how many."""
    total = await left(connection, cipher.current)
    done = 0
    for one in COLUMNS:
        async for count in _resealed(connection, one, cipher):
            done += count
            progress(min(done, total), total)
    progress(total, total)


async def _resealed(connection: Any, one: Sealed, cipher: FieldCipher) -> AsyncIterator[int]:
    names = [name for name, _ in one.key]
    key = ", ".join(names)
    after = ", ".join(f"${place}::{kind}" for place, (_, kind) in enumerate(one.key, 2))
    reading = f"SELECT {key}, {one.column} FROM {one.table} WHERE get_byte({one.column}, 0) <> $1"
    last: tuple[Any, ...] = ()
    while True:
        rest = f" AND ({key}) > ({after})" if last else ""
        rows = await connection.fetch(
            f"{reading}{rest} ORDER BY {key} LIMIT {BATCH}", cipher.current, *last, timeout=None
        )
        if not rows:
            return
        anew = [_anew(one, cipher, row) for row in rows]
        await _write(connection, one, rows, anew)
        last = tuple(rows[-1][name] for name in names)
        yield len(rows)


def _anew(one: Sealed, cipher: FieldCipher, row: Any) -> bytes:
    place = one.place([row[name] for name, _ in one.key])
    return cipher.seal(
        one.table, one.column, place, cipher.open(one.table, one.column, place, row[one.column])
    )


async def _write(connection: Any, one: Sealed, rows: Sequence[Any], anew: Sequence[bytes]) -> None:
    columns = [*(kind for _, kind in one.key), "bytea", "bytea"]
    arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(columns, 1))
    names = [name for name, _ in one.key]
    same = " AND ".join(f"t.{name} = n.{name}" for name in names)
    written = False
    while not written:
        with tried_again():
            # What has been written meanwhile is under the current key already, and stays.
            await connection.execute(
                f"""UPDATE {one.table} t SET {one.column} = n.anew FROM unnest({arrays}) AS n({", ".join(names)}, old, anew)
                    WHERE {same} AND t.{one.column} = n.old""",
                *([row[name] for row in rows] for name in names),
                [row[one.column] for row in rows],
                list(anew),
            )
            written = True
