"""The counters of one process, opened as its settings say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.limits.quotas import Gauges, Quotas
from api.limits.redis import RedisQuota
from api.settings import Settings
from domain.access.quota import QuotaStore


@asynccontextmanager
async def counters(
    settings: Settings, counted: QuotaStore, *, gauges: Gauges | None = None
) -> AsyncIterator[Quotas]:
    """Over Redis where the settings name one, else over `counted`; closed at the end of the block."""
    url = settings.redis_url
    quotas = Quotas(
        RedisQuota(url) if url else counted, gauges=gauges, patience_s=settings.rate_limit_patience
    )
    try:
        yield quotas
    finally:
        await quotas.close()
