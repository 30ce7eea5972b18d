"""The operations that are not in the table: those of operations, and the one path of GraphQL."""

from dataclasses import dataclass, field
from typing import Any

from api.contract.limits import Schema
from api.contract.parameters import path_parameter
from api.contract.responses import error, header

JSON, HTML = "application/json", "text/html"


def _text(most: int) -> Schema:
    return {"type": "string", "maxLength": most}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties}


_ANYTHING: Schema = {"type": "object", "maxProperties": 200}
_EXPLAINED = _object(
    type=_text(500),
    code=_text(64),
    status={
        "anyOf": [{"type": "integer", "format": "int32", "minimum": 400, "maximum": 599}, {"type": "null"}]
    },
    title={"anyOf": [_text(100), {"type": "null"}]},
    meaning={"anyOf": [_text(1000), {"type": "null"}]},
    remedy={"anyOf": [_text(1000), {"type": "null"}]},
    fault={"anyOf": [_text(1000), {"type": "null"}]},
)
_EXPLANATION: Schema = {
    "type": "/errors/not-found", "code": "not-found", "status": 404, "title": "Not found",
    "meaning": "There is no such thing, or it is not yours to see; the two answer alike.",
    "remedy": "Check the id, your areas and your scopes.", "fault": None,
}  # fmt: skip
_FAULTS: Schema = {"type": "object", "maxProperties": 500, "additionalProperties": _text(1000)}
_GRAPHQL_BODY: Schema = {
    "type": "object",
    "required": ["query"],
    "additionalProperties": False,
    "properties": {
        "query": _text(100_000),
        "operationName": {"anyOf": [_text(200), {"type": "null"}]},
        "variables": {"anyOf": [_ANYTHING, {"type": "null"}]},
        "extensions": {"anyOf": [_ANYTHING, {"type": "null"}]},
    },
}
_GRAPHQL_ANSWER: Schema = {
    "type": "object",
    "properties": {
        "data": {"anyOf": [_ANYTHING, {"type": "null"}]},
        "errors": {"type": "array", "maxItems": 1000, "items": _ANYTHING},
        "extensions": _ANYTHING,
    },
}
_QUERY = "query Page($after: String) { households(first: 50, after: $after) { edges { node { id } } } }"


@dataclass(frozen=True, slots=True)
class Page:
    """One public GET: `content` is (schema, example) by media type."""

    path: str
    id: str
    summary: str
    content: dict[str, tuple[Schema, Any]]
    errors: tuple[int, ...] = (503,)
    parameters: list[Schema] = field(default_factory=list)


PAGES = (
    Page("/healthz", "getHealth", "Is the process alive?", {JSON: (_object(status=_text(10)), {"status": "ok"})}),
    Page(
        "/readyz", "getReadiness", "Can the service do its work?",
        {JSON: (_object(status=_text(10)), {"status": "ready"})},
    ),
    Page(
        "/metrics", "getMetrics", "Metrics for Prometheus",
        {"text/plain": (_text(10_000_000), 'kaejon_http_requests_total{method="GET"} 1.0')},
    ),
    Page(
        "/openapi.json", "getOpenApi", "This document",
        {JSON: (_object(openapi=_text(10)), {"openapi": "3.1.0"})},
    ),
    Page(
        "/schema.graphql", "getGraphqlSchema", "The GraphQL schema",
        {"text/plain": (_text(10_000_000), "type Query { household(id: ID!): Household }")},
    ),
    Page(
        "/errors", "listErrors", "The codes of errors",
        {
            HTML: (_text(1_000_000), "<!doctype html>"),
            JSON: (
                _object(items={"type": "array", "maxItems": 500, "items": _EXPLAINED}, faults=_FAULTS),
                {"items": [_EXPLANATION], "faults": {"required": "A field that is needed is missing."}},
            ),
        },
    ),
    Page(
        "/errors/{code}", "getError", "What a code means, and what to do",
        {HTML: (_text(1_000_000), "<!doctype html>"), JSON: (_EXPLAINED, _EXPLANATION)},
        errors=(404, 503), parameters=[{**path_parameter("code"), "example": "not-found"}],
    ),
)  # fmt: skip


def public_paths() -> dict[str, Schema]:
    """Path items by path."""
    return {page.path: {"get": _described(page)} for page in PAGES} | {"/graphql": {"post": _graphql()}}


def _described(page: Page) -> Schema:
    content = {
        media: {"schema": schema, "example": example} for media, (schema, example) in page.content.items()
    }
    success = {
        "description": page.summary.rstrip("?") + ".",
        "headers": {"X-Request-Id": header("RequestId")},
        "content": content,
    }
    found: Schema = {
        "operationId": page.id,
        "tags": ["operations"],
        "summary": page.summary,
        "description": page.summary + ("" if page.summary.endswith("?") else "."),
        "security": [],
    }
    if page.parameters:
        found["parameters"] = page.parameters
    statuses = sorted({*page.errors, 500})
    found["responses"] = {"200": success, **{str(status): error(status) for status in statuses}}
    return found


def _graphql() -> Schema:
    answer = {"data": {"households": {"edges": []}}, "extensions": {"cost": {"total": 51}}}
    content = {
        media: {"schema": _GRAPHQL_ANSWER, "example": answer}
        for media in ("application/graphql-response+json", JSON)
    }
    statuses = (401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503)
    return {
        "operationId": "graphql",
        "tags": ["graphql"],
        "summary": "Run a GraphQL operation",
        "description": "GraphQL over HTTP. The schema is schema.graphql; each field asks for the scopes that its REST "
        "counterpart asks for, and an error carries the same code in `extensions.code`. In a browser, GET answers GraphiQL.\n\n"
        "An `Idempotency-Key` stands for one mutation with one field, which may stand in a fragment: the same document and "
        "variables under it are answered as they were at first, and masked; anything else under a key is refused with a "
        "status of its own. Documents are compared as they are parsed: a value that was a literal and is a variable now "
        "makes another request. A field that @skip or @include leaves out writes nothing, and its key stays free.",
        "security": [{"oauth2": []}, {"bearer": []}],
        "parameters": [
            {"$ref": f"#/components/parameters/{name}"} for name in ("Purpose", "IdempotencyKey")
        ],
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": _GRAPHQL_BODY, "example": {"query": _QUERY, "variables": {"after": None}}}},
        },
        "responses": {
            "200": {
                "description": "The result; errors of single fields stand beside the data.",
                "headers": {
                    "X-Request-Id": header("RequestId"), "Idempotency-Replayed": header("Replayed"),
                },
                "content": content,
            },
            "400": {
                "description": "The request is no GraphQL request, or is refused as a whole.",
                "headers": {"X-Request-Id": header("RequestId")},
                "content": content,
            },
            **{str(status): error(status) for status in statuses},
        },
    }  # fmt: skip
