"""GraphQL over HTTP: one path, POST only, the media types and statuses of its specification (draft 2025).

Every request needs a token, introspection too: whoever has none reads the committed SDL, which is public.
GET is refused, because a query may hold what must not stand in a URL.
"""

import json
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api import parsing
from api.authentication import authenticated, check_purpose, remote_of
from api.errors import HttpError
from api.graphql import errors
from api.graphql.context import Call, Request
from api.graphql.execution import run
from api.graphql.keyed import run_once
from api.graphql.schema import schema
from api.keyed import REPLAYED
from api.limits.rates import RateClass
from api.media import check_coding, check_kind
from api.wiring import Services
from domain.errors import Fault, Invalid

NEW, OLD = "application/graphql-response+json", "application/json"
LARGEST_BODY = 1_048_576
HEADERS = {"Cache-Control": "no-store", "Vary": "Accept, Authorization, X-Purpose"}


def negotiated(accept: str) -> str:
    """The media type of the answer: what is asked for most, and application/json for whoever has no wish."""
    best, most = OLD, 0.0
    for part in accept.lower().split(","):
        kind, *parameters = [one.strip() for one in part.split(";")]
        weight = min((_weight(one[2:]) for one in parameters if one.startswith("q=")), default=1.0)
        if kind in (NEW, OLD, "application/*", "*/*") and weight > most:
            best, most = (NEW if kind == NEW else OLD), weight
    return best


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


class GraphqlApp:
    """The ASGI application of /graphql."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._schema = schema()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive, send)
        scope["operation"], scope["body_limit"] = "graphql", LARGEST_BODY
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: HttpRequest) -> Response:
        media = negotiated(request.headers.get("accept", "*/*"))
        trace_id = str(request.scope.get("request_id", ""))
        try:
            _check_method(request)
            now = self._services.now()
            header = request.headers.get
            actor = authenticated(
                self._services,
                header("authorization"),
                header("x-purpose"),
                trace_id,
                now,
                remote=remote_of(request.scope),
            )
            request.scope["client_id"] = actor.client_id
            await self._services.limits.admit(request.scope, RateClass.GRAPHQL, actor.client_id)
            check_purpose(self._services, actor)
            _check_media(request)
            wanted = _read(await request.body())
            call = Call(self._services, actor, now=now, request_id=trace_id, scope=request.scope)
            key = header("idempotency-key")
            if key is None:
                answered = await run(self._schema, call, wanted)
            else:
                answered = await run_once(self._schema, call, wanted, key)
            # A client that only knows application/json takes any other status for a broken proxy.
            status = 200 if answered.executed or media == OLD else 400
            return _response(answered.body, status, media, {REPLAYED: "true"} if answered.replayed else {})
        except Exception as error:
            shown, headers = errors.formatted(error, trace_id=trace_id)
            body = {"errors": [shown], "extensions": {"cost": 0}}
            return _response(body, shown["extensions"]["status"], media, headers)


def graphql_app(services: Services) -> ASGIApp:
    """The door, for a Route of every method; what a browser sees there is put in front of it."""
    return GraphqlApp(services)


def _check_method(request: HttpRequest) -> None:
    if request.method != "POST":
        told = "GraphQL is asked by POST: a URL must not hold what a query may hold."
        raise HttpError(405, "method-not-allowed", told, headers={"Allow": "POST"})


def _check_media(request: HttpRequest) -> None:
    check_kind(request.headers.get("content-type"), (OLD,))
    check_coding(request.headers.get("content-encoding"))


def _read(raw: bytes) -> Request:
    """The request in the body. Raises HttpError 400, with the place of each fault."""
    try:
        given = parsing.decoded(raw)
        if isinstance(given, list):
            raise Invalid.at("", "batching", "One request at a time: send an object.")
        # A lone surrogate can be neither stored nor sent back.
        json.dumps(given, ensure_ascii=False).encode()
        return Request.model_validate(given, strict=True)
    except UnicodeEncodeError:
        fault = Fault("", "malformed-text", "It is not valid Unicode.")
        raise HttpError(400, Invalid.code, "The request has a fault; see errors.", faults=[fault]) from None
    except ValidationError as error:
        found = parsing.invalid(error)
        raise HttpError(400, found.error_code, found.detail, faults=found.faults) from None
    except Invalid as error:
        raise HttpError(400, error.error_code, error.detail, faults=error.faults) from None


def _response(
    body: dict[str, Any], status: int, media: str, headers: Mapping[str, str] | None = None
) -> Response:
    text = orjson.dumps(body)
    return Response(text, status, {**HEADERS, **(headers or {}), "Content-Type": f"{media}; charset=utf-8"})
