"""The keys that tokens are signed with, shared by all workers: sealed in the database, turned under one lock."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from domain.access.signing import StoredKey
from persistence.engine import Connection, Database
from persistence.sealing import Sealing

CHANNEL = "standing"
"""Workers that listen there look again at once; the others within a second."""
FRESH_S = 10
"""Seconds after its last word a worker counts as gone."""
_LOCK = 0x6B61656A6B6579

_READ = "SELECT kid, state, private_sealed, created_at, activated_at, retiring_since FROM signing_key"


class PgSigning:
    """Implements `SigningStore`, and keeps the list of who has which keys."""

    def __init__(self, database: Database, sealing: Sealing) -> None:
        self._database, self._sealing = database, sealing

    async def load(self) -> Sequence[StoredKey]:
        """All keys, the oldest first. Raises CannotOpen when they are of another keyring."""
        async with self._database.reading() as connection:
            return await self._load(connection)

    async def _load(self, connection: Connection) -> Sequence[StoredKey]:
        rows = await connection.fetch(f"{_READ} ORDER BY created_at, kid")
        cipher = self._sealing.cipher
        return tuple(
            StoredKey(
                kid=row["kid"],
                state=row["state"],
                private_pem=cipher.open("signing_key", "private_sealed", row["kid"], row["private_sealed"]),
                created_at=row["created_at"],
                activated_at=row["activated_at"],
                retiring_since=row["retiring_since"],
            )
            for row in rows
        )

    @asynccontextmanager
    async def turning(self) -> AsyncIterator["PgTurn"]:
        """One transaction that no other turn runs beside: of two at once the second sees what the first made."""
        async with self._database.writing() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            yield PgTurn(connection, await self._load(connection), self._sealing)

    async def beat(self, worker_id: UUID, keyring_digest: bytes, signing_digest: bytes) -> bytes:
        """Says which keys this worker has; the digest of the signing keys that there are."""
        async with self._database.reading() as connection:
            rows = await connection.fetch(
                """WITH said AS (
                     INSERT INTO key_adoption (worker_id, keyring_digest, signing_digest, seen_at) VALUES ($1, $2, $3, now())
                     ON CONFLICT (worker_id) DO UPDATE SET keyring_digest = $2, signing_digest = $3, seen_at = now())
                   SELECT kid, state FROM signing_key""",
                worker_id,
                keyring_digest,
                signing_digest,
            )
        return digest_of((row["kid"], row["state"]) for row in rows)

    async def leave(self, worker_id: UUID) -> None:
        """The worker ends; whoever ended without a word is forgotten after a while."""
        async with self._database.reading() as connection:
            await connection.execute(
                "DELETE FROM key_adoption WHERE worker_id = $1 OR seen_at < now() - interval '1 hour'",
                worker_id,
            )


class PgTurn:
    """Implements `Turn`."""

    def __init__(self, connection: Connection, keys: Sequence[StoredKey], sealing: Sealing) -> None:
        self._connection, self._sealing = connection, sealing
        self.keys = keys

    async def replace(self, keys: Sequence[StoredKey]) -> None:
        """Makes these the keys; what is new is sealed, what is left out is gone."""
        known = {key.kid for key in self.keys}
        await self._connection.execute(
            "DELETE FROM signing_key WHERE NOT kid = ANY($1::text[])", [key.kid for key in keys]
        )
        # In the order that never leaves two keys in one place.
        for state in ("retiring", "active", "next"):
            for key in keys:
                if key.state == state:
                    await self._put(key, new=key.kid not in known)
        await self._connection.execute("SELECT pg_notify($1, '')", CHANNEL)
        self.keys = tuple(keys)

    async def _put(self, key: StoredKey, *, new: bool) -> None:
        values: list[Any] = [key.kid, key.state, key.activated_at, key.retiring_since]
        if not new:
            await self._connection.execute(
                "UPDATE signing_key SET state = $2, activated_at = $3, retiring_since = $4 WHERE kid = $1",
                *values,
            )
            return
        sealed = self._sealing.cipher.seal("signing_key", "private_sealed", key.kid, key.private_pem)
        await self._connection.execute(
            """INSERT INTO signing_key (kid, state, activated_at, retiring_since, created_at, private_sealed)
               VALUES ($1, $2, $3, $4, $5, $6)""",
            *values,
            key.created_at,
            sealed,
        )

    async def behind(self) -> int:
        """How many running workers do not have just these keys yet."""
        count: int = await self._connection.fetchval(
            """SELECT count(*) FROM key_adoption
               WHERE seen_at > now() - make_interval(secs => $2) AND signing_digest <> $1""",
            digest_of((key.kid, key.state) for key in self.keys),
            FRESH_S,
        )
        return count


def digest_of(keys: Iterable[tuple[str, str]]) -> bytes:
    """SHA-256 over names and states, in whatever order they come."""
    told = "\n".join(f"{kid} {state}" for kid, state in sorted(keys))
    return hashlib.sha256(told.encode()).digest()
