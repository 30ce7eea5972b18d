"""Runs the server: one process by default, several workers under a supervisor, one line when it answers."""

import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import uvicorn

from api.beside import beside
from api.bootstrap import Prepared
from api.keyring import FILE_NAME
from api.operations.metrics import share_between_workers
from api.protocol import Protocol
from api.settings import Settings

GRACE_S = 30
"""Seconds that running requests get to finish after SIGTERM."""


class PortTaken(Exception):
    """Somebody else listens there."""


def serve(settings: Settings, prepared: Prepared, announce: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT; `announce` is called once, with the URL, when it answers."""
    hand_down(settings, prepared)
    url = f"http://{_bracketed(settings.host)}:{settings.port}"
    # What was asked for has been done: a supervisor need not take the stop for a failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=_announce_when_ready, args=(settings, lambda: announce(url)), daemon=True).start()
    with beside(settings.background):
        uvicorn.run(
            "api.app:from_environment",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            loop="uvloop",
            http=Protocol,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=GRACE_S,
            # The edge refuses first, in our own shape; this is for connections that never get that far.
            limit_concurrency=4 * settings.limit_concurrency,
            h11_max_incomplete_event_size=65_536,
            ws="none",
            app_dir=str(Path(__file__).resolve().parent.parent),
        )


def refuse_taken(settings: Settings) -> None:
    """Raises PortTaken."""
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise PortTaken(
                f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}"
            ) from None


def hand_down(settings: Settings, prepared: Prepared) -> None:
    """The workers' environment: nothing secret goes onto a command line."""
    os.environ["KAEJON_SERVING_DSN"] = prepared.dsn
    os.environ["KAEJON_SERVING_ISSUER"] = settings.issuer
    os.environ["KAEJON_SERVING_POOL"] = str(settings.pool_size)
    os.environ["KAEJON_SERVING_MOST"] = str(settings.limit_concurrency)
    os.environ["KAEJON_SERVING_KEYS"] = os.environ.get("KAEJON_KEYS_FILE") or str(
        settings.data_dir / FILE_NAME
    )
    os.environ["KAEJON_FILES_DIR"] = str(settings.files.resolve())
    os.environ["KAEJON_HEADER_DEADLINE"] = str(settings.header_deadline)
    if settings.workers > 1:
        # Counters of several processes are added up through files.
        share_between_workers(settings.data_dir / "metrics")


def _announce_when_ready(settings: Settings, announce: Callable[[], None]) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - looked up, not bound
    url = f"http://{_bracketed(host)}:{settings.port}/readyz"
    # Never through a proxy of the environment, which would look for our port on its own machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with opener.open(url, timeout=2) as answer:
                if answer.status == 200:
                    announce()
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def say_ready(url: str) -> None:
    sys.stdout.write(f"Kaejon answers at {url}\n")
    sys.stdout.flush()
