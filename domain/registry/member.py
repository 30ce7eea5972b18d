"""A membership: who joins and leaves a household, and who becomes its head (contract 4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from domain.kernel import Text, Value
from domain.registry.household import Relationship
from domain.registry.person import PersonDraft

Reason = Annotated[Text, Field(max_length=500)]

R = Relationship
REVERSED: Mapping[Relationship, Relationship] = {
    R.SPOUSE: R.SPOUSE,
    R.CHILD: R.PARENT,
    R.PARENT: R.CHILD,
    R.SIBLING: R.SIBLING,
    R.GRANDCHILD: R.GRANDPARENT,
    R.GRANDPARENT: R.GRANDCHILD,
    R.CHILD_IN_LAW: R.PARENT_IN_LAW,
    R.PARENT_IN_LAW: R.CHILD_IN_LAW,
    R.RELATIVE: R.RELATIVE,
    R.OTHER: R.OTHER,
}
"""What the former head is to a new one who was this to the former; the other members stay as they were recorded."""


class MemberJoin(Value):
    """Who joins: exactly one of `person` and `person_id`.

    A person whose citizen id the registry knows, and who is a current member nowhere, joins as recorded: nothing that
    the draft says otherwise is taken over; amend the person for that.
    """

    relationship: Relationship
    joined_on: date | None = None
    person: PersonDraft | None = None
    person_id: UUID | None = None
    """Somebody of your areas who is registered and a current member nowhere."""

    @property
    def citizen_id(self) -> str | None:
        """The one that the draft names."""
        return None if self.person is None else self.person.citizen_id


class MemberPatch(Value):
    """Merge patch of a membership: absent keeps, null clears. The head changes by change-head alone."""

    relationship: Relationship = Relationship.OTHER
    joined_on: date | None = None


class MemberLeaving(Value):
    left_on: date
    """The last day, never in the future, and not before the person joined."""
    reason: Reason


class HeadChange(Value):
    person_id: UUID
    """A living current member."""
    reason: Reason


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody registered, locked for a change."""

    id: UUID
    household_id: UUID
    area_code: str
    is_member: bool
    """A current one, of any household of the country."""
    vital_status: str


@dataclass(frozen=True, slots=True)
class Membership:
    """A current one."""

    person_id: UUID
    relationship: str
    joined_on: date | None
