"""Pages of the change feed over HTTP against the same statement by asyncpg without HTTP, and their growth with the feed.

Pages begin at the beginning, in the middle and near the end of the feed by turns. What a page costs is CPU time, of the
service and of its connection to the database: that is what must not grow, and the machine's drift between two
databases does not meet it as it meets a rate.
"""

import itertools
import os
import statistics
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg

from api.feed import ANY_VIEW, cursor_of
from api.paging import Cursors
from domain.access.actor import Actor, Scope
from domain.exchange.changes import LARGEST_PAGE, Position, view_of
from persistence.bounds import Bounded, bounds_of
from persistence.engine import SEARCH_PATH, SERVICE_ROLE, _prepare
from persistence.exchange.changes import PgChanges
from tests.bench.load import calls_per_second, requests_per_second
from tests.bench.subject import AGENCY, Noted, Recorder, Subject

AREAS = {"the country": "*", "a province": "42", "a district": "4201"}
PLACES = (0.0, 0.5, 0.95)
"""Of the feed's rows, how many lie before a page."""
SCOPES = (
    Scope.CHANGES_READ, Scope.HOUSEHOLDS_READ, Scope.PROBLEMS_READ, Scope.ASSIGNMENTS_READ, Scope.ASSISTANCE_READ,
)  # fmt: skip
GOAL = 0.50
"""As of a GET."""
GROWTH = 1.2
_TICK = os.sysconf("SC_CLK_TCK")


async def measured(
    subject: Subject, pin: Callable[[int], None], *, lanes: int, seconds: float, turns: int
) -> dict[str, dict[str, float]]:
    """By area: medians of the turns' figures and ratios; CPU microseconds of a page."""
    owner = await asyncpg.connect(subject.dsn, server_settings={"search_path": SEARCH_PATH})
    places = await _places(owner)
    await owner.close()
    return {
        name: await _of_area(subject, pin, places, area, lanes=lanes, seconds=seconds, turns=turns)
        for name, area in AREAS.items()
    }


async def _of_area(
    subject: Subject,
    pin: Callable[[int], None],
    places: list[Position],
    area: str,
    *,
    lanes: int,
    seconds: float,
    turns: int,
) -> dict[str, float]:
    floor = await _Floor.open(subject, places, area, lanes)
    head = subject.head(SCOPES, (area,))
    cursors = Cursors(subject.keyring.cursor_key)
    requests = itertools.cycle(
        b"GET /v1/changes?limit=%d&after=%b HTTP/1.1\r\n%b\r\n"
        % (LARGEST_PAGE, cursor_of(cursors, place, ANY_VIEW).encode(), head)
        for place in places
    )
    floors, served, statement, service = [], [], [], []
    for length in (1.0, *[seconds] * turns):
        pin(0)
        before, pages = floor.cpu(), floor.pages
        floors.append(await calls_per_second(floor.page, lanes=lanes, seconds=length))
        statement.append((floor.cpu() - before) / (floor.pages - pages))
        pin(1)
        began = _cpu(subject.process.pid)
        served.append(
            await requests_per_second(
                "127.0.0.1", subject.port, requests.__next__, expected=200, lanes=lanes, seconds=length
            )
        )
        service.append((_cpu(subject.process.pid) - began) / (served[-1] * length))
    await floor.close()
    ratios = [ours / theirs for ours, theirs in zip(served[1:], floors[1:], strict=True)]
    parts = {"statement": statistics.median(statement[1:]), "service": statistics.median(service[1:])}
    return {
        "floor": statistics.median(floors[1:]),
        "served": statistics.median(served[1:]),
        "ratio": statistics.median(ratios),
        "least": min(ratios),
        "most": max(ratios),
        **parts,
    }


class _Floor:
    """The statement on connections of their own."""

    def __init__(self, connections: list[Any], prepared: list[Any], values: list[tuple[Any, ...]]) -> None:
        self._connections, self._prepared = connections, prepared
        self._values = itertools.cycle(values)
        self.pages = 0

    @classmethod
    async def open(cls, subject: Subject, places: list[Position], area: str, lanes: int) -> "_Floor":
        actor = Actor("bench", AGENCY, frozenset(SCOPES), (area,), 0, "t", None, "floor")
        values = []
        for place in places:
            recorder = Recorder()
            with suppress(Noted):
                await PgChanges(Bounded(recorder, bounds_of(actor))).page(view_of(actor), place, LARGEST_PAGE)  # type: ignore[arg-type]
            sql, bound = recorder.seen
            values.append(bound)
        settings = {"jit": "off", "timezone": "UTC", "role": SERVICE_ROLE, "search_path": SEARCH_PATH}
        connections = [await asyncpg.connect(subject.dsn, server_settings=settings) for _ in range(lanes)]
        for connection in connections:
            await _prepare(connection)
        return cls(connections, [await one.prepare(sql) for one in connections], values)

    async def page(self, lane: int) -> None:
        self.pages += 1
        await self._prepared[lane].fetchrow(*next(self._values))

    def cpu(self) -> float:
        return sum(_cpu(connection.get_server_pid()) for connection in self._connections)

    async def close(self) -> None:
        for connection in self._connections:
            await connection.close()


async def _places(owner: Any) -> list[Position]:
    end = await PgChanges(owner).end()
    # Past the wall.
    count = await owner.fetchval("SELECT count(*) FROM public.change")
    rows = [
        await owner.fetchrow(
            "SELECT transaction_id::text, id::text FROM public.change ORDER BY transaction_id, id OFFSET $1 LIMIT 1",
            int(count * share),
        )
        for share in PLACES
    ]
    return [Position(end.epoch, int(row[0]), row[1]) for row in rows]


def _cpu(pid: int) -> float:
    """Seconds of a process in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _cost(one: dict[str, float]) -> float:
    return one["statement"] + one["service"]


def growth(results: dict[int, dict[str, dict[str, float]]], area: str) -> float:
    """A page's CPU time in the largest database by that in the smallest."""
    sizes = list(results)
    return _cost(results[sizes[-1]][area]) / _cost(results[sizes[0]][area])


def rendered(results: dict[int, dict[str, dict[str, float]]]) -> str:
    lines = [
        "",
        f"A page of the feed, {LARGEST_PAGE} changes, at its beginning, middle and end:",
        "",
        "| feed of | households | of floor | least – most | goal | floor/s | served/s | statement, CPU µs | service, CPU µs |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for area in AREAS:
        for size, found in results.items():
            one = found[area]
            lines.append(
                f"| {area} | {size:,} | **{one['ratio']:.0%}** | {one['least']:.0%} – {one['most']:.0%} | ≥ {GOAL:.0%} |"
                f" {one['floor']:,.0f} | {one['served']:,.0f} | {one['statement'] * 1e6:,.0f} | {one['service'] * 1e6:,.0f} |"
            )
    sizes = list(results)
    lines += ["", f"| feed of | CPU at {sizes[-1]:,} ÷ at {sizes[0]:,} | goal |", "|---|---|---|"]
    lines += [f"| {area} | {growth(results, area):.2f} | ≤ {GROWTH} |" for area in AREAS]
    return "\n".join(lines) + "\n"


def reached(results: dict[int, dict[str, dict[str, float]]]) -> bool:
    return all(growth(results, area) <= GROWTH for area in AREAS) and all(
        one["ratio"] >= GOAL for found in results.values() for one in found.values()
    )
