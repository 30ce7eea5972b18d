"""The pages and what they ask for, without a database: a small application around the operations' routes."""

import httpx2
from graphql import build_schema, graphql_sync
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api.addresses import Callers
from api.contract.files import contract_files
from api.edge import Edge
from api.operations import docs, errors, health, metrics
from api.operations.docs import GraphiqlForBrowsers
from domain.kernel import NIL

BASE = "http://kaejon.test"
SEEN = metrics.Metrics()


class _Unresolved:
    """A GraphQL endpoint with the committed schema and nothing behind it; like the real one it wants a token."""

    def __init__(self, sdl: str) -> None:
        self._schema = build_schema(sdl)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method != "POST":
            await Response("GET without a query", 400)(scope, receive, send)
            return
        if "authorization" not in request.headers:
            await JSONResponse({"errors": [{"message": "no token"}]}, 401)(scope, receive, send)
            return
        sent = await request.json()
        result = graphql_sync(self._schema, sent["query"], variable_values=sent.get("variables"))
        await JSONResponse(result.formatted)(scope, receive, send)


def pages_app(amiss: str | None = None) -> ASGIApp:
    """`amiss` is what /readyz finds wrong."""
    files = contract_files()

    async def ready() -> str | None:
        return amiss

    app = Starlette(
        routes=[
            *health.routes(ready, base=BASE),
            *metrics.routes(SEEN),
            *errors.routes(base=BASE),
            *docs.routes(lambda: files["openapi.json"].encode()),
            Route("/graphql", GraphiqlForBrowsers(_Unresolved(files["schema.graphql"]))),
        ]
    )
    return Edge(app, request_ids=lambda: str(NIL), metrics=SEEN, log_line=lambda line: None, base=BASE)


def edged_app(*, base: str, callers: Callers, client: tuple[str, int]) -> httpx2.AsyncClient:
    """The health routes alone behind an edge of these settings, asked from `client`."""

    async def ready() -> str | None:
        return None

    edge = Edge(
        Starlette(routes=list(health.routes(ready, base=base))),
        request_ids=lambda: str(NIL),
        metrics=SEEN,
        log_line=lambda line: None,
        base=base,
        callers=callers,
    )
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=edge, client=client), base_url=base)
