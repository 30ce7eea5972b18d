"""The files of an export: lines of JSON as the database made them, CSV, Parquet.

NDJSON is the items of the list as they are. CSV and Parquet are flat: one column for each field, fields of an object
as `address_moo`; lists stay JSON text. The columns are made from the value that the list's items are, so that a
field that is added there is added here. Nothing is held but the rows of one group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Protocol, Union, get_args, get_origin
from uuid import UUID

import orjson
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from domain.exchange.export import ExportFormat
from domain.tabular import Cell, rows_as_csv

CSV_ROWS = 500
"""Rows that are turned into text at a time."""
GROUP_ROWS, GROUP_BYTES = 10_000, 2 << 20
"""Of a Parquet row group, at most so many rows, and little more than so many bytes of JSON."""
STEP_ROWS, STEP_BYTES = 500, 256 << 10
"""What is held as Python's objects before it is packed: they take ten times the memory of the columns."""
DICTIONARY_BYTES = 64 << 10
"""Of one column of a row group: ids have no dictionary worth having, and every writer would hold a megabyte of them."""


class Output(Protocol):
    def write(self, data: bytes | bytearray | memoryview) -> int: ...


class Kind(Enum):
    """What a flat column holds."""

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    DATE = "date"
    TIME = "time"
    JSON = "json"
    """A list or a mapping, as compact JSON text."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    path: tuple[str, ...]
    kind: Kind
    places: int = 0
    """Of a decimal."""


_KINDS: Mapping[type, Kind] = {
    bool: Kind.BOOLEAN, int: Kind.INTEGER, float: Kind.FLOAT, Decimal: Kind.DECIMAL, datetime: Kind.TIME, date: Kind.DATE,
    UUID: Kind.TEXT, str: Kind.TEXT,
}  # fmt: skip


@cache
def columns_of(model: type[BaseModel]) -> tuple[Column, ...]:
    """The flat columns of a value."""
    found: list[Column] = []
    for name, field in model.model_fields.items():
        found += _columns(name, (name,), field.annotation, field.metadata)
    return tuple(found)


def _columns(name: str, path: tuple[str, ...], annotation: Any, metadata: Sequence[Any]) -> list[Column]:
    kind, more = _bare(annotation)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [
            column
            for part, field in kind.model_fields.items()
            for column in _columns(f"{name}_{part}", (*path, part), field.annotation, field.metadata)
        ]
    found = next(
        (one for base, one in _KINDS.items() if isinstance(kind, type) and issubclass(kind, base)), Kind.JSON
    )
    return [Column(name, path, found, _places([*metadata, *more]))]


def _bare(annotation: Any) -> tuple[Any, list[Any]]:
    """The type without `| None` and `Annotated`, and what the latter says of it."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *said = get_args(annotation)
        kind, more = _bare(inner)
        return kind, [*said, *more]
    if origin in (Union, UnionType):
        rest = [one for one in get_args(annotation) if one is not NoneType]
        return _bare(rest[0]) if len(rest) == 1 else (None, [])
    return annotation, []


def _places(said: Sequence[Any]) -> int:
    for one in said:
        given = one.metadata if isinstance(one, FieldInfo) else [one]
        for piece in given:
            places = getattr(piece, "decimal_places", None)
            if places is not None:
                return int(places)
    return 0


class Sheet(Protocol):
    """Takes whole lines of JSON, in any number."""

    def lines(self, text: bytes) -> None: ...
    def close(self) -> None: ...


def sheet(format: ExportFormat, model: type[BaseModel], out: Output) -> Sheet:
    match format:
        case ExportFormat.NDJSON:
            return _Ndjson(out)
        case ExportFormat.CSV:
            return _Csv(columns_of(model), out)
    return _Parquet(columns_of(model), out)


class _Ndjson:
    def __init__(self, out: Output) -> None:
        self._out = out

    def lines(self, text: bytes) -> None:
        self._out.write(text)

    def close(self) -> None:
        pass


class _Csv:
    def __init__(self, columns: Sequence[Column], out: Output) -> None:
        self._columns, self._out = columns, out
        self._names = [column.name for column in columns]
        self._header = rows_as_csv(self._names, [])
        out.write(self._header.encode())

    def lines(self, text: bytes) -> None:
        lines = text.splitlines()
        for start in range(0, len(lines), CSV_ROWS):
            rows = [self._row(orjson.loads(line)) for line in lines[start : start + CSV_ROWS]]
            self._out.write(rows_as_csv(self._names, rows)[len(self._header) :].encode())

    def _row(self, item: dict[str, Any]) -> list[Cell]:
        return [_cell(column.kind, _at(item, column.path)) for column in self._columns]

    def close(self) -> None:
        pass


def _cell(kind: Kind, value: Any) -> Cell:
    if value is None:
        return None
    match kind:
        case Kind.JSON:
            return orjson.dumps(value).decode()
        case Kind.BOOLEAN:
            return "true" if value else "false"
        case Kind.DECIMAL:
            return Decimal(str(value))
    cell: Cell = value
    return cell


def _at(item: Any, path: Sequence[str]) -> Any:
    for part in path:
        if item is None:
            return None
        item = item.get(part)
    return item


class _Parquet:
    def __init__(self, columns: Sequence[Column], out: Output) -> None:
        # Here, because only a worker that writes such a file should carry the library.
        import pyarrow
        import pyarrow.parquet

        # Gives back what it has freed; the library's own pool keeps it.
        pyarrow.set_memory_pool(pyarrow.system_memory_pool())
        self._arrow, self._columns = pyarrow, columns
        self._held: list[list[Any]] = [[] for _ in columns]
        self._packed: list[Any] = []
        self._step = 0
        self._rows = self._bytes = 0
        self._schema = pyarrow.schema(
            [pyarrow.field(column.name, _arrow_type(pyarrow, column)) for column in columns]
        )
        self._sink = pyarrow.PythonFile(_Counted(out), mode="w")
        self._writer = pyarrow.parquet.ParquetWriter(
            self._sink,
            self._schema,
            compression="zstd",
            dictionary_pagesize_limit=DICTIONARY_BYTES,
            use_dictionary=[column.name for column in columns if column.kind is not Kind.JSON],
        )

    def lines(self, text: bytes) -> None:
        for line in text.splitlines():
            item = orjson.loads(line)
            for column, values in zip(self._columns, self._held, strict=True):
                values.append(_typed(column.kind, _at(item, column.path)))
            self._step += len(line)
            if len(self._held[0]) == STEP_ROWS or self._step >= STEP_BYTES:
                self._pack()
                if self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
                    self._write()

    def _pack(self) -> None:
        arrays = [
            self._arrow.array(values, type=field.type)
            for values, field in zip(self._held, self._schema, strict=True)
        ]
        self._packed.append(self._arrow.record_batch(arrays, schema=self._schema))
        self._rows += len(self._held[0])
        self._bytes += self._step
        self._step = 0
        for values in self._held:
            values.clear()

    def _write(self) -> None:
        table = self._arrow.Table.from_batches(self._packed, schema=self._schema)
        self._writer.write_table(table, row_group_size=table.num_rows)
        self._packed.clear()
        self._rows = self._bytes = 0

    def close(self) -> None:
        if self._held[0]:
            self._pack()
        if self._packed:
            self._write()
        self._writer.close()
        self._sink.flush()


def _typed(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    match kind:
        case Kind.JSON:
            return orjson.dumps(value).decode()
        case Kind.DECIMAL:
            return Decimal(str(value))
        case Kind.DATE:
            return date.fromisoformat(value)
        case Kind.TIME:
            return datetime.fromisoformat(value)
    return value


def _arrow_type(arrow: Any, column: Column) -> Any:
    match column.kind:
        case Kind.INTEGER:
            return arrow.int64()
        case Kind.FLOAT:
            return arrow.float64()
        case Kind.BOOLEAN:
            return arrow.bool_()
        case Kind.DECIMAL:
            return arrow.decimal128(18, column.places)
        case Kind.DATE:
            return arrow.date32()
        case Kind.TIME:
            return arrow.timestamp("us", tz="UTC")
    return arrow.string()


class _Counted:
    """A file that knows where it is; closing it leaves the one beneath open."""

    closed = False

    def __init__(self, out: Output) -> None:
        self._out, self._at = out, 0

    def write(self, data: bytes) -> int:
        self._at += self._out.write(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True
