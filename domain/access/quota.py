"""How much of a rate limit has been taken, counted in one place for all processes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Ask:
    """A wish to take `amount` more in one fixed window."""

    rate_class: str
    key: str
    """Whose: a client id, or the digest of what somebody unknown presented."""
    window_start: int
    """Seconds since the epoch; a multiple of `window_s`."""
    window_s: int
    amount: int


class QuotaStore(Protocol):
    """Counters that every process shares."""

    async def add(self, asks: Sequence[Ask]) -> Sequence[int]:
        """Adds each amount and tells each new total, in the order of `asks`; no two name the same counter.

        What was taken before is the total less the amount. Raises whatever its server's driver raises.
        """
        ...

    async def close(self) -> None: ...
