"""The running server: one owner for a data directory, and gone when the owner is, however the owner ends."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from persistence.embedded.account import Account, server_account
from persistence.embedded.binaries import reachable_binaries
from persistence.embedded.child import spawn
from persistence.embedded.cluster import CLUSTER, PASSWORD, SUPERUSER, ensure_cluster, superuser_password
from persistence.embedded.errors import EmbeddedUnavailable
from persistence.embedded.leftovers import await_predecessor, pid_file, stale_pid
from persistence.embedded.location import POINTER, home_of, keep, settle
from persistence.embedded.lock import acquire, claim, owner_of
from persistence.embedded.sockets import PORT, socket_directory

log = logging.getLogger(__name__)

_LOG = "postgres.log"
_LOG_BYTES = 16 * 1024 * 1024
_POLL = 0.02  # seconds

DEFAULT_OPTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "shared_buffers": "256MB",
        "max_connections": "100",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "max_wal_size": "2GB",
        "wal_compression": "on",
        "random_page_cost": "1.1",  # no spinning disks
        "jit": "off",  # short queries; compiling them costs more than it saves
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Failed statements and the details of violated constraints hold people's data: not for the log.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
)
"""What the server is started with; the `options` of EmbeddedPostgres are laid over it."""


class EmbeddedPostgres:
    """A PostgreSQL of this process in a data directory, on a unix socket only.

    One process starts it and hands the URL to its workers; in a fork of that process `stop` does nothing.
    `options` are server settings by name, over DEFAULT_OPTIONS. As a context manager it gives the URL.
    """

    def __init__(self, directory: Path, *, options: Mapping[str, str] = MappingProxyType({})) -> None:
        self.directory = directory.resolve()
        self._options = {**DEFAULT_OPTIONS, **options}
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: Path | None = None
        self._locks: list[int] = []
        self._owner = os.getpid()

    def start(self, *, timeout: float | None = None) -> str:
        """Make the cluster if there is none, start the server, return the superuser's URL once it answers.

        Waits for crash recovery, by default without a limit; `timeout` is in seconds. The server ends when
        this process does, by `kill -9` too. Raises DataDirectoryInUse, and EmbeddedUnavailable, with the end
        of the server's log when it ended by itself.
        """
        deadline = time.monotonic() + timeout if timeout is not None else None
        with _explained(self.directory):
            account = self._prepare()
            lock = acquire(self.directory)
            self._owner, self._locks = os.getpid(), [lock]
            try:
                return self._start(account, deadline)
            except BaseException:
                self.stop()
                raise

    @property
    def running(self) -> bool:
        """False before `start`, after `stop`, and once the server ended by itself (then `stop`, `start`)."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Roll back what is open, write everything to disk, and end; a second call does nothing."""
        if os.getpid() != self._owner:
            return
        if self._process is not None:
            # Fast shutdown; when that hangs, immediate shutdown, from which the next start recovers.
            for request, patience in ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, None)):
                self._process.send_signal(request)
                try:
                    self._process.wait(patience)
                    break
                except subprocess.TimeoutExpired:
                    log.warning("PostgreSQL did not end within %s s of %s", patience, request.name)
            self._process = None
        if self._socket is not None:
            shutil.rmtree(self._socket, ignore_errors=True)
            self._socket = None
        while self._locks:
            os.close(self._locks.pop())

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _prepare(self) -> Account:
        """Make the data directory; the account that the server will run as."""
        if sys.platform != "linux":
            raise EmbeddedUnavailable("the embedded PostgreSQL runs on Linux only: set KAEJON_DATABASE_URL")
        self.directory.mkdir(parents=True, exist_ok=True)
        return server_account(home_of(self.directory) / CLUSTER)

    def _start(self, account: Account, deadline: float | None) -> str:
        home = settle(self.directory, account)
        if home.path != self.directory:
            self._locks.append(claim(home.path, self.directory / POINTER))
            log.info(
                "the cluster is kept in %s: user id %s, which PostgreSQL runs as, has no way to %s",
                home.path,
                account.uid,
                self.directory,
            )
        binaries = reachable_binaries(home.copies, account)
        sync = self._options.get("fsync") != "off"
        secret = self.directory / PASSWORD
        cluster = ensure_cluster(home.path, secret, binaries=binaries, account=account, sync=sync)
        password = superuser_password(secret)
        keep(self.directory, home)
        turn = await_predecessor(cluster, deadline)
        try:
            self._socket = socket_directory(cluster, account)
            options = {
                **self._options,
                "listen_addresses": "",
                "unix_socket_directories": f'"{self._socket}"',
                "unix_socket_permissions": "0700",
                "port": PORT,
            }
            settings = (part for name, value in options.items() for part in ("-c", f"{name}={value}"))
            stale = stale_pid(cluster)
            with open(self.directory / _LOG, "ab", opener=_private) as output:
                written = output.tell()
                self._process = spawn(
                    [binaries / "postgres", "-D", cluster, *settings],
                    account=account,
                    death_signal=signal.SIGINT,
                    output=output,
                    inherit=[turn],
                    environment={"PG_GRANDPARENT_PID": str(stale)} if stale is not None else {},
                )
        finally:
            os.close(turn)
        self._await_ready(self._process, cluster, deadline, written)
        return _url(password, self._socket)

    def _await_ready(
        self, process: subprocess.Popen[bytes], cluster: Path, deadline: float | None, written: int
    ) -> None:
        while True:
            lines = pid_file(cluster)
            if lines[:1] == [str(process.pid)] and lines[-1] == "ready":
                return
            ended = process.poll() is not None
            if ended or (deadline is not None and time.monotonic() > deadline):
                path = self.directory / _LOG
                tail = path.read_bytes()[written:].decode(errors="replace")[-2000:]
                reason = "ended at its start" if ended else "was not ready in time (is it recovering?)"
                raise EmbeddedUnavailable(f"PostgreSQL {reason}; the end of {path}:\n{tail}")
            time.sleep(_POLL)


def running_url(directory: Path) -> str | None:
    """The superuser's URL of the server that runs in the data directory, None when none is ready."""
    directory = directory.resolve()
    with _explained(directory):
        if owner_of(directory) is None:
            return None
        lines = pid_file(home_of(directory) / CLUSTER)
        if len(lines) < 8 or lines[-1] != "ready":
            return None
        return _url(superuser_password(directory / PASSWORD), Path(lines[4]))


def _url(password: str, socket: Path) -> str:
    return f"postgresql://{SUPERUSER}:{password}@/postgres?host={quote(str(socket))}"


def _private(path: str, flags: int) -> int:
    """Open for append with mode 0600, after putting aside a file that has grown too long."""
    if os.path.exists(path) and os.path.getsize(path) > _LOG_BYTES:
        os.replace(path, path + ".1")
    return os.open(path, flags, 0o600)


@contextmanager
def _explained(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EmbeddedUnavailable(
            f"the data directory {directory} cannot be used ({error}): "
            "choose another with --data-dir, or set KAEJON_DATABASE_URL"
        ) from error
