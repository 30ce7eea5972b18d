"""Fake stores behind the GraphQL door: what it does by itself, without a database."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import httpx2
import orjson

from api.graphql.app import graphql_app
from api.limits.gate import RateLimits
from api.paging import Cursors
from api.wiring import Services
from auth.tokens import Unauthenticated
from domain.access.actor import Actor, Scope
from domain.kernel import Document, Listing, Paging

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
LOEI = "420101"


def uid(kind: int, number: int) -> str:
    """A UUID that tells what it is of: kind 1 household, 2 person, 3 problem, 4 assignment, 5 event."""
    return str(UUID(int=(kind << 64) + (7 << 76) + (2 << 62) + number))


def household(number: int) -> dict[str, Any]:
    person = {
        "id": uid(2, number), "household_id": uid(1, number), "citizen_id": "x-xxxx-xxxxx-12-3", "no_id_reason": None,
        "prefix": "นาง", "first_name": "สมใจ", "last_name": "ใ", "sex": "female", "birth_date": None, "age": 61,
        "vital_status": "alive", "deceased_on": None, "welfare_card": "has_card", "disabilities": [],
        "bedridden": False, "able_to_work": True, "occupation": None, "annual_income": "36000.00", "phone": None,
        "version": 1, "created_at": NOW.isoformat(), "updated_at": NOW.isoformat(),
    }  # fmt: skip
    return {
        "id": uid(1, number), "house_code": None,
        "address": {"house_no": "1", "moo": 2, "village_name": None, "road": None, "postcode": None},
        "area_code": LOEI, "location": None, "case_status": "in_assistance", "close_outcome": None,
        "classification": "developable", "stage": None, "annual_income_per_person": "36000.00",
        "dimension_mask": "00010", "target_groups": [{"fiscal_year": 2569, "group": "1a"}], "sources": [],
        "head_person_id": uid(2, number), "incomplete": [],
        "members": [{"person_id": uid(2, number), "relationship": "head", "joined_on": None, "left_on": None, "person": person}],
        "has_land": None, "version": 3, "created_at": NOW.isoformat(), "updated_at": NOW.isoformat(),
    }  # fmt: skip


def problem(number: int, of: int) -> dict[str, Any]:
    return {
        "id": uid(3, number), "household_id": uid(1, of), "person_id": None, "area_code": LOEI, "dimension": "income",
        "indicator_id": None, "fiscal_year": 2569, "need": None, "description": None, "source": "local",
        "solvability": "self_solvable", "status": "being_helped", "proposed_status": None, "recurrence_of": None,
        "moved_to": None, "history": [], "allowed": ["resolved", "declined"], "version": 1,
        "created_at": NOW.isoformat(), "updated_at": NOW.isoformat(),
    }  # fmt: skip


class Rows:
    """A fake store of rows: reads and pages them in the order of their ids, and counts its statements."""

    def __init__(self, name: str, rows: list[dict[str, Any]], counted: Counter[str]) -> None:
        self.rows, self._name, self._counted = sorted(rows, key=lambda row: str(row["id"])), name, counted
        self.broken: Exception | None = None
        self.given: list[Any] = []

    async def view(self, _reach: object, id: UUID, *_: object, **__: object) -> Document | None:
        self._count("view")
        found = next((row for row in self.rows if row["id"] == str(id)), None)
        return None if found is None else Document(orjson.dumps(found), found["version"])

    async def page(self, _reach: object, where: Any, paging: Paging, *_: object, **__: object) -> Listing:
        self._count("page")
        self.given.append((where, paging))
        of = {str(id) for id in getattr(where, "household_id", [])}
        ids = {str(id) for id in getattr(where, "id", [])}
        rows = [
            row
            for row in self.rows
            if (not of or row["household_id"] in of) and (not ids or row["id"] in ids)
        ]
        total = len(rows) if paging.count else None
        if paging.sort.startswith("-"):
            rows.reverse()
        if paging.after is not None:
            rows = rows[1 + [row["id"] for row in rows].index(paging.after[0]) :]
        shown = rows[: paging.limit]
        last = (shown[-1]["id"],) if len(rows) > len(shown) else None
        return Listing(orjson.dumps(shown), last, total)

    def _count(self, what: str) -> None:
        self._counted[f"{self._name}.{what}"] += 1
        if self.broken is not None:
            raise self.broken


class Merges:
    """No household was merged into another."""

    async def successor(self, _reach: object, _id: UUID) -> UUID | None:
        return None


EVERYTHING = "all"
"""The token of a caller with every scope but persons:pii."""


@dataclass
class Door:
    """The application with its fakes, called over ASGI."""

    http: httpx2.AsyncClient
    stores: dict[str, Rows]
    statements: Counter[str]

    async def post(
        self, body: Any, *, token: str | None = EVERYTHING, accept: str | None = None, **headers: str
    ) -> httpx2.Response:
        sent = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if accept is not None:
            sent["Accept"] = accept
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self.http.post("/graphql", content=content, headers=sent)

    async def ask(self, query: str, variables: Any = None, *, token: str = EVERYTHING) -> dict[str, Any]:
        response = await self.post({"query": query, "variables": variables}, token=token)
        return cast("dict[str, Any]", response.json())

    async def code(self, query: str, variables: Any = None, *, token: str = EVERYTHING) -> str:
        answer = await self.ask(query, variables, token=token)
        return cast("str", answer["errors"][0]["extensions"]["code"])


SCOPES = {
    "all": frozenset(Scope) - {Scope.PERSONS_PII},
    "pii": frozenset(Scope),
    "households": frozenset({Scope.HOUSEHOLDS_READ}),
}


class Verifier:
    def verify(self, token: str, *, now: float) -> Actor:
        if token not in SCOPES:
            raise Unauthenticated("unknown")
        return Actor(token, "PROV_SSO-42", SCOPES[token], ("42",), int(now) + 60, "token")


def make_door(households: int = 3) -> Door:
    """A door on this many households, each with two problems."""
    statements: Counter[str] = Counter()
    problems = [problem(10 * n + k, n) for n in range(households) for k in range(2)]
    stores = {
        "households": Rows("households", [household(n) for n in range(households)], statements),
        "problems": Rows("problems", problems, statements),
        "assignments": Rows("assignments", [], statements),
        "events": Rows("events", [], statements),
        "persons": Rows(
            "persons", [household(n)["members"][0]["person"] for n in range(households)], statements
        ),
    }

    class Works:
        @asynccontextmanager
        async def reading(self, actor: Actor | None = None) -> AsyncIterator[Any]:
            yield type("Work", (), {**stores, "merges": Merges()})

        writing = reading

    services = cast(
        "Services",
        type(
            "Fakes",
            (),
            {
                "works": Works(),
                "verifier": Verifier(),
                "standing": type("Standing", (), {"admits": lambda *_: True})(),
                "limits": RateLimits.alone(),
                "cursors": Cursors(b"k" * 32),
                "purposes": frozenset({"casework"}),
                "issuer": "http://kaejon.test",
                "now": staticmethod(lambda: NOW),
            },
        ),
    )
    transport = httpx2.ASGITransport(app=graphql_app(services))
    http = httpx2.AsyncClient(transport=transport, base_url="http://kaejon.test")
    return Door(http, stores, statements)
