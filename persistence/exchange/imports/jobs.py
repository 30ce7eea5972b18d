"""Imports and their report on one connection."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from io import RawIOBase
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from domain.access.actor import Actor
from domain.exchange.importing.job import (
    ImportMode,
    ImportQuery,
    ImportStatus,
    Job,
    Rejected,
    RowFilter,
    RowOutcome,
    Standing,
    TableRow,
    Upload,
)
from domain.exchange.reading.kinds import ImportFormat, ImportKind
from domain.exchange.reading.rows import CleanRow
from domain.kernel import Document, Listing, Paging
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.exchange import reading
from persistence.exchange.imports.preparing import Prepared, cell_id
from persistence.jobs import enqueue
from persistence.keyset import NEWEST, ORDERS, Order, Source, fetch_page
from persistence.sealing import Sealing
from persistence.sql import Binds

TASK = "import"
PIECE = 1000
"""Rows of a report that are read, and unsealed, at once."""
_COLUMNS = """i.id, i.kind, i.format, i.mode, i.mapping, i.status,
  (SELECT row_to_json(p) FROM (SELECT i.rows_read, i.rows_total) p) AS progress,
  (SELECT row_to_json(c) FROM (SELECT i.created, i.updated, i.unchanged, i.conflict, i.rejected) c) AS counts,
  i.error, i.resubmits, i.validated_by, i.sha256, i.file_size AS size, i.created_at, i.started_at, i.finished_at"""
_ROW = "r.number, r.record_id, r.outcome, r.codes, r.diff, r.household_id, r.person_id"
_BY_NUMBER = Order((("number", "int"),))
_HELD = """SELECT id, client_id, agency, scopes, areas, request_id, kind, format, mode, mapping, status, file_id,
  file_key_sealed, file_size, sha256, last_number, rows_total, created_at FROM import_job WHERE id = $1"""
_TURN = "hashtextextended('import', 0)"


class PgImports:
    """Implements `ImportStore`. Jobs lie in the open; the report behind the wall."""

    def __init__(
        self, connection: Connection, plain: Connection, sealing: Sealing, new_id: Callable[[], UUID]
    ) -> None:
        self._connection, self._plain, self._sealing, self._new_id = connection, plain, sealing, new_id

    async def add(
        self,
        actor: Actor,
        import_id: UUID,
        asked: ImportQuery,
        upload: Upload,
        *,
        resubmits: UUID | None = None,
        validated_by: UUID | None = None,
        now: datetime,
    ) -> None:
        key = self._sealing.cipher.seal("import_job", "file_key_sealed", import_id, upload.key)
        await self._plain.execute(
            """INSERT INTO import_job (id, client_id, agency, scopes, areas, request_id, kind, format, mode, mapping, status,
                 file_id, file_key_sealed, file_size, sha256, resubmits, validated_by, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'queued', $11, $12, $13, $14, $15, $16, $17)""",
            import_id,
            actor.client_id,
            actor.agency,
            sorted(actor.scopes),
            list(actor.areas),
            actor.request_id,
            asked.kind,
            asked.format,
            asked.mode,
            asked.mapping,
            upload.file_id,
            key,
            upload.size,
            upload.sha256,
            resubmits,
            validated_by,
            now,
        )
        await enqueue(self._plain, TASK, import_id)

    async def view(self, actor: Actor, import_id: UUID) -> Document | None:
        binds = Binds((import_id,))
        text = await self._plain.fetchval(
            f"""SELECT (SELECT row_to_json(t) FROM (SELECT {_COLUMNS}) t) FROM import_job i
            WHERE i.id = $1 AND {_own(actor, binds)}""",
            *binds,
        )
        return None if text is None else Document(text, 1)

    async def page(self, actor: Actor, paging: Paging) -> Listing:
        binds = Binds()
        found = [_own(actor, binds)]
        source = Source("import_job", "i", _COLUMNS)
        order = ORDERS.get(paging.sort, NEWEST)
        return await fetch_page(self._plain, source, found, order, paging, binds)

    async def job(self, import_id: UUID, *, lock: bool = False) -> Job | None:
        row = await self._plain.fetchrow(f"{_HELD}{' FOR UPDATE' if lock else ''}", import_id)
        if row is None:
            return None
        key = self._sealing.cipher.open("import_job", "file_key_sealed", import_id, row["file_key_sealed"])
        return Job(
            id=row["id"],
            client_id=row["client_id"],
            agency=row["agency"],
            scopes=frozenset(row["scopes"]),
            areas=tuple(row["areas"]),
            request_id=row["request_id"],
            kind=ImportKind(row["kind"]),
            format=ImportFormat(row["format"]),
            mode=ImportMode(row["mode"]),
            mapping=row["mapping"],
            status=ImportStatus(row["status"]),
            file_id=row["file_id"],
            file_key=key,
            size=row["file_size"],
            sha256=row["sha256"],
            last_number=row["last_number"],
            rows_total=row["rows_total"],
            created_at=row["created_at"],
        )

    async def standing(self, client_id: str) -> Standing | None:
        row = await self._plain.fetchrow(
            "SELECT enabled AND (expires_at IS NULL OR expires_at > now()) AS enabled, scopes, areas FROM client WHERE id = $1",
            client_id,
        )
        return (
            None if row is None else Standing(row["enabled"], frozenset(row["scopes"]), tuple(row["areas"]))
        )

    async def begin(self, import_id: UUID, *, rows_total: int, mapping: str | None, now: datetime) -> None:
        await self._plain.execute(
            """UPDATE import_job SET status = 'running', rows_total = $2, mapping = coalesce($3, mapping), started_at = $4
               WHERE id = $1 AND status = 'queued'""",
            import_id,
            rows_total,
            mapping,
            now,
        )

    async def advance(self, job: Job, last_number: int, prepared: Prepared, header: Sequence[str]) -> None:
        counted = ", ".join(f"{outcome} = {outcome} + ${at}" for at, outcome in enumerate(RowOutcome, 5))
        await self._plain.execute(
            f"""UPDATE import_job SET last_number = $2, rows_read = rows_read + $3, {counted},
                  header = CASE WHEN header = '{{}}' THEN $4::text[] ELSE header END WHERE id = $1""",
            job.id,
            last_number,
            sum(prepared.counts),
            list(header),
            *prepared.counts,
        )
        for step in prepared.report:
            await self._connection.execute(step.sql, *step.values)

    async def finish(
        self, import_id: UUID, status: ImportStatus | None, *, error: Mapping[str, str] | None = None, now: datetime
    ) -> None:  # fmt: skip
        await self._plain.execute(
            """UPDATE import_job SET finished_at = $4, error = $3, status = coalesce($2::text,
                 CASE WHEN rejected + conflict > 0 THEN 'partly_succeeded' ELSE 'succeeded' END)
               WHERE id = $1 AND status IN ('queued', 'running')""",
            import_id,
            status,
            error,
            now,
        )

    async def file_is_needed(self, file_id: UUID) -> bool:
        found: bool = await self._plain.fetchval(
            """SELECT EXISTS (SELECT FROM import_job WHERE file_id = $1
                 AND (status IN ('queued', 'running') OR (mode = 'validate' AND status <> 'failed'
                   AND NOT EXISTS (SELECT FROM import_job c WHERE c.file_id = $1 AND c.mode = 'commit'
                     AND c.status IN ('succeeded', 'partly_succeeded')))))""",
            file_id,
        )
        return found

    async def needless_files(self, file_ids: Sequence[UUID], *, ended_before: datetime) -> Sequence[UUID]:
        rows = await self._plain.fetch(
            """SELECT f.id FROM unnest($1::uuid[]) AS f(id)
               WHERE NOT EXISTS (SELECT FROM import_job i WHERE i.file_id = f.id
                   AND (i.finished_at IS NULL OR i.finished_at >= $2))
                 AND NOT EXISTS (SELECT FROM (SELECT unnest(file_ids) AS id FROM export) e WHERE e.id = f.id)""",
            list(file_ids),
            ended_before,
        )
        return [row[0] for row in rows]

    async def unfinished(self, most: int) -> Sequence[UUID]:
        rows = await self._plain.fetch(
            "SELECT id FROM import_job WHERE status IN ('queued', 'running') ORDER BY id LIMIT $1", most
        )
        return [row[0] for row in rows]

    async def take_turn(self) -> bool:
        try:
            await self._plain.execute(f"SELECT pg_advisory_lock({_TURN})")
        except asyncpg.LockNotAvailableError:
            return False
        return True

    async def leave_turn(self) -> None:
        await self._plain.execute(f"SELECT pg_advisory_unlock({_TURN})")

    async def turn_is_awaited(self) -> bool:
        found: bool = await self._plain.fetchval(
            f"""SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                  WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted
                    AND (l.classid::int8 << 32 | l.objid::int8) = {_TURN})"""
        )
        return found

    async def rows(self, actor: Actor, import_id: UUID, where: RowFilter, paging: Paging) -> Listing:
        binds = Binds()
        found = [f"r.import_id = {binds(import_id)}", *_of(where, binds)]
        return await fetch_page(
            self._connection, Source("import_row", "r", _ROW), found, _BY_NUMBER, paging, binds
        )

    async def committed(self, job: Job) -> UUID | None:
        found: UUID | None = await self._plain.fetchval(
            """SELECT id FROM import_job WHERE file_id = $1 AND validated_by = $2 AND status NOT IN ('failed', 'cancelled')
               ORDER BY id LIMIT 1""",
            job.file_id,
            job.id,
        )
        return found

    async def rejected(self, import_id: UUID, numbers: Sequence[int], record_ids: Sequence[str]) -> Rejected:
        of_import = f"FROM import_row r WHERE r.import_id = $1 AND r.outcome = 'rejected' AND {GATE}"
        by_number, by_record = [], []
        if numbers:
            by_number = await self._connection.fetch(
                f"SELECT r.number, r.record_id {of_import} AND r.number = ANY($2::int[])",
                import_id,
                list(numbers),
            )
        if record_ids:
            by_record = await self._connection.fetch(
                f"SELECT r.record_id, count(*) {of_import} AND r.record_id = ANY($2::text[]) GROUP BY r.record_id",
                import_id,
                list(record_ids),
            )
        return Rejected(dict(map(tuple, by_number)), dict(map(tuple, by_record)))

    async def table(self, actor: Actor, job: Job, where: RowFilter) -> AsyncIterator[Sequence[TableRow]]:
        after = 0
        while True:
            binds = Binds((job.id, after))
            further = "".join(f" AND {one}" for one in _of(where, binds))
            rows = await self._connection.fetch(
                f"""SELECT r.number, r.outcome, r.record_id, r.codes, c.cells_sealed FROM import_row r
                    LEFT JOIN import_cell c ON c.import_id = r.import_id AND c.number = r.number
                    WHERE r.import_id = $1 AND r.number > $2{further} AND {GATE} ORDER BY r.number LIMIT {PIECE}""",
                *binds,
            )
            if not rows:
                return
            after = rows[-1]["number"]
            yield [self._opened(job.id, row) for row in rows]

    def _opened(self, import_id: UUID, row: Any) -> TableRow:
        cells: Sequence[str] = ()
        if row["cells_sealed"] is not None:
            place = cell_id(import_id, row["number"])
            cells = orjson.loads(
                self._sealing.cipher.open("import_cell", "cells_sealed", place, row["cells_sealed"])
            )
        return TableRow(row["number"], row["outcome"], row["record_id"], orjson.loads(row["codes"]), cells)

    async def header(self, import_id: UUID) -> Sequence[str]:
        found: Sequence[str] = await self._plain.fetchval(
            "SELECT header FROM import_job WHERE id = $1", import_id
        )
        return found

    def inspect(self, file: RawIOBase, job: Job) -> tuple[int, str | None]:
        found = reading.inspect(file, kind=job.kind, format=job.format, mapping=job.mapping)
        return found.rows, found.mapping

    def chunks(self, file: RawIOBase, job: Job, *, today: date) -> Iterator[list[CleanRow]]:
        return reading.chunks(
            file, kind=job.kind, format=job.format, mapping=job.mapping, today=today, start=job.last_number
        )


def _own(actor: Actor, binds: Binds) -> str:
    """The caller's own, inside the areas that it has now."""
    return f"""i.client_id = {binds(actor.client_id)} AND i.agency = {binds(actor.agency)} AND NOT EXISTS (
      SELECT FROM unnest(i.areas) a WHERE NOT replace(a, '*', '') ^@ ANY({binds(actor.prefixes)}::text[]))"""


def _of(where: RowFilter, binds: Binds) -> list[str]:
    return [f"r.outcome = ANY({binds(list(where.outcome))}::text[])"] if where.outcome else []
