"""One GraphQL request: who calls, when, in which units of work, and what it has loaded already."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

import strawberry
from strawberry.dataloader import DataLoader

from api.graphql.loaders import LARGEST_BATCH
from api.wiring import Services
from domain.access.actor import Actor
from domain.kernel import Value
from domain.work import UnitOfWork

AT_ONCE = 3
"""Units of work that one request may hold at a time: thirty aliases must not empty the pool."""

Batch = Callable[["Call", list[str]], Awaitable[list[Any]]]


class Request(Value):
    """The body of a POST."""

    query: str
    operationName: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None


class Call:
    """What every resolver is handed."""

    def __init__(
        self,
        services: Services,
        actor: Actor,
        *,
        now: datetime,
        request_id: str,
        scope: MutableMapping[str, Any] | None = None,
    ) -> None:
        """`scope` is that of the request, where what it was counted against is noted."""
        self.services, self.actor, self.now, self.request_id = services, actor, now, request_id
        self.scope = {} if scope is None else scope
        self._room = asyncio.Semaphore(AT_ONCE)
        self._held: UnitOfWork | None = None
        self._loaders: dict[Batch, DataLoader[str, Any]] = {}

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[UnitOfWork]:
        """Autocommit: for reads, and for writes of one statement."""
        async with self._room:
            if self._held is not None:
                yield self._held
                return
            async with self.services.works.reading(self.actor) as work:
                yield work

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[UnitOfWork]:
        """One transaction, committed before the answer is looked at."""
        async with self._room:
            if self._held is not None:
                yield self._held
                return
            async with self.services.works.writing(self.actor) as work:
                yield work

    @property
    def held(self) -> bool:
        """Whether everything happens in one unit of work, which whoever opened it does once more if need be."""
        return self._held is not None

    @contextmanager
    def holding(self, work: UnitOfWork) -> Iterator[None]:
        """Within, everything happens in this unit of work (idempotency keys), one thing after the other.

        Masked: what is stored to be replayed discloses nothing.
        """
        room, actor = self._room, self.actor
        self._room, self._held, self.actor = asyncio.Semaphore(1), work, replace(actor, masked=True)
        try:
            yield
        finally:
            self._room, self._held, self.actor = room, None, actor

    async def load(self, batch: Batch, key: str) -> Any:
        """What `batch` finds for the key, together with the keys that others ask for at the same time."""
        loader = self._loaders.get(batch)
        if loader is None:
            loader = self._loaders[batch] = DataLoader(partial(batch, self), max_batch_size=LARGEST_BATCH)
        return await loader.load(key)

    def forget(self) -> None:
        """After a write: what was loaded before it may have changed."""
        self._loaders.clear()


Info: TypeAlias = strawberry.Info[Call, Request]
