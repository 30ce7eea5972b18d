"""Lookups by citizen id of a client whose file is imported in the background: counted as those of its requests."""

from api.limits.quotas import Quotas
from api.limits.rates import Rate, RateClass


class BackgroundLookups:
    """Implements `domain.exchange.jobs.Lookups`."""

    def __init__(self, quotas: Quotas, rate: Rate) -> None:
        self._quotas, self._rate = quotas, rate

    async def __call__(self, client_id: str, count: int) -> int:
        wanted = min(count, self._rate.requests)
        taken, _ = await self._quotas.charge(RateClass.LOOKUP, self._rate, client_id, wanted)
        return taken
