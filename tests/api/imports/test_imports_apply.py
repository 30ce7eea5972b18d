"""Files of persons and events become households, persons and events, and the same file changes nothing."""

from typing import Any

import asyncpg
import pytest

from tests.support.api import Api
from tests.support.imports import call, counts, household_of, imported, report, row


async def rows_of(dsn: str, sql: str, *values: Any) -> list[Any]:
    """As the owner, behind the doors."""
    connection = await asyncpg.connect(dsn)
    try:
        return list(await connection.fetch(sql, *values))
    finally:
        await connection.close()


async def changes(dsn: str) -> int:
    return int((await rows_of(dsn, "SELECT count(*) FROM change"))[0][0])


async def test_a_file_makes_households_and_the_same_file_changes_nothing(api: Api, module_dsn: str) -> None:
    home = row()
    child = row(house_code=home["house_code"], relationship="child", first_name="ต้น", birth_date="2015-02-03")
    alone = row(house_code="", house_no="7")
    first = await imported(api, [home, child, alone])
    assert first["status"] == "succeeded", first
    assert counts(first) == {"created": 3}
    assert first["progress"] == {"rows_read": 3, "rows_total": 3}
    found = await household_of(api, home["citizen_id"])
    assert [one["person"]["first_name"] for one in found["members"]] == ["สมชาย", "ต้น"]
    assert found["head_person_id"] == found["members"][0]["person_id"]
    assert found["case_status"] == "imported"
    assert {(one["system"], one["record_id"]) for one in found["sources"]} == {
        ("thaiqm", home["record_id"]),
        ("thaiqm", child["record_id"]),
    }
    before = await changes(module_dsn)
    again = await imported(api, [home, child, alone])
    assert counts(again) == {"unchanged": 3}
    assert await changes(module_dsn) == before
    assert await household_of(api, home["citizen_id"]) == found


async def test_a_validation_writes_nothing_but_its_report(api: Api) -> None:
    one, bad = row(), row(birth_date="2999-01-01")
    done = await imported(api, [one, bad], mode="validate")
    assert done["status"] == "partly_succeeded"
    assert counts(done) == {"created": 1, "rejected": 1}
    answer = await call(api, "POST", "/v1/households/search", {"citizen_id": one["citizen_id"]})
    assert answer.json()["items"] == []
    told = await report(api, done)
    assert [(line["number"], line["outcome"]) for line in told] == [(2, "created"), (3, "rejected")]
    assert told[1]["codes"][0]["column"] == "birth_date"
    committed = await call(api, "POST", f"/v1/imports/{done['id']}/commit")
    assert committed.status_code == 202
    from tests.support.jobs import run_jobs

    await run_jobs(api)
    after = (await call(api, "GET", committed.headers["location"])).json()
    assert (after["validated_by"], counts(after)) == (done["id"], {"created": 1, "rejected": 1})
    assert (await household_of(api, one["citizen_id"]))["house_code"] == one["house_code"]


async def test_an_import_fills_what_is_empty_and_renews_what_it_said_itself(api: Api) -> None:
    one = row(occupation="")
    await imported(api, [one])
    filled = await imported(api, [{**one, "occupation": "ทอผ้า"}])
    assert counts(filled) == {"updated": 1}
    renewed = await imported(api, [{**one, "occupation": "ค้าขาย", "house_no": "99"}])
    assert counts(renewed) == {"updated": 1}
    found = await household_of(api, one["citizen_id"])
    assert found["members"][0]["person"]["occupation"] == "ค้าขาย"
    assert found["address"]["house_no"] == "99"
    line = (await report(api, renewed))[0]
    assert {
        "field": "occupation",
        "masked": False,
        "stored": "ทอผ้า",
        "given": "ค้าขาย",
        "taken": True,
    } in line["diff"]


async def test_rows_without_a_citizen_id_are_found_again(api: Api) -> None:
    known = row()
    nameless = row(
        citizen_id="",
        no_id_reason="not_known",
        house_code=known["house_code"],
        relationship="child",
        first_name="เล็ก",
    )
    alone = row(citizen_id="", no_id_reason="newborn", house_code="")
    unrecorded = row(citizen_id="", no_id_reason="newborn", house_code="", record_id="", house_no="55")
    rows = [known, nameless, alone, unrecorded]
    assert counts(await imported(api, rows)) == {"created": 4}
    assert counts(await imported(api, rows)) == {"unchanged": 4}
    identified = {**nameless, "citizen_id": row()["citizen_id"], "no_id_reason": ""}
    assert counts(await imported(api, [identified])) == {"updated": 1}
    found = await household_of(api, identified["citizen_id"])
    assert found["house_code"] == known["house_code"]
    assert len(found["members"]) == 2


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("tpmap_target", "tpmap"),
        ("vulnerable_group", "vulnerable"),
        ("welfare_card", "welfare_card"),
        ("bmn", "bmn"),
    ],
)
async def test_every_kind_of_person_is_imported_with_its_source(api: Api, kind: str, source: str) -> None:
    one = row(**({"fiscal_year": "2569", "bmn-38-29": "pass"} if kind == "bmn" else {}))
    done = await imported(api, [one], kind=kind)
    assert counts(done) == {"created": 1}, done
    found = await household_of(api, one["citizen_id"])
    assert [line["system"] for line in found["sources"]] == [source]
    if kind == "welfare_card":
        assert found["members"][0]["person"]["welfare_card"] == "has_card"
    assert counts(await imported(api, [one], kind=kind)) == {"unchanged": 1}


async def test_a_survey_derives_the_mask(api: Api) -> None:
    one = row(**{"fiscal_year": "2569", "bmn-38-29": "fail", "bmn-38-27": "pass"})
    assert counts(await imported(api, [one], kind="bmn")) == {"created": 1}
    found = await household_of(api, one["citizen_id"])
    assert found["dimension_mask"] == "00010"
    listed = await call(api, "GET", "/v1/households?indicator=bmn-38-29&area=42&limit=200")
    assert found["id"] in {item["id"] for item in listed.json()["items"]}
    assert counts(await imported(api, [one], kind="bmn")) == {"unchanged": 1}
    passed = {**one, "bmn-38-29": "pass"}
    assert counts(await imported(api, [passed], kind="bmn")) == {"updated": 1}
    assert (await household_of(api, one["citizen_id"]))["dimension_mask"] == "00000"


async def test_events_are_recorded_once_and_wait_for_unknown_households(api: Api, module_dsn: str) -> None:
    home = row()
    await imported(api, [home])

    def event(**changes: Any) -> dict[str, str]:
        return {
            "record_id": f"E-{row()['citizen_id'][-7:]}", "house_code": home["house_code"], "dimension": "income",
            "assistance_type": "livelihood", "provided_on": "2026-01-15", "value_baht": "1500", **changes,
        }  # fmt: skip

    later = row()
    rows = [event(), event(house_code=later["house_code"]), event(provided_on="2999-01-01")]
    done = await imported(api, rows, kind="assistance")
    assert counts(done) == {"created": 2, "rejected": 1}, await report(api, done)
    assert counts(await imported(api, rows[:2], kind="assistance")) == {"unchanged": 2}
    other = await imported(api, [{**rows[0], "value_baht": "1600"}], kind="assistance")
    assert counts(other) == {"conflict": 1}
    await imported(api, [later])
    household = await household_of(api, later["citizen_id"])
    linked = await rows_of(
        module_dsn, "SELECT external_id FROM assistance_event WHERE household_id = $1", household["id"]
    )
    assert [one[0] for one in linked] == [rows[1]["record_id"]]
