"""Waiting for what has to happen: looked for again and again, and given up only when something is wrong."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

PATIENCE_S = 60.0
"""Far longer than anything takes, even on a machine with other work: no claim about speed."""


def eventually(fact: Callable[[], Any], within: float = PATIENCE_S) -> bool:
    deadline = time.monotonic() + within
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


async def eventually_so(fact: Callable[[], Awaitable[Any] | Any], within: float = PATIENCE_S) -> bool:
    """The same where an event loop runs; the fact may be a coroutine's."""
    deadline = time.monotonic() + within
    while True:
        found = fact()
        if await found if isinstance(found, Awaitable) else found:
            return True
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
