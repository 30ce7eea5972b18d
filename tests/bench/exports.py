"""An export of every household against COPY of the same statement, in the process that a worker is.

Run as a process of its own, so that the memory is the job's: `python -m tests.bench.exports` with the database in
KAEJON_BENCH_DSN. Turns alternate; the floor writes what COPY sends into a file of the same disk and syncs it. Ours goes
through the job: snapshot, feed position, sealing, checksum, rows of the manifest.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop

import api.worker  # noqa: F401 - what a worker has in memory
from api import memory
from api.app import new_id, sealing_of
from api.bootstrap import OPERATOR
from api.keyring import Keyring, read_keyring
from domain.access.actor import Actor, Scope
from domain.access.clients import ClientDraft, ClientExists, new_client
from domain.exchange import exports
from domain.exchange.export import Allowance, ExportDraft, ExportFormat, ExportType
from domain.exchange.jobs import Tools, unlimited
from persistence.engine import Database
from persistence.exchange.export_rows import rows_sql
from persistence.files import Files
from persistence.sql import Binds
from persistence.work import WorkFactory
from tests.support.server import ROOT

GOAL = 0.85
MOST_MB = 300
CLIENT = Actor(
    client_id="bench-export",
    agency="PROV_MOPH-42",
    scopes=frozenset({Scope.EXPORTS_READ, Scope.HOUSEHOLDS_READ}),
    areas=("42",),
    expires_at=0,
    token_id="",
)
"""Masked, in one province."""
UNMASKED = replace(CLIENT, scopes=CLIENT.scopes | {Scope.PERSONS_PII}, purpose="casework")
ROUNDS = 3
"""Unmasked exports in every format, one after the other, for the memory's sake."""


def measured(dsn: str, keys: Path, *, turns: int, core: int | None = None) -> dict[str, Any]:
    """Figures of a process that exports the households of the database; `keys`: the file of its keyring."""
    command = [sys.executable, "-m", "tests.bench.exports", str(turns)]

    def pinned() -> None:
        if core is not None:
            os.sched_setaffinity(0, {core})

    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "KAEJON_BENCH_DSN": dsn, "KAEJON_BENCH_KEYS": str(keys)}, capture_output=True, text=True,
        check=True, preexec_fn=pinned,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def run(dsn: str, keyring: Keyring, turns: int) -> dict[str, Any]:
    database = await Database.open(dsn, size=4)
    with tempfile.TemporaryDirectory() as directory:
        works = WorkFactory(database, sealing_of(keyring), new_id)
        tools = Tools(works, Files(Path(directory)), new_id, lambda: datetime.now(UTC), unlimited)
        await _known(works)
        rows, floors, ours = 0, [], []
        for turn in range(turns + 1):
            began = time.perf_counter()
            rows = await _floor(tools, Path(directory) / "floor")
            floor = time.perf_counter() - began
            began = time.perf_counter()
            await _export(tools, CLIENT, ExportFormat.NDJSON)
            # The first warms the database's cache.
            if turn:
                floors.append(floor)
                ours.append(time.perf_counter() - began)
        afterwards = []
        for _ in range(ROUNDS):
            for format in ExportFormat:
                await _export(tools, UNMASKED, format)
            afterwards.append(_memory_mb("VmRSS"))
    await database.close()
    ratios = [floor / own for floor, own in zip(floors, ours, strict=True)]
    return {
        "rows": rows,
        "floor": rows / statistics.median(floors),
        "ours": rows / statistics.median(ours),
        "ratio": statistics.median(ratios),
        "least": min(ratios),
        "most": max(ratios),
        "memory_mb": _memory_mb("VmHWM"),
        "afterwards_mb": afterwards,
    }


async def _known(works: WorkFactory) -> None:
    draft = ClientDraft(
        name="bench", agency=CLIENT.agency, scopes=sorted(UNMASKED.scopes), areas=list(CLIENT.areas)
    )
    try:
        async with works.writing(OPERATOR) as work:
            client = new_client(CLIENT.client_id, draft, now=datetime.now(UTC))
            await work.clients.add(OPERATOR, client, bytes(32))
    except ClientExists:
        pass


async def _floor(tools: Tools, path: Path) -> int:
    reach = replace(exports.admit(CLIENT, ExportType.HOUSEHOLDS.read_by), granted=False)
    async with tools.works.lasting(CLIENT, snapshot=True) as work:
        binds = Binds()
        sql = rows_sql(reach, ExportType.HOUSEHOLDS, since=None, now=datetime.now(UTC), binds=binds)
        with path.open("wb") as file:

            async def taken(data: bytes) -> None:
                file.write(data)

            status = await work.connection.copy_from_query(sql, *binds, output=taken)  # type: ignore[attr-defined]
            file.flush()
            os.fsync(file.fileno())
    return int(status.split()[-1])


async def _export(tools: Tools, actor: Actor, format: ExportFormat) -> None:
    draft = ExportDraft(type=ExportType.HOUSEHOLDS, format=format)
    async with tools.works.writing(actor) as work:
        asked = await exports.ask(work, actor, draft, allowance=Allowance(most=1000), now=tools.now())
    id = UUID(json.loads(asked.text)["id"])
    await exports.perform(tools, id)
    async with tools.works.reading(actor) as work:
        made = json.loads((await exports.read(work, actor, id)).text)
        order = await work.exports.order(id)
    assert made["status"] == "succeeded", made
    assert order is not None
    for file_id in order.file_ids:
        tools.files.remove(file_id)


def _memory_mb(which: str) -> float:
    """Resident: VmRSS now, VmHWM at most so far."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{which}:")[1].split()[0]) / 1024


def rendered(found: dict[int, dict[str, Any]]) -> str:
    """By the number of households."""
    lines = [
        "",
        "Export of every household as NDJSON (the whole job) against COPY of the same statement into a file:",
        "",
        "| households | of COPY | least – most | goal | COPY, rows/s | export, rows/s | worker's memory at most |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {size:,} | **{one['ratio']:.0%}** | {one['least']:.0%} – {one['most']:.0%} | ≥ {GOAL:.0%} |"
        f" {one['floor']:,.0f} | {one['ours']:,.0f} | {one['memory_mb']:.0f} MB (≤ {MOST_MB}) |"
        for size, one in found.items()
    ]
    return "\n".join(lines) + "\n"


def reached(found: dict[int, dict[str, Any]]) -> bool:
    return all(one["ratio"] >= GOAL and one["memory_mb"] <= MOST_MB for one in found.values())


if __name__ == "__main__":
    memory.give_back()
    keyring = read_keyring(Path(os.environ["KAEJON_BENCH_KEYS"]))
    print(json.dumps(uvloop.run(run(os.environ["KAEJON_BENCH_DSN"], keyring, int(sys.argv[1])))))
