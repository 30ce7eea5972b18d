"""Rules that problems, analyses and assignments share: they take values and answer with the faults found."""

from collections.abc import Iterable
from datetime import date

from domain.errors import Fault, Invalid


def refuse(faults: Iterable[Fault]) -> None:
    """Raises Invalid with all the faults at once; with none it lets pass."""
    found = list(faults)
    if found:
        raise Invalid("The request has a fault; see errors.", faults=found)


def in_future(pointer: str, day: date | None, today: date) -> list[Fault]:
    """Nothing is recorded before it happens (contract 6 for events; the same for casework, assumed)."""
    if day is None or day <= today:
        return []
    return [Fault(pointer, "future-date", "Give a date that is not in the future.")]


def missing(pointer: str, value: object, what: str) -> list[Fault]:
    """A field that this move needs, and that is absent or null."""
    return [] if value is not None else [Fault(pointer, "required", what)]


def unwanted(pointer: str, value: object, what: str) -> list[Fault]:
    """A field that this move has no place for: refused, never ignored."""
    return [] if value is None else [Fault(pointer, "not-applicable", what)]
