"""The demo is the same every time, shaped as its sources say, and obeys the service's own rules."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import fiscal_year, today
from domain.casework.states import (
    ASSIGNMENT_MOVES,
    ENTITLING,
    OPEN_PROBLEM,
    PROBLEM_MOVES,
    AssignmentStatus,
    ProblemStatus,
)
from domain.registry.citizen_id import CitizenId, parse
from domain.registry.deprivation import dimension_mask
from domain.registry.household import CaseStatus, Classification, CloseOutcome
from persistence.demo import ids, shares
from persistence.demo.calendar import AS_OF, FISCAL_YEAR, REGISTERED_BY, registered
from persistence.demo.drafts import household as draft
from persistence.demo.generator import generate
from persistence.demo.records import Household
from persistence.demo.survey import DIMENSION, INCOME, MEMBER_SET

NUMBERS = st.integers(0, ids.HOUSEHOLDS - 1)
FOLLOWING = {ProblemStatus.ASSIGNED: {ProblemStatus.ANALYSED}}
"""Moves that follow from others: an assignment that ends without help gives its problems back."""


@pytest.fixture(scope="module")
def demo() -> list[Household]:
    return list(generate(5000))


def everything(one: Household) -> tuple[object, ...]:
    """All of a household that a difference could show in."""
    moves = [[*problem.moves] for problem in one.problems], [[*given.moves] for given in one.assignments]
    events = [(event.id, event.external_id, event.value_baht, event.provided_on) for event in one.events]
    return draft(one), one.id, [person.id for person in one.members], one.results, moves, events, one.analyses


def row_ids(one: Household) -> Iterator[UUID]:
    yield one.id
    yield from (person.id for person in one.members)
    for listed in (one.problems, one.assignments):
        for found in listed:
            yield found.id
            yield from (move.id for move in found.moves)
    yield from (found.id for found in (*one.analyses, *one.events))


def test_a_household_is_the_same_whatever_the_total() -> None:
    small, large = generate(100), generate(1000)
    assert [everything(one) for one in small] == [everything(one) for one in islice(large, 100)]


@given(start=st.integers(0, 3_000_000))
def test_a_household_is_the_same_wherever_generating_starts(start: int) -> None:
    one, alone = list(generate(2, start=start))[1], next(generate(1, start=start + 1))
    assert everything(one) == everything(alone)


def test_the_generator_keeps_nothing_back() -> None:
    assert next(generate(ids.HOUSEHOLDS)).number == 0


@given(number=NUMBERS, member=st.integers(0, 9))
def test_citizen_ids_are_synthetic_and_valid(number: int, member: int) -> None:
    digits = ids.citizen_id(number, member)
    assert digits[0] == "9"
    assert isinstance(parse(digits), CitizenId)


@given(first=st.tuples(NUMBERS, st.integers(0, 9)), second=st.tuples(NUMBERS, st.integers(0, 9)))
def test_two_people_never_share_a_citizen_id(first: tuple[int, int], second: tuple[int, int]) -> None:
    assert (ids.citizen_id(*first) == ids.citizen_id(*second)) == (first == second)


@given(number=st.integers(0, 2**40 - 2), row=st.integers(0, ids.ROWS - 1), other=st.integers(0, ids.ROWS - 1))
def test_row_ids_are_uuidv7_and_grow_with_the_household(number: int, row: int, other: int) -> None:
    at = datetime(2025, 1, 1, tzinfo=UTC)
    one, following = ids.row_id(at, number, row), ids.row_id(at, number + 1, other)
    assert one.version == 7
    assert one.int >> 80 == at.timestamp() * 1000
    assert one < following
    assert following < ids.row_id(at + timedelta(milliseconds=1), 0, 0)


@given(number=st.integers(0, 20_000_000))
def test_registration_grows_with_the_number_and_stays_in_its_year(number: int) -> None:
    assert registered(number) <= registered(number + 1) < REGISTERED_BY
    assert fiscal_year(registered(number)) == FISCAL_YEAR - 1


def test_no_id_is_given_twice(demo: list[Household]) -> None:
    found = [given for one in demo for given in row_ids(one)]
    assert len(found) == len(set(found))
    citizens = [person.citizen_id for one in demo for person in one.members if person.citizen_id]
    assert len(citizens) == len(set(citizens))
    houses = [one.house_code for one in demo]
    assert len(houses) == len(set(houses))
    assert [one.id for one in demo] == sorted(one.id for one in demo)


def test_households_have_one_to_nine_members_and_one_head(demo: list[Household]) -> None:
    sizes = Counter(len(one.members) for one in demo)
    assert set(sizes) == set(range(1, 10))
    assert sum(size * times for size, times in sizes.items()) / len(demo) == pytest.approx(3.03, abs=0.07)
    for one in demo:
        assert [person.relationship for person in one.members].count("head") == 1
        assert one.head.deceased_on is None


def test_ages_fit_the_relationship_to_the_head(demo: list[Household]) -> None:
    for one in demo:
        for person in one.members[1:]:
            years = one.head.age - person.age
            if person.relationship == "child":
                assert years >= 18
            if person.relationship == "grandchild":
                assert years >= 40
            if person.relationship == "parent":
                assert -38 <= years <= -18
            if person.relationship in ("spouse", "child_in_law", "parent_in_law"):
                assert person.age >= 20
            assert person.joined_on is None or person.joined_on >= person.birth_date


def test_the_shares_are_those_of_the_sources(demo: list[Household]) -> None:
    groups = Counter(entry["group"] for one in demo for entry in one.target_groups)
    total, classes = len(demo), Counter(one.classification for one in demo)
    for name, counted in (("developable", 439), ("welfare", 55), ("declined", 455), ("other", 27)):
        assert classes[name] / total == pytest.approx(counted / 1016, abs=0.025)
    poor, asked = groups["1a"] + groups["1b"], groups["3a"] + groups["3b"]
    assert poor / total == pytest.approx(0.038, abs=0.009)
    assert groups["1a"] / poor == pytest.approx(211_739 / 655_365, abs=0.11)
    assert asked / total == pytest.approx(0.76, abs=0.025)
    assert groups["3a"] / asked == pytest.approx(9_639_754 / 13_220_965, abs=0.025)
    cards = Counter(person.welfare_card for one in demo for person in one.members)
    assert cards["has_card"] / cards.total() == pytest.approx(0.40, abs=0.03)
    assert sum(len(one.members) for one in demo) / total == pytest.approx(33_384_526 / 11_023_225, abs=0.07)


def test_three_in_ten_problems_come_back(demo: list[Household]) -> None:
    troubled = [one for one in demo if one.problems]
    again = [one for one in troubled if any(problem.recurrence_of for problem in one.problems)]
    assert len(again) / len(troubled) == pytest.approx(shares.RECURRING, abs=0.025)
    for one in again:
        known = {problem.id: problem for problem in one.problems}
        for problem in one.problems:
            if problem.recurrence_of is not None:
                earlier = known[problem.recurrence_of]
                assert earlier.status in ("resolved", "declined")
                assert earlier.fiscal_year == problem.fiscal_year - 1
                assert earlier.dimension == problem.dimension


def test_there_is_work_for_everybody(demo: list[Household]) -> None:
    count = len(demo)
    assert sum(len(one.problems) for one in demo) / count == pytest.approx(2.0, abs=0.15)
    assert sum(len(one.assignments) for one in demo) / count == pytest.approx(1.5, abs=0.15)
    assert sum(len(one.events) for one in demo) / count == pytest.approx(1.5, abs=0.15)


def test_every_stage_is_present_in_a_small_demo(demo: list[Household]) -> None:
    small = demo[:2000]
    assert {one.case_status for one in small} == set(CaseStatus)
    assert {one.close_outcome for one in small} == {*CloseOutcome, None}
    assert {one.classification for one in small} == set(Classification)
    assert {problem.status for one in small for problem in one.problems} == set(ProblemStatus)
    assert {problem.proposed_status for one in small for problem in one.problems} == {
        None,
        "resolved",
        "entered_in_error",
    }
    assert {given.status for one in small for given in one.assignments} == set(AssignmentStatus)
    assert {None in done.parts for one in small for done in one.analyses} == {True, False}
    due = [given.due_on for one in small for given in one.assignments if given.status == "in_progress"]
    assert min(due) < AS_OF < max(due)


def test_income_decides_the_income_indicator(demo: list[Household]) -> None:
    for one in demo:
        answers = [answer.result for answer in one.results if answer.indicator_id == INCOME]
        if one.annual_income_per_person is None:
            assert answers == []
            continue
        each = int(one.annual_income_per_person.removesuffix(".00"))
        assert answers in ([("fail" if each < 38_000 else "pass")], ["no_data"])
        alive = [person for person in one.members if person.annual_income is not None]
        assert sum(person.annual_income or 0 for person in alive) == each * len(alive)
        vulnerable = any(entry["group"] == "2" for entry in one.target_groups)
        dependent = any(person.age < 18 or person.age >= 60 or person.disabilities for person in one.members)
        assert vulnerable == (each <= 100_000 or dependent)


def test_the_mask_follows_from_the_results(demo: list[Household]) -> None:
    for one in demo:
        answers = [
            (answer.indicator_id, DIMENSION[answer.indicator_id], answer.result) for answer in one.results
        ]
        assert one.dimension_mask == dimension_mask(answers, MEMBER_SET)
        poor = any(entry["group"] in ("1a", "1b") for entry in one.target_groups)
        assert poor == ("1" in (one.dimension_mask or ""))
    failing = Counter(
        name
        for one in demo
        for name, digit in zip("hleia", one.dimension_mask or "", strict=False)
        if digit == "1"
    )
    assert failing.most_common(1)[0][0] == "i"


def test_histories_are_paths_of_the_machines(demo: list[Household]) -> None:
    for one in demo:
        for problem in one.problems:
            taken = [move for move in problem.moves if not move.proposal]
            assert taken[0].from_status is None
            assert taken[-1].to_status == problem.status
            for before, after in pairwise(taken):
                state = ProblemStatus(before.to_status)
                assert after.from_status == state
                assert after.to_status in (*PROBLEM_MOVES[state], *FOLLOWING.get(state, ()))
        for given_to in one.assignments:
            assert given_to.moves[0].from_status is None
            assert given_to.moves[0].to_status in ("proposed", "assigned")
            assert given_to.moves[-1].to_status == given_to.status
            for before, after in pairwise(given_to.moves):
                assert after.from_status == before.to_status
                assert after.to_status in ASSIGNMENT_MOVES[AssignmentStatus(before.to_status)]


def test_time_runs_forward_and_ends_with_the_year(demo: list[Household]) -> None:
    for one in demo:
        for listed in (one.problems, one.assignments):
            for found in listed:
                times = [move.at for move in found.moves]
                assert times == sorted(times)
                assert one.created_at < found.created_at == times[0]
                assert today(times[-1]) <= AS_OF
                assert found.id.int >> 80 == int(found.created_at.timestamp() * 1000)
        for event in one.events:
            assert event.provided_on <= today(event.recorded_at) <= AS_OF
        assert one.updated_at is None or today(one.updated_at) <= AS_OF


def test_states_are_founded_on_what_is_recorded(demo: list[Household]) -> None:
    for one in demo:
        helped = {given for event in one.events for given in event.problem_ids}
        by_events = {event.assignment_id for event in one.events}
        for given_to in one.assignments:
            if given_to.status in ("in_progress", "completed", "confirmed"):
                assert given_to.id in by_events
                helped |= {problem.id for problem in given_to.problems}
            assert (given_to.outcome is not None) == (given_to.status in ("completed", "confirmed"))
            assert (given_to.escalated_to is not None) == (given_to.status == "escalated")
        for problem in one.problems:
            analysed = [move for move in problem.moves if move.to_status == "analysed" and not move.proposal]
            if analysed:
                complete = [done for done in one.analyses if None not in done.parts]
                assert min(done.created_at for done in complete) <= analysed[0].at
            if problem.status in ("being_helped", "resolved"):
                assert problem.id in helped
            if problem.status == "assigned":
                covering = [a for a in one.assignments if problem in a.problems and a.status in ENTITLING]
                assert covering
            if problem.status not in OPEN_PROBLEM and problem.status != "resolved":
                live = [
                    a
                    for a in one.assignments
                    if problem in a.problems
                    and a.status in ("proposed", "assigned", "accepted", "in_progress")
                ]
                assert not live
            assert (problem.moved_to is not None) == (problem.status == "moved_out")
        assert (one.close_outcome is not None) == (one.case_status == "closed")
        if one.case_status in ("monitoring", "closed"):
            assert not any(problem.status in OPEN_PROBLEM for problem in one.problems)


def test_the_mistaken_are_confirmed_by_another_client(demo: list[Household]) -> None:
    for one in demo:
        for problem in one.problems:
            said = [move for move in problem.moves if move.to_status == "entered_in_error"]
            if problem.status == "entered_in_error":
                assert [move.proposal for move in said] == [True, False]
                assert said[0].client_id != said[1].client_id
            elif problem.proposed_status == "entered_in_error":
                assert problem.proposed_by == said[0].client_id


def test_the_deceased_are_dead(demo: list[Household]) -> None:
    for one in demo:
        dead = {person.id for person in one.members if person.deceased_on is not None}
        assert dead == {problem.person_id for problem in one.problems if problem.status == "deceased"}


@pytest.mark.parametrize("area", ["42", "4203", "420103", "42010305", "41"])
def test_households_live_in_the_area(area: str) -> None:
    for one in generate(50, areas=[area]):
        assert one.area_code.startswith(area)
        assert len(one.area_code) == 8


def test_the_country_is_without_bangkok() -> None:
    provinces = {one.area_code[:2] for one in generate(3000, areas=["*"])}
    assert "10" not in provinces
    assert len(provinces) > 70


@pytest.mark.parametrize("areas", [["10"], ["99"], ["42", "4299"], []])
def test_nobody_lives_in_an_unknown_area(areas: list[str]) -> None:
    with pytest.raises(ValueError, match="area"):
        generate(1, areas=areas)


@pytest.mark.parametrize(("count", "start"), [(-1, 0), (1, -1), (1, ids.HOUSEHOLDS)])
def test_an_impossible_number_is_refused_at_once(count: int, start: int) -> None:
    with pytest.raises(ValueError, match="households"):
        generate(count, start=start)
