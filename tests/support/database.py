"""The service's own connection, opened wide for what a test sets up and looks up behind the doors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from persistence.bounds import Bounds, bind
from persistence.engine import Connection, Database

ALL = Bounds('{""}', "on|")
"""Every area, unmasked."""


@asynccontextmanager
async def seeing(database: Database | None, bounds: Bounds = ALL) -> AsyncIterator[Connection]:
    """One transaction in the service's role, within `bounds`; committed at the end."""
    assert database is not None
    async with database.writing() as connection:
        await bind(connection, bounds)
        yield connection
