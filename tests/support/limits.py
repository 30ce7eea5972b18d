"""The application with small rate limits, in windows so long that a test sees one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.keyring import Keyring
from api.settings import Settings
from tests.support.api import Api
from tests.support.server import GENEROUS

HOUR = 36_000
"""Of windows so long that no test sees two of them, but at the turn of one; see `afresh` of the limits' tests."""


@asynccontextmanager
async def limited(dsn: str, keyring: Keyring, **rates: str) -> AsyncIterator[Api]:
    """The application with these limits, generous otherwise, in windows of ten hours."""
    given = {name.removeprefix("KAEJON_").lower(): rate for name, rate in GENEROUS.items()}
    given.update({f"rate_limit_{name}": f"{rate}/{HOUR}" for name, rate in rates.items()})
    async with Api.open(dsn, keyring, Settings(**given, rate_limit_patience=10)) as opened:  # type: ignore[arg-type]
        yield opened
