"""What may be done with a person: read, amend."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from domain.access.actor import Actor
from domain.access.policy import MASKED_FIELDS, Operation, admit
from domain.calendar import today
from domain.errors import Fault, Invalid, NotFound, VersionMismatch
from domain.kernel import Document
from domain.registry.person import PersonPatch, VitalStatus
from domain.registry.rules import dates_faults, name_faults
from domain.registry.store import HeldPerson
from domain.work import UnitOfWork

_REQUIRED = ("first_name", "sex", "vital_status", "welfare_card", "disabilities")


async def read(work: UnitOfWork, actor: Actor, person_id: UUID, *, now: datetime) -> Document:
    """One person as the caller may see one. Raises NotFound, absent or hidden alike."""
    found = await work.persons.view(admit(actor, Operation.READ_HOUSEHOLDS), person_id, now=now)
    if found is None:
        raise NotFound
    return found


async def amend(
    work: UnitOfWork, actor: Actor, person_id: UUID, patch: PersonPatch, *, version: int, now: datetime
) -> Document:
    """Applies a merge patch to the given version. Raises VersionMismatch, Invalid, Conflict."""
    reach = admit(actor, Operation.WRITE_HOUSEHOLDS)
    held = await work.persons.hold(reach, person_id)
    if held is None:
        raise NotFound
    if held.version != version:
        raise VersionMismatch(held.version)
    changes = _changes(held, patch, now, unmasked=reach.unmasked)
    if changes:
        await work.persons.amend(reach, held, changes, now=now)
    if changes.get("citizen_id") is not None:
        await work.events.link_queued(reach, held.household_id, now=now)
    found = await work.persons.view(reach, person_id, now=now)
    if found is None:
        raise NotFound
    return found


def _changes(held: HeldPerson, patch: PersonPatch, now: datetime, *, unmasked: bool) -> dict[str, Any]:
    """What is to be written. Whoever may not see a field learns nothing of it by trying: a value that is there
    already is written again, and a death is compared with the year of birth alone, which the age tells."""
    given = patch.model_dump(exclude_unset=True)
    faults = [
        Fault(f"/{name}", "required", "It cannot be cleared.")
        for name in _REQUIRED
        if name in given and given[name] is None
    ]
    faults += name_faults(given)
    merged = {**held.fields, **given}
    identified = given["citizen_id"] is not None if "citizen_id" in given else held.has_citizen_id
    if identified and "citizen_id" in given and "no_id_reason" not in given:
        given["no_id_reason"] = merged["no_id_reason"] = None
    if identified == (merged["no_id_reason"] is not None):
        faults.append(
            Fault("/no_id_reason", "no-id-reason", "Exactly one of citizen_id and no_id_reason is null.")
        )
    if not faults:
        vital = VitalStatus(merged["vital_status"])
        faults.extend(
            dates_faults(
                _known_birth(merged["birth_date"], given, unmasked),
                merged["deceased_on"],
                vital,
                today=today(now),
                at="",
            )
        )
    if faults:
        raise Invalid("The person breaks rules; see errors.", faults=faults)
    sealed = {"citizen_id", "phone"} if unmasked else set(MASKED_FIELDS)
    return {name: value for name, value in given.items() if name in sealed or held.fields.get(name) != value}


def _known_birth(birth: date | None, given: Mapping[str, Any], unmasked: bool) -> date | None:
    if birth is None or unmasked or "birth_date" in given:
        return birth
    return date(birth.year, 1, 1)
