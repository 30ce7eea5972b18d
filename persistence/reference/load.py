"""Loads the reference files into their tables: whole or not at all, and at once when nothing has changed.

An operator's file stays in force at every later start, beside newer packaged files, until a copy of the
packaged one is loaded in its place. What the API has written (`origin = 'operator'`) no file overwrites.
Rows that vanish from a newer file are kept, because cases may name them (an area that ends says so in
`abolished_on`, a menu in `enabled`); only codes are deleted.
"""

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from uuid import UUID

import asyncpg
import structlog
from uuid_utils.compat import uuid7

from persistence.reference.files import FILES, read_reference
from persistence.reference.parts import Loading, parts, route, upsert
from persistence.reference.rows import Reference
from persistence.reference.sheets import ReferenceFileError, csv_rows, packaged

log = structlog.get_logger("kaejon")

_LOCK = 0x6B616572_6566
"""Advisory lock: of services that start at once one loads, the others find it done."""
_LAYOUT = b"1"
"""Part of every hash: raise it when the same files make other rows."""
_AREA_COLUMNS = ("code", "name_th", "name_en", "abolished_on", "successors", "source")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of one file."""

    file: str
    rows: int
    """Rows that it makes: of agency_kinds.csv the units as well."""
    changed: int
    """Rows inserted, updated or deleted; 0: the file was loaded before."""


@dataclass(frozen=True, slots=True)
class _File:
    """The version of one file that is to be in force."""

    sha256: str
    origin: str
    content: bytes | None = None
    """Of an operator's file that has come with this call."""


async def load_reference(
    database: str | Loading,
    *,
    replaced: Mapping[str, Path] | None = None,
    now: datetime,
    new_id: Callable[[], UUID] = uuid7,
) -> list[Loaded]:
    """Brings the tables to the packaged files, and those of `replaced` (by the names of FILES) in their place.

    `database` is a URL of the owner, or a connection of it. Raises ReferenceFileError with file and line,
    KeyError for a name that is not one of FILES; nothing has changed then.
    """
    if not isinstance(database, str):
        async with database.transaction():
            return await _load(database, replaced or {}, now, new_id)
    connection = await asyncpg.connect(database)
    try:
        return await load_reference(connection, replaced=replaced, now=now, new_id=new_id)
    finally:
        await connection.close()


async def _load(
    connection: Loading, replaced: Mapping[str, Path], now: datetime, new_id: Callable[[], UUID]
) -> list[Loaded]:
    wanted = _given(replaced)
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    rows = await connection.fetch("SELECT file, sha256, rows, origin FROM reference_load")
    held = {row["file"]: row for row in rows}
    for file in FILES:
        if file not in wanted:
            kept = file in held and held[file]["origin"] == "operator"
            wanted[file] = _File(held[file]["sha256"], "operator") if kept else _packaged(file)
    if all(file in held and held[file]["sha256"] == wanted[file].sha256 for file in FILES):
        return [Loaded(file, held[file]["rows"], 0) for file in FILES]
    try:
        reference = _read(await _operators(connection, wanted))
    except ReferenceFileError as error:
        if replaced or not held:
            raise
        # A newer package disagrees with an operator's file: what is in force agrees, and goes on serving.
        log.warning("reference-data-kept", reason=str(error))
        return [Loaded(file, held[file]["rows"], 0) for file in FILES if file in held]
    loaded = await _write(connection, reference, now, new_id)
    await _remember(connection, wanted, loaded, now)
    return [loaded[file] for file in FILES]


def _given(replaced: Mapping[str, Path]) -> dict[str, _File]:
    """The files of this call. A copy of the packaged file puts the packaged one in force again."""
    if unknown := set(replaced) - set(FILES):
        raise KeyError(f"no reference file is called {sorted(unknown)[0]}")
    found = {}
    for file, path in replaced.items():
        content = path.read_bytes()
        given, own = _File(_hash(content), "operator", content), _packaged(file)
        found[file] = own if own.sha256 == given.sha256 else given
    return found


def _packaged(file: str) -> _File:
    if file == "areas.csv":
        return _File(_hash(f"geothai {version('geothai')}".encode()), "packaged")
    return _File(_hash(packaged(file).read_bytes()), "packaged")


def _hash(content: bytes) -> str:
    return hashlib.sha256(_LAYOUT + content).hexdigest()


async def _operators(connection: Loading, wanted: Mapping[str, _File]) -> dict[str, bytes]:
    """The contents of the operator's files: those of this call, and those loaded before."""
    names = [file for file, one in wanted.items() if one.origin == "operator" and one.content is None]
    rows = await connection.fetch(
        "SELECT file, content FROM reference_load WHERE file = ANY($1::text[])", names
    )
    stored = {row["file"]: bytes(row["content"]) for row in rows}
    return stored | {file: one.content for file, one in wanted.items() if one.content is not None}


def _read(contents: Mapping[str, bytes]) -> Reference:
    with tempfile.TemporaryDirectory(prefix="kaejon-reference-") as directory:
        paths = {}
        for file, content in contents.items():
            paths[file] = Path(directory, file)
            paths[file].write_bytes(content)
        if "areas.csv" in paths:
            _check_dates(paths["areas.csv"])
        return read_reference(paths)


def _check_dates(path: Path) -> None:
    for row in csv_rows(path, _AREA_COLUMNS):
        day = row.optional("abolished_on")
        try:
            valid = day is None or date.fromisoformat(day).isoformat() == day
        except ValueError:
            valid = False
        if not valid:
            raise row.fault(f"abolished_on: {day} is not a date, YYYY-MM-DD")


async def _write(
    connection: Loading, reference: Reference, now: datetime, new_id: Callable[[], UUID]
) -> dict[str, Loaded]:
    loaded = {}
    for part in parts(reference, new_id):
        loaded[part.file] = Loaded(part.file, len(part.rows), await upsert(connection, part, now))
    routed = await route(connection, reference)
    loaded["acts_through.csv"] = Loaded("acts_through.csv", len(reference.acts_through), routed)
    return loaded


async def _remember(
    connection: Loading, wanted: Mapping[str, _File], loaded: Mapping[str, Loaded], now: datetime
) -> None:
    for file, one in wanted.items():
        # An operator's file of before comes without its content, and what is stored of it stays.
        await connection.execute(
            """INSERT INTO reference_load AS l (file, sha256, rows, loaded_at, origin, content)
               VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (file) DO UPDATE SET rows = EXCLUDED.rows, sha256 = EXCLUDED.sha256,
                 origin = EXCLUDED.origin,
                 loaded_at = CASE WHEN l.sha256 = EXCLUDED.sha256 THEN l.loaded_at ELSE EXCLUDED.loaded_at END,
                 content = CASE WHEN l.sha256 = EXCLUDED.sha256 THEN l.content ELSE EXCLUDED.content END""",
            file,
            one.sha256,
            loaded[file].rows,
            now,
            one.origin,
            one.content,
        )
