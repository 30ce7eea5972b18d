"""`kaejon import`: one file, applied by this command itself unless a worker is faster."""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from api.commands.shell import DataDir, explained, progress, settings_of, with_database
from domain.exchange.importing.job import ImportMode
from domain.exchange.reading.kinds import ImportFormat, ImportKind

PIECE = 1 << 20
LOOK_S = 0.5


def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The file to be imported.")],
    kind: Annotated[ImportKind, typer.Option(help="What its rows are.")],
    format: Annotated[ImportFormat | None, typer.Option(help="By the name's ending, unless given.")] = None,
    mode: Annotated[ImportMode, typer.Option(help="`validate` writes nothing.")] = ImportMode.COMMIT,
    mapping: Annotated[str | None, typer.Option(help="A column layout; recognised unless given.")] = None,
    area: Annotated[
        list[str] | None, typer.Option(help="Area codes its rows must lie in; repeat. None: the country.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Import FILE and print what became of it as JSON; interrupted, it goes on with `kaejon serve`."""
    from api import bootstrap

    settings = settings_of(data_dir=data_dir)
    with explained():
        asked = _asked(file, kind, format, mode, mapping)

    async def go(prepared: bootstrap.Prepared) -> dict[str, Any]:
        async with bootstrap.working(prepared) as works:
            return await _imported(works, prepared, settings, file, asked, tuple(area or ["*"]))

    done = with_database(settings, go)
    sys.stdout.write(json.dumps(done, indent=2, ensure_ascii=False) + "\n")
    if done["status"] != "succeeded":
        raise SystemExit(1)


def _asked(
    file: Path, kind: ImportKind, format: ImportFormat | None, mode: ImportMode, mapping: str | None
) -> Any:
    from domain.errors import Invalid
    from domain.exchange.importing.job import ImportQuery

    ending = file.suffix.lstrip(".").lower()
    if format is None and ending not in [*ImportFormat]:
        raise Invalid.at("--format", "required", f"One of: {', '.join(ImportFormat)}.")
    return ImportQuery(kind=kind, format=format or ImportFormat(ending), mode=mode, mapping=mapping)


async def _imported(
    works: Any, prepared: Any, settings: Any, file: Path, asked: Any, areas: tuple[str, ...]
) -> dict[str, Any]:
    from api.app import new_id
    from api.bootstrap import OPERATOR
    from api.wiring import utc_now
    from domain.access.actor import Scope
    from domain.exchange import imports
    from domain.exchange.importing.performing import perform
    from domain.exchange.jobs import Tools, unlimited
    from persistence.engine import Database
    from persistence.files import Files
    from persistence.jobs import AtWork, alone_at

    files = Files(settings.files)
    scopes = frozenset({Scope.IMPORTS_WRITE, Scope.ASSISTANCE_WRITE})
    actor = replace(OPERATOR, scopes=scopes, areas=areas, request_id=str(new_id()))
    upload = await asyncio.to_thread(_sealed, files, new_id(), file)
    async with works.writing(actor) as work:
        made = json.loads((await imports.ask(work, actor, asked, upload, now=utc_now())).text)
    job_id = UUID(made["id"])
    database = await Database.open(prepared.dsn, size=2)
    with progress("rows") as tell:
        telling = asyncio.create_task(_told(works, actor, job_id, tell))
        try:
            async with alone_at(database, "import", job_id):
                await perform(Tools(works, files, new_id, utc_now, unlimited), job_id)
        except AtWork:
            pass  # A worker has it.
        done = await telling
    await database.close()
    return done


def _sealed(files: Any, file_id: Any, file: Path) -> Any:
    from domain.exchange.importing.job import Upload

    with files.create(file_id) as writer, file.open("rb") as source:
        while piece := source.read(PIECE):
            writer.write(piece)
        done = writer.finish()
    return Upload(file_id, done.size, done.sha256, done.key)


async def _told(works: Any, actor: Any, import_id: Any, tell: Any) -> dict[str, Any]:
    """Until it is over."""
    from domain.exchange import imports

    while True:
        async with works.reading(actor) as work:
            found: dict[str, Any] = json.loads((await imports.read(work, actor, import_id)).text)
        read, total = found["progress"]["rows_read"], found["progress"]["rows_total"]
        if total:
            tell(read, total)
        if found["status"] not in ("queued", "running"):
            return found
        await asyncio.sleep(LOOK_S)
