"""REST as an explicit table: what each operation takes, needs and answers; handlers stay a sentence.

Decision: routes are Starlette routes in the FastAPI application, and the OpenAPI document is built from
this same table. FastAPI's dependency solver costs more than the whole of a hot read.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from api.limits.rates import RateClass
from api.rest.call import Call
from domain.access.policy import Operation as Policy

Handler = Callable[[Call], Awaitable[Response]]
MEGABYTE = 1_048_576
MERGE_PATCH = ("application/merge-patch+json", "application/json")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    id: str
    """The operationId."""
    summary: str
    handler: Handler
    policy: Policy | None = None
    """What it asks of the caller; None: no token is needed."""
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    media: Sequence[str] = ("application/json",)
    answer: type[BaseModel] | None = None
    """The resource; the items of it where `many`."""
    many: bool = False
    status: int = 200
    errors: Sequence[int] = ()
    """Statuses beyond those that every operation may answer."""
    most: int = MEGABYTE
    """Bytes a body may have."""
    description: str = ""
    paged: bool = True
    """A list with cursors, where `many`."""
    file: bool = False
    """The body is a file: streamed, of any kind, up to the limit of the settings."""
    keyed: bool = True
    """A POST that honours Idempotency-Key."""
    example: Any = None
    """Of the body."""

    @property
    def rate_class(self) -> RateClass:
        """What it is counted as: a search is a read, though it is a POST."""
        reads = self.method == "GET" or (self.policy is not None and self.policy.personal)
        return RateClass.READ if reads else RateClass.WRITE


@dataclass(slots=True)
class Routes:
    """The operations of one noun, in the order of the document."""

    tag: str
    operations: list[Operation] = field(default_factory=list)

    def _add(
        self, method: str, path: str, id: str, summary: str, **more: Any
    ) -> Callable[[Handler], Handler]:
        def added(handler: Handler) -> Handler:
            more.setdefault("description", (handler.__doc__ or "").strip())
            self.operations.append(Operation(method, path, id, summary, handler, **more))
            return handler

        return added

    def get(self, path: str, id: str, summary: str, **more: Any) -> Callable[[Handler], Handler]:
        return self._add("GET", path, id, summary, **more)

    def post(self, path: str, id: str, summary: str, **more: Any) -> Callable[[Handler], Handler]:
        more.setdefault("status", 201)
        return self._add("POST", path, id, summary, **more)

    def put(self, path: str, id: str, summary: str, **more: Any) -> Callable[[Handler], Handler]:
        return self._add("PUT", path, id, summary, **more)

    def patch(self, path: str, id: str, summary: str, **more: Any) -> Callable[[Handler], Handler]:
        more.setdefault("media", MERGE_PATCH)
        more["errors"] = (*more.get("errors", ()), 412, 428)
        return self._add("PATCH", path, id, summary, **more)

    def delete(self, path: str, id: str, summary: str, **more: Any) -> Callable[[Handler], Handler]:
        return self._add("DELETE", path, id, summary, **more)
