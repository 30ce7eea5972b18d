"""Delimited text → records of cells, by the standard library's reader: quoted line breaks, CRLF, blank lines."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from domain.exchange.reading.rows import UnreadableFile

LONGEST = 1 << 20
"""Characters of a line, and of a record that a quoted cell runs through."""
# Of the process. The reader's own limit is lower: it would give up inside a long cell and go on in the middle of it.
csv.field_size_limit(2 * LONGEST)
DELIMITERS = (",", "\t", ";", "|")
_QUOTED = re.compile(r'"[^"]*"')
_NAMED_DELIMITER = re.compile(r'"?sep=(.)"?')


class Record(NamedTuple):
    number: int
    """From 1; the header is 1, and blank lines count, as spreadsheets count them."""
    cells: list[str]
    whole: bool
    """False: its quotation marks do not fit, and it could not be parted."""
    ended: bool
    """False for a last record without a line end."""


def lines(texts: Iterable[str]) -> Iterator[str]:
    """Lines with their ends: LF, CRLF or CR, as they stand. Raises UnreadableFile `line-too-long`."""
    pending = ""
    for text in texts:
        pending += text
        # A CR at the very end may be the first half of a CRLF.
        cut = max(pending.rfind("\n"), pending.rfind("\r", 0, len(pending) - 1)) + 1
        yield from io.StringIO(pending[:cut], newline="")
        pending = pending[cut:]
        if len(pending) > LONGEST:
            raise UnreadableFile("line-too-long", f"A line has more than {LONGEST} characters.")
    if pending:
        yield from io.StringIO(pending, newline="")


class Delimited:
    """The records of a file; `delimiter` is known once the first has been read."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._lines = lines(texts)
        self.delimiter: str | None = None
        self._ended, self._terminated, self._taken = False, True, 0

    def __iter__(self) -> Iterator[Record]:
        """Raises UnreadableFile `truncated-file` for a quoted cell that never ends, `line-too-long`."""
        fed = self._fed()
        first = next(fed, None)
        if first is None:
            return
        if named := _NAMED_DELIMITER.fullmatch(first.strip()):
            self.delimiter = named[1]
        else:
            fed = chain((first,), fed)
            self.delimiter = _delimiter(first)
        yield from self._records(csv.reader(fed, delimiter=self.delimiter, strict=True))

    def _fed(self) -> Iterator[str]:
        """The lines, with a look at what was fed: the reader itself tells neither the end nor the length."""
        for line in self._lines:
            self._terminated = line.endswith(("\n", "\r"))
            self._taken += len(line)
            if self._taken > LONGEST:
                raise UnreadableFile(
                    "line-too-long",
                    f"A row has more than {LONGEST} characters; is a quotation mark not closed?",
                )
            yield line
        self._ended = True

    def _records(self, reader: Iterator[list[str]]) -> Iterator[Record]:
        number = 0
        while True:
            self._taken = 0
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                if self._ended:
                    raise UnreadableFile(
                        "truncated-file", "The file ends inside a quoted cell; was it uploaded whole?"
                    ) from None
                cells, whole = [], False
            else:
                whole = True
            number += 1
            yield Record(number, cells, whole, self._terminated)


def _delimiter(first: str) -> str:
    """The one that stands most often in the first line, outside quotation marks."""
    bare = _QUOTED.sub("", first)
    return max(DELIMITERS, key=bare.count)
