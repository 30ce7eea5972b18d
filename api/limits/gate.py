"""What the doors ask: whether a request may go on. What it was counted against is shown by the edge."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, TypeVar

import structlog

from api.errors import HttpError
from api.limits.headers import Allowance
from api.limits.quotas import Quotas
from api.limits.rates import Rate, RateClass, rates_of
from domain.access.me import RateLimit, RateLimitClass
from domain.assistance.event import EventDraft, OnUnknown
from domain.assistance.events import ExternalIdConflict, UnknownHousehold
from domain.errors import Conflict, DomainError, Forbidden, Invalid

T = TypeVar("T")
FAILURE_COSTS = 5
"""A failed authentication counts as so many calls, one of them the call itself."""
_SHOWN = (RateClass.READ, RateClass.WRITE, RateClass.GRAPHQL, RateClass.LOOKUP)
_OF_THE_EVENT_ALONE = frozenset({"personal-data", "future-date", "implausible-date", "repeated-id"})
"""Faults found before any household is looked for."""
log = structlog.get_logger("kaejon")


class Lookups:
    """Implements `domain.assistance.batch.Lookups`."""

    def __init__(
        self, require_left: Callable[[], None], take: Callable[[int], Awaitable[tuple[int, Allowance]]]
    ) -> None:
        self.require_left, self._take = require_left, take

    async def take(self, count: int) -> int:
        taken, _ = await self._take(count)
        return taken


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

    async def finding(
        self, scope: Any, client_id: str, draft: EventDraft, record: Callable[[EventDraft], Awaitable[T]]
    ) -> T:
        """Records an event; one that names its household by a citizen id and is not recorded costs a lookup.

        Queueing tells a miss and any refusal after the household was looked for tells a hit, so both are paid
        for before they are told; when no lookup is left, nothing is looked for. Raises HttpError 429.
        """
        if draft.household.citizen_id is None:
            return await record(draft)
        self._require_left(scope, client_id)
        # Queued only once it is paid for: what waits there already would tell a retry, for nothing.
        rejecting = draft.model_copy(update={"on_unknown": OnUnknown.REJECT})
        try:
            return await record(rejecting)
        except DomainError as error:
            if not _tells_of_a_household(error):
                raise
            await self._spend(scope, client_id, 1)
            if draft.on_unknown is not OnUnknown.REGISTER or not isinstance(error, UnknownHousehold):
                raise
        return await record(draft)

    @asynccontextmanager
    async def naming(
        self, scope: Any, client_id: str, citizen_ids: Iterable[str | None]
    ) -> AsyncIterator[None]:
        """Around what gives people these citizen ids, and tells which of them somebody has already.

        Where one is taken every one costs a lookup, for of each it was told whether it is; who is registered
        costs nothing. When no lookup is left, nothing is registered by citizen id. Raises HttpError 429.
        """
        named = sum(one is not None for one in citizen_ids)
        if not named:
            yield
            return
        self._require_left(scope, client_id)
        try:
            yield
        except Conflict as error:
            if error.error_code == "already-a-member":
                request_id = scope.get("request_id", "")
                log.warning("citizen ids taken", client_id=client_id, request_id=request_id, count=named)
                await self._spend(scope, client_id, named)
            raise

    def lookups(self, scope: Any, client_id: str) -> "Lookups":
        """The client's, for a batch: it is told as much as there are lookups for, and no more."""
        return Lookups(
            lambda: self._require_left(scope, client_id), lambda count: self._take(scope, client_id, count)
        )

    def _require_left(self, scope: Any, client_id: str) -> None:
        """Raises HttpError 429 when no lookup is left, as far as this worker knows; takes none."""
        may, allowance = self._quotas.look(RateClass.LOOKUP, self._rates[RateClass.LOOKUP], client_id)
        if not may:
            _note(scope, allowance)
            raise self._refusal(allowance)

    async def _spend(self, scope: Any, client_id: str, lookups: int) -> None:
        """Takes so many lookups, or what there is of them.

        Raises HttpError 429 where it is less: of requests at once, all of which saw something left, no more is
        told than the limit. Who names more than the whole limit is told in a fresh window.
        """
        wanted = min(lookups, self._rates[RateClass.LOOKUP].requests)
        taken, allowance = await self._take(scope, client_id, wanted)
        if taken < wanted:
            raise self._refusal(allowance)

    async def _take(self, scope: Any, client_id: str, lookups: int) -> tuple[int, Allowance]:
        """Takes so many lookups, or what there is of them; how many that was."""
        rate = self._rates[RateClass.LOOKUP]
        taken, allowance = await self._quotas.charge(RateClass.LOOKUP, rate, client_id, lookups)
        _note(scope, allowance)
        return taken, allowance

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


def _tells_of_a_household(error: DomainError) -> bool:
    """Whether recording got as far as looking for the household; a new verdict does, until it is listed here."""
    if isinstance(error, Invalid) and error.faults:
        return not all(fault.code in _OF_THE_EVENT_ALONE for fault in error.faults)
    return not isinstance(error, Forbidden | ExternalIdConflict)


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
