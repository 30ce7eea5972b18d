"""A load client that costs little: raw HTTP/1.1 on keep-alive sockets, a fixed number under way."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

_LENGTH = b"content-length: "


class _Lane(asyncio.Protocol):
    """One connection: sends the next request when an answer is whole."""

    def __init__(self, next_request: Callable[[], bytes], count: Callable[[int], None]) -> None:
        self._next, self._count, self._buffer = next_request, count, b""
        self.running = True
        self.answered = asyncio.Event()
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport: Any = transport
        self._transport.write(self._next())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._buffer.find(_LENGTH, 0, head)
        length = int(self._buffer[at + len(_LENGTH) : self._buffer.find(b"\r", at)])
        if len(self._buffer) < head + 4 + length:
            return
        self._count(int(self._buffer[9:12]))
        self.answered.set()
        self._buffer = self._buffer[head + 4 + length :]
        if self.running:
            self._transport.write(self._next())
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


async def requests_per_second(
    host: str, port: int, next_request: Callable[[], bytes], *, expected: int, lanes: int, seconds: float
) -> float:
    """Answers a second; any status but the expected one ends the run.

    The clock starts when each lane has had an answer: what is under way then makes up for what is at the end.
    """
    statuses: dict[int, int] = {}

    def count(status: int) -> None:
        statuses[status] = statuses.get(status, 0) + 1

    loop = asyncio.get_running_loop()
    opened = [
        (await loop.create_connection(lambda: _Lane(next_request, count), host, port))[1]
        for _ in range(lanes)
    ]
    await asyncio.wait_for(asyncio.gather(*(lane.answered.wait() for lane in opened)), 30)
    before, started = dict(statuses), time.perf_counter()
    await asyncio.sleep(seconds)
    elapsed = time.perf_counter() - started
    done = dict(statuses)
    for lane in opened:
        lane.running = False
    await asyncio.wait_for(asyncio.gather(*(lane.closed for lane in opened)), 30)
    if set(done) != {expected}:
        raise RuntimeError(f"expected only {expected}, saw {done}")
    return (done[expected] - before[expected]) / elapsed


async def calls_per_second(
    one: Callable[[int], "asyncio.Future[object]"], *, lanes: int, seconds: float
) -> float:
    """The floor: the same statements without HTTP, by as many lanes."""
    done = 0
    ends = time.perf_counter() + seconds

    async def lane(number: int) -> None:
        nonlocal done
        while time.perf_counter() < ends:
            await one(number)
            done += 1

    started = time.perf_counter()
    await asyncio.gather(*(lane(number) for number in range(lanes)))
    return done / (time.perf_counter() - started)
