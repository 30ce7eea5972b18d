"""Brings a database to the schema this code knows, and refuses one that is ahead of it."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from persistence import wall
from persistence.exchange import epoch
from persistence.grants import apply_grants

_LOCK = 0x6B61656A6F6E
"""Advisory lock: two services that start at once migrate one after the other."""


class SchemaAhead(Exception):
    """The database was migrated by newer code; start that one, or restore a backup."""


def config(connection: sa.Connection | None = None) -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings


def head() -> str:
    """The revision this code knows."""
    revision = ScriptDirectory.from_config(config()).get_current_head()
    assert revision is not None
    return revision


def async_url(dsn: str) -> str:
    """The same address for SQLAlchemy's asyncpg dialect."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(scheme="postgresql+asyncpg"))


async def upgrade(dsn: str) -> None:
    """Migrates as the owner and grants the service's role its rights. Raises SchemaAhead."""
    engine = create_async_engine(async_url(dsn), poolclass=NullPool, hide_parameters=True)
    try:
        async with engine.connect() as connection:
            await connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            await connection.commit()
            # One transaction: whoever is being served meanwhile sees the old schema or the new, never none.
            async with connection.begin():
                current = await _refuse_ahead(connection)
                if current != head() or not await wall.stands(connection):
                    await wall.take_down(connection)
                    await connection.run_sync(lambda sync: command.upgrade(config(sync), "head"))
                    await wall.raise_wall(connection)
                await apply_grants(connection)
                await epoch.begin(connection)
    finally:
        await engine.dispose()


async def _refuse_ahead(connection: AsyncConnection) -> str | None:
    """The revision of the database; None for an empty one."""
    current = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    script = ScriptDirectory.from_config(config())
    known = {revision.revision for revision in script.walk_revisions()}
    if current is not None and current not in known:
        raise SchemaAhead(
            f"The database is at schema {current}, which this version does not know (it knows up to {head()}). "
            "Start the newer version that migrated it, or restore a backup."
        )
    return current


def run_upgrade(dsn: str) -> None:
    asyncio.run(upgrade(dsn))
