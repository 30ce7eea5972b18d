"""The walk over what an export holds: COPY, as fast as the database makes the rows, straight into a file."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol, cast

import orjson

from domain.exchange.export_store import Logged, Proceed, Read
from persistence.engine import Connection
from persistence.exchange.formats import Sheet
from persistence.registry.unseal import unseal
from persistence.sealing import Sealing

BLOCK = 1 << 20
"""Bytes that are looked through at a time where the lines are more than copied."""
Taken = Callable[[bytes], Awaitable[None]]


class _Copying(Protocol):
    async def copy_from_query(
        self, query: str, *values: Any, output: Taken, format: str, delimiter: str, quote: str
    ) -> str: ...


async def written(
    connection: Connection,
    sql: str,
    values: Sequence[Any],
    sheet: Sheet,
    *,
    by_line: bool,
    sealing: Sealing | None,
    proceed: Proceed,
    logged: Logged,
) -> int:
    """Writes the rows of one column of JSON; how many. With `sealing` they are opened, and whose they are is logged
    before. `by_line`: the sheet takes nothing but whole lines."""
    if not by_line and sealing is None:
        # As it comes: nothing needs to know where a line ends.
        async def taken(data: bytes) -> None:
            sheet.lines(data)
            await proceed()

        return await copied(connection, sql, values, taken)
    lines, under_way = Lines(), _UnderWay()

    async def looked_through(text: bytes) -> None:
        cipher = None
        if sealing is not None:
            await logged(_reads(text))
            cipher = sealing.cipher
        # Beside the loop, which reads on meanwhile.
        await asyncio.to_thread(lambda: sheet.lines(text if cipher is None else unseal(text, cipher)))
        await proceed()

    async def gathered(data: bytes) -> None:
        for text in lines.whole(data):
            await under_way.then(looked_through(text))

    try:
        count = await copied(connection, sql, values, gathered)
        if rest := lines.rest():
            await under_way.then(looked_through(rest))
        await under_way.ended()
        sheet.close()
    finally:
        await under_way.left()
    return count


class _UnderWay:
    """One block at a time is worked on while the next is gathered."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    async def then(self, work: Coroutine[Any, Any, None]) -> None:
        """Begins with the next when the one before has ended; raises what that raised."""
        try:
            await self.ended()
        except BaseException:
            work.close()
            raise
        self._task = asyncio.create_task(work)

    async def ended(self) -> None:
        if self._task is not None:
            # Whoever is cancelled here leaves a thread at work, which is waited for at the end.
            await asyncio.shield(self._task)

    async def left(self) -> None:
        """After an error: a thread must not write on while its file is thrown away."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)


async def copied(connection: Connection, sql: str, values: Sequence[Any], taken: Taken) -> int:
    """Runs a statement of one column of JSON, a row on a line; how many rows."""
    # JSON has no control characters, so that neither a delimiter nor a quote is ever met: every row leaves as it is.
    status = await cast(_Copying, connection).copy_from_query(
        sql, *values, output=taken, format="csv", delimiter="\x02", quote="\x01"
    )
    return int(status.split()[-1])


def _reads(text: bytes) -> list[Read]:
    """Whose data stands in lines of households."""
    return [
        Read(one["id"], one["area_code"], [member["person_id"] for member in one["members"]])
        for one in map(orjson.loads, text.splitlines())
    ]


class Lines:
    """Gathers chunks until they are a block, and gives out its whole lines."""

    def __init__(self) -> None:
        self._held = bytearray()

    def whole(self, data: bytes) -> list[bytes]:
        self._held += data
        if len(self._held) < BLOCK:
            return []
        end = self._held.rfind(b"\n") + 1
        text = bytes(self._held[:end])
        del self._held[:end]
        return [text] if text else []

    def rest(self) -> bytes:
        return bytes(self._held)
