"""What is measured: the service as a process pinned to one core, its statements, and requests for them."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
import timeit
import urllib.request
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson

from api import parsing
from api.app import new_id, sealing_of
from api.keyring import Keyring
from auth.tokens import TokenVerifier, issue
from domain.access.actor import Actor, Scope
from domain.access.policy import Operation, admit
from domain.assistance.event import EventDraft
from domain.kernel import Paging
from domain.registry.household import HouseholdFilter
from domain.registry.store import Includes
from persistence.assistance.events import PgEvents
from persistence.bounds import Bounded, bounds_of
from persistence.engine import SEARCH_PATH, SERVICE_ROLE, _prepare
from persistence.registry.households import PgHouseholds
from tests.support.server import GENEROUS, ROOT, free_port

AREA_CONDITION = "h.area_code ^@ ANY($2::text[])"
AGENCY, AREA = "PROV_MOPH-42", "42"
SCOPES = (Scope.HOUSEHOLDS_READ, Scope.ASSISTANCE_READ, Scope.ASSISTANCE_WRITE)
"""Masked, in one province: authorisation, area and masking are on."""


# As api/serve.py does it, without the supervisor: our own protocol, and no log of uvicorn's.
_SERVE = """
import sys, uvicorn
from api.protocol import Protocol
uvicorn.run("api.app:from_environment", factory=True, port=int(sys.argv[1]), loop="uvloop", http=Protocol,
            access_log=False, server_header=False, proxy_headers=False)
"""


class Recorder:
    """A connection that only notes what a store would have run."""

    def __init__(self) -> None:
        self.seen: tuple[str, tuple[Any, ...]] = ("", ())

    async def fetchrow(self, sql: str, *values: Any) -> Any:
        self.seen = (sql, values)
        raise Noted


class _Allowing:
    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: True


class Noted(Exception):
    pass


@dataclass
class Subject:
    """One generated database, and the service on it."""

    dsn: str
    keyring: Keyring
    household_ids: list[UUID]
    port: int
    process: "subprocess.Popen[bytes]"
    numbers: "itertools.count[int]"

    @classmethod
    async def start(cls, dsn: str, keyring: Keyring, keyring_file: Path, *, core: int | None) -> "Subject":
        connection = await asyncpg.connect(dsn)
        rows = await connection.fetch("SELECT id FROM household ORDER BY random() LIMIT 20000")
        await connection.close()
        port = free_port()
        environment = {
            **os.environ,
            "KAEJON_SERVING_DSN": dsn,
            "KAEJON_SERVING_ISSUER": f"http://127.0.0.1:{port}",
            "KAEJON_SERVING_KEYS": str(keyring_file),
            **GENEROUS,
        }
        environment.pop("KAEJON_KEYS", None)
        command = [sys.executable, "-c", _SERVE, str(port)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        subject = cls(dsn, keyring, [row[0] for row in rows], port, process, itertools.count(time.time_ns()))
        subject._wait()
        return subject

    def _wait(self) -> None:
        for _ in range(600):
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2):
                return
            time.sleep(0.1)
        raise TimeoutError("the service did not start")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    @property
    def memory_mb(self) -> float:
        """Resident memory of the service."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    # -- requests

    def _token(self, scopes: Iterable[Scope] = SCOPES, areas: Sequence[str] = (AREA,)) -> bytes:
        issuer = f"http://127.0.0.1:{self.port}"
        token = issue(
            keys=self.keyring.signing, issuer=issuer, audience=issuer, client_id="bench", agency=AGENCY,
            scopes=scopes, areas=areas, token_id=str(uuid4()), now=int(time.time()),
        )  # fmt: skip
        return token.encode()

    def head(self, scopes: Iterable[Scope] = SCOPES, areas: Sequence[str] = (AREA,)) -> bytes:
        """The header fields that every request has."""
        return b"Host: bench\r\nAuthorization: Bearer " + self._token(scopes, areas) + b"\r\n"

    def requests(self, what: str) -> Any:
        """A source of raw requests."""
        head = self.head()
        if what == "get":
            return lambda: (
                b"GET /v1/households/%b HTTP/1.1\r\n%b\r\n"
                % (str(random.choice(self.household_ids)).encode(), head)
            )
        if what == "list":
            return lambda: b"GET /v1/households?area=42&limit=100 HTTP/1.1\r\n%b\r\n" % head
        head += b"Content-Type: application/json\r\n"

        def post() -> bytes:
            body = orjson.dumps(self.event())
            return b"POST /v1/assistance-events HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (
                head,
                len(body),
                body,
            )

        return post

    def event(self) -> dict[str, Any]:
        return {
            "external_id": f"B-{next(self.numbers)}",
            "household": {"id": str(random.choice(self.household_ids))},
            "dimension": "health",
            "assistance_type": "health_service",
            "description": "ตรวจสุขภาพผู้สูงอายุในบ้าน",
            "provided_on": "2026-02-01",
            "value_baht": "350.00",
        }

    def authorising(self, times: int = 20_000) -> float:
        """Seconds that a verified token, the policy and the bounds take."""
        issuer = f"http://127.0.0.1:{self.port}"
        verifier = TokenVerifier(
            keys=self.keyring.signing, issuer=issuer, audience=issuer, standing=_Allowing()
        )
        token, now = self._token().decode(), time.time()

        def once() -> None:
            actor = verifier.verify(token, now=now)
            admit(actor, Operation.READ_HOUSEHOLDS)
            bounds_of(actor)

        return min(timeit.repeat(once, number=times, repeat=5)) / times

    # -- the floor

    async def floor(self, what: str, lanes: int) -> tuple[Any, Any]:
        """A coroutine function that runs the same statement by lane, and what closes its connections.

        `bare` is `get` without a wall and without areas, as the owner: what the wall costs is the difference.
        """
        settings = {"jit": "off", "timezone": "UTC"}
        if what != "bare":
            settings.update(role=SERVICE_ROLE, search_path=SEARCH_PATH)
        connections = [await asyncpg.connect(self.dsn, server_settings=settings) for _ in range(lanes)]
        for connection in connections:
            await _prepare(connection)
        sql, values_of = await self._statement(what)
        prepared = [await connection.prepare(sql) for connection in connections]

        async def one(lane: int) -> None:
            await prepared[lane].fetchrow(*values_of())

        async def close() -> None:
            for connection in connections:
                await connection.close()

        return one, close

    async def _statement(self, what: str) -> tuple[str, Any]:
        recorder, sealing, now = Recorder(), sealing_of(self.keyring), datetime.now(UTC)
        actor = Actor("bench", AGENCY, frozenset(SCOPES), (AREA,), 0, "t", None, "floor")
        reading = admit(actor, Operation.READ_HOUSEHOLDS)
        bounded: Any = recorder if what == "bare" else Bounded(recorder, bounds_of(actor))  # type: ignore[arg-type]
        households = PgHouseholds(bounded, sealing, new_id)
        with suppress(Noted):
            if what in ("get", "bare"):
                await households.view(reading, self.household_ids[0], Includes(), now=now)
            elif what == "list":
                await households.page(reading, HouseholdFilter(area=["42"]), Paging(100), now=now)
            else:
                return await self._recording(recorder, bounded, sealing, actor, now)
        sql, values = recorder.seen
        if what == "bare":
            assert AREA_CONDITION in sql
            sql = sql.replace(AREA_CONDITION, "$2::text[] IS NOT NULL")
        if what == "list":
            return sql, lambda: values
        return sql, lambda: (random.choice(self.household_ids), *values[1:])

    async def _recording(
        self, recorder: Recorder, bounded: Any, sealing: Any, actor: Actor, now: datetime
    ) -> tuple[str, Any]:
        events, reach = PgEvents(bounded, sealing, new_id), admit(actor, Operation.WRITE_ASSISTANCE)
        draft = parsing.body(json.dumps(self.event()).encode(), EventDraft)
        with suppress(Noted):
            await events.record(reach, new_id(), draft, now=now)
        sql, values = recorder.seen

        def values_of() -> tuple[Any, ...]:
            # id, external id, household and the trail's ids are new each time; the rest is the same event.
            fresh = list(values)
            fresh[0], fresh[2], fresh[5] = (
                new_id(),
                f"F-{next(self.numbers)}",
                random.choice(self.household_ids),
            )
            fresh[27], fresh[28] = new_id(), new_id()
            return tuple(fresh)

        return sql, values_of
