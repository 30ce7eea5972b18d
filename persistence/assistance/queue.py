"""The exclusion-error queue (target group 4): help for households that nobody has registered yet."""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain.access.policy import Reach
from domain.assistance.event import EventDraft
from domain.assistance.store import Recorded
from domain.kernel import NIL
from persistence.assistance.views import COLUMNS
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.sealing import Sealing

# A queued event is shown as any other, only without a household.
_SHOWN = f"""SELECT row_to_json(t) FROM (SELECT {COLUMNS} FROM
  (SELECT (jsonb_populate_record(NULL::assistance_event, q.draft)).*) ev) t"""

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

_LINK = """WITH home AS (SELECT h.id, h.area_code, h.house_code FROM household h WHERE h.id = $1),
  found AS (
    DELETE FROM queued_event q USING home WHERE
      (q.house_code = home.house_code OR q.blind_index IN (
        SELECT ci.blind_index FROM citizen_identity ci WHERE ci.household_id = home.id))
      AND home.area_code ^@ ANY(q.areas)
    RETURNING q.*, home.area_code),
  keyed AS (
    UPDATE event_key k SET household_id = $1 FROM found
    WHERE k.agency = found.agency AND k.external_id = found.external_id),
  linked AS (
    INSERT INTO assistance_event
    SELECT (jsonb_populate_record(NULL::assistance_event, found.draft || jsonb_build_object(
      'household_id', $1::uuid, 'area_code', found.area_code, 'linked_at', $2::timestamptz))).*
    FROM found RETURNING *),
  fed AS (
    INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, agency, occurred_at)
    SELECT household_id, gen_random_uuid(), area_code, 'assistance_event', id, 'linked', 1, agency, $2 FROM linked),
  audited AS (
    INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource, area_code)
    SELECT $1, gen_random_uuid(), $2, client_id, agency, '', 'assistance_event.linked', id::text, area_code FROM found)
  SELECT count(*) FROM linked"""


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
    """Keeps the event until its household appears. Only a house code or a citizen id can ever be found."""
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
        _row(event_id, reach.actor.agency, draft, now),
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
        found = await waiting(connection, reach.actor.agency, "external_id", draft.external_id)
        # Nothing waits where another client of the agency has recorded it outside this one's areas.
        return Recorded("duplicate", found) if found else Recorded("unknown-household")
    return Recorded("queued", text)


async def waiting(connection: Connection, agency: str, column: str, value: Any) -> bytes:
    """The agency's queued event with this `id` or `external_id` as JSON; empty when none waits."""
    text: bytes | None = await connection.fetchval(
        f"SELECT ({_SHOWN}) FROM queued_event q WHERE q.agency = $1 AND q.{column} = $2 AND {GATE}",
        agency,
        value,
    )
    return text or b""


async def receipt(connection: Connection, agency: str, event_id: UUID) -> bytes | None:
    """What has become of a queued event: it waits."""
    text: bytes | None = await connection.fetchval(
        f"""SELECT row_to_json(t) FROM (SELECT q.id AS event_id, q.external_id, NULL AS household_id,
             'recorded' AS status, q.recorded_at, NULL AS linked_at
           FROM queued_event q WHERE q.agency = $1 AND q.id = $2) t WHERE {GATE}""",
        agency,
        event_id,
    )
    return text


async def link(connection: Connection, household_id: UUID, *, now: datetime) -> int:
    """Records what waited for this household: by house code, or by a member's citizen id."""
    count: int = await connection.fetchval(_LINK, household_id, now)
    return count


def _row(event_id: UUID, agency: str, draft: EventDraft, now: datetime) -> dict[str, Any]:
    # Without assignment, problems and beneficiaries: they name rows of a household that is not known.
    kept = draft.model_dump(
        mode="json", exclude={"household", "on_unknown", "assignment_id", "problem_ids", "beneficiaries"}
    )
    return {
        **kept,
        "id": str(event_id),
        "agency": agency,
        "problem_ids": [],
        "beneficiaries": [],
        "status": "recorded",
        "recorded_at": now.isoformat(),
    }
