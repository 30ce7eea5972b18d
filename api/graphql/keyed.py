"""Mutations under an Idempotency-Key (contract 1): one write, and its answer kept in the same transaction.

A key stands for one mutation, whose document is compared as it is understood: without spaces and comments, with its
variables whatever their order. Only what has been written is kept, as in REST; a mutation that was refused is judged again.
"""

import hashlib
import json
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_operation_ast,
    parse,
    print_ast,
)
from strawberry import Schema

from api.errors import HttpError
from api.graphql import errors, limits
from api.graphql.context import Call, Request
from api.graphql.errors import QueryError
from api.graphql.execution import Answered, run
from api.keyed import earlier, keep, key_of
from api.retrying import settled, undone
from domain.errors import DomainError
from domain.exchange.idempotency import StoredAnswer

SHOWN_ONCE = frozenset({"clientSecret", "secret"})
"""Fields whose value stands in the first answer alone."""


class _NotKept(Exception):
    """Ends the transaction of an answer that wrote nothing."""

    def __init__(self, answered: Answered) -> None:
        super().__init__()
        self.answered = answered


async def run_once(schema: Schema, call: Call, request: Request, header: str) -> Answered:
    """As `run`, or the first answer to the same request of the same client under this key.

    Raises QueryError where it is not one mutation; Invalid; what `api.keyed.earlier` raises; and what has ended the
    transaction unexpectedly, with which nothing was written.
    """
    key = key_of(header)
    document = _parsed(request.query)
    operation = None if document is None else get_operation_ast(document, request.operationName)
    if document is None or operation is None:
        # It is refused in its own words, and nothing is executed.
        return await run(schema, call, request)
    _check_one_mutation(operation)
    hashed = _hashed(document, operation, request.variables or {})
    once_shown = _names_of(document, SHOWN_ONCE)

    async def done() -> Answered:
        async with call.writing() as work:
            stored = await earlier(work, call.actor, key, hashed)
            if stored is not None:
                return Answered(orjson.loads(stored.body), executed=True, replayed=True)
            with call.holding(work):
                answered = await run(schema, call, request)
            _check_written(answered)
            body = orjson.dumps(_without(answered.body, once_shown))
            await keep(work, call.actor, key, StoredAnswer(hashed, 200, {}, body), now=call.now, scopes=True)
            return answered

    try:
        return await settled(done)
    except _NotKept as refused:
        return refused.answered


def _parsed(text: str) -> DocumentNode | None:
    """None for what is no document within the limits."""
    try:
        limits.check_length(text)
        document = parse(text, max_tokens=limits.MOST_TOKENS, no_location=True)
        limits.check(document)
    except (GraphQLError, RecursionError):
        return None
    return document


def _check_one_mutation(operation: OperationDefinitionNode) -> None:
    fields = operation.selection_set.selections
    if operation.operation is OperationType.MUTATION and len(fields) == 1:
        only = fields[0]
        if isinstance(only, FieldNode) and not only.name.value.startswith("__"):
            return
    raise QueryError(
        "idempotency-needs-one-mutation",
        "An Idempotency-Key stands for one write: send a mutation with exactly one field, or no key.",
    )


def _hashed(document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any]) -> bytes:
    name = "" if operation.name is None else operation.name.value
    said = json.dumps([name, print_ast(document), variables], sort_keys=True)
    return hashlib.sha256(f"POST /graphql\n{said}".encode()).digest()


def _names_of(document: DocumentNode, wanted: frozenset[str]) -> frozenset[str]:
    """The names in the answer under which a document asks for such fields."""
    left: list[SelectionSetNode] = [
        one.selection_set for one in document.definitions if isinstance(one, ExecutableDefinitionNode)
    ]
    names: set[str] = set()
    while left:
        for selection in left.pop().selections:
            if isinstance(selection, FieldNode) and selection.name.value in wanted:
                names.add((selection.alias or selection.name).value)
            inner = getattr(selection, "selection_set", None)
            if inner is not None:
                left.append(inner)
    return frozenset(names)


def _without(found: Any, names: frozenset[str]) -> Any:
    match found:
        case dict() if names:
            return {name: None if name in names else _without(one, names) for name, one in found.items()}
        case list():
            return [_without(one, names) for one in found]
    return found


def _check_written(answered: Answered) -> None:
    """Raises _NotKept for a mutation that was refused, and what has broken the transaction, even below it."""
    found = [errors.raised(error) for error in answered.errors]
    # What could be done once more comes first: whatever follows it in a broken transaction fails as well.
    for broken in sorted(found, key=undone, reverse=True):
        if not isinstance(broken, DomainError | HttpError | GraphQLError):
            raise broken
    if not answered.executed or any(len(error.path or ()) < 2 for error in answered.errors):
        raise _NotKept(answered)
