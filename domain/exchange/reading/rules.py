"""What is wrong with a row beyond its single cells: the rules that a request would be held to.

The same codes at our columns in place of pointers (domain/registry/rules.py, domain/assistance/events.py).
"""

from collections.abc import Iterator, Sequence
from datetime import date

from domain.assistance.events import EARLIEST
from domain.exchange.reading.rows import EventPart, HouseholdPart, PersonPart, RowFault
from domain.registry.household import Relationship
from domain.registry.person import NoIdReason, VitalStatus
from domain.registry.rules import dates_faults

_FUTURE = "The date is in the future."
# To look a member of an enumeration up costs more than most rules.
_ALIVE, _DECEASED = VitalStatus.ALIVE, VitalStatus.DECEASED


def _required(column: str) -> RowFault:
    return RowFault(column, "required", "It is required.")


def identity_faults(citizen_id: str | None, reason: NoIdReason | None) -> Sequence[RowFault]:
    """Of a person: exactly one is given."""
    if citizen_id is None and reason is None:
        return [RowFault("citizen_id", "no-id-reason-required", "Give citizen_id, or no_id_reason why not.")]
    if citizen_id is not None and reason is not None:
        return [
            RowFault("no_id_reason", "no-id-reason-not-needed", "Leave no_id_reason out with a citizen_id.")
        ]
    return ()


def person_faults(person: PersonPart, *, today: date) -> Sequence[RowFault]:
    found: list[RowFault] = []
    if person.first_name is None:
        found.append(_required("first_name"))
    birth, death, vital = person.birth_date, person.deceased_on, person.vital_status
    if birth is not None or death is not None:
        found += [
            RowFault(fault.pointer[1:], fault.code, fault.detail)
            for fault in dates_faults(birth, death, vital or _ALIVE, today=today, at="")
        ]
    if person.joined_on is not None and person.joined_on > today:
        found.append(RowFault("joined_on", "future-date", _FUTURE))
    if vital is _DECEASED and person.relationship is Relationship.HEAD:
        found.append(RowFault("relationship", "deceased-head", "A deceased person cannot be the head."))
    return found


def household_faults(household: HouseholdPart, fiscal_year: int | None, results: bool) -> Sequence[RowFault]:
    found: list[RowFault] = []
    if household.area_code is None:
        found.append(_required("area_code"))
    if (household.latitude is None) != (household.longitude is None):
        found.append(_required("latitude" if household.latitude is None else "longitude"))
    if fiscal_year is None and (results or household.target_group is not None):
        found.append(_required("fiscal_year"))
    return found


def seen_faults(seen_on: date | None, *, today: date) -> Sequence[RowFault]:
    if seen_on is not None and seen_on > today:
        return [RowFault("seen_on", "future-date", _FUTURE)]
    return ()


def event_faults(
    event: EventPart, record_id: str | None, citizen_id: str | None, *, today: date
) -> Iterator[RowFault]:
    if record_id is None:
        yield _required("record_id")
    for column in ("dimension", "assistance_type", "provided_on"):
        if getattr(event, column) is None:
            yield _required(column)
    if sum(one is not None for one in (event.household_id, event.house_code, citizen_id)) != 1:
        yield RowFault(
            "household_id", "one-identifier", "Give exactly one of household_id, house_code, citizen_id."
        )
    if event.provided_on is not None and event.provided_on > today:
        yield RowFault("provided_on", "future-date", _FUTURE)
    if event.provided_on is not None and event.provided_on < EARLIEST:
        yield RowFault("provided_on", "implausible-date", "The date is too long ago; is the year right?")
