"""What every request is served with, put together once by the composition root."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from api.paging import Cursors
from auth.clients import ClientSecrets
from auth.keys import SigningKeys
from auth.tokens import TokenVerifier
from domain.work import UnitOfWork


class Works(Protocol):
    """Hands out units of work."""

    def reading(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """In autocommit."""
        ...

    def writing(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """One transaction, committed when the block ends."""
        ...


def utc_now() -> datetime:
    return datetime.now(UTC)


class Standings(Protocol):
    """What is barred, and the way to know it at once."""

    async def refresh(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Services:
    works: Works
    verifier: TokenVerifier
    signing: SigningKeys
    secrets: ClientSecrets
    standing: Standings
    cursors: Cursors
    issuer: str
    """Also the base of the service's own URLs and the audience of its tokens."""
    purposes: frozenset[str]
    """Codes that X-Purpose may carry."""
    new_id: Callable[[], UUID]
    now: Callable[[], datetime] = utc_now
