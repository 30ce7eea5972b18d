"""Which of the five dimensions a household or person fails, by the union rule of the TPMAP MPI.

Source: domain §6. Poor in a dimension: at least one of its member indicators fails. Which indicators are
members belongs to the campaign of a fiscal year; the rule here is the same for all of them. This is not
the statistical MPI of weighted indicators and a cut-off.
"""

from collections.abc import Container, Iterable

DIMENSIONS = ("health", "living", "education", "income", "access")
"""The official order (004 l.21), which is the order of the digits of a mask."""

_KNOWN = ("pass", "fail")


Answer = tuple[str, str | None, str]
"""Indicator id, its dimension, and pass, fail, not_applicable or no_data, of a household or a member."""


def dimension_mask(results: Iterable[Answer], members: Container[str]) -> str | None:
    """Five digits, 1 where a member indicator of the dimension fails: `00010` is income alone.

    None where no member indicator has passed or failed: never surveyed is not the same as not poor. A
    dimension nobody was asked about counts as not failed.
    """
    failed: set[str] = set()
    surveyed = False
    for indicator_id, dimension, result in results:
        if indicator_id not in members or result not in _KNOWN:
            continue
        if dimension not in DIMENSIONS:
            raise ValueError(f"{indicator_id} is a member of no dimension")
        surveyed = True
        if result == "fail":
            failed.add(dimension)
    if not surveyed:
        return None
    return "".join("1" if dimension in failed else "0" for dimension in DIMENSIONS)


def failed_dimensions(mask: str | None) -> tuple[str, ...]:
    """The dimensions a mask says fail, in the official order; none for a household never surveyed."""
    return tuple(name for name, digit in zip(DIMENSIONS, mask or "", strict=False) if digit == "1")


def deprived(mask: str | None) -> bool | None:
    """Poor in at least one dimension; None where there is no MPI data (target group 3b, 001 §1)."""
    return None if mask is None else "1" in mask
