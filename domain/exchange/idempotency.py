"""Idempotency keys (contract 1): the stored answer again, never a second record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.errors import Conflict, Invalid


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    request_hash: bytes
    status: int
    headers: Mapping[str, str]
    body: bytes


class IdempotencyStore(Protocol):
    async def claim(self, client_id: str, key: str) -> bool: ...
    async def find(self, client_id: str, key: str) -> StoredAnswer | None: ...
    async def keep(self, client_id: str, key: str, answer: StoredAnswer, *, now: datetime) -> None: ...


class KeyReused(Invalid):
    code = "idempotency-key-reused"

    def __init__(self) -> None:
        super().__init__("The key was used for another request; make a new key for each request.")


class InProgress(Conflict):
    code = "idempotency-in-progress"

    def __init__(self) -> None:
        super().__init__("The first request with this key is still running; try again in a moment.")
