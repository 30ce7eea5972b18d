"""A database server that ends by itself is started again; one that is stopped stays so."""

import threading
import time

import pytest

from api import watchdog
from api.watchdog import kept_running
from tests.support.waiting import PATIENCE_S, eventually


class Fake:
    """A server that ends when it is told to, and whose starts fail as often as `failures` says."""

    def __init__(self) -> None:
        self.running, self.failures, self.calls = True, 0, list[str]()
        self.hangs = threading.Event()
        self.hangs.set()

    def start(self) -> str:
        self.calls.append("start")
        self.hangs.wait(3 * PATIENCE_S)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("a line of its log")
        self.running = True
        return "url"

    def stop(self) -> None:
        self.calls.append("stop")
        self.running = False


def test_a_server_that_runs_is_left_alone_and_stopped_at_the_end() -> None:
    server = Fake()
    with kept_running(server, look_s=0.01):
        time.sleep(0.1)
        assert server.calls == []
    assert server.calls == ["stop"]


def test_a_server_that_ended_is_started_again_each_time(caplog: pytest.LogCaptureFixture) -> None:
    server = Fake()
    with kept_running(server, look_s=0.01):
        for turn in (1, 2, 3):
            server.running = False
            assert eventually(lambda turn=turn: server.running and server.calls == ["stop", "start"] * turn)
    assert server.calls[-1] == "stop"
    assert not server.running
    assert len([one for one in caplog.messages if "ended by itself" in one]) == 3


def test_a_start_that_fails_is_tried_again_and_its_text_not_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watchdog, "LONGEST_PAUSE_S", 0.02)
    server = Fake()
    server.failures = 3
    with kept_running(server, look_s=0.01):
        server.running = False
        assert eventually(lambda: server.running)
        assert server.calls.count("start") == 4
    assert "RuntimeError" in caplog.text
    assert "a line of its log" not in caplog.text


def test_a_recovery_under_way_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "PATIENCE_S", 0.1)
    server = Fake()
    began = time.monotonic()
    with kept_running(server, look_s=0.01):
        server.hangs.clear()
        server.running = False
        assert eventually(lambda: "start" in server.calls)
    assert time.monotonic() - began < PATIENCE_S
    assert server.calls == ["stop", "start"], "nobody stops it from a second thread"
    server.hangs.set()
