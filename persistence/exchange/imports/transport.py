"""Many rows in one bound text, parted by control characters that no value holds: cheap for the driver and for the server.

The driver looks at every item of an array, and the server takes JSON apart name by name: for the columns of a person
either costs several times what `string_to_array` does. COPY would cost less still, and cannot go through the views of
the wall.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

ITEM, FIELD, ROW = "\x1d", "\x1f", "\x1e"
"""What parts the items of a list, the fields of a row, the rows."""

Columns = Mapping[str, str]
"""Name → SQL type; `list`: an array of texts, `code`: a text that may be empty. Elsewhere nothing and empty are null."""


def source(columns: Columns) -> str:
    """The rows bound at $1, as `n` in a FROM."""
    listed = ", ".join(
        f"{_value(f'f[{at}]', kind)} AS {name}" for at, (name, kind) in enumerate(columns.items(), 1)
    )
    # OFFSET keeps the planner from parting a row again for each of its columns.
    return (
        f"(SELECT {listed} FROM (SELECT string_to_array(line, E'\\x1f', '') AS f"
        f" FROM string_to_table($1::text, E'\\x1e') AS line OFFSET 0) AS parted) AS n"
    )


def _value(field: str, kind: str) -> str:
    match kind:
        case "list":
            return f"coalesce(string_to_array({field}, E'\\x1d'), '{{}}')"
        case "code":
            return f"coalesce({field}, '')"
        case "text":
            return field
        case _:
            return f"{field}::{kind}"


def sent(rows: Sequence[Sequence[Any]], columns: Columns) -> str:
    """The rows for `source`, each with its values in the order of the columns. Raises ValueError as `by_column`."""
    return by_column(list(zip(*rows, strict=True)), columns)


def by_column(values: Sequence[Sequence[Any]], columns: Columns) -> str:
    """The rows for `source`, from the values of each column: to look once a column what they are costs a third of looking
    at each of them. A jsonb is text already (`as_json`).

    Raises ValueError where a value would run into the next: it cannot, for no text of ours holds a control character.
    """
    texts = [
        list(map(_TEXTS.get(kind, _plain), column))
        if kind not in _AS_THEY_ARE
        else [value or "" for value in column]
        for column, kind in zip(values, columns.values(), strict=True)
    ]
    lines = list(map(FIELD.join, zip(*texts, strict=True)))
    text = ROW.join(lines)
    if text.count(ROW) != len(lines) - 1 or text.count(FIELD) != len(lines) * (len(columns) - 1):
        raise ValueError("a value holds a control character")
    return text


def named(rows: Sequence[Mapping[str, Any]], columns: Columns) -> str:
    """The same of rows by name; what is no column is passed over."""
    return by_column([[row[name] for row in rows] for name in columns], columns)


def as_json(value: Any) -> str:
    """For a column of type jsonb."""
    return orjson.dumps(value, default=str).decode()


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


_AS_THEY_ARE = ("text", "code", "jsonb")
_TEXTS: Mapping[str, Callable[[Any], str]] = {
    # A third of the time of `str`.
    "uuid": lambda value: "" if value is None else f"{value.int:032x}",
    "bytea": lambda value: "" if value is None else f"\\x{value.hex()}",
    "bool": lambda value: "" if value is None else "t" if value else "f",
    "date": lambda value: "" if value is None else value.isoformat(),
    "list": lambda items: ITEM.join(items) if items else "",
}
