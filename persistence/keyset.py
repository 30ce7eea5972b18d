"""One page of a list in one statement: the rows after the cursor, as finished JSON.

The row source becomes a CTE under its own alias, so that a view's columns read the very rows the index
walk found. Never an offset: page 1,000 costs what page 1 costs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from domain.errors import Invalid
from domain.kernel import Listing, Paging
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.sql import Binds, where

_PLACE = re.compile(r"\$([0-9]+)")


@dataclass(frozen=True, slots=True)
class Order:
    """What a list is sorted by: unique columns, each with its SQL type."""

    columns: tuple[tuple[str, str], ...]
    descending: bool = False


BY_ID = Order((("id", "uuid"),))
"""UUIDv7: the order of creation."""
NEWEST = Order((("id", "uuid"),), descending=True)
ORDERS = {"created_at": BY_ID, "-created_at": NEWEST}


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows come from: `alias` of `table`, and the view's columns over that alias."""

    table: str
    alias: str
    columns: str


def page_sql(
    source: Source,
    conditions: Sequence[str],
    order: Order,
    paging: Paging,
    binds: Binds,
    *,
    also: str = "",
) -> str:
    """The statement; `also` adds a CTE that may read `shown`, the rows of the page (the access log)."""
    alias = source.alias
    direction = " DESC" if order.descending else ""
    ordering = ", ".join(f"{alias}.{name}{direction}" for name, _ in order.columns)
    after = [_beyond(order, alias, paging.after, binds)] if paging.after is not None else []
    last = ", ".join(f"{alias}.{name}::text" for name, _ in order.columns)
    limit = binds(paging.limit)
    total = (
        f"(SELECT count(*) FROM {source.table} {alias} {where(conditions)})"
        if paging.count == "exact"
        else "NULL::bigint"
    )
    return f"""WITH found AS MATERIALIZED (
    SELECT {alias}.* FROM {source.table} {alias} {where([*conditions, *after])} ORDER BY {ordering} LIMIT {limit}::int + 1),
  shown AS MATERIALIZED (SELECT {alias}.* FROM found {alias} ORDER BY {ordering} LIMIT {limit}::int){also}
  SELECT (SELECT coalesce(json_agg(t), '[]') FROM (SELECT {source.columns} FROM shown {alias} ORDER BY {ordering}) t) AS items,
    CASE WHEN (SELECT count(*) FROM found) > {limit}::int THEN
      (SELECT ARRAY[{last}] FROM shown {alias} ORDER BY {_reverse(order, alias)} LIMIT 1) END AS last,
    {total} AS total
  WHERE {GATE}"""


def _beyond(order: Order, alias: str, after: tuple[str, ...], binds: Binds) -> str:
    if len(after) != len(order.columns):
        raise Invalid.at("query/cursor", "invalid-cursor", "Start again without a cursor.")
    left = ", ".join(f"{alias}.{name}" for name, _ in order.columns)
    # Bound as text and cast: the cursor carries text, and a cast of a constant keeps the index usable.
    right = ", ".join(
        f"{binds(value)}::text::{kind}" for value, (_, kind) in zip(after, order.columns, strict=True)
    )
    return f"({left}) {'<' if order.descending else '>'} ({right})"


def _reverse(order: Order, alias: str) -> str:
    direction = "" if order.descending else " DESC"
    return ", ".join(f"{alias}.{name}{direction}" for name, _ in order.columns)


async def fetch_page(
    connection: Connection,
    source: Source,
    conditions: Sequence[str],
    order: Order,
    paging: Paging,
    binds: Binds,
    *,
    also: str = "",
) -> Listing:
    """Runs the page; `estimated` asks the planner instead of counting."""
    estimate = None
    if paging.count == "estimated":
        estimate = await _estimate(connection, source, conditions, binds)
    row = await connection.fetchrow(page_sql(source, conditions, order, paging, binds, also=also), *binds)
    assert row is not None
    last = tuple(row["last"]) if row["last"] is not None else None
    return Listing(items=row["items"], last=last, total=row["total"] if estimate is None else estimate)


async def _estimate(connection: Connection, source: Source, conditions: Sequence[str], binds: Binds) -> int:
    # A statement may not be given values it does not use: callers bind the conditions before the columns.
    used = max((int(place) for text in conditions for place in _PLACE.findall(text)), default=0)
    plan = await connection.fetchval(
        f"EXPLAIN (FORMAT JSON) SELECT 1 FROM {source.table} {source.alias} {where(conditions)}",
        *binds[:used],
    )
    return int(orjson.loads(plan)[0]["Plan"]["Plan Rows"])
