"""Who has given what to whom already: one statement, which finds the household by itself."""

from datetime import date
from typing import Any

from domain.access.policy import Reach
from domain.assistance.event import AssistanceType, HouseholdRef
from domain.casework.problem import ProblemDimension
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.sealing import Sealing

_FOUND = {
    "id": "h.id = $1::uuid",
    "house_code": "h.house_code = $1::text",
    "citizen_id": "h.id = (SELECT ci.household_id FROM citizen_identity ci WHERE ci.blind_index = $1::bytea)",
}
_OVERLAP = """WITH target AS MATERIALIZED (
    SELECT h.id FROM household h WHERE {found} AND h.area_code ^@ ANY($2::text[]) LIMIT 2)
  SELECT CASE WHEN (SELECT count(*) FROM target) < 2 THEN (SELECT coalesce(json_agg(t), '[]') FROM (
    SELECT DISTINCT ev.agency, to_char(ev.provided_on, 'YYYY-MM') AS month
    FROM target JOIN assistance_event ev ON ev.household_id = target.id
    WHERE ev.status IN ('recorded', 'confirmed') AND ev.provided_on >= $3
      AND ($4::text IS NULL OR ev.assistance_type = $4) AND ($5::text IS NULL OR ev.dimension = $5)
    ORDER BY month DESC, ev.agency) t) END WHERE {gate}"""
_SQL = {by: _OVERLAP.format(found=found, gate=GATE) for by, found in _FOUND.items()}


class PgChecks:
    """Implements `CheckStore`."""

    def __init__(self, connection: Connection, sealing: Sealing) -> None:
        self._connection, self._sealing = connection, sealing

    async def overlap(
        self,
        reach: Reach,
        household: HouseholdRef,
        assistance_type: AssistanceType | None,
        dimension: ProblemDimension | None,
        since: date,
    ) -> bytes | None:
        by, named = self._named(household)
        by_whom: bytes | None = await self._connection.fetchval(
            _SQL[by], named, reach.prefixes, since, assistance_type, dimension
        )
        return by_whom

    def _named(self, ref: HouseholdRef) -> tuple[str, Any]:
        if ref.citizen_id is not None:
            return "citizen_id", self._sealing.index.of(ref.citizen_id)
        return ("id", ref.id) if ref.id is not None else ("house_code", ref.house_code)
