"""๔ท analyses on one connection; append-only."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from domain.access.policy import Reach
from domain.casework.analyses import complete
from domain.casework.problem import AnalysisDraft
from domain.kernel import Document, Listing, Paging, Trail
from persistence.bounds import GATE
from persistence.casework.views import analysis_columns
from persistence.engine import Connection
from persistence.exchange.trail import leave
from persistence.keyset import ORDERS, Source, fetch_page
from persistence.registry.holding import LIVE
from persistence.sql import Binds, reached

_ADD = f"""WITH added AS (
    INSERT INTO analysis (household_id, id, area_code, attitude, skills, resources, way_out, analysed_on,
      analysts, complete, agency, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING *)
  SELECT row_to_json(t) FROM (SELECT {analysis_columns()} FROM added an) t"""


class PgAnalyses:
    """Implements `AnalysisStore`."""

    def __init__(self, connection: Connection, new_id: Callable[[], UUID]) -> None:
        self._connection, self._new_id = connection, new_id

    async def add(
        self,
        reach: Reach,
        analysis_id: UUID,
        household_id: UUID,
        area_code: str,
        draft: AnalysisDraft,
        *,
        now: datetime,
    ) -> Document:
        text = await self._connection.fetchval(
            _ADD,
            household_id,
            analysis_id,
            area_code,
            draft.attitude,
            draft.skills,
            draft.resources,
            draft.way_out,
            draft.analysed_on,
            draft.analysts,
            complete(draft),
            reach.actor.agency,
            now,
        )
        shown: dict[str, object] = {"complete": complete(draft), "analysed_on": draft.analysed_on.isoformat()}
        trail = Trail(household_id, area_code, "analysis", analysis_id, "created", 1, None, shown)
        await leave(self._connection, reach.actor, trail, now=now, new_id=self._new_id)
        return Document(text, 1)

    async def page(self, reach: Reach, household_id: UUID, paging: Paging) -> Listing | None:
        binds = Binds((household_id,))
        prefixes = binds(reach.prefixes)
        found = [
            "an.household_id = $1",
            reached(reach, prefixes, binds, alias="an", household="an.household_id"),
        ]
        source = Source("analysis", "an", analysis_columns())
        listing = await fetch_page(self._connection, source, found, ORDERS[paging.sort], paging, binds)
        # Only an empty page has to tell a household without analyses from one that is not the caller's.
        if listing.items == b"[]" and not await self._reaches(reach, household_id):
            return None
        return listing

    async def _reaches(self, reach: Reach, household_id: UUID) -> bool:
        binds = Binds((household_id,))
        found = reached(reach, binds(reach.prefixes), binds, alias="h", household="h.id")
        exists = (
            f"SELECT EXISTS (SELECT FROM household h WHERE h.id = $1 AND {LIVE} AND {found}) WHERE {GATE}"
        )
        return bool(await self._connection.fetchval(exists, *binds))

    async def complete_one_exists(self, household_id: UUID) -> bool:
        found = await self._connection.fetchval(
            "SELECT EXISTS (SELECT FROM analysis an WHERE an.household_id = $1 AND an.complete)", household_id
        )
        return bool(found)
