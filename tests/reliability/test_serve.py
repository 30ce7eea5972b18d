"""`kaejon` as an operator meets it: started, stopped, killed, and told wrong things."""

import asyncio
import contextlib
import csv
import fcntl
import io
import json
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx2
import pytest

from tests.conftest import renamed
from tests.support import builders
from tests.support.server import free_port
from tests.support.service import Service, alive, children, kaejon, postgres_of, postmaster, serving
from tests.support.waiting import PATIENCE_S, eventually

pytestmark = pytest.mark.xdist_group("serve")

NAMES = {
    "admin", "center", "team", "health", "social", "local", "frontend", "reporting", "importer", "neighbour",
}  # fmt: skip


@dataclass
class First:
    """What the first start on a bare directory said and left."""

    data_dir: Path
    url: str
    out: str
    err: str
    seconds: float
    code: int


@pytest.fixture(scope="module")
def first(open_directory: Path) -> Iterator[First]:
    room = open_directory / "serve"
    room.mkdir(mode=0o711)
    room.chmod(0o711)
    began = time.monotonic()
    with serving(room / "first", "--demo", "--demo-households", "50") as service:
        seconds = time.monotonic() - began
        code = service.stop()
        yield First(
            room / "first", service.url, service.out.read_text(), service.err.read_text(), seconds, code
        )


@pytest.fixture
def data(first: First) -> Iterator[Path]:
    """A copy of the first start's directory, stopped."""
    copy = first.data_dir.with_name(secrets.token_hex(4))
    subprocess.run(["cp", "-a", first.data_dir, copy], check=True)
    yield copy
    assert eventually(lambda: not postgres_of(copy)), "no server is left behind"
    shutil.rmtree(copy)


@pytest.fixture
def bare(first: First) -> Path:
    """A name for a directory that is not there yet."""
    return first.data_dir.with_name(secrets.token_hex(4))


@pytest.fixture(scope="module")
def running(first: First) -> Iterator[Service]:
    """One service for the tests that only ask it."""
    copy = first.data_dir.with_name("running")
    subprocess.run(["cp", "-a", first.data_dir, copy], check=True)
    with serving(copy) as service:
        yield service


def query(url: str, sql: str, *values: Any) -> Any:
    async def ask() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetch(sql, *values)
        finally:
            await connection.close()

    return asyncio.run(ask())


def household_of(service: Service) -> str:
    found = service.http.get("/v1/households?limit=1", headers=service.headers("center")).json()
    return str(found["items"][0]["id"])


# The first start


def test_a_bare_directory_is_served_soon_and_says_where_in_one_line(first: First) -> None:
    assert first.out == f"Kaejon answers at {first.url}\n"
    assert first.seconds < 120, "some seconds, on a machine with other work a minute"
    assert "demo households: 50 of 50" in first.err
    assert "Traceback" not in first.err
    assert "client_secret" not in first.out + first.err.replace("c['client_secret']", "")


def test_the_demo_s_clients_are_ten_in_a_private_file(first: First) -> None:
    file = first.data_dir / "demo-clients.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    clients = json.loads(file.read_text())["clients"]
    assert {client["name"] for client in clients} == NAMES
    assert len(clients) == len(NAMES)
    for client in clients:
        assert set(client) == {"name", "client_id", "client_secret", "agency", "scopes", "areas"}
    for name in ("keys.json", "superuser.password", "postgres.log"):
        assert stat.S_IMODE((first.data_dir / name).stat().st_mode) == 0o600


def test_a_stop_that_was_asked_for_is_no_failure(first: First) -> None:
    assert first.code == 0
    assert not postgres_of(first.data_dir)


def test_all_ten_get_a_token(running: Service) -> None:
    for name in NAMES:
        headers = running.headers(name)
        access = running.http.get("/v1/me/access", headers=headers).json()
        assert access["client_id"] == running.client(name)["client_id"]


def test_a_second_start_says_whose_the_directory_is(running: Service) -> None:
    second = kaejon("serve", "--port", str(running.port), "--data-dir", running.data_dir)
    assert second.returncode != 0
    assert f"is in use by process {running.process.pid}: stop it first" in second.stderr
    assert "Traceback" not in second.stderr
    assert running.http.get("/readyz").status_code == 200


def test_a_taken_port_is_told_before_a_demo_is_loaded(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = kaejon("serve", "--port", str(port), "--data-dir", data)
    assert refused.returncode != 0
    assert f"kaejon: 127.0.0.1:{port} cannot be listened on" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert refused.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (["--port", "0"], {}),
        (["--workers", "0"], {}),
        ([], {"KAEJON_PORT": "many"}),
        # It could be stored, and no token could name it.
        ([], {"KAEJON_ADMIN_CLIENT_ID": "admin@example", "KAEJON_ADMIN_CLIENT_SECRET": "s"}),
    ],
)
def test_a_setting_that_cannot_be_is_told(arguments: list[str], env: dict[str, str], bare: Path) -> None:
    refused = kaejon("serve", "--data-dir", bare, *arguments, env=env)
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr
    assert "kaejon: a setting is not valid: " in refused.stderr
    assert "many" not in refused.stderr
    assert not bare.exists()


def test_lost_keys_are_asked_for_and_not_made_anew(data: Path) -> None:
    (data / "keys.json").unlink()
    refused = kaejon("serve", "--port", str(free_port()), "--data-dir", data)
    assert refused.returncode != 0
    assert "restore the file" in refused.stderr
    assert not (data / "keys.json").exists()


# Stopping


def half_a_request(service: Service) -> tuple[socket.socket, bytes]:
    """A connection on which a token request has been begun and is waited for, and the rest of it."""
    own = service.client("frontend")
    body = (
        f"grant_type=client_credentials&client_id={own['client_id']}&client_secret={own['client_secret']}"
    ).encode()
    head = (
        f"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    ).encode()
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE_S)
    connection.sendall(head)
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        said += connection.recv(1)
    assert said.startswith(b"HTTP/1.1 100 "), "it has been taken on"
    connection.sendall(body[:20])
    return connection, body[20:]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def told(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


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


def finishes(connection: socket.socket, rest: bytes) -> None:
    """The request that was begun is answered, and the connection closed."""
    connection.sendall(rest)
    answer = told(connection)
    connection.close()
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b'"access_token"' in answer


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
                with httpx2.Client(base_url=self.url, trust_env=False, timeout=PATIENCE_S) as http:
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


# Several workers


def counted(service: Service, operation: str) -> float:
    text = service.http.get("/metrics").text
    found = re.findall(
        rf'^kaejon_http_requests_total{{[^}}]*operation="{operation}"[^}}]*}} ([0-9.e+]+)$', text, re.M
    )
    return sum(map(float, found))


def fresh(service: Service, path: str, **more: Any) -> httpx2.Response:
    """On a connection of its own: the kernel chooses the worker."""
    with httpx2.Client(base_url=service.url, trust_env=False, timeout=PATIENCE_S) as http:
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


# An outside database


@pytest.fixture
def outside(server_dsn: str) -> Iterator[str]:
    """An empty database on a server that is not ours to start or stop."""
    name = f"kaejon_{secrets.token_hex(6)}"
    query(server_dsn, f"CREATE DATABASE {name}")
    yield renamed(server_dsn, name)
    query(server_dsn, f"DROP DATABASE {name} WITH (FORCE)")


def test_an_outside_database_is_served_administered_and_guarded(outside: str, bare: Path) -> None:
    secret = "operators-own-secret"
    env = {
        "KAEJON_DATABASE_URL": outside,
        "KAEJON_ADMIN_CLIENT_ID": "root-admin",
        "KAEJON_ADMIN_CLIENT_SECRET": secret,
    }
    with serving(bare, env=env) as service:
        assert not (bare / "pg").exists()
        token = service.token("root-admin", secret).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        access = service.http.get("/v1/me/access", headers=bearer).json()
        assert (access["scopes"], access["areas"]) == (["audit:read", "clients:admin"], ["*"])
        draft = {"name": "Team", "agency": "SCJP_D-4201", "areas": ["4201"]}
        draft["scopes"] = ["households:read", "households:write"]  # type: ignore[assignment]
        made = service.http.post("/v1/clients", json=draft, headers=bearer).json()
        team = service.token(made["client_id"], made["client_secret"]).json()["access_token"]
        household = service.http.post(
            "/v1/households", json=builders.household(), headers={"Authorization": f"Bearer {team}"}
        )
        assert household.status_code == 201
        users = query(outside, "SELECT usename::text FROM pg_stat_activity WHERE application_name = 'kaejon'")
        assert users
        assert service.stop() == 0
    assert secret not in service.err.read_text()
    assert query(outside, "SELECT 1"), "it is left running"

    # The environment names a first administrator only where there is no client yet, and a demo does not go
    # where something was recorded, nor do its clients.
    usurper = {**env, "KAEJON_ADMIN_CLIENT_ID": "usurper"}
    with serving(bare, "--demo", "--demo-households", "5", env=usurper) as service:
        assert service.token("usurper", secret).status_code == 401
        assert service.token("root-admin", secret).status_code == 200
        assert "a demo goes into an empty one" in service.err.read_text()
        assert not (bare / "demo-clients.json").exists()
    assert query(outside, "SELECT count(*) FROM household")[0][0] == 1
    assert query(outside, "SELECT count(*) FROM client")[0][0] == 2

    # Without its keys the database is not served under new ones.
    (bare / "keys.json").rename(bare / "kept")
    refused = kaejon("serve", "--port", str(free_port()), "--data-dir", bare, env=env)
    assert refused.returncode != 0
    assert "are not those this database was sealed with" in refused.stderr
    assert "Traceback" not in refused.stderr
    (bare / "kept").replace(bare / "keys.json")

    # Nor when it was migrated by a later version.
    query(outside, "UPDATE alembic_version SET version_num = '9999_tomorrow'")
    refused = kaejon("serve", "--port", str(free_port()), "--data-dir", bare, env=env)
    assert refused.returncode != 0
    assert "kaejon: The database is at schema 9999_tomorrow" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_database_that_cannot_be_reached_is_told_without_its_password(server_dsn: str, bare: Path) -> None:
    for url in (
        f"postgresql://me:hunter2secret@127.0.0.1:{free_port()}/kaejon",
        re.sub(r":[^:@]+@", ":hunter2secret@", server_dsn),
        "postgresql://me:hunter2secret@[::1/x",
    ):
        refused = kaejon(
            "serve", "--port", str(free_port()), "--data-dir", bare, env={"KAEJON_DATABASE_URL": url}
        )
        assert refused.returncode != 0
        assert "kaejon: The database of KAEJON_DATABASE_URL cannot be reached" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert "hunter2secret" not in refused.stderr


# The command line


CREATE = ("client", "create", "--agency", "PROV_MOPH-42", "--scope", "households:read", "--area", "42")


def test_a_client_is_created_before_and_while_serving(data: Path) -> None:
    before = kaejon(*CREATE, "--data-dir", data)
    assert before.returncode == 0, before.stderr
    assert not postgres_of(data)
    with serving(data) as service:
        while_serving = kaejon(*CREATE, "--data-dir", data)
        assert while_serving.returncode == 0, while_serving.stderr
        for made in (json.loads(before.stdout), json.loads(while_serving.stdout)):
            assert made["areas"] == ["42"]
            assert service.token(made["client_id"], made["client_secret"]).status_code == 200
            assert made["client_secret"] not in before.stderr + while_serving.stderr
        for fault, said in (
            (("--agency", "NOBODY-1"), "/agency"),
            (("--area", "4"), "/areas/1"),
        ):
            refused = kaejon(*CREATE, *fault, "--data-dir", data)
            assert refused.returncode != 0
            assert said in refused.stderr
            assert "Traceback" not in refused.stderr
        assert service.stop(signal.SIGINT) == 0, "Ctrl-C stops as well as SIGTERM"


def packaged_codes() -> tuple[list[str], list[dict[str, str]]]:
    text = (files("persistence.reference") / "codes.csv").read_text(encoding="utf-8-sig")
    reader = csv.DictReader(io.StringIO(text))
    return list(reader.fieldnames or ()), list(reader)


def write_codes(path: Path, fields: list[str], rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_newer_reference_files_are_loaded_or_refused_by_line(running: Service, tmp_path: Path) -> None:
    fields, rows = packaged_codes()
    place = ("--data-dir", running.data_dir)
    broken = [dict(row) for row in rows]
    broken[4]["sequence"] = "five"
    refused = kaejon(
        "reference", "load", "--file", write_codes(tmp_path / "codes.csv", fields, broken), *place
    )
    assert refused.returncode != 0
    assert "kaejon: codes.csv, line 6: sequence: five is not a whole number" in refused.stderr
    assert "Traceback" not in refused.stderr

    more = [*rows, {**rows[-1], "code": "brand_new", "name_th": "ใหม่", "sequence": "99"}]
    loaded = kaejon("reference", "load", "--file", write_codes(tmp_path / "codes.csv", fields, more), *place)
    assert loaded.returncode == 0, loaded.stderr
    assert re.search(r"^codes.csv: [0-9]+ rows, loaded$", loaded.stdout, re.M)
    assert "areas.csv: 10024 rows, unchanged" in loaded.stdout
    shown = running.http.get(f"/v1/codes/{rows[-1]['list']}", headers=running.headers("frontend"))
    assert "brand_new" in shown.text

    (tmp_path / "nonsense.csv").write_text("a,b\n")
    for name, said in (
        ("nonsense.csv", "no reference file is called nonsense.csv"),
        ("menus.toml", "there is no file"),
    ):
        refused = kaejon("reference", "load", "--file", tmp_path / name, *place)
        assert refused.returncode != 0
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr


def test_demo_data_is_written_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        done = kaejon("demo-data", "--households", "20", "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
    one = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert one == {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()}
    assert one["households.ndjson"].count(b"\n") == 20
    refused = kaejon("demo-data", "--households", "5", "--areas", "99", "--out", tmp_path / "no")
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    assert kaejon("keys", "generate", file).returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    made = file.read_bytes()
    refused = kaejon("keys", "generate", file)
    assert refused.returncode != 0
    assert "never overwritten" in refused.stderr
    assert file.read_bytes() == made
    assert json.loads(made)["client_pepper"] not in refused.stderr


def test_db_names_and_stops_what_runs(data: Path) -> None:
    for command in ("url", "stop"):
        idle = kaejon("db", command, "--data-dir", data)
        assert (idle.returncode, idle.stdout) == (1, "")
        assert "kaejon: no server runs in that directory" in idle.stderr
    with serving(data) as service:
        url = kaejon("db", "url", "--data-dir", data)
        assert url.returncode == 0
        assert query(url.stdout.strip(), "SELECT current_database()::text")[0][0] == "kaejon"
        assert kaejon("db", "stop", "--data-dir", data).returncode == 0
        assert service.process.wait(2 * PATIENCE_S) == 0
    assert not postgres_of(data)


# Logs


def spellings(text: str) -> set[str]:
    """As it may come to stand in a log."""
    found = {text, quote(text), json.dumps(text)[1:-1]}
    if re.fullmatch(r"\d{13}", text):
        found |= {f"{text[0]}-{text[1:5]}-{text[5:10]}-{text[10:12]}-{text[12]}", text[:12]}
    return found


def test_the_log_holds_nobody_s_id_name_phone_or_token(running: Service) -> None:
    http, headers = running.http, running.headers("center")
    items: list[dict[str, Any]] = []
    path: str | None = "/v1/households?limit=50"
    while path:
        page = http.get(path, headers=headers).json()
        items += page["items"]
        path = page["next_cursor"] and f"/v1/households?limit=50&cursor={page['next_cursor']}"
    persons = [member["person"] for item in items for member in item["members"]]
    ids = {one["citizen_id"] for one in persons if one["citizen_id"]}
    names = {one["last_name"] for one in persons if one["last_name"]} | {one["first_name"] for one in persons}
    phones = {one["phone"] for one in persons if one["phone"]}
    assert len(ids) > 50
    assert phones
    assert min(map(len, ids)) == 13, "they are in clear here"
    known = sorted(ids)[0]
    name, phone = persons[0]["last_name"], sorted(phones)[0]
    own = running.client("center")
    for body in (
        {"citizen_id": known},
        {"name": name},
        {"phone": phone},
        {"citizen_id": "1" * 13},
        {"x": known},
    ):
        http.post("/v1/households/search", json=body, headers=headers)
    for url in (
        f"/v1/households/{known}",
        f"/v1/households?citizen_id={known}&name={quote(name)}",
        f"/v1/persons/{known}",
        f"/{known}/{quote(name)}",
        f"/v1/assistance-events/by-external-id/{known}",
        f"/v1/areas?q={quote(name)}",
        f"/errors/{known}",
    ):
        http.get(url, headers=headers)
    event = builders.event(items[0]["id"], external_id=known, description=f"{known} {name} {phone}")
    http.post("/v1/assistance-events", json=event, headers=headers)
    event = builders.event("x", household={"citizen_id": known})
    http.post("/v1/assistance-events", json=event, headers=headers)
    twice = builders.household(members=[builders.member(citizen_id=known, last_name=name, phone=phone)])
    assert http.post("/v1/households", json=twice, headers=headers).status_code in (409, 422)
    http.post("/v1/households", content=b'{"x": "' + known.encode() + b'\xff"}', headers=headers)
    queries = (
        f'{{ household(id: "{known}") {{ id }} }}',
        f'{{ x(name: "{name}") }}',
        f"{known} {name}",
    )
    for text in queries:
        http.post("/graphql", json={"query": text, "variables": {"name": name}}, headers=headers)
        http.get(f"/graphql?query={quote(text)}", headers=headers)
    http.post("/oauth/token", data={"client_id": own["client_id"], "client_secret": own["client_secret"]})
    http.get("/v1/me/access", headers={"Authorization": f"Bearer {own['client_secret']}"})
    http.get(f"/v1/me/access?access_token={headers['Authorization'][7:]}", headers=headers)
    http.get("/v1/me/access", headers={**headers, "X-Request-Id": f"{known} {phone}"})
    http.request(known, "/v1/households", headers=headers)

    logs = running.err.read_text() + (running.data_dir / "postgres.log").read_text(errors="replace")
    assert '"operation":"searchHouseholds"' in logs
    secrets_of = [one["client_secret"] for one in json.loads(
        (running.data_dir / "demo-clients.json").read_text())["clients"]]  # fmt: skip
    tokens = [headers["Authorization"][7:], headers["Authorization"].split(".")[2]]
    passwords = [(running.data_dir / "superuser.password").read_text().strip()]
    for kind, values in {
        "citizen ids": ids,
        "names": {name for name in names if len(name) > 2},
        "phones": phones,
        "secrets": {*secrets_of, *tokens, *passwords},
    }.items():
        seen = [value for value in values if any(text in logs for text in spellings(value))]
        assert not seen, f"{len(seen)} {kind} are in the log"
