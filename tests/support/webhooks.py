"""Clients with webhooks, and the sender in the test's own process."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from api.app import new_id, sealing_of
from api.webhooks.relay import Pace, relay_and_send
from api.wiring import utc_now
from domain.exchange.targets import Allowed
from persistence.work import WorkFactory
from tests.support import builders
from tests.support.api import ISSUER, Api
from tests.support.calls import everything
from tests.support.oauth import created, token_of
from tests.support.waiting import eventually_so

SCOPES = ["households:read", "problems:read", "assistance:read", "webhooks:write"]
QUICK = Pace(delays=(0.05,) * 9, look_s=0.02, swept_every_s=0.1)
ALLOWED = Allowed.parsed("127.0.0.0/8")


class Subscriber:
    """A client of its own, which may have webhooks."""

    def __init__(self, api: Api, client: dict[str, Any], token: str) -> None:
        self.api, self.client = api, client
        self.headers = {"Authorization": f"Bearer {token}"}

    @classmethod
    async def made(cls, api: Api, **changes: Any) -> "Subscriber":
        client = await created(api, **{"scopes": SCOPES, "areas": ["42"], **changes})
        return cls(api, client, await token_of(api, client))

    async def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        return await self.api.call(None, method, path, body, headers={**self.headers, **(headers or {})})

    async def webhook(self, url: str, *types: str) -> dict[str, Any]:
        answer = await self.call("POST", "/v1/webhooks", {"url": url, "types": list(types)})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def read(self, webhook: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self.call("GET", f"/v1/webhooks/{webhook['id']}")).json()
        return found

    async def patch(self, webhook: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        version = (await self.read(webhook))["version"]
        answer = await self.call(
            "PATCH", f"/v1/webhooks/{webhook['id']}", changes, headers={"If-Match": f'"{version}"'}
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def deliveries(self, webhook: Mapping[str, Any], query: str = "") -> list[dict[str, Any]]:
        answer = await self.call("GET", f"/v1/webhooks/{webhook['id']}/deliveries{query}")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def quiet(self, webhook: Mapping[str, Any], count: int = 1) -> bool:
        """Whether in time so many deliveries are over and none waits."""

        async def over() -> bool:
            found = await self.deliveries(webhook, "?limit=200")
            return len(found) >= count and all(one["status"] != "pending" for one in found)

        return await eventually_so(over)


async def household(api: Api, **changes: Any) -> str:
    """A new one; its id."""
    answer = await everything(api, "POST", "/v1/households", builders.household(**changes))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def touch(api: Api, household_id: str, **changes: Any) -> None:
    """A change of it."""
    path = f"/v1/households/{household_id}"
    etag = (await everything(api, "GET", path)).headers["etag"]
    answer = await everything(api, "PATCH", path, changes, headers={"If-Match": etag})
    assert answer.status_code == 200, answer.text


def works_of(api: Api) -> WorkFactory:
    assert api.worker.database is not None
    return WorkFactory(api.worker.database, sealing_of(api.keyring), new_id)


@asynccontextmanager
async def sending(api: Api, pace: Pace = QUICK, **more: Any) -> AsyncIterator[None]:
    """Relays and sends while the block lasts."""
    stop = asyncio.Event()
    given = {"allowed": ALLOWED, "source": ISSUER, "now": utc_now, **more}
    task = asyncio.create_task(relay_and_send(works_of(api), stop=stop, pace=pace, **given))
    try:
        yield
    finally:
        stop.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
