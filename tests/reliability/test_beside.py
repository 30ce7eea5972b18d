"""The background process beside `kaejon serve`: there while it serves, and never without it."""

import os
import signal
from pathlib import Path

from tests.support.service import Service, alive, children, serving
from tests.support.waiting import eventually

ONE = {"KAEJON_BACKGROUND": "1"}


def background(service: Service) -> list[int]:
    """Those of the server's children that run jobs."""
    return [
        pid
        for pid in children(service.process.pid)
        if b"api.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def one_of(service: Service) -> int:
    assert eventually(lambda: len(background(service)) == 1)
    return background(service)[0]


def test_one_that_dies_is_started_again_and_all_end_together(data: Path) -> None:
    with serving(data, env=ONE) as service:
        first = one_of(service)
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: background(service) not in ([], [first]))
        second = one_of(service)
        assert service.stop() == 0
        assert not alive(second)
        assert service.http.is_closed


def test_it_does_not_outlive_a_server_that_is_killed(data: Path) -> None:
    with serving(data, env=ONE) as service:
        left = one_of(service)
        service.kill()
        assert eventually(lambda: not alive(left))


def test_without_any_the_server_serves_alone(data: Path) -> None:
    with serving(data, env={"KAEJON_BACKGROUND": "0"}) as service:
        assert service.http.get("/readyz").status_code == 200
        assert background(service) == []
