"""The outermost layer: request ids, body limits and deadlines, security headers, a log line, metrics.

One ASGI middleware instead of six: each layer costs a hot read some microseconds.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import redaction
from api.addresses import Callers
from api.answering import answer_error
from api.errors import HttpError
from api.limits.headers import limit_headers

BODY_DEADLINE_S = 30.0
LARGEST_BODY = 1_048_576
LONGEST_URL = 8_192
SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
_NO_STORE = (b"cache-control", b"no-store")
"""Of every answer that does not say otherwise itself: what is public says so."""
_HSTS = (b"strict-transport-security", b"max-age=31536000")
_NAMES = {name for name, _ in SECURITY} | {_NO_STORE[0]}


class Meter(Protocol):
    """What the edge counts with."""

    begun: Callable[[], None]
    ended: Callable[[], None]

    def observe(self, method: str, operation: str, status: int, seconds: float) -> None: ...


LogLine = Callable[[dict[str, Any]], None]


class Edge:
    """Wraps the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        request_ids: Callable[[], str],
        metrics: Meter,
        log_line: LogLine,
        base: str,
        most: int = 1000,
        callers: Callers | None = None,
        body_deadline_s: float = BODY_DEADLINE_S,
    ) -> None:
        """`most` requests under way at once; `base` is the public URL, and https there means HSTS."""
        self._under_way, self._most, self._body_deadline_s = 0, most, body_deadline_s
        self._callers = callers or Callers()
        self._always = [*SECURITY, _NO_STORE]
        self._hsts = base.startswith("https://")
        self._app, self._next_id, self._metrics, self._log, self._base = (
            app,
            request_ids,
            metrics,
            log_line,
            base,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        self._under_way += 1
        request_id = scope["request_id"] = self._request_id(scope)
        id_header = (b"x-request-id", request_id.encode())
        scope["remote"] = self._callers.address_of(scope)
        status = 0
        self._metrics.begun()

        async def answered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = list(message["headers"])
                own = {name for name, _ in headers} & _NAMES
                always = self._always
                headers.extend(always if not own else [one for one in always if one[0] not in own])
                headers.append(id_header)
                if self._hsts and not self._callers.came_by_http(scope):
                    headers.append(_HSTS)
                if "rate_limits" in scope:
                    headers.extend(limit_headers(list(scope["rate_limits"].values())))
            await send(message)

        try:
            if self._under_way > self._most:
                raise HttpError(
                    503,
                    "unavailable",
                    "Too many requests are under way; try again.",
                    headers={"Retry-After": "1"},
                )
            if len(scope["path"]) + len(scope["query_string"]) > LONGEST_URL:
                raise HttpError(414, "uri-too-long", f"A URL has at most {LONGEST_URL} characters.")
            await self._app(scope, _limited(scope, receive, self._body_deadline_s), answered)
        except Exception as error:
            if status:
                raise
            response = answer_error(error, path=scope["path"], request_id=request_id, base=self._base)
            await response(scope, receive, answered)
        finally:
            self._under_way -= 1
            self._finish(scope, status, time.perf_counter() - started)

    def _request_id(self, scope: Scope) -> str:
        for name, value in scope["headers"]:
            if name == b"x-request-id" and (given := redaction.request_id(value)) is not None:
                return given
        return self._next_id()

    def _finish(self, scope: Scope, status: int, seconds: float) -> None:
        operation = scope.get("operation", "unknown")
        self._metrics.ended()
        self._metrics.observe(scope["method"], operation, status, seconds)
        # The operation, not the path: nothing that a caller typed is logged.
        self._log(
            {
                "event": "request",
                "request_id": scope["request_id"],
                "method": scope["method"],
                "operation": operation,
                "status": status,
                "ms": round(seconds * 1000, 2),
                "client_id": scope.get("client_id"),
            }
        )


def _limited(scope: Scope, receive: Receive, deadline_s: float) -> Receive:
    """The body, bounded in size by the operation and in time by a deadline; a file has one for each piece."""
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if declared == b"0" and scope["method"] in ("GET", "HEAD"):
        return receive
    read = 0
    deadline = 0.0

    async def limited() -> Message:
        nonlocal read, deadline
        most = scope.get("body_limit", LARGEST_BODY)
        if not declared.isdigit() or int(declared) > most:
            raise _too_large(most)
        clock = asyncio.get_running_loop().time
        if not deadline or scope.get("body_by_progress"):
            deadline = clock() + deadline_s
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise HttpError(
                408,
                "request-timeout",
                f"A body arrives within {deadline_s:g} s.",
                headers={"Connection": "close"},
            ) from None
        read += len(message.get("body", b""))
        if read > most:
            raise _too_large(most)
        return message

    return limited


def _too_large(most: int) -> HttpError:
    return HttpError(
        413,
        "content-too-large",
        f"The body of this operation has at most {most} bytes.",
        headers={"Connection": "close"},
    )
