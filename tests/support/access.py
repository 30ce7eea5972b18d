"""The access log as its owner sees it: the fresh page and the ledger, whatever the sealer has moved by now."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tests.support.api import Api

_COLUMNS = "household_id, id, at, client_id, agency, purpose, person_ids, fields, request_id, area_code"
LOGGED = f"(SELECT {_COLUMNS} FROM access_log UNION ALL SELECT {_COLUMNS} FROM access_ledger)"


@asynccontextmanager
async def owner_of(api: Api) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """The owner's connection to the database of the application: past every wall."""
    connection = await asyncpg.connect(api.worker._dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def logged(api: Api, request_id: str) -> list[Any]:
    """What one request left in the log."""
    async with owner_of(api) as owner:
        return await owner.fetch(f"SELECT * FROM {LOGGED} l WHERE request_id = $1", request_id)
