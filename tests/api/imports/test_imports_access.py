"""What an import may do is what its client may do now, and it tells nobody what is masked."""

import asyncio
from typing import Any

import pytest

from domain.exchange.importing.line import Line
from tests.support.access import owner_of
from tests.support.api import Api
from tests.support.exports import known
from tests.support.imports import SCOPES, as_csv, call, counts, household_of, imported, report, row, send
from tests.support.jobs import run_jobs

MASKED = tuple(scope for scope in SCOPES if scope != "persons:pii")


async def test_a_guess_at_a_masked_field_is_not_judged(api: Api) -> None:
    one = row()
    await imported(api, [one])
    household = await household_of(api, one["citizen_id"])
    read = await call(api, "GET", f"/v1/households/{household['id']}")
    headers = {"If-Match": read.headers["etag"]}
    body = {"case_status": "verified"}
    assert (
        await call(api, "PATCH", f"/v1/households/{household['id']}", body, headers=headers)
    ).status_code == 200
    told: list[Any] = []
    for guess in (one, {**one, "last_name": "ผิด"}, {**one, "birth_date": "1960-05-02"}):
        done = await imported(api, [guess], mode="validate", scopes=MASKED)
        (line,) = await report(api, done, scopes=MASKED)
        told.append((counts(done), done["status"], line["outcome"], line["codes"], line["diff"]))
    assert told == [told[0]] * 3
    # Who may see it is told, without the value.
    done = await imported(api, [{**one, "last_name": "ผิด"}], mode="validate")
    (line,) = await report(api, done)
    assert [code["column"] for code in line["codes"]] == ["last_name"]


@pytest.mark.parametrize("change", ["enabled = false", "areas = '{41}'", "scopes = '{households:read}'"])
async def test_rights_that_are_taken_away_meanwhile_end_it(
    api: Api, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row() for _ in range(5_100)]
    sent = await send(api, as_csv(rows), who="importer")
    # What the case before took away is given back, which a worker knows within a second.
    for _ in range(100):
        if sent.status_code == 202:
            break
        await asyncio.sleep(0.1)
        sent = await send(api, as_csv(rows), who="importer")
    assert sent.status_code == 202, sent.text
    client = await known(api, "importer", scopes=list(SCOPES), areas=["42"])
    real, chunks = Line._chunk, 0

    async def changed(*given: Any, **named: Any) -> bool:
        nonlocal chunks
        chunks += 1
        done = await real(*given, **named)
        async with owner_of(api) as owner:
            assert await owner.execute(f"UPDATE client SET {change} WHERE id = $1", client) == "UPDATE 1"
        return done

    monkeypatch.setattr(Line, "_chunk", changed)
    await run_jobs(api)
    async with owner_of(api) as owner:
        status, error, created, rejected = await owner.fetchrow(
            "SELECT status, error, created, rejected FROM import_job WHERE id = $1::uuid", sent.json()["id"]
        )
        await owner.execute(
            "UPDATE client SET enabled = true, areas = '{42}', scopes = $2 WHERE id = $1",
            client,
            list(SCOPES),
        )
    assert 0 < created < len(rows)
    if change.startswith("areas"):
        assert (created + rejected, status) == (len(rows), "partly_succeeded")
    else:
        assert (status, chunks) == ("failed", 1)
        assert "client-revoked" in str(error)
