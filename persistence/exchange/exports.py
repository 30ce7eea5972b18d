"""Exports on one connection: who asked for what, the files that were made, and the work of the job."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.access.actor import Actor
from domain.access.policy import Reach, unmasked_fields
from domain.exchange.changes import Position
from domain.exchange.export import (
    UNFINISHED,
    Allowance,
    ExportDraft,
    ExportExpired,
    ExportFault,
    ExportFormat,
    ExportStatus,
    ExportType,
    Made,
    Order,
    OutputType,
    StoredFile,
    TooManyExports,
)
from domain.exchange.export_store import Logged, Proceed, Read
from domain.exchange.jobs import FileWriter
from domain.kernel import NIL, Document, Listing, Paging
from persistence import jobs
from persistence.engine import Connection
from persistence.exchange import export_copying as copying
from persistence.exchange.export_rows import gone_sql, rows_sql
from persistence.exchange.formats import sheet
from persistence.keyset import ORDERS, Source, fetch_page
from persistence.sealing import Sealing
from persistence.sql import Binds

TASK = "export"
"""The name that the queue knows it under."""
FORGOTTEN = timedelta(days=30)
"""After which an export that has ended is no longer listed."""
MOST_UNFINISHED = 1_000

_UNFINISHED = ", ".join(f"'{status}'" for status in UNFINISHED)
_COLUMNS = """e.id, e.type, e.area, e.format, e.since, e.status, e.error_code, e.unmasked, e.transaction_time,
  e.feed_position, e.created_at, e.started_at, e.finished_at, e.expires_at,
  (SELECT coalesce(json_agg(o), '[]') FROM (
    SELECT f.type, '/v1/exports/' || e.id || '/files/' || f.part AS url, f.row_count AS count, f.size, f.sha256, f.part
    FROM export_file f WHERE f.export_id = e.id ORDER BY f.part) o) AS output,
  e.deleted"""
# Two requests of one client take turns here, or both would count four.
_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('export ' || $1::text, 0))"
_COUNT = f"SELECT count(*) FROM export WHERE client_id = $1 AND status IN ({_UNFINISHED})"
_ADD = f"""WITH added AS (
    INSERT INTO export (id, client_id, agency, scopes, areas, purpose, request_id, type, area, format, since, unmasked,
      kept_hours, file_ids, status, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'queued', $15) RETURNING *),
  audited AS (
    INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource, changes)
    VALUES ($16, $17, $15, $2, $3, $7, 'export.created', $1::text, $18))
  SELECT row_to_json(t) FROM (SELECT {_COLUMNS} FROM added e) t"""
_ORDER = """SELECT id, client_id, agency, scopes, areas, purpose, request_id, type, area, format, since, unmasked, kept_hours,
    file_ids, status FROM export WHERE id = $1"""
_BEGIN = f"""UPDATE export SET status = 'running', started_at = $2 WHERE id = $1 AND status IN ({_UNFINISHED})
  RETURNING true"""
_FINISH = """UPDATE export SET status = 'succeeded', finished_at = $2, transaction_time = $3, feed_position = $4, deleted = $5,
    expires_at = $2::timestamptz + kept_hours * interval '1 hour'
  WHERE id = $1 AND status = 'running' RETURNING true"""
_LIST = """INSERT INTO export_file (export_id, id, type, part, row_count, size, sha256, file_key_sealed)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"""
_FAIL = f"UPDATE export SET status = 'failed', error_code = $2, finished_at = $3 WHERE id = $1 AND status IN ({_UNFINISHED})"
# One id serves an attempt: the key is (household, id).
_LOG = """INSERT INTO access_log (household_id, id, at, client_id, agency, purpose, person_ids, fields, request_id, area_code)
  SELECT r.household_id, $1, $2, $3, $4, $5, ARRAY(SELECT jsonb_array_elements_text(r.person_ids)::uuid), $6, $7, r.area_code
  FROM jsonb_to_recordset($8::jsonb) AS r(household_id uuid, area_code text, person_ids jsonb)"""
_EXPIRED = """DELETE FROM export_file f USING (
    SELECT export_id, id FROM export_file WHERE export_id IN (SELECT id FROM export WHERE expires_at <= $1) LIMIT $2) old
  WHERE f.export_id = old.export_id AND f.id = old.id RETURNING f.id"""
_FORGET = """DELETE FROM export WHERE id IN (SELECT e.id FROM export e WHERE e.finished_at < $1
    AND NOT EXISTS (SELECT FROM export_file f WHERE f.export_id = e.id) LIMIT $2)"""


class PgExports:
    """Implements `ExportStore`."""

    def __init__(self, connection: Connection, sealing: Sealing, new_id: Callable[[], UUID]) -> None:
        self._connection, self._sealing, self._new_id = connection, sealing, new_id

    async def add(
        self,
        actor: Actor,
        export_id: UUID,
        draft: ExportDraft,
        *,
        unmasked: bool,
        allowance: Allowance,
        file_ids: Sequence[UUID],
        now: datetime,
    ) -> Document:
        connection = self._connection
        await connection.fetchval(_TURN, actor.client_id)
        if await connection.fetchval(_COUNT, actor.client_id) >= allowance.most:
            raise TooManyExports(allowance.most)
        changes = draft.model_dump(mode="json", exclude_none=True)
        changes |= {"unmasked": unmasked, "purpose": actor.purpose}
        text = await connection.fetchval(
            _ADD, export_id, actor.client_id, actor.agency, sorted(actor.scopes), list(actor.areas), actor.purpose,
            actor.request_id, draft.type, draft.area, draft.format, draft.since, unmasked,
            int(allowance.kept.total_seconds() // 3600), list(file_ids), now, NIL, self._new_id(), changes,
        )  # fmt: skip
        await jobs.enqueue(connection, TASK, export_id)
        return Document(text, 1)

    async def kept_since(self) -> datetime:
        pruned: UUID = await self._connection.fetchval("SELECT pruned_id FROM feed_epoch")
        # A UUIDv7 begins with its time, in milliseconds.
        return datetime.fromtimestamp((pruned.int >> 80) / 1000, UTC)

    async def get(self, reach: Reach, export_id: UUID) -> Document | None:
        binds = Binds((export_id,))
        text = await self._connection.fetchval(
            f"""SELECT row_to_json(t) FROM (SELECT {_COLUMNS} FROM export e
              WHERE e.id = $1 AND {_own(reach, binds)}) t""",
            *binds,
        )
        return None if text is None else Document(text, 1)

    async def page(self, reach: Reach, paging: Paging) -> Listing:
        binds = Binds()
        source = Source("export", "e", _COLUMNS)
        found = [_own(reach, binds)]
        return await fetch_page(self._connection, source, found, ORDERS[paging.sort], paging, binds)

    async def cancel(self, reach: Reach, export_id: UUID, *, now: datetime) -> bool:
        binds = Binds((export_id, now))
        stopped = await self._connection.fetchval(
            f"""UPDATE export e SET status = 'cancelled', finished_at = $2
              WHERE e.id = $1 AND e.status IN ({_UNFINISHED}) AND {_own(reach, binds)} RETURNING true""",
            *binds,
        )
        return bool(stopped)

    async def file(self, reach: Reach, export_id: UUID, part: int, *, now: datetime) -> StoredFile | None:
        binds = Binds((export_id, part))
        row = await self._connection.fetchrow(
            f"""SELECT f.id, f.file_key_sealed, f.size, f.sha256, f.type, e.format, e.type AS of, e.unmasked, e.expires_at
              FROM export e LEFT JOIN export_file f ON f.export_id = e.id AND f.part = $2::int
              WHERE e.id = $1 AND {_own(reach, binds)} AND e.status = 'succeeded'""",
            *binds,
        )
        if row is None:
            return None
        # Its rows go with the files: of an export past its time, every part has been.
        if row["expires_at"] <= now:
            raise ExportExpired
        if row["id"] is None:
            return None
        return StoredFile(
            id=row["id"],
            key=self._opened(row["id"], row["file_key_sealed"]),
            size=row["size"],
            sha256=row["sha256"],
            type=OutputType(row["type"]),
            format=ExportFormat(row["format"]),
            export_type=ExportType(row["of"]),
            unmasked=row["unmasked"],
        )

    def _opened(self, file_id: UUID, sealed: bytes) -> str:
        return self._sealing.cipher.open("export_file", "file_key_sealed", file_id, sealed)

    # For the job

    async def order(self, export_id: UUID) -> Order | None:
        row = await self._connection.fetchrow(_ORDER, export_id)
        if row is None:
            return None
        actor = Actor(
            client_id=row["client_id"],
            agency=row["agency"],
            scopes=frozenset(row["scopes"]),
            areas=tuple(row["areas"]),
            expires_at=0,
            token_id="",
            purpose=row["purpose"],
            request_id=row["request_id"],
        )
        return Order(
            id=export_id,
            actor=actor,
            type=ExportType(row["type"]),
            area=row["area"],
            format=ExportFormat(row["format"]),
            since=row["since"],
            status=ExportStatus(row["status"]),
            unmasked=row["unmasked"],
            kept=timedelta(hours=row["kept_hours"]),
            file_ids=tuple(row["file_ids"]),
        )

    async def begin(self, export_id: UUID, *, now: datetime) -> bool:
        return bool(await self._connection.fetchval(_BEGIN, export_id, now))

    async def under_way(self, export_id: UUID) -> bool:
        found: bool = await self._connection.fetchval(
            "SELECT EXISTS (SELECT FROM export WHERE id = $1 AND status = 'running')", export_id
        )
        return found

    async def instant(self) -> datetime:
        found: datetime = await self._connection.fetchval("SELECT now()")
        return found

    async def write(
        self,
        reach: Reach,
        order: Order,
        file: FileWriter,
        *,
        since: datetime | None,
        now: datetime,
        proceed: Proceed,
        logged: Logged,
    ) -> int:
        binds = Binds()
        sql = rows_sql(reach, order.type, since=since, now=now, binds=binds)
        made = sheet(order.format, order.type.resource, file)
        cipher = self._sealing if order.unmasked else None
        return await copying.written(
            self._connection, sql, binds, made, proceed=proceed, logged=logged, sealing=cipher,
            by_line=order.format is not ExportFormat.NDJSON,
        )  # fmt: skip

    async def gone(self, reach: Reach, order: Order, *, since: datetime, most: int) -> list[tuple[str, UUID]]:
        binds = Binds()
        sql = gone_sql(reach, order.type, since=since, binds=binds)
        rows = await self._connection.fetch(f"{sql} LIMIT {binds(most)}::int", *binds)
        return [(row["type"], row["id"]) for row in rows]

    async def write_gone(
        self, reach: Reach, order: Order, file: FileWriter, *, since: datetime, proceed: Proceed
    ) -> int:
        binds = Binds()
        sql = gone_sql(reach, order.type, since=since, binds=binds)

        async def taken(data: bytes) -> None:
            file.write(data)
            await proceed()

        return await copying.copied(
            self._connection, f"SELECT row_to_json(t)::text FROM ({sql}) t", binds, taken
        )

    async def log(self, actor: Actor, log_id: UUID, rows: Sequence[Read], *, now: datetime) -> None:
        listed = [
            {
                "household_id": str(row.household_id),
                "area_code": row.area_code,
                "person_ids": [str(one) for one in row.person_ids],
            }
            for row in rows
        ]
        await self._connection.execute(
            _LOG, log_id, now, actor.client_id, actor.agency, actor.purpose, unmasked_fields(actor), actor.request_id, listed
        )  # fmt: skip

    async def finish(
        self,
        order: Order,
        files: Sequence[Made],
        deleted: Sequence[tuple[str, UUID]],
        *,
        transaction_time: datetime,
        position: Position,
        view: str,
        now: datetime,
    ) -> bool:
        place = [position.epoch, str(position.transaction_id), position.id, view]
        listed = [{"type": type, "id": str(id)} for type, id in deleted]
        if not await self._connection.fetchval(_FINISH, order.id, now, transaction_time, place, listed):
            return False
        for one in files:
            sealed = self._sealing.cipher.seal("export_file", "file_key_sealed", one.id, one.key)
            await self._connection.execute(
                _LIST, order.id, one.id, one.type, one.part, one.count, one.size, one.sha256, sealed
            )
        return True

    async def fail(self, export_id: UUID, fault: ExportFault, *, now: datetime) -> None:
        await self._connection.execute(_FAIL, export_id, fault, now)

    async def unfinished(self) -> Sequence[UUID]:
        rows = await self._connection.fetch(
            f"SELECT id FROM export WHERE status IN ({_UNFINISHED}) ORDER BY id LIMIT {MOST_UNFINISHED}"
        )
        return [row[0] for row in rows]

    async def expired(self, *, now: datetime, most: int) -> Sequence[UUID]:
        rows = await self._connection.fetch(_EXPIRED, now, most)
        await self._connection.execute(_FORGET, now - FORGOTTEN, most)
        return [row[0] for row in rows]


def _own(reach: Reach, binds: Binds) -> str:
    """The client's own, and nothing of areas that it no longer has."""
    actor = reach.actor
    return (
        f"e.client_id = {binds(actor.client_id)} AND e.agency = {binds(actor.agency)} AND NOT EXISTS (SELECT"
        " FROM unnest(CASE WHEN e.area IS NULL THEN array_replace(e.areas, '*', '') ELSE ARRAY[e.area] END) AS a(code)"
        f" WHERE NOT a.code ^@ ANY({binds(reach.actor.prefixes)}::text[]))"
    )
