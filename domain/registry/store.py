"""What the registry asks of its store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from domain.access.policy import Reach
from domain.kernel import Document, Listing, Paging
from domain.registry.household import HouseholdDraft, HouseholdFilter
from domain.registry.indicators import IndicatorResults


@dataclass(frozen=True, slots=True)
class Includes:
    """Which lists a household carries along, and how the caller may see them."""

    names: frozenset[str] = frozenset()
    problem_moves: Mapping[str, Sequence[str]] | None = None
    assignment_moves: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A household as it is stored, locked for a change."""

    id: UUID
    area_code: str
    version: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HeldPerson:
    """A person as stored, locked for a change; `fields` are those of a patch, without citizen id and phone."""

    id: UUID
    household_id: UUID
    area_code: str
    version: int
    is_head: bool
    has_citizen_id: bool
    fields: Mapping[str, Any]


class HouseholdStore(Protocol):
    async def view(
        self, reach: Reach, household_id: UUID, includes: Includes, *, now: datetime
    ) -> Document | None:
        """The household as the caller may see it; the access log row is written with it."""
        ...

    async def page(
        self, reach: Reach, where: HouseholdFilter, paging: Paging, *, now: datetime
    ) -> Listing: ...

    async def find(
        self,
        reach: Reach,
        paging: Paging,
        *,
        citizen_id: str | None,
        house_code: str | None,
        name: tuple[str, str, str] | None,
        areas: Sequence[str],
        now: datetime,
    ) -> Listing:
        """`name`: prefix keys of a first and a last name (domain/thai.py), the last one's first letter; both may be
        empty."""
        ...

    async def add(self, reach: Reach, household_id: UUID, draft: HouseholdDraft, *, now: datetime) -> None:
        """Raises Conflict `already-a-member` where a citizen id belongs to a member of another household."""
        ...

    async def hold(self, reach: Reach, household_id: UUID) -> Held | None:
        """Locks it until the transaction ends; None when absent or out of reach."""
        ...

    async def amend(self, reach: Reach, held: Held, changes: Mapping[str, Any], *, now: datetime) -> None: ...

    async def members_of(self, household_id: UUID) -> set[UUID]:
        """Current members."""
        ...

    async def put_results(
        self, reach: Reach, held: Held, results: IndicatorResults, mask: str | None, *, now: datetime
    ) -> None:
        """Replaces the results of the year and edition, sets the mask and the failed indicators."""
        ...

    async def matching_facts(self, household_id: UUID, *, today: date) -> Mapping[str, Any]:
        """What menu conditions look at: land, classification, income, and the members without identity."""
        ...


class PersonStore(Protocol):
    async def view(self, reach: Reach, person_id: UUID, *, now: datetime) -> Document | None: ...

    async def hold(self, reach: Reach, person_id: UUID) -> HeldPerson | None:
        """Locks it until the transaction ends; None when absent or out of reach."""
        ...

    async def amend(
        self, reach: Reach, held: HeldPerson, changes: Mapping[str, Any], *, now: datetime
    ) -> None:
        """Raises Conflict `already-a-member` where a new citizen id belongs to somebody else."""
        ...
