"""Every table whose rows lie with a household: what follows it when it moves or is merged, and what stays.

A test asks for each table with a household and an area.
"""

from collections.abc import Mapping

MOVES: tuple[str, ...] = (
    "person",
    "membership",
    "citizen_identity",
    "indicator_result",
    "problem",
    "problem_move",
    "analysis",
    "assignment",
    "assignment_move",
    "assistance_event",
    "access_grant",
    "source_record",
    "conflict",
)
"""Whose `area_code` is that of the household: rewritten by a move."""

STAYS: Mapping[str, str] = {
    "access_log": "who read what lay where it was read; within a second it is sealed",
    "access_ledger": "sealed: nothing in it can change",
    "change": "the feed told it to those who covered the area then",
    "audit": "what was done was done there",
    "import_row": "the report of an import says where a row went then",
}
"""What keeps the area in which it happened, and why."""

MERGES: tuple[str, ...] = (
    "problem",
    "problem_move",
    "analysis",
    "assignment",
    "assignment_move",
    "assistance_event",
    "source_record",
)
"""Whose rows become the other household's as they are, with its area."""

MERGES_OTHERWISE: Mapping[str, str] = {
    "person": "the same, as a new version of each",
    "citizen_identity": "with the person",
    "membership": "ended here, begun there",
    "indicator_result": "but for those that the other household has itself",
    "conflict": "but for what the other household is asked itself",
    "event_key": "names the household of an event, and lies nowhere",
}
UNMERGED: Mapping[str, str] = {
    **STAYS,
    "access_grant": "it opened one household; the other has more to read",
}
"""What stays with the household that was merged away."""
