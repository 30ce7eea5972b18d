"""The household list against a model of it in Python, over a generated demo: exactly those, and each once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.access.actor import Actor, Scope
from domain.access.policy import Operation, Reach, admit
from domain.casework.states import ENTITLING, ProblemStatus
from domain.kernel import Paging
from domain.registry.household import (
    CaseStatus,
    Classification,
    DataSource,
    Dimension,
    Group,
    HouseholdFilter,
    Stage,
)
from domain.registry.person import WelfareCard
from persistence.demo.generator import generate
from persistence.demo.load import load
from persistence.demo.records import Household
from persistence.engine import Database
from persistence.registry.filters import ORDERS
from persistence.registry.households import PgHouseholds
from persistence.sealing import Sealing
from tests.support.database import seeing

COUNT = 200
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
DEMO = list(generate(COUNT))
MANY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)


@pytest.fixture(scope="module")
async def database(module_dsn: str, sealing: Sealing) -> AsyncIterator[Database]:
    await load(
        module_dsn,
        COUNT,
        areas=["42"],
        cipher=sealing.cipher,
        blind_index=sealing.index,
        progress=lambda done, total: None,
    )
    opened = await Database.open(module_dsn, size=2)
    yield opened
    await opened.close()


# -- the model: what contract 4 says of each filter, on the generator's own records


def changed(home: Household) -> datetime:
    return home.updated_at or home.created_at


def failed_dimensions(home: Household) -> set[str]:
    digits = zip(
        ("health", "living", "education", "income", "access"), home.dimension_mask or "", strict=False
    )
    return {name for name, digit in digits if digit == "1"}


def in_group(home: Household, groups: list[str], years: list[int]) -> bool:
    """A group holds its subgroups: 1 is 1a and 1b. Years are those of the target groups."""
    return any(
        (not years or one["fiscal_year"] in years)
        and (not groups or any(one["group"].startswith(group) for group in groups))
        for one in home.target_groups
    )


Fits = Callable[[Household, HouseholdFilter], bool]
MODEL: Mapping[str, Fits] = {
    "id": lambda home, where: home.id in where.id,
    "area": lambda home, where: any(home.area_code.startswith(area) for area in where.area),
    "case_status": lambda home, where: home.case_status in where.case_status,
    "failed_dimension": lambda home, where: bool(failed_dimensions(home) & set(where.failed_dimension)),
    "dimension_mask": lambda home, where: home.dimension_mask in where.dimension_mask,
    "indicator": lambda home, where: any(one.result == "fail" and one.indicator_id in where.indicator for one in home.results),
    "problem_status": lambda home, where: any(one.status in where.problem_status for one in home.problems),
    "target_group": lambda home, where: in_group(home, where.target_group, where.fiscal_year),
    "fiscal_year": lambda home, where: in_group(home, where.target_group, where.fiscal_year),
    "classification": lambda home, where: home.classification in where.classification,
    "stage": lambda home, where: home.stage in where.stage,
    "source": lambda home, where: any(one["system"] in where.source for one in home.sources),
    "welfare_card": lambda home, where: any(one.welfare_card in where.welfare_card for one in home.members),
    "assigned_agency": lambda home, where: any(one.agency in where.assigned_agency and one.status not in ("proposed", "returned", "escalated", "cancelled") for one in home.assignments),
    "updated_since": lambda home, where: where.updated_since is not None and changed(home) >= where.updated_since,
}  # fmt: skip


def selected(where: HouseholdFilter) -> list[Household]:
    given = [name for name in HouseholdFilter.model_fields if getattr(where, name)]
    return [home for home in DEMO if all(MODEL[name](home, where) for name in given)]


def test_every_filter_is_modelled() -> None:
    assert set(MODEL) == set(VALUES) == set(HouseholdFilter.model_fields)


def test_the_demo_has_something_for_every_filter() -> None:
    values: Mapping[str, Any] = {
        "case_status": [home.case_status for home in DEMO],
        "stage": [home.stage for home in DEMO],
        "failed_dimension": [one for home in DEMO for one in failed_dimensions(home)],
        "indicator": [one.indicator_id for home in DEMO for one in home.results if one.result == "fail"],
        "problem_status": [one.status for home in DEMO for one in home.problems],
        "group": [one["group"] for home in DEMO for one in home.target_groups],
        "source": [one["system"] for home in DEMO for one in home.sources],
        "agency": [one.agency for home in DEMO for one in home.assignments],
        "classification": [home.classification for home in DEMO],
    }
    assert {name: len(set(found)) > 2 for name, found in values.items()} == dict.fromkeys(values, True)


# -- what is asked


def some(values: Any, most: int = 3) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(sorted(set(values))), min_size=1, max_size=most, unique=True)


AREAS = {home.area_code[:length] for home in DEMO for length in (2, 4, 6, 8)} | {"41", "4201", "42010199"}
TIMES = sorted({changed(home) for home in DEMO})
MASKS = {home.dimension_mask for home in DEMO if home.dimension_mask} | {"11111"}
FAILED = {one.indicator_id for home in DEMO for one in home.results if one.result == "fail"} | {"bmn-38-99"}
AGENCIES = {one.agency for home in DEMO for one in home.assignments} | {"NOBODY"}
ZONES = (UTC, timezone(timedelta(hours=7)))

VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "id": some({home.id for home in DEMO}, most=50),
    "area": some(AREAS),
    "case_status": some(CaseStatus),
    "failed_dimension": some(Dimension),
    "dimension_mask": some(MASKS),
    "indicator": some(FAILED),
    "problem_status": some(ProblemStatus),
    "target_group": some(Group),
    "fiscal_year": some({one["fiscal_year"] for home in DEMO for one in home.target_groups} | {2500}),
    "classification": some(Classification),
    "stage": some(Stage),
    "source": some(DataSource),
    "welfare_card": some(WelfareCard),
    "assigned_agency": some(AGENCIES),
    "updated_since": st.builds(
        lambda at, late, zone: (at + timedelta(microseconds=late)).astimezone(zone),
        st.sampled_from(TIMES),
        st.integers(-1, 1),
        st.sampled_from(ZONES),
    ),
}
# Few at a time, so that filters that AND still find something.
FILTERS = (
    st.lists(st.sampled_from(sorted(VALUES)), max_size=4, unique=True)
    .flatmap(lambda names: st.fixed_dictionaries({name: VALUES[name] for name in names}))
    .map(lambda given: HouseholdFilter.model_construct(**given))
)
LIMITS = st.lists(st.integers(1, 60), min_size=1, max_size=4)


def reach_of(*scopes: Scope, areas: tuple[str, ...] = ("42",), agency: str = "SCJP_P-42") -> Reach:
    return admit(Actor("test", agency, frozenset(scopes), areas, 0, "t"), Operation.READ_HOUSEHOLDS)


async def listed(
    database: Database,
    sealing: Sealing,
    reach: Reach,
    where: HouseholdFilter,
    limits: list[int],
    sort: str = "created_at",
) -> tuple[list[dict[str, Any]], int | None]:
    """Every page until the last, with the limits in turn; and the total that the first one counts."""
    items: list[dict[str, Any]] = []
    after: tuple[str, ...] | None = None
    total: int | None = None
    async with seeing(database) as connection:
        store = PgHouseholds(connection, sealing, lambda: DEMO[0].id)
        for number in range(COUNT + 1):
            limit = limits[number % len(limits)]
            count = "exact" if number == 0 else None
            page = await store.page(reach, where, Paging(limit, after, sort, count), now=NOW)
            shown = orjson.loads(page.items)
            assert len(shown) <= limit
            assert page.last is None or len(shown) == limit
            items += shown
            total = page.total if number == 0 else total
            after = page.last
            if after is None:
                return items, total
    raise AssertionError("the pages do not end")


@MANY
@given(FILTERS, LIMITS, st.sampled_from(sorted(ORDERS)))
async def test_the_list_returns_exactly_those_that_the_model_selects(
    database: Database, sealing: Sealing, where: HouseholdFilter, limits: list[int], sort: str
) -> None:
    expected = selected(where)
    everyone = reach_of(Scope.HOUSEHOLDS_READ)
    found, total = await listed(database, sealing, everyone, where, limits, sort)
    ids = [one["id"] for one in found]
    by = (lambda home: (changed(home), home.id)) if "updated_at" in sort else (lambda home: home.id)
    ordered = sorted(expected, key=by, reverse=sort.startswith("-"))
    assert ids == [str(home.id) for home in ordered]
    assert total == len(expected)


@pytest.mark.parametrize("name", sorted(MODEL))
async def test_each_filter_alone_selects_what_the_model_selects(
    database: Database, sealing: Sealing, name: str
) -> None:
    examples = {
        "id": [[DEMO[3].id], [home.id for home in DEMO[10:40]]],
        "area": [[area] for area in sorted(AREAS)[:40]],
        "updated_since": [TIMES[0], TIMES[100], TIMES[-1], TIMES[-1] + timedelta(microseconds=1)],
        "case_status": [[one] for one in CaseStatus],
        "failed_dimension": [[one] for one in Dimension],
        "dimension_mask": [[one] for one in sorted(MASKS)],
        "indicator": [[one] for one in sorted(FAILED)],
        "problem_status": [[one] for one in ProblemStatus],
        "target_group": [[one] for one in Group],
        "fiscal_year": [[2568], [2569], [2570], [2500]],
        "classification": [[one] for one in Classification],
        "stage": [[one] for one in Stage],
        "source": [[one] for one in DataSource],
        "welfare_card": [[one] for one in WelfareCard],
        "assigned_agency": [[one] for one in sorted(AGENCIES)],
    }
    for value in examples[name]:
        where = HouseholdFilter.model_construct(**{name: value})
        found, total = await listed(database, sealing, reach_of(Scope.HOUSEHOLDS_READ), where, [200])
        expected = [str(home.id) for home in sorted(selected(where), key=lambda home: home.id)]
        assert ([one["id"] for one in found], total) == (expected, len(expected)), value


@MANY
@given(
    st.lists(st.sampled_from(sorted(AREAS)), max_size=3).map(tuple),
    st.sampled_from(sorted(AGENCIES)),
    st.booleans(),
    FILTERS,
    LIMITS,
)
async def test_nobody_lists_beyond_areas_and_assignments(
    database: Database,
    sealing: Sealing,
    areas: tuple[str, ...],
    agency: str,
    everywhere: bool,
    where: HouseholdFilter,
    limits: list[int],
) -> None:
    scope = Scope.HOUSEHOLDS_READ if everywhere else Scope.HOUSEHOLDS_READ_ASSIGNED
    expected = [
        str(home.id)
        for home in sorted(selected(where), key=lambda home: home.id)
        if home.area_code.startswith(areas)
        and (everywhere or any(one.agency == agency and one.status in ENTITLING for one in home.assignments))
    ]
    reach = reach_of(scope, areas=areas, agency=agency)
    found, total = await listed(database, sealing, reach, where, limits)
    assert [one["id"] for one in found] == expected
    assert total == len(expected)


async def test_what_is_listed_says_what_was_asked_for(database: Database, sealing: Sealing) -> None:
    """The columns that a filter looks at are those that the answer shows."""
    found, _ = await listed(database, sealing, reach_of(Scope.HOUSEHOLDS_READ), HouseholdFilter(), [200])
    assert len(found) == COUNT
    for shown, home in zip(found, sorted(DEMO, key=lambda home: home.id), strict=True):
        assert shown["id"] == str(home.id)
        assert (shown["area_code"], shown["case_status"], shown["stage"]) == (home.area_code, home.case_status, home.stage)  # fmt: skip
        assert (shown["dimension_mask"], shown["classification"]) == (home.dimension_mask, home.classification)  # fmt: skip
        assert {(one["fiscal_year"], one["group"]) for one in shown["target_groups"]} == {(one["fiscal_year"], one["group"]) for one in home.target_groups}  # fmt: skip
        assert {one["person"]["welfare_card"] for one in shown["members"]} == {one.welfare_card for one in home.members}  # fmt: skip


async def test_pages_that_are_asked_for_at_once_are_the_same(database: Database, sealing: Sealing) -> None:
    reach = reach_of(Scope.HOUSEHOLDS_READ)
    one, other = await asyncio.gather(
        listed(database, sealing, reach, HouseholdFilter(), [7]),
        listed(database, sealing, reach, HouseholdFilter(), [60]),
    )
    assert one == other
