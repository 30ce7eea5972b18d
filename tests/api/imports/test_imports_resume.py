"""An import that ends in the middle goes on where it was, and two at once come to the same."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from domain.exchange.importing import performing
from domain.exchange.importing.line import Line
from persistence.exchange.imports import jobs
from tests.support.api import Api
from tests.support.imports import as_csv, call, counts, household_of, imported, report, row, send
from tests.support.jobs import run_jobs, tools_of


class Killed(BaseException):
    """As a kill: nothing in the code expects it."""


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows each, so that a small file has several."""
    real = jobs.reading.chunks
    monkeypatch.setattr(jobs.reading, "chunks", lambda *given, **named: real(*given, **named, size=3))


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("mode", ["commit", "validate"])
async def test_a_job_that_is_killed_after_any_chunk_goes_on_after_it(
    api: Api, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A household that spans two chunks, a repeated row, and a contradiction across chunks.
    rows = [row() for _ in range(10)]
    rows[3]["house_code"], rows[3]["relationship"] = rows[2]["house_code"], "child"
    rows += [{**rows[0]}, {**rows[1], "first_name": "อื่น"}]
    answer = await send(api, as_csv(rows), mode=mode)
    id, real = UUID(answer.json()["id"]), Line._chunk
    survived = 0

    async def killed(*given: Any, **named: Any) -> bool:
        nonlocal survived
        done = await real(*given, **named)
        survived += 1
        if survived < 4:
            raise Killed
        return done

    monkeypatch.setattr(Line, "_chunk", killed)
    for _ in range(3):
        with pytest.raises(Killed):
            await performing.perform(tools_of(api), id)
    read = (await call(api, "GET", answer.headers["location"])).json()
    assert (read["status"], read["progress"]) == ("running", {"rows_read": 9, "rows_total": 12})
    await performing.perform(tools_of(api), id)
    done = (await call(api, "GET", answer.headers["location"])).json()
    assert counts(done) == {"created": 10, "unchanged": 1, "rejected": 1}
    assert [line["number"] for line in await report(api, done)] == list(range(2, 14))
    if mode == "commit":
        assert len((await household_of(api, rows[2]["citizen_id"]))["members"]) == 2
        assert counts(await imported(api, rows[:10])) == {"unchanged": 10}
    await run_jobs(api)


@pytest.mark.usefixtures("small_chunks")
async def test_cancelling_in_the_middle_keeps_what_was_taken(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row() for _ in range(9)]
    answer = await send(api, as_csv(rows))
    path, real = answer.headers["location"], Line._chunk

    async def then_cancelled(*given: Any, **named: Any) -> bool:
        done = await real(*given, **named)
        await call(api, "POST", f"{path}/cancel")
        return done

    monkeypatch.setattr(Line, "_chunk", then_cancelled)
    await performing.perform(tools_of(api), UUID(answer.json()["id"]))
    done = (await call(api, "GET", path)).json()
    assert (done["status"], counts(done)) == ("cancelled", {"created": 3})
    await household_of(api, rows[0]["citizen_id"])
    found = await call(api, "POST", "/v1/households/search", {"citizen_id": rows[8]["citizen_id"]})
    assert found.json()["items"] == []
    await run_jobs(api)


@pytest.mark.usefixtures("small_chunks")
async def test_two_imports_of_one_file_at_once_make_every_person_once(api: Api) -> None:
    rows = [row() for _ in range(12)]
    file = as_csv(rows)
    sent = [await send(api, file) for _ in range(3)]
    await asyncio.gather(*(performing.perform(tools_of(api), UUID(one.json()["id"])) for one in sent))
    found = [(await call(api, "GET", one.headers["location"])).json() for one in sent]
    assert [one["status"] for one in found] == ["succeeded"] * 3
    assert sum(one["counts"]["created"] for one in found) == 12
    assert sum(one["counts"]["unchanged"] for one in found) == 24
    await run_jobs(api)
