"""Heavy writes take turns, so many at once in a process: they leave the connections of the pool to everything else, and
the database is quicker with few of them. Decision: two of them, one in the database while the next is made ready."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_ONCE = 2
MOST_WAITING = 100
"""One more is refused at once."""
PATIENCE_S = 20.0


class Busy(Exception):
    """No turn came in time: answered 503 with Retry-After."""


class Turns:
    """Those of one process; first come, first served."""

    def __init__(
        self, at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING, patience_s: float = PATIENCE_S
    ) -> None:
        self._room, self._waiting = asyncio.Semaphore(at_once), 0
        self._most_waiting, self._patience_s = most_waiting, patience_s

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Raises Busy."""
        await self._taken()
        try:
            yield
        finally:
            self._room.release()

    async def _taken(self) -> None:
        if self._room.locked() and self._waiting >= self._most_waiting:
            raise Busy
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience_s):
                await self._room.acquire()
        except TimeoutError:
            raise Busy from None
        finally:
            self._waiting -= 1
