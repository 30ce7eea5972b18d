"""Reads the access log of one person: the sealed ledger and the fresh page in one statement."""

from uuid import UUID

from domain.access.policy import Reach
from domain.kernel import Listing, Paging
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.sql import Binds

_SHOWN = "id, at, client_id, agency, purpose, fields, request_id"
# A row is found by the household in which the person was read, by the primary key (household, id) backwards: no
# index of persons slows down the read that writes the row. Whoever has moved was read in each of the households.
_HOMES = """WITH homes AS MATERIALIZED (
    SELECT p.household_id FROM person p WHERE p.id = $1
    UNION SELECT ms.household_id FROM membership ms WHERE ms.person_id = $1),
  reached AS MATERIALIZED (SELECT FROM person p WHERE p.id = $1 AND p.area_code ^@ ANY($2::text[]))"""


def _rows(table: str, beyond: str, limit: str) -> str:
    return f"""(SELECT {", ".join(f"l.{name.strip()}" for name in _SHOWN.split(","))} FROM {table} l
      WHERE l.household_id = homes.household_id AND l.person_ids @> ARRAY[$1]{beyond}
      ORDER BY l.id DESC{limit})"""


def page_sql(*, after: str | None, limit: str, counted: bool) -> str:
    """$1 person · $2 area prefixes · the id after which the page starts · one more than the page holds."""
    beyond = f" AND l.id < {after}::text::uuid" if after else ""
    some = f" LIMIT {limit}::int"
    # One request reads one household once: an id stands twice only for somebody who was read in two of them.
    found = f"""found AS MATERIALIZED (
    SELECT DISTINCT ON (l.id) l.* FROM homes, LATERAL (
      {_rows("access_ledger", beyond, some)} UNION ALL {_rows("access_log", beyond, some)}) l
    ORDER BY l.id DESC{some}),
  shown AS MATERIALIZED (SELECT * FROM found ORDER BY id DESC LIMIT {limit}::int - 1)"""
    total = "NULL::bigint"
    if counted:
        total = f"""(SELECT count(DISTINCT l.id) FROM homes, LATERAL (
      {_rows("access_ledger", "", "")} UNION ALL {_rows("access_log", "", "")}) l)"""
    return f"""{_HOMES}, {found}
  SELECT (SELECT coalesce(json_agg(t), '[]') FROM (SELECT {_SHOWN} FROM shown ORDER BY id DESC) t) AS items,
    CASE WHEN (SELECT count(*) FROM found) = {limit}::int THEN
      (SELECT ARRAY[id::text] FROM shown ORDER BY id LIMIT 1) END AS last,
    {total} AS total
  FROM reached WHERE {GATE}"""


class PgAccessLog:
    """Implements `AccessLogStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def page(self, reach: Reach, person_id: UUID, paging: Paging) -> Listing | None:
        binds = Binds((person_id, reach.prefixes))
        after = None if paging.after is None else binds(paging.after[0])
        # A count of one person's rows is cheap: `estimated` counts as well.
        sql = page_sql(after=after, limit=binds(paging.limit + 1), counted=paging.count is not None)
        row = await self._connection.fetchrow(sql, *binds)
        if row is None:
            return None
        last = tuple(row["last"]) if row["last"] is not None else None
        return Listing(row["items"], last, row["total"])
