"""What the doors ask: whether a request may go on. What it was counted against is shown by the edge."""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from api.errors import HttpError
from api.limits.headers import Allowance
from api.limits.quotas import Quotas
from api.limits.rates import Rate, RateClass, rates_of
from domain.access.me import RateLimit, RateLimitClass
from domain.assistance.events import UnknownHousehold

FAILURE_COSTS = 5
"""A failed authentication counts as so many calls, one of them the call itself."""
_SHOWN = (RateClass.READ, RateClass.WRITE, RateClass.GRAPHQL, RateClass.LOOKUP)


class RateLimits:
    """The limits of every class over one worker's counters."""

    def __init__(
        self,
        quotas: Quotas,
        rates: Mapping[RateClass, Rate],
        *,
        refused: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`refused` counts what was refused, by class."""
        self._quotas, self._rates, self._refused = quotas, dict(rates), refused
        read = self._rates[RateClass.READ]
        self.told = RateLimit(
            requests=read.requests,
            window_seconds=read.seconds,
            classes=[
                RateLimitClass(
                    name=kind.value,
                    requests=self._rates[kind].requests,
                    window_seconds=self._rates[kind].seconds,
                )
                for kind in _SHOWN
            ],
        )
        """What /v1/me/access says of them."""

    @classmethod
    def alone(cls) -> "RateLimits":
        """Of this process alone, with the defaults; for whoever has no store."""
        return cls(Quotas(), rates_of())

    async def admit(self, scope: Any, kind: RateClass, client_id: str) -> None:
        """Counts one request of a known client. Raises HttpError 429."""
        granted, allowance = await self._quotas.take(kind, self._rates[kind], client_id)
        _note(scope, allowance)
        if not granted:
            raise self._refusal(allowance)

    # -- lookups by citizen id

    @asynccontextmanager
    async def finding(self, scope: Any, client_id: str, citizen_id: str | None) -> AsyncIterator[None]:
        """Around what may find a household by a citizen id, and tells when there was none.

        A miss counts as a lookup, for misses are what trying looks like; when no lookup is left, a reference
        by citizen id is refused before it could tell anything. Raises HttpError 429.
        """
        if citizen_id is None:
            yield
            return
        may, allowance = self._quotas.look(RateClass.LOOKUP, self._rates[RateClass.LOOKUP], client_id)
        if not may:
            _note(scope, allowance)
            raise self._refusal(allowance)
        try:
            yield
        except UnknownHousehold:
            await self.admit(scope, RateClass.LOOKUP, client_id)
            raise

    # -- /oauth/*

    async def knock(self, scope: Any) -> None:
        """Counts a call of /oauth/* against the address it comes from. Raises HttpError 429."""
        await self._unknown(RateClass.ADDRESS, _address(scope))

    async def present(self, scope: Any, client_id: str) -> None:
        """Counts the same call against the client id presented, before its secret is looked at.

        By client id and address together: nobody elsewhere can use up what the client itself needs. Raises HttpError 429.
        """
        scope["presented"] = key = _digest(f"{client_id}\n{_address(scope)}")
        await self._unknown(RateClass.TOKEN, key, digested=True)

    async def fail(self, scope: Any) -> None:
        """Counts an authentication that failed some more."""
        await self._charge(RateClass.ADDRESS, _digest(_address(scope)))
        if "presented" in scope:
            await self._charge(RateClass.TOKEN, scope["presented"])

    async def _unknown(self, kind: RateClass, whom: str, *, digested: bool = False) -> None:
        key = whom if digested else _digest(whom)
        granted, allowance = await self._quotas.take(kind, self._rates[kind], key)
        if not granted:
            raise self._refusal(allowance)

    def _refusal(self, allowance: Allowance) -> HttpError:
        """429; Retry-After is the time to the end of the window."""
        self._refused(allowance.kind)
        rate = allowance.rate
        return HttpError(
            429,
            "rate-limited",
            f"At most {rate.requests} requests of the class {allowance.kind} in {rate.seconds} s.",
            headers={"Retry-After": str(allowance.resets_in)},
        )

    async def _charge(self, kind: RateClass, key: str) -> None:
        await self._quotas.charge(kind, self._rates[kind], key, FAILURE_COSTS - 1)


def _note(scope: Any, allowance: Allowance) -> None:
    noted = scope.setdefault("rate_limits", {})
    noted[allowance.kind] = allowance


def _digest(whom: str) -> str:
    """What somebody unknown typed, and addresses, are counted and not kept."""
    return hashlib.blake2b(whom.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _address(scope: Any) -> str:
    """The caller's address; of IPv6 the network, for a subscriber has a whole /64."""
    remote: str = scope.get("remote", "")
    try:
        parsed = ip_address(remote)
    except ValueError:
        return remote
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return remote
