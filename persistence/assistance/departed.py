"""Events whose household has left the areas that they were recorded in: what their agency is still told of its own.

What became of an event, and the first answer to whoever sends it again; nothing of where the household is, or of
anything that was written about it there. The audit says where an event lay: it keeps the area of that time, so that a
client which never reached there is told nothing.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from domain.access.policy import Reach
from domain.assistance.event import EventDraft
from persistence.assistance import queue
from persistence.assistance.views import COLUMNS, RECEIPT
from persistence.bounds import GATE
from persistence.engine import Connection


def _lay_within(event: str, prefixes: str) -> str:
    """Whether the event lay in these areas when something was done with it. Not where its household was merged since:
    the id that it has now was never told here."""
    return f"""EXISTS (SELECT FROM audit au WHERE au.household_id = {event}.household_id AND au.agency = {event}.agency
      AND au.resource = {event}.id::text AND au.operation ^@ 'assistance_event.' AND au.area_code ^@ ANY({prefixes}))"""


def receipt(agency: str, event_id: str, prefixes: str) -> str:
    """What has become of the agency's event, as a scalar sub-select over bound places."""
    return f"""(SELECT (SELECT row_to_json(t) FROM (SELECT {RECEIPT}) t)
      FROM (SELECT o.*, NULL::text AS correction_reason FROM own_event o) ev
      WHERE ev.id = {event_id} AND ev.agency = {agency} AND {_lay_within("ev", prefixes)})"""


# As it was sent, with what has become of it; the place is the one that it was recorded in.
_FIRST = f"""SELECT (SELECT row_to_json(t) FROM (SELECT {COLUMNS} FROM (SELECT (jsonb_populate_record(
      NULL::assistance_event, $4::jsonb || to_jsonb(o) || jsonb_build_object('area_code', lay.area_code))).*) ev) t)
  FROM event_key k JOIN own_event o ON o.id = k.event_id AND o.household_id = k.household_id AND o.agency = k.agency
    CROSS JOIN LATERAL (SELECT au.area_code FROM audit au
      WHERE au.household_id = o.household_id AND au.agency = o.agency AND au.resource = o.id::text
        AND au.operation ^@ 'assistance_event.' AND au.area_code ^@ ANY($3::text[]) ORDER BY au.at, au.id LIMIT 1) lay
  WHERE k.agency = $1 AND k.external_id = $2 AND {GATE}"""
_KNOWN = f"""SELECT k.external_id, k.event_id
  FROM event_key k JOIN own_event o ON o.id = k.event_id AND o.household_id = k.household_id AND o.agency = k.agency
  WHERE k.agency = $1 AND k.external_id = ANY($2::text[]) AND {_lay_within("o", "$3::text[]")} AND {GATE}"""


async def first(connection: Connection, reach: Reach, draft: EventDraft) -> bytes:
    """The event that the agency recorded with just this content, as JSON; empty for one it is told nothing of."""
    agency = reach.actor.agency
    named = draft.model_dump(mode="json", include={"assignment_id", "problem_ids", "beneficiaries"})
    said = {**queue.content(draft), **named}
    text: bytes | None = await connection.fetchval(_FIRST, agency, draft.external_id, reach.prefixes, said)
    return text or b""


async def known(connection: Connection, reach: Reach, external_ids: Sequence[str]) -> Mapping[str, UUID]:
    """Of these the ones that the agency is still told of, with the ids of their events."""
    rows = await connection.fetch(_KNOWN, reach.actor.agency, list(external_ids), reach.prefixes)
    return {row["external_id"]: row["event_id"] for row in rows}
