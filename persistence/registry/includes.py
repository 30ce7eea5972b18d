"""The lists a household carries along when it is asked to: newest first, at most 200 of each."""

from domain.access.policy import Reach
from domain.registry.store import Includes
from persistence.assistance.views import COLUMNS as EVENT
from persistence.casework.views import analysis_columns, assignment_columns, problem_columns
from persistence.sql import Binds, or_granted

MOST = 200
_NONE_RECORDED = ("visits", "plans")
"""Named by the contract; this version has no way to record any, so that no household has one."""


def columns(includes: Includes, reach: Reach, binds: Binds, *, today: str) -> str:
    """Further columns of a household `h`, each a JSON list; binds what they need."""
    found = []
    for name in sorted(includes.names):
        if name in _NONE_RECORDED:
            found.append(f", '[]'::json AS {name}")
            continue
        shown, source = _list(name, includes, reach, binds, today)
        alias = source.split()[1]
        found.append(f""",
    (SELECT coalesce(json_agg(t), '[]') FROM (
      SELECT {shown} FROM {source} WHERE {alias}.household_id = h.id{_own(name, alias, reach, binds)}
      ORDER BY {alias}.id DESC LIMIT {MOST}) t) AS {name}""")
    return "".join(found)


def _list(name: str, includes: Includes, reach: Reach, binds: Binds, today: str) -> tuple[str, str]:
    match name:
        case "problems":
            return problem_columns(moves=binds(includes.problem_moves)), "problem pr"
        case "analyses":
            return analysis_columns(), "analysis an"
        case "assignments":
            moves, agency = binds(includes.assignment_moves), binds(reach.actor.agency)
            return assignment_columns(moves=moves, agency=agency, today=today), "assignment asg"
        case "assistance":
            return EVENT, "assistance_event ev"
    raise KeyError(name)


def _own(name: str, alias: str, reach: Reach, binds: Binds) -> str:
    """Who sees only its own assignments sees only its own agency's assignments and events."""
    if reach.assigned_to is None or name not in ("assignments", "assistance"):
        return ""
    own = f"{alias}.agency = {binds(reach.assigned_to)}"
    if name == "assignments":
        own += f" AND {alias}.status <> 'proposed'"
    return f" AND {or_granted(reach, f'({own})', binds, household='h.id')}"
