"""Webhooks on one connection: a client's own, each write with its audit row in the same transaction."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from domain.access.actor import Actor
from domain.exchange.changes import HEARD_WITH
from domain.exchange.delivery import DisabledReason
from domain.exchange.webhook import WebhookDraft
from domain.exchange.webhooks import TooManyWebhooks
from domain.kernel import NIL, Document, Listing, Paging
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.exchange.changes import PgChanges
from persistence.keyset import ORDERS, Source, fetch_page
from persistence.sealing import Sealing
from persistence.sql import Binds

_HEARD = " ".join(
    f"WHEN '{one}' THEN '{{{','.join(scopes)}}}'::text[]" for one, scopes in HEARD_WITH.items() if scopes
)
_WITHHELD = f"""ARRAY(SELECT t.type FROM unnest(w.types) WITH ORDINALITY AS t(type, at)
    WHERE NOT EXISTS (SELECT FROM client c WHERE c.id = w.client_id AND c.agency = w.agency
      AND (c.scopes && CASE t.type {_HEARD} END) IS NOT FALSE) ORDER BY t.at)"""
COLUMNS = f"""w.id, w.url, w.types, {_WITHHELD} AS withheld_types, w.enabled, w.disabled_reason, w.disabled_at,
  w.previous_secret_until AS previous_secret_expires_at, w.created_at, w.updated_at, w.version"""
OWN = "w.client_id = $1 AND w.agency = $2"
"""The caller's own, with `_mine` bound first."""
# Two requests of one client take turns here, or both would count ninety-nine.
_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('webhook ' || $1::text, 0))"
_COUNT = f"SELECT count(*) FROM webhook w WHERE {OWN}"
_SHOWN = f"SELECT w.version, (SELECT row_to_json(t) FROM (SELECT {COLUMNS}) t) AS document"
_GET = f"{_SHOWN} FROM webhook w WHERE {OWN} AND w.id = $3 AND {GATE}"
_ADD = f"""WITH added AS (
    INSERT INTO webhook (client_id, agency, id, url, types, secret_sealed, position_epoch, position_transaction,
      position_id, relayed_at, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::xid8, $9::text::uuid, $10, $10, $10) RETURNING *)
  {_SHOWN} FROM added w"""
_AMEND = f"""WITH amended AS (
    UPDATE webhook w SET url = coalesce($5, w.url), types = coalesce($6::text[], w.types),
      enabled = coalesce($7, w.enabled),
      disabled_reason = CASE WHEN coalesce($7, w.enabled) THEN NULL ELSE coalesce(w.disabled_reason, $8) END,
      disabled_at = CASE WHEN coalesce($7, w.enabled) THEN NULL ELSE coalesce(w.disabled_at, $9::timestamptz) END,
      failures = 0, failing_since = NULL, held_until = NULL, version = w.version + 1, updated_at = $9
    WHERE {OWN} AND w.id = $3 AND w.version = $4 RETURNING *),
  due AS (
    UPDATE webhook_delivery d SET next_attempt_at = $9 WHERE $7 AND d.webhook_id = $3 AND d.next_attempt_at > $9)
  {_SHOWN} FROM amended w"""
_ROTATE = f"""WITH rotated AS (
    UPDATE webhook w SET secret_sealed = $4, version = w.version + 1, updated_at = $7,
      previous_secret_sealed = CASE WHEN $6::timestamptz > $7 THEN $5::bytea END,
      previous_secret_until = CASE WHEN $6::timestamptz > $7 THEN $6::timestamptz END
    WHERE {OWN} AND w.id = $3 RETURNING *)
  {_SHOWN} FROM rotated w"""
_HOLD = f"SELECT w.secret_sealed FROM webhook w WHERE {OWN} AND w.id = $3 FOR UPDATE"
_OWNER = "SELECT c.scopes, c.areas FROM client c WHERE c.id = $1 AND c.agency = $2"
_REMOVE = f"DELETE FROM webhook w WHERE {OWN} AND w.id = $3 RETURNING true"
_AUDIT = """INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource, changes)
  VALUES ($1, $2, $3, $4, $5, $6, 'webhook.' || $7::text, $8, $9)"""


class PgWebhooks:
    """Implements `WebhookStore`."""

    def __init__(self, connection: Connection, sealing: Sealing, new_id: Callable[[], UUID]) -> None:
        self._connection, self._sealing, self._new_id = connection, sealing, new_id

    async def add(
        self, actor: Actor, webhook_id: UUID, draft: WebhookDraft, secret: str, *, most: int, now: datetime
    ) -> Document:
        await self._connection.fetchval(_TURN, actor.client_id)
        if await self._connection.fetchval(_COUNT, *mine(actor)) >= most:
            raise TooManyWebhooks
        # Whatever commits after this lies behind the end of the feed as it is now.
        end = await PgChanges(self._connection).end()
        row = await self._connection.fetchrow(
            _ADD, *mine(actor), webhook_id, draft.url, list(draft.types), self._sealed(webhook_id, secret),
            end.epoch, str(end.transaction_id), end.id, now,
        )  # fmt: skip
        shown = {"host": _host(draft.url), "types": list(draft.types)}
        await self._audit(actor, webhook_id, "created", shown, now)
        return Document(row["document"], row["version"])

    async def owner(self, actor: Actor) -> Actor | None:
        row = await self._connection.fetchrow(_OWNER, *mine(actor))
        if row is None:
            return None
        scopes, areas = frozenset(row["scopes"]), tuple(row["areas"])
        return Actor(actor.client_id, actor.agency, scopes, areas, 0, "")

    async def get(self, actor: Actor, webhook_id: UUID) -> Document | None:
        return _document(await self._connection.fetchrow(_GET, *mine(actor), webhook_id))

    async def page(self, actor: Actor, paging: Paging) -> Listing:
        binds = Binds(mine(actor))
        source = Source("webhook", "w", COLUMNS)
        return await fetch_page(self._connection, source, [OWN], ORDERS[paging.sort], paging, binds)

    async def amend(
        self, actor: Actor, webhook_id: UUID, changes: Mapping[str, Any], *, version: int, now: datetime
    ) -> Document | None:
        types = changes.get("types")
        row = await self._connection.fetchrow(
            _AMEND, *mine(actor), webhook_id, version, changes.get("url"), None if types is None else list(types),
            changes.get("enabled"), DisabledReason.CLIENT, now,
        )  # fmt: skip
        if row is not None:
            shown = {name: _host(value) if name == "url" else value for name, value in changes.items()}
            await self._audit(actor, webhook_id, "updated", shown, now)
        return _document(row)

    async def rotate(
        self, actor: Actor, webhook_id: UUID, secret: str, *, overlap_until: datetime, now: datetime
    ) -> Document | None:
        held = await self._connection.fetchval(_HOLD, *mine(actor), webhook_id)
        if held is None:
            return None
        # What is sealed is bound to its column: the old secret is sealed anew where it stands from now on.
        cipher = self._sealing.cipher
        replaced = cipher.open("webhook", "secret_sealed", webhook_id, held)
        previous = cipher.seal("webhook", "previous_secret_sealed", webhook_id, replaced)
        sealed = self._sealed(webhook_id, secret)
        row = await self._connection.fetchrow(
            _ROTATE, *mine(actor), webhook_id, sealed, previous, overlap_until, now
        )
        shown = {"overlap_until": overlap_until.isoformat()}
        await self._audit(actor, webhook_id, "secret-rotated", shown, now)
        return _document(row)

    async def remove(self, actor: Actor, webhook_id: UUID, *, now: datetime) -> bool:
        if not await self._connection.fetchval(_REMOVE, *mine(actor), webhook_id):
            return False
        await self._audit(actor, webhook_id, "deleted", {}, now)
        return True

    def _sealed(self, webhook_id: UUID, secret: str) -> bytes:
        return self._sealing.cipher.seal("webhook", "secret_sealed", webhook_id, secret)

    async def _audit(
        self, actor: Actor, webhook_id: UUID, action: str, changes: Mapping[str, Any], now: datetime
    ) -> None:
        await self._connection.execute(
            _AUDIT, NIL, self._new_id(), now, actor.client_id, actor.agency, actor.request_id, action,
            str(webhook_id), dict(changes),
        )  # fmt: skip


def mine(actor: Actor) -> tuple[str, str]:
    """What `OWN` is bound to."""
    return actor.client_id, actor.agency


def _document(row: Any) -> Document | None:
    return None if row is None else Document(row["document"], row["version"])


def _host(url: str) -> str | None:
    # The rest of a URL may be a secret of the receiver's.
    return urlsplit(url).hostname
