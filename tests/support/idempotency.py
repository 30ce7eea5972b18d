"""What tests of Idempotency-Keys share at both doors: an application of their own, and what a write leaves."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.keyring import Keyring
from tests.support.api import Api
from tests.support.database import seeing

SHOWN_ONCE = frozenset({"client_secret", "clientSecret", "secret"})
_COUNTED = (
    "SELECT (SELECT count(*) FROM change), (SELECT count(*) FROM audit), (SELECT count(*) FROM event_key)"
)


@pytest.fixture
async def fresh_api(dsn: str, keyring: Keyring) -> AsyncIterator[Api]:
    """On a database of each test's own: what one has moved, no other could move again.

    A module takes it for all its tests by `api = fresh_api`.
    """
    async with Api.open(dsn, keyring) as opened:
        yield opened


async def counts(api: Api) -> tuple[int, ...]:
    """Rows of the feed, of the audit, and of the natural keys of events."""
    async with seeing(api.worker.database) as connection:
        return tuple(await connection.fetchrow(_COUNTED))


def known(answer: Any) -> Any:
    """Without what is shown once."""
    if not isinstance(answer, dict):
        return answer
    return {name: known(one) for name, one in answer.items() if name not in SHOWN_ONCE}
