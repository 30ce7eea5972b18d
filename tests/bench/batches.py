"""Batches of a thousand events over HTTP against COPY of the same rows into the same table, indexes and all."""

import io
import itertools
import random
import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import orjson

from api.app import new_id
from tests.bench.load import requests_per_second
from tests.bench.subject import AGENCY, Subject

ROWS = 1000
"""Of a batch."""
COPIED = 20_000
"""Rows of one COPY, so that its beginning and its commit hardly count."""
LANES = 3
"""While one batch is written, another is parsed, and a third is waiting: the database never is."""
GOAL = 0.45
_COLUMNS = (
    "household_id", "id", "area_code", "agency", "external_id", "dimension", "assistance_type", "description",
    "provided_on", "value_baht", "status", "recorded_at",
)  # fmt: skip


async def measured(
    subject: Subject, pin: Callable[[int], None], *, seconds: float, turns: int
) -> dict[str, float]:
    """Rows a second of both, in turns, and the median of the turns' ratios. Rows are made before the clock starts."""
    owner = await asyncpg.connect(subject.dsn)
    homes = await owner.fetch(
        "SELECT id, area_code FROM household WHERE id = ANY($1::uuid[])", subject.household_ids
    )
    assert _created(subject) == ROWS
    copied, served = [], []
    for length in (1.0, *[seconds] * turns):
        pin(0)
        copied.append(await _copied(owner, homes, length))
        pin(1)
        ready = list(_batches(subject, int(40 * length)))
        following = itertools.chain(ready, _batches(subject)).__next__
        requests = await requests_per_second(
            "127.0.0.1", subject.port, following, expected=200, lanes=LANES, seconds=length
        )
        served.append(requests * ROWS)
    await owner.close()
    ratios = [ours / theirs for ours, theirs in zip(served[1:], copied[1:], strict=True)]
    return {
        "copied": statistics.median(copied[1:]),
        "served": statistics.median(served[1:]),
        "ratio": statistics.median(ratios),
        "least": min(ratios),
        "most": max(ratios),
    }


def _batches(subject: Subject, most: int | None = None) -> Iterator[bytes]:
    head = subject.head() + b"Content-Type: application/json\r\n"
    for _ in range(most) if most is not None else itertools.count():
        body = orjson.dumps({"items": [subject.event() for _ in range(ROWS)]})
        yield b"POST /v1/assistance-events/batch HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (
            head,
            len(body),
            body,
        )


def _created(subject: Subject) -> int:
    """What one batch comes to: the load client looks at the status alone."""
    head, _, body = next(_batches(subject)).partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    url = f"http://127.0.0.1:{subject.port}/v1/assistance-events/batch"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
        found: int = orjson.loads(answer.read())["summary"]["created"]
    return found


async def _copied(owner: Any, homes: list[Any], length: float) -> float:
    """Rows a second of COPY by the owner, past the wall, with the columns that a batch of these events fills."""
    rows, took = 0, 0.0
    while took < length:
        text = _text(homes)
        started = time.perf_counter()
        await owner.copy_to_table("assistance_event", source=text, columns=_COLUMNS)
        took += time.perf_counter() - started
        rows += COPIED
    return rows / took


def _text(homes: list[Any]) -> io.BytesIO:
    lines = []
    for _ in range(COPIED):
        home, id = random.choice(homes), new_id()
        lines.append(
            f"{home[0]}\t{id}\t{home[1]}\t{AGENCY}\tC-{id}\thealth\thealth_service\tตรวจสุขภาพผู้สูงอายุในบ้าน\t2026-02-01\t350.00"
            "\trecorded\t2026-02-02T00:00:00Z\n"
        )
    return io.BytesIO("".join(lines).encode())


def rendered(results: dict[int, dict[str, float]]) -> str:
    lines = [
        "",
        "| work | households | of COPY | least – most | goal | COPY rows/s | served rows/s |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| batch of {ROWS:,}, {LANES} under way | {size:,} | **{one['ratio']:.0%}** | {one['least']:.0%} – {one['most']:.0%} |"
        f" ≥ {GOAL:.0%} | {one['copied']:,.0f} | {one['served']:,.0f} |"
        for size, one in results.items()
    ]
    return "\n".join(lines) + "\n"


def reached(results: dict[int, dict[str, float]]) -> bool:
    return all(one["ratio"] >= GOAL for one in results.values())
