"""`/metrics` for Prometheus. With several workers they share files in PROMETHEUS_MULTIPROC_DIR.

Operation ids label the requests, never paths: what a caller types makes no new time series.
"""

import os
from collections.abc import Callable
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

SHARED = "PROMETHEUS_MULTIPROC_DIR"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
"""Seconds; a hot read takes about two thousandths."""


class Metrics:
    """The counters of one worker, on a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        if SHARED not in os.environ:
            for collector in (ProcessCollector, PlatformCollector, GCCollector):
                collector(registry=self._registry)
        labels = ("method", "operation")
        self._requests = Counter(
            "kaejon_http_requests", "Requests answered.", (*labels, "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "kaejon_http_request_duration_seconds", "From the first byte in to the last byte out.", labels,
            registry=self._registry, buckets=BUCKETS,
        )  # fmt: skip
        self._under_way = Gauge(
            "kaejon_http_requests_in_progress", "Requests under way.", registry=self._registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        # Told by whichever worker sealed last.
        self._log_waiting = Gauge(
            "kaejon_access_log_waiting_rows", "Rows of the access log that are not sealed yet.",
            registry=self._registry, multiprocess_mode="mostrecent",
        )  # fmt: skip
        self._log_head = Gauge(
            "kaejon_access_log_last_block", "Number of the last sealed block of the access log.",
            registry=self._registry, multiprocess_mode="mostrecent",
        )  # fmt: skip
        self._rate_limited = Counter(
            "kaejon_rate_limited", "Requests refused by a rate limit.", ("class",), registry=self._registry
        )
        self._quota_failures = Counter(
            "kaejon_rate_limit_store_failures", "Calls of the store of rate limits that failed.",
            registry=self._registry,
        )  # fmt: skip
        self._quota_degraded = Gauge(
            "kaejon_rate_limit_degraded", "Workers that count rate limits alone: the store is away.",
            registry=self._registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self._bound: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}
        self.begun: Callable[[], None] = self._under_way.inc
        """For the edge, as a request comes in; `ended` as it is done with."""
        self.ended: Callable[[], None] = self._under_way.dec

    def rate_limited(self, kind: str) -> None:
        """`kind` is the class of routes."""
        self._rate_limited.labels(kind).inc()

    def quota_failed(self) -> None:
        self._quota_failures.inc()

    def quota_degraded(self, degraded: bool) -> None:
        self._quota_degraded.set(degraded)

    def observe(self, method: str, operation: str, status: int, seconds: float) -> None:
        """Counts an answered request; 0 as its status means that none was sent."""
        try:
            count, time = self._bound[method, operation, status]
        except KeyError:
            count, time = self._bind(method, operation, status)
        count()
        time(seconds)

    def access_log_sealed(self, waiting: int, last_block: int) -> None:
        """After a turn of the sealer."""
        self._log_waiting.set(waiting)
        self._log_head.set(last_block)

    def _bind(
        self, method: str, operation: str, status: int
    ) -> tuple[Callable[[], None], Callable[[float], None]]:
        known = method if method in METHODS else "other"
        kind = f"{status // 100}xx" if status else "none"
        bound = (
            self._requests.labels(known, operation, kind).inc,
            self._seconds.labels(known, operation).observe,
        )
        if known == method:
            self._bound[method, operation, status] = bound
        return bound

    def text(self) -> bytes:
        """The exposition; of all workers together where they share."""
        if SHARED not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # registers itself
        return generate_latest(together)


def share_between_workers(folder: Path) -> None:
    """Lets the workers started from here on count into one place; to be called before they start.

    What an earlier run left there is removed: its numbers belong to processes that are gone.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.glob("*.db"):
        left.unlink(missing_ok=True)
    os.environ[SHARED] = str(folder)


def routes(metrics: Metrics) -> list[Route]:
    async def expose(request: Request) -> Response:
        request.scope["operation"] = "getMetrics"
        headers = {"Cache-Control": "no-store", "Content-Type": CONTENT_TYPE_LATEST}
        return Response(metrics.text(), 200, headers)

    return [Route("/metrics", expose, methods=["GET"])]
