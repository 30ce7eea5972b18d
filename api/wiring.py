"""What every request is served with, put together once by the composition root."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from api.feed import Feed
from api.limits.gate import RateLimits
from api.limits.turns import Turns
from api.paging import Cursors
from api.webhooks.guard import Guard
from auth.clients import ClientSecrets
from auth.keys import SigningSupply
from auth.tokens import TokenVerifier
from domain.exchange.export import Allowance
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
    feed: Feed
    now: Callable[[], datetime] = utc_now
    exports: Allowance = field(default_factory=Allowance)
    limits: RateLimits = field(default_factory=RateLimits.alone)
    batches: Turns = field(default_factory=Turns)
    import_bytes: int = 2 * 1024**3
    """Of a file that is sent to be imported."""
    targets: Guard = field(default_factory=Guard)
    """Where webhooks may lead."""
