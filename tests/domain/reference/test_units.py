import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.reference.units import ActsAt, ActsThrough, Routing, acting_unit, unit_code


def line(code: str, unit_kind: str, sequence: int = 1, *indicators: str) -> ActsThrough:
    return ActsThrough(
        code=code,
        sequence=sequence,
        unit_kind=unit_kind,
        indicators=indicators,
        reason_th=f"{unit_kind} แทน {code}",
        reason_en=f"{unit_kind} for {code}",
        source="test",
    )


ACTS_AT: dict[str, ActsAt] = {
    "MOPH": "country",
    "MOI": "country",
    "NBTC": "country",
    "LAO": "none",
    "PROV_MOPH": "province",
    "DIST": "district",
    "DIST_CDD": "district",
    "TAO": "subdistrict",
    "TOWN_MUN": "subdistrict",
}
ROUTING = Routing.of(
    ACTS_AT,
    [
        line("MOPH", "PROV_MOPH"),
        line("MOI", "DIST", 1),
        line("MOI", "DIST_CDD", 2, "bmn-38-29"),
        line("NBTC", "NBTC"),
        line("LAO", "TOWN_MUN", 1),
        line("LAO", "TAO", 2),
    ],
)
REGISTERED = {"PROV_MOPH-42", "DIST-4201", "DIST_CDD-4201", "TAO-420101", "TAO-420103", "TOWN_MUN-420101"}


def at(code: str, area_code: str = "42010305", indicator_id: str | None = None) -> str:
    unit = acting_unit(code, area_code, ROUTING, REGISTERED.__contains__, indicator_id=indicator_id)
    assert unit.acts_for == code
    assert unit.reason
    assert unit.reason_th
    return unit.code


def test_a_ministry_acts_through_its_unit_at_the_area() -> None:
    assert at("MOPH") == "PROV_MOPH-42"


def test_a_kind_acts_through_its_own_unit() -> None:
    assert at("TAO") == "TAO-420103"
    assert at("DIST") == "DIST-4201"


def test_a_line_for_the_indicator_comes_before_the_general_one() -> None:
    assert at("MOI", indicator_id="bmn-38-29") == "DIST_CDD-4201"
    assert at("MOI", indicator_id="bmn-38-19") == at("MOI") == "DIST-4201"


def test_a_registered_municipality_is_the_local_government() -> None:
    assert at("LAO", "420101") == "TOWN_MUN-420101"
    assert at("LAO", "420103") == "TAO-420103"


def test_a_body_without_units_acts_as_itself() -> None:
    assert at("NBTC") == "NBTC"


def test_without_a_registered_unit_the_body_itself_is_named_with_the_reason() -> None:
    unit = acting_unit("MOPH", "410101", ROUTING, REGISTERED.__contains__)
    assert unit.code == "MOPH"
    assert "no unit" in unit.reason


def test_a_unit_named_directly_stands() -> None:
    assert at("TAO-420101") == "TAO-420101"


@pytest.mark.parametrize(
    ("level", "code"), [("province", "K-42"), ("district", "K-4201"), ("subdistrict", "K-420103")]
)
def test_a_unit_code_holds_the_area(level: ActsAt, code: str) -> None:
    assert unit_code("K", level, "42010305") == code


def test_an_area_wider_than_a_unit_has_none() -> None:
    assert unit_code("TAO", "subdistrict", "4201") is None
    assert unit_code("MOPH", "country", "420103") is None


@given(st.sampled_from(sorted(ACTS_AT)), st.from_regex("[1-9][0-9]{5}", fullmatch=True))
def test_whoever_acts_is_registered_or_is_the_body_itself(code: str, area_code: str) -> None:
    assert at(code, area_code) in REGISTERED | {code}
