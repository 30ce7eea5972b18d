"""One writer at a time in the casework of a household.

Decision: an advisory lock, not the household's row. The statement that records assistance locks assignment,
problems and household in this order; casework that locked the row first would wait for it in a ring.
"""

from collections.abc import Sequence
from uuid import UUID

from persistence.engine import Connection

_LOCK = """SELECT pg_advisory_xact_lock(hashtextextended('casework:' || x.household_id, 0))
  FROM (SELECT DISTINCT household_id FROM {table} WHERE id = ANY($1::uuid[]) ORDER BY household_id) x"""


async def lock_households_of(connection: Connection, table: str, ids: Sequence[UUID]) -> None:
    """Locks the households of these rows of `problem` or `assignment` until the transaction ends."""
    await connection.execute(_LOCK.format(table=table), list(ids))
