"""The messages of a webhook, as its client sees them and asks for them again."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from domain.access.actor import Actor
from domain.exchange.delivery import DeliveryStatus
from domain.exchange.webhooks import TEST_ACTION, TEST_TYPE
from domain.kernel import Document, Listing, Paging
from persistence.engine import Connection
from persistence.exchange.webhooks import OWN, mine
from persistence.keyset import Order, Source, fetch_page
from persistence.sql import Binds

_COLUMNS = """'msg_' || replace(d.id::text, '-', '') AS id, d.number, d.item->>'type' AS type, d.item->>'action' AS action,
  (d.item->>'resource_id')::uuid AS resource_id, (d.item->>'household_id')::uuid AS household_id, d.occurred_at, d.status,
  d.attempts, d.last_attempt_at, d.last_status, d.last_fault, d.next_attempt_at, d.created_at, d.finished_at"""
_ORDERS = {
    "created_at": Order((("number", "bigint"),)),
    "-created_at": Order((("number", "bigint"),), descending=True),
}
LOCK = "SELECT w.last_number FROM webhook w WHERE w.id = $1 FOR UPDATE"
"""Whoever adds to a webhook's queue, or takes from it, holds its row: so it is always known which message of a
household is the first that waits. The statement after it sees what the one before has done."""
_LOCK_OWN = f"SELECT w.last_number FROM webhook w WHERE {OWN} AND w.id = $3 FOR UPDATE"
FIRST_OF_KEY = """CASE WHEN row_number() OVER (PARTITION BY {n}.order_key ORDER BY {n}.place) = 1 AND NOT EXISTS (
      SELECT FROM webhook_delivery e WHERE e.webhook_id = $1 AND e.order_key = {n}.order_key AND e.status = 'pending')
    THEN $2::timestamptz END"""
"""When a message that is added may be sent: at once, or, as null, after the earlier ones of its key."""
MESSAGE_ID = "left(encode(sha256(uuid_send($1::uuid) || uuid_send({change})), 'hex'), 32)::uuid"
_OVER = """d.webhook_id = $1 AND d.status <> 'pending' AND d.item->>'type' <> $5
  AND d.occurred_at >= $3::timestamptz AND d.occurred_at < $4::timestamptz"""
_COUNT = f"SELECT count(*) FROM (SELECT FROM webhook_delivery d WHERE {_OVER} LIMIT $2) t"
_REPLAY = f"""WITH again AS (
    SELECT n.number, row_number() OVER (ORDER BY n.place) AS rank, {FIRST_OF_KEY.format(n="n")} AS due
    FROM (SELECT d.number, d.number AS place, d.order_key FROM webhook_delivery d WHERE {_OVER}) n),
  queued AS (
    UPDATE webhook_delivery d SET number = w.last_number + a.rank, status = 'pending', attempts = 0,
      next_attempt_at = a.due, finished_at = NULL
    FROM again a, webhook w WHERE w.id = $1 AND d.webhook_id = $1 AND d.number = a.number RETURNING d.number)
  UPDATE webhook w SET last_number = w.last_number + (SELECT count(*) FROM queued) WHERE w.id = $1"""
_TEST = f"""WITH counted AS (UPDATE webhook w SET last_number = w.last_number + 1 WHERE w.id = $1 RETURNING w.last_number),
  d AS (
    INSERT INTO webhook_delivery (webhook_id, number, id, change_id, order_key, item, change_area, occurred_at,
      next_attempt_at, created_at)
    SELECT $1, last_number, {MESSAGE_ID.format(change="$3::uuid")}, $3, $3, jsonb_build_object(
        'sequence', NULL, 'type', $4::text, 'action', $5::text, 'resource_id', $1::uuid, 'occurred_at', $2::timestamptz,
        'household_id', NULL, 'version', 1, 'tombstone', false), '', $2, $2, $2 FROM counted RETURNING *)
  SELECT row_to_json(t) FROM (SELECT {_COLUMNS} FROM d) t"""


class PgDeliveries:
    """Implements `DeliveryStore`."""

    def __init__(self, connection: Connection, new_id: Callable[[], UUID]) -> None:
        self._connection, self._new_id = connection, new_id

    async def page(
        self, actor: Actor, webhook_id: UUID, statuses: Sequence[DeliveryStatus], paging: Paging
    ) -> Listing:
        binds = Binds((*mine(actor), webhook_id))
        found = [f"d.webhook_id = $3 AND EXISTS (SELECT FROM webhook w WHERE w.id = $3 AND {OWN})"]
        if statuses:
            found.append(f"d.status = ANY({binds(list(statuses))}::text[])")
        source = Source("webhook_delivery", "d", _COLUMNS)
        return await fetch_page(self._connection, source, found, _ORDERS[paging.sort], paging, binds)

    async def replay(
        self,
        actor: Actor,
        webhook_id: UUID,
        since: datetime,
        until: datetime,
        *,
        most: int,
        now: datetime,
    ) -> int | None:
        if await self._connection.fetchval(_LOCK_OWN, *mine(actor), webhook_id) is None:
            return 0
        count: int = await self._connection.fetchval(_COUNT, webhook_id, most + 1, since, until, TEST_TYPE)
        if count > most:
            return None
        await self._connection.execute(_REPLAY, webhook_id, now, since, until, TEST_TYPE)
        return count

    async def test(self, actor: Actor, webhook_id: UUID, *, now: datetime) -> Document | None:
        if await self._connection.fetchval(_LOCK_OWN, *mine(actor), webhook_id) is None:
            return None
        text = await self._connection.fetchval(_TEST, webhook_id, now, self._new_id(), TEST_TYPE, TEST_ACTION)
        return Document(text, 1)
