"""Background processes beside the server: started with it, started again when they die, ended with it."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog

log = structlog.get_logger("kaejon")

LOOK_S = 0.2
LONGEST_PAUSE_S = 4.0
"""Seconds between two starts of one that keeps dying."""
GRACE_S = 15.0
"""Seconds that one gets to end by itself: its jobs have ten."""
_COMMAND = (sys.executable, "-m", "api.worker")


@contextmanager
def beside(count: int) -> Iterator[None]:
    """`count` of them, while the block runs; what they need stands in the environment."""
    ending = threading.Event()
    keepers = [
        threading.Thread(target=_kept, args=(ending,), name=f"background {one}") for one in range(count)
    ]
    for keeper in keepers:
        keeper.start()
    try:
        yield
    finally:
        ending.set()
        for keeper in keepers:
            keeper.join()


def _kept(ending: threading.Event) -> None:
    pause = LOOK_S
    while not ending.is_set():
        with _started() as process:
            lived = _watched(process, ending)
        if ending.is_set():
            return
        log.error("a background process has ended by itself; starting it again", code=process.returncode)
        pause = LOOK_S if lived > LONGEST_PAUSE_S else min(LONGEST_PAUSE_S, 2 * pause)
        ending.wait(pause)


def _started() -> "subprocess.Popen[bytes]":
    # The pipe is its leash: it ends when this process does, also by a kill.
    return subprocess.Popen(  # noqa: S603 - our own module
        _COMMAND, stdin=subprocess.PIPE, env={**os.environ, "KAEJON_SERVING_LEASH": "1"}
    )


def _watched(process: "subprocess.Popen[bytes]", ending: threading.Event) -> float:
    """Until it has ended; seconds that it lived."""
    lived = 0.0
    while process.poll() is None:
        if ending.wait(LOOK_S):
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_S)
            process.kill()
            process.wait()
        lived += LOOK_S
    return lived
