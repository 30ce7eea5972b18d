"""What every request is served with, put together once by the composition root."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from api.limits.gate import RateLimits
from api.paging import Cursors
from auth.clients import ClientSecrets
from auth.keys import SigningSupply
from auth.tokens import TokenVerifier
from domain.exchange.jobs import Files, Works


def utc_now() -> datetime:
    return datetime.now(UTC)


class Standings(Protocol):
    """What is barred, and the way to know it at once."""

    def admits(self, client_id: str, remote: str) -> bool:
        """Whether the client may call from this address."""
        ...

    async def refresh(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Services:
    works: Works
    verifier: TokenVerifier
    signing: SigningSupply
    secrets: ClientSecrets
    standing: Standings
    cursors: Cursors
    issuer: str
    """Also the base of the service's own URLs and the audience of its tokens."""
    purposes: frozenset[str]
    """Codes that X-Purpose may carry."""
    new_id: Callable[[], UUID]
    files: Files
    now: Callable[[], datetime] = utc_now
    limits: RateLimits = field(default_factory=RateLimits.alone)
