"""The files that pages are made of.

Decision: an explicit table with one route a file, read once at start; no path is ever made from what a
caller sent. It costs a worker 6 MB.
"""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER = Path(__file__).parent / "assets"
SCRIPT, STYLE = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
TYPES: Mapping[str, str] = {
    "swagger-ui-bundle.js": SCRIPT,
    "swagger-ui.css": STYLE,
    "docs.js": SCRIPT,
    "react.production.min.js": SCRIPT,
    "react-dom.production.min.js": SCRIPT,
    "graphiql.min.js": SCRIPT,
    "graphiql.min.css": STYLE,
    "graphiql.js": SCRIPT,
    "pages.css": STYLE,
}
"""What is served, and as what."""
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
"""The URL of a file holds its digest: other content is another URL."""
BRIEFLY = {"Cache-Control": "public, max-age=300"}
_REFERENCE = re.compile(r"\{asset:([a-z.\-]+)\}")


@cache
def digest(name: str) -> str:
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:16]


def url_of(name: str) -> str:
    """Where a file of the table is served. Raises KeyError for another one."""
    TYPES[name]
    return f"/assets/{digest(name)}/{name}"


@cache
def page(name: str) -> str:
    """A page of the folder with its `{asset:name}` references resolved."""
    return _REFERENCE.sub(lambda match: url_of(match[1]), (FOLDER / name).read_text("utf-8"))


def cached(request: Request, body: bytes, media_type: str, etag: str, headers: Mapping[str, str]) -> Response:
    """The body with its ETag, or 304 where the caller has it already."""
    named = {**headers, "ETag": f'"{etag}"'}
    given = request.headers.get("if-none-match", "")
    if given.strip() == "*" or f'"{etag}"' in [one.strip().removeprefix("W/") for one in given.split(",")]:
        return Response(None, 304, named)
    return Response(body, 200, named, media_type=media_type)


def routes() -> list[Route]:
    return [_route(name, media_type) for name, media_type in TYPES.items()]


def _route(name: str, media_type: str) -> Route:
    body, etag = (FOLDER / name).read_bytes(), digest(name)

    async def serve(request: Request) -> Response:
        request.scope["operation"] = "asset"
        return cached(request, body, media_type, etag, FOR_EVER)

    return Route(url_of(name), serve, methods=["GET"], name=f"asset:{name}")
