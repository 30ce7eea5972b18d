"""Serves one path of the table: method, body limit, idempotency, errors. A thin ASGI application each."""

import hashlib
import re
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.answering import answer_error
from api.authentication import check_purpose
from api.errors import HttpError
from api.keyed import earlier, keep, key_of
from api.rest.call import PERSONAL, Call
from api.rest.operations import Operation
from api.rest.uploads import received
from api.retrying import settled
from api.wiring import Services
from domain.access.policy import check
from domain.errors import DomainError, NotFound, VersionMismatch
from domain.exchange.idempotency import StoredAnswer
from domain.registry import merges

_SECRET = re.compile(rb'"(client_secret|secret)":"[^"]*"')
_MOST_RACES = 5
"""Times that others may change a resource before a PATCH of any version gives up."""
_KEPT_HEADERS = ("content-type", "location", "etag", "cache-control", "vary")


class PathApp:
    """All methods of one path."""

    def __init__(self, operations: Sequence[Operation], services: Services) -> None:
        self._by_method = {operation.method: operation for operation in operations}
        if "GET" in self._by_method:
            self._by_method.setdefault("HEAD", self._by_method["GET"])
        self._services = services
        self._allow = ", ".join(sorted(self._by_method))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(scope, Request(scope, receive, send))
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, request: Request) -> Response:
        operation = self._by_method.get(scope["method"])
        try:
            if operation is None:
                raise HttpError(
                    405,
                    "method-not-allowed",
                    f"This path knows {self._allow}.",
                    headers={"Allow": self._allow},
                )
            scope["operation"] = operation.id
            scope["body_limit"] = self._services.import_bytes if operation.file else operation.most
            # A large file takes its time: it may not stand still, that is all.
            scope["body_by_progress"] = operation.file
            call = Call(request, self._services, list_name=operation.path)
            if operation.path.startswith("/oauth/"):
                return await self._before_any_token(call, operation)
            if operation.policy is not None:
                scope["client_id"] = client_id = call.actor.client_id
                await self._services.limits.admit(scope, operation.rate_class, client_id)
                if operation.status != 405:
                    # Before the body and its faults, and before a stored answer is replayed.
                    check(call.actor, operation.policy)
                check_purpose(self._services, call.actor)
                if operation.query is None:
                    call.no_query()
            try:
                return await _run(call, operation)
            except NotFound:
                if (moved := await self._moved_on(call, operation)) is None:
                    raise
                return moved
        except Exception as error:
            return answer_error(
                error, path=scope["path"], request_id=scope.get("request_id", ""), base=self._services.issuer
            )

    async def _moved_on(self, call: Call, operation: Operation) -> Response | None:
        """308 to the same path of the household that this one was merged into, for whoever sees that one.

        Looked for after nothing was found, absent and hidden alike; outside the unit of work, which is over.
        """
        given = str(call.request.path_params.get("household_id", ""))
        if operation.policy is None or not given:
            return None
        try:
            async with self._services.works.reading(call.actor) as work:
                found = await merges.successor(work, call.actor, operation.policy, call.id("household_id"))
        except DomainError:
            return None
        if found is None:
            return None
        path, query = call.request.url.path.replace(given, str(found), 1), call.request.url.query
        return Response(None, 308, {**PERSONAL, "Location": f"{path}?{query}" if query else path})

    async def _before_any_token(self, call: Call, operation: Operation) -> Response:
        """Counted by the address, and by the client id once it is read; what fails counts more."""
        limits = self._services.limits
        await limits.knock(call.request.scope)
        response = await operation.handler(call)
        if response.status_code == 401:
            await limits.fail(call.request.scope)
        return response


async def _run(call: Call, operation: Operation) -> Response:
    return await _with_file(call, operation) if operation.file else await _handled(call, operation)


async def _with_file(call: Call, operation: Operation) -> Response:
    """The file first, outside any transaction; it stays when the answer says that it was accepted."""
    if operation.query is not None:
        call.query(operation.query)
    upload = await received(call.services, call.request)
    call.take(upload)
    kept = False
    try:
        response = await _handled(call, operation)
        kept = response.status_code == 202 and "idempotency-replayed" not in response.headers
    finally:
        if not kept:
            call.services.files.remove(upload.file_id)
    return response


async def _handled(call: Call, operation: Operation) -> Response:
    return await settled(lambda: _tried(call, operation))


async def _tried(call: Call, operation: Operation) -> Response:
    if operation.method == "POST" and operation.keyed and call.header("idempotency-key") is not None:
        return await _once(call, operation)
    if operation.method == "PATCH":
        return await _amended(call, operation)
    return await operation.handler(call)


async def _amended(call: Call, operation: Operation) -> Response:
    """Runs a PATCH at a version that its If-Match allows: of a list, and of `*`, it is known when it is met."""
    for _ in range(_MOST_RACES):
        try:
            return await operation.handler(call)
        except VersionMismatch as error:
            if not call.settles_for(error):
                raise
    raise VersionMismatch


async def _once(call: Call, operation: Operation) -> Response:
    """Runs a POST under its Idempotency-Key: everything, and the stored answer, in one transaction.

    Only answers that wrote something are kept: a refusal wrote nothing, and may come out otherwise later. A new
    secret is in the first answer alone.
    """
    key, actor = key_of(call.header("idempotency-key") or ""), call.actor
    request = f"{operation.method} {call.request.url.path}?{call.request.url.query}\n".encode()
    hashed = hashlib.sha256(request + await call.raw_body()).digest()
    async with call.writing() as work:
        stored = await earlier(work, actor, key, hashed)
        if stored is not None:
            return Response(stored.body, stored.status, stored.headers)
        with call.holding(work):
            response = await operation.handler(call)
        headers = {name: value for name, value in response.headers.items() if name in _KEPT_HEADERS}
        body = _SECRET.sub(rb'"\1":null', bytes(response.body))
        answer = StoredAnswer(hashed, response.status_code, headers, body)
        await keep(work, actor, key, answer, now=call.now)
    return response
