"""GraphQL's spelling from REST's and back, along the schema that the service publishes."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)

_UPPER = re.compile(r"(?<=[a-z0-9])([A-Z])")
_LOWER = re.compile(r"_([a-z0-9])")
INCLUDES = ("problems", "analyses", "assignments", "assistance")
EDGES: Mapping[str, frozenset[str]] = {
    "Household": frozenset(INCLUDES),
    "Person": frozenset({"household"}),
    "Problem": frozenset({"household", "person", "assignments", "menuMatches"}),
    "Assignment": frozenset({"household", "problems", "menu"}),
    "AssistanceEvent": frozenset({"household"}),
    "RecordedEvent": frozenset({"household"}),
    "MenuMatch": frozenset({"menu"}),
}
"""What GraphQL objects reach beyond the resource of REST."""


def snake(name: str) -> str:
    """`householdId` → `household_id`."""
    return _UPPER.sub(lambda found: f"_{found[1].lower()}", name)


def camel(name: str) -> str:
    """`household_id` → `householdId`."""
    return _LOWER.sub(lambda found: found[1].upper(), name)


def _word(kind: GraphQLEnumType, value: str) -> str:
    # A name of GraphQL cannot begin with a digit: target group 1a is G1A.
    return value.removeprefix("G").lower() if kind.name == "Group" else value.lower()


def _unwrapped(kind: Any) -> Any:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def asked(value: Any, kind: Any) -> Any:
    """A value of REST as GraphQL's input type wants it; what the type does not know goes through as it is."""
    kind = _unwrapped(kind)
    match kind:
        case GraphQLList() if isinstance(value, list | tuple):
            return [asked(one, kind.of_type) for one in value]
        case GraphQLList():
            return asked(value, kind.of_type)
        case GraphQLInputObjectType() if isinstance(value, Mapping):
            fields = kind.fields
            return {
                camel(name): asked(one, fields[camel(name)].type) if camel(name) in fields else one
                for name, one in value.items()
            }
        case GraphQLEnumType() if isinstance(value, str):
            return f"G{value}".upper() if kind.name == "Group" else value.upper()
    return value


def answered(value: Any, kind: Any) -> Any:
    """A value of GraphQL as REST shows it."""
    kind = _unwrapped(kind)
    if value is None:
        return None
    match kind:
        case GraphQLList():
            return [answered(one, kind.of_type) for one in value]
        case GraphQLObjectType():
            return {
                snake(name): answered(one, kind.fields[name].type) if name in kind.fields else one
                for name, one in value.items()
            }
        case GraphQLEnumType():
            return _word(kind, value)
    return value


def selection(kind: Any, *, edges: Iterable[str] = ()) -> str:
    """Every field of a type but its edges, and those edges that are named."""
    named = get_named_type(kind)
    if not isinstance(named, GraphQLObjectType):
        return ""
    left_out = EDGES.get(named.name, frozenset()) - set(edges)
    parts = [f"{name}{selection(one.type)}" for name, one in named.fields.items() if name not in left_out]
    return " { " + " ".join(parts) + " }"


def pointer(place: str) -> str:
    """The place of a fault as REST spells it."""
    if place in ("after", "first", "sort"):
        return {"after": "query/cursor", "first": "query/limit", "sort": "query/sort"}[place]
    steps = [step if step.startswith("X-") else snake(step) for step in place.split("/")]
    return "/".join(["query", *steps[1:]] if steps[0] == "filter" else steps)
