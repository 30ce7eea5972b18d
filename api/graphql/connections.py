"""Cursor Connections over keyset pages (Relay, Cursor Connections Specification), forwards only.

A cursor is signed and bound to its list, order and the client's agency. Each edge has one, made of the very
columns that the list is ordered by.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

import orjson
import strawberry
from strawberry.types.nodes import SelectedField, Selection

from api.graphql.context import Call, Info
from domain.errors import Invalid
from domain.kernel import Listing, Paging

Node = TypeVar("Node")

DEFAULT_PAGE = 50
LARGEST_PAGE = 200
COUNTING = 100

Keys = Mapping[str, Sequence[str]]
"""By order: the fields of an item that its place in the list is made of."""
CREATED: Keys = {"created_at": ("id",), "-created_at": ("id",)}
UPDATED: Keys = {**CREATED, "updated_at": ("updated_at", "id"), "-updated_at": ("updated_at", "id")}
BY_CODE: Keys = {"code": ("code",)}
BY_NUMBER: Keys = {"number": ("framework", "edition", "number")}
BY_YEAR: Keys = {"fiscal_year": ("fiscal_year",)}


ARGUMENTS: Mapping[str, Any] = {
    "first": Annotated[
        int | None, strawberry.argument(description="Items on the page, 1 to 200; 50 unless given.")
    ],
    "after": Annotated[str | None, strawberry.argument(description="The cursor that the page starts after.")],
}
"""Which part of the list, as annotations of a resolver's arguments."""


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(description="An item and its place in the list.")
class Edge(Generic[Node]):
    cursor: str
    node: Node


@strawberry.type(description="A page of a list.")
class Connection(Generic[Node]):
    """One page of a list; what a caller does not ask for is not computed."""

    nodes: list[Node] = strawberry.field(description="The items without their cursors.")
    total_count: int | None = strawberry.field(
        description="How many items the whole list has. Counted only when asked for, at a cost.",
        metadata={"cost": COUNTING},
    )
    further: strawberry.Private[bool]
    """Something stands behind it."""
    begun: strawberry.Private[bool]
    """It starts after a cursor: something stands before it."""
    cursor_of: strawberry.Private[Callable[[Any], str]]

    @strawberry.field
    def edges(self) -> list[Edge[Node]]:
        return [Edge(cursor=self.cursor_of(item), node=item) for item in self.nodes]

    @strawberry.field
    def page_info(self) -> PageInfo:
        ends = (
            [self.cursor_of(item) for item in (self.nodes[0], self.nodes[-1])] if self.nodes else [None] * 2
        )
        return PageInfo(
            has_next_page=self.further,
            has_previous_page=self.begun,
            start_cursor=ends[0],
            end_cursor=ends[1],
        )


async def page(
    call: Call,
    list_name: str,
    keys: Keys,
    fetch: Callable[[Paging], Awaitable[Listing]],
    info: Info,
    *,
    first: int | None,
    after: str | None,
    sort: str | None,
) -> Connection[Any]:
    """Fetches a page; counts only where `totalCount` is asked for. Raises Invalid for a foreign cursor."""
    size = DEFAULT_PAGE if first is None else first
    if not 1 <= size <= LARGEST_PAGE:
        raise Invalid.at("first", "out-of-range", f"Between 1 and {LARGEST_PAGE}.")
    order = sort or next(iter(keys))
    scope, cursors = f"graphql:{list_name} {order} {call.actor.agency}", call.services.cursors
    place = None
    if after is not None:
        if not after.isascii():
            raise Invalid.at(
                "after", "invalid-cursor", "The cursor is not of this list; start again without one."
            )
        place = cursors.decode(scope, after)
    count = "exact" if any(_asks_for(one.selections, "totalCount") for one in info.selected_fields) else None
    listing = await fetch(Paging(size, place, order, count))
    columns, items = keys[order], orjson.loads(listing.items)

    def cursor_of(item: Mapping[str, Any]) -> str:
        if listing.last is not None and item is items[-1]:
            return cursors.encode(scope, listing.last)
        return cursors.encode(scope, tuple(str(item[column]) for column in columns))

    return Connection(
        nodes=items,
        total_count=listing.total,
        further=listing.last is not None,
        begun=place is not None,
        cursor_of=cursor_of,
    )


def _asks_for(selections: Iterable[Selection], name: str) -> bool:
    return any(
        one.name == name if isinstance(one, SelectedField) else _asks_for(one.selections, name)
        for one in selections
    )
