"""The queue of unknown households as a list for registrars. No citizen id leaves it: three digits of one do."""

from uuid import UUID

import orjson

from domain.access.policy import Reach
from domain.assistance.event import QueueFilter
from domain.kernel import Listing, Paging
from persistence.engine import Connection
from persistence.keyset import ORDERS, Source, fetch_page
from persistence.sealing import Sealing
from persistence.sql import Binds

_SOURCE = Source(
    "queued_event",
    "q",
    """q.id, q.agency, q.areas, encode(q.citizen_id_sealed, 'hex') AS citizen_id, q.house_code,
    q.draft ->> 'dimension' AS dimension, q.draft ->> 'assistance_type' AS assistance_type,
    q.draft ->> 'provided_on' AS provided_on, q.recorded_at""",
)


class PgQueue:
    """Implements `QueueStore`."""

    def __init__(self, connection: Connection, sealing: Sealing) -> None:
        self._connection, self._sealing = connection, sealing

    async def page(self, reach: Reach, where: QueueFilter, paging: Paging) -> Listing:
        binds = Binds()
        # The wall also shows the agency's own, wherever they wait; a registrar is shown what it may come to link.
        found = ["q.waits", _may_live_in(reach.prefixes, binds)]
        if where.area:
            found.append(_may_live_in(where.area, binds))
        if where.agency:
            found.append(f"q.agency = ANY({binds(where.agency)}::text[])")
        if where.dimension:
            found.append(f"q.draft ->> 'dimension' = ANY({binds(list(where.dimension))}::text[])")
        listing = await fetch_page(self._connection, _SOURCE, found, ORDERS[paging.sort], paging, binds)
        return Listing(self._masked(listing.items), listing.last, listing.total)

    def _masked(self, text: bytes) -> bytes:
        cipher, items = self._sealing.cipher, orjson.loads(text)
        for item in items:
            if item["citizen_id"] is not None:
                sealed, place = bytes.fromhex(item["citizen_id"]), UUID(item["id"])
                tail = cipher.open("queued_event", "citizen_id_sealed", place, sealed)[-3:]
                item["citizen_id"] = f"x-xxxx-xxxxx-{tail[:2]}-{tail[2]}"
        return orjson.dumps(items)


def _may_live_in(prefixes: list[str], binds: Binds) -> str:
    """The household may live in one of these areas, as far as its poster's areas tell."""
    return f"""EXISTS (SELECT FROM unnest(q.areas) AS own(code), unnest({binds(prefixes)}::text[]) AS asked(code)
      WHERE own.code ^@ asked.code OR asked.code ^@ own.code)"""
