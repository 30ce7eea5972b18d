"""Many assistance events in one request, each judged as if it were posted alone (contract 7)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Protocol, TypeAlias
from uuid import UUID

from pydantic import Field

from domain.access.actor import Actor
from domain.access.policy import Operation, Reach, admit
from domain.assistance.event import EventDraft
from domain.assistance.events import event_faults, refusal
from domain.assistance.store import Judged
from domain.calendar import today
from domain.errors import DomainError, Fault, Invalid
from domain.kernel import Value
from domain.work import UnitOfWork

MOST_ITEMS = 1000
Fields: TypeAlias = dict[str, Any]
"""Of a value that is made a thousand times: plain, because it is checked nowhere."""
MOST_FAULTS = 100
"""Faults that the refusal of a whole batch repeats; each item has its own in the results."""


class BatchMode(StrEnum):
    COMMIT = "commit"
    VALIDATE = "validate"
    """Judged in the same way, and nothing is written."""


class BatchOutcome(StrEnum):
    """What became of one item, or with mode `validate` what would."""

    CREATED = "created"
    QUEUED = "queued"
    """Kept until its household is registered (on_unknown=register); counted in `created` as well."""
    DUPLICATE = "duplicate"
    """Recorded before with the same content, or earlier in this batch."""
    CONFLICT = "conflict"
    """Recorded with other content under this external_id, before or earlier in this batch."""
    REJECTED = "rejected"
    NOT_WRITTEN = "not_written"
    """Of an atomic batch that was refused: this item has no fault."""


class BatchDraft(Value):
    """The body of `POST /v1/assistance-events/batch`."""

    mode: BatchMode = BatchMode.COMMIT
    atomic: bool = False
    """One bad item, and nothing is written (422). Otherwise the good ones are written and the bad ones told."""
    items: Annotated[list[EventDraft], Field(max_length=MOST_ITEMS)]
    """Each as the body of `POST /v1/assistance-events`; one that is malformed is rejected alone."""


class ItemFault(Value):
    pointer: str
    """A JSON Pointer into the whole body: `/items/3/provided_on`."""
    code: str
    detail: str


class ItemProblem(Value):
    """Why an item was not recorded: what a single post would have answered."""

    code: str
    detail: str
    errors: list[ItemFault]


class ItemResult(Value):
    index: int
    """Its place in the request, from 0."""
    external_id: str | None
    """Null where the item has none that could be one."""
    outcome: BatchOutcome
    id: UUID | None = None
    """Of the event; absent where none is recorded."""
    problem: ItemProblem | None = None
    """Absent where nothing is wrong."""


class BatchSummary(Value):
    """Items by outcome."""

    created: int
    """With those queued."""
    duplicate: int
    conflict: int
    rejected: int
    queued: int
    """Of the created."""
    not_written: int


class BatchAnswer(Value):
    """The results in the order of the request."""

    summary: BatchSummary
    results: list[ItemResult]


@dataclass(frozen=True, slots=True)
class Malformed:
    """An item that is no event; pointers of its faults begin at the item."""

    external_id: str | None
    error: DomainError


@dataclass(frozen=True, slots=True)
class Batch:
    """What was sent, item by item."""

    mode: BatchMode
    atomic: bool
    items: Sequence[EventDraft | Malformed]


class Lookups(Protocol):
    """The caller's lookups by citizen id."""

    def require_left(self) -> None:
        """Raises where none is left."""
        ...

    async def take(self, count: int) -> int:
        """Takes so many, or what there is of them; how many it took."""
        ...


class BatchRefused(Invalid):
    """An atomic batch with a bad item: nothing is written. Carries the summary and the results."""

    code = "batch-refused"


class LookupsUsedUp(DomainError):
    code = "rate-limited"

    def __init__(self) -> None:
        super().__init__("No lookup by citizen id is left; the household was not looked for. Send it later.")


async def record(work: UnitOfWork, actor: Actor, batch: Batch, lookups: Lookups, *, now: datetime) -> Fields:
    """Records a batch; the fields of a `BatchAnswer`. In a transaction, which a refusal has to end.

    Citizen ids: what is told of a household without a record being made of it costs a lookup, as with single
    posts: misses, refusals after the household was found, and every verdict of what is only validated. From
    the first item on whose lookup is not left, items with a citizen id are rejected `rate-limited`, unlooked.
    Raises BatchRefused.
    """
    return await _Recording(work, admit(actor, Operation.WRITE_ASSISTANCE), batch, lookups, now).result()


class _Recording:
    """One batch under way: an error or a verdict for each item by its place."""

    def __init__(self, work: UnitOfWork, reach: Reach, batch: Batch, lookups: Lookups, now: datetime) -> None:
        self._work, self._reach, self._batch, self._lookups, self._now = work, reach, batch, lookups, now
        self._drafts: dict[int, EventDraft] = {}
        self._errors: dict[int, DomainError] = {}
        self._judged: dict[int, Judged] = {}
        on = today(now)
        for at, item in enumerate(batch.items):
            if isinstance(item, Malformed):
                self._errors[at] = item.error
            elif faults := event_faults(item, on=on):
                self._errors[at] = Invalid("The event breaks rules; see errors.", faults=faults)
            else:
                self._drafts[at] = item

    async def result(self) -> Fields:
        commit = self._batch.mode is BatchMode.COMMIT
        named = any(draft.household.citizen_id is not None for draft in self._drafts.values())
        if named:
            self._lookups.require_left()
        if named or self._batch.atomic or not commit:
            drafts = list(self._drafts.values())
            self._take(await self._work.batches.judge(self._reach, drafts), self._drafts)
            if named:
                await self._pay(told=not commit or (self._batch.atomic and bool(self._errors)))
        if not commit:
            return self._answer()
        self._refuse_if_bad()
        good = [at for at in self._drafts if at not in self._errors]
        drafts = [self._drafts[at] for at in good]
        self._take(await self._work.batches.record(self._reach, drafts, now=self._now), good)
        # An item may have turned bad meanwhile.
        self._refuse_if_bad()
        return self._answer()

    def _take(self, judged: Iterable[Judged], places: Iterable[int]) -> None:
        for at, one in zip(places, judged, strict=True):
            self._judged[at] = one
            if one.verdict not in ("created", "queued", "duplicate"):
                self._errors[at] = refusal(one.verdict)

    async def _pay(self, *, told: bool) -> None:
        """`told`: what is good is told as well, without being recorded."""
        sought = [
            at
            for at, draft in self._drafts.items()
            if draft.household.citizen_id is not None and not self._known(at)
        ]
        free = () if told else ("created", "duplicate")
        costly = [at for at in sought if self._judged[at].verdict not in free]
        paid = await self._lookups.take(len(costly)) if costly else 0
        if paid == len(costly):
            return
        for at in sought:
            # An atomic batch is refused now, so what is good in it is told without being recorded.
            if at >= costly[paid] or (self._batch.atomic and at not in costly):
                self._errors[at] = LookupsUsedUp()

    def _known(self, at: int) -> bool:
        """Whether the stored key alone has decided: no household was looked for."""
        judged = self._judged[at]
        return judged.verdict == "external-id-conflict" or judged.id is not None

    def _refuse_if_bad(self) -> None:
        if not self._batch.atomic or not self._errors:
            return
        faults = [
            Fault(_pointed(at, fault.pointer), fault.code, fault.detail)
            for at, error in sorted(self._errors.items())
            for fault in error.faults or (Fault("", error.error_code, error.detail),)
        ]
        told = "Nothing was written: the batch is atomic, and at least one item is bad; see results."
        answer = self._answer(refused=True)
        raise BatchRefused(
            told, faults=faults[:MOST_FAULTS], summary=answer["summary"], results=answer["results"]
        )

    def _answer(self, *, refused: bool = False) -> Fields:
        counts = dict.fromkeys(BatchSummary.model_fields, 0)
        # What repeats an item of this batch is no more written than that one; neither has an id before.
        new = {one.id for one in self._judged.values() if one.verdict != "duplicate"}
        results = []
        for at, item in enumerate(self._batch.items):
            outcome, more = self._outcome(at, unwritten=new if refused else None)
            counts[outcome] += 1
            results.append({"index": at, "external_id": item.external_id, "outcome": outcome, **more})
        counts["created"] += counts["queued"]
        return {"summary": counts, "results": results}

    def _outcome(self, at: int, *, unwritten: Collection[UUID | None] | None) -> tuple[str, Fields]:
        """`unwritten`: of a batch that is refused, the ids that its events would have had."""
        error = self._errors.get(at)
        if error is not None:
            conflict = error.error_code == "external-id-conflict"
            outcome = BatchOutcome.CONFLICT if conflict else BatchOutcome.REJECTED
            faults = [
                Fault(_pointed(at, one.pointer), one.code, one.detail).as_dict() for one in error.faults
            ]
            return outcome.value, {
                "problem": {"code": error.error_code, "detail": error.detail, "errors": faults}
            }
        judged = self._judged[at]
        if unwritten is not None and (judged.verdict != "duplicate" or judged.id in unwritten):
            return BatchOutcome.NOT_WRITTEN.value, {}
        return judged.verdict, {} if judged.id is None else {"id": str(judged.id)}


def _pointed(at: int, pointer: str) -> str:
    return f"/items/{at}{pointer}"
