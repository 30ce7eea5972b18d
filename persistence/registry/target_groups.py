"""What the target group of a household is derived from, in one statement."""

from decimal import Decimal
from uuid import UUID

import orjson

from domain.access.policy import Reach
from domain.registry.target_group import Facts, StoredFacts
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.registry.holding import LIVE
from persistence.sql import Binds, reached

_FACTS = """WITH home AS MATERIALIZED (SELECT h.* FROM household h WHERE h.id = $1 AND {found}),
  latest AS MATERIALIZED (
    SELECT r.fiscal_year, r.edition FROM indicator_result r, home WHERE r.household_id = home.id AND r.fiscal_year <= $2
    ORDER BY r.fiscal_year DESC, r.edition DESC LIMIT 1),
  living AS MATERIALIZED (
    SELECT p.welfare_card, p.bedridden, p.disabilities, p.able_to_work
    FROM home JOIN membership ms ON ms.household_id = home.id JOIN person p ON p.household_id = home.id AND p.id = ms.person_id
    WHERE ms.left_on IS NULL AND p.vital_status <> 'deceased')
  SELECT home.annual_income_per_person, home.sources,
    -- A mask that came without answers is of no year; one that answers have made is of theirs.
    CASE WHEN NOT EXISTS (SELECT FROM indicator_result r WHERE r.household_id = home.id) THEN home.dimension_mask END AS mask,
    EXISTS (SELECT FROM living WHERE welfare_card = 'has_card') AS has_card,
    (SELECT count(*) FROM living WHERE bedridden OR disabilities <> '{{}}' OR NOT able_to_work) AS dependants,
    latest.fiscal_year, latest.edition,
    (SELECT coalesce(json_agg(json_build_array(r.indicator_id, i.dimension, r.result)), '[]')
     FROM indicator_result r JOIN indicator i ON i.id = r.indicator_id
     WHERE r.household_id = home.id AND r.fiscal_year = latest.fiscal_year AND r.edition = latest.edition) AS answers
  FROM home LEFT JOIN latest ON true WHERE {gate}"""


class PgTargetGroups:
    """Implements `TargetGroupStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def facts(self, reach: Reach, household_id: UUID, fiscal_year: int) -> StoredFacts | None:
        binds = Binds((household_id, fiscal_year))
        found = f"{LIVE} AND {reached(reach, binds(reach.prefixes), binds, alias='h', household='h.id')}"
        row = await self._connection.fetchrow(_FACTS.format(found=found, gate=GATE), *binds)
        if row is None:
            return None
        income: Decimal | None = row["annual_income_per_person"]
        sources = [one["system"] for one in orjson.loads(row["sources"])]
        facts = Facts(row["mask"], row["has_card"], row["dependants"], income, sources)
        answers = [tuple(one) for one in orjson.loads(row["answers"])]
        return StoredFacts(facts, row["fiscal_year"], row["edition"], answers)
