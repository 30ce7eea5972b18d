"""Path, query and header parameters of an operation."""

from collections.abc import Sequence
from typing import Any

from api.contract.examples import uuid_example
from api.contract.limits import Schema
from api.contract.schemas import Schemas
from api.contract.vocabulary import PATH_SHAPES
from api.rest.call import Listed
from api.rest.operations import Operation

LISTED: dict[str, Schema] = {
    "limit": {
        "description": "Items a page.",
        "schema": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 200, "default": 50},
    },
    "cursor": {
        "description": "`next_cursor` of the page before.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]*$", "maxLength": 400},
    },
    "count": {
        "description": "Adds `total`.",
        "schema": {"type": "string", "enum": ["exact", "estimated"]},
    },
    "sort": {
        "description": "The order; the operation's description names those it knows.",
        "schema": {"type": "string", "pattern": "^-?[a-z_]+$", "maxLength": 40},
    },
}
"""What `Call.paging` holds every list to."""
_TAG = {"type": "string", "maxLength": 200}
PURPOSE: Schema = {
    "description": "Why personal data is read: a code of /v1/codes/purposes. Needed with `persons:pii`; it is recorded.",
    "schema": {"type": "string", "pattern": "^[a-z_]+$", "maxLength": 64},
    "example": "casework",
}
HEADERS: dict[str, Schema] = {
    "Purpose": {"name": "X-Purpose", "in": "header", **PURPOSE},
    "IfMatch": {
        "name": "If-Match", "in": "header", "required": True, "schema": _TAG, "example": '"1"',
        "description": "The ETag of the version that the change was made from.",
    },
    "IfNoneMatch": {
        "name": "If-None-Match", "in": "header", "schema": _TAG, "example": '"1"',
        "description": "ETags the caller has; 304 if one is still right.",
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key", "in": "header", "example": "0199b2c4-7c00-7000-8000-0000000000ff",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "description": "Makes a repetition of this very request answer as the first one did; kept 7 days.",
    },
}  # fmt: skip
"""`components.parameters`."""


def parameters_of(operation: Operation, names: Sequence[str], schemas: Schemas) -> list[Schema]:
    """In the order path, query, header."""
    found = [path_parameter(name) for name in names]
    if operation.query is not None:
        listed = LISTED if issubclass(operation.query, Listed) else {}
        schema = schemas.queries[operation.query]
        required = schema.get("required", ())
        for name, one in schema.get("properties", {}).items():
            found.append(_query_parameter(name, one, listed.get(name), needed=name in required))
    return [*found, *({"$ref": f"#/components/parameters/{name}"} for name in _headers(operation))]


EXAMPLES = {
    "list": "purposes",
    "kind": "thaiqm",
    "code": "420101",
    "indicator_id": "bmn-38-6",
    "external_id": "HDC-2026-000123",
    "part": 1,
}


def path_parameter(name: str) -> Schema:
    schema = PATH_SHAPES.get(name) or {"type": "string", "format": "uuid", "maxLength": 36}
    example = uuid_example(name) if schema.get("format") == "uuid" else EXAMPLES.get(name, "42-0001")
    return {"name": name, "in": "path", "required": True, "schema": schema, "example": example}


def _query_parameter(name: str, schema: Schema, listed: Schema | None, *, needed: bool) -> Schema:
    found: Schema = {"name": name, "in": "query"}
    if needed:
        found["required"] = True
    if listed is not None:
        default = schema.get("default")
        own = {**listed["schema"], **({"default": default} if default is not None else {})}
        return {**found, **listed, "schema": own}
    shape = _without_null({key: value for key, value in schema.items() if key != "description"})
    if "description" in schema:
        found["description"] = schema["description"]
    found["schema"] = shape
    return found


def _without_null(schema: Schema) -> dict[str, Any]:
    """A parameter that is not given is absent: there is no null, nor an empty default, in a query."""
    kept = {key: value for key, value in schema.items() if key != "default" or value not in (None, [], "")}
    options = [one for one in kept.get("anyOf", ()) if one != {"type": "null"}]
    if len(options) == 1:
        del kept["anyOf"]
        return {**options[0], **kept}
    return kept


def _headers(operation: Operation) -> list[str]:
    found = []
    if operation.policy is not None and operation.policy.personal:
        found.append("Purpose")
    if operation.method == "PATCH":
        found.append("IfMatch")
    answer = operation.answer
    if (
        operation.method == "GET"
        and not operation.many
        and answer is not None
        and "version" in answer.model_fields
    ):
        found.append("IfNoneMatch")
    if operation.method == "POST" and operation.keyed and operation.policy is not None:
        found.append("IdempotencyKey")
    return found
