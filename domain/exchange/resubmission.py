"""Which rows of an import may be brought again: those that its report has rejected, each of them once (contract 7).

A row says which one it corrects by `row_number`, as rows.csv gives it, else by its record id. Rows that were taken are
not brought again, and rows with a conflict are not either: that is decided at the household, or by a correction.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from domain.calendar import today
from domain.errors import Conflict, Fault, Invalid
from domain.exchange.importing.job import Job, Rejected, Upload
from domain.exchange.jobs import Files
from domain.exchange.reading.cells import digits
from domain.exchange.reading.faults import CellFault
from domain.exchange.reading.layout import label
from domain.exchange.reading.rows import CleanRow, UnreadableFile
from domain.work import UnitOfWork

NUMBERED = "row_number"
"""The column of a report that says which row a line is about."""
MOST_NAMED = 100
"""Rows that a refusal names."""
_MOST_DIGITS = 9


async def check(work: UnitOfWork, job: Job, upload: Upload, files: Files, *, now: datetime) -> None:
    """Looks through a file that brings rows of `job` again, before anything is made of it.

    Raises Conflict `rows-not-rejected`, which names rows of the file, and Invalid for a file that cannot be read.
    """
    faults: list[Fault] = []
    brought = Brought()
    with files.open(upload.file_id, upload.key) as file:
        try:
            chunks = work.imports.chunks(file, replace(job, last_number=0), today=today(now))
            rows = await asyncio.to_thread(next, chunks, None)
            if rows is None:
                raise Invalid.at("", "empty-file", "The file has a header and no rows.")
            while rows is not None and len(faults) < MOST_NAMED:
                faults += await _unfounded(work, job, rows, brought)
                rows = await asyncio.to_thread(next, chunks, None)
        except UnreadableFile as fault:
            raise Invalid.at("", fault.code, fault.detail) from None
    if faults:
        raise Conflict(
            "The file has rows that the import has not rejected; see errors. Nothing was taken.",
            code="rows-not-rejected",
            faults=faults[:MOST_NAMED],
        )


class Brought:
    """What the file has brought so far: rows of the report by their numbers, and by record ids how many."""

    def __init__(self) -> None:
        self.numbers: set[int] = set()
        self.record_ids: Counter[str] = Counter()


async def _unfounded(
    work: UnitOfWork, job: Job, rows: Sequence[CleanRow], brought: Brought
) -> Iterable[Fault]:
    # What cannot be parted into cells at all is rejected again, whatever it may correct.
    known = [(row.number, _number(row), row.record_id) for row in rows if not _is_broken(row)]
    rejected = await work.imports.rejected(
        job.id,
        [number for _, number, _ in known if number is not None],
        sorted({record_id for _, number, record_id in known if number is None and record_id is not None}),
    )
    return _judged(known, rejected, brought)


def _judged(
    known: Iterable[tuple[int, int | None, str | None]], rejected: Rejected, brought: Brought
) -> Iterator[Fault]:
    for at, number, record_id in known:
        if number is not None:
            found, again = number in rejected.numbers, number in brought.numbers
            brought.numbers.add(number)
            record_id = rejected.numbers.get(number)
        else:
            most = rejected.record_ids.get(record_id or "", 0)
            found, again = most > 0, brought.record_ids[record_id or ""] >= most
        if not found:
            yield Fault(
                f"row/{at}", "not-rejected", "It names no rejected row by row_number or its old record_id."
            )
        elif again:
            yield Fault(f"row/{at}", "brought-twice", "The file has corrected that row already.")
        elif record_id is not None:
            brought.record_ids[record_id] += 1


def _is_broken(row: CleanRow) -> bool:
    return any(not fault.column for fault in row.faults)


def _number(row: CleanRow) -> int | None:
    """Which row of the report it says it corrects; 0, which is none, where that is no number; None: it does not say."""
    at = _place(row.header)
    text = row.cells[at].strip() if at is not None and at < len(row.cells) else ""
    if not text:
        return None
    try:
        found = digits(text)
    except CellFault:
        return 0
    return int(found) if found.isdecimal() and found.isascii() and len(found) <= _MOST_DIGITS else 0


@lru_cache(maxsize=64)
def _place(header: tuple[str, ...]) -> int | None:
    """Where the number stands; every row of a table has the same header."""
    return next((at for at, name in enumerate(header) if label(name) == NUMBERED), None)
