"""Idempotency keys at both doors (contract 1): the first answer again, kept in the transaction of its write."""

from dataclasses import replace
from datetime import datetime

from domain.access.actor import Actor, Scope
from domain.access.policy import InsufficientScope
from domain.errors import Invalid, NotFound
from domain.exchange.idempotency import InProgress, KeyReused, StoredAnswer
from domain.work import UnitOfWork

REPLAYED = "Idempotency-Replayed"
LONGEST_KEY = 255
_AREAS, _SCOPES = "areas", "scopes"
"""Kept with the headers, and never sent: where the answer's reader could look, and what it could read."""


def key_of(header: str) -> str:
    """The key in an Idempotency-Key. Raises Invalid."""
    key = header.strip()
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
        raise Invalid.at("header/Idempotency-Key", "wrong-format", "1 to 255 printable characters.")
    return key


async def earlier(work: UnitOfWork, actor: Actor, key: str, request_hash: bytes) -> StoredAnswer | None:
    """What this request was answered before; None for the first, whose key this transaction has now.

    Raises InProgress, KeyReused; and for whoever has lost since what the answer was made with, NotFound or
    InsufficientScope.
    """
    if not await work.idempotency.claim(actor.client_id, key):
        raise InProgress
    stored = await work.idempotency.find(actor.client_id, key)
    if stored is None:
        return None
    if stored.request_hash != request_hash:
        raise KeyReused
    headers = dict(stored.headers)
    if not all(actor.covers(area) for area in headers.pop(_AREAS, "").split()):
        raise NotFound
    for scope in headers.pop(_SCOPES, "").split():
        if scope not in actor.scopes:
            raise InsufficientScope((Scope(scope),))
    return replace(stored, headers={**headers, REPLAYED: "true"})


async def keep(
    work: UnitOfWork, actor: Actor, key: str, answer: StoredAnswer, *, now: datetime, scopes: bool = False
) -> None:
    """Keeps the answer of what was written in this transaction.

    `scopes`: of an answer that may hold whatever the caller reads, and not what one policy has admitted it to.
    """
    kept = {**answer.headers, _AREAS: " ".join(actor.areas)}
    if scopes:
        # Personal data stands there masked, whoever asks.
        kept[_SCOPES] = " ".join(sorted(actor.scopes - {Scope.PERSONS_PII}))
    await work.idempotency.keep(actor.client_id, key, replace(answer, headers=kept), now=now)
