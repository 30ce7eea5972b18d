"""Inserting rows that are built as dictionaries: one statement a table, whatever their number."""

from collections.abc import Sequence
from typing import Any


def inserting(table: str, rows: Sequence[dict[str, Any]], bound: str, *, tail: str = "") -> str:
    """`INSERT … SELECT` of JSON rows bound at `bound`; every row has the columns of the first."""
    columns = ", ".join(f'"{name}"' for name in rows[0])
    return (
        f'INSERT INTO "{table}" ({columns}) SELECT {columns}'
        f' FROM jsonb_populate_recordset(NULL::"{table}", {bound}) {tail}'
    )


def as_bytea(value: bytes | None) -> str | None:
    """Binary as PostgreSQL reads it from JSON text."""
    return None if value is None else f"\\x{value.hex()}"
