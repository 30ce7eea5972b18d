"""`kaejon serve` with several workers: one server, one memory, and an end together."""

import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2

from tests.support.server import free_port
from tests.support.service import PLAIN, Service, alive, children, postgres_of, postmaster, serving
from tests.support.sockets import finishes, half_a_request, listens
from tests.support.waiting import PATIENCE_S, eventually


def counted(service: Service, operation: str) -> float:
    text = service.http.get("/metrics").text
    found = re.findall(
        rf'^kaejon_http_requests_total{{[^}}]*operation="{operation}"[^}}]*}} ([0-9.e+]+)$', text, re.M
    )
    return sum(map(float, found))


def fresh(service: Service, path: str, **more: Any) -> httpx2.Response:
    """On a connection of its own: the kernel chooses the worker."""
    with httpx2.Client(base_url=service.url, trust_env=False, verify=PLAIN, timeout=PATIENCE_S) as http:
        return http.get(path, **more)


def test_two_workers_share_one_server_and_are_counted_together(data: Path) -> None:
    with serving(data, "--workers", "2") as service:
        parent = service.process.pid
        before, asked = counted(service, "getHealth"), 0

        def answered() -> set[int]:
            """The workers that have, after some more requests at once: the kernel chooses."""
            nonlocal asked
            with ThreadPoolExecutor(10) as pool:
                answers = list(pool.map(lambda _: fresh(service, "/healthz"), range(60)))
            assert {answer.status_code for answer in answers} == {200}
            asked += len(answers)
            counters = {int(path.stem.split("_")[1]) for path in (data / "metrics").glob("counter_*.db")}
            return counters & set(children(parent))

        assert eventually(lambda: len(answered()) == 2), "both have answered"
        workers = answered()
        assert counted(service, "getHealth") == before + asked
        assert len(postgres_of(data)) == 1 or postmaster(data) in postgres_of(data)
        assert service.out.read_text() == f"Kaejon answers at {service.url}\n"

        # What one is told the other knows soon.
        own = service.client("frontend")
        token = service.token(own["client_id"], own["client_secret"]).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        assert {fresh(service, "/v1/me/access", headers=bearer).status_code for _ in range(10)} == {200}
        service.http.post(
            "/oauth/revoke", data={"token": token}, auth=(own["client_id"], own["client_secret"])
        )
        assert eventually(
            lambda: {fresh(service, "/v1/me/access", headers=bearer).status_code for _ in range(20)} == {401}
        )
        narrowed_everywhere(service)

        # A worker that dies is replaced, and the database goes on.
        os.kill(min(workers), signal.SIGKILL)
        assert eventually(lambda: len(set(children(parent)) - {min(workers)}) >= 2 and ready(service))

        server = postmaster(data)
        family = children(parent)
        connection, rest = half_a_request(service)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(1)  # the supervisor has told its workers by now
        finishes(connection, rest)
        assert service.stop() == 0
        # Whoever keeps the books of shared memory ends by itself, once nobody is left to keep them for.
        assert eventually(lambda: not any(alive(pid) for pid in [*family, server]))
    assert not postgres_of(data)


def narrowed_everywhere(service: Service) -> None:
    """A scope taken away, networks and the end of a client reach both workers, whichever was asked."""
    admin, path = service.headers("admin"), "/v1/clients"
    draft = {
        "name": "x",
        "agency": "PROV_MOPH-42",
        "scopes": ["menus:read", "problems:read"],
        "areas": ["42"],
    }
    made = service.http.post(path, json=draft, headers=admin).json()
    path += f"/{made['client_id']}"

    def bearer() -> dict[str, str]:
        token = service.token(made["client_id"], made["client_secret"]).json()["access_token"]
        return {"Authorization": f"Bearer {token}"}

    def statuses(headers: dict[str, str]) -> set[int]:
        return {fresh(service, "/v1/me/access", headers=headers).status_code for _ in range(10)}

    before = bearer()
    assert statuses(before) == {200}
    for version, change in enumerate(({"scopes": []}, {"allowed_networks": ["192.0.2.0/24"]}), start=1):
        changed = service.http.patch(path, json=change, headers={**admin, "If-Match": f'"{version}"'})
        assert changed.status_code == 200, changed.text
        assert eventually(lambda before=before: statuses(before) == {401})
        if version == 1:
            before = bearer()
            assert statuses(before) == {200}, "a fresh one counts at once, on both"
    back = {**admin, "If-Match": '"3"'}
    assert service.http.patch(path, json={"allowed_networks": []}, headers=back).status_code == 200
    assert eventually(lambda: statuses(before) == {200})
    assert service.http.delete(path, headers=admin).status_code == 204
    assert eventually(lambda: statuses(before) == {401})


def ready(service: Service) -> bool:
    try:
        return fresh(service, "/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def test_kill_of_the_supervisor_ends_its_workers(data: Path) -> None:
    port = free_port()
    with serving(data, "--workers", "2", port=port) as service:
        family = children(service.process.pid)
        service.kill()
    assert eventually(lambda: not any(alive(pid) for pid in family))
    assert not listens(port)
    assert eventually(lambda: not postgres_of(data))
