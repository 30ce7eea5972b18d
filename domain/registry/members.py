"""Who belongs to a household: joining, amending, leaving, and who is its head (contract 4).

A living person is a current member of one household. What ends stays as history: nothing is deleted.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from domain.access.actor import Actor
from domain.access.policy import Operation, Reach, admit
from domain.calendar import today
from domain.casework.rules import in_future, refuse
from domain.errors import Conflict, Fault, Invalid, NotFound, VersionMismatch
from domain.kernel import Document
from domain.registry.free_text import personal_data_faults
from domain.registry.household import Relationship
from domain.registry.households import shown
from domain.registry.member import (
    REVERSED,
    HeadChange,
    KnownPerson,
    MemberJoin,
    MemberLeaving,
    MemberPatch,
    Membership,
)
from domain.registry.person import VitalStatus
from domain.registry.rules import person_faults
from domain.registry.store import Held
from domain.work import UnitOfWork

R = Relationship


async def join(
    work: UnitOfWork, actor: Actor, household_id: UUID, draft: MemberJoin, *, now: datetime
) -> tuple[UUID, Document]:
    """Adds a member: the person's id, and the household.

    Raises NotFound, Invalid, Conflict `already-a-member` for a current member of any household.
    """
    reach = admit(actor, Operation.WRITE_HOUSEHOLDS)
    refuse(_join_faults(draft, today(now)))
    known = None
    if draft.person_id is not None or draft.citizen_id is not None:
        known = await work.members.known(
            reach, household_id, person_id=draft.person_id, citizen_id=draft.citizen_id
        )
    held = await _held(work, reach, household_id)
    if known is None and draft.person_id is not None:
        raise Invalid.at("/person_id", "unknown-person", "No person of yours has this id.")
    if known is not None and known.is_member:
        raise already_a_member(draft)
    if draft.relationship is Relationship.HEAD:
        refuse(_head_faults(held, known))
    if known is not None:
        await work.members.bring(reach, held, known, draft, now=now)
        person_id = known.id
    else:
        person_id = work.new_id()
        if not await work.members.add(reach, held, person_id, draft, now=now):
            raise already_a_member(draft)
    # Help may have come before the person did.
    await work.events.link_queued(reach, household_id, now=now)
    return person_id, await shown(work, reach, household_id, now)


async def amend(
    work: UnitOfWork,
    actor: Actor,
    household_id: UUID,
    person_id: UUID,
    patch: MemberPatch,
    *,
    version: int,
    now: datetime,
) -> Document:
    """Amends a current membership at this version of the household. Raises NotFound, VersionMismatch, Invalid."""
    reach = admit(actor, Operation.WRITE_HOUSEHOLDS)
    held, member = await _member(work, reach, household_id, person_id)
    if held.version != version:
        raise VersionMismatch(held.version)
    given = patch.model_dump(include={"relationship", "joined_on"}, exclude_unset=True)
    before = {"relationship": member.relationship, "joined_on": member.joined_on}
    changes = {name: value for name, value in given.items() if before[name] != value}
    refuse(_patch_faults(changes, member, today(now)))
    if changes:
        await work.members.amend(reach, held, member, changes, now=now)
    return await shown(work, reach, household_id, now)


async def end(
    work: UnitOfWork,
    actor: Actor,
    household_id: UUID,
    person_id: UUID,
    leaving: MemberLeaving,
    *,
    now: datetime,
) -> Document:
    """Ends a current membership; without a head the household is incomplete. Raises NotFound, Invalid."""
    reach = admit(actor, Operation.WRITE_HOUSEHOLDS)
    faults = personal_data_faults({"reason": leaving.reason}) + in_future(
        "/left_on", leaving.left_on, today(now)
    )
    held, member = await _member(work, reach, household_id, person_id)
    if member.joined_on is not None and leaving.left_on < member.joined_on:
        faults.append(Fault("/left_on", "before-joining", "The person had not joined yet."))
    refuse(faults)
    await work.members.end(reach, held, member, leaving, now=now)
    return await shown(work, reach, household_id, now)


async def change_head(
    work: UnitOfWork, actor: Actor, household_id: UUID, change: HeadChange, *, now: datetime
) -> Document:
    """Names a current member as head; for who is head already nothing happens. Raises NotFound, Invalid."""
    reach = admit(actor, Operation.WRITE_HOUSEHOLDS)
    refuse(personal_data_faults({"reason": change.reason}))
    # The person before the household, as an amendment of the person locks them: nobody dies in between.
    person = await work.persons.hold(reach, change.person_id)
    held = await _held(work, reach, household_id)
    member = await work.members.current(household_id, change.person_id)
    if person is None or member is None:
        raise Invalid.at("/person_id", "unknown-member", "Name a current member of the household.")
    if person.fields["vital_status"] == VitalStatus.DECEASED:
        raise Invalid.at("/person_id", "deceased-head", "A deceased person cannot be the head.")
    if held.fields["head_person_id"] != change.person_id:
        former = REVERSED.get(Relationship(member.relationship), Relationship.OTHER)
        await work.members.change_head(reach, held, member, former, change.reason, now=now)
    return await shown(work, reach, household_id, now)


def already_a_member(draft: MemberJoin) -> Conflict:
    """Says where in the draft, and nothing of whose member."""
    pointer = "/person_id" if draft.person is None else "/person/citizen_id"
    return Conflict(
        "A living person is a current member of one household.",
        code="already-a-member",
        faults=[Fault(pointer, "already-a-member", "Already a member of a household.")],
    )


def _join_faults(draft: MemberJoin, on: date) -> list[Fault]:
    if (draft.person is None) == (draft.person_id is None):
        return [Fault("", "one-person", "Give exactly one of person and person_id.")]
    faults = in_future("/joined_on", draft.joined_on, on)
    if draft.person is not None:
        faults.extend(person_faults(draft.person, today=on, at="/person"))
        if draft.relationship is R.HEAD and draft.person.vital_status is VitalStatus.DECEASED:
            faults.append(Fault("/relationship", "deceased-head", "A deceased person cannot be the head."))
    return faults


def _patch_faults(changes: Mapping[str, Any], member: Membership, on: date) -> list[Fault]:
    faults = in_future("/joined_on", changes.get("joined_on"), on)
    if "relationship" in changes and R.HEAD in (changes["relationship"], member.relationship):
        faults.append(Fault("/relationship", "use-change-head", "The head changes by change-head."))
    return faults


def _head_faults(held: Held, known: KnownPerson | None) -> list[Fault]:
    if held.fields["head_person_id"] is not None:
        return [Fault("/relationship", "duplicate-head", "The household has a head; use change-head.")]
    if known is not None and known.vital_status == VitalStatus.DECEASED:
        return [Fault("/relationship", "deceased-head", "A deceased person cannot be the head.")]
    return []


async def _held(work: UnitOfWork, reach: Reach, household_id: UUID) -> Held:
    held = await work.households.hold(reach, household_id)
    if held is None:
        raise NotFound
    return held


async def _member(
    work: UnitOfWork, reach: Reach, household_id: UUID, person_id: UUID
) -> tuple[Held, Membership]:
    held = await _held(work, reach, household_id)
    member = await work.members.current(household_id, person_id)
    if member is None:
        raise NotFound
    return held, member
