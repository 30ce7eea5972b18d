"""An opened file: its layout over its header, and its rows, ready to be read."""

from collections.abc import Iterable, Iterator, Mapping
from io import RawIOBase
from itertools import chain, islice
from typing import NamedTuple

from domain.exchange.reading.columns import OF_THE_REPORT, RESULTS, columns_of, has_results
from domain.exchange.reading.kinds import ImportFormat, ImportKind
from domain.exchange.reading.layout import Layout, Plan, label, plan
from domain.exchange.reading.rows import RowFault, UnreadableFile
from persistence.exchange.reading import mappings, ndjson, sheets
from persistence.exchange.reading.delimited import Delimited, Record
from persistence.exchange.reading.encodings import Texts

_MALFORMED = RowFault("", "malformed-row", "The quotation marks of the row do not fit.")
_UNKNOWN = RowFault("", "unknown-column", "The object has a name that is none of ours.")
_UNCOMPUTED = "The spreadsheet was saved without the value of this formula."


class Ready(NamedTuple):
    """A row that holds something, for `RowReader.row`."""

    number: int
    cells: list[str]
    known: tuple[RowFault, ...] = ()
    header: tuple[str, ...] | None = None
    shown: tuple[str, ...] | None = None


class Opened:
    """Raises UnreadableFile when it is made, and from `rows`."""

    plan: Plan
    rows: Iterator[Ready]

    def __init__(
        self, file: RawIOBase, *, kind: ImportKind, format: ImportFormat, mapping: str | None
    ) -> None:
        self._kind, self._mapping = kind, mapping
        self._texts: Texts | None = None
        self._delimited: Delimited | None = None
        match format:
            case ImportFormat.CSV:
                self._texts = Texts(file)
                self._delimited = Delimited(self._texts)
                self._open_table(iter(self._delimited))
            case ImportFormat.XLSX:
                self._open_table(_as_records(sheets.records(file)))
            case ImportFormat.NDJSON:
                self._texts = Texts(file)
                self._open_objects(ndjson.records(self._texts))

    @property
    def encoding(self) -> str | None:
        """ASCII counts as UTF-8."""
        return None if self._texts is None else (self._texts.encoding or "utf-8")

    @property
    def delimiter(self) -> str | None:
        return None if self._delimited is None else self._delimited.delimiter

    def _open_table(self, records: Iterator["Record | _SheetRow"]) -> None:
        named = None if self._mapping is None else mappings.named(self._kind, self._mapping)
        depth = named.header_row if named else mappings.DEEPEST_HEADER
        first = list(islice(records, depth))
        layout = named or mappings.recognised(self._kind, [record.cells for record in first])
        at = layout.header_row - 1
        if layout.name is None:  # blank rows before our own header do not matter
            at = next((place for place, record in enumerate(first) if any(record.cells)), 0)
        if at >= len(first):
            raise UnreadableFile("empty-file", "The file is empty, or ends before its header.")
        self.plan = plan(layout, self._kind, first[at].cells)
        self.rows = self._table(chain(first[at + 1 :], records))

    def _table(self, records: Iterable["Record | _SheetRow"]) -> Iterator[Ready]:
        width = len(self.plan.header)
        ours = _ours_by_place(self.plan)
        for record in records:
            if isinstance(record, _SheetRow):
                known = tuple(
                    RowFault(ours[place], "formula-without-value", _UNCOMPUTED)
                    for place in record.uncomputed
                    if place in ours
                )
                if known or "".join(record.cells).strip():
                    yield Ready(record.number, record.cells + [""] * (width - len(record.cells)), known)
            elif not record.whole:
                yield Ready(record.number, [], (_MALFORMED,))
            elif "".join(record.cells).strip():
                if not record.ended and len(record.cells) < width:
                    raise UnreadableFile(
                        "truncated-file", "The last row is cut off; was the file uploaded whole?"
                    )
                yield Ready(record.number, record.cells)

    def _open_objects(self, records: Iterator[ndjson.JsonRecord]) -> None:
        first = next(records, None)
        if first is None:
            raise UnreadableFile("empty-file", "The file is empty.")
        keys = tuple(first.texts)
        layout = (
            mappings.named(self._kind, self._mapping)
            if self._mapping is not None
            else mappings.recognised(self._kind, [keys])
        )
        objects = _Objects(layout, self._kind, keys)
        self.plan = objects.plan
        self.rows = map(objects.ready, chain((first,), records))


class _SheetRow(NamedTuple):
    number: int
    cells: list[str]
    uncomputed: tuple[int, ...]


def _as_records(records: Iterable[sheets.SheetRecord]) -> Iterator[_SheetRow]:
    """The header of a mapping is counted in rows, so that the blank ones before it stand here again."""
    number = 0
    for record in records:
        while number + 1 < record.number and number < mappings.DEEPEST_HEADER:
            number += 1
            yield _SheetRow(number, [], ())
        number = record.number
        yield _SheetRow(*record)


def _ours_by_place(over: Plan) -> Mapping[int, str]:
    found = {place: ours for ours, (places, _) in over.joined.items() for place in places}
    found.update({place: ours for ours, place in over.places.items()})
    return found


class _Objects:
    """Objects as rows under our own names: every line may have other keys, in another order."""

    def __init__(self, layout: Layout, kind: ImportKind, keys: tuple[str, ...]) -> None:
        own = [name for name in columns_of(kind) if name not in layout.joined]
        edition = (
            "bmn-31-"
            if any(layout.columns.get(label(key), "").startswith("bmn-31-") for key in keys)
            else "bmn-38-"
        )
        if has_results(kind):
            own += [name for name in RESULTS if name.startswith(edition)]
        parts = [part for one in layout.joined.values() for part in one.columns]
        under = Layout(
            layout.name, layout.kinds, {name: name for name in own}, layout.joined, layout.defaults, layout.values,
            ignored=frozenset("*"),
        )  # fmt: skip
        self.plan = plan(under, kind, [*own, *parts])
        self._at = {name: place for place, name in enumerate([*own, *parts])}
        self._layout, self._width = layout, len(own) + len(parts)
        self._places: dict[str, int | None] = {}

    def _place(self, key: str) -> int | None:
        """Where its text goes; None for what is left out, -1 for a name that is not known."""
        name = label(key)
        found = self._at.get(self._layout.columns.get(name, name if name in self._at else ""))
        if found is not None:
            return found
        return None if "*" in self._layout.ignored or name in self._layout.ignored | OF_THE_REPORT else -1

    def ready(self, record: ndjson.JsonRecord) -> Ready:
        cells = [""] * self._width
        known = list(record.faults)
        for key, text in record.texts.items():
            if key not in self._places:
                if len(self._places) > 2000:  # names that change with every line
                    self._places.clear()
                self._places[key] = self._place(key)
            place = self._places[key]
            if place == -1:
                known.append(_UNKNOWN)
            elif place is not None:
                cells[place] = text
        return Ready(
            record.number,
            cells,
            tuple(dict.fromkeys(known)),
            tuple(record.texts),
            tuple(record.texts.values()),
        )
