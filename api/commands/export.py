"""`kaejon export`: one export into a file of the operator's own, past the queue."""

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from api.commands.shell import DataDir, console, explained, say, settings_of, with_database
from domain.exchange.export import ExportFormat, ExportType

if TYPE_CHECKING:
    from domain.exchange.export import Order
    from domain.exchange.exports import Drawn

TOLD_EVERY = timedelta(seconds=10)


def export(
    type: Annotated[ExportType, typer.Option(help="What to export.")],
    out: Annotated[Path, typer.Option(help="The file; it is replaced when the new one is whole.")],
    area: Annotated[str | None, typer.Option(help="An area code; without it the country.")] = None,
    format: Annotated[ExportFormat, typer.Option()] = ExportFormat.NDJSON,
    since: Annotated[str | None, typer.Option(help="RFC 3339 time: only what has changed since.")] = None,
    purpose: Annotated[
        str | None,
        typer.Option(help="A code of /v1/codes/purposes: households unmasked. Every reading is logged."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Write what there is at one instant into FILE, and print its manifest as JSON.

    Personal data is masked unless a purpose is given. Deleted resources stand in the manifest, and in FILE.deleted
    where they are more than 10,000.
    """
    from api import bootstrap, parsing
    from domain.exchange.export import ExportDraft

    given = {"type": type, "area": area, "format": format, "since": since}
    with explained():
        draft = parsing.body(
            json.dumps({k: v for k, v in given.items() if v is not None}).encode(), ExportDraft
        )

    async def go(prepared: bootstrap.Prepared) -> dict[str, Any]:
        async with bootstrap.working(prepared) as works:
            return await _exported(works, prepared, draft, out, purpose)

    manifest = with_database(settings_of(data_dir=data_dir), go)
    sys.stdout.write(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


async def _exported(works: Any, prepared: Any, draft: Any, out: Path, purpose: str | None) -> dict[str, Any]:
    from api.app import new_id
    from api.bootstrap import OPERATOR
    from api.feed import cursor_of
    from api.paging import Cursors
    from domain.access.actor import Scope
    from domain.errors import Invalid
    from domain.exchange import exports
    from domain.exchange.export import ExportStatus, Order
    from domain.exchange.jobs import Tools, unlimited

    async with works.reading() as work:
        if purpose is not None and purpose not in await work.reference.codes_of("purposes"):
            raise Invalid.at("--purpose", "unknown-value", "One of the codes of /v1/codes/purposes.")
    scopes = {
        Scope.EXPORTS_READ, Scope.HOUSEHOLDS_READ, Scope.PROBLEMS_READ, Scope.ASSIGNMENTS_READ, Scope.ASSISTANCE_READ,
    }  # fmt: skip
    unmasked = purpose is not None and draft.type is ExportType.HOUSEHOLDS
    actor = replace(
        OPERATOR,
        scopes=frozenset({*scopes, Scope.PERSONS_PII} if unmasked else scopes),
        purpose=purpose if unmasked else None,
        request_id=str(new_id()),
    )
    order = Order(
        id=new_id(), actor=actor, type=draft.type, area=draft.area, format=draft.format, since=draft.since,
        status=ExportStatus.RUNNING, unmasked=unmasked, kept=timedelta(), file_ids=(new_id(), new_id()),
    )  # fmt: skip
    files = LocalFiles({order.file_ids[0]: out, order.file_ids[1]: out.with_name(f"{out.name}.deleted")})
    tools = Tools(works, files, new_id, lambda: datetime.now(UTC), unlimited)
    with console.status("exporting") as status:
        drawn = await exports.draw(tools, order, actor, _Told(files, status))
    return _manifest(order, drawn, cursor_of(Cursors(prepared.keyring.cursor_key), drawn.position), files)


def _manifest(order: "Order", drawn: "Drawn", position: str, files: "LocalFiles") -> dict[str, Any]:
    return {
        "type": order.type,
        "area": order.area,
        "format": order.format,
        "since": order.since and order.since.isoformat(),
        "unmasked": order.unmasked,
        "transaction_time": drawn.instant.isoformat(),
        "feed_position": position,
        "output": [
            {
                "type": made.type,
                "file": str(files.paths[made.id]),
                "count": made.count,
                "size": made.size,
                "sha256": made.sha256,
            }
            for made in drawn.files
        ],
        "deleted": [{"type": kind, "id": str(id)} for kind, id in drawn.deleted],
    }


class _Told:
    """Says how far it has come: in place on a terminal, a line now and then elsewhere."""

    def __init__(self, files: "LocalFiles", status: Any) -> None:
        self._files, self._status = files, status
        self._next = datetime.now(UTC) + TOLD_EVERY

    async def __call__(self) -> None:
        text = f"exporting: {self._files.written / 1e6:.0f} MB"
        if console.is_terminal:
            self._status.update(text)
        elif datetime.now(UTC) >= self._next:
            self._next = datetime.now(UTC) + TOLD_EVERY
            say(text)


class LocalFiles:
    """The operator's own files, for its account alone; in place of the service's sealed ones."""

    def __init__(self, paths: dict[UUID, Path]) -> None:
        self.paths, self.written = paths, 0

    def create(self, file_id: UUID) -> "LocalFile":
        return LocalFile(self.paths[file_id], self)

    def open(self, file_id: UUID, key: str) -> Any:
        raise FileNotFoundError

    def remove(self, file_id: UUID) -> None:
        self.paths[file_id].unlink(missing_ok=True)

    def untouched_since(self, moment: datetime) -> Sequence[UUID]:
        """None: whoever named these files keeps them."""
        return ()


class LocalFile:
    """Appears under its name when it is finished."""

    key = ""

    def __init__(self, path: Path, files: LocalFiles) -> None:
        self._path, self._files = path, files
        self._part = path.with_name(f"{path.name}.part")
        try:
            descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise SystemExit(f"kaejon: {self._part} cannot be written ({type(error).__name__})") from None
        self._file = os.fdopen(descriptor, "wb")
        self.size, self._hash = 0, hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes | bytearray | memoryview) -> int:
        self._hash.update(data)
        self.size += len(data)
        self._files.written += len(data)
        return self._file.write(data)

    def finish(self) -> "LocalFile":
        self._file.close()
        self._part.rename(self._path)
        return self

    def discard(self) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)
