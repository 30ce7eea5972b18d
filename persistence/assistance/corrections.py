"""Corrections on one connection: the event is marked, its new version stands beside it; nothing is overwritten.

An event that still waits for its household is corrected where it waits, and is linked with all its versions.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from domain.access.policy import Reach
from domain.assistance.event import EventDraft
from domain.assistance.store import HeldEvent, Recorded
from domain.kernel import NIL, Document
from persistence.assistance import queue
from persistence.assistance.recording import EFFECTS, OPEN_TO_EVENTS, STORED, said, verdict_sql
from persistence.assistance.views import COLUMNS, QUEUED
from persistence.engine import Connection
from persistence.sealing import Sealing
from persistence.sql import Binds, within

_SAID = tuple(name for name in EventDraft.model_fields if name not in ("household", "on_unknown"))
_CONTENT = ", ".join(
    f"ev.{name}::text AS {name}" if name in ("value_baht", "quantity") else f"ev.{name}" for name in _SAID
)
_HELD = f"""ev.id, ev.agency, ev.household_id, ev.status, ev.superseded_by,
  (SELECT row_to_json(t) FROM (SELECT {_CONTENT}) t) AS content"""

_VOID = f"""WITH voided AS (
    UPDATE assistance_event ev SET status = 'voided', voided_at = $3, correction_reason = $4, version = ev.version + 1
    WHERE ev.household_id = $1 AND ev.id = $2 RETURNING ev.*),
  fed AS (
    INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, agency, occurred_at)
    SELECT household_id, $5, area_code, 'assistance_event', id, 'voided', version, agency, $3 FROM voided),
  audited AS (
    INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource, area_code)
    SELECT household_id, $6, $3, $7, agency, $8, 'assistance_event.voided', id::text, area_code FROM voided)
  SELECT (SELECT row_to_json(t) FROM (SELECT {COLUMNS}) t) FROM voided ev"""

_VOID_QUEUED = f"""WITH voided AS (
    UPDATE queued_event q SET waits = false, draft = q.draft || jsonb_build_object('status', 'voided',
      'voided_at', $3::timestamptz, 'correction_reason', $4::text, 'version', (q.draft ->> 'version')::int + 1)
    WHERE q.agency = $1 AND q.id = $2 RETURNING q.*),
  audited AS (
    INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource)
    SELECT $5, $6, $3, $7, agency, $8, 'assistance_event.voided', id::text FROM voided)
  SELECT (SELECT row_to_json(t) FROM (SELECT {COLUMNS} FROM {QUEUED}) t) FROM voided q"""

# What the new version names otherwise has to be there; what it repeats was judged when it was first said.
_VERDICT = verdict_sql(
    known="false",
    same="false",
    here="false",
    homeless="false",
    ambiguous="false",
    home="$1",
    assignment="$3::uuid",
    unassigned="NOT EXISTS (SELECT FROM asg)",
    closed=f"EXISTS (SELECT FROM asg WHERE status NOT IN {OPEN_TO_EVENTS})",
    problems="$4::uuid[]",
    beneficiaries="$5::uuid[]",
    menu="$6::text",
)
_LOOK = f"""WITH asg AS (
    SELECT a.status FROM assignment a WHERE a.household_id = $1::uuid AND a.id = $3 AND a.agency = $2)
  SELECT {_VERDICT}"""

# $1 new id · $2 agency · $3 external id · $4 old id · $5 reason · $6 household · $7 to $25 as the recording of an
# event has them · $26 client · $27 request · $28, $29 change ids · $30, $31 audit ids · $32 whether another
# assignment is named, which it then sets going · $33 the names of the fields that have changed
_SUPERSEDE = f"""WITH superseded AS (
    UPDATE assistance_event ev SET status = 'corrected', superseded_by = $1, corrected_at = $25, correction_reason = $5,
      version = ev.version + 1
    WHERE ev.household_id = $6 AND ev.id = $4 RETURNING ev.household_id, ev.id, ev.area_code, ev.version),
  recorded AS (
    INSERT INTO assistance_event ({STORED}, supersedes)
    SELECT household_id, $1, area_code, $2, $3, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
      $22, $23, $24, 'recorded', $25, id
    FROM superseded RETURNING *),
  keyed AS (SELECT household_id FROM superseded WHERE $32::boolean),
  target AS (SELECT h.id, h.case_status FROM household h WHERE h.id = $6),
  asg AS (SELECT a.id, a.status, a.problem_ids FROM assignment a WHERE a.household_id = $6 AND a.id = $7 AND a.agency = $2),
  {EFFECTS},
  fed AS (
    INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, agency, occurred_at)
    SELECT household_id, $28::uuid, area_code, 'assistance_event', id, 'corrected', version, $2, $25 FROM superseded
    UNION ALL SELECT household_id, $29::uuid, area_code, 'assistance_event', id, 'created', version, $2, $25 FROM recorded
    UNION ALL SELECT household_id, gen_random_uuid(), area_code, 'assignment', id, 'updated', version, agency, $25 FROM started
    UNION ALL SELECT household_id, gen_random_uuid(), area_code, 'problem', id, 'updated', version, NULL, $25 FROM helped
    UNION ALL SELECT id, gen_random_uuid(), area_code, 'household', id, 'updated', version, NULL, $25 FROM entered),
  audited AS (
    INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource, area_code, changes)
    SELECT household_id, $30::uuid, $25, $26, $2, $27, 'assistance_event.corrected', id::text, area_code,
      jsonb_build_object('superseded_by', $1::uuid, 'fields', $33::text[]) FROM superseded
    UNION ALL SELECT household_id, $31::uuid, $25, $26, $2, $27, 'assistance_event.created', id::text, area_code, '{{}}'
    FROM recorded)
  SELECT (SELECT row_to_json(t) FROM (SELECT {COLUMNS}) t) FROM recorded ev"""

_SUPERSEDE_QUEUED = f"""WITH superseded AS (
    UPDATE queued_event q SET waits = false, draft = q.draft || jsonb_build_object('status', 'corrected',
      'superseded_by', $3::uuid, 'corrected_at', $5::timestamptz, 'correction_reason', $4::text,
      'version', (q.draft ->> 'version')::int + 1)
    WHERE q.agency = $1 AND q.id = $2 RETURNING q.*),
  queued AS (
    INSERT INTO queued_event
      (agency, id, external_id, blind_index, house_code, citizen_id_sealed, draft, client_id, areas, recorded_at)
    SELECT agency, $3, external_id, blind_index, house_code, $6, $7, $8, areas, $5 FROM superseded RETURNING *),
  audited AS (
    INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource, changes)
    SELECT $9, $10, $5, $8, agency, $11, 'assistance_event.corrected', id::text,
      jsonb_build_object('superseded_by', $3::uuid, 'fields', $12::text[]) FROM superseded)
  SELECT (SELECT row_to_json(t) FROM (SELECT {COLUMNS} FROM {QUEUED}) t) FROM queued q"""


class PgCorrections:
    """Implements `CorrectionStore`."""

    def __init__(self, connection: Connection, sealing: Sealing, new_id: Callable[[], UUID]) -> None:
        self._connection, self._sealing, self._new_id = connection, sealing, new_id

    async def hold(self, reach: Reach, event_id: UUID) -> HeldEvent | None:
        # The queue first: what is linked meanwhile is found where it has gone.
        waiting = await self._hold_queued(reach.actor.agency, event_id)
        if waiting is not None:
            return waiting
        binds = Binds((event_id,))
        found = ["ev.id = $1"]
        if inside := within("ev.area_code", reach.prefixes, binds):
            found.append(inside)
        row = await self._connection.fetchrow(
            f"SELECT {_HELD} FROM assistance_event ev WHERE {' AND '.join(found)} FOR UPDATE", *binds
        )
        return None if row is None else _held(row)

    async def _hold_queued(self, agency: str, event_id: UUID) -> HeldEvent | None:
        named = await self._connection.fetchrow(
            "SELECT q.blind_index, q.house_code FROM queued_event q WHERE q.agency = $1 AND q.id = $2",
            agency,
            event_id,
        )
        if named is None:
            return None
        # Whoever registers its household now would link the versions that it sees, and not the new one.
        await queue.hold(self._connection, *([one] if one is not None else [] for one in named))
        row = await self._connection.fetchrow(
            f"""SELECT {_HELD} FROM queued_event q, LATERAL {QUEUED}
            WHERE q.agency = $1 AND q.id = $2 FOR UPDATE OF q""",
            agency,
            event_id,
        )
        return None if row is None else _held(row)

    async def void(self, reach: Reach, held: HeldEvent, reason: str, *, now: datetime) -> Document:
        actor = reach.actor
        if held.household_id is None:
            text = await self._connection.fetchval(
                _VOID_QUEUED, held.agency, held.id, now, reason, NIL, self._new_id(), actor.client_id, actor.request_id
            )  # fmt: skip
        else:
            text = await self._connection.fetchval(
                _VOID, held.household_id, held.id, now, reason, self._new_id(), self._new_id(), actor.client_id,
                actor.request_id,
            )  # fmt: skip
        return Document(text, orjson.loads(text)["version"])

    async def supersede(
        self,
        reach: Reach,
        held: HeldEvent,
        event_id: UUID,
        draft: EventDraft,
        changed: frozenset[str],
        reason: str,
        *,
        now: datetime,
    ) -> Recorded:
        verdict = await self._connection.fetchval(
            _LOOK,
            # Of a household that is not known nothing is known.
            held.household_id or NIL,
            held.agency,
            draft.assignment_id if "assignment_id" in changed else None,
            draft.problem_ids if "problem_ids" in changed else [],
            draft.beneficiaries if "beneficiaries" in changed else [],
            draft.menu_code if "menu_code" in changed else None,
        )
        if verdict != "created":
            return Recorded(verdict)
        if held.household_id is None:
            text = await self._supersede_queued(reach, held, event_id, draft, changed, reason, now)
            return Recorded("created", text)
        text = await self._connection.fetchval(
            _SUPERSEDE,
            event_id,
            held.agency,
            draft.external_id,
            held.id,
            reason,
            held.household_id,
            *said(draft),
            now,
            reach.actor.client_id,
            reach.actor.request_id,
            *(self._new_id() for _ in range(4)),
            "assignment_id" in changed,
            sorted(changed),
        )
        return Recorded("created", text, str(held.household_id))

    async def _supersede_queued(
        self,
        reach: Reach,
        held: HeldEvent,
        event_id: UUID,
        draft: EventDraft,
        changed: frozenset[str],
        reason: str,
        now: datetime,
    ) -> bytes:
        cipher = self._sealing.cipher
        sealed = await self._connection.fetchval(
            "SELECT citizen_id_sealed FROM queued_event WHERE agency = $1 AND id = $2", held.agency, held.id
        )
        if sealed is not None:
            # What is sealed is bound to its row.
            plain = cipher.open("queued_event", "citizen_id_sealed", held.id, sealed)
            sealed = cipher.seal("queued_event", "citizen_id_sealed", event_id, plain)
        kept = {**queue.row(event_id, held.agency, draft, now), "supersedes": str(held.id)}
        text: bytes = await self._connection.fetchval(
            _SUPERSEDE_QUEUED,
            held.agency,
            held.id,
            event_id,
            reason,
            now,
            sealed,
            kept,
            reach.actor.client_id,
            NIL,
            self._new_id(),
            reach.actor.request_id,
            sorted(changed),
        )
        return text


def _held(row: Any) -> HeldEvent:
    content = orjson.loads(row["content"])
    said = EventDraft.model_validate({**content, "household": {"id": row["household_id"] or NIL}})
    return HeldEvent(row["id"], row["agency"], row["household_id"], row["status"], row["superseded_by"], said)
