"""What every operation may answer beside its success: headers, and the one shape of errors."""

from typing import Any

from api.contract.limits import Schema
from api.contract.schemas import ref
from api.errors import CODES_PATH, MEDIA_TYPE, TITLES
from api.operations.catalogue import PROBLEMS

PROBLEM = "ProblemDetails"
CODES = {
    400: "invalid-request",
    401: "unauthenticated",
    403: "insufficient-scope",
    404: "not-found",
    405: "method-not-allowed",
    408: "request-timeout",
    409: "conflict",
    410: "cursor-expired",
    412: "version-mismatch",
    413: "content-too-large",
    414: "uri-too-long",
    415: "unsupported-media-type",
    422: "invalid-input",
    428: "precondition-required",
    429: "rate-limited",
    500: "internal-error",
    503: "unavailable",
}
"""The code that stands in the example of each status."""
REQUEST_ID = "0199b2c4-7c00-7000-8000-0000000000aa"
_RETRIED, _RATED = (429, 503), (429,)


def _text(description: str, most: int, example: str, **more: Any) -> Schema:
    schema = {"type": "string", "maxLength": most, **more}
    return {"description": description, "schema": schema, "example": example}


HEADERS: dict[str, Schema] = {
    "RequestId": _text("Names the request in the logs; the caller's own X-Request-Id where it sent one.", 64, REQUEST_ID),
    "ETag": _text("The version, to be sent as If-Match or If-None-Match.", 20, '"1"'),
    "Location": _text("Where the new resource is.", 300, "/v1/households/0199b2c4-7c00-7000-8000-000000000001"),
    "Link": _text('The next page, as rel="next"; absent on the last one.', 8192, '</v1/households?cursor=…>; rel="next"'),
    "Replayed": _text("`true`: the stored answer to an earlier request with this Idempotency-Key.", 4, "true", enum=["true"]),
    "RetryAfter": {
        "description": "Seconds to wait.",
        "schema": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 86400},
        "example": 2,
    },
    "RateLimit": _text("What is left of its limits (IETF draft ratelimit-headers).", 200, '"read";r=59999;t=30'),
    "RateLimitPolicy": _text("Requests in windows of seconds (IETF draft ratelimit-headers).", 200, '"read";q=600000;w=60'),
    "WwwAuthenticate": _text("RFC 6750: what is wrong with the token.", 1000, 'Bearer error="invalid_token"'),
    "Allow": _text("The methods of the path.", 100, "GET, HEAD, PATCH"),
}  # fmt: skip


def header(name: str) -> Schema:
    return {"$ref": f"#/components/headers/{name}"}


def problem_schema() -> Schema:
    """RFC 9457, with our members."""
    line = {"type": "string", "maxLength": 1000}
    code = {"type": "string", "pattern": "^[a-z]+(-[a-z]+)*$", "maxLength": 64}
    fault = {
        "type": "object",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": {
                **line,
                "description": "A JSON Pointer into the body, or query/…, header/…, or row/… of a file.",
            },
            "code": code,
            "detail": line,
        },
    }
    properties = {
        "type": {"type": "string", "format": "uri-reference", "maxLength": 500, "description": "A page about the code."},
        "title": line,
        "status": {"type": "integer", "format": "int32", "minimum": 400, "maximum": 599},
        "detail": {**line, "description": "What is wrong, and what to do."},
        "instance": {"type": "string", "maxLength": 8192, "description": "The path asked for."},
        "code": {**code, "description": "Stable; see /errors."},
        "errors": {"type": "array", "maxItems": 1000, "items": fault, "description": "One entry for each fault."},
        "trace_id": {"type": "string", "maxLength": 64, "description": "The X-Request-Id."},
        "allowed": {
            "type": "array", "maxItems": 50, "items": {"type": "string", "maxLength": 64},
            "description": "With illegal-transition: the states this caller may move to.",
        },
        "scope": {"type": "string", "maxLength": 500, "description": "With insufficient-scope: any of these is missing."},
    }  # fmt: skip
    required = ["type", "title", "status", "detail", "instance", "code", "errors", "trace_id"]
    return {
        "type": "object",
        "description": "An error (RFC 9457).",
        "required": required,
        "properties": properties,
    }


def response_name(status: int) -> str:
    return "".join(word.capitalize() for word in TITLES[status].replace("URI", "Uri").split())


def error_responses() -> dict[str, Schema]:
    """The shared error answers of `components.responses`."""
    return {response_name(status): _error(status, code) for status, code in CODES.items() if status != 400}


def error(status: int) -> Schema:
    return {"$ref": f"#/components/responses/{response_name(status)}"}


def _error(status: int, code: str) -> Schema:
    headers = {"X-Request-Id": header("RequestId")}
    if status == 401:
        headers["WWW-Authenticate"] = header("WwwAuthenticate")
    if status == 405:
        headers["Allow"] = header("Allow")
    if status in _RETRIED:
        headers["Retry-After"] = header("RetryAfter")
    if status in _RATED:
        headers |= {"RateLimit": header("RateLimit"), "RateLimit-Policy": header("RateLimitPolicy")}
    codes = sorted(one for one, known in PROBLEMS.items() if known.status == status)
    return {
        "description": f"{TITLES[status]}: {', '.join(f'`{one}`' for one in codes)}.",
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": ref(PROBLEM), "example": _example(status, code)}},
    }


def _example(status: int, code: str) -> Schema:
    faults = []
    if status == 422:
        faults = [{"pointer": "/provided_on", "code": "future-date", "detail": "The date is in the future."}]
    return {
        "type": f"{CODES_PATH}/{code}",
        "title": TITLES[status],
        "status": status,
        "detail": PROBLEMS[code].meaning,
        "instance": "/v1/assistance-events",
        "code": code,
        "errors": faults,
        "trace_id": REQUEST_ID,
        **({"scope": "assistance:write"} if code == "insufficient-scope" else {}),
    }
