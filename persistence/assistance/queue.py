"""The exclusion-error queue (target group 4): help for households that nobody has registered yet.

Whoever queues an event and whoever registers its household may do so at the same moment, neither seeing the other's
work. So both lock the place of the identifier before they look, until their work is committed: the later one finds
what the earlier one has left. The locks are taken in one order, and before any other lock of assistance.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.access.policy import Reach
from domain.assistance.event import EventDraft
from domain.assistance.store import Recorded
from domain.kernel import NIL
from persistence.assistance.views import COLUMNS, QUEUED, RECEIPT
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.sealing import Sealing

_LOCKS = 0x51756575
"""The class of the advisory locks; the objects are the 256 places that identifiers fall into."""

# A queued event is shown as any other, only without a household.
_SHOWN = f"SELECT row_to_json(t) FROM (SELECT {COLUMNS} FROM {QUEUED}) t"

_PUT = f"""WITH keyed AS (
    INSERT INTO event_key (agency, external_id, event_id, household_id, content_hash)
    VALUES ($1, $2, $3, NULL, $4) ON CONFLICT DO NOTHING RETURNING 1),
  queued AS (
    INSERT INTO queued_event
      (agency, id, external_id, blind_index, house_code, citizen_id_sealed, draft, client_id, areas, recorded_at)
    SELECT $1, $3, $2, $5, $6, $7, $8, $9, $10, $11 FROM keyed RETURNING *),
  audited AS (
    INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource)
    SELECT $12, gen_random_uuid(), $11, $9, $1, $13, 'assistance_event.queued', $3::text FROM queued)
  SELECT ({_SHOWN}) FROM queued q"""

_PLACE = {"blind_index": "get_byte({0}, 0)", "house_code": "hashtext({0}) & 255"}
"""Where an identifier is locked; a blind index is random, so its first byte is as good as any hash."""

_HOLD = f"""SELECT pg_advisory_xact_lock({_LOCKS}, x.place) FROM (
    SELECT {_PLACE["blind_index"].format("given")} AS place FROM unnest($1::bytea[]) AS given
    UNION SELECT {_PLACE["house_code"].format("given")} FROM unnest($2::text[]) AS given ORDER BY 1) x"""

# Household by household: for thousands at once the planner would rather read whole tables.
_HOLD_OF = f"""SELECT pg_advisory_xact_lock({_LOCKS}, x.place) FROM (
    SELECT {_PLACE["blind_index"].format("ci.blind_index")} AS place
    FROM unnest($1::uuid[]) AS s(id) CROSS JOIN LATERAL (
      SELECT i.blind_index FROM person p JOIN citizen_identity i ON i.person_id = p.id AND i.household_id = p.household_id
      WHERE p.household_id = s.id OFFSET 0) ci
    UNION SELECT {_PLACE["house_code"].format("h.house_code")} FROM unnest($1::uuid[]) AS s(id) CROSS JOIN LATERAL (
      SELECT o.house_code FROM household o WHERE o.id = s.id AND o.house_code IS NOT NULL OFFSET 0) h ORDER BY 1) x"""

# A house code that fits two households is nobody's to pick: what names it goes on waiting.
_LINK = """WITH homes AS MATERIALIZED (
    SELECT o.* FROM unnest($1::uuid[]) AS s(id) CROSS JOIN LATERAL (
      SELECT h.id, h.area_code, h.house_code, h.merged_into FROM household h WHERE h.id = s.id OFFSET 0) o),
  found AS MATERIALIZED (
    SELECT q.agency, q.id, q.external_id, h.id AS home, h.area_code FROM homes h CROSS JOIN LATERAL (
        SELECT i.blind_index FROM person p JOIN citizen_identity i ON i.person_id = p.id AND i.household_id = p.household_id
        WHERE p.household_id = h.id OFFSET 0) ci
      JOIN queued_event q ON q.blind_index = ci.blind_index
    WHERE q.waits AND h.area_code ^@ ANY(q.areas)
    UNION SELECT q.agency, q.id, q.external_id, h.id, h.area_code FROM homes h
      JOIN queued_event q ON q.house_code = h.house_code
    WHERE h.merged_into IS NULL AND q.waits AND h.area_code ^@ ANY(q.areas)
      AND NOT EXISTS (SELECT FROM household other WHERE other.house_code = q.house_code AND other.id <> h.id
        AND other.merged_into IS NULL AND other.area_code ^@ ANY(q.areas))),
  taken AS (
    DELETE FROM queued_event q USING found WHERE q.agency = found.agency AND q.external_id = found.external_id
    RETURNING q.agency, q.id, q.external_id, q.client_id, q.draft, found.home, found.area_code),
  keyed AS (
    UPDATE event_key k SET household_id = found.home FROM found
    WHERE k.agency = found.agency AND k.external_id = found.external_id),
  linked AS (
    INSERT INTO assistance_event
    SELECT (jsonb_populate_record(NULL::assistance_event, taken.draft || jsonb_build_object(
      'household_id', taken.home, 'area_code', taken.area_code, 'linked_at', $2::timestamptz,
      'version', coalesce((taken.draft ->> 'version')::int, 1) + 1))).*
    FROM taken RETURNING *),
  fed AS (
    INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, agency, occurred_at)
    SELECT household_id, gen_random_uuid(), area_code, 'assistance_event', id,
      CASE WHEN status = 'recorded' THEN 'linked' ELSE status END, version, agency, $2 FROM linked),
  audited AS (
    INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource, area_code)
    SELECT home, gen_random_uuid(), $2, client_id, agency, '', 'assistance_event.linked', id::text, area_code FROM taken)
  SELECT count(*) FROM found"""


async def hold(connection: Connection, blind_indexes: Sequence[bytes], house_codes: Sequence[str]) -> None:
    """Nobody registers a household under these identifiers, nor queues help for it, until the transaction ends.

    To be called before the household is looked for; for many events, once for all of them.
    """
    await connection.execute(_HOLD, list(blind_indexes), list(house_codes))


async def put(
    connection: Connection,
    sealing: Sealing,
    reach: Reach,
    event_id: UUID,
    draft: EventDraft,
    content_hash: bytes,
    *,
    now: datetime,
) -> Recorded:
    """Keeps the event until its household appears. Only a house code or a citizen id can ever be found.

    The identifier has been held (`hold`), and the household looked for since.
    """
    ref = draft.household
    if ref.id is not None:
        return Recorded("unknown-household")
    sealed = None
    if ref.citizen_id is not None:
        sealed = sealing.cipher.seal("queued_event", "citizen_id_sealed", event_id, ref.citizen_id)
    text = await connection.fetchval(
        _PUT,
        reach.actor.agency,
        draft.external_id,
        event_id,
        content_hash,
        None if ref.citizen_id is None else sealing.index.of(ref.citizen_id),
        ref.house_code,
        sealed,
        row(event_id, reach.actor.agency, draft, now),
        reach.actor.client_id,
        reach.prefixes,
        now,
        NIL,
        reach.actor.request_id,
    )
    if text is None:
        # A twin came first, with this content or another: the caller's retry will be told which.
        twin = await connection.fetchrow(
            "SELECT content_hash FROM event_key WHERE agency = $1 AND external_id = $2",
            reach.actor.agency,
            draft.external_id,
        )
        if twin is None or twin[0] != content_hash:
            return Recorded("external-id-conflict")
        found = await first(connection, reach.actor.agency, draft.external_id)
        # Nothing waits where another client of the agency has recorded it outside this one's areas.
        return Recorded("duplicate", found) if found else Recorded("unknown-household")
    return Recorded("queued", text)


async def first(connection: Connection, agency: str, external_id: str) -> bytes:
    """The first version of the agency's queued event as JSON; empty when none waits."""
    text: bytes | None = await connection.fetchval(
        f"""SELECT ({_SHOWN}) FROM event_key k JOIN queued_event q ON q.agency = k.agency AND q.id = k.event_id
        WHERE k.agency = $1 AND k.external_id = $2 AND {GATE}""",
        agency,
        external_id,
    )
    return text or b""


def by_id(agency: str, event_id: str) -> str:
    """The agency's queued event as JSON, as a scalar sub-select over bound places."""
    return f"(SELECT ({_SHOWN}) FROM queued_event q WHERE q.agency = {agency} AND q.id = {event_id})"


def by_external_id(agency: str, external_id: str) -> str:
    """The newest version of the agency's queued event, likewise."""
    return f"""(SELECT ({_SHOWN}) FROM queued_event q
      WHERE q.agency = {agency} AND q.external_id = {external_id} AND q.draft ->> 'superseded_by' IS NULL)"""


def receipt(agency: str, event_id: str) -> str:
    """What has become of the agency's queued event, likewise."""
    return f"""(SELECT (SELECT row_to_json(t) FROM (SELECT {RECEIPT} FROM {QUEUED}) t)
      FROM queued_event q WHERE q.agency = {agency} AND q.id = {event_id})"""


async def link(connection: Connection, household_id: UUID, *, now: datetime) -> int:
    """Records what waited for this household: by house code, or by a member's citizen id; how many events."""
    return await link_all(connection, [household_id], now=now)


async def link_all(connection: Connection, household_ids: Sequence[UUID], *, now: datetime) -> int:
    """The same for many households in two statements, whatever their number.

    In the transaction that has written them, after everything else, and once: its locks are held until the end.
    """
    await connection.execute(_HOLD_OF, list(household_ids))
    count: int = await connection.fetchval(_LINK, list(household_ids), now)
    return count


def row(event_id: UUID, agency: str, draft: EventDraft, now: datetime) -> dict[str, Any]:
    """What is kept of the event itself: as a row of assistance_event, without household."""
    return {
        **content(draft),
        "id": str(event_id),
        "agency": agency,
        "problem_ids": [],
        "beneficiaries": [],
        "status": "recorded",
        "recorded_at": now.isoformat(),
        "version": 1,
    }


def content(draft: EventDraft) -> dict[str, Any]:
    """What the draft says, by the columns of assistance_event.

    Without assignment, problems and beneficiaries: they name rows of a household that is not known.
    """
    return draft.model_dump(
        mode="json", exclude={"household", "on_unknown", "assignment_id", "problem_ids", "beneficiaries"}
    )
