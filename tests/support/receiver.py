"""An HTTP receiver of webhooks on loopback, which answers as a test tells it to."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Reply:
    """An answer; `wait` is held before it is begun, `drip` sends one byte at a time with so many seconds between."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    wait: asyncio.Event | None = None
    drip: float | None = None


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> dict[str, Any]:
        """As a receiver's library reads it; raises for a wrong signature."""
        found: dict[str, Any] = Webhook(secret).verify(self.body, dict(self.headers))
        return found


Answering = Callable[[Received], Reply | Awaitable[Reply]]


class Receiver:
    """Keeps what it gets, in the order of arrival."""

    def __init__(self, *, tls: bool) -> None:
        self.requests: list[Received] = []
        self.answer: Answering = lambda _: Reply()
        self.under_way = self.most_under_way = 0
        self.sent = 0
        """Bytes of bodies that were taken off its hands."""
        self.cut = 0
        """Answers that nobody wanted to the end."""
        self._scheme = "https" if tls else "http"
        self.port = 0

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.requests]

    @property
    def resources(self) -> list[str]:
        return [one.event["subject"] for one in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.under_way += 1
        self.most_under_way = max(self.under_way, self.most_under_way)
        try:
            received = await _read(reader)
            self.requests.append(received)
            found = self.answer(received)
            await self._write(writer, found if isinstance(found, Reply) else await found)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.cut += 1
        finally:
            self.under_way -= 1
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def _write(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        if reply.wait is not None:
            await reply.wait.wait()
        headers = {"Content-Length": str(len(reply.body)), **reply.headers}
        head = (
            f"HTTP/1.1 {reply.status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
        )
        writer.write(head.encode())
        await writer.drain()
        step = 1 if reply.drip is not None else 65_536
        for start in range(0, len(reply.body), step):
            writer.write(reply.body[start : start + step])
            await writer.drain()
            self.sent += step
            if reply.drip is not None:
                await asyncio.sleep(reply.drip)


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(head[0].split()[1], headers, body, asyncio.get_running_loop().time())


@asynccontextmanager
async def receiving(
    answer: Answering | None = None, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """A receiver while the block lasts."""
    receiver = Receiver(tls=tls is not None)
    if answer is not None:
        receiver.answer = answer
    tasks: set[asyncio.Task[None]] = set()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await receiver.serve(reader, writer)

    server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
