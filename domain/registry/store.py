"""What the registry asks of its store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from domain.access.policy import Reach
from domain.kernel import Document, Listing, Paging
from domain.registry.held import Held as Held
from domain.registry.household import HouseholdDraft, HouseholdFilter, Relationship
from domain.registry.indicators import IndicatorResults
from domain.registry.member import KnownPerson, MemberJoin, MemberLeaving, Membership
from domain.registry.relocation import HeldPair, HouseholdMove, Survey
from domain.registry.target_group import StoredFacts


@dataclass(frozen=True, slots=True)
class Includes:
    """Which lists a household carries along, and how the caller may see them."""

    names: frozenset[str] = frozenset()
    problem_moves: Mapping[str, Sequence[str]] | None = None
    assignment_moves: Mapping[str, Sequence[str]] | None = None


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


class MemberStore(Protocol):
    """Every write is a new version of the household, with its feed and audit rows."""

    async def known(
        self, reach: Reach, household_id: UUID, *, person_id: UUID | None, citizen_id: str | None
    ) -> KnownPerson | None:
        """By id inside the reach's areas, by citizen id anywhere; locked together with both households."""
        ...

    async def current(self, household_id: UUID, person_id: UUID) -> Membership | None:
        """Of a household that is held."""
        ...

    async def add(
        self, reach: Reach, held: Held, person_id: UUID, draft: MemberJoin, *, now: datetime
    ) -> bool:
        """A new person; False where the citizen id has become somebody's meanwhile: then nothing may stay."""
        ...

    async def bring(
        self, reach: Reach, held: Held, person: KnownPerson, draft: MemberJoin, *, now: datetime
    ) -> None:
        """A known person: the record comes along, the memberships that ended stay where they were."""
        ...

    async def amend(
        self, reach: Reach, held: Held, member: Membership, changes: Mapping[str, Any], *, now: datetime
    ) -> None: ...

    async def end(
        self, reach: Reach, held: Held, member: Membership, leaving: MemberLeaving, *, now: datetime
    ) -> None:
        """The household loses its head where it was the head who left."""
        ...

    async def change_head(
        self,
        reach: Reach,
        held: Held,
        member: Membership,
        former: Relationship,
        reason: str,
        *,
        now: datetime,
    ) -> None:
        """`former`: what whoever was head is to the new one."""
        ...


class MoveStore(Protocol):
    async def hold(self, reach: Reach, household_id: UUID) -> Held | None:
        """Locks the household and all its casework; None when absent or out of reach."""
        ...

    async def move(self, reach: Reach, held: Held, to: HouseholdMove, *, now: datetime) -> None:
        """Rewrites the area of every row of the household, with feed rows for those who gain and who lose it."""
        ...


class MergeStore(Protocol):
    async def hold(self, reach: Reach, winner_id: UUID, loser_id: UUID) -> HeldPair | None:
        """None when either is absent, out of reach or merged already."""
        ...

    async def is_merged(self, reach: Reach, household_id: UUID) -> bool:
        """Whether there was such a household inside the reach, and is another's now."""
        ...

    async def fold(
        self,
        reach: Reach,
        pair: HeldPair,
        changes: Mapping[str, Any],
        origins: Mapping[str, Any],
        reason: str,
        *,
        now: datetime,
    ) -> Survey | None:
        """Gives the winner everything of the loser, and these fields with where they come from.

        Answers the latest survey of what the winner has now, where results of the loser came into it.
        """
        ...

    async def set_mask(self, household_id: UUID, mask: str) -> None:
        """Of the winner, in the same change."""
        ...

    async def successor(self, reach: Reach, household_id: UUID) -> UUID | None:
        """The household that this one was merged into, where that one is inside the reach."""
        ...


class HistoryStore(Protocol):
    async def page(self, reach: Reach, household_id: UUID, paging: Paging) -> Listing | None:
        """Newest first; None for a household that is absent or out of reach."""
        ...


class TargetGroupStore(Protocol):
    async def facts(self, reach: Reach, household_id: UUID, fiscal_year: int) -> StoredFacts | None:
        """None for a household that is absent or out of reach."""
        ...
