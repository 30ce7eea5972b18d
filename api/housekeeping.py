"""What a worker clears away now and then: stored answers after seven days, revocations of tokens long expired."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

EVERY_S = 600.0
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
