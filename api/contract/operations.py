"""One operation of the table as the document describes it."""

import re
from typing import Any

from pydantic import BaseModel

from api.contract.examples import answer_example, body_example
from api.contract.limits import MOST_ITEMS, Schema, limit
from api.contract.parameters import parameters_of
from api.contract.responses import error, error_responses, header, response_name
from api.contract.schemas import Schemas, ref
from api.contract.vocabulary import ALSO_ANSWERS, BARE_LISTS, FILES, TELLS_WITH_ERROR
from api.errors import CODES_PATH, MEDIA_TYPE
from api.operations.catalogue import PROBLEMS
from api.rest.operations import Operation

JSON = "application/json"
OAUTH_ERROR = "OAuthError"
_PATH = re.compile(r"\{(\w+)(?::\w+)?\}")


def document_path(path: str) -> str:
    """`{name:path}` of the router is `{name}` of the document."""
    return _PATH.sub(r"{\1}", path)


def path_names(path: str) -> list[str]:
    return _PATH.findall(path)


def page_name(answer: str) -> str:
    return f"{answer}Page"


def page_schema(answer: str) -> Schema:
    """A list; `total` stands there with `count` only."""
    cursor = {
        "type": "string",
        "maxLength": 400,
        "description": "For `cursor` of the next request; null at the end.",
    }
    items = {"type": "array", "maxItems": MOST_ITEMS, "items": ref(answer)}
    return {
        "type": "object",
        "description": f"A page of a list of {answer}.",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": items,
            "next_cursor": {"anyOf": [cursor, {"type": "null"}]},
            "total": limit({"type": "integer", "minimum": 0}),
        },
    }


def described(operation: Operation, tag: str, schemas: Schemas) -> Schema:
    """The operation object."""
    found: Schema = {
        "operationId": operation.id,
        "tags": [tag],
        "summary": operation.summary,
        "description": _description(operation),
        "security": security(operation),
        "parameters": parameters_of(operation, path_names(operation.path), schemas),
    }
    if not found["parameters"]:
        del found["parameters"]
    if operation.body is not None:
        found["requestBody"] = _body(operation, operation.body, schemas)
    if operation.file:
        found["requestBody"] = _FILE_BODY
    found["responses"] = {str(status): one for status, one in sorted(_responses(operation, schemas).items())}
    return found


def security(operation: Operation) -> list[Schema]:
    """Any one of the scopes suffices; none asked for: any token. A client at the token endpoint is no token's."""
    if operation.policy is None:
        return [{"client": []}, {}] if operation.path.startswith("/oauth/") else []
    alternatives = [[str(scope)] for scope in operation.policy.scopes] or [[]]
    return [{scheme: scopes} for scheme in ("oauth2", "bearer") for scopes in alternatives]


def _description(operation: Operation) -> str:
    parts = [operation.description or operation.summary + "."]
    if operation.query is not None and operation.query.__doc__ and operation.many:
        parts.append(operation.query.__doc__.strip())
    if operation.policy is not None and operation.policy.personal:
        parts.append("Personal data is masked without `persons:pii`; with it, `X-Purpose` is needed.")
    return "\n\n".join(parts)


def _body(operation: Operation, model: type[BaseModel], schemas: Schemas) -> Schema:
    name = schemas.bodies[model]
    example = operation.example if operation.example is not None else body_example(name, schemas.components)
    content = {"schema": ref(name), "example": example}
    return {"required": name != "SecretRotation", "content": dict.fromkeys(operation.media, content)}


def _responses(operation: Operation, schemas: Schemas) -> dict[int, Schema]:
    found: dict[int, Schema] = {}
    if operation.status < 400:
        found[operation.status] = _success(operation, operation.summary + ".", schemas)
        for status, description in ALSO_ANSWERS.get(operation.id, {}).items():
            found[status] = _success(operation, description, schemas)
        if versioned(operation) and operation.method == "GET":
            headers = {"X-Request-Id": header("RequestId"), "ETag": header("ETag")}
            found[304] = {"description": "The caller has this version already.", "headers": headers}
    if operation.policy is not None and "{household_id}" in operation.path:
        headers = {"X-Request-Id": header("RequestId"), "Location": header("Location")}
        found[308] = {"description": "The household was merged: it is found there now.", "headers": headers}
    for status in sorted(_errors(operation)):
        found[status] = error(status)
    if operation.id in TELLS_WITH_ERROR and operation.answer is not None:
        status, code, told = TELLS_WITH_ERROR[operation.id]
        found[status] = _telling(status, code, told, schemas.answers[operation.answer], schemas)
    if operation.path.startswith("/oauth/"):
        found[400] = _oauth_error("The request is malformed (RFC 6749 §5.2).", "invalid_request")
        found[401] = _oauth_error("The client is unknown, or its secret is wrong.", "invalid_client")
    return found


def versioned(operation: Operation) -> bool:
    """The answer is one resource with a version, which its ETag names."""
    return operation.answer is not None and not operation.many and "version" in operation.answer.model_fields


def _errors(operation: Operation) -> set[int]:
    found = {408, 413} if operation.body is not None or operation.file else set()
    found |= {414, 422, 429, 500, 503, *operation.errors}
    if operation.policy is not None:
        found.add(401)
        if operation.policy.scopes or operation.policy.personal:
            found.add(403)
    if path_names(operation.path):
        found.add(404)
    if operation.body is not None or operation.file:
        found.add(415)
    if operation.method == "POST" and operation.keyed:
        found.add(409)
    return found


def _success(operation: Operation, description: str, schemas: Schemas) -> Schema:
    headers: Schema = {"X-Request-Id": header("RequestId")}
    if operation.policy is not None:
        headers |= {"RateLimit": header("RateLimit"), "RateLimit-Policy": header("RateLimitPolicy")}
    if versioned(operation):
        headers["ETag"] = header("ETag")
    if operation.status in (201, 202):
        headers["Location"] = header("Location")
    if operation.many and operation.paged and operation.method == "GET":
        headers["Link"] = header("Link")
    if operation.method == "POST" and operation.keyed:
        headers["Idempotency-Replayed"] = header("Replayed")
    found: Schema = {"description": description, "headers": headers}
    if operation.answer is not None:
        found["content"] = {JSON: _content(schemas.answers[operation.answer], operation, schemas)}
    elif operation.id in FILES:
        headers["ETag"] = header("ETag")
        found["content"] = {media: {"schema": FILE, "example": ""} for media in FILES[operation.id]}
    elif operation.id in SPECIAL:
        media, schema, example = SPECIAL[operation.id]
        found["content"] = {media: {"schema": schema, "example": example}}
    return found


def _telling(status: int, code: str, told: str, name: str, schemas: Schemas) -> Schema:
    """An error that carries the members of the operation's answer as well, with one of its codes."""
    shared = error_responses()[response_name(status)]
    members = schemas.components[name]["properties"]
    content = shared["content"][MEDIA_TYPE]
    with_members = {"type": "object", "description": told, "properties": members}
    example = {
        **content["example"],
        "type": f"{CODES_PATH}/{code}",
        "code": code,
        "detail": PROBLEMS[code].meaning,
        **answer_example(name, schemas.components),
    }
    return {
        **shared,
        "description": f"{shared['description']} {told}",
        "content": {MEDIA_TYPE: {"schema": {"allOf": [content["schema"], with_members]}, "example": example}},
    }


def _content(name: str, operation: Operation, schemas: Schemas) -> Schema:
    example = answer_example(name, schemas.components)
    if operation.id in BARE_LISTS:
        return {"schema": {"type": "array", "maxItems": MOST_ITEMS, "items": ref(name)}, "example": [example]}
    if operation.many:
        return {"schema": ref(page_name(name)), "example": {"items": [example], "next_cursor": None}}
    return {"schema": ref(name), "example": example}


def _oauth_error(description: str, code: str) -> Schema:
    example = {"error": code, "error_description": description}
    headers = {"X-Request-Id": header("RequestId")}
    return {
        "description": description,
        "headers": headers,
        "content": {JSON: {"schema": ref(OAUTH_ERROR), "example": example}},
    }


def oauth_error_schema() -> Schema:
    line = {"type": "string", "maxLength": 1000}
    return {
        "type": "object",
        "description": "An error of the token endpoint (RFC 6749 §5.2).",
        "required": ["error"],
        "properties": {"error": {"type": "string", "maxLength": 64}, "error_description": line},
    }


_URL = {"type": "string", "format": "uri", "maxLength": 2000}
_WORDS = {"type": "array", "maxItems": 100, "items": {"type": "string", "maxLength": 64}}
_JWK = {
    "type": "object",
    "required": ["kty", "kid"],
    "properties": {
        name: {"type": "string", "maxLength": 100} for name in ("kty", "crv", "x", "y", "kid", "use", "alg")
    },
}
_METADATA: Schema = {
    "type": "object",
    "required": ["issuer", "token_endpoint", "jwks_uri", "response_types_supported"],
    "properties": {
        "issuer": _URL,
        "token_endpoint": _URL,
        "revocation_endpoint": _URL,
        "jwks_uri": _URL,
        "service_documentation": _URL,
        "scopes_supported": _WORDS,
        "response_types_supported": _WORDS,
        "grant_types_supported": _WORDS,
        "token_endpoint_auth_methods_supported": _WORDS,
        "revocation_endpoint_auth_methods_supported": _WORDS,
    },
}
_HOST = "https://kaejon.example"
_OF_A_FORM: Schema = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "contentEncoding": "binary", "maxLength": 2**53 - 1}},
}
_FILE_BODY: Schema = {
    "required": True,
    "description": "The file itself, or a form with the part `file`; what it is, `format` says.",
    "content": {
        **{
            media: {
                "schema": {"type": "string", "contentEncoding": "binary", "maxLength": 2**53 - 1},
                "example": "record_id,citizen_id,area_code,first_name",
            }
            for media in ("text/csv", "application/x-ndjson", "application/octet-stream")
        },
        "multipart/form-data": {"schema": _OF_A_FORM, "example": {"file": "record_id,citizen_id"}},
    },
}
FILE: Schema = {"type": "string", "contentEncoding": "binary", "maxLength": 2**53 - 1}
SPECIAL: dict[str, tuple[str, Schema, Any]] = {
    "getJwks": (
        "application/jwk-set+json",
        {"type": "object", "required": ["keys"], "properties": {"keys": {"type": "array", "maxItems": 20, "items": _JWK}}},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "f83OJ3D2", "y": "x_FEzRu9", "kid": "1", "use": "sig", "alg": "ES256"}]},
    ),
    "getAuthorizationServerMetadata": (
        JSON,
        _METADATA,
        {
            "issuer": _HOST,
            "token_endpoint": f"{_HOST}/oauth/token",
            "jwks_uri": f"{_HOST}/.well-known/jwks.json",
            "response_types_supported": [],
            "grant_types_supported": ["client_credentials"],
        },
    ),
}  # fmt: skip
"""Answers that standards define, not our models: media type, schema, example."""
