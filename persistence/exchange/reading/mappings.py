"""The layouts of other systems' files, which are data: mappings/*.toml, each with the source of its knowledge.

source = "assumed: …"                       where the layout is known from
kinds = ["thaiqm"]
recognised_by = ["รหัสบ้าน", …]              a header with all of these is of this layout
ignored = ["ลำดับ"]                          known and not used; "*" every other column
header_row = 1
[columns]         "เลขบัตร" = "citizen_id"   theirs = ours; several of theirs may be one of ours
[joined.area_code] columns, widths, optional one code in several columns
[defaults]        no_id_reason = "not_known" what an empty cell means
[values.sex]      "1" = "male"               their words = ours; `results` stands for every indicator
"""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.exchange.reading.columns import RESULTS, columns_of
from domain.exchange.reading.kinds import ImportKind
from domain.exchange.reading.layout import Joined, Layout, label, own_layout
from domain.exchange.reading.rows import UnreadableFile

DEEPEST_HEADER = 20
"""Rows in which a header is looked for: titles stand above it."""


class _Joined(BaseModel):
    model_config = ConfigDict(extra="forbid")
    columns: list[str]
    widths: list[int]
    optional: int = 0


class _Mapping(BaseModel):
    """A file as it is written."""

    model_config = ConfigDict(extra="forbid")
    source: Annotated[str, Field(min_length=1)]
    kinds: list[ImportKind]
    recognised_by: list[str] = []
    ignored: list[str] = []
    header_row: Annotated[int, Field(ge=1, le=DEEPEST_HEADER)] = 1
    columns: dict[str, str]
    joined: dict[str, _Joined] = {}
    defaults: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}


@cache
def layouts() -> Mapping[str, Layout]:
    """All of them by name. Raises ValueError for a file that is not as described above."""
    directory = files("persistence.exchange.reading") / "mappings"
    found = sorted(
        (entry.name.removesuffix(".toml"), entry)
        for entry in directory.iterdir()
        if entry.name.endswith(".toml")
    )
    return {name: parsed(name, entry.read_text(encoding="utf-8")) for name, entry in found}


def parsed(name: str, text: str) -> Layout:
    """Raises ValueError."""
    read = _Mapping.model_validate(tomllib.loads(text))
    ours = {column for kind in read.kinds for column in columns_of(kind)} | set(RESULTS)
    named = {*read.columns.values(), *read.joined, *read.defaults, *(set(read.values) - {"results"})}
    if strange := sorted(named - ours):
        raise ValueError(f"{name}: {strange[0]} is no column of ours")
    for one in read.joined.values():
        if len(one.columns) != len(one.widths):
            raise ValueError(f"{name}: as many widths as columns")
    return Layout(
        name=name,
        kinds=frozenset(read.kinds),
        columns={label(theirs): column for theirs, column in read.columns.items()},
        joined={
            column: Joined(tuple(map(label, one.columns)), tuple(one.widths), one.optional)
            for column, one in read.joined.items()
        },
        defaults=read.defaults,
        values=read.values,
        recognised_by=frozenset(map(label, read.recognised_by)),
        ignored=frozenset(theirs if theirs == "*" else label(theirs) for theirs in read.ignored),
        header_row=read.header_row,
    )


def of_kind(kind: ImportKind) -> dict[str, Layout]:
    return {name: layout for name, layout in layouts().items() if kind in layout.kinds}


def named(kind: ImportKind, mapping: str) -> Layout:
    """Raises UnreadableFile `unknown-mapping`."""
    known = of_kind(kind)
    if mapping not in known:
        raise UnreadableFile(
            "unknown-mapping", f"Files of this kind have the mappings: {', '.join(known) or 'none'}."
        )
    return known[mapping]


def recognised(kind: ImportKind, rows: Sequence[Sequence[str]]) -> Layout:
    """The layout of the first rows of a file: a mapping that knows the header in its row, else our own columns."""
    fitting = [
        layout
        for layout in of_kind(kind).values()
        if layout.header_row <= len(rows) and layout.fits(rows[layout.header_row - 1])
    ]
    return max(fitting, key=lambda layout: len(layout.recognised_by)) if fitting else own_layout(kind)
