"""Documents that were admitted lately, and what is told of those that are not valid.

Decision: messages that graphql-core makes of values are replaced by our own, because they quote the input;
a client is told where, and which fault, and never what it sent.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLInputType,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    ValueNode,
    VisitorAction,
    get_named_type,
    is_input_object_type,
    is_input_type,
    specified_rules,
    type_from_ast,
)
from graphql.language import SKIP
from graphql.utilities.validate_input_value import validate_input_literal, validate_input_value
from graphql.validation import ValuesOfCorrectTypeRule

from api.graphql import limits
from api.graphql.errors import QueryError
from domain.errors import Fault, Invalid

REMEMBERED = 131_072
"""Characters of queries that are remembered: a parsed query takes some 250 times its text at the worst."""
LONGEST_REMEMBERED = 16_384
MOST_FAULTS = 50

_FIELD = re.compile(r"(?:required|unknown) field '([A-Za-z_][A-Za-z0-9_]{0,39})'")
_NUMBER = re.compile(r"[0-9][0-9_]{7,}")
"""In a name: longer than any number of ours, and perhaps somebody's."""
_FAULTS = (
    ("required field", "required", "It is required."),
    ("unknown field", "unknown-field", "There is no such field."),
    ("non-null type", "required", "It must not be null."),
    ("enum", "unknown-value", "It is not one of the known values."),
    ("out of range", "out-of-range", "It is out of range."),
    ("non 32-bit", "out-of-range", "It is out of range."),
)


def _fault(message: str, path: list[str | int], where: str) -> Fault:
    steps = [str(step) for step in path]
    if named := _FIELD.search(message):
        steps.append(_NUMBER.sub("[redacted]", named[1]))
    code, detail = next(
        ((code, detail) for words, code, detail in _FAULTS if words in message),
        ("wrong-type", "It has the wrong type or form."),
    )
    return Fault("/".join([where, *steps]), code, detail)


def _root(kind: GraphQLInputType, otherwise: str) -> str:
    """Where pointers into an argument start: a body is the root, a filter is `filter/…`, as the domain's faults say."""
    named = get_named_type(kind)
    if not is_input_object_type(named):
        return otherwise
    return "filter" if named.name.endswith("Filter") else ""


class _Values(ValuesOfCorrectTypeRule):
    """The specification's rule, without the input in its messages."""

    def is_valid_value_node(self, node: ValueNode, input_type: GraphQLInputType | None) -> VisitorAction:
        argument = self.context.get_argument()
        where = "" if argument is None else _root(argument.type, "arguments")

        def on_error(error: GraphQLError, path: list[str | int]) -> None:
            self.report_error(_invalid(_fault(error.message, path, where), nodes=error.nodes))

        if input_type:
            validate_input_literal(node, input_type, on_error, None, None, True)
        return SKIP


def _invalid(*faults: Fault, nodes: Any = None) -> QueryError:
    return QueryError(Invalid.code, "The request has faults; see errors.", nodes=nodes, faults=faults)


RULES = tuple(_Values if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules)


@dataclass(frozen=True, slots=True)
class Known:
    """A document within the limits, and what is wrong with it."""

    document: DocumentNode
    errors: tuple[GraphQLError, ...] = ()


class Documents:
    """Those seen lately are neither parsed nor validated again.

    Decision: bounded by characters; the caches of Strawberry count entries, and one may be a hundred times another.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._size = 0

    def recall(self, text: str) -> Known | None:
        """What is known of a query."""
        known = self._known.get(text)
        if known is not None:
            self._known.move_to_end(text)
        return known

    def remember(self, text: str, known: Known) -> None:
        """Keeps it in the place of what was not asked for longest."""
        if len(text) > LONGEST_REMEMBERED or text in self._known:
            return
        self._known[text] = known
        self._size += len(text)
        while self._size > REMEMBERED:
            forgotten, _ = self._known.popitem(last=False)
            self._size -= len(forgotten)


def told(error: GraphQLError) -> GraphQLError:
    """An error that stopped a query before it ran, in words that repeat none of its values."""
    match error:
        case QueryError() | GraphQLError(original_error=Exception()):
            return error
        case GraphQLSyntaxError() if "tokens" in error.message:
            said = f"A query has at most {limits.MOST_TOKENS} tokens; send values as variables."
            return QueryError("too-many-tokens", said)
        case GraphQLSyntaxError():
            said = "The query is not valid GraphQL; see locations."
            return QueryError("malformed-query", said, source=error.source, positions=error.positions)
    # The message names what is not in the schema: a name of the caller's.
    return QueryError("invalid-query", _NUMBER.sub("[redacted]", error.message), nodes=error.nodes)


def variables_error(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: Mapping[str, Any]
) -> QueryError:
    """What is wrong with the variables of an operation that could not be started."""
    faults: list[Fault] = []
    for defined in operation.variable_definitions or ():
        name, kind = defined.variable.name.value, type_from_ast(schema, defined.type)
        if kind is None or not is_input_type(kind):
            continue
        if name not in given:
            if str(kind).endswith("!") and defined.default_value is None:
                faults.append(Fault(f"variables/{name}", "required", "It is required."))
            continue
        where = _root(kind, f"variables/{name}")

        def on_error(error: GraphQLError, path: list[str | int], where: str = where) -> None:
            faults.append(_fault(error.message, path, where))

        try:
            validate_input_value(given[name], kind, on_error, True)
        except RecursionError:
            faults.append(Fault(where, "too-deep", "It is nested too deeply."))
    return _invalid(*faults[:MOST_FAULTS])
