"""What the feed tells those who see a household by assignment alone: it has entered their view, or left it.

Such a row is a household's and addressed to one agency (`change.agency`). A household's rows of no agency are for
whoever sees every household of the area. Both are written in the transaction that changes who sees what.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from domain.casework.states import ENTITLING
from persistence.engine import Connection

_ENTITLING = ", ".join(f"'{status}'" for status in ENTITLING)

_TELL = f"""INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, agency, occurred_at)
  SELECT h.id, $3, h.area_code, 'household', h.id, $4, h.version, $2, $5 FROM household h
  WHERE h.id = $1 AND (SELECT count(*) FROM assignment own
    WHERE own.household_id = $1 AND own.agency = $2 AND own.status IN ({_ENTITLING})) = $6::int
  RETURNING 1"""

_OWN = """SELECT area_code, 'assignment' AS type, id, version FROM assignment
    WHERE household_id = $1 AND agency = $2 AND status <> 'proposed'
  UNION ALL SELECT area_code, 'assistance_event', id, version FROM assistance_event WHERE household_id = $1 AND agency = $2
  ORDER BY id"""

_STAYS = """INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, agency, occurred_at)
  SELECT $1, t.id, t.area_code, t.type, t.resource_id, 'updated', t.version, $2, $3
  FROM unnest($4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::int[]) AS t(id, area_code, type, resource_id, version)"""

_KNOWN_TO = """SELECT agency FROM assignment WHERE household_id = $1 AND status <> 'proposed'
  UNION SELECT agency FROM assistance_event WHERE household_id = $1 ORDER BY agency"""

_ENTITLED = f"""SELECT DISTINCT agency FROM assignment WHERE household_id = $1 AND status IN ({_ENTITLING})
  ORDER BY agency"""

_ADDRESS = """INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, agency, occurred_at,
    left_for)
  SELECT $1, t.id, $2, 'household', $1, $3, $4, t.agency, $5, $6 FROM unnest($7::uuid[], $8::text[]) AS t(id, agency)"""


async def assignment_moved(
    connection: Connection,
    household_id: UUID,
    agency: str,
    before: str | None,
    after: str,
    *,
    now: datetime,
    new_id: Callable[[], UUID],
) -> None:
    """After an assignment was written: tells its agency where it is the first that entitles it to the household, or
    was the last. `before` is None for a new one. The household's casework is locked.
    """
    entitled_before, entitled = before in ENTITLING, after in ENTITLING
    if entitled == entitled_before:
        return
    action, left = ("entered", 1) if entitled else ("left", 0)
    told = await connection.fetchval(_TELL, household_id, agency, new_id(), action, now, left)
    if told and not entitled:
        await _what_stays(connection, household_id, agency, now=now, new_id=new_id)


async def _what_stays(
    connection: Connection, household_id: UUID, agency: str, *, now: datetime, new_id: Callable[[], UUID]
) -> None:
    """The tombstone takes everything of the household; the agency's own goes on being its to read, and follows."""
    rows = await connection.fetch(_OWN, household_id, agency)
    await connection.execute(
        _STAYS,
        household_id,
        agency,
        now,
        [new_id() for _ in rows],
        [row["area_code"] for row in rows],
        [row["type"] for row in rows],
        [row["id"] for row in rows],
        [row["version"] for row in rows],
    )


async def tell_agencies(
    connection: Connection,
    household_id: UUID,
    area_code: str,
    action: str,
    version: int,
    *,
    left_for: str | None = None,
    now: datetime,
    new_id: Callable[[], UUID],
) -> None:
    """Writes the household's row for each agency that an assignment or an event has made know it; that it has
    `entered`, for each that an assignment entitles to it now.

    Beside the row of no agency, at a move (`left`, with the area it has left and the one it has `left_for`) and at
    a merge (`merged`, of the household that is no more, before what was its is moved; `entered`, of the one that
    takes over, afterwards). Where the area has changed already, both must lie in the transaction's bounds.
    """
    concerned = _ENTITLED if action == "entered" else _KNOWN_TO
    agencies = [row[0] for row in await connection.fetch(concerned, household_id)]
    await connection.execute(
        _ADDRESS,
        household_id,
        area_code,
        action,
        version,
        now,
        left_for,
        [new_id() for _ in agencies],
        agencies,
    )
