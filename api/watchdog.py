"""Starts the embedded database server again when it has ended by itself: a crash is a pause, not an outage."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

log = logging.getLogger("kaejon")

LOOK_S = 0.2
"""Seconds between two looks at the server."""
LONGEST_PAUSE_S = 30.0
"""Seconds between two attempts, once several have failed."""
PATIENCE_S = 5.0


class Server(Protocol):
    """What is watched (persistence.embedded.EmbeddedPostgres). Its URL stays the same over a restart."""

    @property
    def running(self) -> bool: ...
    def start(self) -> str: ...
    def stop(self) -> None: ...


@contextmanager
def kept_running(server: Server, *, look_s: float = LOOK_S) -> Iterator[None]:
    """While the block runs, a started server is started again whenever it has ended; afterwards it is stopped."""
    ending = threading.Event()
    watcher = threading.Thread(target=_watch, args=(server, ending, look_s), name="watchdog", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ending.set()
        watcher.join(PATIENCE_S)
        # A watcher that still waits for a recovery is left to it: the server stops when this process ends.
        if not watcher.is_alive():
            server.stop()


def _watch(server: Server, ending: threading.Event, look_s: float) -> None:
    pause, failures = look_s, 0
    while not ending.wait(pause):
        if server.running:
            pause, failures = look_s, 0
            continue
        log.error("the database server has ended by itself; starting it again")
        try:
            server.stop()
            server.start()
        except Exception as error:
            failures += 1
            pause = min(LONGEST_PAUSE_S, 2.0 ** (failures - 1))
            # Its text may hold lines of the server's log, which belong there.
            log.error("the database server does not start (%s), see postgres.log", type(error).__name__)
        else:
            log.warning("the database server answers again")
