"""The survey of fiscal year 2569 (จปฐ., edition 38): who fails what, and what follows for the household.

Recorded are the 16 members of the campaign's MPI list (domain §6) for everybody they apply to, and of the
others those that fail. Income decides indicator 29 and nothing else does.
"""

from collections.abc import Sequence
from datetime import date
from random import Random
from uuid import UUID

from domain.registry.deprivation import dimension_mask
from persistence.demo.calendar import FISCAL_YEAR
from persistence.demo.people import ADULT, ELDER, PUPIL
from persistence.demo.records import Household, Person, Result
from persistence.demo.shares import MASKS, THAIQM, Choice

INCOME_LINE = 38_000
"""Baht a person a year: less fails (threshold `bmn_income` of the campaign, C17)."""
VULNERABLE_LINE = 100_000
"""Up to this, included, a household is vulnerable (001 §1, threshold `vulnerable`)."""

MEMBERS = {
    "health": ("bmn-38-2", "bmn-38-6", "bmn-38-8", "bmn-38-9"),
    "living": ("bmn-38-13", "bmn-38-14", "bmn-38-18"),
    "education": ("bmn-38-22", "bmn-38-23", "bmn-38-24", "bmn-38-25"),
    "income": ("bmn-38-27", "bmn-38-28", "bmn-38-29"),
    "access": ("bmn-38-34", "bmn-38-35"),
}
"""The campaign's list; a test compares the two."""
MEMBER_SET = frozenset(member for listed in MEMBERS.values() for member in listed)
INCOME = "bmn-38-29"
_AGES = {
    "bmn-38-9": (6, 200),
    "bmn-38-11": (0, 200),
    "bmn-38-12": (35, 200),
    "bmn-38-22": (0, 5),
    "bmn-38-23": (6, 15),
    "bmn-38-24": (16, 18),
    "bmn-38-25": (15, 59),
    "bmn-38-27": (15, 59),
    "bmn-38-28": (ELDER, 200),
    "bmn-38-31": (0, 6),
    "bmn-38-34": (ELDER, 200),
}
"""Of the indicators of persons; reference indicators.csv, and 16 to 18 for those who leave school (assumed)."""
_OF_HOUSEHOLD = ("bmn-38-6", "bmn-38-8", "bmn-38-13", "bmn-38-14", "bmn-38-18", INCOME)
_OF_PERSON = (
    "bmn-38-9",
    "bmn-38-22",
    "bmn-38-23",
    "bmn-38-24",
    "bmn-38-25",
    "bmn-38-27",
    "bmn-38-28",
    "bmn-38-34",
)
_NEEDS = Choice({"bmn-38-12": 20, "bmn-38-30": 19, "bmn-38-33": 16, "bmn-38-32": 8, "bmn-38-26": 8, "bmn-38-11": 7,
                 "bmn-38-16": 5, "bmn-38-31": 5, "bmn-38-10": 5, "bmn-38-15": 4, "bmn-38-38": 3})  # fmt: skip
"""Indicators outside the MPI list that fail in households that are not poor."""
DIMENSION = {
    **{member: dimension for dimension, listed in MEMBERS.items() for member in listed},
    **dict.fromkeys(("bmn-38-10", "bmn-38-11", "bmn-38-12"), "health"),
    **dict.fromkeys(("bmn-38-15", "bmn-38-16"), "living"),
    "bmn-38-26": "education",
    "bmn-38-30": "income",
    **dict.fromkeys(("bmn-38-31", "bmn-38-32", "bmn-38-33", "bmn-38-38"), "access"),
}

Failure = tuple[str, Person | None]
"""An indicator, and the member who fails it; None: the household."""


def survey(rng: Random, household: Household, groups: Sequence[str], wanted: int) -> list[Failure]:
    """Sets income, results, mask, groups and sources; what fails, the MPI members first, about `wanted`."""
    poor, asked = groups[0] in ("1a", "1b"), not {"3b", "4"} & set(groups)
    failures = _mpi_failures(rng, household) if poor else []
    low = any(indicator == INCOME for indicator, _ in failures)
    if asked:
        for _ in range(3 * wanted):
            if len(failures) >= wanted:
                break
            found = _feasible(rng, _NEEDS.draw(rng), household)
            if found is not None and found not in failures:
                failures.append(found)
    if groups != ("4",):
        _incomes(rng, household, low=low, vulnerable="2" in groups)
    failed = [(indicator, person.id if person else None) for indicator, person in failures]
    household.results = _results(household, failed, asked=asked) if groups != ("4",) else []
    answers = [(one.indicator_id, DIMENSION[one.indicator_id], one.result) for one in household.results]
    household.dimension_mask = dimension_mask(answers, MEMBER_SET)
    household.target_groups = [{"fiscal_year": FISCAL_YEAR, "group": group} for group in groups]
    household.sources = _sources(rng, household, groups)
    return failures


def _mpi_failures(rng: Random, household: Household) -> list[Failure]:
    found: list[Failure] = []
    for dimension in MASKS.draw(rng):
        listed = [one for one in MEMBERS[dimension] if one != "bmn-38-2"]  # nobody is newborn
        failure: Failure | None = None
        if dimension == "income" and rng.random() < 0.8:
            failure = (INCOME, None)
        rng.shuffle(listed)
        for indicator in listed:
            failure = failure or _feasible(rng, indicator, household)
        if failure is None and dimension == "access":
            # No old and no disabled member: somebody has a disability nobody cares for.
            uncared = household.living[-1]
            uncared.disabilities = ["ทางการเคลื่อนไหวหรือร่างกาย"]
            failure = ("bmn-38-35", uncared)
        # Nobody of an age to learn: it is the income.
        failure = failure or (INCOME, None)
        if failure not in found:
            found.append(failure)
    for indicator, person in found:
        if person is not None and indicator in ("bmn-38-27", "bmn-38-28"):
            person.occupation = None
    return found


def _feasible(rng: Random, indicator: str, household: Household) -> Failure | None:
    """The indicator with a member it can fail for; None where there is nobody."""
    if indicator == "bmn-38-35":
        able = [person for person in household.living if person.disabilities]
    elif indicator == "bmn-38-10":
        able = [person for person in household.living if person.bedridden]
    elif indicator in _AGES:
        low, high = _AGES[indicator]
        able = [person for person in household.living if low <= person.age <= high]
    else:
        return None if indicator == INCOME else (indicator, None)
    return (indicator, able[int(rng.random() * len(able))]) if able else None


def _incomes(rng: Random, household: Household, *, low: bool, vulnerable: bool) -> None:
    """What each member earns; the sum over the living is the household's income."""
    living = household.living
    if low:
        each = 8_000 + int(rng.random() * 29_500)
    elif vulnerable:
        each = INCOME_LINE + int(rng.random() * (VULNERABLE_LINE - INCOME_LINE))
        if rng.random() < 0.06 and any(person.age < ADULT or person.age >= ELDER for person in living):
            each = VULNERABLE_LINE + 1 + int(rng.random() * 60_000)
    else:
        each = VULNERABLE_LINE + 1 + int(rng.random() * 120_000)
    total = each * len(living)
    earners = [person for person in living if person.occupation not in (None, PUPIL)] or living[:1]
    weights = [0.4 + rng.random() for _ in earners]
    left = total
    for person in living:
        person.annual_income = 0
    for person, weight in zip(earners[1:], weights[1:], strict=True):
        person.annual_income = int(total * weight / sum(weights)) // 100 * 100
        left -= person.annual_income
    earners[0].annual_income = left
    household.annual_income_per_person = f"{each}.00"


def _results(household: Household, failed: Sequence[tuple[str, UUID | None]], *, asked: bool) -> list[Result]:
    """`no_data` throughout where nobody asked: then there is no mask (group 3b)."""
    about: list[tuple[str, UUID | None]] = [(indicator, None) for indicator in _OF_HOUSEHOLD]
    for person in household.living:
        about += [(one, person.id) for one in _OF_PERSON if _AGES[one][0] <= person.age <= _AGES[one][1]]
        if person.disabilities:
            about.append(("bmn-38-35", person.id))
    if not asked:
        return [Result(*one, "no_data") for one in about]
    about += [one for one in failed if one not in about]
    return [Result(*one, "fail" if one in failed else "pass") for one in about]


def _sources(rng: Random, household: Household, groups: Sequence[str]) -> list[dict[str, object]]:
    if groups == ("4",):
        return [_source(household, "local", date(2026, 1, 20))]
    named = []
    if household.dimension_mask is not None:
        named.append("bmn")
    if groups[0] in ("1a", "1b"):
        named.append("tpmap")
    if "2" in groups:
        named.append("vulnerable")
    if any(person.welfare_card == "has_card" for person in household.members):
        named.append("welfare_card")
    if rng.random() < THAIQM:
        named.append("thaiqm")
    if rng.random() < 0.01:
        named.append("mpi_questionnaire")
    return [_source(household, name, date(2026, 3, 1 + int(rng.random() * 28))) for name in named]


def _source(household: Household, name: str, seen_on: date) -> dict[str, object]:
    record = f"{name.upper()}-{household.number:08d}"
    return {"system": name, "record_id": record, "seen_on": seen_on.isoformat()}
