"""Import files as streams of checked rows: bytes → characters → cells → `CleanRow`.

    with files.open(id, key) as file:
        found = inspect(file, kind=…, format=…, mapping=…)        # one whole pass: nothing is applied of half a file
    with files.open(id, key) as file:
        for rows in chunks(file, kind=…, format=…, mapping=…, today=…, start=last_number_done): …

Memory is flat for csv and ndjson whatever the size; xlsx is bounded by its limits (see sheets.py). Whatever the bytes
are, nothing but `UnreadableFile` is raised (and what reading the file itself raises).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from io import RawIOBase

from domain.exchange.reading.kinds import ImportFormat, ImportKind
from domain.exchange.reading.reader import RowReader
from domain.exchange.reading.rows import CleanRow, UnreadableFile
from persistence.exchange.reading import mappings
from persistence.exchange.reading.opening import Opened, Ready

MOST_CHARACTERS = 8 << 20
"""Of the rows of one list."""
_TOGETHER = 250
"""Rows that are read column by column; one bad cell among them, and each is read by itself."""


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
    opened = Opened(file, kind=kind, format=format, mapping=mapping)
    rows = sum(1 for _ in opened.rows)
    if not rows:
        raise UnreadableFile("empty-file", "The file has a header and no rows.")
    return Inspected(rows, opened.encoding, opened.delimiter, opened.plan.layout.name)


def chunks(
    file: RawIOBase, *, kind: ImportKind, format: ImportFormat, today: date, mapping: str | None = None,
    size: int = 3000, start: int = 0,
) -> Iterator[list[CleanRow]]:  # fmt: skip
    """The rows after number `start`, in lists of at most `size`; blank rows are left out.

    Long rows make shorter lists. `mapping` names a layout (mappings/*.toml); without it the header is recognised.
    `today` in Bangkok, for dates that must not be in the future. Raises UnreadableFile.
    """
    opened = Opened(file, kind=kind, format=format, mapping=mapping)
    reader = RowReader(opened.plan, today=today)
    found: list[Ready] = []
    characters = 0
    for ready in opened.rows:
        if ready.number <= start:
            continue
        found.append(ready)
        characters += sum(map(len, ready.cells))
        if len(found) >= size or characters > MOST_CHARACTERS:
            yield _checked(reader, found)
            found, characters = [], 0
    if found:
        yield _checked(reader, found)


def _checked(reader: RowReader, found: Sequence[Ready]) -> list[CleanRow]:
    rows: list[CleanRow] = []
    for some in _parts(found):
        plain = None
        if not any(ready.known or ready.header is not None or ready.shown is not None for ready in some):
            plain = reader.plain_rows([(ready.number, ready.cells) for ready in some])
        rows += [reader.row(*ready) for ready in some] if plain is None else plain
    return rows


def _parts(found: Sequence[Ready]) -> Iterator[Sequence[Ready]]:
    return (found[at : at + _TOGETHER] for at in range(0, len(found), _TOGETHER))


def mapping_names(kind: ImportKind) -> tuple[str, ...]:
    """The layouts that files of this kind may have, besides our own columns."""
    return tuple(mappings.of_kind(kind))
