"""What an earlier server left: processes still using the cluster, a `postmaster.pid` nobody removed."""

import fcntl
import logging
import os
import time
from pathlib import Path

from persistence.embedded.errors import EmbeddedUnavailable

log = logging.getLogger(__name__)

_POLL = 0.02  # seconds


def await_predecessor(cluster: Path, deadline: float | None) -> int:
    """A lock on the cluster, to be inherited by the server and all its processes; the descriptor is returned.

    So it is free only when the last process of an earlier server has gone: one that still shuts down after
    its owner was killed, or the children of one that was killed itself and whose memory they still share.
    Raises EmbeddedUnavailable after the deadline, a value of `time.monotonic`; None waits for ever.
    """
    descriptor = os.open(cluster, os.O_RDONLY | os.O_DIRECTORY)
    warn_at = time.monotonic() + 5
    try:
        while not _locked(descriptor):
            now = time.monotonic()
            if deadline is not None and now > deadline:
                raise EmbeddedUnavailable(
                    f"processes of an earlier PostgreSQL still use {cluster}: end them, then start again"
                )
            if now > warn_at:
                log.warning("waiting for the processes of an earlier PostgreSQL in %s to end", cluster)
                warn_at = float("inf")
            time.sleep(_POLL)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def stale_pid(cluster: Path) -> int | None:
    """The process id in a left `postmaster.pid` when that number is now some other program's.

    PostgreSQL refuses to start beside a living process of that number, unless told that it is its own
    grandparent, as `pg_ctl` tells it by PG_GRANDPARENT_PID. Its check for shared memory still in use remains.
    """
    lines = pid_file(cluster)
    if not lines or not lines[0].isdigit():
        return None
    process = Path("/proc") / lines[0]
    try:
        program = process.joinpath("comm").read_text().strip()
        theirs = program != "postgres" or not process.joinpath("cwd").samefile(cluster)
    except OSError:
        return None  # gone, or a postgres that we may not look into: PostgreSQL's own check decides
    return int(lines[0]) if theirs else None


def pid_file(cluster: Path) -> list[str]:
    """Lines of `postmaster.pid`: pid, directory, start, port, socket directory, address, memory, status."""
    try:
        return [line.strip() for line in (cluster / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
