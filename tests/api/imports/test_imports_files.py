"""Files as they come: too large, cut, forms, empty, unreadable; contradictions, areas, and the way back."""

import csv
import io
import json
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from api.rest.serving import PathApp
from tests.support.api import Api
from tests.support.imports import SCOPES, as_csv, call, counts, household_of, imported, report, row, send
from tests.support.jobs import run_jobs, tools_of


def files(api: Api) -> set[str]:
    return {str(name) for name in tools_of(api).files.names()}  # type: ignore[attr-defined]  # our own


async def test_the_file_may_be_the_part_of_a_form(api: Api) -> None:
    one = row()
    text = as_csv([one])
    parts = [
        b'--xx\r\nContent-Disposition: form-data; name="note"\r\n\r\nignored\r\n',
        b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n',
        text,
        b"\r\n--xx--\r\n",
    ]
    kind = {"Content-Type": "multipart/form-data; boundary=xx"}
    done = await imported(api, b"".join(parts), headers=kind)
    assert counts(done) == {"created": 1}
    assert done["size"] == len(text)
    before = files(api)
    cut = await send(api, b"".join(parts[:3]), headers=kind)
    assert (cut.status_code, cut.json()["code"]) == (400, "bad-request")
    without = await send(api, parts[0] + b"--xx--\r\n", headers=kind)
    assert without.status_code == 422
    assert files(api) == before


async def test_an_empty_body_and_unknown_parameters_are_refused(api: Api) -> None:
    before = files(api)
    assert (await send(api, b"")).json()["errors"][0]["code"] == "empty-file"
    assert (await send(api, b"x", path="/v1/imports?kind=thaiqm&colour=red")).status_code == 422
    assert (await send(api, b"x", path="/v1/imports")).json()["errors"][0]["pointer"] == "query/kind"
    assert files(api) == before


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
async def test_a_file_over_the_limit_is_refused_and_leaves_nothing(api: Api, declared: bool) -> None:
    before = files(api)
    services = next(
        route.endpoint._services
        for route in api.http._transport.app.router.routes  # type: ignore[attr-defined]
        if isinstance(getattr(route, "endpoint", None), PathApp)
    )
    limit = services.import_bytes
    object.__setattr__(services, "import_bytes", 100_000)
    try:

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(4):
                yield b"x" * 50_000

        token = {"Authorization": f"Bearer {api.token('importer', scopes=list(SCOPES), areas=['42'])}"}
        answer = await api.http.post(
            "/v1/imports?kind=thaiqm", content=b"x" * 200_000 if declared else pieces(), headers=token
        )
        assert (answer.status_code, answer.json()["code"]) == (413, "content-too-large")
    finally:
        object.__setattr__(services, "import_bytes", limit)
    assert files(api) == before


async def test_a_file_that_cannot_be_read_is_not_applied_at_all(api: Api) -> None:
    good = as_csv([row(), row()])
    for file, code in (
        (good.replace(b"area_code", b"nothing"), None),
        (good + b'R-9,"cut', "truncated-file"),
        (b"\x00\x01\x02\x03" * 100, None),
    ):
        done = await imported(api, file)
        assert done["status"] == "failed", done
        assert done["counts"] == dict.fromkeys(done["counts"], 0)
        if code is not None:
            assert done["error"]["code"] == code
    assert (await imported(api, b"PK not a workbook", format="xlsx"))["status"] == "failed"


async def test_the_same_key_makes_one_import(api: Api) -> None:
    file = as_csv([row()])
    key = {"Idempotency-Key": "file-1"}
    first = await send(api, file, headers=key)
    before = files(api)
    again = await send(api, file, headers=key)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")
    assert again.json()["id"] == first.json()["id"]
    other = await send(api, as_csv([row()]), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert files(api) == before
    await run_jobs(api)


async def test_rows_that_contradict_each_other_are_told_by_their_numbers(api: Api) -> None:
    one = row()
    other = {**one, "first_name": "สมหมาย", "record_id": "R-x"}
    same = {**one}
    done = await imported(api, [one, other, same])
    told = await report(api, done)
    assert [line["outcome"] for line in told] == ["created", "rejected", "unchanged"]
    assert told[1]["codes"][0]["code"] == "contradicts-row"
    assert "Row 2" in told[1]["codes"][0]["detail"]
    assert told[2]["codes"][0]["code"] == "repeated-row"
    member = row(house_code=one["house_code"], house_no="999", relationship="child")
    more = await imported(api, [{**one}, member])
    assert [line["outcome"] for line in await report(api, more)] == ["unchanged", "conflict"]


async def test_other_areas_are_neither_written_nor_told(api: Api) -> None:
    there = row(area_code="410101", house_code="41010100001")
    wide = {"who": "center", "scopes": SCOPES, "areas": ["41", "42"]}
    await imported(api, [there], **wide)
    outside = row(area_code="410101")
    moved = {**there, "area_code": "420101", "house_code": ""}
    done = await imported(api, [outside, moved, row(area_code="429999"), row()])
    told = await report(api, done)
    assert [line["codes"][0]["code"] if line["codes"] else None for line in told][:2] == [
        "outside-your-areas", "already-a-member",
    ]  # fmt: skip
    assert told[3]["outcome"] == "created"
    assert "410101" not in json.dumps(told[1])
    assert told[1]["household_id"] is None


async def test_rejected_rows_come_back_corrected(api: Api) -> None:
    good, bad = row(), row(birth_date="31/02/2503", first_name="=SUM(A1)")
    done = await imported(api, [good, bad])
    assert counts(done) == {"created": 1, "rejected": 1}
    answer = await call(api, "GET", f"/v1/imports/{done['id']}/rows.csv?outcome=rejected")
    assert answer.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert [line["row_number"] for line in lines] == ["3"]
    assert lines[0]["citizen_id"] == bad["citizen_id"]
    assert lines[0]["first_name"] == "'=SUM(A1)"
    assert "birth_date" in lines[0]["codes"]
    lines[0] |= {"birth_date": "31/01/2503", "first_name": "สมบูรณ์"}
    sent = await send(api, as_csv(lines), path=f"/v1/imports/{done['id']}/resubmit")
    assert sent.status_code == 202, sent.text
    await run_jobs(api)
    after = (await call(api, "GET", sent.headers["location"])).json()
    assert after["resubmits"] == done["id"]
    assert counts(after) == {"created": 1}, await report(api, after)
    found = await household_of(api, bad["citizen_id"])
    assert found["sources"][0]["record_id"] == bad["record_id"]


async def test_a_cancelled_import_is_not_run_and_cannot_be_committed(api: Api) -> None:
    one = row()
    answer = await send(api, as_csv([one]))
    path = answer.headers["location"]
    assert (await call(api, "POST", f"{path}/cancel")).json()["status"] == "cancelled"
    await run_jobs(api)
    found = (await call(api, "GET", path)).json()
    assert (found["status"], counts(found)) == ("cancelled", {})
    assert (await call(api, "POST", f"{path}/commit")).json()["code"] == "illegal-transition"
    done = await imported(api, [one])
    assert (await call(api, "POST", f"/v1/imports/{done['id']}/cancel")).status_code == 409


async def test_an_import_is_its_clients_own(api: Api) -> None:
    done = await imported(api, [row()])
    for path in ("", "/rows", "/rows.csv"):
        assert (await call(api, "GET", f"/v1/imports/{done['id']}{path}", who="center")).status_code == 404
    listed = await call(api, "GET", "/v1/imports?sort=-created_at")
    assert done["id"] in {one["id"] for one in listed.json()["items"]}
    revoked = await send(api, as_csv([row()]))
    database = api.worker.database
    assert database is not None
    async with database.writing() as connection:
        await connection.execute("UPDATE client SET enabled = false WHERE id = 'demo-importer'")
    await run_jobs(api)
    async with database.writing() as connection:
        await connection.execute("UPDATE client SET enabled = true WHERE id = 'demo-importer'")
        found = await connection.fetchrow(
            "SELECT status, error FROM import_job WHERE id = $1", UUID(revoked.json()["id"])
        )
    assert (found["status"], json.loads(found["error"])["code"]) == ("failed", "client-revoked")
