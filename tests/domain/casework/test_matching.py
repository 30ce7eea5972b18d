from datetime import date
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.casework.conditions import Facts, MemberFacts
from domain.casework.matching import IndicatorDuty, MenuMatch, match_menus, score
from domain.casework.menus import MenuDraft
from domain.reference.units import ActsThrough, Routing

ROUTING = Routing.of(
    {"MOPH": "country", "PROV_MOPH": "province", "HPH": "subdistrict", "AIHD": "country"},
    [
        ActsThrough(
            code="MOPH", sequence=1, unit_kind="PROV_MOPH", reason_th="แทน", reason_en="acts", source="test"
        )
    ],
)
BEDRIDDEN = IndicatorDuty(id="bmn-38-10", lead_agencies=("MOPH",), joint_agencies=("AIHD",))


def menu(code: str, **given: Any) -> MenuDraft:
    base = {"code": code, "title_th": "เมนู", "kind": "other", "dimension": "health", "lead_agencies": ["HPH"]}
    return MenuDraft.model_validate(base | given)


def facts(**given: Any) -> Facts:
    base = {"area_code": "420103", "dimension": "health", "indicator_id": "bmn-38-10"}
    return Facts.model_validate(base | given)


def match(
    menus: list[MenuDraft], indicator: IndicatorDuty | None = BEDRIDDEN, **given: Any
) -> tuple[MenuMatch, ...]:
    return match_menus(
        facts(**given),
        menus,
        on=date(2026, 11, 21),
        indicator=indicator,
        routing=ROUTING,
        exists={"PROV_MOPH-42", "HPH-420103"}.__contains__,
    )


def codes(matches: tuple[MenuMatch, ...]) -> list[str]:
    return [found.menu_code for found in matches]


def test_candidates_share_the_dimension_or_the_indicator() -> None:
    elsewhere = menu("B", dimension="income", indicators=["bmn-38-10"])
    assert codes(match([menu("A"), elsewhere, menu("C", dimension="income")])) == ["B", "A"]


def test_order_is_overlap_then_eligible_then_ladder_then_stage_then_code() -> None:
    overlap = {"indicators": ["bmn-38-10"]}
    refused = {"conditions": [{"rule": "land", "has": True}]}
    menus = [
        menu("G", ladder_step=1),
        menu("F", ladder_step=3),
        menu("E", **refused),
        menu("D", **overlap, **refused),
        menu("C", **overlap, ladder_step=2, stage_goal="sustain"),
        menu("B", **overlap, ladder_step=2),
        menu("A", **overlap, ladder_step=2),
    ]
    assert codes(match(menus, has_land=False)) == ["A", "B", "C", "D", "G", "F", "E"]


def test_a_refused_menu_is_listed_with_the_condition_that_failed() -> None:
    conditions = [{"rule": "land", "has": True}, {"rule": "confirm", "text_th": "ยินยอม"}]
    (found,) = match([menu("A", conditions=conditions)], has_land=False)
    assert not found.eligible
    assert [(verdict.rule, verdict.passed, verdict.actual) for verdict in found.conditions] == [
        ("land", False, False),
        ("confirm", None, None),
    ]


def test_what_is_not_known_does_not_stand_in_the_way() -> None:
    (found,) = match([menu("A", conditions=[{"rule": "land", "has": True}])])
    assert found.eligible


def test_a_menu_that_is_not_offered_does_not_appear() -> None:
    assert match([menu("A", enabled=False), menu("B", areas=["41"]), menu("C", valid_to="2026-11-20")]) == ()


def test_agencies_come_from_the_menu_then_the_indicator_as_units_at_the_area() -> None:
    (found,) = match([menu("A", lead_agencies=["HPH"], joint_agencies=["MOPH"])])
    assert [(agency.code, agency.role) for agency in found.agencies] == [
        ("HPH-420103", "lead"),
        ("PROV_MOPH-42", "joint"),
        ("AIHD", "joint"),
    ]
    assert "menu A" in found.agencies[1].reason
    assert "bmn-38-10" in found.agencies[2].reason


def test_an_indicator_of_the_older_edition_finds_the_menus_of_its_successor() -> None:
    old = IndicatorDuty(id="bmn-31-29", successor="bmn-38-10")
    menus = [menu("A"), menu("B", indicators=["bmn-38-10"])]
    assert codes(match(menus, old, indicator_id="bmn-31-29")) == ["B", "A"]


def test_a_problem_without_an_indicator_matches_by_dimension() -> None:
    found = match([menu("A", indicators=["bmn-38-10"])], None, indicator_id=None)
    assert [agency.code for agency in found[0].agencies] == ["HPH-420103"]


def test_a_match_carries_no_figure_of_a_person() -> None:
    about = MemberFacts(person_id=UUID(int=7), age=43, bedridden=True)
    rules = [{"rule": "age", "min": 35}, {"rule": "health", "any_of": ["bedridden"], "who": "any_member"}]
    text = match([menu("A", conditions=rules)], members=(about,))[0].model_dump_json()
    assert "43" not in text
    assert str(about.person_id) not in text


@given(
    st.tuples(
        st.booleans(), st.booleans(), st.integers(1, 3), st.sampled_from(["survive", "sufficient", "sustain"])
    ),
    st.tuples(
        st.booleans(), st.booleans(), st.integers(1, 3), st.sampled_from(["survive", "sufficient", "sustain"])
    ),
)
def test_the_score_orders_as_the_rule_does(one: Any, other: Any) -> None:
    stages = ["survive", "sufficient", "sustain"]

    def points(case: Any) -> int:
        overlaps, eligible, ladder_step, stage_goal = case
        return score(
            menu("A", ladder_step=ladder_step, stage_goal=stage_goal), overlaps=overlaps, eligible=eligible
        )

    def rank(case: Any) -> tuple[bool, bool, int, int]:
        overlaps, eligible, ladder_step, stage_goal = case
        return not overlaps, not eligible, ladder_step, stages.index(stage_goal)

    assert (points(one) > points(other)) == (rank(one) < rank(other))
