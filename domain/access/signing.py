"""How signing keys are kept where every worker finds them. What they are is known to `auth` alone."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key with its private half readable; `state` is `next`, `active` or `retiring`."""

    kid: str
    state: str
    private_pem: str = field(repr=False)
    created_at: datetime
    activated_at: datetime | None
    retiring_since: datetime | None


class Turn(Protocol):
    """The keys under a lock that no other turn holds."""

    keys: Sequence[StoredKey]

    async def replace(self, keys: Sequence[StoredKey]) -> None:
        """Makes these the keys."""
        ...

    async def behind(self) -> int:
        """How many running workers do not have just these keys yet."""
        ...


class SigningStore(Protocol):
    async def load(self) -> Sequence[StoredKey]:
        """All keys, the oldest first."""
        ...

    def turning(self) -> AbstractAsyncContextManager[Turn]:
        """One transaction under the lock."""
        ...
