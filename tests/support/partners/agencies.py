"""Three agencies that post assistance, and the province's centre that finds households and decides."""

import asyncio
import itertools
import random
from dataclasses import dataclass, field
from typing import Any

from tests.support import builders
from tests.support.partners.line import Line

NEIGHBOURS = ("420101", "420102", "420103", "420201")
"""Where households are found and move to; the last is in another district."""


@dataclass
class Acknowledged:
    """What the service has answered for: none of it may be lost or doubled."""

    events: dict[tuple[str, str], str] = field(default_factory=dict)
    """By agency's client and external id: the event's id as first answered."""
    households: set[str] = field(default_factory=set)
    problems: set[str] = field(default_factory=set)
    voided: set[str] = field(default_factory=set)
    doubled: list[str] = field(default_factory=list)
    """Answers that named another event than the first answer did."""

    def event(self, client: str, external_id: str, event_id: str) -> None:
        if self.events.setdefault((client, external_id), event_id) != event_id:
            self.doubled.append(external_id)


PAUSE_S = 0.05
"""Between two things that one of them does: who follows need not catch up for minutes at the end."""


class Agency:
    """Posts events singly and in batches, corrects some, and sends some twice."""

    def __init__(self, line: Line, households: list[str], known: Acknowledged, chance: random.Random) -> None:
        self._line, self._households, self._known, self._chance = line, households, known, chance
        self._numbers = itertools.count(1)
        self._own: list[str] = []

    async def work(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await asyncio.sleep(PAUSE_S)
            await self._chance.choice(
                (self._single, self._single, self._keyed, self._twice, self._batch, self._void)
            )()

    def _draft(self) -> dict[str, Any]:
        external_id = f"{self._line.name}-{next(self._numbers)}"
        return builders.event(self._chance.choice(self._households), external_id=external_id)

    async def _single(self) -> None:
        await self._post(self._draft())

    async def _keyed(self) -> None:
        draft = self._draft()
        await self._post(draft, key=f"key {draft['external_id']}")

    async def _twice(self) -> None:
        draft = self._draft()
        await asyncio.gather(*(self._post(draft) for _ in range(4)))

    async def _post(self, draft: dict[str, Any], key: str | None = None) -> None:
        answer = await self._line.send("POST", "/v1/assistance-events", draft, key=key)
        # A household may have been merged away meanwhile.
        if answer.status_code == 422:
            assert answer.json()["code"] == "unknown-household", answer.text
            return
        assert answer.status_code in (200, 201), answer.text
        self._known.event(self._line.name, draft["external_id"], answer.json()["id"])
        self._own.append(answer.json()["id"])

    async def _batch(self) -> None:
        items = [self._draft() for _ in range(self._chance.randint(2, 8))]
        items.append(items[0])
        answer = await self._line.send("POST", "/v1/assistance-events/batch", {"items": items})
        assert answer.status_code == 200, answer.text
        results = answer.json()["results"]
        assert [one["external_id"] for one in results] == [one["external_id"] for one in items]
        for one in results:
            if one["outcome"] in ("created", "duplicate"):
                self._known.event(self._line.name, one["external_id"], one["id"])
            else:
                assert one["problem"]["code"] == "unknown-household", one

    async def _void(self) -> None:
        if not self._own:
            return
        event_id = self._own.pop(self._chance.randrange(len(self._own)))
        body = {"kind": "void", "reason": "บันทึกผิดครัวเรือน"}
        path = f"/v1/assistance-events/{event_id}/corrections"
        answer = await self._line.send("POST", path, body, key=f"void {event_id}")
        # 404: its household has moved out of the agency's areas since.
        assert answer.status_code in (200, 201, 404), answer.text
        if answer.status_code != 404:
            self._known.voided.add(event_id)


class Centre:
    """Registers households, names problems, amends, moves and merges."""

    def __init__(self, line: Line, households: list[str], known: Acknowledged, chance: random.Random) -> None:
        self._line, self._households, self._known, self._chance = line, households, known, chance
        self._numbers = itertools.count(1)

    async def work(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await asyncio.sleep(PAUSE_S)
            await self._chance.choice(
                (self._register, self._register, self._find, self._amend, self._move, self._merge)
            )()

    def _key(self) -> str:
        return f"centre {next(self._numbers)}"

    async def _register(self) -> None:
        body = builders.household(area_code=self._chance.choice(NEIGHBOURS))
        answer = await self._line.send("POST", "/v1/households", body, key=self._key())
        assert answer.status_code == 201, answer.text
        self._known.households.add(answer.json()["id"])
        self._households.append(answer.json()["id"])

    async def _find(self) -> None:
        body = builders.problem(self._chance.choice(self._households))
        answer = await self._line.send("POST", "/v1/problems", body, key=self._key())
        if answer.status_code == 201:
            self._known.problems.add(answer.json()["id"])

    async def _amend(self) -> None:
        path = f"/v1/households/{self._chance.choice(self._households)}"
        body = {"has_land": self._chance.choice((True, False))}
        answer = await self._line.send("PATCH", path, body, **{"If-Match": "*"})
        # 409: it is closed; 308: it was merged.
        assert answer.status_code in (200, 308, 404, 409), answer.text

    async def _move(self) -> None:
        path = f"/v1/households/{self._chance.choice(self._households)}/move"
        body = {
            "area_code": self._chance.choice(NEIGHBOURS), "address": {"house_no": "7"}, "moved_on": "2026-01-05",
        }  # fmt: skip
        answer = await self._line.send("POST", path, body, key=self._key())
        assert answer.status_code < 500, answer.text

    async def _merge(self) -> None:
        if len(self._known.households) < 10:
            return
        winner, loser = self._chance.sample(sorted(self._known.households), 2)
        body = {"duplicate_id": loser, "reason": "ลงทะเบียนซ้ำ"}
        answer = await self._line.send("POST", f"/v1/households/{winner}/merge", body, key=self._key())
        if answer.status_code in (200, 201):
            self._known.households.discard(loser)
            if loser in self._households:
                self._households.remove(loser)
