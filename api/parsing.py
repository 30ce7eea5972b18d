"""Input, strictly: no duplicate keys, no unknown names, no repeated single parameter, no coercion in bodies.

Decision: the framework's binder accepts duplicate JSON keys, ignores unknown query parameters and puts
the input into its errors; a parser of our own, on Pydantic's, costs these lines and refuses all three.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, get_origin
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from domain.errors import Fault, Invalid

Model = TypeVar("Model", bound=BaseModel)
MOST_FAULTS = 100

_DETAILS = {
    "missing": ("required", "It is required."),
    "extra_forbidden": ("unknown-field", "There is no such field."),
    "enum": ("unknown-value", "It is not one of the known values."),
    "literal_error": ("unknown-value", "It is not one of the known values."),
    "string_pattern_mismatch": ("wrong-format", "It does not have the required form."),
    "string_too_long": ("too-long", "It is too long."),
    "string_too_short": ("too-short", "It is too short."),
    "too_long": ("too-many", "There are too many items."),
    "too_short": ("too-few", "There are too few items."),
    "string_type": ("wrong-type", "It must be a string."),
    "string_unicode": ("malformed-text", "It is not valid Unicode."),
    "int_type": ("wrong-type", "It must be an integer."),
    "bool_type": ("wrong-type", "It must be true or false."),
    "list_type": ("wrong-type", "It must be an array."),
    "model_type": ("wrong-type", "It must be an object."),
    "dict_type": ("wrong-type", "It must be an object."),
    "greater_than_equal": ("out-of-range", "It is below the least allowed."),
    "less_than_equal": ("out-of-range", "It is above the most allowed."),
    "decimal_max_digits": ("out-of-range", "It has too many digits."),
    "decimal_max_places": ("too-precise", "It has too many decimal places."),
    "decimal_whole_digits": ("out-of-range", "It has too many digits."),
    "finite_number": ("out-of-range", "It must be finite."),
    "json_invalid": ("malformed-json", "The body is not valid JSON."),
    "timezone_aware": ("no-time-zone", "A time needs a zone."),
}
# Anything that parses text says which characters it met; none of that may travel back.
_KINDS = (
    ("uuid", ("wrong-format", "It must be a UUID.")),
    ("datetime", ("wrong-format", "It must be an RFC 3339 time with a zone.")),
    ("date", ("wrong-format", "It must be a date, YYYY-MM-DD.")),
    ("decimal", ("wrong-type", "It must be a number or a decimal string.")),
    ("int", ("wrong-type", "It must be an integer.")),
    ("float", ("wrong-type", "It must be a number.")),
    ("bool", ("wrong-type", "It must be true or false.")),
    ("union_tag", ("unknown-value", "It is not one of the known kinds.")),
)


class _DuplicateKey(ValueError):
    pass


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateKey
    return found


def _no_constant(_: str) -> None:
    raise ValueError


_DECODER = json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_no_constant)


def decoded(raw: bytes, decoder: json.JSONDecoder = _DECODER) -> Any:
    """JSON without duplicate keys, NaN or endless nesting. Raises Invalid `malformed-json`, `duplicate-key`."""
    try:
        return decoder.decode(raw.decode("utf-8"))
    except _DuplicateKey:
        raise Invalid.at("", "duplicate-key", "A key stands twice in one object.") from None
    except RecursionError:
        raise Invalid.at("", "too-deep", "The body is nested too deeply.") from None
    except ValueError:
        raise Invalid.at("", "malformed-json", "The body is not valid JSON in UTF-8.") from None


def body(raw: bytes, model: type[Model]) -> Model:
    """The body as a value. Raises Invalid with one fault for each place that is wrong."""
    decoded(raw)
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError, *, prefix: str = "") -> Invalid:
    """Pydantic's findings as faults, without any of the input."""
    found = error.errors(include_url=False, include_input=False)[:MOST_FAULTS]
    return Invalid(
        "The request has faults; see errors.",
        faults=[Fault(_pointer(one, prefix), *_said(one)) for one in found],
    )


def _pointer(found: Mapping[str, Any], prefix: str) -> str:
    path: Sequence[int | str] = found["loc"]
    if prefix:
        return prefix + (str(path[0]) if path else "")
    # The last step to an unknown field is the caller's text; every other one is a name or place of ours.
    own = [
        _shown(str(step)) if found["type"] == "extra_forbidden" and step is path[-1] else str(step)
        for step in path
    ]
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in own)


def _said(found: Mapping[str, Any]) -> tuple[str, str]:
    kind: str = found["type"]
    if kind in ("too_short", "too_long") and found.get("ctx", {}).get("field_type") == "Value":
        # A text whose length is judged after it was cleaned: Pydantic counts its "items".
        kind = f"string_{kind}"
    if kind in _DETAILS:
        return _DETAILS[kind]
    if "-" in kind:  # our own, which are written without input
        return kind, found["msg"]
    return next((said for name, said in _KINDS if name in kind), ("invalid", "The value is not valid."))


def query(raw: bytes, model: type[Model]) -> Model:
    """The query string as a value; lists are repeated parameters. Raises Invalid with `query/…` pointers."""
    if not raw:
        try:
            unasked: Model = _unasked(model)
        except ValidationError as error:
            raise invalid(error, prefix="query/") from None
        return unasked
    given: dict[str, Any] = {}
    faults: list[Fault] = []
    many = repeatable(model)
    for name, value in _pairs(raw):
        if name not in model.model_fields:
            faults.append(Fault(f"query/{_shown(name)}", "unknown-parameter", "There is no such parameter."))
        elif name in many:
            given.setdefault(name, []).append(value)
        elif name in given:
            faults.append(Fault(f"query/{name}", "repeated-parameter", "It may be given once."))
        else:
            given[name] = value
    if faults:
        raise Invalid("The query has faults; see errors.", faults=faults[:MOST_FAULTS])
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid(error, prefix="query/") from None


@cache
def _unasked(model: type[BaseModel]) -> Any:
    # Values are frozen: one serves every request without a query.
    return model.model_validate({})


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=False,
            errors="strict",
            max_num_fields=500,
        )
    except ValueError:
        raise Invalid.at(
            "query/", "malformed-query", "The query is not valid UTF-8 with at most 500 parameters."
        ) from None


_LONG_NUMBER = re.compile("[0-9][0-9_]{7,}")


def _shown(name: str) -> str:
    # The name of an unknown parameter or field is the caller's text: only a harmless one is repeated.
    harmless = name.isascii() and name.isidentifier() and len(name) <= 40 and not _LONG_NUMBER.search(name)
    return name if harmless else "?"


@cache
def repeatable(model: type[BaseModel]) -> frozenset[str]:
    """The parameters that may be repeated."""
    return frozenset(
        name for name, field in model.model_fields.items() if get_origin(field.annotation) is list
    )
