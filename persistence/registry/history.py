"""The audit trail of a household as a list of fields."""

from uuid import UUID

from domain.access.policy import Reach
from domain.kernel import Listing, Paging
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.keyset import Order, Source, fetch_page
from persistence.masking import hidden
from persistence.registry.holding import LIVE
from persistence.sql import Binds, reached

_FIELDS = """(SELECT a.household_id, a.id, a.at, a.client_id, a.agency, a.operation AS action, a.resource::uuid AS resource_id,
    c.key COLLATE "C" AS field, c.value AS told
  FROM audit a, LATERAL jsonb_each(a.changes) c
  WHERE a.household_id = ANY(ARRAY(SELECT of.id FROM household of WHERE of.id = $1 OR of.merged_into = $1))
    AND split_part(a.operation, '.', 1) IN ('household', 'person'))"""


def _value(name: str, told: str) -> str:
    # The only free text that is kept; an id, which digits make up as well, is none.
    text = hidden("hx.told ->> 'after'")
    return f"CASE WHEN hx.field LIKE '%reason' THEN to_jsonb({text}) ELSE {told} END AS {name}"


# What an earlier version wrote is the later value alone.
_PAIR = "jsonb_typeof(hx.told) = 'object' AND hx.told ?| ARRAY['after', 'masked']"
_AFTER = f"CASE WHEN {_PAIR} THEN hx.told -> 'after' WHEN hx.told <> '\"changed\"' THEN hx.told END"
_COLUMNS = f"""hx.id, hx.at, hx.client_id, hx.agency, hx.action, hx.resource_id, hx.field,
  CASE WHEN {_PAIR} THEN hx.told -> 'before' END AS before, {_value("after", _AFTER)},
  hx.told = '"changed"' OR hx.told @> '{{"masked": true}}' AS masked"""
_NEWEST = Order((("at", "timestamptz"), ("id", "uuid"), ("field", "text")), descending=True)


class PgHistory:
    """Implements `HistoryStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def page(self, reach: Reach, household_id: UUID, paging: Paging) -> Listing | None:
        binds = Binds()
        seen = _seen(reach, household_id, binds)
        listing = await fetch_page(
            self._connection, Source(_FIELDS, "hx", _COLUMNS), [seen], _NEWEST, paging, binds
        )
        # Only an empty page has to tell a household without changes from one that is not the caller's.
        if listing.items == b"[]" and not await self._exists(reach, household_id):
            return None
        return listing

    async def _exists(self, reach: Reach, household_id: UUID) -> bool:
        binds = Binds()
        seen = _seen(reach, household_id, binds)
        return bool(await self._connection.fetchval(f"SELECT {seen} WHERE {GATE}", *binds))


def _seen(reach: Reach, household_id: UUID, binds: Binds) -> str:
    """The household, bound first, is the caller's to see."""
    this, prefixes = binds(household_id), binds(reach.prefixes)
    found = reached(reach, prefixes, binds, alias="h", household="h.id")
    return f"EXISTS (SELECT FROM household h WHERE h.id = {this} AND {LIVE} AND {found})"
