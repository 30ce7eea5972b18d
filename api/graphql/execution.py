"""Runs one request against the schema, and shapes the answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError
from strawberry import Schema
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types.execution import PreExecutionError

from api.graphql import errors
from api.graphql.admission import UNNAMED
from api.graphql.context import Call, Request
from api.graphql.documents import told
from api.graphql.errors import QueryError


@dataclass(frozen=True, slots=True)
class Answered:
    """The body of an answer, and whether anything was executed for it."""

    body: dict[str, Any]
    executed: bool
    errors: Sequence[GraphQLError] = ()
    """Of what was executed, as they were raised."""
    replayed: bool = False
    """It is an earlier answer, under the same Idempotency-Key."""


async def run(schema: Schema, call: Call, request: Request) -> Answered:
    """Never raises: what goes wrong stands in the answer's errors."""
    try:
        result = await schema.execute(
            request.query,
            variable_values=request.variables,
            context_value=call,
            root_value=request,
            operation_name=request.operationName,
        )
    except MissingQueryError:
        return _refused(call, [QueryError("malformed-query", "The query is empty.")], {"cost": 0})
    except CannotGetOperationTypeError:
        return _refused(call, [QueryError("unknown-operation", UNNAMED)], {"cost": 0})
    found = result.errors or []
    if isinstance(result, PreExecutionError):
        return _refused(call, map(told, found), result.extensions)
    body: dict[str, Any] = {"data": result.data}
    if found:
        body["errors"] = _shown(call, found)
    body["extensions"] = result.extensions
    return Answered(body, executed=True, errors=tuple(found))


def _refused(call: Call, found: Iterable[Exception], extensions: dict[str, Any] | None) -> Answered:
    """An answer to what was not executed; it has no `data`."""
    return Answered({"errors": _shown(call, found), "extensions": extensions}, executed=False)


def _shown(call: Call, found: Iterable[Exception]) -> list[dict[str, Any]]:
    return [errors.formatted(error, trace_id=call.request_id)[0] for error in list(found)[: errors.MOST]]
