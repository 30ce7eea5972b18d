"""What the code of an agency says about it, and what a draft leaves out."""

from typing import Any

import pytest

from domain.reference.agency import AgencyDraft, AgencyLevel, KnownKind, completed

KINDS = {
    kind.code: kind
    for kind in (
        KnownKind("MOPH", AgencyLevel.NATIONAL, "ministry", "country"),
        KnownKind("SUBD_MUN", AgencyLevel.LOCAL, "local_government", "subdistrict"),
        KnownKind("FOUNDATION", AgencyLevel.PROVINCIAL, "ngo", "province"),
        KnownKind("CD_VOL", AgencyLevel.COMMUNITY, "volunteer", "none"),
    )
}
CATEGORIES = {"ministry", "local_government", "ngo", "volunteer"}


def draft(code: str, **more: Any) -> AgencyDraft:
    return AgencyDraft(code=code, name_th="หน่วยงาน", **more)


def faults(given: AgencyDraft) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in completed(given, KINDS, CATEGORIES)[2]]


def test_a_unit_is_read_from_its_code() -> None:
    agency, category, found = completed(draft("SUBD_MUN-420103"), KINDS, CATEGORIES)
    assert (agency.kind, agency.area_code, agency.level, category) == (
        "SUBD_MUN", "420103", AgencyLevel.LOCAL, "local_government",
    )  # fmt: skip
    assert found == []


def test_several_units_of_a_kind_at_one_place_have_codes_of_their_own() -> None:
    agency, category, found = completed(
        draft("HELPING_HANDS", kind="FOUNDATION", area_code="42"), KINDS, CATEGORIES
    )
    assert (agency.kind, category, found) == ("FOUNDATION", "ngo", [])


@pytest.mark.parametrize(
    ("area_code", "level"),
    [
        (None, AgencyLevel.NATIONAL),
        ("42", AgencyLevel.PROVINCIAL),
        ("4201", AgencyLevel.DISTRICT),
        ("420103", AgencyLevel.SUBDISTRICT),
        ("42010301", AgencyLevel.SUBDISTRICT),
    ],
)
def test_a_body_of_no_listed_kind_names_its_category(area_code: str | None, level: AgencyLevel) -> None:
    agency, category, found = completed(draft("RELIEF", kind="ngo", area_code=area_code), KINDS, CATEGORIES)
    assert (agency.kind, category, agency.level, found) == ("ngo", "ngo", level, [])


def test_a_level_that_is_given_stands() -> None:
    assert completed(draft("SUBD_MUN-420103", level="district"), KINDS, CATEGORIES)[0].level == "district"


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (draft("RELIEF"), ("/kind", "required")),
        (draft("RELIEF", kind="NOBODY"), ("/kind", "unknown-kind")),
        (draft("SUBD_MUN-420103", kind="FOUNDATION"), ("/kind", "not-of-this-code")),
        (draft("SUBD_MUN-420103", area_code="420104"), ("/area_code", "not-of-this-code")),
        (draft("HELPING_HANDS", kind="FOUNDATION"), ("/area_code", "required")),
    ],
)
def test_a_draft_at_odds_with_itself_is_refused(given: AgencyDraft, fault: tuple[str, str]) -> None:
    assert faults(given) == [fault]


def test_a_kind_without_units_needs_no_area() -> None:
    assert faults(draft("VOLUNTEERS", kind="CD_VOL")) == []
