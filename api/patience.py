"""Waiting for a database that is restarting: a process that begins meanwhile must not take the service down."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from types import FrameType
from typing import Any, Protocol, TypeVar

import asyncpg
import structlog

from persistence.engine import Busy

log = structlog.get_logger("kaejon")

PAUSE_S = 0.5
OUTAGE = (
    OSError, Busy, asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)  # fmt: skip
"""What the database says, or the driver, while it cannot be worked with."""
Started = TypeVar("Started", covariant=True)


class Start(Protocol[Started]):
    async def __call__(self, stack: AsyncExitStack, /) -> Started: ...


async def once_there(start: Start[Any], stack: AsyncExitStack) -> Any:
    """What `start` makes, tried until the database answers; `stack` undoes it. Raises SystemExit when told to end."""
    told = False
    with _told_to_end() as ending:
        while True:
            trial = AsyncExitStack()
            try:
                made = await start(trial)
            except OUTAGE as error:
                await trial.aclose()
                if not told:
                    log.warning("the start waits for the database", error_type=type(error).__name__)
                told = True
            else:
                stack.push_async_exit(trial)
                return made
            if ending.is_set():
                raise SystemExit(0)
            await asyncio.sleep(PAUSE_S)


@contextmanager
def _told_to_end() -> Iterator[threading.Event]:
    """Set by SIGTERM, which the server itself heeds only when it has started."""
    ending = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield ending
        return
    before = signal.getsignal(signal.SIGTERM)

    def heard(number: int, frame: FrameType | None) -> None:
        ending.set()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, heard)
    try:
        yield ending
    finally:
        signal.signal(signal.SIGTERM, before)
