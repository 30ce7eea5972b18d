"""One owner for a data directory: a lock the kernel releases when its holder dies, however it dies."""

import fcntl
import os
import time
from pathlib import Path

from persistence.embedded.errors import DataDirectoryInUse, EmbeddedUnavailable

NAME = ".lock"


def acquire(directory: Path) -> int:
    """Lock the directory for this process; the lock holds until the returned descriptor is closed.

    Raises DataDirectoryInUse when another process holds it.
    """
    descriptor = os.open(directory / NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for pause in (0.02, 0.2, None):  # `owner_of` elsewhere may hold it for an instant
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if pause is None:
                    raise DataDirectoryInUse(directory, _written_pid(descriptor)) from None
                time.sleep(pause)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def claim(home: Path, pointer: Path) -> int:
    """Lock a cluster's home apart for this process, likewise: copies of a data directory name the same one.

    Raises EmbeddedUnavailable when another process holds it.
    """
    # The directory itself: a lock file in it could be exchanged by the server's account.
    descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise EmbeddedUnavailable(
            f"{home}, named by {pointer}, is in use through another data directory: stop that one first; "
            "a copy of a data directory is no copy of a cluster that is kept apart"
        ) from None
    return descriptor


def owner_of(directory: Path) -> int | None:
    """The process id of the running owner, None when there is none; a leftover `.lock` file is no owner."""
    try:
        descriptor = os.open(directory / NAME, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        # A shared lock, so that two askers do not take each other for the owner.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _written_pid(descriptor)
    finally:
        os.close(descriptor)
    return None


def _written_pid(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else None
