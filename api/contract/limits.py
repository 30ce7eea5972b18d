"""Bounds for every schema: what a model leaves open gets the documented default below."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

LONGEST_TEXT = 4000
"""Free text on input has the same bound (domain.kernel.Text)."""
MOST_ITEMS = 1000
MOST_PROPERTIES = 200
INT32 = (-2_147_483_648, 2_147_483_647)
LARGEST_NUMBER = 1e15
TEXT = r"^[^\u0000-\u0008\u000B-\u001F\u007F-\u009F]*$"
"""Any text without control characters but tab and line feed: others are refused on input."""
_FOREIGN = ("ge", "le", "max_digits", "decimal_places")
_FORMATS = {"date": 10, "date-time": 40, "uuid": 36, "uri": 2000}

MONEY = {"pattern": r"^[0-9]{1,10}\.[0-9]{2}$", "maxLength": 13}
CODE = {"maxLength": 64}
SHAPES: Mapping[str, Schema] = {
    "annual_income": MONEY,
    "annual_income_per_person": MONEY,
    "value_baht": MONEY,
    "house_code": {"pattern": "^[0-9]{11}$", "maxLength": 11},
    "area_code": {"pattern": "^[0-9]{2,8}$", "maxLength": 8},
    "parent_code": {"pattern": "^[0-9]{2,8}$", "maxLength": 8},
    "dimension_mask": {"pattern": "^[01]{5}$", "maxLength": 5},
    "citizen_id": {"pattern": "^(x-xxxx-xxxxx-[0-9]{2}-[0-9]|[0-9]{13})$", "maxLength": 17},
    "version": {"minimum": 1},
    "fiscal_year": {"minimum": 2500, "maximum": 2700},
    "age": {"minimum": 0, "maximum": 150},
    "agency": CODE,
    "menu_code": CODE,
    "indicator_id": CODE,
    "external_id": {"maxLength": 200},
}
"""Of answers, by property: there a model says `str` for what was checked on its way in."""


def limit(schema: Schema, name: str = "", *, shapes: Mapping[str, Schema] = {}) -> Schema:
    """The schema, bounded throughout. `name` is the property it belongs to."""
    found = _decimal(schema)
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if key in found:
            found[key] = [limit(one, name, shapes=shapes) for one in found[key]]
    for key in ("properties", "$defs"):
        if key in found:
            found[key] = {inner: limit(one, inner, shapes=shapes) for inner, one in found[key].items()}
    if isinstance(found.get("items"), dict):
        found["items"] = limit(found["items"], name, shapes=shapes)
    if isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = limit(found["additionalProperties"], name, shapes=shapes)
    _bound(found, shapes.get(name, {}))
    return found


def _decimal(schema: Schema) -> Schema:
    """A copy; an amount, a number or a string to Pydantic, gets its bounds on both, and loses words not of JSON Schema."""
    found = {
        key: value
        for key, value in schema.items()
        if key not in _FOREIGN and (key, value) != ("default", None)
    }
    options = found.get("anyOf", ())
    number = next((one for one in options if one.get("type") == "number"), None)
    # A value of any kind may be a number or a text as well, and is no amount.
    if number is None or {"type": "string"} not in options or {"type": "boolean"} in options:
        return found
    least, most = (
        schema.get("ge", number.get("minimum", 0)),
        schema.get("le", number.get("maximum", LARGEST_NUMBER)),
    )
    whole, places = len(str(int(float(most)))), schema.get("decimal_places", 3)
    text = {"pattern": rf"^[0-9]{{1,{whole}}}(\.[0-9]{{1,{places}}})?$", "maxLength": whole + places + 1}
    bounds = {"minimum": float(least), "maximum": float(most)}
    kinds = {"number": bounds, "string": text}
    found["anyOf"] = [{**one, **kinds.get(str(one.get("type")), {})} for one in options]
    return found


def _bound(schema: Schema, shape: Schema) -> None:
    match schema.get("type"):
        case "string" if "enum" not in schema and "const" not in schema:
            if "format" not in schema and "pattern" not in schema:
                _default(schema, shape)
                schema.setdefault("pattern", TEXT)
            schema.setdefault("maxLength", _FORMATS.get(schema.get("format", ""), LONGEST_TEXT))
        case "integer" if "enum" not in schema and "const" not in schema:
            _default(schema, shape)
            schema.setdefault("minimum", INT32[0])
            schema.setdefault("maximum", INT32[1])
            schema.setdefault("format", "int32" if schema["maximum"] <= INT32[1] else "int64")
        case "number":
            schema.setdefault("minimum", -LARGEST_NUMBER)
            schema.setdefault("maximum", LARGEST_NUMBER)
            schema.setdefault("format", "double")
        case "array":
            schema.setdefault(
                "maxItems", len(schema["prefixItems"]) if "prefixItems" in schema else MOST_ITEMS
            )
        case "object" if "properties" not in schema:
            schema.setdefault("maxProperties", MOST_PROPERTIES)


def _default(schema: Schema, shape: Schema) -> None:
    for key, value in shape.items():
        schema.setdefault(key, value)


def unbounded(schema: Any, where: str = "") -> list[str]:
    """The places of a schema that have no bound; for the test that asks for one everywhere."""
    if isinstance(schema, list):
        return [found for place, one in enumerate(schema) for found in unbounded(one, f"{where}/{place}")]
    if not isinstance(schema, dict):
        return []
    missing = []
    kind = schema.get("type")
    if "enum" not in schema and "const" not in schema:
        needed: tuple[str, ...] = {"string": ("maxLength",), "array": ("maxItems",)}.get(str(kind), ())
        if kind in ("integer", "number"):
            needed = ("minimum", "maximum")
        if kind == "object" and "properties" not in schema:
            needed = ("maxProperties",)
        missing = [f"{where}: {key}" for key in needed if key not in schema]
    for key, inner in schema.items():
        if key in ("properties", "$defs"):
            for name, one in inner.items():
                missing += unbounded(one, f"{where}/{key}/{name}")
        elif key in ("anyOf", "oneOf", "allOf", "prefixItems", "items", "additionalProperties"):
            missing += unbounded(inner, f"{where}/{key}")
    return missing
