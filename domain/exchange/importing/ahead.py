"""The chunks of a file, one read while the database is at work on the one before."""

import asyncio
from collections.abc import Iterator, Sequence

from domain.exchange.reading.rows import CleanRow

Rows = Sequence[CleanRow]


class Ahead:
    """Reads in a thread: what is read must stay open until `close`."""

    def __init__(self, rows: Iterator[Rows]) -> None:
        self._rows = rows
        self._coming: asyncio.Task[Rows | None] | None = None

    def begin(self) -> None:
        """Starts with the next chunk; called when what is at hand waits for the database, for both are Python's work
        and would only take turns."""
        if self._coming is None:
            self._coming = asyncio.create_task(asyncio.to_thread(next, self._rows, None))

    async def chunk(self) -> Rows | None:
        """The next one; None at the end. Raises UnreadableFile."""
        self.begin()
        assert self._coming is not None
        coming, self._coming = self._coming, None
        try:
            return await asyncio.shield(coming)
        except asyncio.CancelledError:
            self._coming = coming
            raise

    async def close(self) -> None:
        """When nobody reads any more."""
        if self._coming is not None:
            await asyncio.wait({self._coming})
            if not self._coming.cancelled():
                self._coming.exception()
