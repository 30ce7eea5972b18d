"""What stands beside the rows of a spreadsheet: which sheet, how cells are formatted, the texts that cells share."""

import re
from array import array
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache

from domain.exchange.reading.rows import UnreadableFile
from persistence.exchange.reading.package import Package, no_spreadsheet, parsed, too_large, xml_parser

LONGEST_CELL = 32_767
"""Characters, as Excel has it."""
_MOST_TEXT = 96 << 20
"""Bytes of shared texts that are kept in memory."""
_MOST_TEXTS = 8_000_000
_BUILTIN_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59), *range(71, 82)))
_LITERAL = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')
_CONTROL = re.compile("_x([0-9A-Fa-f]{4})_")


class Shown(Enum):
    """What a number format makes of a number, as far as it matters."""

    NUMBER = "number"
    DATE = "date"


Format = Shown | int
"""An int: digits that the format fills up with zeros."""


class Workbook:
    """The first visible sheet: `sheet` is the name of its part."""

    def __init__(self, package: Package) -> None:
        self.since_1904 = False
        sheets: list[tuple[str, bool]] = []

        def workbook(name: str, attributes: dict[str, str]) -> None:
            if name == "workbookPr":
                self.since_1904 = attributes.get("date1904") in ("1", "true")
            elif name == "sheet":
                relation = next((attributes[key] for key in attributes if key.endswith(":id")), "")
                sheets.append((relation, attributes.get("state", "visible") == "visible"))

        package.parse("xl/workbook.xml", workbook)
        targets = _targets(package)
        visible = [
            relation for relation, shown in sheets if shown and "worksheets/" in targets.get(relation, "")
        ]
        if not visible:
            raise no_spreadsheet("The spreadsheet has no visible sheet.")
        self.sheet = targets[visible[0]]
        self.formats = _formats(package)
        self.texts = SharedTexts(package)


def _targets(package: Package) -> Mapping[str, str]:
    """The parts of the workbook by the ids of their relations."""
    found: dict[str, str] = {}

    def relation(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship":
            target = attributes.get("Target", "")
            found[attributes.get("Id", "")] = target[1:] if target.startswith("/") else f"xl/{target}"

    package.parse("xl/_rels/workbook.xml.rels", relation)
    return found


def _formats(package: Package) -> Sequence[Format]:
    """By the index that cells give as their style."""
    if "xl/styles.xml" not in package:
        return ()
    codes: dict[int, str] = {}
    styles: list[Format] = []
    inside: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            codes[_number(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
        elif name == "xf" and inside and inside[-1] == "cellXfs":
            styles.append(_format(_number(attributes.get("numFmtId")), codes))
        inside.append(name)
        if len(inside) > 200 or len(codes) > 100_000 or len(styles) > 100_000:
            raise no_spreadsheet()

    package.parse("xl/styles.xml", start, lambda _: inside.pop())
    return styles


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else 0


def _format(id: int, codes: Mapping[int, str]) -> Format:
    if id not in codes:
        return Shown.DATE if id in _BUILTIN_DATES else Shown.NUMBER
    bare = _LITERAL.sub("", codes[id][:1000])
    zeros = bare.replace("-", "").replace(" ", "")
    if 1 < len(zeros) <= 20 and set(zeros) == {"0"}:
        return len(zeros)
    # b: the Buddhist year.
    return Shown.DATE if set(bare.lower()) & set("ydb") or "mmm" in bare.lower() else Shown.NUMBER


class SharedTexts:
    """The table of texts that cells point into, in one buffer: as objects a million of them would fill the memory."""

    def __init__(self, package: Package) -> None:
        self._buffer, self._ends = bytearray(), array("I", [0])
        self.at = lru_cache(16_384)(self._at)
        if "xl/sharedStrings.xml" in package:
            self._load(package)

    def _load(self, package: Package) -> None:
        parser = xml_parser()
        pieces: list[str] = []
        length = 0

        def start(name: str, _: dict[str, str]) -> None:
            nonlocal length
            local = name.rpartition(":")[2]
            if local == "si":
                pieces.clear()
                length = 0
            elif local == "t":
                parser.CharacterDataHandler = more
            elif local == "rPh":  # how a text is pronounced
                parser.StartElementHandler = None

        def more(text: str) -> None:
            nonlocal length
            length += len(text)
            if length > LONGEST_CELL:
                raise UnreadableFile("line-too-long", f"A cell has more than {LONGEST_CELL} characters.")
            pieces.append(text)

        def end(name: str) -> None:
            local = name.rpartition(":")[2]
            if local == "t":
                parser.CharacterDataHandler = None
            elif local == "rPh":
                parser.StartElementHandler = start
            elif local == "si":
                self._buffer += unescaped("".join(pieces)).encode("utf-8", "replace")
                self._ends.append(len(self._buffer))
                if len(self._buffer) > _MOST_TEXT or len(self._ends) > _MOST_TEXTS:
                    raise too_large()

        parser.StartElementHandler, parser.EndElementHandler = start, end
        for _ in parsed(parser, package.blocks("xl/sharedStrings.xml")):
            pass

    def _at(self, index: str) -> str:
        """Raises UnreadableFile for an index that is none."""
        place = int(index) if index.isdecimal() and len(index) < 10 else len(self._ends)
        if place + 1 >= len(self._ends):
            raise no_spreadsheet("A cell points to a text that is not there.")
        return self._buffer[self._ends[place] : self._ends[place + 1]].decode("utf-8")


def unescaped(text: str) -> str:
    """`_x000D_` is how control characters are written."""
    return _CONTROL.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
