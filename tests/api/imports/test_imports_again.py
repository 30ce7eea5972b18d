"""Asking twice: rows that come back corrected, a validation that is committed again."""

import asyncio
import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest

from tests.support.access import owner_of
from tests.support.api import PURPOSE, Api
from tests.support.imports import SCOPES, as_csv, call, counts, household_of, imported, report, row, send
from tests.support.jobs import run_jobs, tools_of


def files(api: Api) -> set[str]:
    return {str(name) for name in tools_of(api).files.names()}  # type: ignore[attr-defined]  # our own


async def rejecting(api: Api, **given: Any) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """An import of a good row (2) and a bad one (3)."""
    good, bad = row(), row(birth_date="31/02/2503")
    done = await imported(api, [good, bad], **given)
    assert done["counts"]["rejected"] == 1
    return done, good, bad


async def again(api: Api, done: Mapping[str, Any], rows: Sequence[Mapping[str, str]] | bytes) -> Any:
    file = rows if isinstance(rows, bytes) else as_csv(rows)
    return await send(api, file, path=f"/v1/imports/{done['id']}/resubmit")


async def jobs(api: Api) -> int:
    async with owner_of(api) as owner:
        return int(await owner.fetchval("SELECT count(*) FROM import_job"))


def named(answer: Any) -> dict[str, str]:
    return {one["pointer"]: one["code"] for one in answer.json()["errors"]}


async def test_only_rows_that_were_rejected_come_back(api: Api) -> None:
    done, good, bad = await rejecting(api)
    mended = {**bad, "birth_date": "1960-05-01"}
    before = files(api), await jobs(api)
    stranger = row()
    answer = await again(api, done, [{**good, "occupation": "ค้าขาย"}, mended, stranger])
    assert (answer.status_code, answer.json()["code"]) == (409, "rows-not-rejected")
    assert named(answer) == {"row/2": "not-rejected", "row/4": "not-rejected"}
    assert good["record_id"] not in answer.text
    assert (files(api), await jobs(api)) == before
    accepted = await again(api, done, [mended])
    assert accepted.status_code == 202, accepted.text
    await run_jobs(api)
    after = (await call(api, "GET", accepted.headers["location"])).json()
    assert (after["resubmits"], counts(after)) == (done["id"], {"created": 1})
    assert (await household_of(api, good["citizen_id"]))["members"][0]["person"]["occupation"] == "ทำนา"


async def test_the_number_of_the_report_names_the_row_whatever_was_corrected(api: Api) -> None:
    done, _, bad = await rejecting(api)
    text = (await call(api, "GET", f"/v1/imports/{done['id']}/rows.csv?outcome=rejected")).text
    (line,) = csv.DictReader(io.StringIO(text))
    mended = {**line, "birth_date": "1960-05-01", "record_id": "R-other"}
    wrong = {**mended, "row_number": "2"}, {**mended, "row_number": "9"}, {**mended, "row_number": "สาม"}
    answer = await again(api, done, wrong)
    assert named(answer) == dict.fromkeys(("row/2", "row/3", "row/4"), "not-rejected")
    # One rejected row is corrected by one row: whether the number names it, or the record id.
    answer = await again(api, done, [mended, {**mended, "citizen_id": row()["citizen_id"]}])
    assert named(answer) == {"row/3": "brought-twice"}
    twice = [{**mended, "row_number": "๓.0"}, {**mended, "row_number": "", "record_id": bad["record_id"]}]
    assert named(await again(api, done, twice)) == {"row/3": "brought-twice"}
    accepted = await again(api, done, twice[:1])
    assert accepted.status_code == 202, accepted.text
    await run_jobs(api)
    assert counts((await call(api, "GET", accepted.headers["location"])).json()) == {"created": 1}


async def test_rows_with_a_conflict_are_decided_elsewhere(api: Api) -> None:
    one = row()
    await imported(api, [one])
    path = f"/v1/households/{(await household_of(api, one['citizen_id']))['id']}"
    headers = {"If-Match": (await call(api, "GET", path)).headers["etag"]}
    verified = await call(api, "PATCH", path, {"case_status": "verified"}, headers=headers)
    assert verified.status_code == 200, verified.text
    other = {**one, "house_no": "77"}
    done = await imported(api, [other])
    assert counts(done) == {"conflict": 1}
    assert named(await again(api, done, [other])) == {"row/2": "not-rejected"}


async def test_objects_say_what_they_correct_as_well(api: Api) -> None:
    good, bad = row(), row(birth_date="31/02/2503")
    text = "\n".join(map(json.dumps, (good, bad))).encode()
    done = await imported(api, text, format="ndjson")
    assert counts(done) == {"created": 1, "rejected": 1}
    mended = {**bad, "birth_date": "1960-05-01", "record_id": "R-other"}
    assert named(await again(api, done, json.dumps(mended).encode())) == {"row/1": "not-rejected"}
    accepted = await again(api, done, json.dumps({**mended, "row_number": 2}).encode())
    assert accepted.status_code == 202, accepted.text
    await run_jobs(api)
    after = (await call(api, "GET", accepted.headers["location"])).json()
    assert counts(after) == {"created": 1}, await report(api, after)


async def test_a_file_that_cannot_be_read_brings_nothing_back(api: Api) -> None:
    done, _, bad = await rejecting(api)
    before = files(api), await jobs(api)
    whole = as_csv([bad])
    for file, code in (
        (whole.partition(b"\n")[0] + b"\n", "empty-file"),
        (whole + b'R-9,"cut', "truncated-file"),
        (whole.replace(b"area_code", b"nothing"), "missing-column"),
    ):
        answer = await again(api, done, file)
        assert (answer.status_code, named(answer)) == (422, {"": code}), answer.text
    assert (files(api), await jobs(api)) == before


async def test_a_hundred_rows_are_named_at_most(api: Api) -> None:
    done, *_ = await rejecting(api)
    answer = await again(api, done, [row() for _ in range(150)])
    assert len(named(answer)) == 100


async def validated(api: Api) -> tuple[str, str]:
    """The id of a validation that is over, and the citizen id in it."""
    one = row()
    return str((await imported(api, [one], mode="validate"))["id"]), one["citizen_id"]


async def test_a_validation_is_committed_once(api: Api) -> None:
    id, citizen_id = await validated(api)
    first = await call(api, "POST", f"/v1/imports/{id}/commit")
    assert first.status_code == 202, first.text
    for _ in range(2):
        second = await call(api, "POST", f"/v1/imports/{id}/commit")
        assert (second.status_code, second.headers["location"]) == (202, first.headers["location"])
        assert second.json()["id"] == first.json()["id"]
        # Waiting, and when it is over.
        await run_jobs(api)
    assert second.json()["validated_by"] == id
    asked = "mutation($input: CommitImportInput!) { commitImport(input: $input) { id status } }"
    told = await api.graphql(
        "importer", asked, {"input": {"id": id}}, headers=PURPOSE, scopes=list(SCOPES), areas=["42"]
    )
    assert told.json()["data"]["commitImport"] == {"id": first.json()["id"], "status": "SUCCEEDED"}
    assert len(await committing(api, id)) == 1
    assert await household_of(api, citizen_id)


async def committing(api: Api, id: str) -> list[str]:
    async with owner_of(api) as owner:
        found = await owner.fetch(
            "SELECT id, status FROM import_job WHERE validated_by = $1 ORDER BY id", UUID(id)
        )
    return [line["status"] for line in found]


async def test_commits_at_once_make_one_import(api: Api) -> None:
    id, _ = await validated(api)
    answers = await asyncio.gather(*(call(api, "POST", f"/v1/imports/{id}/commit") for _ in range(6)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await committing(api, id) == ["queued"]
    await run_jobs(api)


@pytest.mark.parametrize("how", ["cancelled", "failed"])
async def test_what_came_to_nothing_may_be_committed_again(api: Api, how: str) -> None:
    id, citizen_id = await validated(api)
    first = await call(api, "POST", f"/v1/imports/{id}/commit")
    if how == "cancelled":
        assert (await call(api, "POST", f"{first.headers['location']}/cancel")).status_code == 200
    else:
        async with owner_of(api) as owner:
            await owner.execute("UPDATE client SET enabled = false WHERE id = 'demo-importer'")
            await run_jobs(api)
            await owner.execute("UPDATE client SET enabled = true WHERE id = 'demo-importer'")
    second = await call(api, "POST", f"/v1/imports/{id}/commit")
    assert second.json()["id"] != first.json()["id"]
    await run_jobs(api)
    assert await committing(api, id) == [how, "succeeded"]
    assert await household_of(api, citizen_id)
