"""Mutations under an Idempotency-Key (contract 1): one write, and its answer kept in the same transaction.

A key stands for one mutation, in the operation itself or in a fragment. Its document is compared as it is parsed:
without spaces and comments, with its variables whatever their order; a value that has become a variable, or a fragment
that has another name, makes another request. Only what has been written is kept, as in REST: a mutation that was
refused, or left out by @skip or @include, leaves its key free.
"""

import hashlib
import json
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
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
    name = _mutation_of(document, operation)
    hashed = _hashed(document, operation, request.variables or {})
    once_shown = _names_of(document, SHOWN_ONCE)

    async def done() -> Answered:
        async with call.writing() as work:
            stored = await earlier(work, call.actor, key, hashed)
            if stored is not None:
                return Answered(orjson.loads(stored.body), executed=True, replayed=True)
            with call.holding(work):
                answered = await run(schema, call, request)
            _check_written(answered, name)
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


def _mutation_of(document: DocumentNode, operation: OperationDefinitionNode) -> str:
    """The name in the answer of the one field that writes. Raises QueryError where it is not one."""
    names = _root_names(document, operation)
    if operation.operation is OperationType.MUTATION and len(names) == 1:
        return names.pop()
    raise QueryError(
        "idempotency-needs-one-mutation",
        "An Idempotency-Key stands for one write: send a mutation with exactly one field, or no key.",
    )


def _root_names(document: DocumentNode, operation: OperationDefinitionNode) -> set[str]:
    """The names under which fields of the root answer, whether they are skipped or not; not of __typename.

    Fields of one name are one: they are executed together, or the document is not valid.
    """
    fragments = {
        one.name.value: one.selection_set
        for one in document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    left, names = [operation.selection_set], set()
    while left:
        for selection in left.pop().selections:
            match selection:
                case FieldNode(name=field) if not field.value.startswith("__"):
                    names.add((selection.alias or field).value)
                case InlineFragmentNode(selection_set=inner):
                    left.append(inner)
                case FragmentSpreadNode(name=spread):
                    # Each once: nothing new is in it a second time, and a cycle ends. Validation refuses it.
                    if spread.value in fragments:
                        left.append(fragments.pop(spread.value))
    return names


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


def _check_written(answered: Answered, name: str) -> None:
    """Raises _NotKept for a mutation that was refused or left out, and what has broken the transaction, even below it."""
    found = [errors.raised(error) for error in answered.errors]
    # What could be done once more comes first: whatever follows it in a broken transaction fails as well.
    for broken in sorted(found, key=undone, reverse=True):
        if not isinstance(broken, DomainError | HttpError | GraphQLError):
            raise broken
    if not answered.executed or any(len(error.path or ()) < 2 for error in answered.errors):
        raise _NotKept(answered)
    if name not in (answered.body["data"] or {}):
        raise _NotKept(answered)
