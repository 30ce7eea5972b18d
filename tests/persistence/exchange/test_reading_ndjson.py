"""NDJSON: one object a line, in any order of its names."""

import io
import json
from datetime import date
from typing import Any

import pytest

from domain.exchange.reading.kinds import ImportFormat, ImportKind
from domain.exchange.reading.rows import CleanRow, UnreadableFile
from persistence.exchange.reading import chunks, inspect

PERSON = {
    "record_id": "R1",
    "citizen_id": 1234567890121,
    "area_code": "420101",
    "first_name": "สมศรี",
    "moo": 3,
}


def read(text: str, *, kind: ImportKind = ImportKind.THAIQM, mapping: str | None = None) -> list[CleanRow]:
    file = io.BytesIO(text.encode())
    found = chunks(file, kind=kind, format=ImportFormat.NDJSON, today=date(2026, 11, 21), mapping=mapping)  # type: ignore[arg-type]
    return [row for rows in found for row in rows]


def line(**more: Any) -> str:
    return json.dumps({**PERSON, **more}, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", ["first_name", "record_id", "citizen_id", "area_code", "occupation"])
def test_half_of_a_surrogate_pair_is_a_fault_of_its_row(name: str) -> None:
    whole = json.dumps({**PERSON, "occupation": "\U0001f33e ทำนา"}) + "\n"
    rows = read(whole + json.dumps({**PERSON, name: "a\ud800"}) + "\n" + whole)
    assert [row.faults[0].code if row.faults else None for row in rows] == [None, "malformed-text", None]
    json.dumps(rows[1].cells, ensure_ascii=False).encode()
    assert rows[2].person is not None
    assert rows[2].person.occupation == "\U0001f33e ทำนา"


def test_objects_are_rows_by_the_number_of_their_line() -> None:
    turned = json.dumps(dict(reversed(PERSON.items()))) + "\n"
    rows = read("\ufeff" + line(bedridden=True, phone=None) + "\n" + turned)
    assert [(row.number, row.faults, row.citizen_id) for row in rows] == [
        (1, (), "1234567890121"), (3, (), "1234567890121"),
    ]  # fmt: skip
    assert rows[0].person is not None
    assert (rows[0].person.bedridden, rows[0].person.phone) == (True, None)
    assert rows[0].raw == {
        "record_id": "R1", "citizen_id": "1234567890121", "area_code": "420101", "first_name": "สมศรี", "moo": "3",
        "bedridden": "true", "phone": "",
    }  # fmt: skip


def test_numbers_lose_nothing() -> None:
    (row,) = read(line(annual_income=1500.10, record_id=12345678901234567890))
    assert row.person is not None
    assert (str(row.person.annual_income), row.record_id) == ("1500.1", "12345678901234567890")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"citizen_id": "1234567890121", "citizen_id": null}\n', "duplicate-key"),
        (line(disabilities=["ก"]), "nested-value"),
        (line(household={"id": 1}), "nested-value"),
        (line(shoe_size=42), "unknown-column"),
        ("[1, 2]\n", "wrong-type"),
        ('"text"\n', "wrong-type"),
        ("{oops}\n", "malformed-json"),
        ('{"moo": NaN}\n', "malformed-json"),
        ("[" * 100_000 + "\n", "malformed-json"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_read(text: str, code: str) -> None:
    rows = read(line() + text + line())
    assert [len(row.faults) for row in (rows[0], rows[2])] == [0, 0]
    assert code in {fault.code for fault in rows[1].faults}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-file"),
        ("\n\n", "empty-file"),
        ("a,b\n1,2\n", "not-ndjson"),
        ("[1]\n", "not-ndjson"),
        (line() + line()[:-20], "truncated-file"),
        (line() + "x" * 1_100_000, "line-too-long"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(text: str, code: str) -> None:
    with pytest.raises(UnreadableFile) as raised:
        inspect(io.BytesIO(text.encode()), kind=ImportKind.THAIQM, format=ImportFormat.NDJSON)  # type: ignore[arg-type]
    assert raised.value.code == code


def test_indicators_and_a_mapping() -> None:
    result = {**PERSON, "fiscal_year": 2569, "bmn-31-22": "fail"}
    (row,) = read(json.dumps(result) + "\n", kind=ImportKind.BMN)
    assert [(name, found.value) for name, found in row.results] == [("bmn-31-22", "fail")]
    theirs = {"PID": "1234567890121", "FNAME": "ก", "HOUSE_ID": "42011234567", "SEX": 2, "EXTRA": 1}
    parts = {"PROVINCE_CODE": 42, "DISTRICT_CODE": 1, "SUBDISTRICT_CODE": 1}
    (row,) = read(json.dumps({**theirs, **parts}) + "\n")
    assert row.faults == ()
    assert row.household is not None
    assert (row.household.area_code, row.household.house_code) == ("420101", "42011234567")
