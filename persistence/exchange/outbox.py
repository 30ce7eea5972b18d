"""The outbox: the feed, read once for each webhook into deliveries, which senders claim and settle.

The place up to which a webhook has been told moves in the transaction that makes its deliveries, under the lock of
its row: no change is left out, none is told twice, however many processes do this and whenever one is killed.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.access.actor import Actor, Scope
from domain.exchange.changes import ChangeType, CursorExpired, Page, Position, View
from domain.exchange.delivery import (
    FAILING_FOR,
    WEARY_AFTER,
    DisabledReason,
    Endpoint,
    Message,
    Outcome,
    Verdict,
)
from domain.kernel import NIL
from persistence.engine import Connection
from persistence.exchange.changes import PgChanges
from persistence.exchange.deliveries import FIRST_OF_KEY, LOCK, MESSAGE_ID
from persistence.sealing import Sealing

PAGE = 500
"""Changes that one transaction makes into deliveries."""
OVERLAP = timedelta(hours=1)
"""Where a place in the feed was lost, changes from so long before are told again, but those whose deliveries are known."""
SWEPT = 5_000
"""Rows that one statement drops."""

# A webhook works while its client does, and may have webhooks.
_AT_WORK = """w.enabled AND c.enabled AND (c.expires_at IS NULL OR c.expires_at > $1::timestamptz)
  AND $2::text = ANY(c.scopes)"""
_LAGGING = f"""SELECT w.id, w.client_id, w.types, c.agency, c.scopes, c.areas FROM webhook w
  JOIN client c ON c.id = w.client_id AND c.agency = w.agency
  WHERE {_AT_WORK} AND (w.position_epoch <> $3 OR (w.position_transaction, w.position_id) < ($4::text::xid8, $5::text::uuid))
  ORDER BY w.relayed_at LIMIT 1000"""
_PLACE = """SELECT w.position_epoch, w.position_transaction::text AS transaction_id, w.position_id::text AS id, w.relayed_at,
    w.told_since
  FROM webhook w WHERE w.id = $1 AND w.enabled FOR UPDATE"""
_TELL = f"""WITH chosen AS (
    SELECT i.item, i.place, ch.id AS change_id, ch.area_code, ch.occurred_at,
      CASE WHEN ch.household_id = '{NIL}' THEN ch.resource_id ELSE ch.household_id END AS order_key
    FROM jsonb_array_elements($3::text::jsonb) WITH ORDINALITY AS i(item, place)
    JOIN change ch ON ch.household_id = coalesce((i.item->>'household_id')::uuid, '{NIL}')
      AND ch.id = right(i.item->>'sequence', 36)::uuid
    WHERE ch.occurred_at >= coalesce($4::timestamptz, '-infinity') AND NOT EXISTS (
      SELECT FROM webhook_delivery d WHERE d.webhook_id = $1 AND d.change_id = ch.id)),
  added AS (
    INSERT INTO webhook_delivery (webhook_id, number, id, change_id, order_key, item, change_area, occurred_at,
      next_attempt_at, created_at)
    SELECT $1, w.last_number + row_number() OVER (ORDER BY n.place), {MESSAGE_ID.format(change="n.change_id")}, n.change_id,
      n.order_key, n.item, n.area_code, n.occurred_at, {FIRST_OF_KEY.format(n="n")}, $2
    FROM chosen n, webhook w WHERE w.id = $1 RETURNING number)
  UPDATE webhook w SET last_number = w.last_number + (SELECT count(*) FROM added), position_epoch = $5,
    position_transaction = $6::text::xid8, position_id = $7::text::uuid, relayed_at = $2,
    told_since = CASE WHEN $8 THEN $4::timestamptz END
  WHERE w.id = $1"""

_CLAIM_TURN = "SELECT pg_try_advisory_xact_lock(hashtextextended('webhook claims', 0))"
_CLAIM = f"""WITH busy AS (
    SELECT d.webhook_id, count(*) AS taken FROM webhook_delivery d WHERE d.claimed_until > $1 GROUP BY d.webhook_id),
  ready AS (
    SELECT w.id, CASE WHEN w.failures >= {WEARY_AFTER} THEN 1 ELSE $3::int END - coalesce(b.taken, 0) AS room
    FROM webhook w JOIN client c ON c.id = w.client_id AND c.agency = w.agency LEFT JOIN busy b ON b.webhook_id = w.id
    WHERE {_AT_WORK} AND (w.held_until IS NULL OR w.held_until <= $1)),
  due AS (
    SELECT d.webhook_id, d.number, row_number() OVER (PARTITION BY d.webhook_id ORDER BY d.next_attempt_at, d.number) AS rank
    FROM ready r CROSS JOIN LATERAL (
      SELECT d.webhook_id, d.number, d.next_attempt_at FROM webhook_delivery d
      WHERE d.webhook_id = r.id AND d.next_attempt_at <= $1 AND (d.claimed_until IS NULL OR d.claimed_until <= $1)
      ORDER BY d.next_attempt_at, d.number LIMIT greatest(r.room, 0)) d),
  -- One of each webhook before a second of any.
  taken AS (SELECT webhook_id, number FROM due ORDER BY rank, webhook_id LIMIT $4::int)
  UPDATE webhook_delivery d SET claimed_until = $5
  FROM taken t JOIN webhook w ON w.id = t.webhook_id JOIN client c ON c.id = w.client_id
  WHERE d.webhook_id = t.webhook_id AND d.number = t.number
  RETURNING d.webhook_id, d.number, d.id, d.item, d.change_area, d.attempts, d.claimed_until, w.url, w.secret_sealed,
    CASE WHEN w.previous_secret_until > $1 THEN w.previous_secret_sealed END AS previous_secret_sealed,
    w.client_id, c.agency, c.scopes, c.areas"""

# When one is over, the next of its key may go; the earliest, whatever has been added meanwhile.
_SETTLE = f"""WITH settled AS (
    UPDATE webhook_delivery d SET status = $4, attempts = d.attempts + CASE WHEN $5 THEN 1 ELSE 0 END,
      last_attempt_at = CASE WHEN $5 THEN $6::timestamptz ELSE d.last_attempt_at END,
      last_status = CASE WHEN $5 THEN $7 ELSE d.last_status END, last_fault = CASE WHEN $5 THEN $8 ELSE d.last_fault END,
      next_attempt_at = $9::timestamptz, claimed_until = NULL, finished_at = CASE WHEN $4 <> 'pending' THEN $6::timestamptz END
    WHERE d.webhook_id = $1 AND d.number = $2 AND d.claimed_until = $3 AND d.status = 'pending'
    RETURNING d.webhook_id, d.number, d.order_key, d.status),
  following AS (
    UPDATE webhook_delivery d SET next_attempt_at = $6 FROM settled s
    WHERE s.status <> 'pending' AND d.webhook_id = s.webhook_id AND d.number = (
      SELECT e.number FROM webhook_delivery e
      WHERE e.webhook_id = s.webhook_id AND e.order_key = s.order_key AND e.status = 'pending' AND e.number <> s.number
      ORDER BY e.number LIMIT 1))
  UPDATE webhook w SET failures = CASE WHEN $8::text IS NULL THEN 0 ELSE w.failures + 1 END,
    failing_since = CASE WHEN $8::text IS NOT NULL THEN coalesce(w.failing_since, $6) END,
    held_until = greatest(w.held_until, $10::timestamptz),
    enabled = w.enabled AND NOT x.ends, version = w.version + CASE WHEN w.enabled AND x.ends THEN 1 ELSE 0 END,
    disabled_reason = CASE WHEN NOT w.enabled THEN w.disabled_reason
      WHEN x.ends THEN CASE WHEN $11 THEN '{DisabledReason.GONE}' ELSE '{DisabledReason.FAILING}' END END,
    disabled_at = CASE WHEN NOT w.enabled THEN w.disabled_at WHEN x.ends THEN $6 END,
    updated_at = CASE WHEN w.enabled AND x.ends THEN $6 ELSE w.updated_at END
  FROM (SELECT v.id, $11 OR ($8::text IS NOT NULL AND v.failing_since <= $6::timestamptz - $12::interval) IS TRUE AS ends
        FROM webhook v WHERE v.id = $1) x
  WHERE w.id = x.id AND $5 AND EXISTS (SELECT FROM settled)
    AND ($8::text IS NOT NULL OR w.failures > 0 OR w.failing_since IS NOT NULL)"""

_SWEEP_OLD = """DELETE FROM webhook_delivery d WHERE (d.webhook_id, d.number) IN (
    SELECT o.webhook_id, o.number FROM webhook_delivery o WHERE o.finished_at < $1 ORDER BY o.finished_at LIMIT $2)"""
# From webhook to webhook along the key, not through all their rows.
_SWEEP_ORPHANS = """WITH RECURSIVE known(webhook_id) AS (
    (SELECT d.webhook_id FROM webhook_delivery d ORDER BY d.webhook_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.webhook_id FROM webhook_delivery d WHERE d.webhook_id > k.webhook_id ORDER BY d.webhook_id LIMIT 1)
    FROM known k WHERE k.webhook_id IS NOT NULL)
  DELETE FROM webhook_delivery d WHERE (d.webhook_id, d.number) IN (
    SELECT o.webhook_id, o.number FROM known k CROSS JOIN LATERAL (
      SELECT e.webhook_id, e.number FROM webhook_delivery e WHERE e.webhook_id = k.webhook_id ORDER BY e.number LIMIT $1) o
    WHERE k.webhook_id IS NOT NULL AND NOT EXISTS (SELECT FROM webhook w WHERE w.id = k.webhook_id) LIMIT $1)"""


class PgOutbox:
    """Implements `Outbox`."""

    def __init__(self, connection: Connection, sealing: Sealing) -> None:
        self._connection, self._sealing = connection, sealing

    async def lagging(self, *, now: datetime) -> Sequence[tuple[UUID, Actor, Sequence[ChangeType]]]:
        end = await PgChanges(self._connection).end()
        rows = await self._connection.fetch(
            _LAGGING, now, Scope.WEBHOOKS_WRITE, end.epoch, str(end.transaction_id), end.id
        )
        return [(row["id"], _client(row), [ChangeType(one) for one in row["types"]]) for row in rows]

    async def relay(self, webhook_id: UUID, view: View, *, now: datetime) -> bool:
        place = await self._connection.fetchrow(_PLACE, webhook_id)
        if place is None:
            return False
        page, since = await self._page(place, view)
        position = page.next
        await self._connection.execute(
            _TELL, webhook_id, now, page.items.decode(), since, position.epoch, str(position.transaction_id), position.id,
            page.more,
        )  # fmt: skip
        return page.more

    async def _page(self, place: Any, view: View) -> tuple[Page, datetime | None]:
        """The next changes; where the place is lost, those of the whole feed from a time on."""
        changes = PgChanges(self._connection)
        position = Position(place["position_epoch"], int(place["transaction_id"]), place["id"])
        try:
            return await changes.page(view, position, PAGE), place["told_since"]
        except CursorExpired:
            since = place["told_since"] or place["relayed_at"] - OVERLAP
            return await changes.page(view, None, PAGE), since

    async def claim(self, *, now: datetime, until: datetime, each: int, most: int) -> Sequence[Message]:
        if not await self._connection.fetchval(_CLAIM_TURN):
            return []
        rows = await self._connection.fetch(_CLAIM, now, Scope.WEBHOOKS_WRITE, each, most, until)
        return sorted(map(self._message, rows), key=lambda one: (one.endpoint.webhook_id, one.number))

    async def settle(
        self, message: Message, outcome: Outcome | None, verdict: Verdict, *, now: datetime
    ) -> None:
        webhook_id = message.endpoint.webhook_id
        if await self._connection.fetchval(LOCK, webhook_id) is None:
            return
        await self._connection.execute(
            _SETTLE, webhook_id, message.number, message.claimed_until, verdict.status, outcome is not None, now,
            outcome.status if outcome else None, outcome.fault if outcome else None, verdict.next_attempt_at,
            verdict.held_until, verdict.gone, FAILING_FOR,
        )  # fmt: skip

    async def sweep(self, *, before: datetime) -> bool:
        gone = await self._connection.execute(_SWEEP_OLD, before, SWEPT)
        orphans = await self._connection.execute(_SWEEP_ORPHANS, SWEPT)
        return SWEPT in (int(gone.split()[-1]), int(orphans.split()[-1]))

    def _message(self, row: Any) -> Message:
        webhook_id, cipher = row["webhook_id"], self._sealing.cipher
        secrets = tuple(
            cipher.open("webhook", column, webhook_id, row[column])
            for column in ("secret_sealed", "previous_secret_sealed")
            if row[column] is not None
        )
        return Message(
            endpoint=Endpoint(webhook_id, row["url"], secrets, _client(row)),
            number=row["number"],
            id=row["id"],
            item=json.loads(row["item"]),
            area=row["change_area"],
            attempts=row["attempts"],
            claimed_until=row["claimed_until"],
        )


def _client(row: Any) -> Actor:
    """A webhook's client as it stands now, as if it called."""
    return Actor(row["client_id"], row["agency"], frozenset(row["scopes"]), tuple(row["areas"]), 0, "")
