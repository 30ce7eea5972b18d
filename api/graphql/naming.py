"""One name, two spellings: the domain's snake_case is GraphQL's camelCase."""

import re
from functools import cache

_SNAKE = re.compile(r"_([a-z0-9])")


@cache
def camel(name: str) -> str:
    """`household_id` → `householdId`."""
    return _SNAKE.sub(lambda found: found[1].upper(), name)


def pascal(name: str) -> str:
    """`createHousehold`, `dimension_mask` → `CreateHousehold`, `DimensionMask`."""
    spelt = camel(name)
    return spelt[:1].upper() + spelt[1:]


def pointer(place: str) -> str:
    """A fault's place as a GraphQL caller spells it: into `input`, or `filter/…`, `after`, `header/…`.

    What a caller typed itself is short and has been cut already; a step that is no name stays as it is.
    """
    if place == "query/cursor":
        return "after"
    if place.startswith("query/"):
        place = "filter/" + place.removeprefix("query/")
    return "/".join(camel(step) for step in place.split("/"))
