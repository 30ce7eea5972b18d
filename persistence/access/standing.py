"""Which clients and tokens are barred, known in memory and read again twice a second.

A verify asks without I/O; a revocation reaches every process within the interval. When the database is
away the last knowledge holds: tokens live 15 minutes at most, and without a database nothing is answered.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from persistence.engine import Database

INTERVAL_S = 0.5
STALE_AFTER_S = 10.0
"""After so long without an answer the log says so, once."""
_TIMEOUT_S = 5.0

_LOG = logging.getLogger(__name__)
# A minute of grace for the clocks: a token that has expired is refused without this list.
_BARRED = """SELECT
    ARRAY(SELECT c.id FROM client c WHERE NOT c.enabled OR c.expires_at <= $1::timestamptz) AS clients,
    ARRAY(SELECT t.token_id FROM revoked_token t WHERE t.expires_at > $1::timestamptz - interval '1 minute') AS tokens"""


class PgStanding:
    """What is barred; satisfies `auth.tokens.Standing`. Until the first `refresh` nobody is allowed."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._now, self._monotonic = database, now, monotonic
        self._clients: frozenset[str] = frozenset()
        self._tokens: frozenset[str] = frozenset()
        self._refreshed_at: float | None = None
        self._turn = asyncio.Lock()

    def allows(self, client_id: str, token_id: str) -> bool:
        return (
            self._refreshed_at is not None and client_id not in self._clients and token_id not in self._tokens
        )

    @property
    def age(self) -> float | None:
        """Seconds since the last refresh, for the metrics; None before the first."""
        return None if self._refreshed_at is None else self._monotonic() - self._refreshed_at

    async def refresh(self) -> None:
        """Reads the barred clients and tokens in one statement.

        Called after a revocation has been committed too, so that its own process knows at once: refreshes
        take turns, and a later one never ends with older knowledge. Raises what the database raises, and
        TimeoutError.
        """
        async with self._turn, asyncio.timeout(_TIMEOUT_S), self._database.reading() as connection:
            row = await connection.fetchrow(_BARRED, self._now())
        self._clients, self._tokens = frozenset(row["clients"]), frozenset(row["tokens"])
        self._refreshed_at = self._monotonic()

    async def forget_expired(self) -> None:
        """Drops the revocations of tokens that have expired an hour ago and more."""
        async with self._database.reading() as connection:
            await connection.execute(
                "DELETE FROM revoked_token WHERE expires_at < $1::timestamptz - interval '1 hour'",
                self._now(),
            )


async def watch(
    standing: PgStanding, *, interval_s: float = INTERVAL_S, stale_after_s: float = STALE_AFTER_S
) -> None:
    """Refreshes until it is cancelled, through restarts of the database; a task of the app's lifespan."""
    stale = False
    while True:
        try:
            await standing.refresh()
        except Exception as error:
            # Whatever it was, the next turn may succeed; a watcher that has died would hide revocations.
            age = standing.age
            if not stale and (age is None or age >= stale_after_s):
                stale = True
                _LOG.error("standing is stale: %s", type(error).__name__)
        else:
            if stale:
                _LOG.warning("standing is fresh again")
            stale = False
        await asyncio.sleep(interval_s)


@contextlib.asynccontextmanager
async def watched(standing: PgStanding) -> AsyncIterator[PgStanding]:
    """Fresh when the block begins, kept fresh until it ends."""
    await standing.refresh()
    task = asyncio.create_task(watch(standing), name="standing")
    try:
        yield standing
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
