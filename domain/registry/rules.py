"""Rules of the registry: pure, each returning the faults it finds."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from domain.errors import Fault
from domain.registry.free_text import number_faults, personal_data_faults
from domain.registry.household import CaseStatus, HouseholdDraft, Relationship
from domain.registry.person import PersonFields, VitalStatus

OLDEST = 130
"""Years; a birth date further back is a typing error (assumed)."""

CASE_MOVES: Mapping[CaseStatus, tuple[CaseStatus, ...]] = {
    # Reference state_transitions, machine household_case; IN_ASSISTANCE follows from the first event as well.
    CaseStatus.IMPORTED: (CaseStatus.VERIFIED, CaseStatus.CLOSED),
    CaseStatus.VERIFIED: (CaseStatus.CLASSIFIED, CaseStatus.CLOSED),
    CaseStatus.CLASSIFIED: (CaseStatus.ANALYSED, CaseStatus.CLOSED),
    CaseStatus.ANALYSED: (CaseStatus.PLANNED, CaseStatus.IN_ASSISTANCE, CaseStatus.CLOSED),
    CaseStatus.PLANNED: (CaseStatus.IN_ASSISTANCE, CaseStatus.CLOSED),
    CaseStatus.IN_ASSISTANCE: (CaseStatus.MONITORING, CaseStatus.CLOSED),
    CaseStatus.MONITORING: (CaseStatus.IN_ASSISTANCE, CaseStatus.CLOSED),
    CaseStatus.CLOSED: (CaseStatus.IMPORTED,),
}


def household_faults(draft: HouseholdDraft, *, today: date) -> list[Fault]:
    """What is wrong with a household and its members beyond their shapes."""
    faults: list[Fault] = []
    heads = [place for place, m in enumerate(draft.members) if m.relationship is Relationship.HEAD]
    faults.extend(
        Fault(f"/members/{place}/relationship", "duplicate-head", "A household has one head.")
        for place in heads[1:]
    )
    faults.extend(_repeated_ids(draft))
    faults.extend(address_faults(draft.address.model_dump()))
    records = {f"sources/{place}/record_id": source.record_id for place, source in enumerate(draft.sources)}
    faults.extend(personal_data_faults(records))
    for place, member in enumerate(draft.members):
        at = f"/members/{place}"
        if member.joined_on and member.joined_on > today:
            faults.append(Fault(f"{at}/joined_on", "future-date", "The date is in the future."))
        faults.extend(person_faults(member.person, today=today, at=f"{at}/person"))
        if member.relationship is Relationship.HEAD and member.person.vital_status is VitalStatus.DECEASED:
            faults.append(
                Fault(f"{at}/relationship", "deceased-head", "A deceased person cannot be the head.")
            )
    faults.extend(
        Fault(f"/sources/{place}/seen_on", "future-date", "The date is in the future.")
        for place, source in enumerate(draft.sources)
        if source.seen_on and source.seen_on > today
    )
    return faults


def address_faults(address: Mapping[str, Any]) -> list[Fault]:
    """Identifiers in the parts of an address; `address` may lack any."""
    return number_faults(
        {f"address/{name}": address.get(name) for name in ("house_no", "village_name", "road")}
    )


def name_faults(person: Mapping[str, Any], *, at: str = "") -> list[Fault]:
    """Identifiers in the short texts of a person; `person` may lack any."""
    texts = {name: person.get(name) for name in _PERSON_TEXTS}
    texts |= {f"disabilities/{place}": text for place, text in enumerate(person.get("disabilities") or ())}
    return number_faults({f"{at[1:]}/{name}" if at else name: text for name, text in texts.items()})


_PERSON_TEXTS = ("prefix", "first_name", "last_name", "occupation")


def person_faults(person: PersonFields, *, today: date, at: str = "") -> Iterator[Fault]:
    """Dates that cannot be, and a death that contradicts the vital status."""
    yield from name_faults(person.model_dump(include={*_PERSON_TEXTS, "disabilities"}), at=at)
    yield from dates_faults(person.birth_date, person.deceased_on, person.vital_status, today=today, at=at)


def dates_faults(
    birth: date | None, death: date | None, vital: VitalStatus, *, today: date, at: str
) -> Iterator[Fault]:
    if birth and birth > today:
        yield Fault(f"{at}/birth_date", "future-date", "The date is in the future.")
    if birth and birth.year < today.year - OLDEST:
        yield Fault(
            f"{at}/birth_date", "implausible-date", "The date is too long ago; is it a Buddhist year?"
        )
    if death and death > today:
        yield Fault(f"{at}/deceased_on", "future-date", "The date is in the future.")
    if death and vital is not VitalStatus.DECEASED:
        yield Fault(f"{at}/deceased_on", "not-deceased", "Only a deceased person has a date of death.")
    if death and birth and death < birth:
        yield Fault(f"{at}/deceased_on", "before-birth", "The date of death is before the birth date.")


def _repeated_ids(draft: HouseholdDraft) -> Iterator[Fault]:
    ids: Sequence[str | None] = [member.person.citizen_id for member in draft.members]
    repeated = {one for one, times in Counter(ids).items() if one is not None and times > 1}
    seen: set[str] = set()
    for place, one in enumerate(ids):
        if one in repeated and one in seen:
            yield Fault(
                f"/members/{place}/person/citizen_id",
                "duplicate-citizen-id",
                "Two members have the same citizen id.",
            )
        if one is not None:
            seen.add(one)


def place_parents(area_code: str) -> tuple[str, ...]:
    """The registered areas one of which must be known for a household's area code to be real.

    A municipal community carries 99 in place of a subdistrict or district (domain §9): then the level above
    has to do.
    """
    if area_code[4:6] == "99":
        return (area_code[:4], area_code[:2]) if area_code[2:4] == "99" else (area_code[:4],)
    if area_code[2:4] == "99":
        return (area_code[:6], area_code[:2])
    return (area_code[:6],)
