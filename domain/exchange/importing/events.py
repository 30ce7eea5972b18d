"""A chunk of rows about assistance, recorded as a batch of postings would be; unknown households are waited for."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import ValidationError

from domain.access.policy import Operation, admit
from domain.assistance.event import EventDraft, OnUnknown
from domain.assistance.events import event_faults, refusal
from domain.calendar import today
from domain.exchange.importing.job import ImportMode, Job, Reported, RowOutcome
from domain.exchange.importing.matching import row_code
from domain.exchange.importing.state import NOTHING_SOUGHT, Plan
from domain.exchange.importing.store import Prepared
from domain.exchange.reading.rows import CleanRow
from domain.work import UnitOfWork

_OUTCOMES: Mapping[str, RowOutcome] = {
    "created": RowOutcome.CREATED,
    # Whether a household was found is not told: a file would be a cheap way to look for citizen ids.
    "queued": RowOutcome.CREATED,
    "duplicate": RowOutcome.UNCHANGED,
    "external-id-conflict": RowOutcome.CONFLICT,
}


async def applied(work: UnitOfWork, job: Job, rows: Sequence[CleanRow], *, now: datetime) -> Prepared:
    """A verdict on every row, ready to be reported; with mode `commit` the good ones are recorded. In a transaction."""
    reach = admit(job.actor, Operation.WRITE_ASSISTANCE)
    reported = [Reported(row.number, RowOutcome.REJECTED, row.record_id) for row in rows]
    drafts: list[EventDraft] = []
    places: list[int] = []
    for at, row in enumerate(rows):
        if row.faults:
            reported[at].codes = [row_code(*fault) for fault in row.faults]
            continue
        draft = _draft(row)
        if draft is None:
            reported[at].codes = [row_code("", "wrong-format", "The row is no event that could be posted.")]
        elif faults := event_faults(draft, on=today(now)):
            reported[at].codes = [row_code(one.pointer.strip("/"), one.code, one.detail) for one in faults]
        else:
            drafts.append(draft)
            places.append(at)
    if job.mode is ImportMode.COMMIT:
        judged = await work.batches.record(reach, drafts, now=now)
    else:
        judged = await work.batches.judge(reach, drafts)
    for at, one in zip(places, judged, strict=True):
        found = reported[at].outcome = _OUTCOMES.get(one.verdict, RowOutcome.REJECTED)
        if found in (RowOutcome.REJECTED, RowOutcome.CONFLICT):
            error = refusal(one.verdict)
            reported[at].codes = [
                row_code(fault.pointer.strip("/"), fault.code, fault.detail) for fault in error.faults
            ] or [row_code("", error.error_code, error.detail)]
    for row, told in zip(rows, reported, strict=True):
        if told.outcome is RowOutcome.REJECTED:
            told.cells = row.cells
    return work.intake.prepare(job, NOTHING_SOUGHT, Plan(), reported, now=now)


def _draft(row: CleanRow) -> EventDraft | None:
    event = row.event
    if event is None:
        return None
    said = {name: value for name, value in event._asdict().items() if value is not None}
    household = {"id": said.pop("household_id", None), "house_code": said.pop("house_code", None)}
    if household["id"] is None and household["house_code"] is None:
        household["citizen_id"] = row.citizen_id
    named = {name: value for name, value in household.items() if value is not None}
    try:
        return EventDraft.model_validate(
            {**said, "external_id": row.record_id, "household": named, "on_unknown": OnUnknown.REGISTER}
        )
    except ValidationError:
        return None
