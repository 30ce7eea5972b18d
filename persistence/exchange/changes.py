"""The feed on one connection: a page is one statement along an index in the order of commits.

A row is given out once every transaction before its own has ended: its number is below `pg_snapshot_xmin`, which counts
those of other databases of the server as well. The end of the feed is the last such row, never the horizon itself: a
number that no commit has made durable may be given again after a crash, and a cursor there would step over it.
"""

from typing import Any
from uuid import UUID

from domain.exchange.changes import (
    FIRST,
    OF_NO_HOUSEHOLD,
    CursorExpired,
    News,
    Page,
    Position,
    View,
)
from domain.kernel import NIL
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.sql import Binds, assigned

MOST_LOOKED_AT = 1_000
"""Rows that one page walks over at most, shown or not."""
MOST_PROVINCES = 8
"""Of a view over more, the whole feed is walked: they are a good part of it."""
MOST_NEWS = 2_000

_HORIZON = "pg_snapshot_xmin(pg_current_snapshot())"
_EPOCH = "f.id || '.' || left(pg_walfile_name(pg_current_wal_lsn()), 8)"
_END = f"""SELECT e.transaction_id, e.id FROM feed_position e WHERE e.transaction_id < {_HORIZON}
    ORDER BY e.transaction_id DESC, e.id DESC LIMIT 1"""
_PLACE = "ARRAY[{0}.transaction_id::text, {0}.id::text]"
# Whatever else has become of a voided event (its household has moved), it is not brought back.
_VOIDED = """ch.action = 'voided' OR ch.action <> 'created' AND EXISTS (SELECT FROM assistance_event ev
        WHERE ev.household_id = ch.household_id AND ev.id = ch.resource_id AND ev.status = 'voided')"""
_COLUMNS = f"""lpad(ch.transaction_id::text, 20, '0') || '-' || ch.id AS sequence, ch.type, ch.resource_id, ch.action,
      ch.occurred_at, nullif(ch.household_id, '{NIL}'::uuid) AS household_id, ch.version,
      CASE ch.type WHEN 'household' THEN ch.action IN ('left', 'merged') WHEN 'person' THEN ch.action = 'left'
        WHEN 'assistance_event' THEN {_VOIDED} ELSE false END AS tombstone"""
_OF_NO_HOUSEHOLD = ", ".join(f"'{one}'" for one in OF_NO_HOUSEHOLD)
_TOLD = "('entered', 'left', 'merged')"


class PgChanges:
    """Implements `ChangeStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def page(self, view: View, after: Position | None, limit: int) -> Page:
        binds = Binds()
        sql = page_sql(view, FIRST if after is None else after.place, limit, binds)
        row = await self._connection.fetchrow(sql, *binds)
        if after is not None:
            _refuse_expired(after, row)
        # A cursor from before the first place that can be shown goes on from there.
        stop = _place(row["stop"])
        place = stop or max(_place(row["ended"]) or FIRST, FIRST, after.place if after else FIRST)
        items: bytes = row["items"]
        return Page(items, Position(row["epoch"], *place), stop is not None, items == b"[]")

    async def end(self) -> Position:
        row = await self._connection.fetchrow(
            f"SELECT {_EPOCH} AS epoch, (SELECT {_PLACE.format('e')} FROM ({_END}) e) AS ended"
            f" FROM feed_epoch f WHERE {GATE}"
        )
        return Position(row["epoch"], *max(_place(row["ended"]) or FIRST, FIRST))

    async def news(self, since: tuple[int, str] | None) -> News:
        row = await self._connection.fetchrow(
            f"""SELECT (SELECT {_PLACE.format("e")} FROM ({_END}) e) AS ended,
              (SELECT CASE WHEN count(*) < $3::int THEN array_agg(DISTINCT province) END FROM (
                SELECT n.province FROM feed_position n
                WHERE (n.transaction_id, n.id) > ($1::text::xid8, $2::text::uuid) AND n.transaction_id < {_HORIZON}
                ORDER BY n.transaction_id, n.id LIMIT $3::int) t) AS provinces""",
            *_texts(since or FIRST),
            MOST_NEWS if since else 0,
        )
        provinces = row["provinces"]
        place = max(_place(row["ended"]) or FIRST, FIRST)
        # None of nothing: where nothing has come, nobody is concerned.
        known = frozenset(provinces or ()) if since and (provinces or place <= since) else None
        return News(place, known)


def _refuse_expired(after: Position, row: Any) -> None:
    """Raises CursorExpired for another history, what retention has taken, and a place that is still to come."""
    if after.epoch != row["epoch"] or row["ahead"]:
        raise CursorExpired("The cursor is of another database, or of before a restore.")
    if row["behind"]:
        raise CursorExpired("The cursor is older than the changes that are kept.")


def _place(found: list[str] | None) -> tuple[int, str] | None:
    return None if found is None else (int(found[0]), found[1])


def _texts(place: tuple[int, str]) -> tuple[str, str]:
    return str(place[0]), str(UUID(place[1]))


def page_sql(view: View, after: tuple[int, str], limit: int, binds: Binds) -> str:
    """The statement of a page.

    It walks along an index of places and looks up each row behind the wall: joined any other way, the planner would
    now and then read the whole province and sort it. `shown` stops at the page's end, whatever is left of its walk.
    Only a page that is not full asks how far the walk came: to the end of the feed, or to where it had looked at
    enough (`stop`).
    """
    transaction_id, id = (_unseen(binds(text), "text") for text in _texts(after))
    start = f"({transaction_id}::xid8, {id}::uuid)"
    size = _unseen(binds(limit), "int")
    walk = _walk(view, start, binds)
    shows = visible(view, binds)
    order, back = "{0}.transaction_id, {0}.id", "{0}.transaction_id DESC, {0}.id DESC"
    return f"""WITH shown AS MATERIALIZED (
    SELECT ch.* FROM ({walk}) w CROSS JOIN LATERAL (
      SELECT one.* FROM change one WHERE one.transaction_id = w.transaction_id AND one.id = w.id LIMIT 1) ch
    WHERE {shows} ORDER BY {order.format("w")} LIMIT {size} + 1),
  page AS MATERIALIZED (SELECT ch.* FROM shown ch ORDER BY {order.format("ch")} LIMIT {size})
  SELECT {_EPOCH} AS epoch, {start} < (f.pruned_transaction_id, f.pruned_id) AS behind,
    {transaction_id}::xid8 >= pg_snapshot_xmax(pg_current_snapshot()) AS ahead,
    (SELECT coalesce(json_agg(t), '[]') FROM (SELECT {_COLUMNS} FROM page ch ORDER BY {order.format("ch")}) t) AS items,
    CASE WHEN (SELECT count(*) FROM shown) > {size}
      THEN (SELECT {_PLACE.format("ch")} FROM page ch ORDER BY {back.format("ch")} LIMIT 1)
      ELSE (SELECT {_PLACE.format("w")} FROM ({walk}) w ORDER BY {order.format("w")} OFFSET {MOST_LOOKED_AT - 1} LIMIT 1)
      END AS stop,
    (SELECT {_PLACE.format("e")} FROM ({_END}) e) AS ended
  FROM feed_epoch f WHERE {GATE}"""


def _unseen(bound: str, kind: str) -> str:
    """A bound value that the planner does not look at: it would estimate with it, find a plan for every page, and
    never keep one. This way plans with and without the values cost the same, and the session keeps the general one.
    """
    return f"(SELECT {bound}::{kind})::{kind}"


def _walk(view: View, start: str, binds: Binds) -> str:
    """The next places of the feed, or of the view's provinces in it, in their order and so many at most."""
    beyond = f"(at.transaction_id, at.id) > {start} AND at.transaction_id < {_HORIZON}"
    ordered = f"ORDER BY transaction_id, id LIMIT {MOST_LOOKED_AT}"
    provinces = {prefix[:2] for prefix in view.prefixes}
    if "" in provinces or len(provinces) > MOST_PROVINCES:
        return f"SELECT at.transaction_id, at.id FROM feed_position at WHERE {beyond} {ordered}"
    # What is of no household has no place.
    walks = [
        f"(SELECT at.transaction_id, at.id FROM feed_position at WHERE at.province = {_unseen(binds(province), 'text')}"
        f" AND {beyond} {ordered})"
        for province in sorted({"", *provinces})
    ]
    return f"SELECT * FROM ({' UNION ALL '.join(walks)}) walks {ordered}"


def visible(view: View, binds: Binds, *, alias: str = "ch") -> str:
    """The condition under which the view shows a change; of the feed, and of whatever else tells of changes."""
    prefixes = _unseen(binds(list(view.prefixes)), "text[]")
    types = _unseen(binds([str(one) for one in view.types]), "text[]")
    conditions = [
        f"{alias}.type = ANY({types})",
        f"(({alias}.household_id = '{NIL}' AND {alias}.type IN ({_OF_NO_HOUSEHOLD}))"
        f" OR ({alias}.household_id <> '{NIL}' AND {alias}.area_code ^@ ANY({prefixes})))",
        # Whoever covers where it went has not lost it.
        f"({alias}.left_for IS NULL OR NOT {alias}.left_for ^@ ANY({prefixes}))",
    ]
    if not view.households:
        conditions.append(f"({alias}.type <> 'household' OR {alias}.action IN {_TOLD})")
    conditions.append(_of_assigned(view.assigned_to, binds, alias) if view.assigned_to else _of_all(alias))
    return " AND ".join(conditions)


def _of_all(alias: str) -> str:
    """What is addressed to one agency is for those who see only their own."""
    return f"({alias}.type <> 'household' OR {alias}.agency IS NULL)"


def _of_assigned(agency: str, binds: Binds, alias: str) -> str:
    """As the lists have it: households by assignment, and of assignments and events the agency's own."""
    own = _unseen(binds(agency), "text")
    entitled = assigned(own, f"{alias}.household_id")
    return f"""CASE WHEN {alias}.type IN ({_OF_NO_HOUSEHOLD}) THEN true ELSE CASE {alias}.type
      WHEN 'household' THEN CASE WHEN {alias}.agency IS NULL THEN {alias}.action NOT IN {_TOLD} AND {entitled}
        ELSE {alias}.agency = {own} END
      WHEN 'assignment' THEN {alias}.agency = {own} AND NOT EXISTS (SELECT FROM assignment wish
        WHERE wish.household_id = {alias}.household_id AND wish.id = {alias}.resource_id AND wish.status = 'proposed')
      WHEN 'assistance_event' THEN {alias}.agency = {own}
      ELSE {entitled} END END"""
