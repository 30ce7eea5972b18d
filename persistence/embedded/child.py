"""Child processes of the server's account that end with this process, even when it is killed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO

from persistence.embedded.account import Account

_LAUNCH = Path(__file__).with_name("launch.py")

# Nothing of ours: PGPORT, PGOPTIONS or a locale must not reach the server.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


def spawn(
    program: Sequence[str | Path],
    *,
    account: Account,
    death_signal: signal.Signals,
    output: IO[bytes],
    inherit: Sequence[int] = (),
    environment: dict[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program as the account, in a session of its own so that Ctrl-C does not reach it.

    `inherit` are descriptors it keeps open; `death_signal` is what it gets when this process ends.
    """
    command = [
        *(sys.executable, "-I", "-S", str(_LAUNCH)),
        *(str(number) for number in (int(death_signal), os.getpid(), account.uid, account.gid)),
        *(str(part) for part in program),
    ]
    started: Future[subprocess.Popen[bytes]] = Future()

    def keep() -> None:
        try:
            process = subprocess.Popen(  # noqa: S603 (our own command)
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=_ENVIRONMENT | (environment or {}),
                pass_fds=inherit,
                start_new_session=True,
            )
        except BaseException as error:
            started.set_exception(error)
        else:
            started.set_result(process)
            process.wait()

    # The kernel sends the signal when the starting *thread* ends, so that thread stays as long as its child.
    threading.Thread(target=keep, name="embedded-postgres", daemon=True).start()
    return started.result()
