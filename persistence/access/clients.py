"""Clients on one connection; every change writes its audit row in the same statement.

What bars a client or a token is told to every worker as it is committed (persistence/access/standing.py).
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from domain.access.actor import Actor
from domain.access.clients import Client, ClientExists, Credentials, Entitled
from domain.access.policy import Reach
from domain.access.public_keys import KeySet
from domain.kernel import NIL, Listing, Paging
from persistence.engine import Connection
from persistence.keyset import Order, Source, fetch_page
from persistence.sql import Binds

_COLUMNS = """c.id AS client_id, c.name, c.agency, c.scopes, c.areas, c.enabled, c.expires_at,
  c.last_used_at, c.allowed_networks, c.jwks, c.created_at, c.updated_at, c.version"""
# "*" starts with no area code and with the empty prefix: only the country holds the country. Nor has a national
# agency an area to start with: its clients are the country's and its own. As `domain.access.clients.reaches_agency`.
_REACHED = """NOT EXISTS (SELECT FROM unnest(c.areas) AS a(code) WHERE NOT a.code ^@ ANY({prefixes}::text[]))
  AND ('' = ANY({prefixes}::text[]) OR c.agency = {agency}::text
    OR EXISTS (SELECT FROM agency g WHERE g.code = c.agency AND g.area_code ^@ ANY({prefixes}::text[])))"""
_REACHED_BY_WRITER = _REACHED.format(prefixes="$9", agency="$5")
_ORDER = Order((("id", "text"),))


def _audited(change: str, operation: str) -> str:
    """`change` as a CTE over `client c`, and the audit row of each row it returned.

    The first seven values are those of `_stamp`, $5 the caller's agency; the values of `change` start at $8.
    """
    return f"""WITH changed AS ({change} RETURNING {_COLUMNS}), audited AS (
      INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource, changes)
      SELECT $1, $2, $3, $4, $5, $6, 'client.{operation}', changed.client_id, $7::jsonb FROM changed)
    SELECT * FROM changed"""


_ADD = _audited(
    """INSERT INTO client AS c (id, name, agency, scopes, areas, secret_hash, enabled, expires_at, version,
        created_at, updated_at, allowed_networks, jwks)
      VALUES ($8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)""",
    "created",
)
# The second after this one, by the clock at which the row's lock was got: see `Entitled`.
_NEXT_SECOND = "date_trunc('second', clock_timestamp()) + interval '1 second'"
_AMEND = _audited(
    f"""UPDATE client AS c SET name = $11, scopes = $12, areas = $13, enabled = $14, expires_at = $15,
        allowed_networks = $16, jwks = $17,
        tokens_not_before = CASE WHEN $18 THEN {_NEXT_SECOND} ELSE c.tokens_not_before END,
        version = c.version + 1, updated_at = $3
      WHERE c.id = $8 AND {_REACHED_BY_WRITER} AND c.version = $10""",
    "updated",
)
_ROTATE = _audited(
    f"""UPDATE client AS c SET previous_secret_hash = c.secret_hash, previous_secret_until = $11,
        secret_hash = $10, version = c.version + 1, updated_at = $3,
        tokens_not_before = CASE WHEN $12 THEN {_NEXT_SECOND} ELSE c.tokens_not_before END
      WHERE c.id = $8 AND {_REACHED_BY_WRITER}""",
    "secret-rotated",
)
_REVOKE = _audited(
    f"""UPDATE client AS c SET enabled = false, secret_hash = $10, previous_secret_hash = NULL,
        previous_secret_until = NULL, jwks = NULL, tokens_not_before = {_NEXT_SECOND}, version = c.version + 1, updated_at = $3
      WHERE c.id = $8 AND {_REACHED_BY_WRITER}""",
    "revoked",
)
_GET = f"SELECT {_COLUMNS} FROM client c WHERE c.id = $1 AND {_REACHED.format(prefixes='$2', agency='$3')}"
_HASHES = """c.secret_hash,
    CASE WHEN c.previous_secret_until > $2 THEN c.previous_secret_hash END AS previous_secret_hash"""
_CREDENTIALS = f"SELECT {_COLUMNS}, {_HASHES} FROM client c WHERE c.id = $1"
# The statement's time, which is before its snapshot and its lock. Whoever narrows waits for the lock and reads the
# clock afterwards (_HOLD, _NEXT_SECOND): rights that were read before are of an earlier second than it bars.
_ENTITLED = f"""SELECT {_COLUMNS}, {_HASHES}, statement_timestamp() AS clock, c.tokens_not_before
  FROM client c WHERE c.id = $1 FOR SHARE"""
_HOLD = "SELECT FROM client WHERE id = $1 FOR UPDATE"
_TELL = "SELECT pg_notify('standing', '')"
_SPEND = """INSERT INTO client_assertion (client_id, jti_hash, expires_at) VALUES ($1, $2, $3)
  ON CONFLICT DO NOTHING RETURNING true"""
# Not a new version and no audit row: one for every token would bury the changes that matter.
_TOUCH = """UPDATE client SET last_used_at = $2
  WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2::timestamptz - interval '1 minute')"""
# The table is swept as it is written: what has expired is refused without it. A minute for the clocks.
_BAR = """WITH swept AS (
    DELETE FROM revoked_token WHERE expires_at < $3::timestamptz - interval '1 minute' AND token_id <> $7),
  barred AS (
    INSERT INTO revoked_token (token_id, client_id, expires_at) VALUES ($7, $4, $8)
    ON CONFLICT (token_id) DO NOTHING RETURNING token_id)
  INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource)
  SELECT $1, $2, $3, $4, $5, $6, 'token.revoked', token_id FROM barred"""


class PgClients:
    """Implements `ClientStore`."""

    def __init__(self, connection: Connection, new_id: Callable[[], UUID]) -> None:
        self._connection, self._new_id = connection, new_id

    async def add(self, actor: Actor, client: Client, secret_hash: bytes) -> None:
        granted = {"agency": client.agency, "scopes": client.scopes, "areas": client.areas}
        try:
            await self._connection.execute(
                _ADD,
                *self._stamp(actor, client.created_at, granted),
                client.client_id,
                client.name,
                client.agency,
                client.scopes,
                client.areas,
                secret_hash,
                client.enabled,
                client.expires_at,
                client.version,
                client.created_at,
                client.updated_at,
                client.allowed_networks,
                _plain(client.jwks),
            )
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "client_pkey":
                raise
            raise ClientExists from None
        if client.allowed_networks:
            await self._connection.execute(_TELL)

    async def get(self, reach: Reach, client_id: str) -> Client | None:
        return _client(await self._connection.fetchrow(_GET, client_id, reach.prefixes, reach.actor.agency))

    async def page(self, reach: Reach, paging: Paging) -> Listing:
        binds = Binds()
        conditions = [_REACHED.format(prefixes=binds(reach.prefixes), agency=binds(reach.actor.agency))]
        source = Source("client", "c", _COLUMNS)
        return await fetch_page(self._connection, source, conditions, _ORDER, paging, binds)

    async def amend(
        self,
        reach: Reach,
        client: Client,
        changes: Mapping[str, Any],
        *,
        version: int,
        bar_tokens: bool,
        now: datetime,
    ) -> Client | None:
        shown = {name: _shown(name, value) for name, value in changes.items()}
        await self._connection.execute(_HOLD, client.client_id)
        row = await self._connection.fetchrow(
            _AMEND,
            *self._stamp(reach.actor, now, shown),
            client.client_id,
            reach.prefixes,
            version,
            client.name,
            client.scopes,
            client.areas,
            client.enabled,
            client.expires_at,
            client.allowed_networks,
            _plain(client.jwks),
            bar_tokens,
        )
        return await self._told(row)

    async def rotate(
        self,
        reach: Reach,
        client_id: str,
        secret_hash: bytes,
        *,
        overlap_until: datetime,
        bar_tokens: bool,
        now: datetime,
    ) -> Client | None:
        await self._connection.execute(_HOLD, client_id)
        stamp = self._stamp(reach.actor, now, {"overlap_until": overlap_until})
        row = await self._connection.fetchrow(
            _ROTATE, *stamp, client_id, reach.prefixes, secret_hash, overlap_until, bar_tokens
        )
        return await self._told(row)

    async def revoke(
        self, reach: Reach, client_id: str, secret_hash: bytes, *, now: datetime
    ) -> Client | None:
        stamp = self._stamp(reach.actor, now, {"enabled": False})
        await self._connection.execute(_HOLD, client_id)
        row = await self._connection.fetchrow(_REVOKE, *stamp, client_id, reach.prefixes, secret_hash)
        return await self._told(row)

    async def credentials(self, client_id: str, *, now: datetime) -> Credentials | None:
        row = await self._connection.fetchrow(_CREDENTIALS, client_id, now)
        return None if row is None else _credentials(dict(row))

    async def entitled(self, client_id: str, *, now: datetime) -> Entitled | None:
        row = await self._connection.fetchrow(_ENTITLED, client_id, now)
        if row is None:
            return None
        fields = dict(row)
        clock, not_before = fields.pop("clock"), fields.pop("tokens_not_before")
        return Entitled(_credentials(fields), clock, not_before)

    async def spend_assertion(self, client_id: str, jti: str, *, expires_at: datetime) -> bool:
        hashed = hashlib.sha256(jti.encode()).digest()
        return await self._connection.fetchval(_SPEND, client_id, hashed, expires_at) is not None

    async def touch(self, client_id: str, *, now: datetime) -> None:
        await self._connection.execute(_TOUCH, client_id, now)

    async def revoke_token(self, token: Actor, *, now: datetime) -> None:
        expires_at = datetime.fromtimestamp(token.expires_at, tz=now.tzinfo)
        *stamp, _ = self._stamp(token, now, {})
        await self._connection.execute(_BAR, *stamp, token.token_id, expires_at)
        await self._connection.execute(_TELL)

    async def _told(self, row: "asyncpg.Record | None") -> Client | None:
        """The changed client; every worker hears of it with the commit."""
        if row is None:
            return None
        await self._connection.execute(_TELL)
        return _client(row)

    def _stamp(self, actor: Actor, at: datetime, changes: Mapping[str, Any]) -> tuple[Any, ...]:
        """Values $1 to $7 of a statement that leaves an audit row."""
        return (NIL, self._new_id(), at, actor.client_id, actor.agency, actor.request_id, dict(changes))


def _client(row: "asyncpg.Record | None") -> Client | None:
    return None if row is None else _made(dict(row))


def _made(fields: dict[str, Any]) -> Client:
    if fields["jwks"] is not None:
        fields["jwks"] = orjson.loads(fields["jwks"])
    return Client.model_validate(fields)


def _credentials(fields: dict[str, Any]) -> Credentials:
    current, previous = fields.pop("secret_hash"), fields.pop("previous_secret_hash")
    return Credentials(_made(fields), current, previous)


def _plain(keys: KeySet | None) -> dict[str, Any] | None:
    return None if keys is None else keys.model_dump()


def _shown(name: str, value: Any) -> Any:
    """A change as the audit keeps it: a client's name may be somebody's, and of keys their names are enough."""
    if name == "name":
        return None
    return [key.kid for key in value.keys] if isinstance(value, KeySet) else value
