"""The reference data on one connection: what the rules ask, the lists, and what administrators write."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from domain.access.policy import Reach
from domain.errors import Conflict, Fault
from domain.kernel import NIL, Document, Listing, Paging, Trail
from domain.reference.agency import Agency, AgencyDraft, AgencyFilter, AgencyLevel, KnownKind
from domain.reference.area import AreaFilter
from domain.reference.campaign import CampaignDraft, MpiMembers
from domain.reference.campaign_forms import Campaign, CampaignFilter
from domain.reference.indicator import IndicatorFilter
from domain.reference.store import KnownAgency, KnownIndicator
from domain.reference.units import ActsThrough, Routing
from persistence.engine import Connection
from persistence.exchange.trail import leave
from persistence.keyset import Order, Source, fetch_page
from persistence.reference import views
from persistence.reference.parts import search_key
from persistence.sql import Binds

_AUDIT = """INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource,
    area_code, changes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""


class PgReference:
    """Implements `ReferenceStore`."""

    def __init__(self, connection: Connection, new_id: Callable[[], UUID]) -> None:
        self._connection, self._new_id = connection, new_id

    # -- for the rules

    async def area_exists(self, code: str) -> bool:
        found = await self._connection.fetchval(
            "SELECT EXISTS (SELECT FROM area a WHERE a.code = $1 AND a.abolished_on IS NULL)", code
        )
        return bool(found)

    async def agencies(self, codes: Sequence[str]) -> dict[str, KnownAgency]:
        if not codes:
            return {}
        rows = await self._connection.fetch(
            "SELECT g.code, g.area_code, g.enabled FROM agency g WHERE g.code = ANY($1::text[])", list(codes)
        )
        return {row["code"]: KnownAgency(*row) for row in rows}

    async def kinds(self) -> dict[str, KnownKind]:
        rows = await self._connection.fetch(
            "SELECT g.code, g.level, g.category, g.acts_at FROM agency g WHERE g.acts_at IS NOT NULL"
        )
        return {
            row["code"]: KnownKind(row["code"], AgencyLevel(row["level"]), row["category"], row["acts_at"])
            for row in rows
        }

    async def routing(self) -> Routing:
        rows = await self._connection.fetch(
            "SELECT g.code, g.acts_at, g.acts_through FROM agency g WHERE g.acts_at IS NOT NULL"
        )
        lines = [ActsThrough.model_validate(one) for row in rows for one in orjson.loads(row["acts_through"])]
        return Routing.of({row["code"]: row["acts_at"] for row in rows}, lines)

    async def indicators(self, ids: Sequence[str]) -> dict[str, KnownIndicator]:
        if not ids:
            return {}
        rows = await self._connection.fetch(
            """SELECT i.id, i.dimension, i.unit, i.edition, i.lead_agencies, i.joint_agencies, i.successor
               FROM indicator i WHERE i.id = ANY($1::text[])""",
            list(ids),
        )
        return {row["id"]: _known_indicator(row) for row in rows}

    async def mpi_members(self, fiscal_year: int, edition: str) -> frozenset[str]:
        text = await self._connection.fetchval(
            """SELECT y.document->'mpi_members' FROM campaign y
               WHERE y.document->>'indicator_edition' = $2
               ORDER BY y.fiscal_year > $1, abs(y.fiscal_year - $1) LIMIT 1""",
            fiscal_year,
            edition,
        )
        if text is None:
            return frozenset()
        members = MpiMembers.model_validate_json(text).by_dimension()
        return frozenset(one for dimension in members.values() for one in dimension)

    async def code_exists(self, list_name: str, code: str) -> bool:
        found = await self._connection.fetchval(
            "SELECT EXISTS (SELECT FROM code c WHERE c.list = $1 AND c.code = $2)", list_name, code
        )
        return bool(found)

    async def codes_of(self, list_name: str) -> frozenset[str]:
        rows = await self._connection.fetch("SELECT c.code FROM code c WHERE c.list = $1", list_name)
        return frozenset(row["code"] for row in rows)

    # -- for the doors

    async def page_of_areas(self, where: AreaFilter, paging: Paging) -> Listing:
        binds = Binds()
        return await self._page(views.AREA, views.of_areas(where, binds), views.BY_CODE, paging, binds)

    async def area(self, code: str) -> Document | None:
        return await self._one(views.AREA, "code", code)

    async def page_of_agencies(self, where: AgencyFilter, paging: Paging) -> Listing:
        binds = Binds()
        return await self._page(views.AGENCY, views.of_agencies(where, binds), views.BY_CODE, paging, binds)

    async def agency(self, code: str) -> Document | None:
        return await self._one(views.AGENCY, "code", code, version="g.version")

    async def dimensions(self) -> Listing:
        return Listing(await self._connection.fetchval(views.DIMENSIONS))

    async def page_of_indicators(self, where: IndicatorFilter, paging: Paging) -> Listing:
        binds = Binds()
        found = views.of_indicators(where, binds)
        return await self._page(views.INDICATOR, found, views.BY_NUMBER, paging, binds)

    async def indicator(self, indicator_id: str) -> Document | None:
        return await self._one(views.INDICATOR, "id", indicator_id)

    async def code_lists(self) -> Listing:
        return Listing(await self._connection.fetchval(views.CODE_LISTS))

    async def page_of_codes(self, list_name: str, paging: Paging) -> Listing:
        binds = Binds()
        found = [f"c.list = {binds(list_name)}"]
        return await self._page(views.CODE, found, views.BY_SEQUENCE, paging, binds)

    async def page_of_campaigns(self, where: CampaignFilter, paging: Paging) -> Listing:
        binds = Binds()
        years = where.fiscal_year
        found = [f"y.fiscal_year = ANY({binds(years)}::int[])"] if years else []
        return await self._page(views.CAMPAIGN, found, views.BY_YEAR, paging, binds)

    async def campaign(self, campaign_id: UUID) -> Document | None:
        return await self._one(views.CAMPAIGN, "id", campaign_id, version="y.version")

    async def _page(
        self, source: Source, conditions: Sequence[str], order: Order, paging: Paging, binds: Binds
    ) -> Listing:
        return await fetch_page(self._connection, source, conditions, order, paging, binds)

    async def _one(self, source: Source, key: str, value: Any, *, version: str = "0") -> Document | None:
        row = await self._connection.fetchrow(views.one(source, key, version), value)
        return None if row is None else Document(row["document"], row["version"])

    # -- for administrators

    async def add_agency(self, reach: Reach, agency: AgencyDraft, category: str, *, now: datetime) -> None:
        source = f"added by {reach.actor.agency}"
        try:
            await self._connection.execute(
                """INSERT INTO agency (code, name_th, name_en, abbreviation, level, kind, category, area_code,
                     parent_code, aliases, enabled, search_key, origin, source, version, updated_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'operator', $13, 1, $14)""",
                agency.code,
                agency.name_th,
                agency.name_en,
                agency.abbreviation,
                agency.level,
                agency.kind,
                category,
                agency.area_code,
                agency.parent_code,
                agency.aliases,
                agency.enabled,
                search_key(agency),
                source,
                now,
            )
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "agency_pkey":
                raise
            raise _taken(
                "/code", "agency-exists", "An agency has this code already; amend that one."
            ) from None
        await self._audit(reach, "created", agency, agency.model_dump(mode="json", exclude={"code"}), now)

    async def hold_agency(self, code: str) -> Agency | None:
        text = await self._connection.fetchval(f"{views.one(views.AGENCY, 'code')} FOR UPDATE", code)
        return None if text is None else Agency.model_validate_json(text)

    async def amend_agency(
        self, reach: Reach, agency: Agency, changes: Mapping[str, Any], *, now: datetime
    ) -> None:
        await self._connection.execute(
            """UPDATE agency SET name_th = $2, name_en = $3, abbreviation = $4, level = $5, parent_code = $6,
                 aliases = $7, enabled = $8, search_key = $9, origin = 'operator', version = version + 1,
                 updated_at = $10 WHERE code = $1""",
            agency.code,
            agency.name_th,
            agency.name_en,
            agency.abbreviation,
            agency.level,
            agency.parent_code,
            agency.aliases,
            agency.enabled,
            search_key(agency),
            now,
        )
        await self._audit(reach, "updated", agency, changes, now)

    async def _audit(
        self,
        reach: Reach,
        action: str,
        agency: Agency | AgencyDraft,
        changes: Mapping[str, Any],
        now: datetime,
    ) -> None:
        # No row of the feed: it carries UUIDs, and an agency is known by its code.
        await self._connection.execute(
            _AUDIT,
            NIL,
            self._new_id(),
            now,
            reach.actor.client_id,
            reach.actor.agency,
            reach.actor.request_id,
            f"agency.{action}",
            agency.code,
            agency.area_code,
            dict(changes),
        )

    async def add_campaign(
        self, reach: Reach, campaign_id: UUID, draft: CampaignDraft, *, now: datetime
    ) -> None:
        try:
            await self._connection.execute(
                """INSERT INTO campaign (id, fiscal_year, document, origin, version, updated_at)
                   VALUES ($1, $2, $3, 'operator', 1, $4)""",
                campaign_id,
                draft.fiscal_year,
                draft.model_dump(mode="json"),
                now,
            )
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "campaign_fiscal_year_once":
                raise
            told = "The fiscal year has a campaign already; amend that one."
            raise _taken("/fiscal_year", "campaign-exists", told) from None
        await self._trail(reach, campaign_id, "created", 1, draft, now)

    async def hold_campaign(self, campaign_id: UUID) -> Campaign | None:
        text = await self._connection.fetchval(f"{views.one(views.CAMPAIGN, 'id')} FOR UPDATE", campaign_id)
        return None if text is None else Campaign.model_validate_json(text)

    async def amend_campaign(
        self, reach: Reach, held: Campaign, draft: CampaignDraft, *, now: datetime
    ) -> None:
        await self._connection.execute(
            """UPDATE campaign SET document = $2, origin = 'operator', version = version + 1, updated_at = $3
               WHERE id = $1""",
            held.id,
            draft.model_dump(mode="json"),
            now,
        )
        await self._trail(reach, held.id, "updated", held.version + 1, draft, now)

    async def _trail(
        self, reach: Reach, campaign_id: UUID, action: str, version: int, draft: CampaignDraft, now: datetime
    ) -> None:
        shown: dict[str, object] = {"fiscal_year": draft.fiscal_year}
        trail = Trail(NIL, None, "campaign", campaign_id, action, version, None, shown)
        await leave(self._connection, reach.actor, trail, now=now, new_id=self._new_id)


def _known_indicator(row: "asyncpg.Record") -> KnownIndicator:
    return KnownIndicator(
        id=row["id"],
        dimension=row["dimension"],
        unit=row["unit"],
        edition=row["edition"],
        lead_agencies=tuple(row["lead_agencies"]),
        joint_agencies=tuple(row["joint_agencies"]),
        successor=row["successor"],
    )


def _taken(pointer: str, code: str, told: str) -> Conflict:
    return Conflict(told, code=code, faults=[Fault(pointer, code, told)])
