"""One REST request: who calls, what was sent, and how the answer is shaped."""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import orjson
from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api import parsing
from api.authentication import authenticated, remote_of
from api.errors import HttpError
from api.media import check_coding, check_kind
from api.wiring import Services
from domain.access.actor import Actor
from domain.errors import Invalid, NotFound, VersionMismatch
from domain.exchange.importing.job import Upload
from domain.kernel import Document, Listing, Paging, Value
from domain.work import UnitOfWork

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")
JSON = "application/json"
PERSONAL = {"Cache-Control": "no-store", "Vary": "Authorization, X-Purpose"}
_ETAG = re.compile(r'"([0-9]{1,9})(?:\.u)?"')
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Listed(Value):
    """The parameters of every list."""

    limit: int = 50
    cursor: str | None = None
    count: str | None = None
    sort: str | None = None


class Call:
    """A request as a handler sees it."""

    def __init__(self, request: Request, services: Services, *, list_name: str) -> None:
        self.request, self.services, self._list = request, services, list_name
        self._headers = dict(request.scope["headers"])
        self._held: UnitOfWork | None = None
        self._actor: Actor | None = None
        self._body: bytes | None = None
        self._any = False
        self._upload: Upload | None = None
        self._stored: int | None = None
        self._named: Sequence[int] = ()
        self.now: datetime = services.now()

    # -- who

    @property
    def actor(self) -> Actor:
        """The verified caller. Raises Unauthenticated."""
        if self._actor is None:
            self._actor = authenticated(
                self.services,
                self.header("authorization"),
                self.header("x-purpose"),
                self.request.scope.get("request_id", ""),
                self.now,
                remote=self.remote,
            )
        return self._actor

    @property
    def remote(self) -> str:
        """The caller's address."""
        return remote_of(self.request.scope)

    # -- what was sent

    def header(self, name: str) -> str | None:
        raw = self._headers.get(name.encode())
        return None if raw is None else raw.decode("latin-1")

    def id(self, name: str) -> UUID:
        """A path parameter; what is no UUID names nothing."""
        text = self.request.path_params[name]
        if not _UUID.fullmatch(text):
            raise NotFound
        return UUID(text)

    def query(self, model: type[Model]) -> Model:
        return parsing.query(self.request.scope["query_string"], model)

    def no_query(self) -> None:
        """For operations without parameters: none is ignored."""
        if self.request.scope["query_string"]:
            parsing.query(self.request.scope["query_string"], BaseModel)

    async def body(self, model: type[Model], *, media: Sequence[str] = (JSON,)) -> Model:
        check_kind(self.header("content-type"), media)
        return parsing.body(await self.raw_body(), model)

    async def read(self, read: Callable[[bytes], Awaitable[T]], *, media: Sequence[str] = (JSON,)) -> T:
        """The body as something that is no single value."""
        check_kind(self.header("content-type"), media)
        return await read(await self.raw_body())

    async def raw_body(self) -> bytes:
        """All of it, once; the edge bounds its size and the time it takes."""
        if self._body is None:
            check_coding(self.header("content-encoding"))
            chunks = []
            more = True
            while more:
                message = await self.request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                chunks.append(message.get("body", b""))
                more = message.get("more_body", False)
            self._body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return self._body

    def take(self, upload: Upload) -> None:
        """The body was a file, which has arrived: what it is compared by is its hash."""
        self._upload, self._body = upload, upload.sha256.encode()

    @property
    def upload(self) -> Upload:
        """The file that was sent."""
        assert self._upload is not None
        return self._upload

    def expected_version(self) -> int:
        """The version that If-Match names (RFC 9110 §13.1.1). 428 when there is none.

        Of several, or of any (`*`), the one that `settles_for` has found to be stored. A weak tag matches
        nothing here. Raises VersionMismatch when none is a version of ours.
        """
        if self._stored is not None:
            return self._stored
        given = self.header("if-match")
        if given is None:
            raise HttpError(428, "precondition-required", "Send If-Match with the ETag you read.")
        if given.strip() == "*":
            self._any = True
            return 0
        tags = [_ETAG.fullmatch(one.strip()) for one in given.split(",")]
        self._named = [int(tag[1]) for tag in tags if tag is not None]
        if not self._named:
            raise VersionMismatch
        return self._named[0]

    def settles_for(self, error: VersionMismatch) -> bool:
        """Whether If-Match names what is stored as well: then the handler may be asked once more."""
        stored = error.stored
        if stored is None or stored == self._stored or not (self._any or stored in self._named):
            return False
        self._stored = stored
        return True

    def paging(
        self, given: Any, *, sorts: Sequence[str] = ("created_at", "-created_at"), usual: str = "created_at"
    ) -> Paging:
        """Limit, order and place of a list, from its parsed query."""
        sort = given.sort or usual
        if sort not in sorts:
            raise Invalid.at("query/sort", "unknown-value", f"One of: {', '.join(sorts)}.")
        if given.count not in (None, "exact", "estimated"):
            raise Invalid.at("query/count", "unknown-value", "One of: exact, estimated.")
        if not 1 <= given.limit <= 200:
            raise Invalid.at("query/limit", "out-of-range", "Between 1 and 200.")
        after = (
            None if given.cursor is None else self.services.cursors.decode(self._scope(sort), given.cursor)
        )
        return Paging(given.limit, after, sort, given.count)

    def _scope(self, sort: str) -> str:
        return f"{self._list} {sort} {self.actor.agency}"

    # -- units of work

    def reading(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Autocommit: for reads, and for writes of one statement."""
        return self.services.works.reading(self._actor) if self._held is None else nullcontext(self._held)

    def writing(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """One transaction, committed before the answer leaves."""
        return self.services.works.writing(self._actor) if self._held is None else nullcontext(self._held)

    @contextmanager
    def holding(self, work: UnitOfWork) -> Iterator[None]:
        """Within, everything happens in this unit of work (idempotency keys).

        Masked: what is stored to be replayed discloses nothing.
        """
        actor = self.actor
        self._held, self._actor = work, replace(actor, masked=True)
        try:
            yield
        finally:
            self._held, self._actor = None, actor

    # -- the answer

    def document(
        self, found: Document, *, status: int = 200, location: str | None = None, etag: bool = True
    ) -> Response:
        """A resource with its ETag; 304 where the caller has this version already."""
        headers = dict(PERSONAL)
        if etag:
            tag = f'"{found.version}.u"' if found.unmasked else f'"{found.version}"'
            headers["ETag"] = tag
            given = self.header("if-none-match") if status == 200 and self.request.method == "GET" else None
            if given is not None and (
                given.strip() == "*" or tag in [one.strip().removeprefix("W/") for one in given.split(",")]
            ):
                return Response(None, 304, headers)
        if location is not None:
            headers["Location"] = location
        return Response(found.text, status, headers, media_type=JSON)

    def created(self, made: Document, collection: str) -> Response:
        """201 with the new resource and where it is."""
        return self.document(made, status=201, location=f"{collection}/{orjson.loads(made.text)['id']}")

    def recorded(self, text: bytes, collection: str, *, new: bool) -> Response:
        """201 with where it is for what is new, 200 for what was there before."""
        if not new:
            return self.json(text)
        # Our own JSON begins with the id: no need to parse it all.
        return self.json(text, status=201, headers={"Location": f"{collection}/{text[7:43].decode()}"})

    def listing(self, found: Listing, paging: Paging, *, linked: bool = True) -> Response:
        """A page: items, the next cursor, its link (not for a list asked for by POST), a total if wanted."""
        headers = dict(PERSONAL)
        cursor = b"null"
        if found.last is not None:
            token = self.services.cursors.encode(self._scope(paging.sort), found.last)
            cursor = b'"' + token.encode() + b'"'
            if linked:
                headers["Link"] = f'<{self._next_url(token)}>; rel="next"'
        total = b"" if found.total is None else b',"total":%d' % found.total
        text = b'{"items":' + found.items + b',"next_cursor":' + cursor + total + b"}"
        return Response(text, 200, headers, media_type=JSON)

    def _next_url(self, token: str) -> str:
        kept = [(name, value) for name, value in self.request.query_params.multi_items() if name != "cursor"]
        return f"{self.request.url.path}?{urlencode([*kept, ('cursor', token)])}"

    def json(self, text: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        return Response(text, status, {**PERSONAL, **(headers or {})}, media_type=JSON)
