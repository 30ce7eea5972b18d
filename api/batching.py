"""The items of a batch, each judged by itself: one that is no event spoils none of the others."""

import asyncio
import json
import math
from typing import Annotated, Any

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from api import parsing
from domain.assistance.batch import MOST_ITEMS, Batch, BatchMode, Malformed
from domain.assistance.event import EventDraft
from domain.errors import Fault, Invalid
from domain.kernel import Value

LARGEST = 8 * 1_048_576
"""Bytes of a body: a thousand items of 8 KB."""
MOST_FAULTS = 25
"""Of one item that are told."""
_MOST_COUNTED = 200
"""Beyond so many the faults of an item are not looked at one by one."""
_MOST_MEMBERS = 100
"""Of one object: no item has as many fields."""
_TURN = 50
"""Items after which other requests get their turn."""
_EXTERNAL_ID: TypeAdapter[str] = TypeAdapter(EventDraft.__annotations__["external_id"])


class _Envelope(Value):
    """A `BatchDraft` whose items nobody has looked at."""

    mode: BatchMode = BatchMode.COMMIT
    atomic: bool = False
    items: Annotated[list[Any], Field(max_length=MOST_ITEMS)]


class _Unusable:
    """An object of the JSON text that cannot be taken."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault


_REPEATED = _Unusable(Fault("", "duplicate-key", "A key stands twice in one object."))
_CROWDED = _Unusable(Fault("", "too-many", "An object has too many members."))
_ENDLESS = _Unusable(Fault("", "out-of-range", "A number is out of range."))


def _object(pairs: list[tuple[str, Any]]) -> Any:
    if len(pairs) > _MOST_MEMBERS:
        return _CROWDED
    found = dict(pairs)
    return found if len(found) == len(pairs) else _REPEATED


def _number(text: str) -> Any:
    found = float(text)
    return found if math.isfinite(found) else _ENDLESS


def _no_constant(_: str) -> None:
    raise ValueError


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_no_constant)


async def batch(raw: bytes) -> Batch:
    """A body. Raises Invalid for what is no batch, whatever its items are."""
    found = parsing.decoded(raw, _DECODER)
    if isinstance(found, _Unusable):
        raise Invalid("The request has faults; see errors.", faults=[found.fault])
    return await of(found)


async def of(found: Any) -> Batch:
    """A decoded body, or an input, as a batch. Raises Invalid."""
    items = found.get("items") if isinstance(found, dict) else None
    counted = {**found, "items": [None] * len(items)} if isinstance(items, list) else found
    try:
        shape = _Envelope.model_validate_json(json.dumps(counted, default=lambda _: None), strict=True)
    except ValidationError as error:
        raise parsing.invalid(error) from None
    judged: list[EventDraft | Malformed] = []
    for at, item in enumerate(items or ()):
        if at % _TURN == _TURN - 1:
            await asyncio.sleep(0)
        judged.append(_judged(item))
    return Batch(shape.mode, shape.atomic, judged)


def _judged(item: Any) -> EventDraft | Malformed:
    try:
        return EventDraft.model_validate_json(_text(item), strict=True)
    except ValidationError as error:
        return Malformed(_named(item), _invalid(error))
    except Invalid as error:
        return Malformed(_named(item), error)


def _text(item: Any) -> bytes | str:
    """As JSON once more: strictness knows two dialects, and here a date is a string. Raises Invalid."""
    try:
        return orjson.dumps(item)
    except orjson.JSONEncodeError:
        # A number beyond 64 bits, half a surrogate pair, or something unusable.
        try:
            return json.dumps(item, default=_refuse)
        except RecursionError:
            raise Invalid.at("", "too-deep", "It is nested too deeply.") from None


def _refuse(found: Any) -> Any:
    raise Invalid("The item has faults; see errors.", faults=[found.fault])


def _invalid(error: ValidationError) -> Invalid:
    if error.error_count() > _MOST_COUNTED:
        return Invalid.at("", "too-many", "The item has too many faults to name them.")
    found = parsing.invalid(error)
    return Invalid("The item has faults; see errors.", faults=found.faults[:MOST_FAULTS])


def _named(item: Any) -> str | None:
    """The external_id, where it is one."""
    try:
        return _EXTERNAL_ID.validate_python(item["external_id"], strict=True)
    except (ValidationError, TypeError, LookupError):
        return None
