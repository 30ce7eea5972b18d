"""Cells become rows under the rules that a request is held to."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.assistance.event import AssistanceType
from domain.exchange.reading.columns import RESULTS, columns_of, required_of, template_of
from domain.exchange.reading.kinds import ImportKind
from domain.exchange.reading.layout import Joined, Layout, own_layout, plan
from domain.exchange.reading.reader import RowReader
from domain.exchange.reading.rows import CleanRow, UnreadableFile
from domain.registry.citizen_id import check_digit
from domain.registry.household import HouseholdDraft, MemberDraft, Relationship
from domain.registry.person import PersonDraft, Sex, VitalStatus
from domain.registry.rules import household_faults

TODAY = date(2026, 11, 21)
ID = "1234567890121"
PERSON = {"record_id": "R1", "citizen_id": ID, "area_code": "420101", "first_name": "สมศรี"}
EVENT = {
    "record_id": "HO-1", "house_code": "42011234567", "dimension": "income", "assistance_type": "ฝึกอบรม",
    "provided_on": "1/2/2569",
}  # fmt: skip


def read(cells: Mapping[str, str], kind: ImportKind = ImportKind.THAIQM) -> CleanRow:
    reader = RowReader(plan(own_layout(kind), kind, list(cells)), today=TODAY)
    return reader.row(2, list(cells.values()))


def codes(row: CleanRow) -> set[tuple[str, str]]:
    return {(fault.column, fault.code) for fault in row.faults}


def test_a_person_of_a_household() -> None:
    row = read(
        {
            **PERSON,
            "moo": "๓",
            "sex": "หญิง",
            "birth_date": "31/1/2509",
            "relationship": "บุตร",
            "bedridden": "ไม่",
        }
    )
    assert (row.faults, row.number, row.record_id, row.citizen_id) == ((), 2, "R1", ID)
    assert row.household is not None
    assert row.person is not None
    assert row.event is None
    assert (row.household.area_code, row.household.moo) == ("420101", 3)
    assert (row.person.sex, row.person.birth_date, row.person.bedridden) == (
        Sex.FEMALE,
        date(1966, 1, 31),
        False,
    )
    assert row.person.relationship is Relationship.CHILD
    assert "moo" in row.given
    assert "phone" not in row.given


def test_an_event() -> None:
    row = read({**EVENT, "value_baht": "1,500"}, ImportKind.ASSISTANCE)
    assert (row.faults, row.record_id, row.person, row.household) == ((), "HO-1", None, None)
    assert row.event is not None
    assert row.event.assistance_type is AssistanceType.TRAINING
    assert (row.event.provided_on, row.event.value_baht) == (date(2026, 2, 1), Decimal("1500"))


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"citizen_id": ""}, {("citizen_id", "no-id-reason-required")}),
        ({"no_id_reason": "stateless"}, {("no_id_reason", "no-id-reason-not-needed")}),
        ({"citizen_id": "1234567890122"}, {("citizen_id", "invalid-citizen-id")}),
        ({"first_name": "-"}, {("first_name", "required")}),
        ({"area_code": ""}, {("area_code", "required")}),
        ({"area_code": "42"}, {("area_code", "wrong-format")}),
        ({"birth_date": "1/1/2570"}, {("birth_date", "future-date")}),
        ({"birth_date": "1/1/2400"}, {("birth_date", "implausible-date")}),
        ({"birth_date": "1/1/2540", "deceased_on": "1/1/2530"}, {("deceased_on", "before-birth")}),
        ({"vital_status": "มีชีวิต", "deceased_on": "1/1/2560"}, {("deceased_on", "not-deceased")}),
        ({"relationship": "หัวหน้า", "deceased_on": "1/1/2560"}, {("relationship", "deceased-head")}),
        ({"joined_on": "1/1/2571"}, {("joined_on", "future-date")}),
        ({"seen_on": "1/1/2571"}, {("seen_on", "future-date")}),
        ({"latitude": "17.5"}, {("longitude", "required")}),
        ({"target_group": "1a"}, {("fiscal_year", "required")}),
        ({"record_id": f"คน {ID}"}, {("record_id", "personal-data")}),
        ({"sex": "?", "moo": "x"}, {("sex", "unknown-value"), ("moo", "wrong-format")}),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_of_persons_is_named(more: dict[str, str], found: set[tuple[str, str]]) -> None:
    assert codes(read({**PERSON, **more})) == found


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"record_id": ""}, {("record_id", "required")}),
        ({"house_code": ""}, {("household_id", "one-identifier")}),
        ({"citizen_id": ID}, {("household_id", "one-identifier")}),
        ({"house_code": "12"}, {("house_code", "wrong-format")}),
        ({"provided_on": "22/11/2569"}, {("provided_on", "future-date")}),
        ({"provided_on": "1/1/2500"}, {("provided_on", "implausible-date")}),
        ({"dimension": "", "assistance_type": ""}, {("dimension", "required"), ("assistance_type", "required")}),
        ({"description": f"ให้ {ID}"}, {("description", "personal-data")}),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_of_events_is_named(more: dict[str, str], found: set[tuple[str, str]]) -> None:
    assert codes(read({**EVENT, **more}, ImportKind.ASSISTANCE)) == found


def test_a_date_of_death_alone_says_deceased() -> None:
    row = read({**PERSON, "deceased_on": "1/1/2560"})
    assert row.person is not None
    assert row.person.vital_status is VitalStatus.DECEASED


IDS = st.integers(0, 10**12 - 1).map(lambda n: f"{n:012d}" + check_digit(f"{n:012d}"))
NAMES = st.sampled_from(["สมศรี", "ใจดี", "O'Brien", "น้ำ", "คน 1234567890123", "a\x00b", "ก" * 201])
DATES = st.dates(date(1880, 1, 1), date(2030, 1, 1)).map(date.isoformat)
CELLS = st.fixed_dictionaries(
    {"first_name": NAMES, "area_code": st.sampled_from(["420101", "42010101", "4201"])},
    optional={
        "citizen_id": IDS, "no_id_reason": st.sampled_from(["newborn", "stateless"]), "last_name": NAMES,
        "birth_date": DATES, "deceased_on": DATES, "vital_status": st.sampled_from(["alive", "deceased", "unknown"]),
        "relationship": st.sampled_from(["head", "child"]), "joined_on": DATES, "occupation": NAMES,
        "annual_income": st.sampled_from(["0", "1500.50", "1.234", "-1", "12345678901"]),
        "phone": st.sampled_from(["0812345678", "x"]),
    },
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(CELLS)
def test_a_row_is_rejected_exactly_when_a_registration_is(cells: dict[str, str]) -> None:
    row = read({"citizen_id": "", **cells})
    assert (not row.faults) == registrable(cells)


def registrable(cells: dict[str, str]) -> bool:
    """What a request with the same values would be answered. A date of death alone says deceased in a file."""
    person: dict[str, Any] = {name: text for name, text in cells.items() if name in PersonDraft.model_fields}
    if "deceased_on" in person:
        person.setdefault("vital_status", "deceased")
    member = {"relationship": cells.get("relationship", "other"), "person": person}
    if "joined_on" in cells:
        member["joined_on"] = cells["joined_on"]
    try:
        draft = HouseholdDraft(area_code=cells["area_code"], members=[MemberDraft.model_validate(member)])
    except ValidationError:
        return False
    return not household_faults(draft, today=TODAY)


def test_results_stand_under_their_indicators() -> None:
    cells = {
        **PERSON,
        "fiscal_year": "2569",
        "bmn-38-29": "ตกเกณฑ์",
        "bmn-38-1": "ผ่าน",
        "bmn-38-2": "",
        "bmn-38-3": "-",
    }
    row = read(cells, ImportKind.BMN)
    assert [(indicator, result.value) for indicator, result in row.results] == [
        ("bmn-38-29", "fail"),
        ("bmn-38-1", "pass"),
    ]
    assert row.fiscal_year == 2569
    assert codes(read({**cells, "bmn-38-2": "2"}, ImportKind.BMN)) == {("bmn-38-2", "unknown-value")}


@pytest.mark.parametrize(
    ("cells", "beyond", "ragged"),
    [(-1, [], True), (0, [""], False), (0, [" "], False), (0, ["x"], True)],
)
def test_a_row_is_as_wide_as_the_header(cells: int, beyond: list[str], ragged: bool) -> None:
    kind = ImportKind.THAIQM
    reader = RowReader(plan(own_layout(kind), kind, list(PERSON)), today=TODAY)
    given = [*list(PERSON.values())[: cells or None], *beyond]
    assert codes(reader.row(2, given)) == ({("", "ragged-row")} if ragged else set())


def test_the_report_shows_what_stood_in_the_file_and_can_be_stored() -> None:
    row = read({**PERSON, "last_name": "a\x00\ud800b", "occupation": "ก" * 6000})
    assert row.raw["first_name"] == "สมศรี"
    row.raw["last_name"].encode()
    assert "\x00" not in row.raw["last_name"]
    assert len(row.raw["occupation"]) <= 5000


def test_nothing_prints_what_a_row_holds() -> None:
    row = read({**PERSON, "last_name": "ใจดี", "house_no": "99/7", "sex": "?"})
    shown = f"{row} {row!r} {row.person} {row.household} {read(EVENT, ImportKind.ASSISTANCE).event}"
    assert not any(text in shown for text in (ID, "สมศรี", "ใจดี", "99/7", "R1"))


@pytest.mark.parametrize("kind", list(ImportKind))
def test_a_template_has_what_is_needed_and_is_understood(kind: ImportKind) -> None:
    header = template_of(kind)
    over = plan(own_layout(kind), kind, header)
    assert set(over.places) == set(header)
    assert all(set(group) & set(header) for group in required_of(kind))
    assert set(header) <= set(columns_of(kind)) | set(RESULTS)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (["citizen_id", "first_name"], "missing-column"),
        (["area_code", "first_name"], "missing-column"),
        ([*PERSON, "shoe_size"], "unknown-column"),
        ([*PERSON, "", "sex"], "unknown-column"),
        ([*PERSON, " First_Name "], "repeated-column"),
        (["", " "], "empty-file"),
        ([f"c{number}" for number in range(501)], "too-many-columns"),
        (["c\x00i\x00t"], "wrong-encoding"),
        ([ID, "สมศรี", "420101"], "missing-column"),
    ],
)
def test_a_header_that_does_not_do_is_refused_without_repeating_it(header: list[str], code: str) -> None:
    with pytest.raises(UnreadableFile) as raised:
        plan(own_layout(ImportKind.THAIQM), ImportKind.THAIQM, header)
    assert raised.value.code == code
    assert "shoe" not in raised.value.detail
    assert "สมศรี" not in raised.value.detail


def test_indicators_are_of_one_edition_and_bmn_has_some() -> None:
    header = [*PERSON, "fiscal_year"]
    for more, code in (([], "missing-column"), (["bmn-31-1", "bmn-38-1"], "two-editions")):
        with pytest.raises(UnreadableFile) as raised:
            plan(own_layout(ImportKind.BMN), ImportKind.BMN, [*header, *more])
        assert raised.value.code == code


JOINED = Layout(
    "x", frozenset({ImportKind.THAIQM}), {"id": "citizen_id", "n": "first_name", "s": "sex"},
    {"area_code": Joined(("p", "a", "t", "v"), (2, 2, 2, 2), 1)}, {"no_id_reason": "not_known"},
    {"sex": {"1": "male", "9": ""}},
)  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        (["42", "1", "1", "3"], "42010103"),
        (["42.0", "๑", "01", ""], "420101"),
        (["42", "01", "01", "-"], "420101"),
        (["42", "", "1", "1"], None),
        (["42", "101", "1", "1"], None),
    ],
)
def test_a_code_in_parts_gets_its_zeros_back(parts: list[str], code: str | None) -> None:
    header = ["id", "n", "s", "p", "a", "t", "v"]
    reader = RowReader(plan(JOINED, ImportKind.THAIQM, header), today=TODAY)
    row = reader.row(2, ["", "ก", "1", *parts])
    assert row.household is not None
    assert row.household.area_code == code
    assert codes(row) == (set() if code else {("area_code", "wrong-format")})


def test_a_mapping_fills_in_and_translates() -> None:
    header = ["id", "n", "s", "p", "a", "t"]
    reader = RowReader(plan(JOINED, ImportKind.THAIQM, header), today=TODAY)
    male, nothing, odd = (reader.row(2, ["", "ก", sex, "42", "1", "1"]) for sex in ("1", "9", "2"))
    assert male.person is not None
    assert (male.person.sex, male.no_id_reason) == (Sex.MALE, "not_known")
    assert nothing.person is not None
    assert nothing.person.sex is None
    assert codes(odd) == {("sex", "unknown-value")}
