"""What a query must pass before it runs: its size, its limits, the schema, its cost.

Decision: of Strawberry's limiters only MaxTokensLimiter serves. QueryDepthLimiter and MaxAliasesLimiter open a
fragment as often as it is spread, so that forty short ones hang them; ours look at each fragment once, before validation.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    GraphQLSchema,
    SelectionSetNode,
    get_operation_ast,
)
from strawberry import Schema
from strawberry.extensions import SchemaExtension

from api.graphql import cost, limits
from api.graphql.context import Call, Request
from api.graphql.documents import RULES, Documents, Known, variables_error
from api.graphql.errors import QueryError
from api.graphql.naming import camel
from domain.access.policy import MASKED_FIELDS

_MASKED = {field: camel(field) for field in MASKED_FIELDS}
UNNAMED = "Name one of the query's operations as operationName."


class Admission(SchemaExtension):
    """Our part in each step of one request. The root value is the request, the context its Call."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._known: Known | None = None
        self._cost = 0

    def on_operation(self) -> Iterator[None]:
        """Replaces the rule that would repeat values in its messages; AddValidationRules can only add."""
        self.execution_context.validation_rules = RULES
        yield

    def on_parse(self) -> Iterator[None]:
        """Raises QueryError for a limit that is broken."""
        context = self.execution_context
        text = context.query or ""
        self._known = self._documents.recall(text)
        if self._known is None:
            limits.check_length(text)
        else:
            context.graphql_document = self._known.document
        yield
        if self._known is None and context.graphql_document is not None:  # None: it could not be parsed
            limits.check(context.graphql_document)

    def on_validate(self) -> Iterator[None]:
        """Validates what is not known yet."""
        context = self.execution_context
        if self._known is not None:
            context.pre_execution_errors = list(self._known.errors)
        yield
        if self._known is None and context.graphql_document is not None:
            errors = tuple(context.pre_execution_errors or ())
            self._documents.remember(context.query or "", Known(context.graphql_document, errors))

    def on_execute(self) -> Iterator[None]:
        """Raises QueryError where no one operation is meant, it costs too much, or its variables do not fit."""
        context = self.execution_context
        schema, variables, document = core(context.schema), context.variables or {}, context.graphql_document
        assert document is not None
        # Strawberry would take the first where several stand and none is named.
        asked = cast("Request", context.root_value)
        operation = get_operation_ast(document, asked.operationName)
        if operation is None:
            raise QueryError("unknown-operation", UNNAMED)
        self._cost = cost.check(schema, document, operation, variables)
        call = cast("Call", context.context)
        call.actor = replace(call.actor, asks=_masked_fields_in(document))
        yield
        result = context.result
        in_fields = result is not None and any(error.path for error in result.errors or ())
        if result is not None and result.data is None and not in_fields:
            raise variables_error(schema, operation, variables)

    def get_results(self) -> dict[str, Any]:
        """For the `extensions` of every answer."""
        return {"cost": self._cost}


def _masked_fields_in(document: DocumentNode) -> frozenset[str]:
    """What of the masked fields the document selects anywhere: the access log names no less than is answered."""
    names: set[str] = set()
    left = [one for one in document.definitions if isinstance(one, ExecutableDefinitionNode)]
    sets: list[SelectionSetNode] = [one.selection_set for one in left]
    while sets:
        for selection in sets.pop().selections:
            if isinstance(selection, FieldNode):
                names.add(selection.name.value)
            inner = getattr(selection, "selection_set", None)
            if inner is not None:
                sets.append(inner)
    return frozenset(field for field, name in _MASKED.items() if name in names)


def core(schema: Schema) -> GraphQLSchema:
    """The schema as graphql-core holds it, of which rules and costs are read."""
    # Strawberry has no public name for it; its own extensions use this one.
    return schema._schema
