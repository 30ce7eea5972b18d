"""Where sources disagree on a field of a household or a member: listed, and settled (contract 7).

A conflict between two imported sources is settled by the order of trust as it is found; one with what a team has said
stays open, with the team's value standing. A person may decide either, once: what a person has decided is not
decided again here, the record itself is amended. Which third value that was is kept as a keyed hash:
the same again is the same answer, whatever was amended since.

Values of fields that may be masked are shown as persons are: unmasked to whoever has persons:pii and states a
purpose, with a line in the access log.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from domain.access.actor import Actor
from domain.access.policy import MASKED_FIELDS, Operation, PurposeRequired, Reach, admit, sees_unmasked
from domain.errors import Conflict, Fault, Invalid, NotFound
from domain.kernel import Document, Listing, Paging
from domain.registry import households, persons
from domain.registry.conflict import (
    Choice,
    ConflictFilter,
    ConflictResolution,
    ConflictStatus,
    HeldConflict,
)
from domain.registry.free_text import personal_data_faults
from domain.registry.household import HouseholdPatch
from domain.registry.person import PersonPatch
from domain.work import UnitOfWork

Patch = TypeVar("Patch", bound=BaseModel)
ADDRESS = ("house_no", "moo", "village_name", "road", "postcode")


async def browse(
    work: UnitOfWork,
    actor: Actor,
    household_id: UUID,
    where: ConflictFilter,
    paging: Paging,
    *,
    now: datetime,
) -> Listing:
    """The household's, oldest first. Raises NotFound, absent or hidden alike."""
    reach = admit(actor, Operation.READ_HOUSEHOLDS)
    found = await work.conflicts.page(reach, household_id, where, paging, now=now)
    if found is None:
        raise NotFound
    return found


async def provenance(work: UnitOfWork, actor: Actor, household_id: UUID) -> Document:
    """Where the fields of a household and its members come from. Raises NotFound."""
    found = await work.conflicts.provenance(admit(actor, Operation.READ_HOUSEHOLDS), household_id)
    if found is None:
        raise NotFound
    return found


async def resolve(
    work: UnitOfWork,
    actor: Actor,
    household_id: UUID,
    conflict_id: UUID,
    decision: ConflictResolution,
    *,
    now: datetime,
) -> Document:
    """Decides a conflict that is open or was settled by trust; the chosen value is the team's from then on.

    The same decision again changes nothing. Raises NotFound, Conflict `already-resolved` for another decision,
    Invalid for a value that the field does not take, PurposeRequired where the given value is one that the
    caller may not see.
    """
    reach = admit(actor, Operation.WRITE_HOUSEHOLDS)
    if faults := [*_faults(decision), *personal_data_faults({"reason": decision.reason})]:
        raise Invalid("The decision has faults; see errors.", faults=faults)
    held = await work.conflicts.hold(reach, household_id, conflict_id, opened=_may_see(actor))
    if held is None:
        raise NotFound
    if decision.choose is Choice.GIVEN and held.field in MASKED_FIELDS and not _may_see(actor):
        raise PurposeRequired
    if held.status is not ConflictStatus.RESOLVED:
        await _decide(work, reach, held, decision, now=now)
    elif not _decided_so(work, actor, held, decision):
        raise Conflict(
            "A person has decided otherwise; to change the value, amend the record.", code="already-resolved"
        )
    found = await work.conflicts.view(reach, conflict_id, now=now)
    if found is None:
        raise NotFound
    return found


def _faults(decision: ConflictResolution) -> list[Fault]:
    """A value that was forgotten clears nothing, and one that goes with another choice is not passed over."""
    if decision.choose is Choice.VALUE:
        said = "value" in decision.model_fields_set
        return [] if said else [Fault("/value", "required", "Give the value; null clears the field.")]
    unused = decision.value is not None
    return [Fault("/value", "unknown-field", "A value goes with `choose: value` alone.")] if unused else []


def _may_see(actor: Actor) -> bool:
    """Whether masked values are the caller's to decide on, also where this answer withholds them."""
    return sees_unmasked(actor.as_called)


async def _decide(
    work: UnitOfWork, reach: Reach, held: HeldConflict, decision: ConflictResolution, *, now: datetime
) -> None:
    chosen = None
    if decision.choose is Choice.VALUE:
        by = None if _is_told(held, reach.actor) else reach.actor.client_id
        chosen = work.conflicts.hashed(held, _said(held, decision.value, by))
    if decision.choose is not Choice.STORED:
        value = held.given if decision.choose is Choice.GIVEN else decision.value
        await _write(work, reach, held, value, now=now)
    await work.conflicts.resolve(reach, held, decision.choose, decision.reason, chosen=chosen, now=now)


def _decided_so(work: UnitOfWork, actor: Actor, held: HeldConflict, decision: ConflictResolution) -> bool:
    """Whether it was decided in the same way, whatever has become of the record since."""
    if decision.choose is not held.choice:
        return False
    if decision.choose is not Choice.VALUE:
        return True
    # Who may not see what stands there is told of its own decision alone: other answers would judge a guess.
    wanted = [None, held.settled_by] if _is_told(held, actor) else [actor.client_id]
    said = (_said(held, decision.value, by) for by in wanted)
    return any(work.conflicts.hashed(held, one) == held.chosen_hash for one in said)


def _is_told(held: HeldConflict, actor: Actor) -> bool:
    return held.field not in MASKED_FIELDS or _may_see(actor)


def _said(held: HeldConflict, value: Any, by: str | None) -> str:
    """The decision for a third value as text; `by` whom, where that one may not see what it has written."""
    said = _patch_of(held, value).model_dump(mode="json", exclude_unset=True)
    return json.dumps([by, said], sort_keys=True)


async def _write(work: UnitOfWork, reach: Reach, held: HeldConflict, value: Any, *, now: datetime) -> None:
    """Through the use cases of the record itself, under whatever version it has now."""
    patch = _patch_of(held, value)
    if isinstance(patch, PersonPatch):
        assert held.person_id is not None
        person = await work.persons.hold(reach, held.person_id)
        if person is None:
            raise NotFound
        await persons.amend(work, reach.actor, person.id, patch, version=person.version, now=now)
        return
    household = await work.households.hold(reach, held.household_id)
    if household is None:
        raise NotFound
    await households.amend(work, reach.actor, household.id, patch, version=household.version, now=now)


def _patch_of(held: HeldConflict, value: Any) -> PersonPatch | HouseholdPatch:
    """Raises Invalid for a field that has an operation of its own, and for a value that it does not take."""
    if held.person_id is not None:
        if held.field not in PersonPatch.model_fields:
            raise _unpatchable()
        return _parsed(PersonPatch, {held.field: value})
    if held.field not in (*HouseholdPatch.model_fields, *ADDRESS):
        raise _unpatchable()
    body = {"address": {held.field: value}} if held.field in ADDRESS else {held.field: value}
    return _parsed(HouseholdPatch, body)


def _unpatchable() -> Invalid:
    return Invalid.at(
        "/choose", "not-patchable", "Change it by its own operation, and choose `stored` afterwards."
    )


def _parsed(model: type[Patch], body: Mapping[str, Any]) -> Patch:
    try:
        return model.model_validate(body)
    except ValidationError:
        fault = Fault("/value", "wrong-format", "The field does not take this value.")
    raise Invalid("The value has a fault; see errors.", faults=[fault])
