"""Stored answers of POSTs, by client and key, in the write's own transaction.

An advisory lock held to the end of the transaction tells "still running" from "never seen" without waiting. A key is
the caller's text, and may be a citizen id: what is kept of it is a hash under a key of the keyring.
"""

from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

from domain.exchange.idempotency import StoredAnswer
from persistence.engine import Connection
from persistence.sealing import Sealing

KEPT = timedelta(days=7)
MOST_FORGOTTEN = 5000
"""Answers that one statement drops."""


class PgIdempotency:
    """Implements `IdempotencyStore`."""

    def __init__(self, connection: Connection, sealing: Sealing) -> None:
        self._connection, self._sealing = connection, sealing

    async def claim(self, client_id: str, key: str) -> bool:
        """Whether this transaction is the only one at work on the key."""
        claimed: bool = await self._connection.fetchval(
            "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", f"idempotency {client_id} {key}"
        )
        return claimed

    async def find(self, client_id: str, key: str) -> StoredAnswer | None:
        key = self._hashed(key)
        row = await self._connection.fetchrow(
            "SELECT request_hash, status, headers, body_sealed FROM idempotency WHERE client_id = $1 AND key = $2",
            client_id,
            key,
        )
        if row is None:
            return None
        body = self._sealing.cipher.open(
            "idempotency", "body_sealed", row_id(client_id, key), row["body_sealed"]
        )
        return StoredAnswer(row["request_hash"], row["status"], orjson.loads(row["headers"]), body.encode())

    async def keep(self, client_id: str, key: str, answer: StoredAnswer, *, now: datetime) -> None:
        key = self._hashed(key)
        sealed = self._sealing.cipher.seal(
            "idempotency", "body_sealed", row_id(client_id, key), answer.body.decode()
        )
        await self._connection.execute(
            """INSERT INTO idempotency (client_id, key, request_hash, status, headers, body_sealed, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7)""",
            client_id,
            key,
            answer.request_hash,
            answer.status,
            dict(answer.headers),
            sealed,
            now,
        )

    def _hashed(self, key: str) -> str:
        return self._sealing.content.of(key).hex()

    async def forget_old(self, *, now: datetime) -> int:
        """Drops a bounded number of answers older than seven days; how many."""
        gone = await self._connection.execute(
            """DELETE FROM idempotency WHERE (client_id, key) IN (
                 SELECT client_id, key FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2)""",
            now - KEPT,
            MOST_FORGOTTEN,
        )
        return int(gone.split()[-1])


def row_id(client_id: str, key: str) -> UUID:
    """What the sealed body of an answer is bound to."""
    return uuid5(NAMESPACE_URL, f"{client_id} {key}")
