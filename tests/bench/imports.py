"""An import with its report, against COPY of the rows it has written into the same tables with the same indexes.

A process of its own, so that its memory is the worker's: `python -m tests.bench.imports ROWS`, with the server in
KAEJON_BENCH_DSN, prints JSON. Ours is the whole job: reading the file twice, rules, matching, sealing, feed, audit,
report; through the views of the wall, a transaction a chunk. COPY brings the rows of all these tables ready from memory;
what it takes for the registry's alone is told beside it.
"""

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

import api.worker  # noqa: F401 - what a worker has in memory
from api import memory
from api.app import new_id, sealing_of
from api.keyring import Keyring
from api.wiring import utc_now
from domain.access.actor import Actor, Scope
from domain.exchange.importing.job import ImportMode, ImportQuery, Upload
from domain.exchange.importing.performing import perform
from domain.exchange.jobs import Tools, unlimited
from domain.exchange.reading.kinds import ImportKind
from domain.registry.citizen_id import check_digit
from persistence.engine import Database
from persistence.files import Files
from persistence.migrate import upgrade
from persistence.reference.load import load_reference
from persistence.work import WorkFactory
from tests.conftest import renamed
from tests.support.server import ROOT

GOAL = 0.50
MOST_MB = 300
COPIES = 3
REGISTRY = ("household", "person", "membership", "citizen_identity")
COMPARED = (*REGISTRY, "change", "audit", "import_row")
HEADER = (
    "record_id,citizen_id,house_code,area_code,house_no,moo,prefix,first_name,last_name,relationship,sex,birth_date,"
    "welfare_card,occupation,annual_income,phone\r\n"
)
MEMBERS = 3
"""Of a household."""


def line(number: int) -> str:
    home, place = divmod(number, MEMBERS)
    twelve = f"9{number:011d}"
    return (
        f"R{number},{twelve}{check_digit(twelve)},42{home:09d},4201{home % 9 + 1:02d},{home % 400},{home % 12},นาง,"
        f"สมหญิง{number % 977},ใจดี{home},{'head' if place == 0 else 'child'},female,19{number % 60 + 40}-05-0{number % 9 + 1},"
        f"has_card,รับจ้าง,{number % 90000}.00,08{number % 100000000:08d}\r\n"
    )


def written(files: Files, rows: int) -> Upload:
    file_id = new_id()
    with files.create(file_id) as writer:
        writer.write(HEADER.encode())
        for start in range(0, rows, 1000):
            writer.write("".join(line(one) for one in range(start, min(rows, start + 1000))).encode())
        done = writer.finish()
    return Upload(file_id, done.size, done.sha256, done.key)


async def made(dsn: str, name: str) -> str:
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    target = renamed(dsn, name)
    await upgrade(target)
    await load_reference(target, now=datetime.now(UTC))
    return target


async def imported(target: str, rows: int, directory: Path) -> dict[str, Any]:
    """Seconds and megabytes of a first import, and seconds of the same file again."""
    database = await Database.open(target, size=4)
    works = WorkFactory(database, sealing_of(Keyring.generate()), new_id)
    tools = Tools(works, Files(directory), new_id, utc_now, unlimited)
    actor = Actor("bench", "SCJP", frozenset({Scope.IMPORTS_WRITE}), ("42",), 0, "")
    asked = ImportQuery(kind=ImportKind.THAIQM, mode=ImportMode.COMMIT)
    owner = await asyncpg.connect(target)
    await owner.execute(
        """INSERT INTO client (id, name, agency, scopes, areas, secret_hash, created_at, updated_at)
           VALUES ('bench', 'bench', 'SCJP', '{imports:write}', '{42}', $1, now(), now())""",
        bytes(32),
    )
    found: dict[str, Any] = {}
    for name in ("first", "again"):
        upload, import_id = written(tools.files, rows), new_id()
        async with works.writing(actor) as work:
            await work.imports.add(actor, import_id, asked, upload, now=utc_now())
        started = time.perf_counter()
        await perform(tools, import_id)
        found[name] = time.perf_counter() - started
        done = await owner.fetchrow("SELECT * FROM import_job WHERE id = $1", import_id)
        assert done["created" if name == "first" else "unchanged"] == rows, dict(done)
    found["memory_mb"] = _most_memory_mb()
    await owner.close()
    await database.close()
    return found


async def copied(source: str, target: str) -> tuple[float, float]:
    """Seconds of COPY alone into all tables and into the registry's, the medians of several.

    The rows wait in memory, in the form that the server takes fastest.
    """
    one, other = await asyncpg.connect(source), await asyncpg.connect(target)
    turns = []
    for _ in range(COPIES):
        await other.execute(f"TRUNCATE {', '.join(COMPARED)} CASCADE")
        seconds = {}
        for table in COMPARED:
            rows = io.BytesIO()
            await one.copy_from_table(table, output=rows, format="binary")
            rows.seek(0)
            started = time.perf_counter()
            await other.copy_to_table(table, source=rows, format="binary")
            seconds[table] = time.perf_counter() - started
        turns.append((sum(seconds.values()), sum(seconds[table] for table in REGISTRY)))
    await one.close()
    await other.close()
    everything, registry = zip(*turns, strict=True)
    return statistics.median(everything), statistics.median(registry)


async def compared(dsn: str, rows: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="kaejon-bench-") as directory:
        source, target = await made(dsn, "bench_import"), await made(dsn, "bench_copy")
        found = await imported(source, rows, Path(directory))
        found["copy"], found["registry"] = await copied(source, target)
        found["share"] = found["copy"] / found["first"]
        found["share_of_registry"] = found["registry"] / found["first"]
        found["rows"] = rows
        connection = await asyncpg.connect(dsn)
        for name in ("bench_import", "bench_copy"):
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()
    return found


def _most_memory_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measured(dsn: str, rows: int, *, core: int | None = None) -> dict[str, Any]:
    """Figures of a process that imports so many rows into a database of its own on the server."""

    def pinned() -> None:
        if core is not None and (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(0, {core})

    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.imports", str(rows)], cwd=ROOT,
        env={**os.environ, "KAEJON_BENCH_DSN": dsn}, capture_output=True, text=True, check=True, preexec_fn=pinned,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rendered(found: dict[str, Any]) -> str:
    rows = found["rows"]
    lines = [
        "",
        f"Import of new households (csv, {MEMBERS} members each) with its report against COPY of the rows it has written into",
        f"the same tables ({', '.join(COMPARED)}) with the same indexes, and of those of the registry ({', '.join(REGISTRY)}) alone:",
        "",
        "| rows | of COPY | goal | of COPY of the registry | COPY, rows/s | import, rows/s | the same file again, rows/s |"
        " worker's memory at most |",
        "|---|---|---|---|---|---|---|---|",
        f"| {rows:,} | **{found['share']:.0%}** | ≥ {GOAL:.0%} | {found['share_of_registry']:.0%} |"
        f" {rows / found['copy']:,.0f} | {rows / found['first']:,.0f} | {rows / found['again']:,.0f} |"
        f" {found['memory_mb']:.0f} MB (≤ {MOST_MB}) |",
    ]
    return "\n".join(lines) + "\n"


def reached(found: dict[str, Any]) -> bool:
    return bool(found["share"] >= GOAL and found["memory_mb"] <= MOST_MB)


if __name__ == "__main__":
    memory.give_back()
    print(json.dumps(uvloop.run(compared(os.environ["KAEJON_BENCH_DSN"], int(sys.argv[1])))))
