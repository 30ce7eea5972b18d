"""Which clients and tokens are barred, and from where clients may call, known in memory.

A verify asks without I/O. What bars somebody says so as it is committed (NOTIFY), and every worker reads again
at once; it reads twice a second in any case, on a connection of its own that no busy pool can starve. When the
database is away the last knowledge holds: tokens live 15 minutes at most, and without a database nothing is
answered.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from domain.access.networks import Network, parsed, within
from persistence.engine import Database

CHANNEL = "standing"
INTERVAL_S = 0.5
STALE_AFTER_S = 10.0
"""After so long without an answer the log says so, once."""
_TIMEOUT_S = 5.0

_LOG = logging.getLogger(__name__)
# A minute of grace for the clocks: a token that has expired is refused without this list. So is one of a client
# whose rights were narrowed longer ago than a token lives.
_BARRED = """SELECT
    ARRAY(SELECT c.id FROM client c WHERE NOT c.enabled OR c.expires_at <= $1::timestamptz) AS clients,
    ARRAY(SELECT t.token_id FROM revoked_token t WHERE t.expires_at > $1::timestamptz - interval '1 minute') AS tokens,
    (SELECT coalesce(jsonb_object_agg(c.id, extract(epoch FROM c.tokens_not_before)::bigint), '{}') FROM client c
      WHERE c.tokens_not_before > $1::timestamptz - interval '17 minutes') AS narrowed,
    (SELECT coalesce(jsonb_object_agg(c.id, c.allowed_networks), '{}') FROM client c
      WHERE c.allowed_networks <> '{}') AS networks"""


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
        self._not_before: Mapping[str, int] = {}
        self._networks: Mapping[str, tuple[Network, ...]] = {}
        self._networks_read = b"{}"
        self._refreshed_at: float | None = None
        self._turn = asyncio.Lock()
        self._told = asyncio.Event()
        self._connection: Any = None

    def allows(self, client_id: str, token_id: str, issued_at: int) -> bool:
        return (
            self._refreshed_at is not None
            and client_id not in self._clients
            and token_id not in self._tokens
            and issued_at >= self._not_before.get(client_id, 0)
        )

    def admits(self, client_id: str, remote: str) -> bool:
        """Whether the client may call from this address; most clients may from anywhere."""
        networks = self._networks.get(client_id)
        return networks is None or within(networks, remote)

    @property
    def age(self) -> float | None:
        """Seconds since the last refresh, for the metrics; None before the first."""
        return None if self._refreshed_at is None else self._monotonic() - self._refreshed_at

    async def refresh(self) -> None:
        """Reads what is barred in one statement.

        Called after a revocation has been committed too, so that its own process knows at once: refreshes
        take turns, and a later one never ends with older knowledge. Raises what the database raises, and
        TimeoutError.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(_TIMEOUT_S):
                    row = await self._read()
            except BaseException:
                # Whatever is under way on it: the next turn has a connection that is whole.
                self._hang_up()
                raise
        self._clients, self._tokens = frozenset(row["clients"]), frozenset(row["tokens"])
        self._not_before = orjson.loads(row["narrowed"])
        if row["networks"] != self._networks_read:
            found = orjson.loads(row["networks"])
            self._networks = {client_id: parsed(networks) for client_id, networks in found.items()}
            self._networks_read = row["networks"]
        self._refreshed_at = self._monotonic()

    async def _read(self) -> Any:
        if self._connection is not None:
            try:
                return await self._connection.fetchrow(_BARRED, self._now())
            except Exception:
                # The server has restarted, or ended it: no reason to fail while a new one can be had.
                self._hang_up()
        self._connection = await self._database.alone()
        await self._connection.add_listener(CHANNEL, lambda *_: self._told.set())
        return await self._connection.fetchrow(_BARRED, self._now())

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def told(self, *, within_s: float) -> None:
        """Until somebody has barred something, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._told.wait()
        self._told.clear()

    async def close(self) -> None:
        async with self._turn:
            self._hang_up()

    async def forget_expired(self) -> None:
        """Drops revocations and used assertions that have expired an hour ago and more."""
        async with self._database.reading() as connection:
            for table in ("revoked_token", "client_assertion"):
                await connection.execute(
                    f"DELETE FROM {table} WHERE expires_at < $1::timestamptz - interval '1 hour'", self._now()
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
        await standing.told(within_s=interval_s)


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
        await standing.close()
