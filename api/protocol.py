"""HTTP/1.1 as uvicorn speaks it, bounded: a head has a deadline and a size, and every refusal has our shape.

uvicorn itself waits for ever for a head that has begun, answers malformed HTTP and overload in plain text, and
leaves a message that two readers could take for two (request smuggling) to the parser alone.
"""

import asyncio
import os
import uuid
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api import errors
from api.edge import SECURITY
from api.errors import HttpError

HEAD_DEADLINE_S = 15.0
LARGEST_HEAD = 262_144
MOST_HEADERS = 128
LARGEST_FRAMING = 8 * 1_048_576
"""Bytes around a body: sizes of chunks, their extensions, trailers."""
BASE, DEADLINE = "KAEJON_SERVING_ISSUER", "KAEJON_HEADER_DEADLINE"
RETRY_AFTER = "1"


_MALFORMED = HttpError(
    400, "bad-request", "This is not HTTP as RFC 9112 writes it down, or could be read in two ways."
)
_TOO_LARGE = HttpError(
    431,
    "headers-too-large",
    f"The head of a request has at most {LARGEST_HEAD} bytes and {MOST_HEADERS} header fields.",
)
_TOO_LATE = HttpError(408, "request-timeout", "The head of the request did not arrive in time.")


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._deadline_s = float(os.environ.get(DEADLINE, HEAD_DEADLINE_S))
        self._deadline: asyncio.TimerHandle | None = None
        self._in_head = False
        self._received = self._body_size = 0
        """Of the message under way: bytes, and those of them that are its body."""
        self._refusal: HttpError | None = None
        self._closed = False

    # -- the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # Whoever connects and says nothing holds a place as well.
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        super().shutdown()
        if self._is_answering():
            # Whoever waits for its caller to leave is woken, and answers with what there is (api/feed.py).
            self.cycle.message_event.set()

    def data_received(self, data: bytes) -> None:
        if self._closed:
            return
        super().data_received(data)
        self._received += len(data)
        if self._received - self._body_size > (LARGEST_HEAD if self._in_head else LARGEST_FRAMING):
            self._refuse(_TOO_LARGE)
        if self._deadline is None and not self._is_answering():
            # A head has begun, or something that is none: neither may go on for ever.
            self._await_head()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._in_head and not self.transport.is_closing():
            # The next request had begun while this one was answered.
            self._unset_keepalive_if_required()
            self._await_head()

    # -- the head

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._received, self._body_size = True, 0, 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_is_here()
        self._refusal = _fault(self.headers, self.url, self.parser.get_http_version())
        if self._refusal is not None:
            # The parser stops here, and the connection with it: what follows may be read in two ways.
            raise ValueError
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        # A trailer is no header: it must not change what has been decided on the head.
        if self._in_head:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        super().on_body(body)

    def _await_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._deadline_s, self._too_late)

    def _head_is_here(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if self._is_answering() or self.transport.is_closing():
            return
        if self._in_head:
            self._refuse(_TOO_LATE)
        else:
            self._closed = True
            self.transport.close()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    # -- refusals

    def send_400_response(self, msg: str) -> None:
        """Of uvicorn, for whatever the parser does not take."""
        refusal, self._refusal = self._refusal, None
        self._refuse(refusal or _MALFORMED)

    def _refuse(self, refusal: HttpError) -> None:
        """Answers and closes; after an answer that is still under way, which nothing may be written into."""
        if self._closed:
            return
        self._closed = True
        self._head_is_here()
        if self._is_answering():
            self.pipeline.clear()
            self.cycle.keep_alive = False
            if not self.cycle.more_body:
                return
            # Its body will not come any more.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        self.transport.write(_written(refusal))
        self.transport.close()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        ours: Any = _overloaded
        super()._start_asgi_task(cycle, ours if app is service_unavailable else app)


def _fault(headers: list[tuple[bytes, bytes]], url: bytes, version: str) -> HttpError | None:
    """What the parser lets pass and another reader on the way might take otherwise (RFC 9112 §3.2, §6)."""
    if version not in ("1.1", "1.0"):
        return _MALFORMED
    size, hosts, lengths, codings = len(url), 0, 0, 0
    for name, value in headers:
        size += len(name) + len(value) + 4
        if name == b"host":
            hosts += 1
        elif name == b"content-length":
            lengths += 1
            if not value.isdigit():
                return _MALFORMED
        elif name == b"transfer-encoding":
            codings += 1
            if value.lower() != b"chunked" or version != "1.1":
                return _MALFORMED
    if size > LARGEST_HEAD or len(headers) > MOST_HEADERS:
        return _TOO_LARGE
    if lengths + codings > 1 or hosts > 1 or (hosts == 0 and version == "1.1"):
        return _MALFORMED
    return None


def _problem(refusal: HttpError, instance: str, headers: dict[str, str]) -> Any:
    trace_id = str(uuid.uuid4())
    return errors.problem(
        refusal.status,
        refusal.code,
        refusal.detail,
        base=os.environ.get(BASE, ""),
        instance=instance,
        trace_id=trace_id,
        headers={"X-Request-Id": trace_id, "Connection": "close", **headers},
    )


def _written(refusal: HttpError) -> bytes:
    """The whole answer; without the path, which may be anything."""
    answer = _problem(refusal, "", {})
    lines = [name + b": " + value + b"\r\n" for name, value in (*answer.raw_headers, *SECURITY)]
    return b"".join([STATUS_LINE[refusal.status], *lines, b"\r\n", answer.body])


async def _overloaded(scope: Scope, receive: Receive, send: Send) -> None:
    """In place of uvicorn's own, where more connections are open than the edge could ever judge."""
    refusal = HttpError(503, "unavailable", "Too many connections are open; try again.")
    answer = _problem(refusal, scope["path"], {"Retry-After": RETRY_AFTER})
    answer.raw_headers.extend(SECURITY)
    await answer(scope, receive, send)
