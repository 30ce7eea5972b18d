"""The change feed as a partner follows it."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import httpx2

from api.feed import cursor_of
from api.paging import Cursors
from domain.access.actor import Scope
from persistence.exchange.changes import PgChanges
from tests.support.api import Api
from tests.support.calls import EVERYTHING
from tests.support.database import seeing

ASSIGNED = [one for one in EVERYTHING if one is not Scope.HOUSEHOLDS_READ]
"""Every scope of a client that sees its own assignments alone."""


async def asked(api: Api, *, who: str = "center", claims: Any = None, **query: Any) -> httpx2.Response:
    """One page, as a client with every scope for the whole country unless `claims` narrow it."""
    given = {"scopes": EVERYTHING, "areas": ["*"], **(claims or {})}
    text = urlencode({name: one for name, one in query.items() if one is not None}, doseq=True)
    return await api.get(who, f"/v1/changes?{text}", **given)


async def followed(
    api: Api, after: str | None = None, *, claims: Any = None, **query: Any
) -> tuple[list[dict[str, Any]], str]:
    """Everything from there to the end of the feed, page by page, and the cursor to go on with."""
    found: list[dict[str, Any]] = []
    while True:
        answer = await asked(api, claims=claims, after=after, **query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        after = page["next"]
        if not page["more"]:
            return found, after


async def now(api: Api) -> str:
    """The position of this moment as the manifest of an export names it: anybody may follow the feed from there."""
    async with seeing(api.worker.database) as connection:
        return cursor_of(Cursors(api.keyring.cursor_key), await PgChanges(connection).end())


def brief(items: Iterable[dict[str, Any]]) -> list[tuple[str, str, bool]]:
    return [(one["type"], one["action"], one["tombstone"]) for one in items]
