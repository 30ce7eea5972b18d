"""The embedded PostgreSQL against what happens to servers: kills, half-made clusters, hostile neighbours."""

import asyncio
import contextlib
import logging
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from persistence.embedded import (
    DataDirectoryInUse,
    EmbeddedPostgres,
    EmbeddedUnavailable,
    holds_cluster,
    installed_binaries,
    location,
    owner_of,
    running_url,
)
from persistence.embedded.account import Account, possible_accounts
from persistence.embedded.location import home_of
from persistence.embedded.sockets import socket_directory
from tests.support.waiting import PATIENCE_S, eventually

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


@pytest.fixture(scope="module")
def pristine() -> Iterator[Path]:
    """A data directory with a cluster that has been started and stopped, to copy from."""
    with _room() as room:
        with EmbeddedPostgres(room / "data", options=QUICK):
            pass
        yield room / "data"


@pytest.fixture
def data(pristine: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    if getattr(request, "param", "in reach") == "out of reach":
        yield request.getfixturevalue("closed")
        return
    with _room() as room:
        subprocess.run(["cp", "-a", pristine, room / "data"], check=True)
        yield room / "data"


@pytest.fixture
def empty() -> Iterator[Path]:
    with _room() as room:
        yield room / "data"


@pytest.fixture
def closed() -> Iterator[Path]:
    """A data directory below directories that only root can pass through."""
    with _room() as room:
        (room / "closed").mkdir(mode=0o700)
        try:
            yield Path(tempfile.mkdtemp(dir=room / "closed")) / "data"
        finally:
            for pointer in room.rglob("pg.location*"):
                if pointer.exists():  # and is no link to what a test has removed
                    remove_apart(Path(pointer.read_text().strip()))


def remove_apart(home: Path) -> None:
    """What lies outside the data directory outlives it; that of others is not touched.

    Nor is what it lies in, empty as it may be: another start may be about to use it.
    """
    if home.parent == Path("/var/lib/kaejon"):
        for path in (home, home.with_name(home.name + ".programs")):
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _room() -> Iterator[Path]:
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
    with _room() as room:
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
    with _room() as shared:
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


@as_root
def test_an_ordinary_user_runs_it_too(empty: Path) -> None:
    user = pwd.getpwnam("nobody")
    empty.mkdir()
    os.chown(empty, user.pw_uid, user.pw_gid)
    with owner(empty, user.pw_uid, user.pw_gid) as (process, url):
        query(url, "CREATE TABLE kept AS SELECT 7 AS value")
        assert {path.stat().st_uid for path in empty.iterdir()} == {user.pw_uid}
        process.kill()
        process.wait()
        assert eventually(lambda: not processes(empty))
    # Root goes on as the account that the cluster belongs to.
    with EmbeddedPostgres(empty, options=QUICK) as again:
        assert query(again, "SELECT value FROM kept") == 7


@as_root
def test_a_cluster_behind_a_closed_ancestor_is_refused_and_the_ancestor_left_as_it_is(data: Path) -> None:
    data.parent.chmod(0o700)
    with pytest.raises(EmbeddedUnavailable, match=rf"pass through {data.parent} .*--data-dir"):
        EmbeddedPostgres(data, options=QUICK).start()
    assert stat.S_IMODE(data.parent.stat().st_mode) == 0o700


@as_root
def test_a_closed_data_directory_is_opened_for_passage_only(data: Path) -> None:
    data.chmod(0o700)
    with EmbeddedPostgres(data, options=QUICK) as url:
        assert query(url, "SELECT 1") == 1
    assert stat.S_IMODE(data.stat().st_mode) == 0o710


@contextlib.contextmanager
def _closed_binaries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The installed binaries are where only root can pass through."""
    package = installed_binaries().parents[1]
    with _room() as room:
        closed = room / "closed"
        for part in (package, package.with_name(package.name + ".libs")):
            shutil.copytree(part, closed / part.name, symlinks=True)
        closed.chmod(0o700)
        monkeypatch.syspath_prepend(closed)
        assert installed_binaries().is_relative_to(closed)
        yield


@as_root
def test_binaries_out_of_reach_are_copied(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _closed_binaries(monkeypatch):
        for _ in range(2):
            with EmbeddedPostgres(empty, options=QUICK) as url:
                assert query(url, "SELECT 1") == 1
        assert len(list(empty.glob("postgresql-*"))) == 1


@as_root
def test_a_cluster_out_of_reach_is_kept_apart(closed: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert not holds_cluster(closed)
    with EmbeddedPostgres(closed, options=QUICK) as url:
        assert holds_cluster(closed)
        assert running_url(closed) == url
        assert owner_of(closed) == os.getpid()
        query(url, "CREATE TABLE kept AS SELECT 7 AS value")
    home = Path((closed / "pg.location").read_text().strip())
    assert [record.message for record in caplog.records if str(home) in record.message] == [
        f"the cluster is kept in {home}: user id {home.stat().st_uid}, which PostgreSQL runs as, "
        f"has no way to {closed}"
    ]
    assert home.parent == Path("/var/lib/kaejon")
    assert re.fullmatch("[0-9a-f]{16}", home.name)
    assert {path.name for path in closed.iterdir()} == {
        ".lock",
        "pg.location",
        "postgres.log",
        "superuser.password",
    }
    assert [path.name for path in home.iterdir()] == ["pg"]
    account = home.stat().st_uid
    assert account != 0
    for path, mode, uid in (
        (closed.parent, 0o700, 0),
        (closed / "pg.location", 0o600, 0),
        (closed / "superuser.password", 0o600, 0),
        (home.parent, 0o711, 0),
        (home, 0o700, account),
        (home / "pg", 0o700, account),
    ):
        assert (path, stat.S_IMODE(path.stat().st_mode), path.stat().st_uid) == (path, mode, uid)
    moved = closed.rename(closed.with_name("moved"))
    assert holds_cluster(moved)
    assert running_url(moved) is None
    with EmbeddedPostgres(moved, options=QUICK) as again:
        assert again == url
        assert query(again, "SELECT value FROM kept") == 7


@as_root
def test_a_lost_cluster_is_told_and_never_begun_anew(closed: Path) -> None:
    with EmbeddedPostgres(closed, options=QUICK):
        pass
    home = home_of(closed)
    for lost in (home / "pg", home):
        shutil.rmtree(lost)
        with pytest.raises(EmbeddedUnavailable, match=rf"restore {home} from a backup"):
            EmbeddedPostgres(closed, options=QUICK).start()
        assert holds_cluster(closed)  # so that no new keys are made
        assert owner_of(closed) is None
        assert not (home / "pg").exists()


@as_root
def test_a_deleted_data_directory_is_begun_anew_elsewhere(closed: Path) -> None:
    with EmbeddedPostgres(closed, options=QUICK):
        first = home_of(closed)
    shutil.rmtree(closed)
    assert not holds_cluster(closed)
    with EmbeddedPostgres(closed, options=QUICK):
        assert home_of(closed) != first
    assert (first / "pg" / "PG_VERSION").exists()
    remove_apart(first)


@as_root
def test_an_interrupted_first_start_goes_on_in_the_same_place(closed: Path) -> None:
    command = [sys.executable, "-c", UNFINISHED, str(closed), "0", "0"]
    promise = closed / "pg.location.new"
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        assert eventually(promise.exists)
        home = Path(promise.read_text().strip())
        assert eventually(lambda: any(home.glob("initdb-*/pg/base")))
        process.kill()
    assert eventually(lambda: not working_in(home)), (
        "initdb and its children, who may still write, have ended"
    )
    assert not holds_cluster(closed)
    with EmbeddedPostgres(closed, options=QUICK) as url:
        assert query(url, "SELECT 1") == 1
    assert home_of(closed) == home
    assert [path.name for path in home.iterdir()] == ["pg"]
    assert not promise.exists()


@as_root
def test_a_copy_of_a_data_directory_does_not_share_its_cluster(closed: Path) -> None:
    with EmbeddedPostgres(closed, options=QUICK):
        copy = closed.with_name("copy")
        shutil.copytree(closed, copy)
        with pytest.raises(EmbeddedUnavailable, match="in use through another data directory"):
            EmbeddedPostgres(copy, options=QUICK).start()
        assert running_url(copy) is None


@as_root
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("link", "symbolic link"),
        ("linked cluster", "is not a directory"),
        ("dots", "symbolic link or '..'"),
        ("relative", "absolute path"),
        ("empty", "absolute path"),
        ("root's", "belongs to user id 0"),
        ("another's", "belongs to user id 4711"),
        ("another's parent", "belongs to user id 4711"),
        ("open", "is open to others"),
        ("exchangeable", "can be written by others"),
        ("another's file", "is not a file that user id 0 owns"),
        ("writable file", "is not a file that user id 0 owns"),
        ("linked file", "cannot be read as a file of ours"),
        ("two clusters", "there are two clusters"),
    ],
)
def test_a_hostile_location_is_refused(kind: str, reason: str, closed: Path) -> None:
    pointer = closed / "pg.location"
    with _room() as room:
        parent, home = room / "parent", room / "parent" / "home"
        parent.mkdir(mode=0o711)
        home.mkdir(mode=0o700)
        (home / "pg").mkdir()
        (home / "pg" / "PG_VERSION").touch()
        uid = next(possible_accounts()).uid
        for path in (home, home / "pg"):
            os.chown(path, uid, -1)
        closed.mkdir()
        content = f"{home}\n"
        pointer.touch(mode=0o600)
        pointer.write_text(content)
        assert home_of(closed) == home  # until it is made hostile
        if kind == "link":
            (room / "link").symlink_to(parent)
            content = f"{room / 'link' / 'home'}\n"
        elif kind == "linked cluster":
            (home / "pg").rename(room / "pg")
            (home / "pg").symlink_to(room / "pg")
        elif kind == "dots":
            content = f"{parent}/../parent/home\n"
        elif kind in {"relative", "empty"}:
            content = "parent/home" if kind == "relative" else ""
        elif kind in {"root's", "another's"}:
            os.chown(home, 0 if kind == "root's" else 4711, -1)
        elif kind == "another's parent":
            os.chown(parent, 4711, -1)
        elif kind == "open":
            home.chmod(0o750)
        elif kind == "exchangeable":
            parent.chmod(0o1777)
        elif kind == "another's file":
            os.chown(pointer, uid, -1)
        elif kind == "writable file":
            pointer.chmod(0o620)
        elif kind == "linked file":
            pointer.rename(room / "pointer")
            pointer.symlink_to(room / "pointer")
        else:
            shutil.copytree(home / "pg", closed / "pg")
        pointer.write_text(content)
        with pytest.raises(EmbeddedUnavailable, match=re.escape(reason)):
            EmbeddedPostgres(closed, options=QUICK).start()
        assert holds_cluster(closed)
        assert owner_of(closed) is None


@as_root
@pytest.mark.parametrize("taken", ["another's", "read-only"])
def test_another_place_is_found_where_the_usual_one_cannot_be_used(
    taken: str, closed: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with _room() as room:
        state, temporary = room / "lib", room / "tmp"
        temporary.mkdir()
        temporary.chmod(0o1777)
        if taken == "another's":
            (state / "kaejon").mkdir(parents=True)
            os.chown(state / "kaejon", 4711, -1)
        else:
            state.touch()  # as little can be made in it as in a read-only one, which root's tests cannot have
        monkeypatch.setattr(location, "_STATE", state)
        monkeypatch.setattr(location, "_TEMPORARY", temporary)
        with EmbeddedPostgres(closed, options=QUICK) as url:
            assert query(url, "SELECT 1") == 1
        base = state if taken == "another's" else temporary
        assert home_of(closed).parent.parent == base
        assert home_of(closed).parent.name.startswith("kaejon-")
        warned = [each.message for each in caplog.records if "remove old files" in each.message]
        assert len(warned) == (base == temporary)


@as_root
def test_binaries_out_of_reach_are_copied_beside_a_cluster_apart(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _closed_binaries(monkeypatch):
        made = set()
        for _ in range(2):
            with EmbeddedPostgres(closed, options=QUICK) as url:
                assert query(url, "SELECT 1") == 1
            home = home_of(closed)
            (copy,) = home.with_name(home.name + ".programs").iterdir()
            made.add((copy, copy.stat().st_ino))
        assert len(made) == 1
        assert copy.stat().st_uid == 0
        assert not list(closed.glob("postgresql-*"))
