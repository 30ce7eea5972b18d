"""The counters in Redis or Valkey, through the `limits` library."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from limits.aio.storage import RedisStorage

from domain.access.quota import Ask

_SCHEMES = {
    "redis": "redis",
    "rediss": "rediss",
    "valkey": "redis",
    "valkeys": "rediss",
    "unix": "redis+unix",
    "redis+unix": "redis+unix",
    "valkey+unix": "redis+unix",
}
"""Valkey speaks the same protocol: one client for both."""


class RedisQuota:
    """Implements `QuotaStore`; a counter ends a window after its own."""

    def __init__(self, url: str) -> None:
        """Raises ValueError for another kind of URL; connects at the first call."""
        scheme, found, rest = url.partition("://")
        if not found or scheme not in _SCHEMES:
            raise ValueError("the URL of Redis begins with redis://, rediss://, valkey:// or unix://")
        self._storage = RedisStorage(
            f"async+{_SCHEMES[scheme]}://{rest}", implementation="redispy", key_prefix="kaejon:quota"
        )

    async def add(self, asks: Sequence[Ask]) -> list[int]:
        """Without `asks`, tells whether the server answers."""
        try:
            if asks:
                return list(await asyncio.gather(*(self._add(ask) for ask in asks)))
            if not await self._storage.check():
                raise ConnectionError
            return []
        except Exception:
            # What is left of its connections is closed here, and not by the garbage collector.
            with suppress(Exception):
                await self._client.connection_pool.disconnect()
            raise

    async def _add(self, ask: Ask) -> int:
        key = f"{ask.rate_class}:{ask.window_start}:{ask.key}"
        return await self._storage.incr(key, 2 * ask.window_s, amount=ask.amount)

    async def close(self) -> None:
        await self._client.aclose()

    @property
    def _client(self) -> Any:
        """Of redis-py, which the library does not name by its type."""
        return self._storage.bridge.get_connection()  # type: ignore[attr-defined]
