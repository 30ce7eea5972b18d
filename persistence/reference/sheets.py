"""Reading one CSV or TOML file so that every complaint names the file and the line."""

import csv
import io
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Source = Path | Traversable
T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class ReferenceFileError(ValueError):
    """A reference file that cannot be loaded; the message names the file, the line and the fault."""

    def __init__(self, file: str, line: int, detail: str) -> None:
        super().__init__(f"{file}, line {line}: {detail}")
        self.file, self.line, self.detail = file, line, detail


def packaged(name: str) -> Source:
    """A data file of this package."""
    return files("persistence.reference") / name


class Row:
    """One line of a CSV file: cells by column, with the errors that name the line."""

    def __init__(self, file: str, line: int, cells: dict[str, str]) -> None:
        self.file, self.line, self._cells = file, line, cells

    def fault(self, detail: str) -> ReferenceFileError:
        return ReferenceFileError(self.file, self.line, detail)

    def text(self, column: str) -> str:
        """A cell that must not be empty."""
        if not (cell := self._cells[column]):
            raise self.fault(f"{column} is empty")
        return cell

    def optional(self, column: str) -> str | None:
        return self._cells[column] or None

    def several(self, column: str, known: Collection[str] | None = None) -> tuple[str, ...]:
        """Cells joined by `|`; with `known`, each must be one of them."""
        parts = tuple(part for part in self._cells[column].split("|") if part)
        if known is not None:
            for part in parts:
                self.among(column, part, known)
        return parts

    def number(self, column: str) -> int:
        return self._integer(column, self.text(column))

    def optional_number(self, column: str) -> int | None:
        return None if (cell := self.optional(column)) is None else self._integer(column, cell)

    def flag(self, column: str) -> bool:
        return self.among(column, self.text(column), ("true", "false")) == "true"

    def among(self, column: str, value: str, known: Collection[str]) -> str:
        if value not in known:
            raise self.fault(f"{column}: {value} is not known")
        return value

    def _integer(self, column: str, cell: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", cell):
            raise self.fault(f"{column}: {cell} is not a whole number")
        return int(cell)


def csv_rows(source: Source, columns: Sequence[str]) -> Iterator[Row]:
    """The rows of a UTF-8 CSV file (with or without a byte order mark) that has exactly these columns."""
    reader = csv.reader(io.StringIO(_text(source), newline=""), strict=True)
    try:
        header = next(reader, [])
        if sorted(header) != sorted(columns):
            odd = sorted(set(header).symmetric_difference(columns))
            raise ReferenceFileError(source.name, 1, f"missing, unknown or repeated columns: {odd}")
        for cells in reader:
            if len(cells) != len(header):
                detail = f"{len(cells)} cells for {len(header)} columns"
                raise ReferenceFileError(source.name, reader.line_num, detail)
            stripped = (cell.strip() for cell in cells)
            yield Row(source.name, reader.line_num, dict(zip(header, stripped, strict=True)))
    except csv.Error as error:
        raise ReferenceFileError(source.name, reader.line_num, f"not CSV: {error}") from None


def numbered(
    source: Source, columns: Sequence[str], build: Callable[[Row], T], key: Callable[[T], object]
) -> list[tuple[Row, T]]:
    """All rows with what was built of them; two rows of one key are refused."""
    seen: set[object] = set()
    built = []
    for row in csv_rows(source, columns):
        item = build(row)
        if key(item) in seen:
            raise row.fault(f"{key(item)} stands twice")
        seen.add(key(item))
        built.append((row, item))
    return built


def read_unique(
    source: Source, columns: Sequence[str], build: Callable[[Row], T], key: Callable[[T], object]
) -> tuple[T, ...]:
    """As `numbered`, for files that need no second look."""
    return tuple(item for _, item in numbered(source, columns, build, key))


def toml_tables(source: Source, name: str, model: type[M]) -> list[tuple[int, M]]:
    """The `[[name]]` tables of a TOML file as values, each with the line its table starts on."""
    text = _text(source)
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search("line ([0-9]+)", str(error))
        raise ReferenceFileError(source.name, int(at[1]) if at else 1, f"not TOML: {error}") from None
    if set(parsed) != {name}:
        raise ReferenceFileError(source.name, 1, f"the file has [[{name}]] tables and nothing else")
    header = re.compile(rf"\s*\[\[\s*{name}\s*\]\]")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if header.match(line)]
    tables: list[dict[str, Any]] = parsed[name]
    if not isinstance(tables, list) or len(lines) != len(tables):
        raise ReferenceFileError(source.name, 1, f"write each entry as a [[{name}]] table")
    return [
        (line, _value(source.name, line, model, table)) for line, table in zip(lines, tables, strict=True)
    ]


def _text(source: Source) -> str:
    try:
        return source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ReferenceFileError(source.name, 1, "the file is not UTF-8") from None


def _value(file: str, line: int, model: type[M], table: dict[str, Any]) -> M:
    try:
        return model.model_validate(table)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise ReferenceFileError(file, line, f"{where}: {fault['msg']}") from None
