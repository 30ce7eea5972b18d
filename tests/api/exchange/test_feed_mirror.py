"""A copy that follows the feed equals the database, whatever happens to households, and whoever follows."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from domain.access.actor import Scope
from tests.support import builders
from tests.support.api import Api
from tests.support.calls import assignment, everything
from tests.support.feed import ASSIGNED, now
from tests.support.mirror import Mirror

HEALTH, SOCIAL = "PROV_MOPH-42", "PROV_MSDHS-42"
PLACES = ("420101", "420102", "420201", "410101")
FOLLOWERS: dict[str, dict[str, Any]] = {
    "country": {},
    "province": {"areas": ["42"]},
    "district": {"areas": ["4201"]},
    "subdistrict and a province": {"areas": ["420201", "41"]},
    "assigned": {"agency": HEALTH, "scopes": ASSIGNED, "areas": ["42"]},
    "assigned in a district": {"agency": SOCIAL, "scopes": ASSIGNED, "areas": ["4201"]},
}
STEPS = 90


class World:
    """Does whatever comes, to whatever there is; a refusal is as good as an effect."""

    def __init__(self, api: Api, seed: int) -> None:
        self.api, self.random = api, random.Random(seed)
        self.homes: list[str] = []
        self.problems: list[str] = []
        self.assignments: list[str] = []
        self.events: list[tuple[str, str]] = []

    async def step(self) -> None:
        does: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (3, self.register), (4, self.find), (6, self.assign), (6, self.answer), (4, self.help), (2, self.decline),
            (3, self.move), (1, self.merge), (2, self.void), (2, self.supersede), (2, self.amend),
        ]  # fmt: skip
        weights, chosen = zip(*does, strict=True)
        if not self.homes:
            await self.register()
        await self.random.choices(chosen, weights)[0]()

    async def post(self, path: str, body: Any, **claims: Any) -> dict[str, Any] | None:
        answer = await everything(self.api, "POST", path, body, **claims)
        assert answer.status_code in (200, 201, 308, 404, 409, 422), answer.text
        found: dict[str, Any] | None = answer.json() if answer.status_code in (200, 201) else None
        return found

    def one(self, of: list[Any]) -> Any:
        return self.random.choice(of) if of else "00000000-0000-7000-8000-000000000000"

    async def register(self) -> None:
        place = self.random.choice(PLACES)
        made = await self.post("/v1/households", builders.household(area_code=place))
        assert made is not None
        self.homes.append(made["id"])

    async def find(self) -> None:
        home = self.one(self.homes)
        made = await self.post("/v1/problems", builders.problem(home))
        if made is not None:
            self.problems.append(made["id"])
            await self.post(f"/v1/households/{home}/analyses", builders.analysis())
            await self.post(f"/v1/problems/{made['id']}/transitions", {"to": "analysed"})

    async def assign(self) -> None:
        scopes = [one for one in Scope if one is not Scope.ASSIGNMENTS_WRITE or self.random.random() < 0.8]
        body = {
            **assignment({"problem_id": self.one(self.problems)}),
            "agency": self.random.choice([HEALTH, SOCIAL]),
        }
        made = await self.post("/v1/assignments", body, scopes=scopes)
        if made is not None:
            self.assignments.append(made["id"])

    async def answer(self) -> None:
        to = self.random.choice(
            [
                "assigned",
                "accepted",
                "in_progress",
                "completed",
                "confirmed",
                "returned",
                "cancelled",
                "escalated",
            ]
        )
        body: dict[str, Any] = {"to": to, "reason": "ตามผลการประชุม"}
        if to == "escalated":
            body["agency"] = self.random.choice([HEALTH, SOCIAL])
        agency = self.random.choice([HEALTH, SOCIAL, "PROV_PELCD-42"])
        moved = await self.post(
            f"/v1/assignments/{self.one(self.assignments)}/transitions", body, agency=agency
        )
        if moved is not None and moved.get("escalated_to"):
            self.assignments.append(moved["escalated_to"])

    async def help(self) -> None:
        agency = self.random.choice([HEALTH, SOCIAL])
        body = builders.event(self.one(self.homes))
        if self.assignments and self.random.random() < 0.5:
            given = await everything(self.api, "GET", f"/v1/assignments/{self.one(self.assignments)}")
            body |= {"assignment_id": given.json()["id"], "household": {"id": given.json()["household_id"]}}
        made = await self.post("/v1/assistance-events", body, agency=agency)
        if made is not None:
            self.events.append((made["id"], agency))

    async def decline(self) -> None:
        path = f"/v1/problems/{self.one(self.problems)}/transitions"
        await self.post(path, {"to": "declined", "reason": "ไม่ประสงค์"})

    async def move(self) -> None:
        body = {
            "area_code": self.random.choice(PLACES),
            "address": {"house_no": "1", "moo": 1},
            "moved_on": "2026-03-01",
        }
        await self.post(f"/v1/households/{self.one(self.homes)}/move", body)

    async def merge(self) -> None:
        body = {"duplicate_id": self.one(self.homes), "reason": "ครัวเรือนเดียวกัน"}
        await self.post(f"/v1/households/{self.one(self.homes)}/merge", body)

    async def void(self) -> None:
        await self.correct({"kind": "void", "reason": "บันทึกผิดครัวเรือน"})

    async def supersede(self) -> None:
        await self.correct({"kind": "supersede", "reason": "จำนวนเงินผิด", "event": {"value_baht": "99.00"}})

    async def correct(self, body: dict[str, Any]) -> None:
        if self.events:
            id, agency = self.random.choice(self.events)
            made = await self.post(f"/v1/assistance-events/{id}/corrections", body, agency=agency)
            if made is not None:
                self.events.append((made["id"], agency))

    async def amend(self) -> None:
        path = f"/v1/households/{self.one(self.homes)}"
        body = {"has_land": self.random.random() < 0.5}
        answer = await everything(self.api, "PATCH", path, body, headers={"If-Match": "*"})
        assert answer.status_code in (200, 308, 404, 409), answer.text


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_mirror_equals_what_the_service_would_list(api: Api, seed: int) -> None:
    world = World(api, seed)
    start = await now(api)
    mirrors = {name: Mirror(api, claims, start) for name, claims in FOLLOWERS.items()}
    for mirror in mirrors.values():
        # What stood there before the position is the export's to tell.
        mirror.held = await mirror.stored()
    for number in range(STEPS):
        await world.step()
        # Some look often, and some once: the feed is the same.
        for place, mirror in enumerate(mirrors.values()):
            if number % (1 + 4 * place) == 0:
                await mirror.catch_up(limit=1 + number % 7)
    for name, mirror in mirrors.items():
        await mirror.catch_up()
        stored = await mirror.stored()
        assert sorted(mirror.held) == sorted(stored), name
        for key, document in stored.items():
            assert mirror.held[key] == document, (name, key)
    assert all(one.held for one in mirrors.values()), "otherwise nothing is compared"
    assert mirrors["province"].tombstones
    assert mirrors["assigned"].tombstones
    assert mirrors["assigned"].entered
