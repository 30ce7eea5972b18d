"""Health, readiness and metrics."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api.operations import health
from api.operations.metrics import SHARED, Metrics, share_between_workers
from tests.support.pages import BASE, pages_app


def asked(ready: health.Ready) -> TestClient:
    return TestClient(Starlette(routes=list(health.routes(ready, base=BASE))))


def test_a_process_that_answers_is_healthy_even_without_a_database() -> None:
    http = TestClient(pages_app(amiss="The schema is at 0001, this code needs 0002."))
    assert http.get("/healthz").json() == {"status": "ok"}


def test_ready_when_nothing_is_amiss() -> None:
    answer = TestClient(pages_app()).get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
    assert answer.headers["cache-control"] == "no-store"


def test_not_ready_says_why_as_a_problem() -> None:
    answer = TestClient(pages_app(amiss="The schema is behind.")).get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["code"] == "not-ready"
    assert answer.json()["detail"] == "The schema is behind."


def test_a_failing_look_is_not_ready_and_tells_nothing_of_the_failure() -> None:
    async def ready() -> str | None:
        raise ConnectionError("password authentication failed for kaejon@10.0.0.7")

    answer = asked(ready).get("/readyz")
    assert (answer.status_code, "10.0.0.7" in answer.text) == (503, False)


def test_a_look_that_takes_too_long_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE_S", 0.01)

    async def ready() -> str | None:
        await asyncio.sleep(5)
        return None

    assert asked(ready).get("/readyz").status_code == 503


def test_requests_are_counted_by_method_operation_and_class_of_status() -> None:
    metrics = Metrics()
    metrics.observe("GET", "getHousehold", 200, 0.003)
    metrics.observe("GET", "getHousehold", 304, 0.001)
    metrics.observe("GET", "getHousehold", 200, 0.003)
    text = metrics.text().decode()
    assert 'kaejon_http_requests_total{method="GET",operation="getHousehold",status="2xx"} 2.0' in text
    assert 'kaejon_http_requests_total{method="GET",operation="getHousehold",status="3xx"} 1.0' in text
    timed = (
        'kaejon_http_request_duration_seconds_bucket{le="0.002",method="GET",operation="getHousehold"} 1.0'
    )
    assert timed in text


def test_methods_that_callers_make_up_make_no_time_series() -> None:
    metrics = Metrics()
    for number in range(1000):
        metrics.observe(f"M{number}", "unknown", 405, 0.001)
    text = metrics.text().decode()
    assert 'method="other",operation="unknown",status="4xx"} 1000.0' in text
    assert len(metrics._bound) == 0
    assert "M999" not in text


def test_requests_under_way_are_shown() -> None:
    metrics = Metrics()
    metrics.begun()
    metrics.begun()
    metrics.ended()
    assert "kaejon_http_requests_in_progress 1.0" in metrics.text().decode()


def test_metrics_are_exposed() -> None:
    http = TestClient(pages_app())
    http.get("/healthz")
    answer = http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'operation="getHealth"' in answer.text


def test_workers_count_into_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Set first, so that it is unset again afterwards: what the call below sets would stay for every later test.
    monkeypatch.setenv(SHARED, "")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/counter_1.db").write_bytes(b"left by an earlier run")
    share_between_workers(tmp_path / "shared")
    count = "from api.operations.metrics import Metrics\nm = Metrics()\nm.observe('GET', 'x', 200, 0.1)\n"
    show = count + "print(m.text().decode())"
    environment = {**os.environ, SHARED: str(tmp_path / "shared")}
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        for code in (count, show)
    ]
    assert 'kaejon_http_requests_total{method="GET",operation="x",status="2xx"} 2.0' in outputs[1].stdout
