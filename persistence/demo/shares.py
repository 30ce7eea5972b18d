"""How often things are so, and where each figure comes from (codes of reference_counts.csv, C01 to C36).

The register is the country's: its households are those of target group 2, the vulnerable ones (C07), which
hold the other groups as well. 001 §1 counts group 1 and 3 in persons; a target household has C02/C01 = 1.57
target persons, so that of 11,023,225 vulnerable households
  416,600 hold MPI-poor persons (C04 / 1.57), 3.8 %; with card C05 : without C06 = 32 : 68;
  8,404,000 hold card holders who are not poor or were never asked (C09 / 1.57), 76 %; C10 : C11 = 73 : 27;
  the rest, 20 %, are vulnerable and nothing else.
With 1.57 card holders in every household that has any, 40 % of the members hold a card, as (C05 + C09) / C08.
No source counts card holders outside vulnerable households, nor group 4: 4 % and 1 % here (assumed).

The classification (C22 to C27) was counted among households failing income; nothing else is known, so it holds
for all. 439 + 55 + 455 + 27 leaves 40 of 1,016 unexplained: they are `unclassified`. Shares of failing
dimensions are not in the sources beyond "income first" (C22, C28, C30): assumed, as everything below that
names no code.
"""

from bisect import bisect
from collections.abc import Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")

_VULNERABLE = 11_023_225  # C07
_TARGET_PERSONS = 1_028_112 / 653_524  # C02 / C01: in one target household
_POOR = 655_365 / _TARGET_PERSONS / _VULNERABLE  # C04
_CARDS = 13_220_965 / _TARGET_PERSONS / _VULNERABLE  # C09
_POOR_WITH_CARD = 211_739 / 655_365  # C05 of C04
_CARDS_SURVEYED = 9_639_754 / 13_220_965  # C10 of C09
_CARDS_NOT_VULNERABLE = 0.04
_NOWHERE = 0.01

SECOND_CARD = _TARGET_PERSONS - 1
"""Of households with a card holder: how many have another."""
THAIQM = 1_820_490 / _VULNERABLE  # C03
RECURRING = 0.30
"""C27: failed last year, and again."""


class Choice(Generic[T]):
    """One of several by weight."""

    __slots__ = ("_bounds", "_values")

    def __init__(self, weights: Mapping[T, float] | Sequence[tuple[T, float]]) -> None:
        pairs = list(weights.items()) if isinstance(weights, Mapping) else list(weights)
        self._values = [value for value, _ in pairs]
        self._bounds = list(accumulate(weight for _, weight in pairs))

    def draw(self, rng: Random) -> T:
        place = bisect(self._bounds, rng.random() * self._bounds[-1])
        return self._values[min(place, len(self._values) - 1)]


def _groups() -> dict[tuple[str, ...], float]:
    listed = 1 - _NOWHERE
    beside = _CARDS * (1 - _CARDS_NOT_VULNERABLE)
    alone = _CARDS * _CARDS_NOT_VULNERABLE
    return {
        ("1a", "2"): listed * _POOR * _POOR_WITH_CARD,
        ("1b", "2"): listed * _POOR * (1 - _POOR_WITH_CARD),
        ("2",): listed * (1 - _POOR - _CARDS),
        ("2", "3a"): listed * beside * _CARDS_SURVEYED,
        ("2", "3b"): listed * beside * (1 - _CARDS_SURVEYED),
        ("3a",): listed * alone * _CARDS_SURVEYED,
        ("3b",): listed * alone * (1 - _CARDS_SURVEYED),
        ("4",): _NOWHERE,
    }


GROUPS: Choice[tuple[str, ...]] = Choice(_groups())
"""The target groups of a household, the one that is served first in front."""

SIZES = Choice({1: 174, 2: 243, 3: 236, 4: 181, 5: 100, 6: 40, 7: 16, 8: 6, 9: 4})
"""Members: mean 3.03 = C08 / C07; how they spread is assumed."""

CLASSIFICATIONS = Choice(
    {"developable": 439, "welfare": 55, "declined": 455, "other": 27, "unclassified": 40}
)
"""C23, C24, C25, C26, and what is missing to C22."""

MASKS = Choice(
    {
        ("income",): 36,
        ("education",): 15,
        ("health",): 13,
        ("living",): 8,
        ("access",): 3,
        ("income", "education"): 9,
        ("income", "health"): 7,
        ("income", "living"): 5,
        ("health", "living"): 2,
        ("income", "access"): 1,
        ("income", "education", "health"): 1,
    }
)
"""The dimensions in which an MPI-poor household fails: income first, most of them in one only."""

PROBLEMS = Choice({0: 5, 1: 38, 2: 38, 3: 15, 4: 4})
"""This year's problems of a household, 1.75; with last year's of the recurring ones about 2."""

CASES = Choice(
    {
        "imported": 5,
        "verified": 5,
        "classified": 7,
        "analysed": 12,
        "planned": 12,
        "in_assistance": 39,
        "monitoring": 12,
        "closed": 8,
    }
)
"""How far the case has come."""

DECLINED_CASES = Choice(
    {"closed": 26, "monitoring": 9, "classified": 5, "analysed": 5, "planned": 10, "in_assistance": 45}
)
"""The same for a household that declines: help refused altogether, or for one problem and taken for another."""
