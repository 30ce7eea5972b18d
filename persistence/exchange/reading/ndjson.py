"""NDJSON → records of named texts: one object a line, its values texts, numbers, true, false or null."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from domain.exchange.reading.rows import RowFault, UnreadableFile
from persistence.exchange.reading.delimited import lines


class JsonRecord(NamedTuple):
    number: int
    """Of the line, from 1."""
    texts: dict[str, str]
    faults: tuple[RowFault, ...]


class _NoNumber(ValueError):
    pass


def _no_constant(_: str) -> None:
    raise _NoNumber


class _Object(list[tuple[str, Any]]):
    """An object as its pairs, so that a key that stands twice is seen."""


# Numbers stay as they are written: no id loses a digit.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_Object, parse_constant=_no_constant, parse_int=str, parse_float=str
)


def records(texts: Iterable[str]) -> Iterator[JsonRecord]:
    """Blank lines are left out and counted. Raises UnreadableFile `truncated-file`, `line-too-long`, `not-ndjson`."""
    understood = False
    for number, line in enumerate(lines(texts), 1):
        text = line.strip()
        if not text:
            continue
        try:
            read = _DECODER.decode(text)
        except (ValueError, RecursionError):
            if not understood:
                raise UnreadableFile(
                    "not-ndjson", "The first line is no JSON object; send one object a line."
                ) from None
            if not line.endswith(("\n", "\r")):
                raise UnreadableFile(
                    "truncated-file", "The file ends inside an object; was it uploaded whole?"
                ) from None
            yield JsonRecord(number, {}, (RowFault("", "malformed-json", "The line is not JSON."),))
            continue
        if not isinstance(read, _Object):
            if not understood:
                raise UnreadableFile(
                    "not-ndjson", "The first line is no JSON object; send one object a line."
                )
            yield JsonRecord(number, {}, (RowFault("", "wrong-type", "The line is no JSON object."),))
            continue
        understood = True
        record = _record(number, read)
        # Half of a surrogate pair can only come as an escape.
        yield _mended(record) if "\\u" in text else record


def _record(number: int, pairs: _Object) -> JsonRecord:
    found: dict[str, str] = {}
    faults = []
    if len({name for name, _ in pairs}) < len(pairs):
        faults.append(RowFault("", "duplicate-key", "A key stands twice in the object."))
    for name, value in pairs:
        if isinstance(value, list):
            # Covers objects too, which are lists of pairs here.
            faults.append(RowFault("", "nested-value", "A value is a text, a number, true, false or null."))
            continue
        found[name] = _text(value)
    return JsonRecord(number, found, tuple(dict.fromkeys(faults)))


_HALVES = re.compile("[\ud800-\udfff]")


def _mended(record: JsonRecord) -> JsonRecord:
    """Without halves of surrogate pairs, which are no text, and with the fault where there were any."""
    texts = {_HALVES.sub("\ufffd", name): _HALVES.sub("\ufffd", text) for name, text in record.texts.items()}
    if texts == record.texts:
        return record
    fault = RowFault("", "malformed-text", "The text is not valid Unicode.")
    return JsonRecord(record.number, texts, (*record.faults, fault))


def _text(value: str | bool | None) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else str(value).lower()
