"""`kaejon serve` stopped, killed, and without its database: nothing is lost and nobody hangs."""

import contextlib
import fcntl
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from tests.support import builders
from tests.support.server import free_port
from tests.support.service import PLAIN, Service, children, kaejon, postgres_of, postmaster, query, serving
from tests.support.sockets import finishes, half_a_request, listens
from tests.support.waiting import PATIENCE_S, eventually


def household_of(service: Service) -> str:
    found = service.http.get("/v1/households?limit=1", headers=service.headers("center")).json()
    return str(found["items"][0]["id"])


# Stopping


def test_sigterm_finishes_a_request_under_way(data: Path) -> None:
    with serving(data) as service:
        connection, rest = half_a_request(service)
        service.process.send_signal(signal.SIGTERM)
        assert eventually(lambda: not listens(service.port)), "nothing new is taken on"
        assert service.process.poll() is None
        finishes(connection, rest)
        assert service.stop() == 0
    assert not postgres_of(data)
    assert "Traceback" not in service.err.read_text()
    assert kaejon("db", "url", "--data-dir", data).returncode == 1


# kill -9


class Poster(threading.Thread):
    """An agency's system: it posts events until it is told to stop, each until it is acknowledged."""

    def __init__(self, url: str, household: str, service: Service) -> None:
        super().__init__(daemon=True)
        self.url, self.household = url, household
        self.own = service.client("center")
        self.headers: dict[str, str] = {}
        self.acknowledged: dict[str, str] = {}
        self.statuses: list[int] = []
        self.longest = 0.0
        self.ending = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.ending.is_set():
            number += 1
            self.post(f"K-{number}", keyed=number % 2 == 0)

    def post(self, external_id: str, *, keyed: bool) -> None:
        body = builders.event(self.household, external_id=external_id)
        key = {"Idempotency-Key": f"key of {external_id}"} if keyed else {}
        while not self.ending.is_set():
            began = time.monotonic()
            try:
                # A connection of its own each time: any worker may answer.
                with httpx2.Client(
                    base_url=self.url, trust_env=False, verify=PLAIN, timeout=PATIENCE_S
                ) as http:
                    if not self.headers:
                        self.authenticate(http)
                    answer = http.post("/v1/assistance-events", json=body, headers={**self.headers, **key})
            except (httpx2.TransportError, KeyError):
                time.sleep(0.02)
                continue
            finally:
                self.longest = max(self.longest, time.monotonic() - began)
            self.statuses.append(answer.status_code)
            if answer.status_code in (200, 201):
                self.acknowledged[external_id] = answer.json()["id"]
                return
            assert answer.status_code in (409, 503), answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            if answer.status_code == 503:
                assert answer.headers["retry-after"]
            time.sleep(0.02)

    def authenticate(self, http: httpx2.Client) -> None:
        form = {"grant_type": "client_credentials"}
        answer = http.post("/oauth/token", data=form, auth=(self.own["client_id"], self.own["client_secret"]))
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}", "X-Purpose": "casework"}

    def more(self, count: int = 20) -> None:
        """Waits until some more have been acknowledged."""
        wanted = len(self.acknowledged) + count
        assert eventually(lambda: len(self.acknowledged) >= wanted or not self.is_alive())
        assert self.is_alive()

    def finish(self) -> None:
        self.ending.set()
        self.join(2 * PATIENCE_S)
        assert not self.is_alive()


def test_kill_of_the_service_orphans_nothing_and_loses_nothing(data: Path) -> None:
    port = free_port()
    with serving(data, port=port) as service:
        poster = Poster(service.url, household_of(service), service)
        poster.start()
        poster.more()
        service.kill()
    before = dict(poster.acknowledged)
    assert eventually(lambda: not postgres_of(data)), "PostgreSQL goes with its owner"
    with serving(data, port=port) as service:
        poster.more()
        service.kill()
    with serving(data, port=port):
        poster.more()
        poster.finish()
        url = kaejon("db", "url", "--data-dir", data).stdout.strip()
        stored = query(url, "SELECT external_id, id::text FROM assistance_event WHERE external_id LIKE 'K-%'")
        feed = query(
            url,
            """SELECT count(*) FROM assistance_event e WHERE external_id LIKE 'K-%'
               AND (SELECT count(*) FROM change c WHERE c.household_id = e.household_id AND c.resource_id = e.id) <> 1""",
        )
    found = [(row["external_id"], row["id"]) for row in stored]
    assert len(found) == len(dict(found)), "each exactly once"
    assert before.items() <= dict(found).items()
    assert poster.acknowledged.items() <= dict(found).items()
    assert len(found) - len(poster.acknowledged) <= 1, "nothing but the one under way"
    assert feed[0][0] == 0, "each with its one row of the feed"


def test_kill_of_postgresql_is_a_pause(data: Path) -> None:
    with serving(data) as service:
        poster = Poster(service.url, household_of(service), service)
        poster.start()
        for _ in range(2):
            poster.more()
            gone = postmaster(data)
            os.kill(gone, signal.SIGKILL)
            assert service.http.get("/healthz").status_code == 200
            poster.more()
            assert postmaster(data) != gone
        assert eventually(lambda: service.http.get("/readyz").status_code == 200)
        poster.finish()
        url = kaejon("db", "url", "--data-dir", data).stdout.strip()
        stored = query(url, "SELECT external_id, id::text FROM assistance_event WHERE external_id LIKE 'K-%'")
        assert poster.acknowledged.items() <= {row["external_id"]: row["id"] for row in stored}.items()
        assert len(stored) == len({row["external_id"] for row in stored})
        assert poster.longest < PATIENCE_S, "nobody waits for ever"
        assert service.process.poll() is None
        assert service.stop() == 0
    said = service.err.read_text()
    assert said.count("the database server has ended by itself") == 2
    assert said.count("the database server answers again") == 2
    assert "Traceback" not in said
    assert "internal-error" not in said
    assert '"unexpected"' not in said


@contextlib.contextmanager
def no_recovery(data: Path) -> Iterator[None]:
    """PostgreSQL is killed, and cannot come back before the block ends: a recovery that takes long."""
    descriptor = os.open(data / "pg", os.O_RDONLY | os.O_DIRECTORY)
    # It waits in the queue of the lock that all processes of the server hold until the last has ended.
    waiter = threading.Thread(target=fcntl.flock, args=(descriptor, fcntl.LOCK_EX), daemon=True)
    waiter.start()

    def taken() -> bool:
        # The next server may have been quicker: then that one, too.
        with contextlib.suppress(OSError, LookupError, ValueError):
            os.kill(postmaster(data), signal.SIGKILL)
        waiter.join(2)
        return not waiter.is_alive()

    assert eventually(taken)
    try:
        yield
    finally:
        os.close(descriptor)


def test_without_a_database_every_answer_is_a_quick_503_and_a_stop_is_heard(data: Path) -> None:
    with serving(data) as service:
        headers, own = service.headers("center"), service.client("center")
        household = household_of(service)
        form = {"grant_type": "client_credentials", **{k: own[k] for k in ("client_id", "client_secret")}}
        requests: list[tuple[str, str, dict[str, Any]]] = [
            ("GET", f"/v1/households/{household}", {}),
            ("GET", "/v1/households", {}),
            ("GET", "/v1/areas/42", {}),
            ("GET", "/readyz", {}),
            ("POST", "/v1/assistance-events", {"json": builders.event(household)}),
            ("POST", "/oauth/token", {"data": form}),
        ]
        seconds: dict[str, list[float]] = defaultdict(list)
        with no_recovery(data):
            for method, path, more in requests * 4:
                began = time.monotonic()
                sent = {} if path == "/oauth/token" else headers
                answer = service.http.request(method, path, headers=sent, **more)
                seconds[path].append(time.monotonic() - began)
                assert answer.status_code == 503, (path, answer.text)
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.headers["retry-after"] == "2"
                assert answer.json()["code"] == ("not-ready" if path == "/readyz" else "unavailable")
            asked = {"query": f'{{ household(id: "{household}") {{ id }} }}'}
            answer = service.http.post("/graphql", json=asked, headers=headers)
            assert answer.json()["errors"][0]["extensions"]["code"] == "unavailable"
            # What needs no database goes on.
            for path in ("/healthz", "/metrics", "/.well-known/jwks.json", "/v1/me/access"):
                assert service.http.get(path, headers=headers).status_code == 200, path
            # Not one of them waits for a connection, which would take ten seconds each time.
            assert {path for path, found in seconds.items() if min(found) > 2} == set()
            began = time.monotonic()
            assert service.stop() == 0
            assert time.monotonic() - began < PATIENCE_S
        said = service.err.read_text()
        assert "Traceback" not in said
        assert '"unexpected"' not in said
    with serving(data) as again:
        assert again.http.get("/readyz").status_code == 200


def test_a_halted_server_lets_nobody_hang(data: Path) -> None:
    with serving(data) as service:
        halted = [postmaster(data)]
        os.kill(halted[0], signal.SIGSTOP)  # first, so that it begins no more
        try:
            halted += children(halted[0])
            for pid in halted[1:]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            began = time.monotonic()
            answer = service.http.get("/readyz")
            assert answer.status_code == 503
            assert time.monotonic() - began < 30
            assert service.http.get("/healthz").status_code == 200
        finally:
            for pid in halted:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        assert eventually(lambda: service.http.get("/readyz").status_code == 200)
        assert postmaster(data) == halted[0], "it was not taken for dead"
