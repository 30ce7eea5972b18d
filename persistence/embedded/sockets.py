"""The directory of the server's socket: private, and short however long the data directory's path is."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from persistence.embedded.account import Account
from persistence.embedded.errors import EmbeddedUnavailable

PORT = "5432"  # only part of the socket's name: the server does not listen on a network
_LONGEST = 107  # bytes in sockaddr_un.sun_path without its final zero


def socket_directory(cluster: Path, account: Account) -> Path:
    """An empty directory, the same at each start, so that a URL handed out outlives a restart of the server.

    The caller owns the cluster, so whatever is in there was left by a server that is gone.
    Raises EmbeddedUnavailable when the place is taken by something that is not the account's own.
    """
    path = _base(account) / _name(cluster, account)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        status = path.lstat()
        ours = stat.S_ISDIR(status.st_mode) and status.st_uid in {account.uid, os.geteuid()}
        if not ours or status.st_mode & 0o077:
            raise EmbeddedUnavailable(
                f"{path} is not a private directory of user id {account.uid}: "
                "find out who made it, remove it, or set TMPDIR to another directory"
            ) from None
    account.own(path)
    for leftover in path.iterdir():
        leftover.unlink()
    return path


def _name(cluster: Path, account: Account) -> str:
    return f"kaejon-{account.uid}-{hashlib.sha256(bytes(cluster)).hexdigest()[:16]}"


def _base(account: Account) -> Path:
    longest_name = f"/kaejon-{account.uid}-{'f' * 16}/.s.PGSQL.{PORT}"
    shared = Path("/tmp")  # noqa: S108 (what is made there is checked)
    for base in (Path(tempfile.gettempdir()).resolve(), shared):
        if len(bytes(base)) + len(longest_name) <= _LONGEST and account.barrier(base) is None:
            return base
    raise EmbeddedUnavailable(
        f"no directory for a socket in the reach of user id {account.uid}: "
        "set TMPDIR to one, with a path below 60 characters"
    )
