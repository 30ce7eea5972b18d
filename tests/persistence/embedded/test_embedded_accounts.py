"""The embedded PostgreSQL under root: other accounts, what is out of their reach, clusters kept apart."""

import contextlib
import logging
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistence.embedded import (
    EmbeddedPostgres,
    EmbeddedUnavailable,
    holds_cluster,
    installed_binaries,
    location,
    owner_of,
    running_url,
)
from persistence.embedded.account import possible_accounts
from persistence.embedded.location import home_of
from tests.support.embedded import (
    QUICK,
    ROOT,
    UNFINISHED,
    as_root,
    open_room,
    owner,
    processes,
    query,
    remove_apart,
    working_in,
)
from tests.support.waiting import eventually


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
    with open_room() as room:
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
    with open_room() as room:
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
    with open_room() as room:
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
