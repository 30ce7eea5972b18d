"""A chunk is decided while the one before is written: as it would have been decided after."""

import random
from typing import Any

import pytest

from domain.exchange.importing import persons
from domain.exchange.importing.line import Line
from persistence.exchange.imports import jobs
from tests.support.api import Api
from tests.support.builders import citizen_id
from tests.support.imports import counts, imported, report, row

PEOPLE, HOUSES, RECORDS = 9, 4, 4


def story(seed: int) -> list[dict[str, str]]:
    """Rows that share houses and people, repeat and contradict each other, with and without citizen ids.

    The same seed tells the same story of other people.
    """
    chance = random.Random(seed)
    mark = citizen_id()[5:]
    people = [row(house_code="", record_id=f"R{mark}-{n}", last_name=f"สกุล{n}") for n in range(PEOPLE)]
    houses = [f"4201{citizen_id()[5:12]}" for _ in range(HOUSES)]
    told = []
    for number in range(30):
        one = dict(chance.choice(people))
        if chance.random() < 0.7:
            one["house_code"] = chance.choice(houses)
        if chance.random() < 0.3:
            one |= {
                "citizen_id": "",
                "no_id_reason": "not_known",
                "record_id": f"N{mark}-{chance.randrange(RECORDS)}",
            }
        one["relationship"] = chance.choice(["head", "child", ""])
        one["house_no"] = chance.choice(["1", "2", ""])
        one["occupation"] = chance.choice(["ทำนา", "ค้าขาย", ""])
        one["welfare_card"] = chance.choice(["has_card", "no_card", ""])
        one["area_code"] = chance.choice(["420101", "420101", "420102", "410101"])
        one["phone"] = chance.choice(["0812345678", "0812345679", ""])
        if number % 11 == 10:
            one = dict(chance.choice(told))
        told.append(one)
    return told


async def after(line: Line) -> bool:
    """Nothing is known to hold since the last chunk: each is looked at when the one before is committed."""
    await taken(line)
    return False


taken = Line._take_turn


async def applied(
    api: Api, rows: list[dict[str, str]], size: int, monkeypatch: pytest.MonkeyPatch, *, ahead: bool
) -> Any:
    """Report and counts of the rows, and of the same rows again in another order."""
    real = jobs.reading.chunks
    with monkeypatch.context() as patch:
        patch.setattr(jobs.reading, "chunks", lambda *given, **named: real(*given, **named, size=size))
        if not ahead:
            patch.setattr(Line, "_take_turn", after)
        found = []
        for given in (rows, rows[::-1]):
            done = await imported(api, given)
            lines = await report(api, done)
            names = {id: n for n, id in enumerate(dict.fromkeys(line["household_id"] for line in lines))}
            found.append(
                (
                    counts(done),
                    [
                        (
                            line["outcome"],
                            [(code["column"], code["code"]) for code in line["codes"]],
                            [(one["field"], one["taken"]) for one in line["diff"]],
                            names[line["household_id"]],
                        )
                        for line in lines
                    ],
                )
            )
        return found


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_decided_ahead_is_what_would_be_decided_after(
    api: Api, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = 0
    real = persons.decided

    async def counted(*given: Any, carry: bool, **named: Any) -> Any:
        nonlocal ahead
        ahead += carry
        return await real(*given, carry=carry, **named)

    monkeypatch.setattr(persons, "decided", counted)
    for size in (1, 4):
        given = [await applied(api, story(seed), size, monkeypatch, ahead=one) for one in (True, False)]
        assert given[0] == given[1]
        assert len({outcome for _, lines in given[0] for outcome, *_ in lines}) >= 4
    assert ahead > 50
