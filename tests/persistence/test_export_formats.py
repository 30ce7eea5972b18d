"""The text path of an export carries every character, and no format holds more than a group of rows."""

import csv
import io
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from domain.access.actor import Actor, Scope
from domain.access.policy import admit
from domain.exchange.export import ExportFormat, ExportType
from persistence.exchange.export_copying import BLOCK, Lines, copied
from persistence.exchange.export_rows import rows_sql
from persistence.exchange.formats import GROUP_BYTES, GROUP_ROWS, Kind, columns_of, sheet
from persistence.sql import Binds
from tests.support.api import Api
from tests.support.jobs import tools_of

# All that PostgreSQL stores: no NUL, no halves of surrogate pairs.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
HARD = st.sampled_from(
    [
        "\\",
        "\\\\n",
        "\n",
        "\r\n",
        "\x01",
        "\x02",
        "\x7f",
        '"',
        "\\.",
        "\\N",
        "\\x01",
        "\u2028",
        "\x85",
        "ก็",
        "😀",
        ",\n {",
    ]
)
TEXTS = st.lists(st.one_of(TEXT, st.lists(HARD, min_size=1, max_size=6).map("".join)), max_size=8)

_ROWS = """SELECT replace(row_to_json(t)::text, chr(10), '') FROM (
  SELECT place, value, jsonb_build_object('of', value) AS document, (SELECT json_agg(m) FROM (
    SELECT value AS first, value AS second FROM generate_series(1, 2)) m) AS several
  FROM unnest($1::text[]) WITH ORDINALITY AS given(value, place) ORDER BY place) t"""


class Kept:
    """A file in memory."""

    def __init__(self) -> None:
        self.text = bytearray()
        self.most = 0

    def write(self, data: bytes | bytearray | memoryview) -> int:
        self.text += data
        self.most = max(self.most, len(data))
        return len(data)


@given(texts=TEXTS)
@settings(max_examples=150)
async def test_what_copy_sends_is_one_json_text_a_line(api: Api, texts: list[str]) -> None:
    kept = Kept()

    async def taken(data: bytes) -> None:
        kept.write(data)

    async with tools_of(api).works.lasting(snapshot=True) as work:
        count = await copied(work.connection, _ROWS, [texts], taken)  # type: ignore[attr-defined]  # our own
    lines = bytes(kept.text).split(b"\n")
    assert lines.pop() == b""
    assert count == len(lines) == len(texts)
    pairs = {"first", "second"}
    for line, text in zip(lines, texts, strict=True):
        found = orjson.loads(line)
        assert (found["value"], found["document"]) == (text, {"of": text})
        assert [set(one) for one in found["several"]] == [pairs, pairs]
        assert all(value == text for one in found["several"] for value in one.values())


class Sample(BaseModel):
    id: str
    text: str | None
    words: list[str]
    amount: Decimal | None = None
    at: datetime | None = None
    flag: bool | None = None


def item(text: str | None, number: int = 0) -> dict[str, Any]:
    at = datetime(2026, 1, 1, 12, tzinfo=UTC).isoformat()
    return {
        "id": str(number),
        "text": text,
        "words": [text or "", "ข"],
        "amount": "12",
        "at": at,
        "flag": None,
    }


def written(format: ExportFormat, items: list[dict[str, Any]]) -> bytes:
    kept = Kept()
    made = sheet(format, Sample, kept)
    made.lines(b"".join(orjson.dumps(one) + b"\n" for one in items))
    made.close()
    return bytes(kept.text)


@given(TEXTS)
@settings(max_examples=100)
def test_csv_carries_every_character(texts: list[str]) -> None:
    text = written(ExportFormat.CSV, [item(one) for one in texts]).decode()
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == ["id", "text", "words", "amount", "at", "flag"]
    assert len(rows) == len(texts)
    for row, one in zip(rows, texts, strict=True):
        assert row[1].removeprefix("'" if row[1] != one else "") == one
        assert orjson.loads(row[2]) == [one, "ข"]
        assert row[3:] == ["12", "2026-01-01T12:00:00+00:00", ""]


@given(TEXTS)
@settings(max_examples=50)
def test_parquet_carries_every_character_and_absence(texts: list[str]) -> None:
    items = [item(one) for one in texts] + [item(None)]
    table = pyarrow.parquet.read_table(io.BytesIO(written(ExportFormat.PARQUET, items)))
    assert table.column("text").to_pylist() == [*texts, None]
    assert [orjson.loads(one)[0] for one in table.column("words").to_pylist()] == [*texts, ""]
    assert set(table.column("amount").to_pylist()) == {Decimal(12)}
    assert set(table.column("at").to_pylist()) == {datetime(2026, 1, 1, 12, tzinfo=UTC)}
    assert set(table.column("flag").to_pylist()) == {None}


@pytest.mark.parametrize(("text", "groups"), [("ก", [GROUP_ROWS, 7]), ("ก" * 1000, None)])
def test_parquet_is_written_in_groups(text: str, groups: list[int] | None) -> None:
    items = [item(text, number) for number in range(GROUP_ROWS + 7)]
    file = pyarrow.parquet.ParquetFile(io.BytesIO(written(ExportFormat.PARQUET, items)))
    found = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    assert groups is None or found == groups
    size = len(orjson.dumps(items[0]))
    assert all(count * size <= GROUP_BYTES + 2 * size for count in found)
    assert file.read().column("id").to_pylist() == [one["id"] for one in items]


@pytest.mark.parametrize("format", ExportFormat)
def test_an_export_of_nothing_is_a_file_of_its_format(format: ExportFormat) -> None:
    text = written(format, [])
    if format is ExportFormat.PARQUET:
        table = pyarrow.parquet.read_table(io.BytesIO(text))
        assert (table.num_rows, table.num_columns) == (0, 6)
    else:
        assert text == (b"" if format is ExportFormat.NDJSON else b"id,text,words,amount,at,flag\r\n")


@pytest.mark.parametrize("type", ExportType)
def test_every_field_of_an_item_has_its_columns(type: ExportType) -> None:
    columns = columns_of(type.resource)
    assert {column.path[0] for column in columns} == set(type.resource.model_fields)
    assert len({column.name for column in columns}) == len(columns)
    decimals = [column for column in columns if column.kind is Kind.DECIMAL]
    assert all(column.places in (2, 3) for column in decimals)


def test_lines_are_looked_through_in_blocks_whatever_the_pieces() -> None:
    """Wherever COPY cuts its pieces: no line is cut, none is lost, and no block grows."""
    lines = Lines()
    text = b"".join(b'{"n": %d, "t": "%s"}\n' % (n, b"x" * (n % 4000)) for n in range(3000))
    blocks: list[bytes] = []
    sizes, at = [1, 7, 65_536, 3, 200_000], 0
    while at < len(text):
        size = sizes[at % len(sizes)]
        blocks += lines.whole(text[at : at + size])
        at += size
    assert b"".join([*blocks, lines.rest()]) == text
    assert all(block.endswith(b"\n") for block in blocks)
    assert max(map(len, blocks)) < BLOCK + max(sizes)


def test_the_library_of_parquet_is_not_loaded_to_serve() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, api.app, api.worker; print('pyarrow' in sys.modules)"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == "False"


@pytest.mark.parametrize("areas", [("42",), ("4201",), ("420101",), ("*",)])
@pytest.mark.parametrize("type", ExportType)
async def test_the_rows_come_by_a_walk_along_an_index(
    api: Api, type: ExportType, areas: tuple[str, ...]
) -> None:
    """Nothing is sorted, however many there are: the first row leaves at once."""
    actor = Actor("c", "PROV_MOPH-42", frozenset(Scope) - {Scope.PERSONS_PII}, areas, 0, "")
    binds = Binds()
    sql = rows_sql(
        admit(actor, type.read_by), type, since=None, now=datetime(2026, 1, 1, tzinfo=UTC), binds=binds
    )
    async with tools_of(api).works.lasting(actor, snapshot=True) as work:
        connection = work.connection  # type: ignore[attr-defined]  # our own
        # What the planner knows of empty tables says nothing: it is asked for what it can do.
        await connection.execute("SET LOCAL enable_seqscan = off")
        await connection.execute("SET LOCAL enable_bitmapscan = off")
        await connection.execute("SET LOCAL enable_sort = off")
        plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *binds)
    rows = orjson.loads(plan)[0]["Plan"]
    source = {"households": "household", "assistance_events": "assistance_event"}.get(
        type, type.removesuffix("s")
    )
    walk = _outermost(rows, source)
    assert walk is not None
    assert walk["Node Type"] in ("Index Scan", "Index Only Scan")
    assert not _sorted_above(rows, source)


def _outermost(plan: dict[str, Any], table: str) -> dict[str, Any] | None:
    if plan.get("Relation Name") == table:
        return plan
    found = (_outermost(below, table) for below in plan.get("Plans", ()))
    return next((one for one in found if one is not None), None)


def _sorted_above(plan: dict[str, Any], table: str) -> bool:
    if plan.get("Relation Name") == table:
        return False
    return plan["Node Type"] == "Sort" or any(
        _sorted_above(below, table)
        for below in plan.get("Plans", ())
        if below.get("Parent Relationship") in ("Outer", "Subquery")
    )
