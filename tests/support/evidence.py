"""A service that registers people, is asked for them in every spelling, and is made to fail in every way with their data.

What it says meanwhile is kept as evidence, to be searched for them.
"""

import asyncio
import json
import os
import signal
import threading
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx2

from tests.support import builders
from tests.support.search import Wanted, phone_forms
from tests.support.service import Service, kaejon, postmaster
from tests.support.waiting import eventually, eventually_so

THAI = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
SURNAMES = ("กุหลาบเพชรรัตน์", "วงศ์สุวรรณมาลี", "ธนาพิทักษ์สกุล", "Xyzzyqvortex")


def printed(one: str) -> str:
    return f"{one[0]}-{one[1:5]}-{one[5:10]}-{one[10:12]}-{one[12]}"


@dataclass
class Evidence:
    """What the service has said and written, and what must not be in it."""

    data_dir: Path
    said: dict[str, bytes] = field(default_factory=dict)
    """By where: error bodies, headers, logs, metrics, the dump."""
    ids: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)
    surnames: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)

    @property
    def wanted(self) -> Wanted:
        names = frozenset(name for name in self.surnames if len(name) > 2)
        return Wanted(frozenset(self.ids | phone_forms(self.phones)), names)

    def hear(self, what: str, answer: httpx2.Response) -> httpx2.Response:
        """Keeps the headers of every answer, and the body of an error."""
        self.statuses.add(answer.status_code)
        kept = repr(answer.headers.multi_items()).encode()
        if answer.status_code >= 400 or "errors" in answer.text[:20]:
            kept += answer.content
        self.said[f"{what} {len(self.said)}"] = kept
        return answer


class People:
    """Somebody new each time, with an id, a phone and a surname that stand nowhere else."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence, self._made = evidence, 0

    def citizen_id(self) -> str:
        self._made += 1
        one = builders.citizen_id(37_412_985_501 + 7_919_113 * self._made)
        self._evidence.ids.add(one)
        return one

    def phone(self) -> str:
        self._made += 1
        one = f"08{(73_914_205 + 611_953 * self._made) % 10**8:08}"
        self._evidence.phones.add(one)
        return one

    def surname(self) -> str:
        self._made += 1
        one = SURNAMES[self._made % len(SURNAMES)]
        self._evidence.surnames.add(one)
        return one


class Story:
    """What happens to the service, in the order of its methods."""

    def __init__(self, service: Service, evidence: Evidence) -> None:
        self.service, self.evidence, self.people = service, evidence, People(evidence)
        self.headers = service.headers("center")

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> httpx2.Response:
        headers = {**self.headers, **more.pop("headers", {})}
        if isinstance(body, bytes):
            headers.setdefault("Content-Type", "application/json")
            more["content"] = body
        elif body is not None:
            more["json"] = body
        answer = self.service.http.request(method, path, headers=headers, **more)
        return self.evidence.hear(f"{method} {path[:20]}", answer)

    def graphql(self, query: str, **variables: Any) -> httpx2.Response:
        return self.call("POST", "/graphql", {"query": query, "variables": variables})

    def reads_the_demo(self) -> None:
        """Everybody in it is somebody to be searched for."""
        cursor = None
        while True:
            page = self.call(
                "GET", "/v1/households", params={"limit": 200, **({"cursor": cursor} if cursor else {})}
            )
            for home in page.json()["items"]:
                for member in home["members"]:
                    person = member["person"]
                    self.evidence.ids |= {person["citizen_id"]} - {None}
                    self.evidence.phones |= {person["phone"]} - {None}
                    self.evidence.surnames |= {person["last_name"]} - {None}
            cursor = page.json()["next_cursor"]
            if cursor is None:
                return

    def registers(self) -> None:
        spellings: list[Callable[[str], str]] = [
            str,
            printed,
            lambda one: one.translate(THAI),
            lambda one: printed(one).replace("-", " "),
        ]
        for spell in spellings:
            for door in ("rest", "graphql"):
                own, phone, surname = self.people.citizen_id(), self.people.phone(), self.people.surname()
                shown = phone if door == "rest" else f"{phone[:3]}-{phone[3:6]}-{phone[6:]}"
                person = {
                    "citizen_id": spell(own),
                    "first_name": "สมศรี",
                    "last_name": surname,
                    "phone": shown,
                }
                if door == "rest":
                    body = {"area_code": "420101", "members": [{"relationship": "head", "person": person}]}
                    key = {"Idempotency-Key": f"{own} {surname.encode('ascii', 'ignore').decode()} {phone}"}
                    made = self.call("POST", "/v1/households", body, headers=key)
                    assert made.status_code == 201, made.text
                    assert self.call("POST", "/v1/households", body, headers=key).status_code == 201
                    self._helps(made.json()["id"], own, spell)
                else:
                    query = "mutation ($i: CreateHouseholdInput!) { createHousehold(input: $i) { id members { person { citizenId } } } }"
                    camel = {
                        "citizenId": spell(own),
                        "firstName": "สมศรี",
                        "lastName": surname,
                        "phone": shown,
                    }
                    made = self.graphql(
                        query,
                        i={"areaCode": "420101", "members": [{"relationship": "HEAD", "person": camel}]},
                    )
                    assert "errors" not in made.json(), made.text
                found = self.call("POST", "/v1/households/search", {"citizen_id": spell(own)})
                assert len(found.json()["items"]) == 1
                literal = f'{{ searchHouseholds(input: {{citizenId: "{spell(own)}"}}) {{ nodes {{ members {{ person {{ citizenId phone lastName }} }} }} }} }}'
                assert own in self.graphql(literal).text

    def _helps(self, household_id: str, citizen_id: str, spell: Callable[[str], str]) -> None:
        headers = self.service.headers("health")
        for known in (citizen_id, self.people.citizen_id()):
            body = builders.event(household_id, household={"citizen_id": spell(known)}, on_unknown="register")
            for _ in range(2):
                answer = self.call("POST", "/v1/assistance-events", body, headers=headers)
                assert answer.status_code in (200, 201), answer.text
            other = {**body, "household": {"citizen_id": self.people.citizen_id()}}
            assert self.call("POST", "/v1/assistance-events", other, headers=headers).status_code == 409

    def provokes(self) -> None:
        """Every kind of refusal, with somebody's data in the place that is refused."""
        someone = next(iter(sorted(self.evidence.ids)))
        values = [
            someone,
            printed(someone),
            someone.translate(THAI),
            self.people.phone(),
            self.people.surname(),
            "กุหลาบเพชรรัตน์",
        ]
        self.evidence.surnames |= {"กุหลาบเพชรรัตน์"}
        for value in values:
            self._in_bodies(value)
            self._in_queries(value)
            self._in_headers(value)
            self._in_documents(value)

    def _in_bodies(self, value: str) -> None:
        wrong = builders.household(area_code="x")
        for place in (
            "first_name",
            "last_name",
            "prefix",
            "sex",
            "birth_date",
            "citizen_id",
            "phone",
            "occupation",
            "annual_income",
            "welfare_card",
            "no_id_reason",
        ):
            wrong["members"][0]["person"] = builders.person(**{place: value})
            self.call("POST", "/v1/households", wrong)
        for body in (
            {**wrong, value: 1}, {**wrong, f"a{value}": value}, {"address": {value: value}}, {value: {value: value}},
            {**wrong, "house_code": value}, {**wrong, "case_status": value}, {**wrong, "members": value},
            {**wrong, "sources": [{"system": value, "record_id": value}]}, {**wrong, "location": value}, value, [value],
        ):  # fmt: skip
            self.call("POST", "/v1/households", body)
        self.call("POST", "/v1/households", json.dumps({"area_code": value}).encode()[:-3])
        self.call("POST", "/v1/households", f'{{"{value}": 1, "{value}": 2}}'.encode())
        self.call("POST", "/v1/households", value.encode())
        self.call("POST", "/v1/households", b'{"a": "' + value.encode("utf-16") + b'"}')
        self.call("POST", "/v1/households", (value * 200_000).encode())
        self.call("POST", "/v1/households", value.encode(), headers={"Content-Type": "text/plain"})
        self.call("POST", "/v1/households", value.encode(), headers={"Content-Encoding": "gzip"})
        self.call("POST", "/v1/households/search", {"name": value, "area": "x"})
        self.call("POST", "/v1/households/search", {"house_code": value})
        self.call(
            "POST",
            "/v1/problems",
            builders.problem(value, description=value, indicator_id=value),
        )
        self.call(
            "POST", "/v1/assistance-events", builders.event("x", household={"id": value}, description=value)
        )
        self.call(
            "POST",
            "/oauth/token",
            None,
            data={"grant_type": value, "client_id": value, "client_secret": value},
        )
        self.call("POST", "/oauth/introspect", None, data={"token": value})

    def _in_queries(self, value: str) -> None:
        for name in (
            "area",
            "cursor",
            "sort",
            "count",
            "limit",
            "stage",
            "q",
            "citizen_id",
            value,
            f"a{value}",
        ):
            for path in ("/v1/households", "/v1/problems", "/v1/areas", "/v1/persons/x"):
                self.call("GET", path, params={name: value})
        for path in (
            "/v1/households/{}",
            "/v1/persons/{}",
            "/v1/persons/{}/access-log",
            "/v1/problems/{}",
            "/v1/clients/{}",
            "/v1/areas/{}",
            "/v1/assistance-events/by-external-id/{}",
            "/errors/{}",
            "/{}",
            "/docs/{}",
            "/v1/households/{}/analyses",
            "/assets/{}",
        ):
            for method in ("GET", "POST", "PATCH", "TRACE"):
                self.call(method, path.format(quote(value)))
                self.call(method, path.format(quote(quote(value))))
        self.call("GET", f"/v1/households/{(quote(value) * 2_000)[:9_000]}")

    def _in_headers(self, value: str) -> None:
        raw = value.encode()
        for name in (
            "X-Request-Id",
            "X-Purpose",
            "If-None-Match",
            "Accept",
            "Idempotency-Key",
            "Authorization",
            "Content-Type",
            "If-Match",
            "traceparent",
            "tracestate",
            "Forwarded",
            "X-Forwarded-For",
            "Origin",
            "Referer",
            "User-Agent",
            "Cookie",
        ):
            for given in (raw, b'"' + raw + b'"', b"Bearer " + raw, b"Basic " + b64encode(raw + b":" + raw)):
                self.call("GET", "/v1/households", params={"limit": "1"}, headers={name: given})
                self.call("POST", "/v1/households", {"area_code": "x"}, headers={name: given})

    def _in_documents(self, value: str) -> None:
        name = f"p{value}" if value.isdigit() and value.isascii() else "p"
        for query in (
            f'{{ household(id: "{value}") {{ id }} }}', f'{{ households(filter: {{area: ["{value}"]}}) {{ nodes {{ id }} }} }}',
            f'{{ households(filter: {{stage: {name}}}) {{ nodes {{ id }} }} }}', f"{{ {name} }}", f"{{ me {{ {name} }} }}",
            f'{{ household(id: "{value}', f"{{ household({name}: 1) {{ id }} }}", f"query (${name}: Int!) {{ me {{ agency }} }}",
            f"{{ ...{name} }}", f"fragment {name} on {name} {{ id }} {{ me {{ agency }} }}", f"{{ me @{name} {{ agency }} }}",
            f'mutation {{ createHousehold(input: {{areaCode: "{value}", {name}: "{value}"}}) {{ id }} }}', value,
            f'mutation {{ createProblem(input: {{householdId: "{value}", description: "{value}"}}) {{ id }} }}',
            f'{{ household(id: "x") {{ id }} }} # {value}', f'query {{ personAccessLog(id: "{value}") {{ nodes {{ id }} }} }}',
        ):  # fmt: skip
            self.graphql(query)
        query = "mutation ($i: CreateHouseholdInput!) { createHousehold(input: $i) { id } }"
        for given in (
            {"areaCode": value},
            {value: value},
            {f"a{value}": 1},
            value,
            [value],
            {"areaCode": "420101", "members": [{"relationship": value}]},
        ):
            self.graphql(query, i=given)
        self.call("POST", "/graphql", {"query": query, value: value})
        self.call("POST", "/graphql", {"query": query, "operationName": value})
        self.call("POST", "/graphql", [{"query": value}])
        self.call("POST", "/graphql", value.encode())

    def collides(self) -> None:
        """Unique keys of the database, and its own refusals."""
        own, surname = self.people.citizen_id(), self.people.surname()
        body = builders.household(
            members=[builders.member(citizen_id=own, last_name=surname, phone=self.people.phone())]
        )
        assert self.call("POST", "/v1/households", body).status_code == 201
        assert self.call("POST", "/v1/households", body).status_code == 409
        twice = builders.household(
            members=[builders.member(citizen_id=own), builders.member("child", citizen_id=own)]
        )
        self.call("POST", "/v1/households", twice)

    def is_interrupted(self) -> None:
        """A statement with somebody's data is cancelled while it waits for a lock, and the server is killed under others."""
        url = kaejon("db", "url", "--data-dir", self.evidence.data_dir).stdout.strip()
        first = self._pending()
        assert _cancelled(url, first) == 503
        killed = threading.Event()
        threads = [threading.Thread(target=self._until, args=(killed,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        gone = postmaster(self.evidence.data_dir)
        os.kill(gone, signal.SIGKILL)
        refused = eventually(lambda: 503 in self.evidence.statuses)
        killed.set()
        for thread in threads:
            thread.join()
        assert refused
        assert eventually(lambda: self.service.http.get("/readyz").status_code == 200)
        assert postmaster(self.evidence.data_dir) != gone

    def _pending(self) -> Callable[[], httpx2.Response]:
        member = builders.member(
            citizen_id=self.people.citizen_id(), last_name=self.people.surname(), phone=self.people.phone()
        )
        return lambda: self.call("POST", "/v1/households", builders.household(members=[member]))

    def _until(self, ended: threading.Event) -> None:
        while not ended.is_set():
            self._pending()()


def _cancelled(url: str, request: Callable[[], httpx2.Response]) -> int:
    """The status of a request whose statement waits for a lock and is cancelled."""

    async def run() -> int:
        connection = await asyncpg.connect(url)
        other = await asyncpg.connect(url)
        try:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute("LOCK TABLE person IN ACCESS EXCLUSIVE MODE")
            answer = asyncio.create_task(asyncio.to_thread(request))
            waiting = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT%person%'"
            assert await eventually_so(lambda: other.fetchval(waiting))
            found = (await answer).status_code
            await transaction.rollback()
            return found
        finally:
            await connection.close()
            await other.close()

    return asyncio.run(run())
