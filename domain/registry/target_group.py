"""Which of the programme's four target groups a household is in, in a fiscal year (001 §1, contract 4).

1 poor by the MPI, 1a with a welfare card and 1b without · 2 vulnerable: somebody who depends on care, or at most 100,000
baht a person a year · 3 a card, and not poor (3a) or without MPI data (3b) · 4 in no source registry. The first that
applies, since the first is served first. None applies to a household that is surveyed, not poor, not vulnerable and
without a card.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from domain.kernel import Value
from domain.registry.deprivation import Answer, deprived, failed_dimensions
from domain.registry.household import DataSource, Group

LOW_INCOME = Decimal(100_000)
"""Baht a person a year; exactly that much is low (001 §1, domain §16, 15)."""
REGISTRIES = frozenset(
    {
        DataSource.BMN,
        DataSource.TPMAP,
        DataSource.VULNERABLE,
        DataSource.WELFARE_CARD,
        DataSource.MPI_QUESTIONNAIRE,
    }
)
"""What TPMAP is fed from. Whom ThaiQM or a team reports alone has fallen out of it: that is group 4 (000, flow chart)."""


class Reason(Value):
    code: Annotated[str, Field(max_length=40)]
    """`deprived` (one for each dimension), `not-deprived`, `no-mpi-data`, `has-card`, `no-card`, `dependent-member`,
    `low-income`, `no-registry`, `in-no-group`."""
    detail: Annotated[str, Field(max_length=200)]


class DerivedGroup(Value):
    household_id: UUID
    fiscal_year: int
    group: Group | None
    """1, 2, 3 or 4; null where none applies."""
    sub_group: Group | None
    """1a, 1b, 3a or 3b."""
    reasons: list[Reason]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rule looks at, of the current members who are not dead."""

    mask: str | None
    """Of the last survey up to the fiscal year; None: no MPI data."""
    has_card: bool
    dependants: int
    """Members who are bedridden, have a disability or cannot work; age alone makes nobody depend (assumed: the seeds
    name no list)."""
    income_per_person: Decimal | None
    sources: Sequence[str]


@dataclass(frozen=True, slots=True)
class StoredFacts:
    """As the store has them: the survey's answers are judged by the campaign of its year."""

    facts: Facts
    fiscal_year: int | None
    """Of the survey; None: the mask came without answers, or there is none."""
    edition: str | None
    answers: Sequence[Answer]


def group_of(facts: Facts) -> tuple[Group | None, Group | None, list[Reason]]:
    """The group, the part of it, and why."""
    poor = deprived(facts.mask)
    card = _said("has-card", "A member has a state welfare card.")
    if poor:
        failed = [
            _said("deprived", f"Poor in the dimension {name}.") for name in failed_dimensions(facts.mask)
        ]
        if facts.has_card:
            return Group.G1, Group.G1A, [*failed, card]
        return Group.G1, Group.G1B, [*failed, _said("no-card", "No member has a state welfare card.")]
    if vulnerable := _vulnerable(facts):
        return Group.G2, None, vulnerable
    surveyed = (
        _said("no-mpi-data", "There is no MPI data up to this year.")
        if poor is None
        else _said("not-deprived", "Poor in no dimension.")
    )
    if facts.has_card:
        return Group.G3, Group.G3B if poor is None else Group.G3A, [card, surveyed]
    if REGISTRIES.isdisjoint(facts.sources):
        return Group.G4, None, [_said("no-registry", "No registry that TPMAP is fed from has the household.")]
    return None, None, [surveyed, _said("in-no-group", "No target group applies.")]


def _vulnerable(facts: Facts) -> list[Reason]:
    reasons = []
    if facts.dependants:
        told = f"{facts.dependants} member(s) are bedridden, have a disability or cannot work."
        reasons.append(_said("dependent-member", told))
    if facts.income_per_person is not None and facts.income_per_person <= LOW_INCOME:
        reasons.append(_said("low-income", "At most 100,000 baht a person a year."))
    return reasons


def _said(code: str, detail: str) -> Reason:
    return Reason(code=code, detail=detail)
