"""Where sources disagree on a field of a household or a member: listed, and settled (contract 7).

A conflict between two imported sources is settled by the order of trust as it is found; one with what a team has said
stays open, with the team's value standing. A person may decide either anew.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from domain.access.actor import Actor
from domain.access.policy import MASKED_FIELDS, Operation, PurposeRequired, admit
from domain.errors import Fault, Invalid, NotFound
from domain.kernel import Document, Listing, Paging
from domain.registry import households, persons
from domain.registry.conflict import Choice, ConflictFilter, ConflictResolution, HeldConflict
from domain.registry.free_text import personal_data_faults
from domain.registry.household import HouseholdPatch
from domain.registry.person import PersonPatch
from domain.work import UnitOfWork

Patch = TypeVar("Patch", bound=BaseModel)
ADDRESS = ("house_no", "moo", "village_name", "road", "postcode")


async def browse(
    work: UnitOfWork, actor: Actor, household_id: UUID, where: ConflictFilter, paging: Paging
) -> Listing:
    """The household's, oldest first. Raises NotFound, absent or hidden alike."""
    reach = admit(actor, Operation.READ_HOUSEHOLDS)
    found = await work.conflicts.page(reach, household_id, where, paging)
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
    """Decides a conflict, or decides it anew; the chosen value is the team's from then on.

    Raises NotFound, Invalid for a value that the field does not take, PurposeRequired where the
    given value is one that the caller may not see.
    """
    reach = admit(actor, Operation.WRITE_HOUSEHOLDS)
    if faults := personal_data_faults({"reason": decision.reason}):
        raise Invalid("Remove personal data from the reason.", faults=faults)
    held = await work.conflicts.hold(reach, household_id, conflict_id)
    if held is None:
        raise NotFound
    if decision.choose is not Choice.STORED:
        if decision.choose is Choice.GIVEN and held.field in MASKED_FIELDS and not reach.unmasked:
            raise PurposeRequired
        value = held.given if decision.choose is Choice.GIVEN else decision.value
        await _write(work, actor, held, value, now=now)
    await work.conflicts.resolve(reach, held, decision.choose, decision.reason, now=now)
    found = await work.conflicts.view(reach, conflict_id)
    if found is None:
        raise NotFound
    return found


async def _write(work: UnitOfWork, actor: Actor, held: HeldConflict, value: Any, *, now: datetime) -> None:
    """Through the use cases of the record itself, under whatever version it has now."""
    reach = admit(actor, Operation.WRITE_HOUSEHOLDS)
    if held.person_id is not None:
        if held.field not in PersonPatch.model_fields:
            raise _unpatchable()
        person = await work.persons.hold(reach, held.person_id)
        if person is None:
            raise NotFound
        patch = _parsed(PersonPatch, {held.field: value})
        await persons.amend(work, actor, held.person_id, patch, version=person.version, now=now)
        return
    body = {"address": {held.field: value}} if held.field in ADDRESS else {held.field: value}
    if held.field not in (*HouseholdPatch.model_fields, *ADDRESS):
        raise _unpatchable()
    household = await work.households.hold(reach, held.household_id)
    if household is None:
        raise NotFound
    parsed = _parsed(HouseholdPatch, body)
    await households.amend(work, actor, held.household_id, parsed, version=household.version, now=now)


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
