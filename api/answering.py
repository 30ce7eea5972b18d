"""Any exception as an answer: one place decides status, code and what may be said."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from api import errors, redaction
from api.errors import HttpError
from auth.tokens import Unauthenticated
from domain.errors import DomainError

log = structlog.get_logger("kaejon")


def answer_error(error: Exception, *, path: str, request_id: str, base: str) -> Response:
    """Any exception as an RFC 9457 answer; what nobody expected is logged by its type alone, and is a 500."""
    status, code, detail, faults, headers, extra = described(error, path=path, request_id=request_id)
    return errors.problem(
        status,
        code,
        detail,
        base=base,
        instance=path,
        trace_id=request_id,
        faults=faults,
        headers=headers,
        extra=extra,
    )


def described(
    error: Exception, *, path: str, request_id: str
) -> tuple[int, str, str, Sequence[Any], Mapping[str, str], Mapping[str, Any]]:
    """Status, code, detail, faults, headers and further members of an error."""
    match error:
        case DomainError():
            return (
                errors.status_of(error), error.error_code, error.detail, error.faults,
                errors.headers_of(error), error.extra,
            )  # fmt: skip
        case HttpError():
            return error.status, error.code, error.detail, error.faults, error.headers, error.extra
        case HTTPException():
            # The framework's own: a method that a plain route does not know.
            code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "bad-request")
            return error.status_code, code, "This path does not know the method.", (), error.headers or {}, {}
        case Unauthenticated():
            challenge = f'Bearer error="{error.error}", error_description="The token is not valid here."'
            detail = "Send a valid token of /oauth/token as Authorization: Bearer."
            return 401, "unauthenticated", detail, (), {"WWW-Authenticate": challenge}, {}
        case ClientDisconnect():
            return 408, "request-timeout", "The body did not arrive.", (), {}, {}
    unavailable = errors.unavailable(error)
    if unavailable is not None:
        return 503, "unavailable", unavailable, (), {"Retry-After": "2"}, {}
    # The type and where it was raised, never its text: a database's messages quote values.
    log.error("unexpected", path=redaction.path(path), request_id=request_id, **errors.where_raised(error))
    return 500, "internal-error", "Something broke here; the trace_id names it in our logs.", (), {}, {}
