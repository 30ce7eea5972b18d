"""Files of imports go a week after their end, and what nothing names a day after it came."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from api.tasks import SWEEPS
from domain.exchange import imports
from tests.support.api import Api
from tests.support.imports import as_csv, call, counts, imported, row, send
from tests.support.jobs import run_jobs, tools_of


def directory(api: Api) -> Path:
    return Path(api.worker.settings.files)


async def file_of(api: Api, import_id: str) -> Path:
    async with tools_of(api).works.reading() as work:
        job = await work.imports.job(UUID(import_id))
    assert job is not None
    return directory(api) / str(job.file_id)


async def swept_in(api: Api, **later: float) -> int:
    """How many a sweep removes so much later."""
    tools = tools_of(api)
    return await imports.sweep(replace(tools, now=lambda: datetime.now(UTC) + timedelta(**later)))


async def test_the_file_of_a_validation_may_be_committed_for_a_week(api: Api) -> None:
    one = row()
    done = await imported(api, [one], mode="validate")
    path = await file_of(api, done["id"])
    await swept_in(api, days=6.9)
    assert path.exists()
    # A commit that waits keeps it, however long.
    committed = (await call(api, "POST", f"/v1/imports/{done['id']}/commit")).json()
    await swept_in(api, days=8)
    assert path.exists()
    await run_jobs(api)
    assert counts((await call(api, "GET", f"/v1/imports/{committed['id']}")).json()) == {"created": 1}
    assert not path.exists()
    other = await imported(api, [row()], mode="validate")
    path = await file_of(api, other["id"])
    await swept_in(api, days=7.1)
    assert not path.exists()
    late = (await call(api, "POST", f"/v1/imports/{other['id']}/commit")).json()
    await run_jobs(api)
    after = (await call(api, "GET", f"/v1/imports/{late['id']}")).json()
    assert (after["status"], after["error"]["code"]) == ("failed", "file-lost")


async def test_an_import_that_waits_keeps_its_file(api: Api) -> None:
    answer = await send(api, as_csv([row()]))
    path = await file_of(api, answer.json()["id"])
    await swept_in(api, days=30)
    assert path.exists()
    await run_jobs(api)
    assert (await call(api, "GET", answer.headers["location"])).json()["status"] == "succeeded"


async def test_what_no_row_names_goes_after_a_day(api: Api) -> None:
    assert imports.sweep in SWEEPS
    await swept_in(api, days=30)
    young, whole, half = uuid4(), uuid4(), uuid4()
    files = directory(api)
    files.mkdir(parents=True, exist_ok=True)
    paths = files / str(young), files / str(whole), files / f"{half}.part", files / "not-ours.txt"
    day_ago = (datetime.now(UTC) - timedelta(hours=25)).timestamp()
    for path in paths:
        path.write_bytes(b"sealed")
        if path.name != str(young):
            os.utime(path, (day_ago, day_ago))
    assert await imports.sweep(tools_of(api)) == 2
    assert [path.exists() for path in paths] == [True, False, False, True]
    for path in (paths[0], paths[3]):
        path.unlink()
