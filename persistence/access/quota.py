"""What has been taken of the rate limits, one row for each window: on a connection of its own.

Never on a request's: a counter must not wait for its transaction, nor be undone with it.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from domain.access.quota import Ask

# In one order, so that two workers never wait for each other's rows. What was asked beyond the limit is counted
# too: who asked knows by the total how much of it was still to be had.
_ADD = """INSERT INTO quota AS q (window_start, class, key, taken)
  SELECT start, class, key, amount
  FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::bigint[]) AS asked (start, class, key, amount)
  ORDER BY start, class, key
  ON CONFLICT (window_start, class, key) DO UPDATE SET taken = q.taken + excluded.taken
  RETURNING window_start, class, key, taken"""
_FORGET = "DELETE FROM quota WHERE window_start < $1"


class PgQuota:
    """Implements `QuotaStore`; `connect` makes the connection, and makes another when that is lost."""

    def __init__(self, connect: Callable[[], Awaitable[Any]]) -> None:
        self._connect = connect
        self._connection: Any = None

    async def add(self, asks: Sequence[Ask]) -> list[int]:
        """Calls take turns: the caller's duty. Without `asks`, tells whether the database answers."""
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._connect()
            if not asks:
                await self._connection.execute("SELECT 1")
                return []
            starts = [datetime.fromtimestamp(ask.window_start, UTC) for ask in asks]
            classes, keys = [ask.rate_class for ask in asks], [ask.key for ask in asks]
            rows = await self._connection.fetch(_ADD, starts, classes, keys, [ask.amount for ask in asks])
        except BaseException:
            # Given up on, too: nobody knows what still comes back on it.
            self._drop()
            raise
        totals = {(row["window_start"], row["class"], row["key"]): row["taken"] for row in rows}
        return [totals[name] for name in zip(starts, classes, keys, strict=True)]

    async def forget_old(self, before: datetime) -> None:
        """Drops the windows that began before then."""
        connection = await self._connect()
        try:
            await connection.execute(_FORGET, before)
        finally:
            connection.terminate()

    async def close(self) -> None:
        self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
