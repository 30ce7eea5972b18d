"""The embedded PostgreSQL against what happens to servers: kills, half-made clusters, hostile neighbours."""

import contextlib
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import asyncpg
import pytest

from persistence.embedded import (
    DataDirectoryInUse,
    EmbeddedPostgres,
    EmbeddedUnavailable,
    installed_binaries,
    owner_of,
    running_url,
)
from persistence.embedded.account import Account
from persistence.embedded.sockets import socket_directory
from tests.support.embedded import (
    QUICK,
    ROOT,
    UNFINISHED,
    open_room,
    owner,
    postmaster,
    processes,
    query,
    wherever,
    working_in,
)
from tests.support.waiting import PATIENCE_S, eventually


def test_starts_answers_and_stops(empty: Path) -> None:
    server = EmbeddedPostgres(empty, options=QUICK)
    assert not server.running
    url = server.start()
    assert server.running
    assert running_url(empty) == url
    assert owner_of(empty) == os.getpid()
    assert query(url, "SELECT 'แก้จน'") == "แก้จน"
    facts = """SELECT concat_ws(' ', current_setting('server_encoding'), datlocprovider, datlocale,
        current_setting('data_checksums'), current_setting('jit'), current_setting('fsync'),
        current_setting('listen_addresses')) FROM pg_database WHERE datname = 'postgres'"""
    assert query(url, facts) == "UTF8 b C.UTF-8 on off off "
    server.stop()
    server.stop()
    assert not server.running
    assert processes(empty) == []
    assert running_url(empty) is None
    assert owner_of(empty) is None


@wherever
def test_starts_again_at_the_same_url_with_its_data(data: Path) -> None:
    with EmbeddedPostgres(data, options=QUICK) as first:
        query(first, "CREATE TABLE kept AS SELECT 7 AS value")
    with EmbeddedPostgres(data, options=QUICK) as second:
        assert query(second, "SELECT value FROM kept") == 7
    assert first == second


def test_files_are_private_to_their_owner(data: Path) -> None:
    with EmbeddedPostgres(data, options=QUICK) as url:
        directory = Path(url.partition("?host=")[2])
        account = (data / "pg").stat().st_uid
        assert account != 0
        for path, mode, uid in (
            (data / "pg", 0o700, account),
            (directory, 0o700, account),
            (data / "superuser.password", 0o600, os.getuid()),
            (data / "postgres.log", 0o600, os.getuid()),
            (data / ".lock", 0o600, os.getuid()),
        ):
            status = path.stat()
            assert (path.name, stat.S_IMODE(status.st_mode), status.st_uid) == (path.name, mode, uid)
        hba = (data / "pg" / "pg_hba.conf").read_text()
        methods = {line.split()[-1] for line in hba.splitlines() if line and not line.startswith("#")}
        assert methods == {"scram-sha-256"}
        with pytest.raises(asyncpg.InvalidPasswordError):
            query(re.sub(r":[^:@]+@", ":wrong@", url), "SELECT 1")
    assert not directory.exists()


@wherever
def test_a_second_owner_is_refused_by_name(data: Path) -> None:
    with owner(data) as (process, url):
        with pytest.raises(
            DataDirectoryInUse, match=rf"{data} is in use by process {process.pid}\b"
        ) as refused:
            EmbeddedPostgres(data, options=QUICK).start()
        assert refused.value.pid == process.pid
        assert query(url, "SELECT 1") == 1


@wherever
def test_kill_of_the_owner_takes_the_server_along_and_keeps_what_was_committed(data: Path) -> None:
    with owner(data) as (process, url):
        query(url, "CREATE TABLE kept AS SELECT 7 AS value")
        process.kill()
        process.wait()
        # At once, while the old server may still be shutting down.
        with EmbeddedPostgres(data, options=QUICK) as again:
            assert query(again, "SELECT value FROM kept") == 7
    assert processes(data) == []


@wherever
def test_kill_of_the_server_is_recovered_from(data: Path) -> None:
    server = EmbeddedPostgres(data, options=QUICK)
    url = server.start()
    query(url, "CREATE TABLE kept AS SELECT 7 AS value")
    for _ in range(3):
        os.kill(postmaster(data), signal.SIGKILL)
        assert eventually(lambda: not server.running)
        server.stop()
        assert server.start() == url
        assert query(url, "SELECT value FROM kept") == 7
    server.stop()


def test_children_of_a_killed_server_are_waited_for(data: Path) -> None:
    server = EmbeddedPostgres(data, options=QUICK)
    url = server.start()
    # A busy backend does not notice that its postmaster is gone.
    busy = "SELECT count(*) FROM generate_series(1, 30000000) AS n"
    enough = threading.Event()
    client = threading.Thread(target=_repeat, args=(url, busy, enough))
    client.start()
    count = """SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%30000000%' AND state = 'active'
        AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
    assert eventually(lambda: query(url, count) == 1)
    os.kill(postmaster(data), signal.SIGKILL)
    enough.set()
    server.stop()
    server.start()
    assert query(url, "SELECT 1") == 1
    server.stop()
    client.join()


def _repeat(url: str, statement: str, enough: threading.Event) -> None:
    lost = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
    with contextlib.suppress(*lost):
        while not enough.is_set():
            query(url, statement)


def test_the_server_outlives_the_thread_that_started_it(data: Path) -> None:
    server = EmbeddedPostgres(data, options=QUICK)
    urls: list[str] = []
    thread = threading.Thread(target=lambda: urls.append(server.start()))
    thread.start()
    thread.join()
    time.sleep(0.5)
    assert query(urls[0], "SELECT 1") == 1
    server.stop()


def test_a_fork_of_the_owner_does_not_stop_the_server(data: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from persistence.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), options={"fsync": "off"})
server.start()
if (child := os.fork()) == 0:
    server.stop()
    os._exit(0)
os.waitpid(child, 0)
print(server.running)
server.stop()
print(server.running)
"""
    command = [sys.executable, "-W", "ignore", "-c", script, str(data)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["True", "False"]


def test_an_interrupted_initdb_is_begun_anew(empty: Path) -> None:
    command = [sys.executable, "-c", UNFINISHED, str(empty), str(os.getuid()), str(os.getgid())]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        assert eventually(lambda: any(empty.glob("initdb-*/pg/base")))
        process.kill()
    assert eventually(lambda: not working_in(empty)), (
        "initdb and its children, who may still write, have ended"
    )
    assert not (empty / "pg").exists()
    with EmbeddedPostgres(empty, options=QUICK) as url:
        assert query(url, "SELECT 1") == 1
    assert list(empty.glob("initdb-*")) == []


def test_a_stale_pid_file_neither_stops_us_nor_harms_a_stranger(data: Path) -> None:
    with EmbeddedPostgres(data, options=QUICK):
        left = (data / "pg" / "postmaster.pid").read_text()
    ids = {"user": (data / "pg").stat().st_uid} if os.getuid() == 0 else {}
    with subprocess.Popen(["sleep", "600"], cwd="/", **ids) as stranger:
        _, _, rest = left.partition("\n")
        (data / "pg" / "postmaster.pid").write_text(f"{stranger.pid}\n{rest}")
        with EmbeddedPostgres(data, options=QUICK) as url:
            assert query(url, "SELECT 1") == 1
        assert stranger.poll() is None
        stranger.kill()


def test_a_server_that_ends_is_reported_at_once_with_its_log(data: Path) -> None:
    began = time.monotonic()
    with pytest.raises(EmbeddedUnavailable, match="no_such_setting"):
        EmbeddedPostgres(data, options={**QUICK, "no_such_setting": "1"}).start()
    assert time.monotonic() - began < PATIENCE_S
    with EmbeddedPostgres(data, options=QUICK):
        assert owner_of(data) == os.getpid()


def test_a_long_path_with_odd_characters_works(pristine: Path) -> None:
    with open_room() as room:
        deep = room / ("ข้อมูล " * 8) / 'it\'s, a "path"'
        for _ in range(3):
            deep = deep / ("x" * 60)
        deep.parent.mkdir(parents=True)
        subprocess.run(["cp", "-a", pristine, deep], check=True)
        with EmbeddedPostgres(deep, options=QUICK) as url:
            assert query(url, "SELECT 1") == 1


@pytest.mark.parametrize("kind", ["open", "link", "file"])
def test_a_hostile_socket_directory_is_refused(
    kind: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_room() as shared:
        monkeypatch.setattr(tempfile, "tempdir", str(shared))
        account = Account((data / "pg").stat().st_uid, (data / "pg").stat().st_gid)
        path = socket_directory(data / "pg", account)
        path.rmdir()
        if kind == "open":
            path.mkdir()
            path.chmod(0o777)
        elif kind == "link":
            path.symlink_to(data / "pg")
        else:
            path.touch(0o700)
        with pytest.raises(EmbeddedUnavailable, match=re.escape(str(path))):
            EmbeddedPostgres(data, options=QUICK).start()
        assert (data / "pg" / "PG_VERSION").exists()
        assert owner_of(data) is None


def test_what_is_no_cluster_is_left_alone(empty: Path) -> None:
    (empty / "pg").mkdir(parents=True)
    (empty / "pg" / "thesis.txt").write_text("years of work")
    with pytest.raises(EmbeddedUnavailable, match="no PostgreSQL cluster"):
        EmbeddedPostgres(empty, options=QUICK).start()
    assert (empty / "pg" / "thesis.txt").read_text() == "years of work"


def test_a_lost_password_is_told(data: Path) -> None:
    (data / "superuser.password").unlink()
    with pytest.raises(EmbeddedUnavailable, match=r"superuser\.password is missing"):
        EmbeddedPostgres(data, options=QUICK).start()


def test_missing_binaries_say_what_to_set(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAEJON_PG_BIN", str(empty))
    with pytest.raises(EmbeddedUnavailable, match="KAEJON_PG_BIN"):
        EmbeddedPostgres(empty, options=QUICK).start()
    monkeypatch.delenv("KAEJON_PG_BIN")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EmbeddedUnavailable, match="KAEJON_DATABASE_URL"):
        installed_binaries()
