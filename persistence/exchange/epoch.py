"""The history that positions in the feed belong to; the owner begins it, and ends it at a restore.

Transaction numbers count within one server. A database that was copied, restored or brought over from another server
has them of elsewhere: everything in it counts as long committed, and whoever followed the feed of the old one is told to
start again. The timeline, which a promoted standby or a restore to a point in time begins anew, is asked for with every
page (persistence/exchange/changes.py).
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

MOST_PRUNED = 5_000
"""Changes that one statement takes away."""

SETTLE = "UPDATE public.change SET transaction_id = '3' WHERE transaction_id <> '3'"
"""Every change counts as long committed. 3 is the first number PostgreSQL gives."""
END = "DELETE FROM public.feed_epoch"
_PLACE = """SELECT coalesce((SELECT system_identifier FROM pg_control_system()), 0) || '/' ||
  (SELECT oid FROM pg_database WHERE datname = current_database())"""
_PLACE_UNASKED = "SELECT '0/' || (SELECT oid FROM pg_database WHERE datname = current_database())"
_MAY_ASK = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')"

# The oldest in commit order, up to the first that has to stay: what is left has no holes.
_PRUNE = """WITH oldest AS (
    SELECT household_id, id, transaction_id, occurred_at FROM public.change
    WHERE transaction_id < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY transaction_id, id LIMIT $2),
  old AS (
    SELECT * FROM (SELECT o.*, bool_and(occurred_at < $1) OVER (ORDER BY transaction_id, id) AS gone FROM oldest o) t
    WHERE gone),
  deleted AS (
    DELETE FROM public.change ch USING old WHERE ch.household_id = old.household_id AND ch.id = old.id RETURNING 1),
  marked AS (
    UPDATE public.feed_epoch SET pruned_transaction_id = last.transaction_id, pruned_id = last.id
    FROM (SELECT transaction_id, id FROM old ORDER BY transaction_id DESC, id DESC LIMIT 1) last)
  SELECT count(*) FROM deleted"""


async def begin(connection: AsyncConnection) -> None:
    """Begins a history where there is none, or where this is another place than the one it was begun at.

    Run by the owner at every start, in the migration's transaction.
    """
    may_ask = await connection.scalar(sa.text(_MAY_ASK))
    place = await connection.scalar(sa.text(_PLACE if may_ask else _PLACE_UNASKED))
    known = await connection.scalar(sa.text("SELECT place FROM public.feed_epoch"))
    if known == place:
        return
    if known is not None:
        await connection.execute(sa.text(SETTLE))
        await connection.execute(sa.text(END))
    await connection.execute(
        sa.text("INSERT INTO public.feed_epoch (id, place) VALUES (gen_random_uuid(), :place)"),
        {"place": place},
    )


async def prune(
    dsn: str, *, kept: timedelta, now: datetime, progress: Callable[[int, int], None] = lambda *_: None
) -> int:
    """Takes away the changes older than `kept`, as the owner, some thousand at a time; how many."""
    connection = await asyncpg.connect(dsn)
    try:
        gone = 0
        while count := await connection.fetchval(_PRUNE, now - kept, MOST_PRUNED):
            gone += count
            progress(gone, gone)
        return gone
    finally:
        await connection.close()
