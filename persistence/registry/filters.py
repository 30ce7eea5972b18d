"""The filters of the household list as conditions: they AND, a repeated one ORs.

What one index answers is a column; the rarer properties are `facets`, one array with one GIN index.
"""

from domain.registry.household import Group, HouseholdFilter
from persistence.keyset import Order
from persistence.sql import Binds, within

ORDERS = {
    "created_at": Order((("id", "uuid"),)),
    "-created_at": Order((("id", "uuid"),), descending=True),
    "updated_at": Order((("updated_at", "timestamptz"), ("id", "uuid"))),
    "-updated_at": Order((("updated_at", "timestamptz"), ("id", "uuid")), descending=True),
}
_SUBGROUPS = {Group.G1: (Group.G1A, Group.G1B), Group.G3: (Group.G3A, Group.G3B)}


def conditions(where: HouseholdFilter, binds: Binds) -> list[str]:
    """Conditions on a household `h`, all of them to hold."""
    found: list[str] = []
    if where.id:
        found.append(f"h.id = ANY({binds(where.id)}::uuid[])")
    if where.area and (inside := within("h.area_code", where.area, binds)):
        found.append(inside)
    for column, values in (
        ("case_status", where.case_status),
        ("classification", where.classification),
        ("stage", where.stage),
        ("dimension_mask", where.dimension_mask),
    ):
        if values:
            found.append(f"h.{column} = ANY({binds(list(values))}::text[])")
    for kind, wanted in (
        ("failed", where.failed_dimension),
        ("indicator", where.indicator),
        ("source", where.source),
        ("card", where.welfare_card),
    ):
        if wanted:
            found.append(f"h.facets && {binds([f'{kind}:{value}' for value in wanted])}::text[]")
    found.extend(_groups(where, binds))
    if where.problem_status:
        found.append(
            "EXISTS (SELECT FROM problem pr WHERE pr.household_id = h.id"
            f" AND pr.status = ANY({binds(list(where.problem_status))}::text[]))"
        )
    if where.assigned_agency:
        found.append(
            "EXISTS (SELECT FROM assignment asg WHERE asg.household_id = h.id"
            f" AND asg.agency = ANY({binds(where.assigned_agency)}::text[])"
            " AND asg.status NOT IN ('proposed', 'returned', 'escalated', 'cancelled'))"
        )
    if where.updated_since:
        found.append(f"h.updated_at >= {binds(where.updated_since)}")
    return found


def _groups(where: HouseholdFilter, binds: Binds) -> list[str]:
    groups = [g for group in where.target_group for g in (group, *_SUBGROUPS.get(group, ()))]
    if groups and where.fiscal_year:
        tags = [f"group:{year}:{group}" for year in where.fiscal_year for group in groups]
    elif groups:
        tags = [f"group:{group}" for group in groups]
    else:
        tags = [f"year:{year}" for year in where.fiscal_year]
    return [f"h.facets && {binds(tags)}::text[]"] if tags else []
