"""The application in the test's own process, called over ASGI as each of the demo clients."""

import functools
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from api import app as composition
from api.app import Worker, create_app
from api.contract.openapi import openapi_document
from api.keyring import Keyring
from api.rest.table import ROUTES
from api.settings import Settings
from auth.tokens import issue
from persistence.demo.clients import demo_clients
from tests.support.server import GENEROUS

ISSUER = "http://kaejon.test"
PURPOSE = {"X-Purpose": "casework"}


@functools.cache
def _document(server: str) -> dict[str, Any]:
    return openapi_document(ROUTES, server=server)


# Each application makes it when it is composed, in a third of a second: here one is made for all of an issuer.
composition.openapi_document = lambda _, *, server: _document(server)  # type: ignore[attr-defined]


class Api:
    """REST and GraphQL by client name; `database` looks behind the doors."""

    def __init__(self, http: httpx2.AsyncClient, worker: Worker, keyring: Keyring) -> None:
        self.http, self.worker, self.keyring = http, worker, keyring

    @classmethod
    @asynccontextmanager
    async def open(
        cls, dsn: str, keyring: Keyring, settings: Settings | None = None, keys_file: Path | None = None
    ) -> AsyncIterator["Api"]:
        directory = Path(tempfile.mkdtemp(prefix="kaejon-files-"))
        generous = Settings(
            files_dir=directory,
            **{name.removeprefix("KAEJON_").lower(): rate for name, rate in GENEROUS.items()},
        )
        worker = Worker(
            dsn=dsn,
            keyring=keyring,
            issuer=ISSUER,
            pool_size=8,
            keys_file=keys_file,
            settings=settings.model_copy(update={"files_dir": directory}) if settings else generous,
        )
        app = create_app(worker, issuer=ISSUER)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
            http = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url=ISSUER))
            stack.callback(shutil.rmtree, directory, ignore_errors=True)
            yield cls(http, worker, keyring)

    def token(self, name: str, **changes: Any) -> str:
        """A token of a demo client; `changes` replace what it carries."""
        import time
        import uuid

        client = next(one for one in demo_clients() if one.name == name)
        claims: dict[str, Any] = {
            "client_id": f"demo-{name}",
            "agency": client.agency,
            "scopes": client.scopes,
            "areas": list(client.areas),
            "token_id": str(uuid.uuid4()),
            "now": int(time.time()),
            **changes,
        }
        return issue(keys=self.keyring.signing, issuer=ISSUER, audience=ISSUER, **claims)

    async def call(
        self,
        name: str | None,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        **claims: Any,
    ) -> httpx2.Response:
        """One request as a demo client (None: without a token)."""
        sent = dict(headers or {})
        if name is not None:
            sent.setdefault("Authorization", f"Bearer {self.token(name, **claims)}")
        if isinstance(body, bytes | str):
            sent.setdefault("Content-Type", "application/json")
            return await self.http.request(method, path, content=body, headers=sent)
        return await self.http.request(method, path, json=body, headers=sent)

    async def get(self, name: str | None, path: str, **more: Any) -> httpx2.Response:
        return await self.call(name, "GET", path, **more)

    async def post(self, name: str | None, path: str, body: Any = None, **more: Any) -> httpx2.Response:
        return await self.call(name, "POST", path, body, **more)

    async def graphql(
        self, name: str | None, query: str, variables: Mapping[str, Any] | None = None, **more: Any
    ) -> httpx2.Response:
        return await self.call(
            name, "POST", "/graphql", {"query": query, "variables": variables or {}}, **more
        )
