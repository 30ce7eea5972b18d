"""What a query may cost at most, computed before it runs.

The rule: every field costs 1; what stands below a connection counts `first` times (50 unless given), below
any other list five times; `totalCount` costs 100 more and a mutation 10. A field that @skip or @include may
leave out counts. Introspection counts 1 a field. The cost stands in `extensions.cost` of every answer.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_list_type,
    is_object_type,
)
from graphql.type import get_nullable_type
from strawberry.schema.schema_converter import GraphQLCoreConverter

from api.graphql.connections import DEFAULT_PAGE, LARGEST_PAGE, Connection
from api.graphql.errors import QueryError

MOST = 20_000
USUAL_LIST = 5
WEIGHT = "cost"
"""In a field's metadata: what it costs beyond 1."""
_DEFINITION = GraphQLCoreConverter.DEFINITION_BACKREF


def check(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> int:
    """The cost of a validated operation. Raises QueryError `query-too-complex`."""
    root = schema.get_root_type(operation.operation)
    if root is None:
        return 0
    cost = _Costs(schema, document, _values(operation, variables)).of(operation.selection_set, root, 1)
    if cost > MOST:
        told = f"The query costs {_shown(cost)}; at most {MOST}. Ask for a smaller page or fewer parts."
        raise QueryError("query-too-complex", told)
    return cost


def _shown(cost: int) -> str:
    return str(cost) if cost < 10**12 else "more than 10^12"


def _values(operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Variables with the defaults that are whole numbers; others are of no matter here."""
    found = {}
    for defined in operation.variable_definitions or ():
        name = defined.variable.name.value
        given = variables.get(name)
        if name not in variables and isinstance(defined.default_value, IntValueNode):
            given = int(defined.default_value.value[:9])
        found[name] = given
    return found


class _Costs:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema, self._variables = schema, variables
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._known: dict[tuple[str, int], int] = {}

    def of(self, selections: SelectionSetNode, parent: GraphQLObjectType, page: int) -> int:
        """`page` is how often the items of a connection count, where `parent` is one."""
        cost = 0
        for one in selections.selections:
            match one:
                case FieldNode():
                    cost += self._field(one, parent, page)
                case InlineFragmentNode():
                    cost += self.of(one.selection_set, self._narrowed(one, parent), page)
                case FragmentSpreadNode():
                    cost += self._spread(one.name.value, page)
        return cost

    def _field(self, node: FieldNode, parent: GraphQLObjectType, page: int) -> int:
        field = parent.fields.get(node.name.value)
        if field is None:  # __typename, __schema, __type
            return 1 + (_size(node.selection_set) if node.selection_set else 0)
        cost = 1 + weight(field)
        inner = get_named_type(field.type)
        if node.selection_set is None or not is_object_type(inner):
            return cost
        if is_connection(inner):
            return cost + self.of(node.selection_set, inner, self._first(node))
        times = 1
        if is_list_type(get_nullable_type(field.type)):
            times = page if is_connection(parent) else USUAL_LIST
        return cost + times * self.of(node.selection_set, inner, 1)

    def _spread(self, name: str, page: int) -> int:
        key = name, page
        if key not in self._known:
            fragment = self._fragments[name]
            parent = self._schema.type_map[fragment.type_condition.name.value]
            self._known[key] = self.of(fragment.selection_set, parent, page) if is_object_type(parent) else 1
        return self._known[key]

    def _narrowed(self, node: InlineFragmentNode, parent: GraphQLObjectType) -> GraphQLObjectType:
        if node.type_condition is None:
            return parent
        named = self._schema.type_map[node.type_condition.name.value]
        return named if is_object_type(named) else parent

    def _first(self, node: FieldNode) -> int:
        value = next((one.value for one in node.arguments or () if one.name.value == "first"), None)
        match value:
            case None | NullValueNode():
                return DEFAULT_PAGE
            case IntValueNode():
                return min(int(value.value[:9]), LARGEST_PAGE) if value.value.isdigit() else 1
            case VariableNode():
                given = self._variables.get(value.name.value)
                if given is None:
                    return DEFAULT_PAGE
                return min(max(given, 1), LARGEST_PAGE) if isinstance(given, int) else LARGEST_PAGE
        return LARGEST_PAGE


def weight(field: GraphQLField) -> int:
    """What a field costs beyond 1."""
    found: int = field.extensions[_DEFINITION].metadata.get(WEIGHT, 0)
    return found


def is_connection(kind: GraphQLObjectType) -> bool:
    """Whether it is a page of a list, and what stands below it counts as often as the page is long."""
    return issubclass(kind.extensions[_DEFINITION].origin, Connection)


def _size(selections: SelectionSetNode) -> int:
    return sum(
        1 + (_size(one.selection_set) if one.selection_set else 0)
        for one in selections.selections
        if isinstance(one, FieldNode)
    )
