"""RFC 9457 answers: one table from the families of errors to statuses, one shape for all of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from api import redaction
from domain.access.policy import InsufficientScope
from domain.errors import (
    Conflict,
    DomainError,
    Fault,
    Forbidden,
    Invalid,
    NotFound,
    VersionMismatch,
)
from domain.exchange.changes import CursorExpired
from domain.exchange.export import ExportExpired

MEDIA_TYPE = "application/problem+json"
CODES_PATH = "/errors"
"""`type` is a page of this service: `/errors/{code}`."""

STATUSES: Sequence[tuple[type[DomainError], int]] = (
    (NotFound, 404),
    (VersionMismatch, 412),
    (Conflict, 409),
    (CursorExpired, 410),
    (ExportExpired, 410),
    (Forbidden, 403),
    (Invalid, 422),
)
TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "Request timeout",
    409: "Conflict",
    410: "Gone",
    412: "Precondition failed",
    413: "Content too large",
    414: "URI too long",
    415: "Unsupported media type",
    422: "Invalid input",
    428: "Precondition required",
    431: "Header fields too large",
    429: "Too many requests",
    500: "Internal error",
    503: "Unavailable",
}


class HttpError(Exception):
    """A fault of the exchange itself, which the domain does not know."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        faults: Sequence[Fault] = (),
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.faults = status, code, detail, tuple(faults)
        self.headers, self.extra = dict(headers or {}), extra


def status_of(error: DomainError) -> int:
    return next((status for family, status in STATUSES if isinstance(error, family)), 500)


def headers_of(error: DomainError) -> dict[str, str]:
    """RFC 6750: a missing scope is named in WWW-Authenticate as well."""
    if isinstance(error, InsufficientScope):
        scope = error.extra["scope"]
        return {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}
    return {}


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    base: str,
    instance: str,
    trace_id: str,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """The answer; `instance` is the path alone, because a query may hold what must not be repeated."""
    body: dict[str, Any] = {
        "type": f"{base}{CODES_PATH}/{code}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "instance": redaction.path(instance),
        "code": code,
        "errors": [fault.as_dict() for fault in faults],
        "trace_id": trace_id,
        **(extra or {}),
    }
    kept = {"Vary": "Authorization, X-Purpose", **(headers or {}), "Cache-Control": "no-store"}
    return Response(orjson.dumps(body), status, kept, media_type=MEDIA_TYPE)


def unavailable(error: BaseException) -> str | None:
    """What to say when the database cannot answer now, by the names of the errors that mean so."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & _UNREACHABLE:
        return "The database cannot be reached at the moment; try again."
    if names & _OVERLOADED:
        return "The service is at its limit at the moment; try again."
    return None


# By name, because the doors do not import persistence or its driver.
_UNREACHABLE = {
    "PostgresConnectionError",
    "ConnectionDoesNotExistError",
    "CannotConnectNowError",
    "AdminShutdownError",
    "CrashShutdownError",
    "OperatorInterventionError",
    "InvalidAuthorizationSpecificationError",
    "InterfaceError",
    "InternalClientError",
    "ConnectionError",
    "OSError",
}
_OVERLOADED = {
    "Busy",
    "TimeoutError",
    "TooManyConnectionsError",
    "InsufficientResourcesError",
    "QueryCanceledError",
    "LockNotAvailableError",
    "DeadlockDetectedError",
    "SerializationError",
}


def where_raised(error: BaseException) -> dict[str, Any]:
    """The type of an unexpected error and the line it came from; never its text, which may quote values."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = "" if frame is None else f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}"
    return {"error_type": type(error).__name__, "raised_at": place}
