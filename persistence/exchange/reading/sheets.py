"""xlsx → records of cells, row by row: the sheet is never whole in memory.

What is in memory: the packed file (64 MB at most), the shared texts (96 MB at most), and a block of rows. So a
sheet may have all the rows that Excel has. Cells become the texts that a person would have typed: numbers with
Excel's 15 digits, dates as year-month-day, zeros as far as the cell's format shows them.

Decision: the standard library's XML parser instead of a spreadsheet library. Those that are fast build the whole
sheet as a dense table, which a file of 10 kB with one cell in the last corner makes gigabytes of; those that stream
are slower than this by half. The cost: these two modules, compared with a library's reading by a test.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from io import RawIOBase
from typing import NamedTuple

from domain.exchange.reading.layout import MOST_COLUMNS
from domain.exchange.reading.rows import UnreadableFile
from persistence.exchange.reading.delimited import LONGEST
from persistence.exchange.reading.package import Package, no_spreadsheet, parsed, xml_parser
from persistence.exchange.reading.workbook import LONGEST_CELL, Format, Shown, Workbook, unescaped

_MOST_ROWS = 1_048_576
_DIGITS = "0123456789"


class SheetRecord(NamedTuple):
    number: int
    """As the spreadsheet shows it."""
    cells: list[str]
    """As far as the row goes."""
    uncomputed: tuple[int, ...]
    """Places of formulas that were saved without their values."""


def records(file: RawIOBase) -> Iterator[SheetRecord]:
    """The rows of the first visible sheet that hold anything. Raises UnreadableFile."""
    package = Package(file)
    return _Sheet(package, Workbook(package)).rows()


class _Sheet:
    """The parser's state. Handlers run for every element of every cell, so they are plain."""

    def __init__(self, package: Package, book: Workbook) -> None:
        self._package, self._book = package, book
        self._formats = {
            str(index): shown for index, shown in enumerate(book.formats) if shown is not Shown.NUMBER
        }
        self._parser = xml_parser()
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._end
        self._prefix: str | None = None
        self._columns: dict[str, int] = {}
        self._done: list[SheetRecord] = []
        self._number, self._next, self._length = 0, 0, 0
        self._cells: list[str] = []
        self._uncomputed: list[int] = []
        self._in_cell, self._silent = False, False
        self._begin_cell({})

    def rows(self) -> Iterator[SheetRecord]:
        for _ in parsed(self._parser, self._package.blocks(self._book.sheet)):
            yield from self._done
            self._done.clear()

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self._type, self._style = attributes.get("t"), attributes.get("s")
        self._text, self._formula = "", False

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._prefix is None:
            self._prefix = name[: name.rfind(":") + 1]
        local = name[len(self._prefix) :] if self._prefix else name
        if local == "c":
            self._in_cell = True
            reference = attributes.get("r")
            if reference is not None:
                letters = reference.rstrip(_DIGITS)
                place = self._columns.get(letters)
                self._next = self._column(letters) if place is None else place
            self._begin_cell(attributes)
        elif local == "v" or local == "t":
            if self._in_cell and not self._silent:
                self._parser.CharacterDataHandler = self._more
        elif local == "f":
            self._formula = True
        elif local == "rPh":
            self._silent = True
        elif local == "row":
            self._begin_row(attributes.get("r"))

    def _more(self, text: str) -> None:
        self._text += text
        self._length += len(text)
        if len(self._text) > LONGEST_CELL:
            raise UnreadableFile("line-too-long", f"A cell has more than {LONGEST_CELL} characters.")

    def _end(self, name: str) -> None:
        local = name[len(self._prefix) :] if self._prefix else name
        if local == "v" or local == "t":
            self._parser.CharacterDataHandler = None
        elif local == "c":
            self._in_cell = False
            self._end_cell()
        elif local == "rPh":
            self._silent = False
        elif local == "row":
            if any(self._cells) or self._uncomputed:
                self._done.append(SheetRecord(self._number, self._cells, tuple(self._uncomputed)))
            self._cells, self._uncomputed = [], []

    def _begin_row(self, number: str | None) -> None:
        self._number, before = self._number + 1, self._number
        if number is not None:
            self._number = int(number) if number.isdecimal() and len(number) < 8 else 0
        if not before < self._number <= _MOST_ROWS:
            raise no_spreadsheet("The rows of the sheet are not in order.")
        self._cells, self._uncomputed, self._next, self._length = [], [], 0, 0

    def _end_cell(self) -> None:
        place, self._next = self._next, self._next + 1
        if self._formula and not self._text and self._type != "str":
            self._uncomputed.append(place)
        text = self._value() if self._text else ""
        if not text:
            return
        self._length += len(text)
        if place >= MOST_COLUMNS:
            raise UnreadableFile("too-many-columns", f"The sheet has more than {MOST_COLUMNS} columns.")
        if self._length > LONGEST:
            raise UnreadableFile("line-too-long", f"A row has more than {LONGEST} characters.")
        cells = self._cells
        if place == len(cells):
            cells.append(text)
        elif place > len(cells):
            cells.extend([""] * (place - len(cells)))
            cells.append(text)
        else:
            raise no_spreadsheet("The cells of a row are not in order.")

    def _value(self) -> str:
        match self._type:
            case "s":
                return self._book.texts.at(self._text.strip())
            case "b":
                return "true" if self._text.strip() == "1" else "false"
            case None | "n":
                shown = self._formats.get(self._style) if self._style else None
                return number_text(self._text.strip(), shown, since_1904=self._book.since_1904)
            case _:
                return unescaped(self._text)

    def _column(self, letters: str) -> int:
        """A is 0."""
        place = 0
        for letter in letters:
            if not "A" <= letter <= "Z" or place > MOST_COLUMNS * 100:
                raise no_spreadsheet()
            place = place * 26 + ord(letter) - 64
        if not letters:
            raise no_spreadsheet()
        if len(self._columns) < 20_000:
            self._columns[letters] = place - 1
        return place - 1


def number_text(text: str, shown: Format | None, *, since_1904: bool = False) -> str:
    """A number as its cell shows it, as far as it matters here; with more digits than Excel keeps it is 1.2E+15."""
    plain = text.isdecimal() and text.isascii() and len(text) <= 15
    if shown is None and plain:
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    if shown is Shown.DATE:
        return _day(number, since_1904) or text
    if isinstance(shown, int):
        return text.zfill(shown) if plain else f"{number:.15g}"
    return f"{number:.15g}" if abs(number) < 1e15 else f"{number:.5E}"


def _day(serial: float, since_1904: bool) -> str | None:
    """Excel's day 60 is 29 February 1900, which never was: before it days are one further."""
    if not 1 <= serial < 2_900_000:  # the year 9839
        return None
    days = int(serial) + (1462 if since_1904 else 0)
    return (date(1899, 12, 30) + timedelta(days=days + (days < 60))).isoformat()
