"""Examples made from the schemas: a property's own value where one is known, else the plainest that fits."""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.contract.bodies import BODIES
from api.contract.limits import Schema
from api.contract.schemas import PREFIX
from api.contract.values import SAMPLES, VALUES

FORMATS = {"date": "2026-01-15", "date-time": "2026-01-15T02:30:00Z", "uri": "urn:example:1"}
_UNKNOWN: Any = object()
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "number": (int, float), "array": list, "boolean": bool
}  # fmt: skip


def uuid_example(name: str) -> str:
    """The same id wherever the same property stands."""
    name = "household_id" if name == "id" else name
    return f"0199b2c4-7c00-7000-8000-{zlib.crc32(name.encode()):012x}"


def answer_example(name: str, components: Mapping[str, Schema]) -> Any:
    """Of an answer: every property, apart from those that come on demand."""
    return _Maker(components, whole=True).of({"$ref": PREFIX + name}, "", "")


def body_example(name: str, components: Mapping[str, Schema]) -> Any:
    """Of a body: written by hand where rules go beyond the schema, else the properties that are required."""
    return _Maker(components, whole=False).of({"$ref": PREFIX + name}, "", "")


@dataclass(frozen=True, slots=True)
class _Maker:
    components: Mapping[str, Schema]
    whole: bool
    """Optional properties as well."""

    def of(self, schema: Schema, name: str, owner: str) -> Any:
        """`name` is the property and `owner` the component that it stands in."""
        if "$ref" in schema:
            target = schema["$ref"].removeprefix(PREFIX)
            if not self.whole and target in BODIES:
                return BODIES[target]
            is_object = self.components[target].get("type") == "object"
            return self.of(self.components[target], name, target if is_object else owner)
        known = self._known(schema, name, owner)
        if known is not _UNKNOWN:
            return known
        if options := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
            if _value(name, owner) is None and {"type": "null"} in options:
                return None
            return self.of(options[0], name, owner)
        match schema.get("type"):
            case "object" if "properties" in schema:
                return self._object(schema, owner)
            case "array" if "items" in schema and schema.get("maxItems") != 0:
                return [self.of(schema["items"], name, owner)] * max(1, schema.get("minItems", 0))
            case "array":
                return []
            case kind:
                return _scalar(str(kind), schema, name)

    def _known(self, schema: Schema, name: str, owner: str) -> Any:
        """The value of the property, where the schema is of its kind."""
        if "const" in schema:
            return schema["const"]
        given = _value(name, owner)
        if "enum" in schema:
            return given if given in schema["enum"] else schema["enum"][0]
        wanted = _KINDS.get(str(schema.get("type")))
        fits = wanted is not None and isinstance(given, wanted) and not isinstance(given, bool)
        return given if fits and schema.get("format") not in ("uuid", "date-time") else _UNKNOWN

    def _object(self, schema: Schema, owner: str) -> dict[str, Any]:
        required = schema.get("required", ())
        return {
            name: self.of(one, name, owner)
            for name, one in schema["properties"].items()
            if name in required
            or (self.whole and not str(one.get("description", "")).startswith("With `include="))
        }


def _value(name: str, owner: str) -> Any:
    return VALUES.get(f"{owner}.{name}", VALUES.get(name, _UNKNOWN))


def _scalar(kind: str, schema: Schema, name: str) -> Any:
    match kind:
        case "string" if schema.get("format") == "uuid":
            return uuid_example(name)
        case "string" if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]]
        case "string":
            text = next((one for one in SAMPLES if re.search(schema.get("pattern", ""), one)), SAMPLES[0])
            return text[: schema["maxLength"]] if "maxLength" in schema else text
        case "integer" | "number":
            return max(schema.get("minimum", 0), min(1, schema.get("maximum", 1)))
        case "boolean":
            return False
        case "object":
            return {}
    return None
