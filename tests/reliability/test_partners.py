"""The partner simulator: three agencies post, mirrors follow, and parts of the service are killed at random.

At the end every acknowledged record is there once, and the mirrors equal the service row for row. It takes minutes, so
it runs when it is asked for: `scripts/test -m simulation tests/reliability`.
"""

import asyncio
import random
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support import builders
from tests.support.partners.agencies import Acknowledged, Agency, Centre
from tests.support.partners.killer import VICTIMS, kill_now_and_then, report
from tests.support.partners.line import Line
from tests.support.partners.mirror import Mirror
from tests.support.partners.receiver import Receiver
from tests.support.service import Service, serving
from tests.support.waiting import PATIENCE_S, eventually_so

pytestmark = [pytest.mark.simulation, pytest.mark.timeout(1200)]
KILLS = 30
SEED = 20_260
_READS = ["households:read", "problems:read", "assignments:read", "assistance:read", "changes:read"]
ENV = {
    "KAEJON_BACKGROUND": "1",
    "KAEJON_WEBHOOK_ALLOW": "127.0.0.0/8",
    "KAEJON_WEBHOOK_SCHEDULE": "0,1,1,2,2,5,5,5,5,5,5,5",
}


async def new_line(service: Service, admin: Line, name: str, *areas: str) -> Line:
    """A client that sees everything of its areas, masked, and may follow it."""
    body = {
        "name": name, "agency": "SCJP_P-42", "areas": list(areas),
        "scopes": [*_READS, "exports:read", "webhooks:write"],
    }  # fmt: skip
    made = (await admin.send("POST", "/v1/clients", body)).json()
    return Line(service.url, {**made, "name": name})


async def simulated(service: Service, directory: Path) -> None:
    chance, known = random.Random(SEED), Acknowledged()
    lines = {
        name: Line(service.url, service.client(name))
        for name in ("admin", "center", "health", "social", "local")
    }
    centre = lines["center"]
    households, near = await known_households(centre)
    mirrors = []
    for area in ("42", "4201"):
        line = await new_line(service, lines["admin"], f"mirror of {area}", area)
        mirrors.append(Mirror(line, directory / f"{area}.sqlite", area))
    hooked = Mirror(
        await new_line(service, lines["admin"], "hooked", "42"), directory / "hooked.sqlite", "42"
    )
    stop, quiet, copied, ended = (asyncio.Event() for _ in range(4))
    async with Receiver.open() as receiver, asyncio.timeout(14 * PATIENCE_S):
        made = (await hooked.line.send("POST", "/v1/webhooks", {"url": receiver.url, "types": []})).json()
        receiver.secrets.append(made["secret"])
        async with asyncio.TaskGroup() as group:
            group.create_task(receiver.feed(hooked, copied, ended))
            workers = [
                group.create_task(agency.work(stop))
                for agency in (
                    *(
                        Agency(
                            lines[name],
                            near if name == "local" else households,
                            known,
                            random.Random(f"{SEED} {name}"),
                        )
                        for name in ("health", "social", "local")
                    ),
                    Centre(centre, households, known, random.Random(f"{SEED} centre")),
                )
            ]
            killing = group.create_task(kill_now_and_then(service, KILLS, chance))
            # They copy what is there while it changes and is killed, and follow from there.
            for mirror in (*mirrors, hooked):
                await mirror.copy()
            copied.set()
            following = [group.create_task(mirror.follow(quiet)) for mirror in mirrors]
            kills = await killing
            # On a slow machine the kills leave them little time.
            assert await eventually_so(lambda: min(posted(known).values()) > KILLS, 3 * PATIENCE_S)
            stop.set()
            await asyncio.gather(*workers)
            quiet.set()
            await asyncio.gather(*following)
            await receiver.drained(hooked.line, made["id"])
            ended.set()
        assert receiver.refused == 0
        assert receiver.seen
    text = report(kills)
    (directory / "kills.txt").write_text(text)
    print(text)
    assert len(kills) == KILLS
    assert {kill.victim for kill in kills} == set(VICTIMS)
    await judged(known, lines, mirrors, hooked)
    for line in (*lines.values(), *(mirror.line for mirror in mirrors), hooked.line):
        assert line.statuses[500] == 0, (line.name, line.statuses)
        await line.close()


def posted(known: Acknowledged) -> dict[str, int]:
    """How many events each agency has had answers for."""
    counts = dict.fromkeys(("health", "social", "local"), 0)
    for client, _ in known.events:
        counts[client] += 1
    return counts


async def known_households(centre: Line) -> tuple[list[str], list[str]]:
    """Those of the province, and some that the subdistrict's agency reaches."""
    near = []
    for number in range(8):
        body = builders.household(area_code="420103")
        near.append((await centre.send("POST", "/v1/households", body, key=f"near {number}")).json()["id"])
    return sorted(await centre.everything("/v1/households")), near


async def judged(known: Acknowledged, lines: dict[str, Line], mirrors: list[Mirror], hooked: Mirror) -> None:
    """Every acknowledged record once; the copies as the service shows it."""
    assert known.doubled == []
    recorded: dict[str, list[dict[str, Any]]] = {}
    for row in (await lines["center"].everything("/v1/assistance-events")).values():
        recorded.setdefault(row["external_id"], []).append(row)
    for (_, external_id), event_id in known.events.items():
        assert [row["id"] for row in recorded.get(external_id, [])] == [event_id], external_id
    voided = {row["id"] for rows in recorded.values() for row in rows if row["status"] == "voided"}
    assert known.voided
    assert known.voided <= voided
    everything = mirrors[0]
    for mirror in (*mirrors, hooked):
        assert await mirror.differences() == []
        assert mirror.items
        assert mirror.tombstones
    assert known.households <= everything.rows("household").keys()
    assert known.problems <= everything.rows("problem").keys()
    assert len(everything.rows("household")) > len(mirrors[1].rows("household")) > 0


def test_partners_lose_nothing_while_the_service_is_killed(data: Path, tmp_path: Path) -> None:
    with serving(data, "--workers", "2", env=ENV) as service:
        assert isinstance(service.http, httpx2.Client)
        asyncio.run(simulated(service, tmp_path))
