"""Carries out what was prepared of a chunk."""

from datetime import datetime

from domain.exchange.importing.store import Raced
from persistence.assistance import queue
from persistence.engine import Connection
from persistence.exchange.imports.preparing import Prepared


async def write(connection: Connection, prepared: Prepared, *, now: datetime) -> None:
    """Everything, with the feed and audit rows. Raises Raced where a record has another version by now."""
    for step in prepared.steps:
        done = await connection.execute(step.sql, *step.values)
        if step.rows is not None and int(done.split()[-1]) != step.rows:
            raise Raced
    if prepared.homes:
        await queue.link_all(connection, prepared.homes, now=now)
