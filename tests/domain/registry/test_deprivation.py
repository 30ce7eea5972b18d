import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.registry.deprivation import DIMENSIONS, Answer, deprived, dimension_mask, failed_dimensions

MEMBERS = {
    "bmn-31-1": "health",
    "bmn-31-8": "living",
    "bmn-31-15": "education",
    "bmn-31-22": "income",
    "bmn-31-27": "access",
}

answers = st.lists(
    st.tuples(
        st.sampled_from([*MEMBERS, "bmn-31-23"]),
        st.sampled_from(["pass", "fail", "not_applicable", "no_data"]),
    ).map(lambda pair: (pair[0], MEMBERS.get(pair[0]), pair[1]))
)


def test_failing_only_indicator_22_is_poor_in_income_alone() -> None:
    mask = dimension_mask([("bmn-31-22", "income", "fail"), ("bmn-31-1", "health", "pass")], MEMBERS)
    assert (mask, deprived(mask), failed_dimensions(mask)) == ("00010", True, ("income",))


def test_failing_only_savings_is_not_poor() -> None:
    mask = dimension_mask([("bmn-31-23", None, "fail"), ("bmn-31-22", "income", "pass")], MEMBERS)
    assert (mask, deprived(mask)) == ("00000", False)


def test_without_a_pass_or_a_fail_of_a_member_nothing_is_known() -> None:
    results: list[Answer] = [("bmn-31-22", "income", "no_data"), ("bmn-31-27", "access", "not_applicable")]
    assert dimension_mask([*results, ("bmn-31-23", None, "fail")], MEMBERS) is None
    assert deprived(None) is None
    assert failed_dimensions(None) == ()


def test_the_digits_are_in_the_official_order() -> None:
    for position, (indicator_id, dimension) in enumerate(MEMBERS.items()):
        mask = dimension_mask([(indicator_id, dimension, "fail")], MEMBERS)
        assert mask is not None
        assert mask.index("1") == position == DIMENSIONS.index(dimension)


def test_a_member_without_a_dimension_is_a_mistake_of_the_campaign() -> None:
    with pytest.raises(ValueError, match="bmn-31-22"):
        dimension_mask([("bmn-31-22", None, "fail")], MEMBERS)


@given(answers)
def test_a_dimension_is_failed_if_and_only_if_a_member_of_it_fails(results: list[Answer]) -> None:
    failing = {dimension for indicator_id, dimension, result in results if dimension and result == "fail"}
    assert set(failed_dimensions(dimension_mask(results, MEMBERS))) == failing


@given(answers, answers)
def test_more_results_never_undo_a_failure(results: list[Answer], more: list[Answer]) -> None:
    before = failed_dimensions(dimension_mask(results, MEMBERS))
    assert set(before) <= set(failed_dimensions(dimension_mask([*more, *results], MEMBERS)))
