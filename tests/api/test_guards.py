"""Speed without a clock: how many statements a request costs, and that none of them scans a large table."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.keyring import Keyring
from persistence.demo.load import load
from persistence.engine import Lease
from persistence.sealing import Sealing
from persistence.work import Reading
from tests.support import builders
from tests.support.api import PURPOSE, Api

LARGE = {
    "household", "person", "membership", "citizen_identity", "indicator_result", "problem", "problem_move", "analysis",
    "assignment", "assignment_move", "assistance_event", "event_key", "queued_event", "change", "audit", "access_log",
    "access_ledger", "agency", "area", "idempotency",
}  # fmt: skip
QUERIES = ("execute", "fetch", "fetchrow", "fetchval")


class Noting:
    """A connection that notes each statement on its way."""

    def __init__(self, inner: Any, seen: list[tuple[str, tuple[Any, ...]]]) -> None:
        self.inner, self._seen = inner, seen

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if name == "transaction":
            # Begin and commit are round trips too.
            self._seen.append(("BEGIN", ()))
        if name not in QUERIES:
            return found

        async def noted(sql: str, *values: Any) -> Any:
            self._seen.append((sql, values))
            return await found(sql, *values)

        return noted


@pytest.fixture(scope="module")
async def full(module_dsn: str, sealing: Sealing, keyring: Keyring) -> AsyncIterator[Api]:
    """The application over a generated province."""
    await load(
        module_dsn,
        400,
        areas=["42"],
        cipher=sealing.cipher,
        blind_index=sealing.index,
        progress=lambda *_: None,
    )
    async with Api.open(module_dsn, keyring) as opened:
        yield opened


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """What the units of work of a test have sent to the database, their bounds included."""
    seen: list[tuple[str, tuple[Any, ...]]] = []
    make = Reading.__init__

    def noted(reading: Reading, lease: Lease, *rest: Any) -> None:
        make(reading, _NotingLease(lease, seen), *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Reading, "__init__", noted)
    return seen


class _NotingLease:
    def __init__(self, lease: Lease, seen: list[tuple[str, tuple[Any, ...]]]) -> None:
        self._lease, self._seen = lease, seen

    async def __aenter__(self) -> Noting:
        return Noting(await self._lease.__aenter__(), self._seen)

    async def __aexit__(self, *raised: Any) -> None:
        await self._lease.__aexit__(*raised)


async def some_household(full: Api) -> str:
    found: str = (await full.get("frontend", "/v1/households?area=4201&limit=1")).json()["items"][0]["id"]
    return found


async def hidden_household(full: Api, name: str) -> str:
    """One that exists and that the client of this name does not see."""
    found = (await full.get("frontend", "/v1/households?area=4201&limit=100")).json()["items"]
    seen = (await full.get(name, "/v1/households?limit=200")).json()["items"]
    return min({one["id"] for one in found} - {one["id"] for one in seen})


@pytest.mark.parametrize("name", ["frontend", "team", "health"])
async def test_reading_a_household_is_one_statement(full: Api, statements: list[Any], name: str) -> None:
    household_id = await some_household(full)
    if name == "health":
        # Which sees what it is assigned to.
        given = (await full.get(name, "/v1/assignments?limit=1")).json()["items"]
        household_id = given[0]["household_id"]
    statements.clear()
    answer = await full.get(name, f"/v1/households/{household_id}", headers=PURPOSE)
    assert answer.status_code == 200
    assert len(statements) == 1


@pytest.mark.parametrize("name", ["health", "neighbour"])
async def test_a_household_hidden_or_absent_is_two_statements_alike(
    full: Api, statements: list[Any], name: str
) -> None:
    """The second looks where it may have been merged into, whether it exists or not."""
    asked = []
    for household_id in (await hidden_household(full, name), "01990000-0000-7000-8000-000000000000"):
        statements.clear()
        answer = await full.get(name, f"/v1/households/{household_id}", headers=PURPOSE)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
        await no_scan(full, list(statements))
        asked.append([sql for sql, _ in statements])
    assert len(asked[0]) == 2
    assert asked[0] == asked[1]


async def test_reading_a_household_with_its_lists_is_one_statement(full: Api, statements: list[Any]) -> None:
    household_id = await some_household(full)
    statements.clear()
    answer = await full.get(
        "center",
        f"/v1/households/{household_id}?include=problems,assignments,assistance,analyses",
        headers=PURPOSE,
    )
    assert answer.status_code == 200
    assert len(statements) == 1


LISTS = [
    "/v1/households?limit=100", "/v1/households?area=42&limit=100", "/v1/households?area=4201", "/v1/households?area=420101",
    "/v1/households?area=42010101", "/v1/households?area=4201&area=4202", "/v1/households?sort=-updated_at",
    "/v1/households?failed_dimension=income", "/v1/households?indicator=bmn-38-29", "/v1/households?target_group=1&fiscal_year=2569",
    "/v1/households?problem_status=being_helped", "/v1/households?assigned_agency=PROV_MOPH-42", "/v1/households?welfare_card=has_card",
    "/v1/households?updated_since=2026-09-01T00:00:00Z", "/v1/households?count=exact&area=420101",
    "/v1/problems", "/v1/problems?area=4201", "/v1/problems?status=identified", "/v1/assignments", "/v1/assignments?overdue=true",
    "/v1/assignments?agency=PROV_MOPH-42", "/v1/assistance-events", "/v1/assistance-events?area=4201",
    "/v1/assistance-events?agency=PROV_MOPH-42", "/v1/areas?parent=42",
]  # fmt: skip


@pytest.mark.parametrize("name", ["center", "health"])
@pytest.mark.parametrize("path", LISTS)
async def test_a_list_is_one_statement_without_a_scan(
    full: Api, statements: list[Any], name: str, path: str
) -> None:
    answer = await full.get(name, path, headers=PURPOSE)
    assert answer.status_code == 200, answer.text
    assert len(statements) == 1
    await no_scan(full, statements)


SEARCHES = [
    {"name": "สม"},
    {"name": "สม ใจ"},
    {"house_code": "42010000001"},
    {"citizen_id": builders.citizen_id(1)},
]


@pytest.mark.parametrize("wanted", SEARCHES, ids=lambda wanted: "-".join(wanted))
@pytest.mark.parametrize("name", ["center", "frontend"])
async def test_a_search_is_one_statement_without_a_scan(
    full: Api, statements: list[Any], name: str, wanted: dict[str, str]
) -> None:
    assert (await full.post(name, "/v1/households/search", wanted, headers=PURPOSE)).status_code == 200
    assert len(statements) == 1
    await no_scan(full, statements)


@pytest.mark.parametrize("assigned", [False, True])
async def test_recording_an_event_is_one_statement_without_a_scan(
    full: Api, statements: list[Any], assigned: bool
) -> None:
    body = builders.event(await some_household(full))
    if assigned:
        open_ones = await full.get("health", "/v1/assignments?status=assigned&limit=1")
        one = open_ones.json()["items"][0]
        body = builders.event(one["household_id"], assignment_id=one["id"])
    statements.clear()
    assert (await full.post("health", "/v1/assistance-events", body)).status_code == 201
    assert len(statements) == 1
    await no_scan(full, statements)


@pytest.mark.parametrize("path", ["/v1/problems", "/v1/assignments", "/v1/assistance-events"])
async def test_reading_one_by_its_id_does_not_scan(full: Api, statements: list[Any], path: str) -> None:
    one = (await full.get("center", f"{path}?limit=1")).json()["items"][0]
    statements.clear()
    assert (await full.get("center", f"{path}/{one['id']}")).status_code == 200
    assert len(statements) == 1
    await no_scan(full, statements)


async def no_scan(full: Api, seen: list[tuple[str, tuple[Any, ...]]]) -> None:
    """With scans priced out of the market, a scan that is left means that no index serves."""
    assert full.worker.database is not None
    for sql, values in seen:
        async with full.worker.database.writing() as connection:
            await connection.execute("SET LOCAL enable_seqscan = off")
            plan = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *values))
        scanned = {
            node["Relation Name"] for node in _nodes(plan[0]["Plan"]) if node["Node Type"] == "Seq Scan"
        }
        assert not scanned & LARGE, (scanned & LARGE, sql)


def _nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(one for child in node.get("Plans", []) for one in _nodes(child))]
