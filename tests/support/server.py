"""`kaejon serve` as a process, on a free loopback port."""

import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Limits stay on, and no test that does not mean to runs into one.
GENEROUS = {
    f"KAEJON_RATE_LIMIT_{name}": "1000000/60"
    for name in ("READ", "WRITE", "GRAPHQL", "TOKEN", "ADDRESS", "LOOKUP")
}
# Receivers of webhooks are on this machine.
GENEROUS["KAEJON_WEBHOOK_ALLOW"] = "127.0.0.0/8"
GENEROUS["KAEJON_EXPORT_MOST"] = "1000000"
WITHOUT_BACKGROUND = {"KAEJON_BACKGROUND": "0"}
"""A process that most tests have nothing to do for; who needs it says so in `env`."""
ROOT = Path(__file__).resolve().parents[2]


def _candidates() -> Iterator[int]:
    """Ports that the kernel gives to no connection by itself, apart from those of the other test processes."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    below = range(10_240, min(lowest, 32_768))
    worker, workers = (
        os.environ.get("PYTEST_XDIST_WORKER", "gw0"),
        os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"),
    )
    own = below[int(worker.removeprefix("gw")) :: int(workers)]
    return itertools.cycle(random.sample(own, len(own)))


_ports = _candidates()


def free_port() -> int:
    """One that stays free until a server listens on it, and between that one's end and the next one's start.

    One out of the range that the kernel gives to connections would not: any of them may have it by then, and a
    client that tries often enough to reach a server that is not there may even meet itself on it.
    """
    for port in itertools.islice(_ports, 10_000):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    with socket.socket() as probe:  # there are none below that range
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


@dataclass
class RunningServer:
    url: str
    data_dir: Path
    process: "subprocess.Popen[bytes]"

    @property
    def clients_file(self) -> Path:
        return self.data_dir / "demo-clients.json"

    def client(self, name: str) -> dict[str, Any]:
        clients = json.loads(self.clients_file.read_text())["clients"]
        return next(one for one in clients if one["name"].startswith(name))

    @classmethod
    @contextmanager
    def start(
        cls, data_dir: Path, *arguments: str, households: int | None = 60, env: dict[str, str] | None = None
    ) -> Iterator["RunningServer"]:
        """Runs until the block ends; raises with the process's output when it does not come up."""
        port = free_port()
        demo = [] if households is None else ["--demo", "--demo-households", str(households)]
        log_path = data_dir.with_suffix(".log")
        log_path.parent.mkdir(parents=True, exist_ok=True)
        with log_path.open("ab") as log:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "api.cli",
                    "serve",
                    "--port",
                    str(port),
                    "--data-dir",
                    str(data_dir),
                    *demo,
                    *arguments,
                ],
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, **GENEROUS, **WITHOUT_BACKGROUND, **(env or {})},
            )
        running = cls(f"http://127.0.0.1:{port}", data_dir, process)
        try:
            running.wait_ready(log_path)
            yield running
        finally:
            running.stop()

    def wait_ready(self, log_path: Path, timeout: float = 240) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended:\n{log_path.read_text()[-4000:]}")
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=10) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError(log_path.read_text()[-4000:])

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(120)
