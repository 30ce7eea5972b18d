"""The contract to read: `/docs` (Swagger UI), `/openapi.json`, `/schema.graphql`, and GraphiQL at the GraphQL endpoint."""

import hashlib
from collections.abc import Callable
from functools import cache

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api.graphql.sdl import schema_sdl
from api.operations import files
from api.operations.accept import preferred
from api.operations.files import BRIEFLY, cached, page

HTML = "text/html"
JSON_FIRST = ("application/json", "application/graphql-response+json", HTML)
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
POLICY = {"Content-Security-Policy": STRICT.format(styles="")}
# The one style sheet that GraphiQL writes into the page, as it opens a dialog: it keeps the page from scrolling.
GRAPHIQL_POLICY = {
    "Content-Security-Policy": STRICT.format(styles=" 'sha256-Y/huXlwoYkVyQlxwSVcCi1RCDGDCSVBzDt0hYP9qlTc='")
}


def routes(document: Callable[[], bytes]) -> list[Route]:
    """`document` gives the OpenAPI document as JSON text; it is asked for once, at the first request."""
    described, drawn = cache(document), cache(lambda: schema_sdl().encode())

    async def openapi(request: Request) -> Response:
        request.scope["operation"] = "getOpenApi"
        return _lasting(request, described(), "application/json")

    async def schema(request: Request) -> Response:
        # Without a token, as the document is: GraphiQL shows it before anybody has entered one.
        request.scope["operation"] = "getGraphqlSchema"
        return _lasting(request, drawn(), "text/plain")

    async def docs(request: Request) -> Response:
        request.scope["operation"] = "docs"
        return Response(page("docs.html"), 200, {**POLICY, **BRIEFLY}, media_type=HTML)

    return [
        Route("/openapi.json", openapi, methods=["GET"]),
        Route("/schema.graphql", schema, methods=["GET"]),
        Route("/docs", docs, methods=["GET"]),
        *files.routes(),
    ]


def _lasting(request: Request, text: bytes, media_type: str) -> Response:
    return cached(request, text, media_type, hashlib.sha256(text).hexdigest()[:16], BRIEFLY)


class GraphiqlForBrowsers:
    """Stands before the GraphQL endpoint: a GET that would rather have HTML gets GraphiQL, the rest goes on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or not _is_browser(scope):
            await self._app(scope, receive, send)
            return
        scope["operation"] = "graphiql"
        headers = {**GRAPHIQL_POLICY, **BRIEFLY, "Vary": "Accept"}
        await Response(page("graphiql.html"), 200, headers, media_type=HTML)(scope, receive, send)


def _is_browser(scope: Scope) -> bool:
    return preferred(Headers(scope=scope).get("accept"), JSON_FIRST) == HTML
