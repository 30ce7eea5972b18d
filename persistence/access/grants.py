"""Grants that break the glass, on one connection."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from domain.access.actor import Scope
from domain.access.grants import AccessGrantDraft, TooManyGrants
from domain.access.policy import Reach
from domain.kernel import Document, Listing, Paging, Trail
from persistence.bounds import bind, bounds_of, masked_bounds
from persistence.engine import Connection
from persistence.exchange.trail import leave
from persistence.keyset import ORDERS, Source, fetch_page
from persistence.masking import free_text
from persistence.sql import Binds

_COLUMNS = f"g.id, g.household_id, g.agency, g.client_id, {free_text('g.reason')}, g.granted_at, g.expires_at"
# Two requests of one agency take turns here, or both would count nineteen.
_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('access_grant ' || $1::text, 0))"
# A grant that is asked for again, after a lost answer, is no second household.
_OPEN = "SELECT count(DISTINCT g.household_id) FROM access_grant g WHERE g.agency = $1 AND g.expires_at > $2"
_ADD = f"""WITH added AS (
    INSERT INTO access_grant (household_id, id, area_code, agency, client_id, reason, granted_at, expires_at)
    SELECT h.id, $2, h.area_code, $4, $5, $6, $7, $8 FROM household h
    WHERE h.id = $1 AND h.merged_into IS NULL AND h.area_code ^@ ANY($3::text[]) RETURNING *)
  SELECT g.area_code, (SELECT row_to_json(t) FROM (SELECT {_COLUMNS}) t) AS document FROM added g"""


class PgGrants:
    """Implements `GrantStore`."""

    def __init__(self, connection: Connection, new_id: Callable[[], UUID]) -> None:
        self._connection, self._new_id = connection, new_id

    async def add(
        self,
        reach: Reach,
        grant_id: UUID,
        draft: AccessGrantDraft,
        *,
        provinces: Sequence[str],
        most: int,
        now: datetime,
        expires_at: datetime,
    ) -> Document | None:
        actor, connection = reach.actor, self._connection
        await connection.fetchval(_TURN, actor.agency)
        # The household lies behind the wall of the caller's areas; for these statements its provinces are the wall.
        await bind(connection, masked_bounds(actor.agency, provinces))
        row = await connection.fetchrow(
            _ADD, draft.household_id, grant_id, provinces, actor.agency, actor.client_id, draft.reason, now, expires_at
        )  # fmt: skip
        if row is None:
            return None
        # Counted with the new one, after it is known that there is such a household: a full account tells nothing.
        if await connection.fetchval(_OPEN, actor.agency, now) > most:
            raise TooManyGrants
        # The reason stands in the grant; a feed has more readers.
        changes: dict[str, object] = {"expires_at": expires_at.isoformat()}
        trail = Trail(
            draft.household_id, row["area_code"], "access_grant", grant_id, "created", 1, actor.agency, changes
        )  # fmt: skip
        await leave(connection, actor, trail, now=now, new_id=self._new_id)
        await bind(connection, bounds_of(actor)._replace(granted=False))
        return Document(row["document"], 1)

    async def get(self, reach: Reach, grant_id: UUID, *, provinces: Sequence[str]) -> Document | None:
        binds = Binds((grant_id,))
        found = f"g.id = $1 AND {_visible(reach, provinces, binds)}"
        text = await self._connection.fetchval(
            f"SELECT row_to_json(t) FROM (SELECT {_COLUMNS} FROM access_grant g WHERE {found}) t", *binds
        )
        return None if text is None else Document(text, 1)

    async def page(self, reach: Reach, paging: Paging, *, provinces: Sequence[str]) -> Listing:
        binds = Binds()
        found = [_visible(reach, provinces, binds)]
        source = Source("access_grant", "g", _COLUMNS)
        return await fetch_page(self._connection, source, found, ORDERS[paging.sort], paging, binds)


def _visible(reach: Reach, provinces: Sequence[str], binds: Binds) -> str:
    actor = reach.actor
    seen = f"(g.agency = {binds(actor.agency)} AND g.area_code ^@ ANY({binds(provinces)}::text[]))"
    if actor.can(Scope.AUDIT_READ):
        seen = f"({seen} OR g.area_code ^@ ANY({binds(reach.prefixes)}::text[]))"
    return seen
