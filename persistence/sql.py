"""Small pieces that statements are put together from. Values are always bound, never written in."""

from collections.abc import Sequence
from typing import Any

from domain.access.policy import Reach
from domain.casework.states import ENTITLING

_ENTITLING = ", ".join(f"'{status}'" for status in ENTITLING)


class Binds(list[Any]):
    """The values of a statement; calling it binds one more and gives its place."""

    def __call__(self, value: Any) -> str:
        self.append(value)
        return f"${len(self)}"


def assigned(agency: str, household: str = "h.id") -> str:
    """The household is assigned to the agency bound at `agency`, in a state that entitles it to look."""
    return (
        f"EXISTS (SELECT FROM assignment own WHERE own.household_id = {household}"
        f" AND own.agency = {agency} AND own.status IN ({_ENTITLING}))"
    )


def within(area_code: str, prefixes: Sequence[str], binds: Binds) -> str | None:
    """The area code starts with one of the prefixes; None where every area does.

    A prefix of each length has an index of its own, so that one area is a walk along it.
    """
    if "" in prefixes:
        return None
    by_length: dict[int, list[str]] = {}
    for prefix in prefixes:
        by_length.setdefault(len(prefix), []).append(prefix)
    parts = []
    for length, codes in sorted(by_length.items()):
        side = area_code if length == 8 else f"left({area_code}, {length})"
        test = f"= {binds(codes[0])}" if len(codes) == 1 else f"= ANY({binds(codes)}::text[])"
        parts.append(f"{side} {test}")
    return f"({' OR '.join(parts)})" if parts else "false"


def reach_conditions(reach: Reach, binds: Binds, *, alias: str, household: str) -> list[str]:
    """What every list must bind: the caller's areas, and its assignments where it sees nothing else."""
    conditions = []
    inside = within(f"{alias}.area_code", reach.prefixes, binds)
    if inside:
        conditions.append(inside)
    if reach.assigned_to is not None:
        conditions.append(assigned(binds(reach.assigned_to), household))
    return conditions


def reached(reach: Reach, prefixes: str, binds: Binds, *, alias: str, household: str) -> str:
    """What a read of one row must bind: areas (bound at `prefixes`) and assignments, or a grant."""
    found = f"{alias}.area_code ^@ ANY({prefixes}::text[])"
    if reach.assigned_to is not None:
        found += f" AND {assigned(binds(reach.assigned_to), household)}"
    return or_granted(reach, found, binds, household=household)


def or_granted(reach: Reach, found: str, binds: Binds, *, household: str) -> str:
    """The condition, or that broken glass has opened the household to the agency."""
    if not reach.granted:
        return found
    return (
        f"({found} OR EXISTS (SELECT FROM open_grant g WHERE g.household_id = {household}"
        f" AND g.agency = {binds(reach.actor.agency)} AND g.expires_at > now()"
        f" AND g.area_code ^@ ANY({binds([prefix[:2] for prefix in reach.prefixes])}::text[])))"
    )


def where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
