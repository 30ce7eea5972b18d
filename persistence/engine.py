"""Connections: one asyncpg pool in the service's role, JSON passed through as bytes.

Decision: statements are SQL text on asyncpg. Hot reads are one statement that returns finished JSON, and
one way to do a thing beats an ORM beside it; SQLModel and Alembic own the schema. The cost: a renamed
column is found by the tests, not by the type checker.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Protocol
from urllib.parse import urlsplit

import asyncpg
import orjson

SERVICE_ROLE = "kaejon_service"
WALL = "walled"
"""The schema of the wall's views."""
SEARCH_PATH = f"{WALL}, public"
"""A name means the view of the wall where there is one (persistence/wall.py), else the table."""

STATEMENT_TIMEOUT_MS = 30_000
ACQUIRE_TIMEOUT_S = 10.0
_PATIENT = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
"""For background work over the whole country."""
_BY_KEY = "SET enable_seqscan = off; SET max_parallel_workers_per_gather = 0"


class Connection(Protocol):
    """What a store needs of a connection (asyncpg's, which is untyped). `$n` in SQL, values after it."""

    def transaction(self) -> AbstractAsyncContextManager[Any]: ...
    async def execute(self, sql: str, /, *values: Any) -> str: ...
    async def fetch(self, sql: str, /, *values: Any) -> list[Any]: ...
    async def fetchrow(self, sql: str, /, *values: Any) -> Any: ...
    async def fetchval(self, sql: str, /, *values: Any) -> Any: ...


class Busy(Exception):
    """No connection became free in time: answered 503 with Retry-After."""


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg carries no types
    """Nothing is left behind on a connection (no session state is ever set), so nothing is reset."""

    def get_reset_query(self) -> str:
        return ""


async def _prepare(connection: Any) -> None:
    """JSON comes back as the bytes PostgreSQL made, and is bound from plain values."""
    await connection.set_type_codec(
        "json", schema="pg_catalog", format="binary", encoder=orjson.dumps, decoder=bytes
    )
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_jsonb, decoder=lambda raw: bytes(raw[1:])
    )


def _jsonb(value: Any) -> bytes:
    # Version 1 of the binary form is the text behind one byte.
    return b"\x01" + orjson.dumps(value)


class Database:
    """A pool of connections. Reads run in autocommit; writes in one transaction.

    The driver's pool makes and mends connections; the ones at rest are kept in a stack beside it, because
    its own check-out and check-in cost as much as a third of a hot read.
    """

    def __init__(self, pool: "asyncpg.Pool[Any]", alone: Callable[..., Awaitable[Any]]) -> None:
        self._pool = pool
        self.alone = alone
        """Makes a connection outside the pool, for what must not wait behind requests; its user closes it.

        With `deadline=False` its statements may take as long as they take.
        """
        self.resting: list[Any] = []
        self.waiting = 0
        """Requests that wait for a connection: while there are any, none goes to rest."""

    @classmethod
    async def open(cls, dsn: str, *, size: int = 10, application: str = "kaejon") -> "Database":
        """Connects as the service's role: a URL of its own login, or SET ROLE on the owner's."""
        settings = {
            "application_name": application,
            "statement_timeout": str(STATEMENT_TIMEOUT_MS),
            "idle_in_transaction_session_timeout": "60000",
            "lock_timeout": "10000",
            "jit": "off",
            "timezone": "UTC",
            "search_path": SEARCH_PATH,
        }
        if urlsplit(dsn).username != SERVICE_ROLE:
            settings["role"] = SERVICE_ROLE
        common: dict[str, Any] = {
            "connection_class": _Connection,
            "server_settings": settings,
            "command_timeout": STATEMENT_TIMEOUT_MS / 1000 + 5,
        }

        async def alone(*, deadline: bool = True) -> Any:
            own = (
                common
                if deadline
                else {
                    **common,
                    "server_settings": {**settings, **_PATIENT},
                    "command_timeout": None,
                    # A plan that was made while a table was empty would read all of it for every chunk that comes.
                    "statement_cache_size": 0,
                }
            )
            connection = await asyncpg.connect(dsn, **own)
            await _prepare(connection)
            return connection

        pool = await asyncpg.create_pool(
            dsn,
            min_size=min(2, size),
            max_size=size,
            init=_prepare,
            **common,
            max_inactive_connection_lifetime=0,
            max_queries=1_000_000_000,
        )
        return cls(pool, alone)

    async def close(self) -> None:
        while self.resting:
            await self._release(self.resting.pop())
        await self._pool.close()

    def reading(self) -> "Lease":
        """A connection in autocommit: every statement is its own transaction. Raises Busy."""
        return Lease(self)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        async with self.reading() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def lasting(self, *, snapshot: bool = False) -> AsyncIterator[Connection]:
        """One transaction without deadlines on a connection of its own; with `snapshot` of one state, read only."""
        isolation = "repeatable_read" if snapshot else "read_committed"
        async with self.own() as own, own.connection.transaction(isolation=isolation, readonly=snapshot):
            yield own.connection

    @asynccontextmanager
    async def own(self, *, by_key: bool = False) -> AsyncIterator["Own"]:
        """A connection outside the pool, without deadlines; `by_key` for work that finds thousands of rows of millions."""
        connection = await self.alone(deadline=False)
        try:
            if by_key:
                await connection.execute(_BY_KEY)
            yield Own(connection)
        finally:
            await connection.close(timeout=10)

    async def take(self) -> Any:
        while self.resting:
            connection = self.resting.pop()
            try:
                if not connection.is_closed():
                    return connection
            except asyncpg.InterfaceError:
                # The server closed it at rest, and the pool has it back already: after a restart, every one.
                continue
            await self._release(connection)
        self.waiting += 1
        try:
            return await self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S)
        except TimeoutError:
            raise Busy from None
        finally:
            self.waiting -= 1

    async def give_back(self, connection: Any, *, clean: bool) -> None:
        """`clean`: the work ended well, so nothing is under way on it."""
        if clean and not self.waiting:
            self.resting.append(connection)
        else:
            await self._release(connection)

    async def _release(self, connection: Any) -> None:
        # One that was lost has freed its place in the pool by itself, and cannot be given back twice.
        with suppress(asyncpg.InternalClientError):
            await self._pool.release(connection)


class Own:
    """A connection that nobody else has."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        """In autocommit."""

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        async with self.connection.transaction():
            yield self.connection


class Lease:
    """`async with` around one connection."""

    __slots__ = ("_connection", "_database")

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __aenter__(self) -> Connection:
        connection: Connection = await self._database.take()
        self._connection = connection
        return connection

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self._database.give_back(self._connection, clean=kind is None)
