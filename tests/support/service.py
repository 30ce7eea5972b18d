"""`kaejon` as processes of their own, for tests that end them in every way there is."""

import asyncio
import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from tests.support.server import GENEROUS, ROOT, WITHOUT_BACKGROUND, free_port
from tests.support.waiting import PATIENCE_S, eventually

COMMAND = [sys.executable, "-m", "api.cli"]
START_S = 240.0
"""How long a start may take on a busy machine."""
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For `verify` of clients that speak no TLS: without it each reads all certificates of the machine, for 40 ms."""


def environment(**more: str) -> dict[str, str]:
    """Without settings of whoever runs the tests, and with a proxy that nothing of ours may ask."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KAEJON_")}
    return {
        **kept,
        **GENEROUS,
        **WITHOUT_BACKGROUND,
        "http_proxy": "http://127.0.0.1:9",
        "no_proxy": "",
        **more,
    }


def kaejon(*arguments: str | Path, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """One command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT,
        env=environment(**(env or {})),
        capture_output=True,
        text=True,
        timeout=START_S,
        check=False,
    )


def postgres_of(data_dir: Path) -> list[int]:
    """The postmasters of a data directory: processes whose command line names its cluster."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and bytes(data_dir / "pg") in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "pg" / "postmaster.pid").read_text().splitlines()[0])


def children(pid: int) -> list[int]:
    """The living child processes of a process, of all its threads."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def alive(pid: int) -> bool:
    """Runs, and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Service:
    """`kaejon serve` under way."""

    def __init__(self, data_dir: Path, *arguments: str, port: int, env: dict[str, str] | None = None) -> None:
        self.data_dir, self.port, self.url = data_dir, port, f"http://127.0.0.1:{port}"
        self.out, self.err = (data_dir.with_name(data_dir.name + end) for end in (".out", ".err"))
        command = [*COMMAND, "serve", "--port", str(port), "--data-dir", str(data_dir), *arguments]
        with self.out.open("wb") as out, self.err.open("ab") as err:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment(**(env or {})), stdout=out, stderr=err
            )
        self.http = httpx2.Client(base_url=self.url, trust_env=False, verify=PLAIN, timeout=PATIENCE_S)

    def wait_ready(self) -> None:
        answered = eventually(lambda: self.process.poll() is not None or self.out.read_text(), START_S)
        if not answered or self.process.poll() is not None:
            raise RuntimeError(f"it did not start:\n{self.err.read_text()[-4000:]}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code after a signal."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(2 * PATIENCE_S)
        self.http.close()
        return code

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self.http.close()

    def client(self, name: str) -> dict[str, Any]:
        clients = json.loads((self.data_dir / "demo-clients.json").read_text())["clients"]
        found: dict[str, Any] = next(one for one in clients if one["name"] == name)
        return found

    def token(self, client_id: str, secret: str) -> httpx2.Response:
        return self.http.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret)
        )

    def headers(self, name: str) -> dict[str, str]:
        """Of requests as one of the demo's clients."""
        own = self.client(name)
        token = self.token(own["client_id"], own["client_secret"]).json()["access_token"]
        return {"Authorization": f"Bearer {token}", "X-Purpose": "casework"}


@contextlib.contextmanager
def serving(
    data_dir: Path, *arguments: str, port: int | None = None, env: dict[str, str] | None = None
) -> Iterator[Service]:
    """Until the block ends; raises with the process's output when it does not come up."""
    service = Service(data_dir, *arguments, port=port or free_port(), env=env)
    try:
        service.wait_ready()
        yield service
    finally:
        if service.process.poll() is None:
            service.stop()


@dataclass
class First:
    """What the first start on a bare directory said and left."""

    data_dir: Path
    url: str
    out: str
    err: str
    seconds: float
    code: int


def query(url: str, sql: str, *values: Any) -> Any:
    """The rows, as the owner that the URL names."""

    async def ask() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetch(sql, *values)
        finally:
            await connection.close()

    return asyncio.run(ask())
