"""Looks up where a URL leads, and lets through what may be called."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from domain.exchange.targets import Address, Allowed, Target, TargetRefused, check, parsed

LOOK_UP_S = 3.0
"""Seconds for a lookup while somebody waits for the answer."""
_THREADS = 16
Resolve = Callable[[str, int], Sequence[Address]]
"""The addresses of a name; blocks. Raises OSError."""


class NoAddress(Exception):
    """The name was not found, or not in time."""


def looked_up(host: str, port: int) -> Sequence[Address]:
    """As the machine resolves names."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(one[4][0].partition("%")[0]) for one in found if isinstance(one[4][0], str)]


class Guard:
    """Implements `domain.exchange.webhooks.Targets`."""

    def __init__(self, allowed: Allowed | None = None, *, resolve: Resolve = looked_up) -> None:
        self._allowed, self._resolve = allowed or Allowed(), resolve
        # Threads of its own: a name server that does not answer holds nobody else up. They start when needed.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="lookup")

    async def check(self, url: str) -> None:
        """Raises TargetRefused."""
        target = parsed(url, self._allowed)
        if target.host in self._allowed.hosts:
            # The operator knows it; it may not be up yet.
            return
        try:
            async with asyncio.timeout(LOOK_UP_S):
                await self.addresses(target)
        except (NoAddress, TimeoutError):
            raise TargetRefused("The host's name was not found.") from None

    def target(self, url: str) -> Target:
        """Raises TargetRefused."""
        return parsed(url, self._allowed)

    async def addresses(self, target: Target) -> Sequence[Address]:
        """Where to connect to now, each of them vetted: no later lookup may come between.

        Raises TargetRefused, NoAddress.
        """
        found: Sequence[Address]
        if target.address is not None:
            found = [target.address]
        else:
            loop = asyncio.get_running_loop()
            try:
                found = await loop.run_in_executor(self._threads, self._resolve, target.host, target.port)
            except (OSError, UnicodeError):
                raise NoAddress from None
        check(target, found, self._allowed)
        return list(dict.fromkeys(found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
