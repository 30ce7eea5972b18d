"""What the database undid for another transaction's sake is done once more, by the service itself.

In a ring of transactions that wait for each other (40P01), or where one cannot be told from an order of them (40001),
PostgreSQL ends one, and nothing of it is kept. Its caller need not know: both doors run here what opens a unit of work.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

T = TypeVar("T")
TIMES = 6
"""How often something is tried in all. Of many in one ring each round lets one through at the least (assumed enough)."""
PAUSE_S = 0.02
"""The longest pause before the second time; it doubles with every one."""
# By its SQLSTATE, because the doors do not import the driver. 40003 is not among them: that one may have been committed.
_UNDONE = frozenset({"40P01", "40001"})
log = structlog.get_logger("kaejon")


def undone(error: BaseException) -> bool:
    """Whether the error says that the whole transaction was rolled back, and would do another time."""
    return getattr(error, "sqlstate", None) in _UNDONE


async def settled(run: Callable[[], Awaitable[T]]) -> T:
    """What `run` answers. It opens its units of work itself, and leaves nothing outside of them when it raises.

    Raises what it raises the last time.
    """
    for turn in range(TIMES - 1):
        try:
            return await run()
        except Exception as error:
            if not undone(error):
                raise
            log.info("done once more", error_type=type(error).__name__, turn=turn + 1)
        # Those of one ring shall not meet again; nothing secret hangs on it.
        await asyncio.sleep(random.uniform(0, PAUSE_S * 2**turn))  # noqa: S311
    return await run()
