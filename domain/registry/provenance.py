"""Where a field's value comes from, and which of two differing sources is believed (contract 7, disagreement).

Stored beside the record as `{"*": [source, seen_on], field: [source, seen_on]}`: one entry for all fields, and one
for each that differs. What has no entry was registered or amended through the interface: by a team.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple

from domain.registry.household import DataSource

TEAM = "team"
"""Whoever works with the household: what it has said no import overwrites."""
EVERY = "*"

TRUST: tuple[str, ...] = (
    TEAM,
    DataSource.MPI_QUESTIONNAIRE,
    DataSource.LOCAL,
    DataSource.WELFARE_CARD,
    DataSource.VULNERABLE,
    DataSource.TPMAP,
    DataSource.THAIQM,
    DataSource.BMN,
)
"""The declared order of trust, the most trusted first (assumed: from who looked at one household to who counted
everybody; registers that pay or care come before surveys)."""
TRUST_OF: Mapping[str, tuple[str, ...]] = {
    # Whether somebody has the card is known where it is issued.
    "welfare_card": (TEAM, DataSource.WELFARE_CARD, *(one for one in TRUST if one not in (TEAM, DataSource.WELFARE_CARD))),
}  # fmt: skip
"""Fields with an order of their own."""

EMPTY: Mapping[str, object] = {"sex": "unknown", "welfare_card": "unknown", "classification": "unclassified"}
"""What stands in a field that nobody has said anything of, where it is not null."""

Stamped = Mapping[str, Any]


class Origin(NamedTuple):
    """Who said so, and when it was seen."""

    source: str
    seen_on: date | None = None

    def stamp(self) -> list[str | None]:
        """As it is noted; the same list for all that it says, which nobody changes."""
        return _stamped(self)


@lru_cache(maxsize=4096)
def _stamped(by: Origin) -> list[str | None]:
    return [by.source, by.seen_on.isoformat() if by.seen_on else None]


def origin(provenance: Stamped, field: str) -> Origin:
    """Of one field; a team's where nothing is noted."""
    noted = provenance.get(field) or provenance.get(EVERY)
    if noted is None:
        return Origin(TEAM)
    return Origin(noted[0], date.fromisoformat(noted[1]) if noted[1] else None)


def more_trusted(field: str, one: str, other: str) -> bool:
    """Whether `one` comes before `other`; a source that is not in the order comes last."""
    order = TRUST_OF.get(field, TRUST)
    return _rank(order, one) < _rank(order, other)


def _rank(order: tuple[str, ...], source: str) -> int:
    return order.index(source) if source in order else len(order)


def by_team(fields: Iterable[str], on: date) -> dict[str, list[str]]:
    """What is noted of fields that were amended through the interface."""
    named = {"location" if name in ("latitude", "longitude") else name for name in fields}
    return {name: [TEAM, on.isoformat()] for name in sorted(named)}


class Settled(Enum):
    """What becomes of a given value beside the stored one."""

    EQUAL = "it says the same"
    FILLED = "nothing was stored"
    RENEWED = "the same source says something newer"
    OLDER = "the same source has said something newer already"
    KEPT = "conflict: the stored source is trusted more"
    REPLACED = "conflict: the given source is trusted more"
    OPEN = "conflict: a team has the stored value, and is to decide"

    @property
    def writes(self) -> bool:
        return self in (Settled.FILLED, Settled.RENEWED, Settled.REPLACED)

    @property
    def disagrees(self) -> bool:
        return self in (Settled.KEPT, Settled.REPLACED, Settled.OPEN)


def is_empty(field: str, value: object) -> bool:
    return value is None or value == [] or value == () or (field in EMPTY and EMPTY[field] == value)


def settle(
    field: str, stored: object, by: Origin, given: object, source: Origin, *, verified: bool
) -> Settled:
    """The rule for one field: `by` has said `stored`, `source` now says `given`, which is not None.

    `verified`: a team has gone through the household, and all that stands there is the team's.
    """
    if stored == given:
        return Settled.EQUAL
    if is_empty(field, stored):
        return Settled.FILLED
    if verified or by.source == TEAM:
        return Settled.EQUAL if is_empty(field, given) else Settled.OPEN
    if by.source == source.source:
        if by.seen_on and source.seen_on and source.seen_on < by.seen_on:
            return Settled.OLDER
        return Settled.RENEWED
    if is_empty(field, given):
        return Settled.EQUAL
    return Settled.REPLACED if more_trusted(field, source.source, by.source) else Settled.KEPT
