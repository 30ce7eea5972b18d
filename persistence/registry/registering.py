"""Registers a household with its members: one statement, all or nothing."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.registry.household import HouseholdDraft, MemberDraft, Relationship
from domain.registry.member import MemberJoin
from domain.registry.person import PersonDraft
from domain.thai import name_key
from persistence.engine import Connection
from persistence.registry.facets import facets
from persistence.rows import as_bytea, inserting
from persistence.sealing import Sealing


async def register(
    connection: Connection,
    household_id: UUID,
    draft: HouseholdDraft,
    sealing: Sealing,
    new_id: Callable[[], UUID],
    now: datetime,
) -> list[int]:
    """Inserts everything; the places of members whose citizen id is already somebody's, if any.

    With such a place nothing may stay: the caller raises, and its transaction rolls back.
    """
    ids = [new_id() for _ in draft.members]
    household = _household(household_id, draft, ids, now)
    persons = [
        person_row(household_id, one, member.person, draft.area_code, sealing, now)
        for one, member in zip(ids, draft.members, strict=True)
    ]
    memberships = [
        membership_row(household_id, new_id(), one, member, draft.area_code)
        for one, member in zip(ids, draft.members, strict=True)
    ]
    index = sealing.index
    identities = [
        row
        for one, member in zip(ids, draft.members, strict=True)
        if member.person.citizen_id
        for row in identity_rows(household_id, one, draft.area_code, index.every(member.person.citizen_id))
    ]
    # In one order for all writers: of two that register the same persons one waits, and none in a circle.
    identities.sort(key=lambda row: row["blind_index"])
    steps, values = [f"household_added AS ({inserting('household', [household], '$1')})"], [[household]]
    for table, rows in (("person", persons), ("membership", memberships)):
        if rows:
            values.append(rows)
            steps.append(f"{table}_added AS ({inserting(table, rows, f'${len(values)}')})")
    known: Counter[UUID] = Counter()
    if identities:
        values.append(identities)
        tail = "ON CONFLICT DO NOTHING RETURNING person_id"
        steps.append(
            f"identified AS ({inserting('citizen_identity', identities, f'${len(values)}', tail=tail)})"
        )
        rows_known = await connection.fetch(
            f"WITH {', '.join(steps)} SELECT person_id FROM identified", *values
        )
        known = Counter(row[0] for row in rows_known)
    else:
        await connection.execute(f"WITH {', '.join(steps)} SELECT", *values)
    return [
        place
        for place, (one, member) in enumerate(zip(ids, draft.members, strict=True))
        # Somebody else's under any of the keys is somebody else's.
        if member.person.citizen_id and known[one] < len(index.key_ids)
    ]


def _household(household_id: UUID, draft: HouseholdDraft, ids: list[UUID], now: datetime) -> dict[str, Any]:
    head = next(
        (i for i, m in zip(ids, draft.members, strict=True) if m.relationship is Relationship.HEAD), None
    )
    sources = [source.model_dump(mode="json") for source in draft.sources]
    groups = [group.model_dump(mode="json") for group in draft.target_groups]
    cards = sorted({member.person.welfare_card.value for member in draft.members})
    return {
        "id": household_id,
        "area_code": draft.area_code,
        "house_code": draft.house_code,
        **draft.address.model_dump(),
        "latitude": draft.location.latitude if draft.location else None,
        "longitude": draft.location.longitude if draft.location else None,
        "case_status": "imported",
        "classification": draft.classification.value,
        "stage": draft.stage.value if draft.stage else None,
        "annual_income_per_person": _money(draft.annual_income_per_person),
        "target_groups": groups,
        "sources": sources,
        "has_land": draft.has_land,
        "head_person_id": head,
        "facets": facets(sources, groups, cards, None, []),
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }


def person_row(
    household_id: UUID, person_id: UUID, draft: PersonDraft, area_code: str, sealing: Sealing, now: datetime
) -> dict[str, Any]:
    """A new person's."""
    return {
        # As text: the driver's own UUIDs are not known to the encoder.
        "household_id": str(household_id),
        "id": str(person_id),
        "area_code": area_code,
        **sealed_citizen_id(person_id, draft.citizen_id, sealing),
        "no_id_reason": draft.no_id_reason.value if draft.no_id_reason else None,
        "prefix": draft.prefix,
        "first_name": draft.first_name,
        "last_name": draft.last_name,
        "first_name_key": name_key(draft.first_name),
        "last_name_key": name_key(draft.last_name) if draft.last_name else None,
        "sex": draft.sex.value,
        "birth_date": draft.birth_date,
        "vital_status": draft.vital_status.value,
        "deceased_on": draft.deceased_on,
        "welfare_card": draft.welfare_card.value,
        "disabilities": draft.disabilities,
        "bedridden": draft.bedridden,
        "able_to_work": draft.able_to_work,
        "occupation": draft.occupation,
        "annual_income": _money(draft.annual_income),
        "phone_sealed": as_bytea(sealed_phone(person_id, draft.phone, sealing)),
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }


def sealed_citizen_id(person_id: UUID, citizen_id: str | None, sealing: Sealing) -> dict[str, Any]:
    """The two columns a citizen id is kept in: its last three digits, and all of it sealed."""
    if citizen_id is None:
        return {"citizen_id_tail": None, "citizen_id_sealed": None}
    sealed = sealing.cipher.seal("person", "citizen_id_sealed", person_id, citizen_id)
    return {"citizen_id_tail": citizen_id[-3:], "citizen_id_sealed": as_bytea(sealed)}


def sealed_phone(person_id: UUID, phone: str | None, sealing: Sealing) -> bytes | None:
    return None if phone is None else sealing.cipher.seal("person", "phone_sealed", person_id, phone)


def membership_row(
    household_id: UUID, row_id: UUID, person_id: UUID, draft: MemberDraft | MemberJoin, area_code: str
) -> dict[str, Any]:
    """A current membership's."""
    return {
        "household_id": str(household_id),
        "id": str(row_id),
        "person_id": str(person_id),
        "area_code": area_code,
        "relationship": draft.relationship.value,
        "joined_on": draft.joined_on,
    }


def identity_rows(
    household_id: UUID, person_id: UUID, area_code: str, indices: Mapping[int, bytes]
) -> list[dict[str, Any]]:
    """One for each index key, as `BlindIndex.every` names them."""
    return [
        {
            "blind_index": as_bytea(blind_index),
            "key_id": key_id,
            # As text: the driver's own UUIDs are not known to the encoder.
            "person_id": str(person_id),
            "household_id": str(household_id),
            "area_code": area_code,
        }
        for key_id, blind_index in indices.items()
    ]


def _money(amount: Any) -> str | None:
    return None if amount is None else str(amount)
