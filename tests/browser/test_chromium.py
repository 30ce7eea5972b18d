"""/docs and GraphiQL in a real Chromium: they render, the console stays clean, and no request leaves the host."""

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn

from tests.support.pages import pages_app
from tests.support.server import free_port

pytestmark = pytest.mark.browser

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--mute-audio",
    "--enable-logging=stderr",
    "--window-size=1400,900",
    "--timeout=30000",
    "--virtual-time-budget=10000",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
RENDERED = {
    "/docs": ("opblock-tag", "households", "Authorize"),
    "/graphql": ("graphiql-query-editor", "CodeMirror", "graphiql-execute-button", "areaCode"),
    "/errors/invalid-input": ("What to do", "invalid-input"),
}


@dataclass
class Seen:
    dom: str
    console: list[str]
    requests: list[str]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(pages_app(), port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def looked_at(url: str, folder: Path) -> Seen:
    assert CHROMIUM, "install Chromium, or name it in the environment variable CHROMIUM"
    log = folder / "net.json"
    command = [
        CHROMIUM,
        *FLAGS,
        f"--user-data-dir={folder / 'profile'}",
        f"--log-net-log={log}",
        "--dump-dom",
        url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Seen(done.stdout, console, requested(log))


def requested(log: Path) -> list[str]:
    """The URLs that the page began to load, out of the browser's network log.

    What Chromium asks of its maker on its own account has no origin, and is no page's doing.
    """
    recorded = json.loads(log.read_text("utf-8"))
    begun = recorded["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    events = (event.get("params", {}) for event in recorded["events"] if event["type"] == begun)
    return [found["url"] for found in events if "url" in found and found["initiator"] != "not an origin"]


@pytest.mark.parametrize("path", RENDERED)
def test_a_page_renders_with_a_clean_console_and_asks_nobody_else(
    url: str, path: str, tmp_path: Path
) -> None:
    seen = looked_at(url + path, tmp_path)
    for piece in RENDERED[path]:
        assert piece in seen.dom
    assert seen.console == []
    assert any("/assets/" in one for one in seen.requests)
    assert {urlsplit(one).netloc for one in seen.requests if not one.startswith("data:")} == {
        urlsplit(url).netloc
    }


def test_a_request_to_another_host_and_a_message_would_be_noticed(url: str, tmp_path: Path) -> None:
    page = tmp_path / "elsewhere.html"
    page.write_text('<script src="http://elsewhere.test/x.js"></script><script>console.log("noise")</script>')
    seen = looked_at(page.as_uri(), tmp_path)
    assert "http://elsewhere.test/x.js" in seen.requests
    assert any("noise" in line for line in seen.console)
