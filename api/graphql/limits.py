"""How large a query may be before anything looks at its meaning: tokens, depth, aliases, repetitions.

One walk over the document, linear in its size however fragments are nested; cycles are left to validation.
"""

from collections import Counter
from collections.abc import Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from api.graphql.errors import QueryError

MOST_TOKENS = 2_000
MOST_CHARACTERS = 100_000
DEEPEST = 10
"""Fields within fields; introspection has its own bound, MaxIntrospectionDepthRule."""
MOST_ALIASES = 30
MOST_REPEATS = 10
"""How often one name may stand in a selection: merging repeated fields costs the square of it."""
MOST_INTROSPECTIONS = 3
MOST_FRAGMENTS = 50
INTROSPECTION = ("__schema", "__type")


def check_length(text: str) -> None:
    """Raises QueryError for a query that is not worth parsing."""
    if len(text) > MOST_CHARACTERS:
        raise QueryError("query-too-long", f"A query has at most {MOST_CHARACTERS} characters.")


def check(document: DocumentNode) -> None:
    """Raises QueryError with the code of the limit that is broken."""
    fragments = {
        one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
    }
    if len(fragments) > MOST_FRAGMENTS:
        raise QueryError("too-many-fragments", f"A query has at most {MOST_FRAGMENTS} fragments.")
    roots = [
        one
        for one in document.definitions
        if isinstance(one, OperationDefinitionNode | FragmentDefinitionNode)
    ]
    aliases = introspections = 0
    for root in roots:
        for selections in _sets(root.selection_set):
            fields = [one for one in selections.selections if isinstance(one, FieldNode)]
            aliases += sum(one.alias is not None for one in fields)
            introspections += sum(one.name.value in INTROSPECTION for one in fields)
            _check_repeats(selections)
    if aliases > MOST_ALIASES:
        raise QueryError("too-many-aliases", f"A query has at most {MOST_ALIASES} aliases.")
    if introspections > MOST_INTROSPECTIONS:
        told = f"A query asks for __schema or __type at most {MOST_INTROSPECTIONS} times."
        raise QueryError("too-much-introspection", told)
    depths = _Depths(fragments)
    operations = [root for root in roots if isinstance(root, OperationDefinitionNode)]
    if any(depths.of(one.selection_set) > DEEPEST for one in operations):
        raise QueryError("query-too-deep", f"A query has at most {DEEPEST} levels of fields.")


def _sets(first: SelectionSetNode) -> Iterator[SelectionSetNode]:
    waiting = [first]
    while waiting:
        selections = waiting.pop()
        yield selections
        for one in selections.selections:
            inner = one.selection_set if isinstance(one, FieldNode | InlineFragmentNode) else None
            if inner is not None:
                waiting.append(inner)


def _check_repeats(selections: SelectionSetNode) -> None:
    names = Counter(_label(one) for one in selections.selections)
    if names and names.most_common(1)[0][1] > MOST_REPEATS:
        raise QueryError(
            "too-many-repeats", f"A selection names the same thing at most {MOST_REPEATS} times."
        )


def _label(one: SelectionNode) -> str:
    match one:
        case FieldNode():
            return (one.alias or one.name).value
        case FragmentSpreadNode():
            return f"...{one.name.value}"
        case InlineFragmentNode(type_condition=condition):
            return "... on" if condition is None else f"... on {condition.name.value}"
    return ""


class _Depths:
    """Levels of fields below a selection; each fragment is measured once."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, int] = {}

    def of(self, selections: SelectionSetNode) -> int:
        return max((self._one(one) for one in selections.selections), default=0)

    def _one(self, one: SelectionNode) -> int:
        match one:
            case FieldNode():
                deeper = one.selection_set is not None and not one.name.value.startswith("__")
                return 1 + (self.of(one.selection_set) if deeper and one.selection_set else 0)
            case InlineFragmentNode():
                return self.of(one.selection_set)
            case FragmentSpreadNode():
                return self._fragment(one.name.value)
        return 0

    def _fragment(self, name: str) -> int:
        if name not in self._known:
            self._known[name] = 0  # also what a cycle finds: NoFragmentCyclesRule refuses it
            fragment = self._fragments.get(name)
            if fragment is not None:
                self._known[name] = self.of(fragment.selection_set)
        return self._known[name]
