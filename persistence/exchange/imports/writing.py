"""Carries out what was prepared of a chunk."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from domain.exchange.importing.store import Raced
from persistence.assistance import queue
from persistence.engine import Connection
from persistence.exchange.imports.preparing import Prepared


async def write(connection: Connection, prepared: Prepared, *, now: datetime) -> Collection[UUID]:
    """Everything, with the feed and audit rows; persons whose citizen ids are somebody else's: then it is to be undone.

    Raises Raced where a record has another version by now.
    """
    for step in prepared.steps:
        if step.claims:
            if taken := await connection.fetch(step.sql, *step.values):
                return [row[0] for row in taken]
            continue
        done = await connection.execute(step.sql, *step.values)
        if step.rows is not None and int(done.split()[-1]) != step.rows:
            raise Raced
    if prepared.homes:
        await queue.link_all(connection, prepared.homes, now=now)
    return ()
