"""What one transaction may see: the verified caller's areas, agency and right to unmasked data.

They are settings of the transaction, which the views of `persistence/wall.py` read. A statement that runs
alone sets them itself, in an uncorrelated sub-select that PostgreSQL evaluates before it reads any row
(a one-time filter): no further round trip, and nothing is left on the connection. What forgets to set them
sees nothing.
"""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from typing import Any, NamedTuple

from domain.access.actor import Actor
from domain.access.policy import may_be_granted, sees_unmasked, touches_households
from persistence.engine import Connection

AREAS = "kaejon.areas"
"""The areas' prefixes, as an array; a setting of its own, since it is read for every row."""
HOLDER = "kaejon.holder"
"""`on or off | agency | households granted to the agency as an array`."""
GATE = "/*gate*/ true"
"""Stands in the outermost WHERE of a statement that is to be one round trip."""

# Of the agency's grants those inside the caller's provinces; '' is the country.
_GRANTED = """(SELECT coalesce(array_agg(g.household_id), '{}')::text FROM open_grant g
  WHERE g.agency = split_part($%(holder)d::text, '|', 2) AND g.expires_at > now()
    AND g.area_code ^@ ANY(ARRAY(SELECT left(own, 2) FROM unnest($%(areas)d::text::text[]) AS own)))"""


class Bounds(NamedTuple):
    """The caller's, as texts of the settings; `granted`: whether broken glass may open further households."""

    areas: str
    holder: str
    granted: bool = False


EVERYTHING = Bounds('{""}', "off|")
"""For the service's own work over all areas: masked, and of no agency."""


def bounds_of(actor: Actor) -> Bounds:
    """Areas, agency and right of a verified token; its codes have no comma, quote or brace.

    Without a scope that has to do with households it has no area here.
    """
    prefixes = actor.prefixes if touches_households(actor) else ()
    return _bounds(
        actor.agency, tuple(prefixes), unmasked=sees_unmasked(actor), granted=may_be_granted(actor)
    )


def masked_bounds(agency: str, prefixes: Iterable[str]) -> Bounds:
    """An agency's over other areas than its client's."""
    return _bounds(agency, tuple(prefixes), unmasked=False, granted=False)


@lru_cache(maxsize=2048)
def _bounds(agency: str, prefixes: tuple[str, ...], *, unmasked: bool, granted: bool) -> Bounds:
    areas = ",".join(f'"{prefix}"' for prefix in prefixes)
    return Bounds(f"{{{areas}}}", f"{'on' if unmasked else 'off'}|{agency}", granted)


def setting_sql(place: int, *, granted: bool) -> str:
    """Sets the bounds bound at `$place` (areas) and the next place (holder) for this transaction."""
    opened = _GRANTED % {"areas": place, "holder": place + 1} if granted else "'{}'"
    return (
        f"set_config('{AREAS}', ${place}::text, true)"
        f" || set_config('{HOLDER}', ${place + 1}::text || '|' || {opened}, true)"
    )


@lru_cache(maxsize=2048)
def _gated(sql: str, place: int, granted: bool) -> str | None:
    """The statement with its gate in place; None when it has none."""
    if GATE not in sql:
        return None
    return sql.replace(GATE, f"(SELECT {setting_sql(place, granted=granted)}) IS NOT NULL", 1)


class Bounded:
    """A connection in autocommit whose every statement runs inside the bounds.

    A statement with a gate is one round trip; any other runs in a short transaction of its own, slower and no
    less bounded.
    """

    __slots__ = ("_bounds", "_connection")

    def __init__(self, connection: Connection, bounds: Bounds) -> None:
        self._connection, self._bounds = connection, bounds

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        raise RuntimeError("a bounded connection runs single statements; ask for a writing unit of work")

    async def execute(self, sql: str, /, *values: Any) -> str:
        result: str = await self._run("execute", sql, values)
        return result

    async def fetch(self, sql: str, /, *values: Any) -> list[Any]:
        rows: list[Any] = await self._run("fetch", sql, values)
        return rows

    async def fetchrow(self, sql: str, /, *values: Any) -> Any:
        return await self._run("fetchrow", sql, values)

    async def fetchval(self, sql: str, /, *values: Any) -> Any:
        return await self._run("fetchval", sql, values)

    async def _run(self, how: str, sql: str, values: tuple[Any, ...]) -> Any:
        gated = _gated(sql, len(values) + 1, self._bounds.granted)
        if gated is not None:
            return await getattr(self._connection, how)(
                gated, *values, self._bounds.areas, self._bounds.holder
            )
        async with self._connection.transaction():
            await bind(self._connection, self._bounds)
            return await getattr(self._connection, how)(sql, *values)


async def bind(connection: Connection, bounds: Bounds) -> None:
    """Sets the bounds for the rest of the transaction under way."""
    sql = f"SELECT {setting_sql(1, granted=bounds.granted)}"
    await connection.fetchval(sql, bounds.areas, bounds.holder)
