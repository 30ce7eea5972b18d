"""The rows of an export as one statement: the very columns of the lists, in the order of ids, one JSON text a row.

Without `since` the walk goes along the index of the area and never sorts; what has changed since is told by the feed's
own rows beside the times of the rows themselves: a corrected event, a household that has come into view.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.access.policy import Reach
from domain.calendar import today
from domain.casework.moves import assignment_moves, problem_moves
from domain.exchange.changes import ChangeType, View
from domain.exchange.export import ExportType
from persistence.assistance.views import COLUMNS as EVENT
from persistence.casework import assignments
from persistence.casework.views import assignment_columns, problem_columns
from persistence.exchange.changes import visible
from persistence.registry import views
from persistence.sql import Binds, reach_conditions, where, within


@dataclass(frozen=True, slots=True)
class _Source:
    table: str
    alias: str
    household: str
    changed: str
    """When the row was last written."""
    types: tuple[ChangeType, ...]
    """Changes that concern the row."""


_SOURCES: Mapping[ExportType, _Source] = {
    ExportType.HOUSEHOLDS: _Source(
        "household", "h", "h.id", "h.updated_at", (ChangeType.HOUSEHOLD, ChangeType.PERSON)
    ),
    ExportType.PROBLEMS: _Source("problem", "pr", "pr.household_id", "pr.updated_at", (ChangeType.PROBLEM,)),
    ExportType.ASSIGNMENTS: _Source(
        "assignment", "asg", "asg.household_id", "asg.updated_at", (ChangeType.ASSIGNMENT,)
    ),
    ExportType.ASSISTANCE_EVENTS: _Source(
        "assistance_event", "ev", "ev.household_id", "ev.recorded_at", (ChangeType.ASSISTANCE_EVENT,)
    ),
}


def rows_sql(reach: Reach, type: ExportType, *, since: datetime | None, now: datetime, binds: Binds) -> str:
    """One column: the JSON of a row on one line."""
    source = _SOURCES[type]
    conditions = _reached(reach, type, source, binds)
    if type is ExportType.HOUSEHOLDS:
        conditions.append("h.merged_into IS NULL")
    if since is not None:
        if type is ExportType.ASSISTANCE_EVENTS:
            # They are among what was deleted since, and must not come back with the rows.
            conditions.append("ev.status <> 'voided'")
        conditions.append(_changed(source, binds(since), binds(reach.actor.agency)))
    columns = _columns(reach, type, now, binds)
    alias = source.alias
    # Sorted before the columns are made, where there is no index to walk along: a sort of whole documents is slow.
    # Line breaks stand between the elements of json_agg; inside a string they are escaped.
    return f"""SELECT replace(row_to_json(t)::text, chr(10), '') FROM (SELECT {columns} FROM (
      SELECT {alias}.* FROM {source.table} {alias} {where(conditions)} ORDER BY {alias}.id) {alias}) t"""


def _reached(reach: Reach, type: ExportType, source: _Source, binds: Binds) -> list[str]:
    """As the lists have it."""
    match type:
        case ExportType.ASSIGNMENTS:
            return assignments.reached(reach, binds)
        case ExportType.ASSISTANCE_EVENTS:
            inside = within("ev.area_code", reach.prefixes, binds)
            own = [] if reach.assigned_to is None else [f"ev.agency = {binds(reach.assigned_to)}"]
            return [*([inside] if inside else []), *own]
    return reach_conditions(reach, binds, alias=source.alias, household=source.household)


def _changed(source: _Source, since: str, agency: str) -> str:
    types = ", ".join(f"'{one}'" for one in source.types)
    of_household = ChangeType.HOUSEHOLD in source.types
    concerned = "ch.household_id" if of_household else "ch.resource_id"
    found = f"""{source.changed} >= {since} OR {source.alias}.id IN (
      SELECT {concerned} FROM change ch WHERE ch.type IN ({types}) AND ch.occurred_at >= {since})"""
    # With a household comes everything of it.
    entered = f"""{source.household} IN (SELECT ch.household_id FROM change ch
      WHERE ch.type = 'household' AND ch.action = 'entered' AND ch.agency = {agency} AND ch.occurred_at >= {since})"""
    return f"({found} OR {entered})"


def _columns(reach: Reach, type: ExportType, now: datetime, binds: Binds) -> str:
    actor = reach.actor
    match type:
        case ExportType.HOUSEHOLDS:
            return views.household(unmasked=reach.unmasked, today=f"{binds(today(now))}::date")
        case ExportType.PROBLEMS:
            return problem_columns(moves=binds(problem_moves(actor)))
        case ExportType.ASSIGNMENTS:
            return assignment_columns(
                moves=binds(assignment_moves(actor)), agency=binds(actor.agency), today=binds(today(now))
            )
    return EVENT


def gone_sql(reach: Reach, type: ExportType, *, since: datetime, binds: Binds) -> str:
    """Type and id of what left since: as the feed's tombstones, each once."""
    types = [ChangeType.HOUSEHOLD]
    left = "ch.type = 'household' AND ch.action IN ('left', 'merged')"
    if type is ExportType.ASSISTANCE_EVENTS:
        types.append(ChangeType.ASSISTANCE_EVENT)
        left = f"({left} OR ch.type = 'assistance_event' AND ch.action = 'voided')"
    view = View(prefixes=reach.prefixes, assigned_to=reach.assigned_to, types=types)
    return f"""SELECT ch.type, ch.resource_id AS id FROM change ch
      WHERE ch.occurred_at >= {binds(since)} AND {left} AND {visible(view, binds)}
      GROUP BY ch.type, ch.resource_id ORDER BY ch.type, ch.resource_id"""
