"""Chains of corrections, walked at random: after every step one version holds, and nothing that was said has changed."""

import random
from typing import Any

import pytest

from tests.api.test_corrections import corrected, read
from tests.api.test_households import registered
from tests.support import builders
from tests.support.api import Api

# What becomes of an event; everything else was said, and stays.
BECOMES = {
    "status", "version", "household_id", "area_code", "confirmed_at", "superseded_by", "corrected_at", "voided_at",
    "correction_reason",
}  # fmt: skip


def said(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in BECOMES | {"receipt"}}


class Chain:
    """What the service should hold of one external id."""

    def __init__(self, api: Api, dice: random.Random, sent: dict[str, Any], first: dict[str, Any]) -> None:
        self.api, self.dice, self.sent = api, dice, sent
        self.versions = [first]
        self.voided, self.home = False, first["household_id"]

    @property
    def name(self) -> str:
        found: str = self.sent["external_id"]
        return found

    def change(self) -> dict[str, Any]:
        return {
            "value_baht": f"{self.dice.randrange(1, 10**6)}.{self.dice.randrange(100):02}",
            **self.dice.choice(
                [{}, {"description": None}, {"unit": f"ถุง {self.dice.random()}"}, {"obstacle": "ฝนตก"}]
            ),
        }

    async def supersede(self) -> None:
        newest, change = self.versions[-1], self.change()
        answer = await corrected(self.api, newest["id"], change)
        if self.voided:
            assert answer.json()["code"] == "illegal-transition"
            return
        assert answer.status_code == 201, answer.text
        assert said(answer.json()) == {
            **said(newest),
            **change,
            "id": answer.json()["id"],
            "supersedes": newest["id"],
            "recorded_at": answer.json()["recorded_at"],
        }
        self.versions.append(answer.json())

    async def void(self) -> None:
        answer = await corrected(self.api, self.versions[-1]["id"])
        assert answer.status_code == (409 if self.voided else 201), answer.text
        self.voided = True

    async def correct_an_old_one(self) -> None:
        if len(self.versions) > 1:
            old = self.dice.choice(self.versions[:-1])
            answer = await corrected(self.api, old["id"], self.dice.choice([None, self.change()]))
            assert (answer.status_code, answer.json()["code"]) == (409, "illegal-transition")

    async def retry(self) -> None:
        answer = await self.api.post("health", "/v1/assistance-events", self.sent)
        assert (answer.status_code, answer.json()["receipt"]["outcome"]) == (200, "duplicate"), answer.text
        assert answer.json()["id"] == self.versions[0]["id"]

    async def post_something_else(self) -> None:
        other = {**self.sent, **self.change()}
        answer = await self.api.post("health", "/v1/assistance-events", other)
        assert (answer.status_code, answer.json()["code"]) == (409, "external-id-conflict")

    async def register(self) -> None:
        if self.home is None and not self.voided and "citizen_id" in self.sent["household"]:
            person = builders.person(citizen_id=self.sent["household"]["citizen_id"])
            made = await registered(self.api, members=[{"relationship": "head", "person": person}])
            self.home = made["id"]

    async def holds(self) -> None:
        """The invariants."""
        shown = [await read(self.api, one["id"]) for one in self.versions]
        assert [said(one) for one in shown] == [said(one) for one in self.versions]
        newest = "voided" if self.voided else "recorded"
        assert [one["status"] for one in shown] == ["corrected"] * (len(shown) - 1) + [newest]
        ids = [one["id"] for one in shown]
        assert [one["superseded_by"] for one in shown] == [*ids[1:], None]
        assert [one["supersedes"] for one in shown] == [None, *ids[:-1]]
        assert {one["household_id"] for one in shown} == {self.home}
        current = await self.api.get("health", f"/v1/assistance-events/by-external-id/{self.name}")
        assert current.json() == shown[-1]
        for event in shown:
            receipt = await self.api.get("health", f"/v1/assistance-events/{event['id']}/receipt")
            told = {name: receipt.json()[name] for name in BECOMES - {"version", "area_code"}}
            assert told == {name: event[name] for name in told}


STEPS = (
    Chain.supersede, Chain.supersede, Chain.supersede, Chain.void, Chain.correct_an_old_one, Chain.retry,
    Chain.post_something_else, Chain.register,
)  # fmt: skip


@pytest.mark.parametrize("known", [True, False], ids=["known household", "unknown household"])
@pytest.mark.parametrize("seed", range(8))
async def test_a_chain_holds_whatever_is_tried(api: Api, seed: int, known: bool) -> None:
    dice = random.Random(seed)
    home = (await registered(api))["id"] if known else None
    named = {"id": home} if known else {"citizen_id": builders.citizen_id()}
    sent = builders.event("", household=named, on_unknown="register")
    first = await api.post("health", "/v1/assistance-events", sent)
    assert first.status_code == 201, first.text
    chain = Chain(api, dice, sent, {name: one for name, one in first.json().items() if name != "receipt"})
    for _ in range(14):
        # Voided is final: a walk that met it early would see nothing else.
        step = dice.choice([one for one in STEPS if one is not Chain.void or len(chain.versions) > 2])
        await step(chain)
        await chain.holds()
