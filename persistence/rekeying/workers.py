"""Who still works with older keys: the running workers, and what they had begun before they took up newer ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

from persistence.access.signing import FRESH_S

_LOCK = 0x6B61656A726B6579


class AlreadyRotating(Exception):
    """Another rotation of the same database is under way."""


async def alone(connection: Any) -> None:
    """For as long as the connection lives no second rotation runs. Raises AlreadyRotating."""
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
        raise AlreadyRotating("Another rotation of keys is under way on this database: let it finish.")


async def behind(connection: Any, keyring_digest: bytes) -> int:
    """How many running workers have other keys than these."""
    count: int = await connection.fetchval(
        """SELECT count(*) FROM key_adoption
           WHERE seen_at > now() - make_interval(secs => $2) AND keyring_digest <> $1""",
        keyring_digest,
        FRESH_S,
    )
    return count


async def moment(connection: Any) -> Any:
    """The database's own time."""
    return await connection.fetchval("SELECT clock_timestamp()")


async def older(connection: Any, than: Any) -> int:
    """How many transactions began before that time and still run: they may hold what older keys have made.

    A backup's is left out: it only reads, and may take hours.
    """
    count: int = await connection.fetchval(
        """SELECT count(*) FROM pg_stat_activity
           WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
             AND xact_start < $1 AND application_name <> 'pg_dump'""",
        than,
    )
    return count


@contextmanager
def tried_again() -> Iterator[None]:
    """Around one short transaction in a loop: one that lost a deadlock is run again by the next turn."""
    try:
        yield
    except (asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError):
        return
