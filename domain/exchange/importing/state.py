"""The households and persons that a chunk of rows is about, as stored and as they become."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

HOUSEHOLD_FIELDS = (
    "house_no", "moo", "village_name", "road", "postcode", "classification", "stage", "annual_income_per_person", "has_land",
)  # fmt: skip
"""What a row says of a household as it is stored; its house code, location and target groups are compared apart."""
PERSON_FIELDS = (
    "prefix", "first_name", "last_name", "sex", "birth_date", "vital_status", "deceased_on", "welfare_card",
    "disabilities", "bedridden", "able_to_work", "occupation", "annual_income",
)  # fmt: skip
DEFAULTS: Mapping[str, Any] = {
    "sex": "unknown",
    "vital_status": "alive",
    "welfare_card": "unknown",
    "disabilities": [],
}
"""Of a person nobody has said more of."""


class ResultKey(NamedTuple):
    fiscal_year: int
    indicator_id: str
    person_id: UUID | None


@dataclass(slots=True, eq=False, repr=False)
class Household:
    id: UUID
    area_code: str
    new: bool
    version: int
    case_status: str
    values: dict[str, Any]
    provenance: dict[str, Any]
    sources: list[dict[str, Any]]
    target_groups: list[dict[str, Any]]
    head_person_id: UUID | None
    facets: Sequence[str] = ()
    made_by: int = 0
    """The row that it is made of."""
    dimension_mask: str | None = None
    members: "list[Person]" = field(default_factory=list)
    results: dict[ResultKey, str] = field(default_factory=dict)
    changed_results: dict[ResultKey, str] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    """Fields that change, as they were."""
    evidenced: bool = False
    """Its sources or its members change."""
    said: Any = None
    """What a row of this chunk has said of it, where all of that is what stands there."""

    @property
    def verified(self) -> bool:
        return self.case_status != "imported"

    @property
    def changed(self) -> bool:
        return bool(self.before or self.changed_results or self.evidenced)


@dataclass(slots=True, eq=False, repr=False)
class Person:
    id: UUID
    household: Household
    new: bool
    version: int
    values: dict[str, Any]
    provenance: dict[str, Any]
    relationship: str
    current: bool
    """A member now."""
    identified: bool
    keys: tuple[str, str]
    """Of first and last name (domain/thai.py)."""
    citizen_id: str | None = None
    """To be recorded."""
    no_id_reason: str | None = None
    phone: str | None = None
    """To be recorded."""
    before: dict[str, Any] = field(default_factory=dict)
    joined_on: date | None = None

    @property
    def changed(self) -> bool:
        return bool(self.before)


class Disagreement(NamedTuple):
    """A conflict to be listed; `given` of a masked field is to be sealed."""

    household: Household
    person_id: UUID | None
    field: str
    stored: Any
    stored_source: str
    stored_seen_on: date | None
    given: Any
    given_source: str
    given_seen_on: date | None
    given_hash: bytes
    row_number: int
    status: str
    choice: str | None


class Identity(NamedTuple):
    citizen_id: str
    person: Person


class Record(NamedTuple):
    """Where a record without a citizen id went."""

    key: str
    household: Household
    person: Person | None


@dataclass(frozen=True, slots=True)
class Sought:
    """What the rows of a chunk are looked for by."""

    blinds: Mapping[str, bytes]
    """By citizen id its blind index, under which it is found."""
    records: Mapping[bytes, str]
    """By its hash the key of a source's record."""
    codes: Collection[str]
    """House codes."""
    rows: Mapping[int, bytes]
    """By number: the key of whom a row is about."""


NOTHING_SOUGHT = Sought({}, {}, (), {})


@dataclass(slots=True)
class Found:
    """What is stored about the rows of a chunk, within what the client reaches."""

    persons: dict[str, Person]
    """By citizen id."""
    records: dict[str, tuple[Household, Person | None]]
    """By the key of a source's record."""
    by_code: dict[str, list[Household]]
    households: dict[UUID, Household]
    seen: dict[bytes, tuple[int, bytes]]
    """Rows of the same file before this chunk, by the key of whom they are about: number and content."""
    resolved: frozenset[tuple[UUID, UUID | None, str, bytes]]
    """Conflicts that a person has decided: household, person, field, hash of the given value."""
    keyed: Callable[[str], bytes]
    """A keyed hash: the same text, the same hash, in every process."""
    content: Callable[[tuple[Any, ...]], bytes]
    """The same of values, 16 bytes."""


@dataclass(slots=True)
class Plan:
    """What is to be written of a chunk."""

    households: list[Household] = field(default_factory=list)
    """Everyone that was touched."""
    persons: list[Person] = field(default_factory=list)
    identities: list[Identity] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    disagreements: list[Disagreement] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Carried:
    """What a chunk leaves to the next while the database does not show it yet: everything as it will stand there."""

    households: Mapping[UUID, Household]
    identities: Mapping[str, Person]
    records: Mapping[str, tuple[Household, Person | None]]
    seen: Mapping[bytes, tuple[int, bytes]]


NOTHING_CARRIED = Carried({}, {}, {}, {})


def carried(plan: Plan, seen: Mapping[bytes, tuple[int, bytes]]) -> Carried:
    """Once the plan has become statements: its records stand as those will have left them."""
    for home in plan.households:
        if home.changed and not home.new:
            home.version += 1
        home.new, home.evidenced, home.made_by, home.said = False, False, 0, None
        home.before, home.changed_results = {}, {}
    for person in plan.persons:
        if person.changed and not person.new:
            person.version += 1
        person.new, person.before = False, {}
        person.citizen_id = person.phone = None
    return Carried(
        {home.id: home for home in plan.households},
        dict(plan.identities),
        {key: (home, person) for key, home, person in plan.records},
        seen,
    )
