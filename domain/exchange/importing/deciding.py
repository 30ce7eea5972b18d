"""What each row of a chunk means for the registry: matched, compared field by field, and taken or not. Pure.

Matching: by citizen id; by the source's own record id, for rows without one; within the household of the house code by
name and birth date; else a new person, in the household of the house code, of the source's own household id, or of
another row of the same file that shares either, else in a new household.
"""

from collections.abc import Mapping, Sequence

from domain.exchange.importing.applying import Applied
from domain.exchange.importing.chunk import Chunk
from domain.exchange.importing.job import Reported, RowOutcome
from domain.exchange.importing.matching import row_code
from domain.exchange.reading.rows import CleanRow
from domain.registry.rules import place_parents

# To look a member of an enumeration up costs as much as a rule.
_CREATED, _REJECTED = RowOutcome.CREATED, RowOutcome.REJECTED


def decide(chunk: Chunk, rows: Sequence[CleanRow]) -> list[Reported]:
    """A verdict on each row, in their order; the chunk's plan is what they come to."""
    reported = [_judged(chunk, row) for row in rows]
    taken = [(row, one) for row, one in zip(rows, reported, strict=True) if one.outcome is _CREATED]
    for row, _ in taken:
        chunk.note_home(row)
    for row, one in taken:
        Applied(chunk, row, one).apply()
    return reported


def _judged(chunk: Chunk, row: CleanRow) -> Reported:
    """Rejected, or the same as an earlier row; `created` stands for what is to be applied."""
    one = Reported(row.number, _REJECTED, row.record_id)
    if row.faults:
        one.codes = [row_code(fault.column, fault.code, fault.detail) for fault in row.faults]
    elif fault := _misplaced(chunk, row):
        one.codes = [fault]
    elif row.citizen_id in chunk.refused:
        # Whose member, and where, is not told.
        one.codes = [row_code("citizen_id", "already-a-member", "Already a member of a household elsewhere.")]
    else:
        _compared(chunk, row, one)
    if one.outcome is _REJECTED:
        one.cells, one.key = row.cells, None
    return one


def _misplaced(chunk: Chunk, row: CleanRow) -> Mapping[str, str] | None:
    assert row.household is not None
    area = row.household.area_code
    if area is None:
        return row_code("area_code", "required", "It is required.")
    if area not in chunk.placed:
        chunk.placed[area] = _of_area(chunk, area)
    if (fault := chunk.placed[area]) is not None:
        return fault
    code = row.household.house_code
    if (
        code is not None
        and len(chunk.found.by_code.get(code, ())) > 1
        and row.citizen_id not in chunk.found.persons
    ):
        return row_code("house_code", "ambiguous-identifier", "It fits more than one household.")
    return None


def _of_area(chunk: Chunk, area: str) -> Mapping[str, str] | None:
    if not any(place in chunk.places for place in place_parents(area)):
        return row_code("area_code", "unknown-area", "There is no such subdistrict; see /v1/areas.")
    if not chunk.actor.covers(area):
        return row_code("area_code", "outside-your-areas", "Your client may import into its own areas only.")
    return None


def _compared(chunk: Chunk, row: CleanRow, one: Reported) -> None:
    assert row.household is not None
    assert row.person is not None
    key = chunk.about[row.number]
    said = (
        *row.person,
        row.household.house_code,
        row.household.area_code,
        row.household.household_record_id,
        row.results,
    )
    content = chunk.found.content(said)
    earlier = chunk.found.seen.get(key)
    if earlier is None:
        chunk.found.seen[key] = row.number, content
        one.key, one.content, one.outcome = key, content, _CREATED
    elif earlier[1] == content:
        one.outcome = RowOutcome.UNCHANGED
        one.codes = [row_code("", "repeated-row", f"Row {earlier[0]} says the same.")]
    else:
        one.codes = [row_code("", "contradicts-row", f"Row {earlier[0]} says otherwise of the same person.")]
