"""The feed of changes (contract 7): thin items in the order of their commits, nothing skipped and nothing twice.

Changes are ordered by (transaction, id), and only those of transactions older than the oldest one still running are
given out: a transaction that commits late finds nobody past its place. While one runs long, the feed stands still
behind it, empty; nothing is lost.

A mirror is made from an export, which names the feed position to continue from, and follows the feed from there. An
item says that something has changed; what it is now is read at its own address. A tombstone says to let go:

- an `assistance_event` that was `voided`;
- a `person` that has `left` for a household of another area;
- a `household` that was `merged` into another, or has `left` what the caller may see: it was moved to another area, or
  its last assignment to the caller's agency has ended. It takes everything of the household with it; what the caller
  may still read of it (its agency's own assignments and events) follows as items of its own.

`entered` is the opposite: the household has come into the caller's view by an assignment; read it with everything.
A household's item stands for its members and indicator results as well.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple, Protocol
from uuid import UUID

from pydantic import Field

from domain.access.actor import Actor, Scope
from domain.access.policy import InsufficientScope, Operation, admit
from domain.errors import DomainError, Invalid
from domain.kernel import Value

DEFAULT_DAYS = 365
LEAST_DAYS = 7
"""How long changes are kept, and the least that may be set: whoever falls further behind starts from an export."""
LARGEST_PAGE = 200
LONGEST_WAIT_S = 30
LATEST = "latest"
"""In place of a cursor: from now on."""


class ChangeType(StrEnum):
    """What a change is of. Of anything else (clients, grants) the feed never tells."""

    HOUSEHOLD = "household"
    PERSON = "person"
    PROBLEM = "problem"
    ANALYSIS = "analysis"
    ASSIGNMENT = "assignment"
    ASSISTANCE_EVENT = "assistance_event"
    MENU = "menu"
    CAMPAIGN = "campaign"


READ_BY: Mapping[ChangeType, Operation] = {
    ChangeType.HOUSEHOLD: Operation.READ_HOUSEHOLDS,
    ChangeType.PERSON: Operation.READ_HOUSEHOLDS,
    ChangeType.PROBLEM: Operation.READ_PROBLEMS,
    ChangeType.ANALYSIS: Operation.READ_PROBLEMS,
    ChangeType.ASSIGNMENT: Operation.READ_ASSIGNMENTS,
    ChangeType.ASSISTANCE_EVENT: Operation.READ_ASSISTANCE,
    ChangeType.MENU: Operation.READ_MENUS,
    ChangeType.CAMPAIGN: Operation.READ_REFERENCE,
}
"""Whoever may read a thing hears that it has changed."""
OF_NO_HOUSEHOLD = (ChangeType.MENU, ChangeType.CAMPAIGN)
"""Told to everybody who may read them, whatever their areas."""


def _with_any(types: Iterable[ChangeType]) -> tuple[Scope, ...]:
    return tuple(dict.fromkeys(scope for one in types for scope in READ_BY[one].scopes))


HEARD_WITH: Mapping[ChangeType, tuple[Scope, ...]] = {one: READ_BY[one].scopes for one in ChangeType} | {
    # Whoever reads any part of households has to hear when it takes one out of its mirror.
    ChangeType.HOUSEHOLD: _with_any(one for one in ChangeType if one not in OF_NO_HOUSEHOLD)
}
"""Any of these scopes suffices to be told of a type; none: whoever may follow the feed is."""
ANY_TYPE = _with_any(ChangeType)
"""Without one of these nobody is told of anything but what anybody may read."""


class Change(Value):
    """Something has changed; what it is now is read at its own address."""

    sequence: Annotated[str, Field(max_length=57, pattern="^[0-9]{20}-[0-9a-f-]{36}$")]
    """The place in the feed: compared as text, the later one is greater. Within one history of the database; after a
    restore numbers begin anew, and cursors of before are `cursor-expired`."""
    type: ChangeType
    resource_id: UUID
    action: Annotated[str, Field(max_length=64)]
    """`created`, `updated`, `voided`, `merged`, `left`, `entered`, …; new ones may come."""
    occurred_at: datetime
    household_id: UUID | None
    """Null where the change is of no household."""
    version: int
    """Of the resource after the change; read it, and it may be further on."""
    tombstone: bool
    """Let go of the resource, and with a household of everything of it."""


class ChangePage(Value):
    """A page of the feed, and where to go on."""

    items: Annotated[list[Change], Field(max_length=LARGEST_PAGE)]
    next: Annotated[str, Field(max_length=400)]
    """The cursor to ask with next; always there, also of an empty page."""
    more: bool
    """More of the feed is there already: ask again at once. Otherwise the caller has seen all there is."""


class ChangeQuery(Value):
    after: Annotated[str | None, Field(max_length=400)] = None
    """The `next` of the page before, or the feed position of an export. Absent: from the oldest change that is kept.
    `latest`: from now on."""
    types: Annotated[list[ChangeType], Field(max_length=len(ChangeType))] = []
    """Only these; a repeated one ORs. Without it all that the caller may read."""
    limit: int = 50
    """1 to 200."""
    wait: int = 0
    """Seconds to wait for a change where there is none, 0 to 30."""


class Position(NamedTuple):
    """A place in the feed: behind the change (transaction_id, id) of one history."""

    epoch: str
    transaction_id: int
    id: str
    """Of the change, as text."""

    @property
    def place(self) -> tuple[int, str]:
        """Compared with another of the same history."""
        return self.transaction_id, self.id


FIRST = (3, "ffffffff-ffff-ffff-ffff-ffffffffffff")
"""The place that the feed starts behind: a restore puts what the backup held on transaction 3, in no order."""


@dataclass(frozen=True, slots=True)
class View:
    """Which changes one caller is shown."""

    prefixes: Sequence[str]
    assigned_to: str | None
    """Only households assigned to this agency, and what is its own; None: every household in the areas."""
    types: Sequence[ChangeType]
    households: bool = True
    """Households themselves; otherwise only that they have entered the view, left it or were merged."""

    @property
    def fingerprint(self) -> str:
        """Short; another for whoever sees more or less."""
        who = self.assigned_to or "*"
        seen = "|".join(
            (",".join(sorted(self.prefixes)), who, ",".join(sorted(self.types)), str(self.households))
        )
        return hashlib.sha256(seen.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Page:
    """Items as finished JSON text (an array)."""

    items: bytes
    next: Position
    more: bool
    empty: bool


class News(NamedTuple):
    """What the feed has got beyond a place."""

    place: tuple[int, str]
    """Where it ends now."""
    provinces: frozenset[str] | None
    """Of the changes since, with "" for those of no place; None: too many to tell."""


class CursorExpired(DomainError):
    """The feed cannot be followed from there without a gap."""

    code = "cursor-expired"

    def __init__(self, why: str) -> None:
        super().__init__(f"{why} Start again with an export, and follow the feed from the position it names.")


class ChangeStore(Protocol):
    async def page(self, view: View, after: Position | None, limit: int) -> Page:
        """Raises CursorExpired."""
        ...

    async def end(self) -> Position:
        """Behind everything that the feed can give out by now."""
        ...

    async def news(self, since: tuple[int, str] | None) -> News: ...


class HasChanges(Protocol):
    @property
    def changes(self) -> ChangeStore: ...


def view_of(actor: Actor, operation: Operation = Operation.READ_CHANGES) -> View:
    """Everything that `actor` may hear of, by the feed or another way that `operation` admits it to."""
    reach = admit(actor, operation)
    # Without `admit`, which would ask for a purpose: nothing here is of a person.
    shown = [one for one in ChangeType if not HEARD_WITH[one] or not actor.scopes.isdisjoint(HEARD_WITH[one])]
    households = not actor.scopes.isdisjoint(READ_BY[ChangeType.HOUSEHOLD].scopes)
    return View(reach.prefixes, reach.assigned_to, shown, households)


NO_VIEW = ""
"""Stands for what a caller may see of the feed who may not read it."""


def mark_of(actor: Actor) -> str:
    """What a cursor is bound to: another one when the caller sees more or less."""
    try:
        return view_of(actor).fingerprint
    except InsufficientScope:
        return NO_VIEW


def narrowed(view: View, types: Sequence[ChangeType]) -> View:
    """The view through a filter. Raises InsufficientScope for what the caller may not read.

    Without a filter it needs a scope of some type: whoever has none would wait for ever, and not know why. What anybody
    may read it can name.
    """
    for one in types:
        if one not in view.types:
            raise InsufficientScope(HEARD_WITH[one])
    if not types and all(not HEARD_WITH[one] for one in view.types):
        raise InsufficientScope(ANY_TYPE)
    return replace(view, types=types or view.types)


def check_page(limit: int, wait: int = 0, *, named: str = "query/limit") -> None:
    """Raises Invalid."""
    if not 1 <= limit <= LARGEST_PAGE:
        raise Invalid.at(named, "out-of-range", f"Between 1 and {LARGEST_PAGE}.")
    if not 0 <= wait <= LONGEST_WAIT_S:
        raise Invalid.at("query/wait", "out-of-range", f"Between 0 and {LONGEST_WAIT_S}.")


async def read(work: HasChanges, view: View, after: Position | None, *, limit: int) -> Page:
    """The changes behind `after` that the view shows, oldest first. Raises CursorExpired.

    A page looks at a bounded part of the feed: where the caller's changes are rare it may hold few or none, with
    `more`.
    """
    return await work.changes.page(view, after, limit)


async def position(work: HasChanges) -> Position:
    """Where the feed is now: what the manifest of an export names.

    Asked for inside the export's snapshot. Everything before it is in the snapshot; nothing that is not is before it.
    What committed while an older transaction was still running may be in both: an overlap is harmless, because an
    item only says "read it again".
    """
    return await work.changes.end()
