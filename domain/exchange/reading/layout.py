"""Which of a file's columns is which of ours: our own names, or a mapping, which is data (mappings/*.toml)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.exchange.reading.columns import OF_THE_REPORT, RESULTS, columns_of, has_results, required_of
from domain.exchange.reading.kinds import ImportKind
from domain.exchange.reading.rows import UnreadableFile
from domain.thai import clean

MOST_COLUMNS = 500
"""More than any layout has; a file with more is not one of people."""


def label(text: str) -> str:
    """A column's name as names are compared: one space between words, lower case, without the marks of required fields."""
    return " ".join(clean(text).lower().replace("*", " ").strip(" '\"\ufeff").split())


@dataclass(frozen=True, slots=True)
class Joined:
    """One of our codes that stands in several columns, e.g. an area code as province, district, subdistrict, village."""

    columns: tuple[str, ...]
    """Labels, in order."""
    widths: tuple[int, ...]
    """Digits of each part: a spreadsheet's lost zeros are put back, which is no guess here."""
    optional: int = 0
    """How many of the last parts may be empty: the village."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What a kind of file calls things. All names are labels, all texts are as in the file."""

    name: str | None
    """None: our own columns."""
    kinds: frozenset[ImportKind]
    columns: Mapping[str, str]
    """Theirs → ours."""
    joined: Mapping[str, Joined]
    """Ours ← several of theirs."""
    defaults: Mapping[str, str]
    """What an empty cell of ours, or a missing column, means."""
    values: Mapping[str, Mapping[str, str]]
    """By our column: their text → a text that we know."""
    recognised_by: frozenset[str] = frozenset()
    """A header with all of these is of this layout."""
    ignored: frozenset[str] = frozenset()
    """Columns that are known and not used; `*`: every other one."""
    header_row: int = 1

    def fits(self, header: Sequence[str]) -> bool:
        return bool(self.recognised_by) and self.recognised_by <= {label(name) for name in header}


def own_layout(kind: ImportKind) -> Layout:
    """The columns of the registry, by their names."""
    names = columns_of(kind) + (RESULTS if has_results(kind) else ())
    return Layout(None, frozenset({kind}), {name: name for name in names}, {}, {}, {})


@dataclass(frozen=True, slots=True)
class Plan:
    """A layout laid over a header: where each of our columns stands."""

    layout: Layout
    kind: ImportKind
    header: tuple[str, ...]
    places: Mapping[str, int]
    """Our column → index in the row."""
    joined: Mapping[str, tuple[tuple[int, ...], Joined]]
    results: tuple[tuple[str, int], ...]
    """Indicator and index, in the order of the file."""


def plan(layout: Layout, kind: ImportKind, header: Sequence[str]) -> Plan:
    """Raises UnreadableFile; its details name our own columns and the numbers of theirs, never a text of the file.

    A file without a header would otherwise have its first person named in an error.
    """
    names = _named(header)
    at = {name: place for place, name in reversed(list(enumerate(names)))}
    places, results = _places(layout, names)
    joined = {
        ours: (tuple(at.get(part, -1) for part in one.columns), one)
        for ours, one in layout.joined.items()
        if ours not in places and all(part in at for part in one.columns[: len(one.columns) - one.optional])
    }
    _check_required(layout, kind, places, joined)
    _check_unknown(layout, names)
    editions = {indicator.rpartition("-")[0] for indicator, _ in results}
    if len(editions) > 1:
        raise UnreadableFile(
            "two-editions", "The file has indicators of two editions; send one file for each."
        )
    if kind is ImportKind.BMN and not results:
        raise UnreadableFile("missing-column", "The file has no column of an indicator, e.g. bmn-38-29.")
    return Plan(layout, kind, tuple(header[: len(names)]), places, joined, tuple(results))


def _named(header: Sequence[str]) -> list[str]:
    names = [label(name) for name in header]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise UnreadableFile("empty-file", "The file has no header; its first row names the columns.")
    if len(names) > MOST_COLUMNS:
        raise UnreadableFile("too-many-columns", f"The file has more than {MOST_COLUMNS} columns.")
    if any("\0" in name for name in names):
        raise UnreadableFile(
            "wrong-encoding", "The header holds NUL: send UTF-8, or UTF-16 with a byte order mark."
        )
    return names


def _places(layout: Layout, names: Sequence[str]) -> tuple[dict[str, int], list[tuple[str, int]]]:
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        ours = layout.columns.get(name)
        if ours is None:
            continue
        if ours in places:
            raise UnreadableFile("repeated-column", f"Two columns say {ours}; leave one out.")
        places[ours] = place
    known = frozenset(RESULTS)
    return places, [(ours, place) for ours, place in places.items() if ours in known]


def _check_required(
    layout: Layout, kind: ImportKind, places: Mapping[str, int], joined: Mapping[str, object]
) -> None:
    found = places.keys() | joined.keys() | layout.defaults.keys()
    for group in required_of(kind):
        if found.isdisjoint(group):
            raise UnreadableFile(
                "missing-column",
                f"The file has no column {' or '.join(group)}; see /v1/imports/templates/{kind}.csv, or name a mapping.",
            )


def _check_unknown(layout: Layout, names: Sequence[str]) -> None:
    if "*" in layout.ignored:
        return
    parts = {part for one in layout.joined.values() for part in one.columns}
    for number, name in enumerate(names, 1):
        if name not in layout.columns and name not in parts and name not in layout.ignored | OF_THE_REPORT:
            raise UnreadableFile(
                "unknown-column",
                f"Column {number} is none that we know: rename it or leave it out; nothing is ignored.",
            )
