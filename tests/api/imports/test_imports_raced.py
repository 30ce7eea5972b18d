"""Others register and change what a chunk is about while it is written: the import comes to its end all the same."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from domain.exchange.importing import persons
from domain.exchange.importing.performing import perform
from tests.support import builders
from tests.support.api import Api
from tests.support.imports import as_csv, call, counts, imported, report, row, send
from tests.support.jobs import tools_of


async def registered(api: Api, one: dict[str, str]) -> None:
    body = builders.household(members=[builders.member(citizen_id=one["citizen_id"])])
    answer = await call(api, "POST", "/v1/households", body)
    assert answer.status_code == 201, answer.text


async def test_who_is_registered_meanwhile_is_found_and_not_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row(house_code="") for _ in range(16)]
    sent = await send(api, as_csv(rows))
    real, tried = persons.carried_out, list[int]()
    left = [one for at, one in enumerate(rows) if at % 5 == 0]

    async def beset(work: Any, one: persons.Decided, **given: Any) -> None:
        tried.append(len(one.rows))
        # Somebody is always quicker, with one of the very rows, as long as there are many.
        mine = [other for other in left if other["citizen_id"] in {row.citizen_id for row in one.rows}]
        if len(one.rows) > 2 and mine:
            left.remove(mine[0])
            await registered(api, mine[0])
        await real(work, one, **given)

    monkeypatch.setattr(persons, "carried_out", beset)
    nobody = replace(tools_of(api), lookups=unasked)
    await perform(nobody, UUID(sent.json()["id"]))
    monkeypatch.undo()
    done = (await call(api, "GET", sent.headers["location"])).json()
    told = await report(api, done)
    assert (done["status"], len(told)) == ("partly_succeeded", 16), done
    assert [line["number"] for line in told] == list(range(2, 18))
    assert tried[:3] == [16, 8, 4]
    found = await call(api, "POST", "/v1/households/search", {"citizen_id": rows[0]["citizen_id"]})
    assert len(found.json()["items"]) == 1
    assert {code["code"] for line in told for code in line["codes"]}.isdisjoint({"already-a-member"})
    assert counts(await imported(api, rows)).get("created") is None


async def unasked(client_id: str, count: int) -> int:
    raise AssertionError(count)
