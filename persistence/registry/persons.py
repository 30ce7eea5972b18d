"""Persons on one connection. A change of a person is a new version of the household it is shown in."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.access.policy import Reach, unmasked_fields
from domain.calendar import today as date_of
from domain.errors import Conflict, Fault
from domain.kernel import Document, Trail
from domain.registry.provenance import by_team
from domain.registry.store import HeldPerson
from domain.thai import name_key
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.exchange.trail import leave
from persistence.registry import views
from persistence.registry.households import refresh_facets
from persistence.registry.registering import identity_rows
from persistence.registry.trails import changed
from persistence.registry.unseal import unseal
from persistence.rows import inserting
from persistence.sealing import Sealing
from persistence.sql import Binds, reached

_PLAIN = (
    "prefix", "first_name", "last_name", "sex", "birth_date", "vital_status", "deceased_on", "welfare_card",
    "disabilities", "bedridden", "able_to_work", "occupation", "annual_income", "no_id_reason",
)  # fmt: skip


class PgPersons:
    """Implements `PersonStore`."""

    def __init__(self, connection: Connection, sealing: Sealing, new_id: Callable[[], UUID]) -> None:
        self._connection, self._sealing, self._new_id = connection, sealing, new_id

    async def view(self, reach: Reach, person_id: UUID, *, now: datetime) -> Document | None:
        binds = Binds((person_id, reach.prefixes, date_of(now)))
        found = _reached(reach, binds)
        logged = ""
        if reach.unmasked:
            actor = reach.actor
            logged = f"""WITH logged AS (
              INSERT INTO access_log
                (household_id, id, at, client_id, agency, purpose, person_ids, fields, request_id, area_code)
              SELECT p.household_id, {binds(self._new_id())}, {binds(now)}, {binds(actor.client_id)}, {binds(actor.agency)},
                {binds(actor.purpose)}, ARRAY[p.id], {binds(unmasked_fields(actor))}::text[], {binds(actor.request_id)}, p.area_code
              FROM person p WHERE {found})"""
        columns = views.person(unmasked=reach.unmasked, today="$3::date")
        row = await self._connection.fetchrow(
            f"{logged} SELECT p.version, (SELECT row_to_json(t) FROM (SELECT {columns}) t) FROM person p WHERE {found} AND {GATE}",
            *binds,
        )
        if row is None:
            return None
        text = unseal(row[1], self._sealing.cipher) if reach.unmasked else row[1]
        return Document(text, row[0], reach.unmasked)

    async def hold(self, reach: Reach, person_id: UUID) -> HeldPerson | None:
        binds = Binds((person_id, reach.prefixes))
        row = await self._connection.fetchrow(
            f"""SELECT p.id, p.household_id, p.area_code, p.version, p.citizen_id_tail IS NOT NULL AS has_citizen_id,
              EXISTS (SELECT FROM membership ms WHERE ms.household_id = p.household_id AND ms.person_id = p.id
                AND ms.relationship = 'head' AND ms.left_on IS NULL) AS is_head,
              {", ".join(f"p.{name}" for name in _PLAIN)}
            FROM person p WHERE {_reached(reach, binds)} FOR UPDATE""",
            *binds,
        )
        if row is None:
            return None
        return HeldPerson(
            id=row["id"],
            household_id=row["household_id"],
            area_code=row["area_code"],
            version=row["version"],
            is_head=row["is_head"],
            has_citizen_id=row["has_citizen_id"],
            fields={name: row[name] for name in _PLAIN},
        )

    async def amend(
        self, reach: Reach, held: HeldPerson, changes: Mapping[str, Any], *, now: datetime
    ) -> None:
        binds = Binds((held.household_id, held.id, now))
        columns = {name: value for name, value in changes.items() if name in _PLAIN}
        if "first_name" in columns:
            columns["first_name_key"] = name_key(columns["first_name"])
        if "last_name" in columns:
            columns["last_name_key"] = name_key(columns["last_name"]) if columns["last_name"] else None
        if "phone" in changes:
            phone = changes["phone"]
            columns["phone_sealed"] = (
                None if phone is None else self._sealing.cipher.seal("person", "phone_sealed", held.id, phone)
            )
        if "citizen_id" in changes:
            columns.update(await self._identify(held, changes["citizen_id"]))
        sets = [f"{name} = {binds(value)}" for name, value in columns.items()]
        sets.append(f"provenance = provenance || {binds(by_team(changes, date_of(now)))}::jsonb")
        await self._connection.execute(
            f"""UPDATE person SET {", ".join([*sets, "version = version + 1", "updated_at = $3"])}
            WHERE household_id = $1 AND id = $2""",
            *binds,
        )
        # Whoever dies is head no more: the household is incomplete until a new one is named. Who is head is asked
        # of the household itself, now that it is locked: it may have changed since the person was.
        died = changes.get("vital_status") == "deceased"
        version = await self._connection.fetchval(
            """UPDATE household SET version = version + 1, updated_at = $2,
                 head_person_id = CASE WHEN $3 AND head_person_id = $4 THEN NULL ELSE head_person_id END
               WHERE id = $1 RETURNING version""",
            held.household_id,
            now,
            died,
            held.id,
        )
        if "welfare_card" in changes:
            await refresh_facets(self._connection, held.household_id)
        shown = changed(held.fields, changes)
        for trail in (
            Trail(
                held.household_id, held.area_code, "person", held.id, "updated", held.version + 1, None, shown
            ),
            Trail(
                held.household_id,
                held.area_code,
                "household",
                held.household_id,
                "updated",
                version,
                None,
                {},
            ),
        ):
            await leave(self._connection, reach.actor, trail, now=now, new_id=self._new_id)

    async def _identify(self, held: HeldPerson, citizen_id: str | None) -> dict[str, Any]:
        index = {} if citizen_id is None else self._sealing.index.every(citizen_id)
        # What was typed wrongly is free again for its true owner.
        await self._connection.execute(
            "DELETE FROM citizen_identity WHERE person_id = $1 AND NOT blind_index = ANY($2::bytea[])",
            held.id,
            list(index.values()),
        )
        if citizen_id is None:
            return {"citizen_id_tail": None, "citizen_id_sealed": None}
        rows = identity_rows(held.household_id, held.id, held.area_code, index)
        await self._connection.execute(
            inserting("citizen_identity", rows, "$1", tail="ON CONFLICT DO NOTHING"), rows
        )
        own = await self._connection.fetchval(
            "SELECT count(*) FROM citizen_identity WHERE person_id = $1 AND blind_index = ANY($2::bytea[])",
            held.id,
            list(index.values()),
        )
        # Somebody else's under any of the keys is somebody else's.
        if own < len(index):
            fault = Fault("/citizen_id", "already-a-member", "Already a member of a household.")
            raise Conflict(
                "The citizen id belongs to somebody else.", code="already-a-member", faults=[fault]
            )
        sealed = self._sealing.cipher.seal("person", "citizen_id_sealed", held.id, citizen_id)
        return {"citizen_id_tail": citizen_id[-3:], "citizen_id_sealed": sealed}


def _reached(reach: Reach, binds: Binds) -> str:
    """$1 is the person, $2 the area prefixes."""
    return f"p.id = $1 AND {reached(reach, '$2', binds, alias='p', household='p.household_id')}"
