"""Who read whose unmasked data: the log that a person may ask for, and the chain that seals it.

A row is written by the statement that reads, before the answer leaves. Within a second it is moved into the ledger
under a block; a block holds the digest of its rows and the hash of the block before it, under a key that is not in the
database. Who alters, removes, inserts or reorders what has been sealed breaks the chain; who cuts off its end is found by
a head (`number:hash`) that was kept elsewhere. Source: contract 2; PDPA section 37(1), and section 39 for the record.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Protocol
from uuid import UUID

from pydantic import Field

from domain.access.actor import Actor
from domain.access.policy import Operation, Reach, admit
from domain.errors import NotFound
from domain.kernel import Listing, Paging, Value

GENESIS = bytes(32)
"""What the first block follows."""
LEAST_DAYS = 90
"""The shortest retention: a block that lost its rows sooner after it was sealed did not lose them by a setting."""
DEFAULT_DAYS = 1825
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class AccessLogEntry(Value):
    """One time this person's unmasked data left the service."""

    id: UUID
    at: datetime
    client_id: Annotated[str, Field(max_length=64)]
    agency: Annotated[str, Field(max_length=64)]
    purpose: Annotated[str, Field(max_length=64)]
    """The code of `/v1/codes/purposes` that the reader gave."""
    fields: Annotated[list[str], Field(max_length=20)]
    """What left unmasked; empty: the person was read or found, and GraphQL asked for none of the masked fields."""
    request_id: Annotated[str, Field(max_length=200)]


@dataclass(frozen=True, slots=True)
class LoggedRow:
    """A row of the log as it is sealed."""

    household_id: UUID
    id: UUID
    at: datetime
    client_id: str
    agency: str
    purpose: str
    person_ids: Sequence[UUID]
    fields: Sequence[str]
    request_id: str
    area_code: str


class RowsDigest:
    """SHA-256 over the rows of a block, handed in in the order of (id, household); it holds none of them."""

    __slots__ = ("_sum", "rows")

    def __init__(self) -> None:
        self._sum, self.rows = hashlib.sha256(), 0

    def add(self, row: LoggedRow) -> None:
        text = [
            str(row.household_id), str(row.id), _text(row.at), row.client_id, row.agency, row.purpose,
            [str(person) for person in row.person_ids], list(row.fields), row.request_id, row.area_code,
        ]  # fmt: skip
        # JSON quotes line breaks, so that no row can pass for two.
        self._sum.update(_json(text) + b"\n")
        self.rows += 1

    def digest(self) -> bytes:
        return self._sum.digest()


@dataclass(frozen=True, slots=True)
class Block:
    """A link of the chain; `hash` is what the next one follows."""

    number: int
    sealed_at: datetime
    rows: int
    rows_digest: bytes
    previous: bytes
    hash: bytes
    pruned_at: datetime | None = None
    pruned_hash: bytes | None = None
    """What proves that whoever took its rows had the key; there together with `pruned_at`."""

    @property
    def anchor(self) -> str:
        """`number:hash`, to be kept elsewhere: it proves that nothing up to here was cut off."""
        return f"{self.number}:{_base32(self.hash)}"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head of the chain as it was kept elsewhere."""

    number: int
    hash: bytes

    @classmethod
    def of(cls, text: str) -> "Anchor":
        """Reads `number:hash`. Raises ValueError."""
        number, _, hashed = text.strip().partition(":")
        anchor = cls(int(number), base64.b32decode(hashed.upper() + "===="))
        if anchor.number < 1 or len(anchor.hash) != 32:
            raise ValueError
        return anchor


def seal(key: bytes, last: Block | None, digest: RowsDigest, *, now: datetime) -> Block:
    """The block that follows `last`."""
    number, previous = (1, GENESIS) if last is None else (last.number + 1, last.hash)
    hashed = block_hash(key, number, now, digest.rows, digest.digest(), previous)
    return Block(number, now, digest.rows, digest.digest(), previous, hashed)


def block_hash(
    key: bytes, number: int, sealed_at: datetime, rows: int, rows_digest: bytes, previous: bytes
) -> bytes:
    """HMAC-SHA-256; `pruned_at` is outside it, because retention sets it later, under a hash of its own."""
    text = [number, _text(sealed_at), rows, rows_digest.hex(), previous.hex()]
    return hmac.digest(key, _json(text), "sha256")


def is_genuine(key: bytes, block: Block, *, number: int | None = None) -> bool:
    """Whether the service sealed this block, at its own place or as another `number`."""
    place = block.number if number is None else number
    wanted = block_hash(key, place, block.sealed_at, block.rows, block.rows_digest, block.previous)
    return hmac.compare_digest(wanted, block.hash)


def pruned_hash(key: bytes, block: Block, pruned_at: datetime) -> bytes:
    """HMAC-SHA-256 over the loss of the block's rows; the label keeps it from passing for a block's own hash."""
    return hmac.digest(key, _json(["pruned", block.number, _text(pruned_at), block.hash.hex()]), "sha256")


def pruned_with_the_key(key: bytes, block: Block) -> bool:
    """Whether the retention took the block's rows, and when it says; without the key nobody can claim it."""
    if block.pruned_at is None or block.pruned_hash is None:
        return False
    return hmac.compare_digest(pruned_hash(key, block, block.pruned_at), block.pruned_hash)


def pruned_by_a_setting(block: Block) -> bool:
    """Whether the block was old enough to lose its rows when it did."""
    return block.pruned_at is not None and block.pruned_at - block.sealed_at >= timedelta(days=LEAST_DAYS)


def _base32(hashed: bytes) -> str:
    # Hexadecimal has long runs of digits, which whoever looks for citizen ids and phones in the logs would find.
    return base64.b32encode(hashed).decode().rstrip("=").lower()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _json(value: object) -> bytes:
    return _ENCODE(value).encode()


class AccessLogStore(Protocol):
    async def page(self, reach: Reach, person_id: UUID, paging: Paging) -> Listing | None:
        """Newest first, what is sealed and what is not yet; None for a person outside the reach's areas."""
        ...


class HasAccessLog(Protocol):
    @property
    def access_log(self) -> AccessLogStore: ...


async def browse(work: HasAccessLog, actor: Actor, person_id: UUID, paging: Paging) -> Listing:
    """Who read this person's unmasked data, newest first. Raises NotFound."""
    found = await work.access_log.page(admit(actor, Operation.READ_ACCESS_LOG), person_id, paging)
    if found is None:
        raise NotFound
    return found
