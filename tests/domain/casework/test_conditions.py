from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from domain.casework.conditions import Facts, MemberFacts, judge
from domain.casework.menus import Condition

CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)
ANN, BEN = UUID(int=1), UUID(int=2)


def member(person_id: UUID = ANN, **given: Any) -> MemberFacts:
    return MemberFacts(person_id=person_id, **given)


def facts(*members: MemberFacts, **given: Any) -> Facts:
    return Facts.model_validate({"area_code": "420103", "dimension": "income", "members": members} | given)


def passed(rule: dict[str, Any], about: Facts) -> bool | None:
    return judge(CONDITION.validate_python(rule), about).passed


def test_classification() -> None:
    rule = {"rule": "classification", "any_of": ["developable"]}
    assert passed(rule, facts(classification="developable")) is True
    assert passed(rule, facts(classification="welfare")) is False
    assert passed(rule, facts()) is None


def test_land() -> None:
    assert passed({"rule": "land", "has": False}, facts(has_land=False)) is True
    assert passed({"rule": "land", "has": True}, facts(has_land=False)) is False
    assert passed({"rule": "land", "has": True}, facts()) is None


@pytest.mark.parametrize(
    ("state", "who"),
    [
        ("able", member(able_to_work=True)),
        ("limited", member(able_to_work=True, disabled=True)),
        ("unable", member(able_to_work=False)),
        ("unable", member(bedridden=True)),
        ("bedridden", member(bedridden=True)),
        ("disabled", member(disabled=True)),
    ],
)
def test_states_of_health(state: str, who: MemberFacts) -> None:
    assert passed({"rule": "health", "any_of": [state]}, facts(who)) is True


def test_the_bedridden_are_not_able() -> None:
    assert (
        passed(
            {"rule": "health", "any_of": ["able", "limited"]},
            facts(member(able_to_work=True, bedridden=True)),
        )
        is False
    )


def test_old_age_does_as_well_as_limited_health() -> None:
    rule = {"rule": "health", "any_of": ["limited"], "or_age_min": 60}
    assert passed(rule, facts(member(age=60, able_to_work=True))) is True
    assert passed(rule, facts(member(age=59, able_to_work=True, disabled=False))) is False
    assert passed(rule, facts(member(able_to_work=True, disabled=False))) is None


@pytest.mark.parametrize(("age", "verdict"), [(14, False), (15, True), (59, True), (60, False), (None, None)])
def test_ages_include_both_ends(age: int | None, verdict: bool | None) -> None:
    assert passed({"rule": "age", "min": 15, "max": 59}, facts(member(age=age))) is verdict


def test_a_rule_is_about_the_person_of_the_problem_if_there_is_one() -> None:
    household = (member(ANN, age=70), member(BEN, age=30))
    rule = {"rule": "age", "min": 60}
    assert passed(rule, facts(*household)) is True
    assert passed(rule, facts(*household, person_id=BEN)) is False
    assert passed(rule | {"who": "any_member"}, facts(*household, person_id=BEN)) is True
    assert passed(rule | {"who": "person"}, facts(*household)) is None


def test_nobody_to_ask_is_not_known() -> None:
    assert passed({"rule": "age", "min": 60}, facts()) is None
    assert passed({"rule": "able_to_work"}, facts(member(ANN), person_id=BEN)) is None


def test_a_pregnancy_is_for_a_person_to_confirm() -> None:
    rule = {"rule": "age", "max": 6, "or_confirm_th": "มีหญิงตั้งครรภ์"}
    assert passed(rule, facts(member(age=30))) is None
    assert passed(rule, facts(member(age=3))) is True


def test_work_and_occupation() -> None:
    assert passed({"rule": "able_to_work"}, facts(member(able_to_work=True))) is True
    assert passed({"rule": "occupation"}, facts(member(has_occupation=False))) is False


def test_income_counts_by_head_or_by_household() -> None:
    two = (member(ANN), member(BEN))
    by_head = {"rule": "income", "max": "100000"}
    by_household = by_head | {"unit": "baht/household/year"}
    assert passed(by_head, facts(*two, annual_income_per_person=Decimal("100000.00"))) is True
    assert passed(by_head, facts(*two, annual_income_per_person=Decimal("100000.01"))) is False
    assert passed(by_household, facts(*two, annual_income_per_person=Decimal(50_001))) is False
    assert passed(by_household, facts(*two, annual_income_per_person=Decimal(50_000))) is True
    assert passed(by_household, facts(annual_income_per_person=Decimal(1))) is None
    assert passed(by_head, facts(*two)) is None


def test_a_question_for_a_person_has_no_verdict() -> None:
    verdict = judge(CONDITION.validate_python({"rule": "confirm", "text_th": "มีแผนอาชีพ"}), facts())
    assert (verdict.rule, verdict.passed, verdict.actual) == ("confirm", None, None)


RULES = [
    {"rule": "age", "min": 18},
    {"rule": "income", "max": "100000"},
    {"rule": "income", "max": "100000", "unit": "baht/household/year"},
    {"rule": "health", "any_of": ["able"]},
]


@given(st.sampled_from(RULES), st.integers(7, 120), st.integers(38_001, 10_000_000))
def test_what_was_seen_is_a_band_and_never_the_figure(rule: dict[str, Any], age: int, income: int) -> None:
    about = facts(member(age=age, able_to_work=True), annual_income_per_person=Decimal(income))
    actual = judge(CONDITION.validate_python(rule), about).actual
    bands: list[str | bool] = [
        "7-14",
        "15-17",
        "18-34",
        "35-59",
        "60+",
        "<=50000",
        "<=100000",
        ">100000",
        True,
    ]
    assert actual in bands
