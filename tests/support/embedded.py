"""Embedded PostgreSQL servers in rooms of their own, owned by this process or by one that can be killed."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from persistence.embedded.location import home_of
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
QUICK = {"fsync": "off", "shared_buffers": "16MB", "max_wal_size": "64MB"}

# Owns a server until it is killed. It may first become an ordinary user, with everything imported by then:
# the interpreter's own files may be closed to that user.
OWNER = f"""
import asyncio, encodings.idna, os, signal, sys
from pathlib import Path
import asyncpg
from persistence.embedded import EmbeddedPostgres, installed_binaries
directory, uid, gid = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
installed_binaries()
if os.getuid() != uid:
    os.setgroups([]), os.setgid(gid), os.setuid(uid)
    if not os.access(sys.executable, os.X_OK):
        sys.executable = "/usr/bin/python3"
print("ready", EmbeddedPostgres(directory, options={QUICK!r}).start(), flush=True)
signal.pause()
"""
# The same, but it never gets as far as to give the finished cluster its name.
UNFINISHED = f"""
import pathlib, signal
rename = pathlib.Path.rename
pathlib.Path.rename = lambda path, to: signal.pause() if pathlib.Path(to).name == "pg" else rename(path, to)
{OWNER}"""


def remove_apart(home: Path) -> None:
    """What lies outside the data directory outlives it; that of others is not touched.

    Nor is what it lies in, empty as it may be: another start may be about to use it.
    """
    if home.parent == Path("/var/lib/kaejon"):
        for path in (home, home.with_name(home.name + ".programs")):
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def open_room() -> Iterator[Path]:
    """pytest's own directories are closed to the account that the server runs as under root."""
    room = Path(tempfile.mkdtemp(prefix="kaejon-test-"))
    room.chmod(0o711)
    try:
        yield room
    finally:
        shutil.rmtree(room)


def query(url: str, statement: str) -> object:
    async def run() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(run())


def processes(data: Path) -> list[int]:
    """The postmasters of the cluster: processes whose command line names it."""
    cluster = bytes(home_of(data) / "pg")
    return [pid for pid, line, _ in running() if cluster in line]


def working_in(directory: Path) -> list[int]:
    """initdb on a cluster in the directory, and its children, which are only there and do not name it."""
    return [
        pid for pid, line, place in running() if bytes(directory) in line or place.is_relative_to(directory)
    ]


def running() -> Iterator[tuple[int, bytes, Path]]:
    """All processes, with their command lines and the directories they are in."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit():
                yield int(entry.name), (entry / "cmdline").read_bytes(), Path(os.readlink(entry / "cwd"))


def postmaster(data: Path) -> int:
    return int((home_of(data) / "pg" / "postmaster.pid").read_text().splitlines()[0])


@contextlib.contextmanager
def owner(
    data: Path, uid: int | None = None, gid: int | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process of its own that owns a server, and its URL."""
    ids = (os.getuid() if uid is None else uid, os.getgid() if gid is None else gid)
    command = [sys.executable, "-c", OWNER, str(data), *(str(each) for each in ids)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        word, _, url = process.stdout.readline().strip().partition(" ")
        try:
            assert word == "ready"
            yield process, url
        finally:
            process.kill()
            process.wait()
    assert eventually(lambda: not processes(data))
    shutil.rmtree(url.partition("?host=")[2], ignore_errors=True)  # a killed owner leaves it for the next


as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root starts the server as another account")
wherever = pytest.mark.parametrize(
    "data", ["in reach", pytest.param("out of reach", marks=as_root)], indirect=True
)
