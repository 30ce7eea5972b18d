"""Parts of many resources at once: one batch function for each edge, one short unit of work for each batch.

A batch function never awaits another loader while it holds its unit of work.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

import orjson

from domain.errors import Invalid
from domain.kernel import Listing, Paging

Row = dict[str, Any]
Key = TypeVar("Key")

LARGEST_BATCH = 200
PAGE = 1_000
MOST_ROWS = 10_000
"""Rows that one edge may bring into one request."""


class TooLarge(Invalid):
    code = "result-too-large"

    def __init__(self) -> None:
        super().__init__(
            f"A part holds more than {MOST_ROWS} rows; ask for fewer items, or list it by itself."
        )


async def everything(fetch: Callable[[Paging], Awaitable[Listing]], *, sort: str = "created_at") -> list[Row]:
    """All rows of a list, page by page. Raises TooLarge."""
    rows: list[Row] = []
    after = None
    while len(rows) <= MOST_ROWS:
        listing = await fetch(Paging(limit=PAGE, after=after, sort=sort))
        rows += orjson.loads(listing.items)
        after = listing.last
        if after is None:
            return rows
    raise TooLarge


def grouped(keys: Sequence[str], rows: Iterable[Row], by: str) -> list[list[Row]]:
    """The rows of each key, in the order of the keys."""
    found: dict[str, list[Row]] = {key: [] for key in keys}
    for row in rows:
        if row[by] in found:
            found[row[by]].append(row)
    return [found[key] for key in keys]


def picked(keys: Sequence[str], rows: Iterable[Row], by: str) -> list[Row | None]:
    """The row of each key, in the order of the keys."""
    found = {row[by]: row for row in rows}
    return [found.get(key) for key in keys]
