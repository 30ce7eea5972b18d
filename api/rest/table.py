"""Every REST operation, listed: the table of contents of the door."""

from api.rest.access import clients, grants, log, me, oauth
from api.rest.assistance import batch, checks, corrections, events
from api.rest.casework import analyses, assignments, menus, problems
from api.rest.exchange import changes, exports, imports, templates, webhooks
from api.rest.operations import Operation, Routes
from api.rest.reference import agencies, areas, campaigns, codes, dimensions, indicators
from api.rest.registry import conflicts, history, households, members, moves, persons

ROUTES: tuple[Routes, ...] = (
    households.routes,
    # Before events: its path would be taken for an event's.
    batch.routes,
    events.routes,
    corrections.routes,
    checks.routes,
    persons.routes,
    members.routes,
    moves.routes,
    history.routes,
    problems.routes,
    analyses.routes,
    assignments.routes,
    menus.routes,
    areas.routes,
    agencies.routes,
    dimensions.routes,
    indicators.routes,
    codes.routes,
    campaigns.routes,
    webhooks.routes,
    me.routes,
    clients.routes,
    log.routes,
    grants.routes,
    changes.routes,
    exports.routes,
    imports.routes,
    conflicts.routes,
    templates.routes,
    oauth.routes,
)


def by_path() -> dict[str, list[Operation]]:
    """The operations of each path; the order of first appearance is the order of matching."""
    paths: dict[str, list[Operation]] = {}
    for routes in ROUTES:
        for operation in routes.operations:
            paths.setdefault(operation.path, []).append(operation)
    return paths
