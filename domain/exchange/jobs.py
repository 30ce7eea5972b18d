"""Work that goes on after its request was answered: imports, exports.

What the interface shows of it stands in the domain's own tables; the queue only says that there is something to
do. So a queue that was lost is filled again from those tables (`Task.unfinished`), and a job may begin twice:
every one of them goes on where it was, or begins anew, with the same outcome.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from io import RawIOBase
from typing import Protocol
from uuid import UUID

from domain.access.actor import Actor
from domain.work import UnitOfWork


class Works(Protocol):
    """Hands out units of work."""

    def reading(self, actor: Actor | None = None) -> AbstractAsyncContextManager[UnitOfWork]:
        """In autocommit, within what `actor` may see; without one, nothing of any household."""
        ...

    def writing(self, actor: Actor | None = None) -> AbstractAsyncContextManager[UnitOfWork]:
        """One transaction within the same bounds, committed when the block ends."""
        ...

    def lasting(
        self, actor: Actor | None = None, *, snapshot: bool = False
    ) -> AbstractAsyncContextManager[UnitOfWork]:
        """One long transaction without deadlines; with `snapshot` one state of the database, read only."""
        ...

    def alone(self) -> AbstractAsyncContextManager["Alone"]:
        """A connection without deadlines until the block ends."""
        ...


class Alone(Protocol):
    """A connection that nobody else has."""

    @property
    def plain(self) -> UnitOfWork:
        """In autocommit, without bounds: nothing of any household."""
        ...

    def reading(self, actor: Actor) -> UnitOfWork:
        """In autocommit, within what `actor` may see."""
        ...

    def writing(self, actor: Actor) -> AbstractAsyncContextManager[UnitOfWork]:
        """One long transaction after the other, each within what `actor` may see."""
        ...


class Written(Protocol):
    """What a finished file holds."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    @property
    def sha256(self) -> str: ...
    @property
    def key(self) -> str:
        """Opens it again; kept sealed."""
        ...


class FileWriter(Protocol):
    @property
    def size(self) -> int: ...
    def write(self, data: bytes | bytearray | memoryview) -> int: ...
    def finish(self) -> Written: ...
    def discard(self) -> None: ...


class Files(Protocol):
    """Large files, sealed; by ids that the service made."""

    def create(self, file_id: UUID) -> FileWriter: ...
    def open(self, file_id: UUID, key: str) -> RawIOBase:
        """Raises FileNotFoundError."""
        ...

    def remove(self, file_id: UUID) -> None: ...
    def untouched_since(self, moment: datetime) -> Iterable[UUID]:
        """Of files that were last written to before `moment`, finished or not."""
        ...


Lookups = Callable[[str, int], Awaitable[int]]
"""Takes so many of a client's lookups by citizen id, or what there is of them; how many that was."""


async def unlimited(client_id: str, count: int) -> int:
    """For whoever works on the command line."""
    return count


@dataclass(frozen=True, slots=True)
class Tools:
    """What a job works with."""

    works: Works
    files: Files
    new_id: Callable[[], UUID]
    now: Callable[[], datetime]
    lookups: Lookups


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of job."""

    perform: Callable[[Tools, UUID], Awaitable[None]]
    """Does the work of one row, or goes on with it; nothing when it is done already."""
    give_up: Callable[[Tools, UUID], Awaitable[None]]
    """Makes the row say that it failed."""
    unfinished: Callable[[UnitOfWork], Awaitable[Sequence[UUID]]]
    """Rows that a job should be at work on; a bounded number."""
