"""Households on one connection: the hot read is one statement, finished JSON, masked in SQL."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from domain.access.policy import Reach, unmasked_fields
from domain.calendar import today as date_of
from domain.errors import Conflict, Fault
from domain.kernel import Document, Listing, Paging, Trail
from domain.registry.household import HouseholdDraft, HouseholdFilter
from domain.registry.indicators import IndicatorResults
from domain.registry.provenance import by_team
from domain.registry.store import Held, Includes
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.exchange.trail import leave
from persistence.keyset import Source, fetch_page
from persistence.registry import holding, views
from persistence.registry import includes as embedded
from persistence.registry.facets import facets
from persistence.registry.filters import ORDERS, conditions
from persistence.registry.holding import LIVE
from persistence.registry.registering import register
from persistence.registry.trails import changed
from persistence.registry.unseal import unseal
from persistence.sealing import Sealing
from persistence.sql import Binds, reach_conditions, reached


def _log(seen: str, binds: Binds) -> str:
    """A CTE that logs whose unmasked data is read, in the very statement that reads it.

    One id serves a page: the key is (household, id). `binds` numbers the places of `_log_values`.
    """
    new_id, now, client, agency, purpose, fields, request = (binds(None) for _ in range(7))
    return f"""logged AS (
      INSERT INTO access_log (household_id, id, at, client_id, agency, purpose, person_ids, fields, request_id, area_code)
      SELECT h.id, {new_id}, {now}, {client}, {agency}, {purpose},
        ARRAY(SELECT ms.person_id FROM membership ms WHERE ms.household_id = h.id),
        {fields}::text[], {request}, h.area_code
      FROM {seen} h)"""


def _log_values(reach: Reach, new_id: UUID, now: datetime) -> tuple[Any, ...]:
    actor = reach.actor
    fields = unmasked_fields(actor)
    return (new_id, now, actor.client_id, actor.agency, actor.purpose, fields, actor.request_id)


@lru_cache(maxsize=256)
def _view_sql(unmasked: bool, found: str, places: int, further: str) -> str:
    """$1 household · $2 area prefixes · $3 date in Bangkok · what `found` binds · the log's values · what is included."""
    binds = Binds([None] * places)
    columns = views.household(unmasked=unmasked, today="$3::date") + further
    logged = ""
    if unmasked:
        logged = f"WITH seen AS (SELECT h.* FROM household h WHERE {found}), {_log('seen', binds)}"
    return f"""{logged} SELECT h.version, (SELECT row_to_json(t) FROM (SELECT {columns}) t) AS document
      FROM household h WHERE {found} AND {GATE}"""


class PgHouseholds:
    """Implements `HouseholdStore`."""

    def __init__(self, connection: Connection, sealing: Sealing, new_id: Callable[[], UUID]) -> None:
        self._connection, self._sealing, self._new_id = connection, sealing, new_id

    async def view(
        self, reach: Reach, household_id: UUID, includes: Includes, *, now: datetime
    ) -> Document | None:
        binds = Binds((household_id, reach.prefixes, date_of(now)))
        found = f"h.id = $1 AND {LIVE} AND {reached(reach, '$2', binds, alias='h', household='h.id')}"
        places = len(binds)
        if reach.unmasked:
            binds.extend(_log_values(reach, self._new_id(), now))
        further = embedded.columns(includes, reach, binds, today="$3::date") if includes.names else ""
        sql = _view_sql(reach.unmasked, found, places, further)
        row = await self._connection.fetchrow(sql, *binds)
        if row is None:
            return None
        return Document(self._opened(reach, row[1]), row[0], reach.unmasked)

    async def page(self, reach: Reach, where: HouseholdFilter, paging: Paging, *, now: datetime) -> Listing:
        binds = Binds()
        found = [
            LIVE,
            *reach_conditions(reach, binds, alias="h", household="h.id"),
            *conditions(where, binds),
        ]
        return await self._page(reach, found, binds, paging, now)

    async def find(
        self,
        reach: Reach,
        paging: Paging,
        *,
        citizen_id: str | None,
        house_code: str | None,
        name: tuple[str, str, str] | None,
        areas: Sequence[str],
        now: datetime,
    ) -> Listing:
        binds = Binds()
        found = [LIVE, *reach_conditions(reach, binds, alias="h", household="h.id")]
        found += conditions(HouseholdFilter.model_construct(area=list(areas)), binds)
        if citizen_id is not None:
            index = binds(self._sealing.index.of(citizen_id))
            found.append(
                f"h.id = (SELECT ci.household_id FROM citizen_identity ci WHERE ci.blind_index = {index})"
            )
        if house_code is not None:
            found.append(f"h.house_code = {binds(house_code)}")
        if name is not None:
            found.append(_named(name, binds, reach))
        return await self._page(reach, found, binds, paging, now)

    async def _page(
        self, reach: Reach, found: list[str], binds: Binds, paging: Paging, now: datetime
    ) -> Listing:
        # Conditions are bound before the columns: see keyset._estimate.
        today = f"{binds(date_of(now))}::date"
        source = Source("household", "h", views.household(unmasked=reach.unmasked, today=today))
        also = ""
        if reach.unmasked:
            start = len(binds)
            also = ", " + _log("shown", binds)
            binds[start:] = _log_values(reach, self._new_id(), now)
        listing = await fetch_page(
            self._connection, source, found, ORDERS[paging.sort], paging, binds, also=also
        )
        return Listing(self._opened(reach, listing.items), listing.last, listing.total)

    def _opened(self, reach: Reach, text: bytes) -> bytes:
        return unseal(text, self._sealing.cipher) if reach.unmasked else text

    async def add(self, reach: Reach, household_id: UUID, draft: HouseholdDraft, *, now: datetime) -> None:
        taken = await register(self._connection, household_id, draft, self._sealing, self._new_id, now)
        if taken:
            raise Conflict(
                "A living person is a current member of one household.",
                code="already-a-member",
                faults=[
                    Fault(
                        f"/members/{place}/person/citizen_id",
                        "already-a-member",
                        "Already a member of a household.",
                    )
                    for place in taken
                ],
            )
        changes = {"area_code": draft.area_code, "members": len(draft.members)}
        await self._trail(reach, household_id, draft.area_code, "created", 1, changes, now)

    async def hold(self, reach: Reach, household_id: UUID) -> Held | None:
        return (await holding.hold(self._connection, reach, [household_id])).get(household_id)

    async def amend(self, reach: Reach, held: Held, changes: Mapping[str, Any], *, now: datetime) -> None:
        binds = Binds((held.id, now))
        sets = [f"{name} = {binds(value)}" for name, value in changes.items()]
        sets.append(f"provenance = provenance || {binds(by_team(changes, date_of(now)))}::jsonb")
        await self._connection.execute(
            f"UPDATE household SET {', '.join([*sets, 'version = version + 1', 'updated_at = $2'])} WHERE id = $1",
            *binds,
        )
        await refresh_facets(self._connection, held.id)
        shown = changed(held.fields, changes)
        await self._trail(reach, held.id, held.area_code, "updated", held.version + 1, shown, now)

    async def members_of(self, household_id: UUID) -> set[UUID]:
        rows = await self._connection.fetch(
            "SELECT person_id FROM membership WHERE household_id = $1 AND left_on IS NULL", household_id
        )
        return {row[0] for row in rows}

    async def put_results(
        self, reach: Reach, held: Held, results: IndicatorResults, mask: str | None, *, now: datetime
    ) -> None:
        await self._connection.execute(
            "DELETE FROM indicator_result WHERE household_id = $1 AND fiscal_year = $2 AND edition = $3",
            held.id,
            results.fiscal_year,
            results.edition,
        )
        count = len(results.results)
        await self._connection.execute(
            """INSERT INTO indicator_result
                 (household_id, id, area_code, fiscal_year, edition, indicator_id, person_id, result, recorded_at, agency)
               SELECT $1, r.id, $2, $3, $4, r.indicator_id, r.person_id, r.result, $5, $6
               FROM unnest($7::uuid[], $8::text[], $9::uuid[], $10::text[]) AS r(id, indicator_id, person_id, result)""",
            held.id,
            held.area_code,
            results.fiscal_year,
            results.edition,
            now,
            reach.actor.agency,
            [self._new_id() for _ in range(count)],
            [one.indicator_id for one in results.results],
            [one.person_id for one in results.results],
            [one.result.value for one in results.results],
        )
        await self._connection.execute(
            # The mask is that of the latest survey, whatever the order in which surveys arrive.
            """UPDATE household SET version = version + 1, updated_at = $3, provenance = provenance || $5::jsonb,
                 dimension_mask = CASE WHEN EXISTS (SELECT FROM indicator_result r WHERE r.household_id = $1 AND r.fiscal_year > $4)
                 THEN dimension_mask ELSE $2 END
               WHERE id = $1""",
            held.id,
            mask,
            now,
            results.fiscal_year,
            by_team(("indicator_results",), date_of(now)),
        )
        await refresh_facets(self._connection, held.id)
        changes = {"fiscal_year": results.fiscal_year, "edition": results.edition, "dimension_mask": mask}
        await self._trail(reach, held.id, held.area_code, "surveyed", held.version + 1, changes, now)

    async def matching_facts(self, household_id: UUID, *, today: date) -> Mapping[str, Any]:
        text = await self._connection.fetchval(
            """SELECT row_to_json(t) FROM (SELECT h.area_code, h.has_land, h.classification,
                 h.annual_income_per_person::text AS annual_income_per_person,
                 (SELECT coalesce(json_agg(m), '[]') FROM (
                    SELECT p.id, date_part('year', age($2::date, p.birth_date))::int AS age, p.able_to_work, p.bedridden,
                      p.disabilities, p.occupation, p.vital_status
                    FROM membership ms JOIN person p ON p.household_id = ms.household_id AND p.id = ms.person_id
                    WHERE ms.household_id = h.id AND ms.left_on IS NULL) m) AS members
               FROM household h WHERE h.id = $1) t WHERE """
            + GATE,
            household_id,
            today,
        )
        facts: dict[str, Any] = orjson.loads(text)
        return facts

    async def _trail(
        self,
        reach: Reach,
        household_id: UUID,
        area_code: str,
        action: str,
        version: int,
        changes: dict[str, object],
        now: datetime,
    ) -> None:
        trail = Trail(household_id, area_code, "household", household_id, action, version, None, changes)
        await leave(self._connection, reach.actor, trail, now=now, new_id=self._new_id)


def _named(name: tuple[str, str, str], binds: Binds, reach: Reach) -> str:
    """Prefix match on the computed keys. A masked reader learns no surname beyond its first letter."""
    first, last, letter = name
    one = _starts("p.first_name_key", first, binds)
    if letter and not reach.unmasked:
        one += f" AND left(p.last_name, 1) = {binds(letter)}"
    elif last:
        one += f" AND {_starts('p.last_name_key', last, binds)}"
    elif reach.unmasked:
        one = f"({one} OR {_starts('p.last_name_key', first, binds)})"
    return f"h.id IN (SELECT p.household_id FROM person p WHERE {one})"


def _starts(column: str, prefix: str, binds: Binds) -> str:
    # A range on the "C" collation is a walk along the index; the upper bound is past every continuation.
    return f"({column} >= {binds(prefix)} AND {column} < {binds(prefix + chr(0x10FFFF))})"


async def refresh_facets(connection: Connection, household_id: UUID) -> None:
    """Recomputes what the rarer filters match, after any of their sources has changed."""
    row = await connection.fetchrow(
        """SELECT h.sources, h.target_groups, h.dimension_mask,
             ARRAY(SELECT DISTINCT p.welfare_card FROM membership ms
                   JOIN person p ON p.household_id = ms.household_id AND p.id = ms.person_id
                   WHERE ms.household_id = h.id AND ms.left_on IS NULL) AS cards,
             ARRAY(SELECT DISTINCT r.indicator_id FROM indicator_result r
                   WHERE r.household_id = h.id AND r.result = 'fail' AND r.fiscal_year =
                     (SELECT max(l.fiscal_year) FROM indicator_result l WHERE l.household_id = h.id)) AS failed
           FROM household h WHERE h.id = $1""",
        household_id,
    )
    assert row is not None
    found = facets(
        orjson.loads(row["sources"]),
        orjson.loads(row["target_groups"]),
        row["cards"],
        row["dimension_mask"],
        row["failed"],
    )
    await connection.execute("UPDATE household SET facets = $2 WHERE id = $1", household_id, found)
