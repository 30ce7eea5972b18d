"""The schema: every noun of the door, listed."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import strawberry
from graphql import GraphQLError
from pydantic import BaseModel
from strawberry.extensions import MaxTokensLimiter
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext
from strawberry.types.field import StrawberryField

from api.graphql import connections, cost, limits
from api.graphql.access import clients, grants, log, me
from api.graphql.admission import Admission
from api.graphql.assistance import batch, checks, corrections, events
from api.graphql.casework import analyses, assignments, menus, problems
from api.graphql.casework import parts as casework_parts
from api.graphql.documents import Documents
from api.graphql.exchange import changes, exports, imports, webhooks
from api.graphql.fields import MUTATION_COST, Field, Fields
from api.graphql.reference import agencies, areas, campaigns, codes, indicators
from api.graphql.registry import conflicts, history, households, members, moves, persons
from api.graphql.registry import parts as registry_parts
from api.graphql.scalars import SCALARS
from api.graphql.types import Made, Types

FIELDS: tuple[Fields, ...] = (
    households.fields,
    persons.fields,
    members.fields,
    moves.fields,
    history.fields,
    registry_parts.fields,
    problems.fields,
    analyses.fields,
    assignments.fields,
    menus.fields,
    casework_parts.fields,
    events.fields,
    batch.fields,
    corrections.fields,
    checks.fields,
    areas.fields,
    agencies.fields,
    indicators.fields,
    codes.fields,
    campaigns.fields,
    webhooks.fields,
    me.fields,
    clients.fields,
    log.fields,
    grants.fields,
    changes.fields,
    exports.fields,
    imports.fields,
    conflicts.fields,
)

_READING = f"""What can be read. Every request needs a token, introspection too; X-Purpose holds as in REST.

A query has at most {limits.MOST_TOKENS} tokens, {limits.DEEPEST} levels of fields and {limits.MOST_ALIASES} \
aliases, and costs at most {cost.MOST}:
every field costs 1; what stands below a connection counts `first` times ({connections.DEFAULT_PAGE} unless given), \
below any other list
{cost.USUAL_LIST} times; `totalCount` costs {connections.COUNTING} more and a mutation {MUTATION_COST}. \
The cost is in `extensions.cost` of every answer."""
_WRITING = """What can be written: one `input` each, the resource back. They run one after the other, each in a
transaction of its own: what was written before an error stays written."""


class Schema(strawberry.Schema):
    """Strawberry's, which would log the text of every error, and with it what a caller sent."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Nothing: what nobody expected is logged, without its text, where the answer is shaped."""


@cache
def schema() -> Schema:
    """The schema, made once."""
    edges: dict[type[BaseModel], dict[str, Callable[[Types], StrawberryField]]] = {}
    for owner, one in (edge for fields in FIELDS for edge in fields.edges):
        edges.setdefault(owner, {})[one.name] = one.make
    types, documents = Types(edges), Documents()
    queries = (one for fields in FIELDS for one in fields.queries)
    mutations = (one for fields in FIELDS for one in fields.mutations)
    return Schema(
        query=_root("Query", types, queries, _READING),
        mutation=_root("Mutation", types, mutations, _WRITING),
        config=StrawberryConfig(default_resolver=_found, scalar_map=SCALARS),
        extensions=[lambda: MaxTokensLimiter(limits.MOST_TOKENS), lambda: Admission(documents)],
    )


def _root(name: str, types: Types, fields: Iterable[Field], description: str) -> Made:
    made: dict[str, Any] = {"__module__": __name__}
    for one in fields:
        if one.name in made:
            raise ValueError(f"{name}.{one.name} stands twice")
        made[one.name] = one.make(types)
    return strawberry.type(type(name, (), made), name=name, description=description)


def _found(source: Any, name: str) -> Any:
    """A value is a row of finished JSON; what the door makes itself is an object."""
    return source.get(name) if isinstance(source, dict) else getattr(source, name)
