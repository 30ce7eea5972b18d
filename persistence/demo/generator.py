"""Households, one after the other, whatever their number: a generator that keeps none of them."""

from collections.abc import Iterator, Sequence
from random import Random

from persistence.demo import ids, people, places, shares, story
from persistence.demo.calendar import SURVEY_AFTER, registered
from persistence.demo.case import Case
from persistence.demo.records import Household
from persistence.demo.survey import survey

DEFAULT_AREAS = ("42",)
"""Loei, the province of the contract's demo."""


def generate(count: int, *, areas: Sequence[str] = DEFAULT_AREAS, start: int = 0) -> Iterator[Household]:
    """Households `start` to `start + count - 1` of a demo in these areas.

    Household n is the same whatever `count` and `start`. ValueError for an area nobody can live in, or for
    more households than there are citizen ids.
    """
    if start < 0 or count < 0 or start + count > ids.HOUSEHOLDS:
        raise ValueError(f"a demo has 0 to {ids.HOUSEHOLDS} households")
    where = places.Places(areas)
    return (_household(number, where) for number in range(start, start + count))


def _household(number: int, where: places.Places) -> Household:
    rng = Random(number)  # noqa: S311 - repeatable on purpose; nothing here is secret
    at = registered(number)
    place = where.draw(rng)
    groups = shares.GROUPS.draw(rng)
    rows = iter(range(1, 10))
    members = people.members(
        rng,
        number,
        at,
        lambda moment: ids.row_id(moment, number, next(rows)),
        dependents="2" in groups,
    )
    land = rng.random()
    household = Household(
        number=number,
        id=ids.row_id(at, number, 0),
        area_code=place.area_code,
        house_code=ids.house_code(number, place.subdistrict[:4]),
        house_no=f"{1 + int(rng.random() * 250)}"
        + (f"/{1 + int(rng.random() * 9)}" if rng.random() < 0.25 else ""),
        moo=place.moo,
        village_name=place.village_name,
        road=None,
        postcode=place.postcode,
        latitude=place.latitude,
        longitude=place.longitude,
        has_land=True if land < 0.52 else False if land < 0.9 else None,
        classification=shares.CLASSIFICATIONS.draw(rng),
        created_at=at,
        members=members,
    )
    people.give_cards(rng, members, None if groups == ("4",) else "1b" not in groups and groups != ("2",))
    wanted = shares.PROBLEMS.draw(rng)
    failures = survey(rng, household, groups, wanted)
    case = Case(household)
    if household.results:
        household.surveyed_at = at + SURVEY_AFTER
        case.touch(household.surveyed_at)
    story.tell(case, rng, failures, wanted)
    return household
