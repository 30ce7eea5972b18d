"""Keys are changed under two real workers while clients work on: no request fails, no citizen id is lost."""

import asyncio
import json
import random
import signal as signals
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from api import signing
from api.app import keys_of, sealing_of
from api.keyring import Keyring, read_keyring
from persistence.access.signing import PgSigning
from persistence.embedded import running_url
from persistence.engine import Database
from tests.support.server import ROOT
from tests.support.service import COMMAND, PLAIN, Service, environment, eventually, kaejon, serving


@pytest.fixture(scope="module")
def service(open_directory: Path) -> Iterator[Service]:
    with serving(
        open_directory / "rotating", "--workers", "2", "--demo", "--demo-households", "60"
    ) as running:
        yield running


def keyring_of(service: Service) -> Keyring:
    return read_keyring(service.data_dir / "keys.json")


def rows(service: Service, sql: str, *values: Any) -> list[Any]:
    """As the owner, behind all doors."""
    url = running_url(service.data_dir)
    assert url is not None

    async def fetch() -> list[Any]:
        connection = await asyncpg.connect(url.replace("/postgres?", "/kaejon?"))
        try:
            found: list[Any] = await connection.fetch(sql, *values)
            return found
        finally:
            await connection.close()

    return asyncio.run(fetch())


def thai_id(number: int) -> str:
    """A well-formed citizen id: the last digit is the checksum."""
    digits = f"{number:012d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(13, 1, -1), strict=True))
    return f"{digits}{(11 - total % 11) % 10}"


def household(citizen_id: str) -> dict[str, Any]:
    person = {"citizen_id": citizen_id, "first_name": "สมศรี", "last_name": "ใจดี", "phone": "0812345678"}
    return {"area_code": "420101", "members": [{"relationship": "head", "person": person}]}


class Work:
    """Calls `step` again and again in threads of its own until the block ends; keeps what went wrong."""

    def __init__(self, step: Callable[[httpx2.Client], str | None], *, threads: int, url: str) -> None:
        self._step, self._url = step, url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        self.faults: list[str] = []
        self.done = 0

    def _run(self) -> None:
        with httpx2.Client(base_url=self._url, trust_env=False, verify=PLAIN, timeout=30) as http:
            while not self._stop.is_set():
                try:
                    fault = self._step(http)
                except Exception as error:
                    fault = repr(error)
                if fault is not None:
                    self.faults.append(fault)
                self.done += 1
                time.sleep(0.03)  # a stream of requests, and processor time left for what is tested

    def __enter__(self) -> "Work":
        for thread in self._threads:
            thread.start()
        assert eventually(lambda: self.done or self.faults)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


def token(http: httpx2.Client, client: dict[str, Any]) -> str:
    answer = http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(client["client_id"], client["client_secret"]),
    )
    answer.raise_for_status()
    found: str = answer.json()["access_token"]
    return found


async def turn(service: Service, times: int) -> None:
    url = running_url(service.data_dir)
    assert url is not None
    database = await Database.open(url.replace("/postgres?", "/kaejon?"), size=1)
    try:
        store = PgSigning(database, sealing_of(keyring_of(service)))
        for _ in range(times):
            await signing.patiently(lambda: signing.rotate(store, now=datetime.now(UTC), early=True))
    finally:
        await database.close()


def test_ten_turns_of_the_signing_keys_and_not_one_failed_request(service: Service) -> None:
    client = service.client("frontend")
    held: list[str] = []

    def step(http: httpx2.Client) -> str | None:
        held.append(token(http, client))
        # The newest token, and one from before some turns: which worker answers is the kernel's choice.
        for one in (held[-1], random.choice(held)):
            answer = http.get("/v1/me/access", headers={"Authorization": f"Bearer {one}"})
            if answer.status_code != 200:
                return f"{answer.status_code} {answer.text}"
        return None

    before = {key["kid"] for key in service.http.get("/.well-known/jwks.json").json()["keys"]}
    with Work(step, threads=4, url=service.url) as work:
        turned = kaejon("keys", "rotate", "--now", "--data-dir", service.data_dir)
        assert turned.returncode == 0, turned.stderr
        # As the command does it; a process for each would take its time on a busy machine.
        asyncio.run(turn(service, 9))
    assert work.faults == []
    assert work.done > 20

    def published() -> set[str]:
        return {key["kid"] for key in service.http.get("/.well-known/jwks.json").json()["keys"]}

    # One active, one next, ten whose tokens live; the worker that is asked may be a second behind.
    assert eventually(lambda: len(published()) == 12)
    assert before < published()
    stored = rows(service, "SELECT state, count(*) FROM signing_key GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in stored] == [("active", 1), ("next", 1), ("retiring", 10)]


def test_a_turn_without_now_waits_for_those_who_cache_the_published_keys(service: Service) -> None:
    assert kaejon("keys", "rotate", "--now", "--data-dir", service.data_dir).returncode == 0
    refused = kaejon("keys", "rotate", "--data-dir", service.data_dir)
    assert refused.returncode != 0
    assert "less than 10 minutes" in refused.stderr


def test_a_leaked_key_goes_with_its_tokens(service: Service) -> None:
    client = service.client("frontend")
    own = {"Authorization": f"Bearer {token(service.http, client)}"}
    assert service.http.get("/v1/me/access", headers=own).status_code == 200
    active = rows(service, "SELECT kid FROM signing_key WHERE state = 'active'")[0][0]
    dropped = kaejon("keys", "rotate", "--drop", active, "--data-dir", service.data_dir)
    assert dropped.returncode == 0, dropped.stderr

    def refused() -> bool:
        with httpx2.Client(base_url=service.url, trust_env=False, verify=PLAIN) as http:
            return all(http.get("/v1/me/access", headers=own).status_code == 401 for _ in range(8))

    assert eventually(refused)
    assert eventually(lambda: active not in service.http.get("/.well-known/jwks.json").text)
    own = {"Authorization": f"Bearer {token(service.http, client)}"}
    assert service.http.get("/v1/me/access", headers=own).status_code == 200
    unknown = kaejon("keys", "rotate", "--drop", "nobody", "--data-dir", service.data_dir)
    assert unknown.returncode != 0
    assert "no signing key of that name" in unknown.stderr


def broken_off(service: Service, command: str, kills: int) -> int:
    """Runs a rotation that is killed at random instants; how often it was, before it came to its end."""
    killed = 0
    while True:
        process = subprocess.Popen(
            [*COMMAND, "keys", command, "--data-dir", str(service.data_dir)],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if killed < kills:
            try:
                said, _ = process.communicate(timeout=1.5 + 3.5 * killed / kills)
            except subprocess.TimeoutExpired:
                process.send_signal(signals.SIGKILL)
                process.communicate(timeout=30)
                killed += 1
                continue
        else:
            said, _ = process.communicate(timeout=240)
        assert process.returncode == 0, said
        return killed


def test_the_field_key_changes_under_readers_and_writers_however_often_it_is_broken_off(
    service: Service,
) -> None:
    team = service.headers("team")
    numbers = iter(range(3_000_000_000_00, 3_100_000_000_00))
    lock = threading.Lock()
    made: dict[str, str] = {}

    def step(http: httpx2.Client) -> str | None:
        with lock:
            citizen_id = thai_id(next(numbers))
        answer = http.post("/v1/households", json=household(citizen_id), headers=team)
        if answer.status_code != 201:
            return f"post {answer.status_code} {answer.text}"
        made[answer.json()["id"]] = citizen_id
        id_, expected = random.choice(list(made.items()))
        answer = http.get(f"/v1/households/{id_}", headers=team)
        if answer.status_code != 200 or answer.json()["members"][0]["person"]["citizen_id"] != expected:
            return f"get {answer.status_code} {answer.text}"
        return None

    old = keyring_of(service)
    with Work(step, threads=3, url=service.url) as work:
        broken_off(service, "rotate-field", kills=3)
    assert work.faults == []
    new = keyring_of(service)
    assert old.field_keys.keys().isdisjoint(new.field_keys)
    assert new.fingerprint == old.fingerprint
    for table, column in (
        ("person", "citizen_id_sealed"),
        ("person", "phone_sealed"),
        ("queued_event", "citizen_id_sealed"),
        ("idempotency", "body_sealed"),
        ("signing_key", "private_sealed"),
    ):
        found = rows(
            service, f"SELECT DISTINCT get_byte({column}, 0) FROM {table} WHERE {column} IS NOT NULL"
        )
        assert {row[0] for row in found} <= set(new.field_keys), (table, column)
    cipher = keys_of(new).cipher
    sealed = rows(
        service, "SELECT household_id, id, citizen_id_sealed FROM person WHERE citizen_id_sealed IS NOT NULL"
    )
    opened = {
        str(row["household_id"]): cipher.open("person", "citizen_id_sealed", row["id"], row[2])
        for row in sealed
    }
    assert made.items() <= opened.items()
    assert len(made) > 5


def test_the_index_key_changes_and_a_citizen_id_stays_one_persons_and_is_always_found(
    service: Service,
) -> None:
    team = service.headers("team")
    known = thai_id(3_200_000_000_00)
    answer = service.http.post("/v1/households", json=household(known), headers=team)
    assert answer.status_code == 201, answer.text
    home, number, lock = answer.json()["id"], 3_300_000_000_00, threading.Lock()
    won: dict[str, int] = {}

    def search(http: httpx2.Client) -> str | None:
        answer = http.post("/v1/households/search", json={"citizen_id": known}, headers=team)
        if answer.status_code != 200 or [one["id"] for one in answer.json()["items"]] != [home]:
            return f"search {answer.status_code} {answer.text}"
        return None

    def race(http: httpx2.Client) -> str | None:
        nonlocal number
        with lock:
            number += 1
            citizen_id = thai_id(number)
        with ThreadPoolExecutor(4) as pool:
            answers = list(
                pool.map(
                    lambda _: httpx2.post(
                        f"{service.url}/v1/households",
                        json=household(citizen_id),
                        headers=team,
                        trust_env=False,
                        verify=PLAIN,
                        timeout=30,
                    ),
                    range(4),
                )
            )
        said = sorted(one.status_code for one in answers)
        won[citizen_id] = said.count(201)
        return None if said == [201, 409, 409, 409] else f"race {said} {answers[-1].text}"

    old = keyring_of(service)
    with (
        Work(search, threads=2, url=service.url) as searches,
        Work(race, threads=2, url=service.url) as races,
    ):
        broken_off(service, "rotate-index", kills=3)
    assert searches.faults == []
    assert races.faults == []
    new = keyring_of(service)
    assert old.index_keys.keys().isdisjoint(new.index_keys)
    stored = rows(service, "SELECT key_id, count(*) FROM citizen_identity GROUP BY 1")
    persons = rows(service, "SELECT count(*) FROM person WHERE citizen_id_sealed IS NOT NULL")[0][0]
    assert {row[0]: row[1] for row in stored} == {new.current_index_key: persons}
    assert len(won) > 5
    index = keys_of(new).index
    for citizen_id in won:
        owners = rows(
            service, "SELECT person_id FROM citizen_identity WHERE blind_index = $1", index.of(citizen_id)
        )
        assert len(owners) == 1


def test_the_service_starts_again_with_the_rotated_keys(service: Service) -> None:
    document = json.loads((service.data_dir / "keys.json").read_text())
    assert len(document["field_keys"]) == len(document["index_keys"]) == 1
    assert service.stop() == 0
    with serving(service.data_dir, port=service.port) as again:
        assert again.http.get("/readyz").status_code == 200
        assert again.http.get("/v1/me/access", headers=again.headers("team")).status_code == 200
