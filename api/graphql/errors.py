"""Errors as GraphQL carries them: the codes of REST in `extensions`, and never any of the input."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from api import answering
from api.graphql.naming import pointer
from domain.errors import Fault, Invalid

MOST = 100
"""Errors in one answer: two hundred items may all lack the same scope."""


class QueryError(GraphQLError):
    """A fault of the request itself, found before anything is executed."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        nodes: Any = None,
        source: Any = None,
        positions: Any = None,
        faults: Sequence[Fault] = (),
    ) -> None:
        super().__init__(message, nodes, source, positions)
        self.code, self.faults = code, tuple(faults)


def formatted(error: Exception, *, trace_id: str) -> tuple[dict[str, Any], Mapping[str, str]]:
    """One error of an answer, with its place in the query and in the answer; and its headers."""
    status, code, message, faults, headers, extra = described(raised(error), trace_id=trace_id)
    answer: dict[str, Any] = {"message": message}
    if isinstance(error, GraphQLError):
        if error.locations:
            answer["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
        if error.path:
            answer["path"] = error.path
    answer["extensions"] = {
        "code": code,
        "status": status,
        "errors": [{**fault.as_dict(), "pointer": pointer(fault.pointer)} for fault in faults],
        **extra,
        "trace_id": trace_id,
    }
    return answer, headers


def raised(error: Exception) -> Exception:
    """What was raised where GraphQL tells of an error."""
    while isinstance(error, GraphQLError) and error.original_error is not None:
        error = error.original_error
    return error


def described(
    error: Exception, *, trace_id: str
) -> tuple[int, str, str, Sequence[Fault], Mapping[str, str], Mapping[str, Any]]:
    """Status, code, message, faults, headers and further members: those of REST, and of a query's own faults."""
    match error:
        case QueryError():
            return 400, error.code, error.message, error.faults, {}, {}
        case GraphQLError() if error.message.startswith("Argument "):
            # Found while running: a variable that may be null, in a place that may not.
            return 400, Invalid.code, "An argument is missing, or null where it must not be.", (), {}, {}
    return answering.described(error, path="/graphql", request_id=trace_id)
