"""What a worker does beside its requests: clear away what has run out, and seal the access log."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import structlog

EVERY_S = 600.0
SEALED_EVERY_S = 1.0
TOLD_EVERY_S = 3600.0
LAST_TURN_S = 5.0
log = structlog.get_logger("kaejon")


@contextlib.asynccontextmanager
async def kept_tidy(tidy: Callable[[], Awaitable[None]], *, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Runs `tidy` again and again while the block lasts; a failure is logged by its type and tried again."""
    task = asyncio.create_task(_tidying(tidy, every_s), name="housekeeping")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _tidying(tidy: Callable[[], Awaitable[None]], every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        try:
            await tidy()
        except Exception as error:
            log.warning("housekeeping failed", error_type=type(error).__name__)


class Turn(Protocol):
    """What one turn of the sealer did (persistence/access/ledger.py)."""

    @property
    def waiting(self) -> int: ...
    @property
    def head(self) -> "Head | None": ...


class Head(Protocol):
    @property
    def number(self) -> int: ...
    @property
    def anchor(self) -> str: ...


class Sealer(Protocol):
    async def seal(self, *, patient: bool = False) -> Turn | None:
        """None when another worker is at it."""
        ...


@contextlib.asynccontextmanager
async def kept_sealed(
    sealer: Sealer,
    told: Callable[[int, int], None],
    *,
    every_s: float = SEALED_EVERY_S,
    told_every_s: float = TOLD_EVERY_S,
) -> AsyncIterator[None]:
    """Seals the access log again and again while the block lasts, and once more at its end.

    `told` hears how many rows wait and the number of the last block. The head of the chain goes to the log once an
    hour: an anchor outside the database, by which a chain that was cut off is found.
    """
    sealing = _Sealing(sealer, told, told_every_s)
    task = asyncio.create_task(sealing.again_and_again(every_s), name="sealing")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await sealing.last()


class _Sealing:
    def __init__(self, sealer: Sealer, told: Callable[[int, int], None], told_every_s: float) -> None:
        self._sealer, self._told, self._told_every_s = sealer, told, told_every_s
        self._logged_at = -math.inf
        self._failing = False

    async def again_and_again(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            try:
                self._tell(await self._sealer.seal())
            except Exception as error:
                # The rows wait on the fresh page; one line for an outage, not one a second.
                if not self._failing:
                    log.warning("the access log is not being sealed", error_type=type(error).__name__)
                self._failing = True
            else:
                self._failing = False

    async def last(self) -> None:
        """What was read in the last second is sealed as well, if the database answers in time."""
        try:
            async with asyncio.timeout(LAST_TURN_S):
                self._tell(await self._sealer.seal(patient=True))
        except Exception as error:
            log.warning("the access log was not sealed at the end", error_type=type(error).__name__)

    def _tell(self, turn: Turn | None) -> None:
        if turn is None or turn.head is None:
            return
        self._told(turn.waiting, turn.head.number)
        if time.monotonic() - self._logged_at >= self._told_every_s:
            self._logged_at = time.monotonic()
            log.info("access log sealed", head=turn.head.anchor)
