"""Import files as streams of checked rows: bytes → characters → cells → `CleanRow`.

    with files.open(id, key) as file:
        found = inspect(file, kind=…, format=…, mapping=…)        # one whole pass: nothing is applied of half a file
    with files.open(id, key) as file:
        for rows in chunks(file, kind=…, format=…, mapping=…, today=…, start=last_number_done): …

Memory is flat for csv and ndjson whatever the size; xlsx is bounded by its limits (see sheets.py). Whatever the bytes
are, nothing but `UnreadableFile` is raised (and what reading the file itself raises).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from io import RawIOBase

from domain.exchange.reading.kinds import ImportFormat, ImportKind
from domain.exchange.reading.rows import CleanRow


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a whole pass over the file found."""

    rows: int
    """Data rows, blank ones left out: how many `chunks` will give."""
    encoding: str | None
    """utf-8, utf-16, cp874; None for xlsx."""
    delimiter: str | None
    mapping: str | None
    """The layout that was named or recognised; None: our own columns."""


def inspect(
    file: RawIOBase, *, kind: ImportKind, format: ImportFormat, mapping: str | None = None
) -> Inspected:
    """Reads all of it without looking into the cells: a few µs a row. Raises UnreadableFile."""
    raise NotImplementedError


def chunks(
    file: RawIOBase, *, kind: ImportKind, format: ImportFormat, today: date, mapping: str | None = None,
    size: int = 5000, start: int = 0,
) -> Iterator[list[CleanRow]]:  # fmt: skip
    """The rows after number `start`, in lists of at most `size`; blank rows are left out.

    `mapping` names a layout (mappings/*.toml); without it the header is recognised. `today` in Bangkok, for
    dates that must not be in the future. Raises UnreadableFile.
    """
    raise NotImplementedError
    yield []


def mapping_names(kind: ImportKind) -> tuple[str, ...]:
    """The layouts that files of this kind may have, besides our own columns."""
    return ()
