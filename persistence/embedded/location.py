"""Where the cluster is kept: in the data directory, or apart when the server's account cannot get there.

Root may start us below a directory that is closed to others, such as /root. To open that is not ours to decide,
so the cluster then has a directory of its own, and `pg.location` in the data directory holds its path. The name
is random: a data directory without that file begins anew, and nothing that somebody left is ever adopted.
"""

import logging
import os
import secrets
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from persistence.embedded.account import Account, possible_accounts
from persistence.embedded.cluster import CLUSTER
from persistence.embedded.errors import EmbeddedUnavailable
from persistence.embedded.files import sync_directory, write_private

log = logging.getLogger(__name__)

POINTER = "pg.location"
_PROMISE = "pg.location.new"  # until the cluster is whole: an interrupted start goes on in the same place
_STATE = Path("/var/lib")
_TEMPORARY = Path("/var/tmp")  # noqa: S108 (what is made there is ours alone)
_LONGEST = 4096  # bytes, PATH_MAX


@dataclass(frozen=True)
class Home:
    """`path` holds the cluster. A copy of the binaries goes to `copies`, which is never the server account's:
    we run programs from there too."""

    path: Path
    copies: Path


def holds_cluster(directory: Path) -> bool:
    """Whether a cluster was made for the data directory, in it or apart; one apart may have been lost since.

    So a True says that keys and passwords are not to be made anew; `start` says what to restore.
    """
    return os.path.lexists(directory / POINTER) or (directory / CLUSTER / "PG_VERSION").exists()


def home_of(directory: Path) -> Path:
    """The directory that holds the cluster, or that would if there was one: the data directory, or that apart.

    Raises EmbeddedUnavailable when what `pg.location` names is gone, or could be somebody else's work.
    """
    pointer = directory / POINTER
    if not os.path.lexists(pointer):
        return directory
    path = _named(pointer)
    if os.path.lexists(directory / CLUSTER):
        raise EmbeddedUnavailable(
            f"there are two clusters, {directory / CLUSTER} and, named by {pointer}, {path / CLUSTER}: "
            f"move away {directory / CLUSTER} or {pointer}, whichever is not the one in use"
        )
    uids = {each.uid for each in possible_accounts()}
    if os.path.lexists(path) and (complaint := _complaint(path, uids)):
        raise EmbeddedUnavailable(
            f"{pointer} names {path}, which is not used: {complaint}. "
            "Put both back as they were made, from a backup if need be, or run as the user who made them"
        )
    if not (path / CLUSTER / "PG_VERSION").is_file():
        raise EmbeddedUnavailable(
            f"the cluster is kept in {path}, says {pointer}, and it is not there: restore {path} from a backup, "
            f"with its owners and modes; only to begin with an empty database, remove {directory} as a whole"
        )
    return path


def settle(directory: Path, account: Account) -> Home:
    """Where the cluster is, or is to be made; the caller holds the lock, and calls `keep` once it is made.

    Raises EmbeddedUnavailable when the account cannot reach the cluster or any place for it.
    """
    home = home_of(directory)
    barrier = None
    if not account.is_ours:
        barrier = _barrier(directory, account) if home == directory else account.barrier(home)
    if barrier is None:
        return Home(directory, directory) if home == directory else _apart(home)
    if os.path.lexists(home / CLUSTER):
        raise EmbeddedUnavailable(
            f"PostgreSQL does not run as root, and user id {account.uid}, which it would run as, cannot pass "
            f"through {barrier} to reach {home / CLUSTER}: let it pass there, or move {home} to a place in its "
            f"reach and name that {'with --data-dir' if home == directory else f'in {directory / POINTER}'}"
        )
    return _apart(_promised(directory, account) or _promise(directory, account))


def keep(directory: Path, home: Home) -> None:
    """Make the place of a cluster apart, which is whole by now, the place for good."""
    if home.path != directory and not os.path.lexists(directory / POINTER):
        os.rename(directory / _PROMISE, directory / POINTER)
        sync_directory(directory)


def _barrier(directory: Path, account: Account) -> Path | None:
    barrier = account.barrier(directory)
    if barrier == directory and barrier.stat().st_uid == os.geteuid():
        # Ours to open, by no more than passage for the server's group; what lies above it is not.
        os.chown(barrier, -1, account.gid)
        barrier.chmod(barrier.stat().st_mode | 0o010)
        barrier = account.barrier(directory)
    return barrier


def _apart(path: Path) -> Home:
    # Beside it, in a directory of ours, since inside it the server's account could exchange the programs.
    copies = path.with_name(path.name + ".programs")
    copies.mkdir(exist_ok=True)
    copies.chmod(0o711)
    return Home(path, copies)


def _promised(directory: Path, account: Account) -> Path | None:
    """The place of an interrupted first start, if it is still there: it holds nobody's data yet."""
    promise = directory / _PROMISE
    if not os.path.lexists(promise):
        return None
    path = _named(promise)
    return path if os.path.lexists(path) and not _complaint(path, {account.uid}) else None


def _promise(directory: Path, account: Account) -> Path:
    path = _parent(directory, account) / secrets.token_hex(8)
    path.mkdir(mode=0o700)
    account.own(path)
    draft = directory / (_PROMISE + "~")
    draft.unlink(missing_ok=True)
    write_private(draft, f"{path}\n")
    draft.rename(directory / _PROMISE)
    sync_directory(directory)
    return path


def _parent(directory: Path, account: Account) -> Path:
    """A directory of ours for clusters apart, open for passage only."""
    makers: tuple[Callable[[], Path], ...] = (_common, partial(_fresh, _STATE), partial(_fresh, _TEMPORARY))
    refusals = []
    for make in makers:
        try:
            path = make()
        except OSError as error:
            refusals.append(str(error))
            continue
        barrier = account.barrier(path)
        complaint = _exposure(path) if barrier is None else f"{barrier} is closed to user id {account.uid}"
        if complaint is None:
            if path.parent == _TEMPORARY.resolve():
                log.warning(
                    "the cluster goes to %s, and some systems remove old files there: "
                    "name a lasting place in the reach of user id %s with --data-dir",
                    path,
                    account.uid,
                )
            return path
        refusals.append(complaint)
        if make is not _common:  # that may be somebody else's
            path.rmdir()
    raise EmbeddedUnavailable(
        f"PostgreSQL does not run as root, and user id {account.uid}, which it would run as, can reach neither "
        f"{directory} nor another place for the cluster ({'; '.join(refusals)}): choose a directory in its reach "
        "with --data-dir, run as an ordinary user, or set KAEJON_DATABASE_URL"
    )


def _common() -> Path:
    path = _STATE.resolve() / "kaejon"
    try:
        path.mkdir()
    except FileExistsError:
        return path  # perhaps not ours: its rights are looked at, and never changed
    path.chmod(0o711)
    return path


def _fresh(base: Path) -> Path:
    path = Path(tempfile.mkdtemp(prefix="kaejon-", dir=base.resolve()))
    path.chmod(0o711)
    return path


def _named(pointer: Path) -> Path:
    """The path in a file that only we can have written.

    Raises EmbeddedUnavailable when others could have, or when it holds something else.
    """
    try:
        descriptor = os.open(pointer, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise EmbeddedUnavailable(f"{pointer} cannot be read as a file of ours: {error}") from None
    try:
        status = os.fstat(descriptor)
        ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022
        content = os.read(descriptor, _LONGEST) if ours else b""
    finally:
        os.close(descriptor)
    if not ours:
        raise EmbeddedUnavailable(
            f"{pointer} is not used: it is not a file that user id {os.geteuid()} owns and no other can write; "
            "find out who made it, and restore it from a backup"
        )
    text = os.fsdecode(content.removesuffix(b"\n"))
    if not text.startswith("/") or not text.isprintable():
        raise EmbeddedUnavailable(f"{pointer} does not hold an absolute path: restore it from a backup")
    return Path(text)


def _complaint(path: Path, uids: set[int]) -> str | None:
    """Why a path could lead to somebody else's work, or None: it would be run as the server's account."""
    if os.path.realpath(path) != str(path):
        return "it leads through a symbolic link or '..'; write the path that it leads to"
    for each in (path, path / CLUSTER):
        try:
            status = each.lstat()
        except FileNotFoundError:
            continue  # a promised place has no cluster yet
        if not stat.S_ISDIR(status.st_mode):
            return f"{each} is not a directory"
        if status.st_uid not in uids or status.st_uid != path.lstat().st_uid:
            return f"{each} belongs to user id {status.st_uid}, and not to the server's account"
    if path.lstat().st_mode & 0o077:
        return f"{path} is open to others; it has to have the mode 0700"
    return _exposure(path.parent)


def _exposure(parent: Path) -> str | None:
    """Who else could exchange what lies in a directory, or None; above it, a sticky one such as /tmp will do."""
    for each in (parent, *parent.parents):
        status = each.lstat()
        if not stat.S_ISDIR(status.st_mode):
            return f"{each} is not a directory"
        if status.st_uid not in {0, os.geteuid()}:
            return f"{each} belongs to user id {status.st_uid}"
        if status.st_mode & 0o022 and (each == parent or not status.st_mode & stat.S_ISVTX):
            return f"{each} can be written by others"
    return None
