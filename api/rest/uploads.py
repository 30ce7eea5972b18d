"""A file as the body of a request: sealed on its way to the disk, never whole in memory. A cut one leaves nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from api.errors import HttpError
from api.media import check_coding
from api.wiring import Services
from domain.errors import Invalid
from domain.exchange.importing.job import Upload
from domain.exchange.jobs import FileWriter

MULTIPART = b"multipart/form-data"
PART = "file"


class Sink(Protocol):
    def write(self, data: bytes) -> Any: ...


async def received(services: Services, request: Request) -> Upload:
    """The body, or its multipart part `file`, whatever kind the file says it is.

    Raises Invalid for an empty file or a form without one, ClientDisconnect for one that is cut off, and what the edge
    raises for one that is too large or too slow.
    """
    kind = request.headers.get("content-type", "")
    check_coding(request.headers.get("content-encoding"))
    file_id = services.new_id()
    writer = await asyncio.to_thread(services.files.create, file_id)
    try:
        name, options = parse_options_header(kind)
        if name == MULTIPART:
            await _form(request, writer, options.get(b"boundary", b""))
        else:
            async for data in _pieces(request):
                writer.write(data)
        if not writer.size:
            raise Invalid.at("", "empty-file", "Send the file as the body, or as the part `file` of a form.")
        done = await asyncio.to_thread(writer.finish)
    except BaseException:
        with suppress(Exception):
            writer.discard()
        raise
    return Upload(file_id, done.size, done.sha256, done.key)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def _form(request: Request, writer: FileWriter, boundary: bytes) -> None:
    form = _Form(writer)
    try:
        parser = MultipartParser(boundary, form.callbacks())
        async for data in _pieces(request):
            parser.write(data)
        parser.finalize()
    except FormParserError:
        raise HttpError(400, "bad-request", "The body is no multipart/form-data (RFC 7578).") from None
    if not form.ended:
        raise HttpError(400, "bad-request", "The form was cut short.")
    if form.files != 1:
        raise Invalid.at("", "required", "A form has exactly one part `file`.")


class _Form:
    """Lets the file of a form through and drops its other parts."""

    def __init__(self, writer: FileWriter) -> None:
        self._writer = writer
        self._name, self._value, self._wanted = b"", b"", False
        self.files, self.ended = 0, False

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._collect("_name"),
            "on_header_value": self._collect("_value"),
            "on_header_end": self._header,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._name, self._value, self._wanted = b"", b"", False

    def _collect(self, where: str) -> Callable[[bytes, int, int], None]:
        def collected(data: bytes, start: int, end: int) -> None:
            setattr(self, where, getattr(self, where) + data[start:end])

        return collected

    def _header(self) -> None:
        if self._name.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self._wanted = options.get(b"name") == PART.encode()
            self.files += self._wanted
        self._name, self._value = b"", b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._wanted and self.files == 1:
            self._writer.write(data[start:end])

    def _end(self) -> None:
        self.ended = True
