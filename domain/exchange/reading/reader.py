"""Cells → `CleanRow`: the one place that every row of every file passes through."""

from collections.abc import Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Any

from domain.exchange.reading import dates
from domain.exchange.reading.cells import Convert, choice, digits, plain
from domain.exchange.reading.columns import CONVERTERS, DATES, OF_A_PERSON, OF_AN_EVENT, columns_of
from domain.exchange.reading.faults import CellFault
from domain.exchange.reading.kinds import ImportKind
from domain.exchange.reading.layout import Joined, Plan
from domain.exchange.reading.rows import CleanRow, EventPart, HouseholdPart, PersonPart, RowFault
from domain.exchange.reading.rules import (
    event_faults,
    household_faults,
    identity_faults,
    person_faults,
    seen_faults,
)
from domain.exchange.reading.vocabulary import EMPTY, RESULT
from domain.registry.indicators import Result
from domain.registry.person import VitalStatus

_MEMORY = 8192
"""Texts of a column that are remembered while a file is read: dates, names and places come again and again."""
_REPEATED = frozenset(
    {
        "house_code", "area_code", "house_no", "moo", "village_name", "road", "postcode", "annual_income_per_person",
        "prefix", "first_name", "last_name", "occupation", "annual_income",
    }
)  # fmt: skip
"""Columns whose texts repeat, as those of a household do from member to member."""
_PERSON = len(OF_A_PERSON) + len(HouseholdPart._fields)
_EVENT = len(OF_AN_EVENT)


class RowReader:
    """Reads the rows of one file. What it remembers goes with it."""

    def __init__(self, plan: Plan, *, today: date) -> None:
        self._header, self._width, self._today = plan.header, len(plan.header), today
        self._columns = columns_of(plan.kind)
        self._of_persons = plan.kind is not ImportKind.ASSISTANCE and not (
            plan.joined or plan.layout.defaults or plan.results
        )
        self._row = self._event if plan.kind is ImportKind.ASSISTANCE else self._person
        self._joins = [(ours, indexes, one) for ours, (indexes, one) in plan.joined.items()]
        # Behind the cells of a row stand the joined ones, and an empty one for columns that the file lacks.
        behind = {ours: self._width + place for place, ours in enumerate(plan.joined)}
        nowhere = self._width + len(self._joins)
        self._pick = itemgetter(*(plan.places.get(name, behind.get(name, nowhere)) for name in self._columns))
        values = plan.layout.values
        self._converters = [_translated(self._converter(name), values.get(name)) for name in self._columns]
        self._defaults = [
            (at, plan.layout.defaults[name])
            for at, name in enumerate(self._columns)
            if name in plan.layout.defaults
        ]
        self._results = [
            (indicator, at, _translated(_RESULT, values.get(indicator) or values.get("results")))
            for indicator, at in plan.results
        ]

    def _converter(self, name: str) -> Convert:
        convert = _date if name in DATES else CONVERTERS[name]
        return _Remembered(convert).__getitem__ if name in _REPEATED or name in DATES else convert

    def plain_rows(self, numbered: Sequence[tuple[int, list[str]]]) -> list[CleanRow] | None:
        """Rows whose cells are all there, column by column, which costs half; None where a cell cannot be read.

        Each is as `row` would make it.
        """
        if not self._of_persons or any(len(cells) != self._width for _, cells in numbered):
            return None
        given = [*zip(*(cells for _, cells in numbered), strict=True), ("",) * len(numbered)]
        try:
            read = [
                [convert(text) if text else None for text in texts]
                for convert, texts in zip(self._converters, self._pick(given), strict=True)
            ]
        except CellFault:
            return None
        households = map(HouseholdPart._make, zip(*read[5:_PERSON], strict=True))
        persons = map(PersonPart._make, zip(*read[_PERSON:], strict=True))
        return [
            self._together(
                number, record_id, citizen_id, reason, fiscal_year, seen_on, household, person, (), [], self._header,
                tuple(cells),
            )
            for (number, cells), record_id, citizen_id, reason, fiscal_year, seen_on, household, person in zip(
                numbered, *read[:5], households, persons, strict=True
            )
        ]  # fmt: skip

    def row(
        self, number: int, cells: Sequence[str], known: tuple[RowFault, ...] = (), header: tuple[str, ...] | None = None,
        shown: Sequence[str] | None = None,
    ) -> CleanRow:  # fmt: skip
        """One row; `known` are faults that were found on the way here. Raises nothing.

        `header` and `shown` are what the report shows where it is not the file's header and `cells`.
        """
        faults = list(known)
        values = cells if len(cells) == self._width else self._fitted(cells, faults)
        texts = self._texts(values, faults)
        try:
            read = [
                convert(text) if text else None for convert, text in zip(self._converters, texts, strict=True)
            ]
        except CellFault:
            read = self._one_by_one(texts, faults)
        results = self._results_of(values, faults) if self._results else ()
        return self._row(
            number, read, results, faults, self._header if header is None else header, tuple(cells if shown is None else shown)
        )  # fmt: skip

    def _fitted(self, cells: Sequence[str], faults: list[RowFault]) -> Sequence[str]:
        if faults:  # it could not be parted at all
            return [""] * self._width
        beyond = cells[self._width :]
        if len(cells) < self._width or any(map(str.strip, beyond)):
            faults.append(
                RowFault("", "ragged-row", f"The row has {len(cells)} cells under {self._width} columns.")
            )
            return [""] * self._width
        return cells[: self._width]

    def _texts(self, cells: Sequence[str], faults: list[RowFault]) -> Sequence[str]:
        if not self._joins and not self._defaults:
            found: Sequence[str] = self._pick([*cells, ""])
            return found
        joined = []
        for ours, indexes, one in self._joins:
            try:
                joined.append(_join([cells[at] if at >= 0 else "" for at in indexes], one))
            except CellFault as fault:
                faults.append(RowFault(ours, fault.code, fault.detail))
                joined.append("")
        texts = list(self._pick([*cells, *joined, ""]))
        for at, text in self._defaults:
            if not texts[at].strip() or texts[at].strip() in EMPTY:
                texts[at] = text
        return texts

    def _one_by_one(self, texts: Sequence[str], faults: list[RowFault]) -> list[Any]:
        read: list[Any] = []
        for name, convert, text in zip(self._columns, self._converters, texts, strict=True):
            value = None
            if text:
                try:
                    value = convert(text)
                except CellFault as fault:
                    faults.append(RowFault(name, fault.code, fault.detail))
            read.append(value)
        return read

    def _results_of(self, cells: Sequence[str], faults: list[RowFault]) -> tuple[tuple[str, Result], ...]:
        found = []
        for indicator, at, convert in self._results:
            if text := cells[at]:
                try:
                    result = convert(text)
                except CellFault as fault:
                    faults.append(RowFault(indicator, fault.code, fault.detail))
                else:
                    if result is not None:
                        found.append((indicator, result))
        return tuple(found)

    def _person(
        self, number: int, read: list[Any], results: tuple[tuple[str, Result], ...], faults: list[RowFault],
        header: tuple[str, ...], cells: tuple[str, ...],
    ) -> CleanRow:  # fmt: skip
        household, person = HouseholdPart._make(read[5:_PERSON]), PersonPart._make(read[_PERSON:])
        record_id, citizen_id, reason, fiscal_year, seen_on = read[:5]
        return self._together(
            number, record_id, citizen_id, reason, fiscal_year, seen_on, household, person, results, faults, header, cells
        )  # fmt: skip

    def _together(
        self, number: int, record_id: str | None, citizen_id: str | None, reason: Any, fiscal_year: int | None,
        seen_on: date | None, household: HouseholdPart, person: PersonPart, results: tuple[tuple[str, Result], ...],
        faults: list[RowFault], header: tuple[str, ...], cells: tuple[str, ...],
    ) -> CleanRow:  # fmt: skip
        if person.deceased_on is not None and person.vital_status is None:
            person = person._replace(vital_status=VitalStatus.DECEASED)
        broken = (
            *identity_faults(citizen_id, reason),
            *household_faults(household, fiscal_year, bool(results)),
            *person_faults(person, today=self._today),
            *seen_faults(seen_on, today=self._today),
        )
        return CleanRow(
            number, record_id, citizen_id, reason, household, person, None, fiscal_year, seen_on, results,
            _all_of(faults, broken), header, cells,
        )  # fmt: skip

    def _event(
        self, number: int, read: list[Any], results: tuple[tuple[str, Result], ...], faults: list[RowFault],
        header: tuple[str, ...], cells: tuple[str, ...],
    ) -> CleanRow:  # fmt: skip
        record_id, citizen_id = read[:_EVENT]
        event = EventPart._make(read[_EVENT:])
        broken = tuple(event_faults(event, record_id, citizen_id, today=self._today))
        return CleanRow(
            number, record_id, citizen_id, None, None, None, event, None, None, results,
            _all_of(faults, broken), header, cells,
        )  # fmt: skip


class _Remembered(dict[str, Any]):
    """What a converter has made of the texts of a column, as many as fit."""

    def __init__(self, convert: Convert) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, text: str) -> Any:
        value = self._convert(text)
        if len(self) >= _MEMORY:
            self.clear()
        self[text] = value
        return value


_RESULT = choice(RESULT)
_IDENTIFIERS = frozenset({"household_id", "house_code", "citizen_id", "no_id_reason"})


def _all_of(faults: list[RowFault], broken: tuple[RowFault, ...]) -> tuple[RowFault, ...]:
    """The faults of cells, and of rules that are not broken by those alone."""
    if not faults:
        return broken
    columns = {fault.column for fault in faults}
    if "" in columns:
        return tuple(faults)
    if not columns.isdisjoint(_IDENTIFIERS):
        columns |= _IDENTIFIERS
    return (*faults, *(fault for fault in broken if fault.column not in columns))


def _date(text: str) -> date | None:
    stripped = plain(text)
    return None if stripped in EMPTY or not stripped else dates.parse(stripped)


def _translated(convert: Convert, words: Mapping[str, str] | None) -> Convert:
    """A converter behind a mapping's own words; an empty translation means that the cell says nothing."""
    if not words:
        return convert

    def translated(text: str) -> Any:
        meant = words.get(text)
        if meant is None:
            meant = words.get(plain(text), text)
        return convert(meant) if meant else None

    return translated


def _join(parts: Sequence[str], one: Joined) -> str:
    """The parts as one code, each with its zeros; empty where all are."""
    read = [digits(part) for part in parts]
    while read and not read[-1] and len(read) > len(parts) - one.optional:
        read.pop()
    if not any(read):
        return ""
    for part, width in zip(read, one.widths, strict=False):
        if not part or len(part) > width or not (part.isascii() and part.isdigit()):
            raise CellFault("wrong-format", f"A part of it is not a number of {width} digits at most.")
    return "".join(part.zfill(width) for part, width in zip(read, one.widths, strict=False))
