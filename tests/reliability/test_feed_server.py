"""Calls that wait for changes, against the server as it is run: nobody holds it up, and nobody is held."""

import select
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.support.server import free_port
from tests.support.service import PLAIN, Service, serving
from tests.support.waiting import PATIENCE_S, eventually

WAIT_S = 30


@pytest.fixture(scope="module")
def service(open_directory: Path) -> Iterator[Service]:
    arguments = ("--demo", "--demo-households", "5")
    env = {"KAEJON_FEED_WAITING": "1"}
    with serving(open_directory / "feed", *arguments, port=free_port(), env=env) as running:
        yield running


def latest(service: Service, headers: dict[str, str]) -> str:
    return str(service.http.get("/v1/changes?after=latest", headers=headers).json()["next"])


def refused(service: Service, headers: dict[str, str], after: str) -> bool:
    """The one place is taken: whoever asks meanwhile is sent away."""
    answer = service.http.get(f"/v1/changes?after={after}&wait=1", headers=headers)
    assert answer.status_code in (200, 503)
    return answer.status_code == 503


def waiting(service: Service, headers: dict[str, str], after: str) -> tuple[socket.socket, float]:
    """A call that has the one place, and when it was made; asked for again where a question about it came first."""
    lines = [f"GET /v1/changes?after={after}&wait={WAIT_S} HTTP/1.1", "Host: kaejon"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    while True:
        begun = time.monotonic()
        caller = socket.create_connection(("127.0.0.1", service.port), PATIENCE_S)
        caller.sendall("\r\n".join([*lines, "", ""]).encode())
        assert eventually(lambda: answered(caller) or refused(service, headers, after))  # noqa: B023 - asked at once
        if not answered(caller):
            return caller, begun
        caller.close()


def answered(caller: socket.socket) -> bool:
    return bool(select.select([caller], [], [], 0)[0])


def test_who_has_hung_up_is_let_go(service: Service) -> None:
    headers = service.headers("center")
    after = latest(service, headers)
    caller, begun = waiting(service, headers, after)
    caller.close()
    assert eventually(lambda: not refused(service, headers, after))
    assert time.monotonic() - begun < WAIT_S, "its place was free before its time was up"


def test_the_end_of_the_service_answers_who_waits(service: Service) -> None:
    headers = service.headers("center")
    after = latest(service, headers)

    def wait() -> tuple[httpx2.Response, float]:
        """The answer, and how long it took; asked for again where the other had the place."""
        path = f"{service.url}/v1/changes?after={after}&wait={WAIT_S}"
        while True:
            begun = time.monotonic()
            answer = httpx2.get(path, headers=headers, timeout=PATIENCE_S, trust_env=False, verify=PLAIN)
            if answer.status_code != 503:
                return answer, time.monotonic() - begun

    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(wait)
        assert eventually(lambda: refused(service, headers, after))
        service.process.send_signal(signal.SIGTERM)
        answer, took = call.result(PATIENCE_S)
    assert answer.status_code == 200
    page = answer.json()
    assert (page["items"], page["more"], bool(page["next"])) == ([], False, True)
    assert took < WAIT_S, "it was not left to wait out its time"
    assert service.process.wait(PATIENCE_S) == 0
    service.stop()
