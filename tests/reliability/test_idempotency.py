"""Retries against `kaejon serve` with several workers: identical requests at once, and a kill between commit and answer."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.support import builders
from tests.support.service import PLAIN, Service, children, kaejon, query, serving
from tests.support.waiting import PATIENCE_S, eventually

EVENTS, BATCH, HOUSEHOLDS = "/v1/assistance-events", "/v1/assistance-events/batch", "/v1/households"
GRAPHQL = "/graphql"
IN_PROGRESS = (409, "idempotency-in-progress")


_COMMITTING = """SELECT FROM pg_stat_activity
  WHERE wait_event = 'SyncRep' AND query LIKE 'WITH known AS%event_key%'"""
_COMMITTING_UNDER_KEY = """SELECT FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
  WHERE a.wait_event = 'SyncRep' AND l.locktype = 'advisory' AND l.objsubid = 1
    AND (l.classid::bigint << 32) | l.objid::bigint = hashtextextended($1, 0)"""
"""By the lock that a transaction holds on its key."""


def household_of(service: Service) -> str:
    found = service.http.get("/v1/households?limit=1", headers=service.headers("center")).json()
    return str(found["items"][0]["id"])


def owner_of(data: Path) -> str:
    return kaejon("db", "url", "--data-dir", data).stdout.strip()


def post(service: Service, path: str, body: Any, headers: dict[str, str]) -> httpx2.Response:
    """On a connection of its own: the kernel chooses the worker."""
    with httpx2.Client(base_url=service.url, trust_env=False, verify=PLAIN, timeout=PATIENCE_S) as http:
        return http.post(path, json=body, headers=headers)


def at_once(service: Service, path: str, body: Any, headers: dict[str, str]) -> list[httpx2.Response]:
    with ThreadPoolExecutor(50) as pool:
        return list(pool.map(lambda _: post(service, path, body, headers), range(50)))


def counted(owner: str, external_ids: list[str]) -> list[tuple[int, int, int]]:
    """Events, keys, and rows of the feed and the audit, by external id."""
    rows = query(
        owner,
        """SELECT ev.external_id, count(*),
             (SELECT count(*) FROM change c WHERE c.household_id = ev.household_id AND c.resource_id = ANY(array_agg(ev.id))),
             (SELECT count(*) FROM audit a WHERE a.household_id = ev.household_id AND a.resource = ANY(array_agg(ev.id)::text[]))
           FROM assistance_event ev WHERE ev.external_id = ANY($1::text[]) GROUP BY ev.household_id, ev.external_id""",
        external_ids,
    )
    assert {row[0] for row in rows} == set(external_ids)
    return [tuple(row)[1:] for row in rows]


def test_fifty_identical_requests_over_several_workers_make_one_record(data: Path) -> None:
    with serving(data, "--workers", "2") as service:
        home, owner = household_of(service), owner_of(data)
        headers = service.headers("center")
        for key in (None, "fifty"):
            keyed = {**headers, "Idempotency-Key": key} if key else headers
            event = builders.event(home, external_id=f"S-{key}")
            answers = at_once(service, EVENTS, event, keyed)
            assert {one.status_code for one in answers} <= {200, 201, 409}
            told = {(one.status_code, one.json()["code"]) for one in answers if one.status_code >= 400}
            assert told <= ({IN_PROGRESS} if key else set())
            assert len({one.json()["id"] for one in answers if one.status_code < 300}) == 1
            assert counted(owner, [event["external_id"]]) == [(1, 1, 1)]

            items = [builders.event(home, external_id=f"B-{key}-{number}") for number in range(200)]
            answers = at_once(
                service, BATCH, {"items": items}, {**keyed, **({"Idempotency-Key": "b"} if key else {})}
            )
            told = {(one.status_code, one.json().get("code")) for one in answers if one.status_code != 200}
            assert told <= ({IN_PROGRESS} if key else set())
            good = [one.json()["results"] for one in answers if one.status_code == 200]
            assert len({tuple(item["id"] for item in results) for results in good}) == 1
            made = [item for results in good for item in results if item["outcome"] == "created"]
            assert len(made) == (200 if key is None else 200 * len(good)), (
                "under a key the first answer again"
            )
            assert counted(owner, [one["external_id"] for one in items]) == [(1, 1, 1)] * 200


def test_batches_and_single_posts_with_the_same_keys_at_once_make_one_record_each(data: Path) -> None:
    with serving(data, "--workers", "2") as service:
        home, owner, headers = household_of(service), owner_of(data), service.headers("center")
        items = [builders.event(home, external_id=f"M-{number}") for number in range(100)]

        def one(turn: int) -> list[tuple[int, str]]:
            """A batch in an order of its own, or some single posts."""
            turned = [*items[turn * 7 :], *items[: turn * 7]]
            if turn % 2:
                turned.reverse()
            if turn % 3:
                answer = post(service, BATCH, {"items": turned}, headers)
                assert answer.status_code == 200, answer.text
                return [(200, item["outcome"]) for item in answer.json()["results"]]
            answers = [post(service, EVENTS, item, headers) for item in turned[:25]]
            return [(one.status_code, one.json()["receipt"]["outcome"]) for one in answers]

        with ThreadPoolExecutor(12) as pool:
            told = [outcome for found in pool.map(one, range(12)) for outcome in found]
        assert {outcome for _, outcome in told} == {"created", "duplicate"}
        assert sum(outcome == "created" for _, outcome in told) == 100
        assert counted(owner, [one["external_id"] for one in items]) == [(1, 1, 1)] * 100


@contextmanager
def commits_unanswered(owner: str) -> Iterator[None]:
    """Whoever commits waits for a standby that does not exist: what it wrote is durable, and it is not told so."""
    query(owner, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    query(owner, "SELECT pg_reload_conf()")
    assert eventually(lambda: query(owner, "SHOW synchronous_standby_names")[0][0] == "nobody")
    try:
        yield
    finally:
        query(owner, "ALTER SYSTEM RESET synchronous_standby_names")
        query(owner, "SELECT pg_reload_conf()")


def workers_of(service: Service) -> list[int]:
    """The processes that answer requests, not those that keep books."""
    found = []
    for pid in children(service.process.pid):
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"spawn_main" in line:
            found.append(pid)
    return found


def ready(service: Service) -> bool:
    try:
        with httpx2.Client(base_url=service.url, trust_env=False, verify=PLAIN, timeout=PATIENCE_S) as http:
            return http.get("/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def mutation(home: str, external_id: str) -> dict[str, Any]:
    given = {"externalId": external_id, "household": {"id": home}, "dimension": "INCOME"}
    given |= {"assistanceType": "LIVELIHOOD", "providedOn": "2026-02-01"}
    text = "mutation ($input: RecordAssistanceInput!) { recordAssistance(input: $input) { id receipt { outcome } } }"
    return {"query": text, "variables": {"input": given}}


def requests(home: str) -> dict[str, tuple[str, Any, str | None]]:
    """Path, body and key of each."""
    event = builders.event(home, external_id="K-1")
    keyed = builders.event(home, external_id="K-2")
    items = [builders.event(home, external_id=f"K-3-{number}") for number in range(20)]
    return {
        "an event": (EVENTS, event, None),
        "an event with a key": (EVENTS, keyed, "k-2"),
        "a batch with a key": (BATCH, {"items": items}, "k-3"),
        "a household with a key": (
            HOUSEHOLDS,
            builders.household(members=[builders.member(citizen_id=None, no_id_reason="not_known")]),
            "k-4",
        ),
        "a mutation with a key": (GRAPHQL, mutation(home, "K-5"), "k-5"),
    }


def test_kill_between_commit_and_answer_and_the_retry_has_the_first_answer(data: Path) -> None:
    with serving(data, "--workers", "2") as service:
        home, owner, headers = household_of(service), owner_of(data), service.headers("center")
        center = service.client("center")["client_id"]
        households = "SELECT count(*) FROM household"
        before = query(owner, households)[0][0]
        wanted, answered = requests(home), dict[str, int]()

        def sent(key: str | None) -> dict[str, str]:
            return {**headers, **({"Idempotency-Key": key} if key else {})}

        def send(what: str) -> None:
            path, body, key = wanted[what]
            try:
                answered[what] = post(service, path, body, sent(key)).status_code
            except httpx2.TransportError:
                answered[what] = 0

        with commits_unanswered(owner):
            clients = [threading.Thread(target=send, args=(what,)) for what in wanted]
            for client in clients:
                client.start()
            for what, (_, _, key) in wanted.items():
                waiting = _COMMITTING if key is None else _COMMITTING_UNDER_KEY
                told = () if key is None else (f"idempotency {center} {key}",)
                assert eventually(lambda: query(owner, waiting, *told)), what  # noqa: B023 - asked at once
            for pid in workers_of(service):
                os.kill(pid, signal.SIGKILL)
            for client in clients:
                client.join(PATIENCE_S)
            assert answered == dict.fromkeys(wanted, 0), "nobody was told"
        assert eventually(lambda: ready(service))

        for what, (path, body, key) in wanted.items():

            def settled(path: str = path, body: Any = body, key: str | None = key) -> httpx2.Response | None:
                """The retry, once the database has let go of what was killed."""
                try:
                    answer = post(service, path, body, sent(key))
                except httpx2.TransportError:
                    return None
                return None if answer.status_code == 409 or answer.status_code >= 500 else answer

            found: list[httpx2.Response] = []
            assert eventually(lambda: found.extend(filter(None, [settled()])) or found), what  # noqa: B023
            answer = found[0]
            if key is None:
                assert (answer.status_code, answer.json()["receipt"]["outcome"]) == (200, "duplicate")
            else:
                assert answer.headers["idempotency-replayed"] == "true", what
                assert answer.status_code == (200 if path in (BATCH, GRAPHQL) else 201)
                assert "CREATED" in answer.text or path != GRAPHQL
        once = ["K-1", "K-2", "K-5", *(f"K-3-{number}" for number in range(20))]
        assert counted(owner, once) == [(1, 1, 1)] * 23
        replayed = post(
            service, BATCH, requests(home)["a batch with a key"][1], {**headers, "Idempotency-Key": "k-3"}
        )
        assert replayed.status_code == 200
        assert replayed.json()["summary"]["created"] == 20
        assert query(owner, households)[0][0] == before + 1
