"""A partner's webhook receiver: a real HTTP server on loopback that checks every signature."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.partners.line import Line
from tests.support.partners.mirror import Mirror
from tests.support.server import free_port
from tests.support.waiting import PATIENCE_S, eventually_so


class Receiver:
    """Takes deliveries, answers at once, and hands their items on in the order of arrival."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hook"
        self.secrets: list[str] = []
        self.refused = 0
        self.seen: dict[str, int] = {}
        """How often each webhook-id has come."""
        self._items: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def take(self, request: Request) -> Response:
        body = await request.body()
        if not any(_signed(secret, body, dict(request.headers)) for secret in self.secrets):
            self.refused += 1
            return Response(status_code=400)
        event = Webhook(self.secrets[0]).verify(body, dict(request.headers))
        self.seen[request.headers["webhook-id"]] = self.seen.get(request.headers["webhook-id"], 0) + 1
        self._items.put_nowait(event["data"])
        return Response(status_code=204)

    async def feed(self, mirror: Mirror, copied: asyncio.Event, stop: asyncio.Event) -> None:
        """Hands what arrives to a mirror, once that has its copy."""
        await copied.wait()
        while not (stop.is_set() and self._items.empty()):
            try:
                async with asyncio.timeout(0.5):
                    item = await self._items.get()
            except TimeoutError:
                continue
            items = [item]
            while not self._items.empty():
                items.append(self._items.get_nowait())
            await mirror.take(items)

    async def drained(self, line: Line, webhook_id: str) -> None:
        """Waits until nothing is left to be delivered to it."""
        async with asyncio.timeout(5 * PATIENCE_S):
            while True:
                path = f"/v1/webhooks/{webhook_id}/deliveries?status=pending&limit=1"
                answer = await line.send("GET", path)
                assert answer.status_code == 200, answer.text
                if not answer.json()["items"] and self._items.empty():
                    return
                await asyncio.sleep(0.2)

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator["Receiver"]:
        port = free_port()
        receiver = cls(port)
        app = Starlette(routes=[Route("/hook", receiver.take, methods=["POST"])])
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False))
        serving = asyncio.create_task(server.serve())
        assert await eventually_so(lambda: server.started)
        try:
            yield receiver
        finally:
            server.should_exit = True
            await serving


def _signed(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True
