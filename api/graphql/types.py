"""Strawberry types made from the domain's values: a field is written once, in the domain.

Decision: a class is made for each value and handed to strawberry.type, strawberry.input or strawberry.enum, not
written out a second time. Its cost is this module; what it saves is every type of the domain declared twice.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from types import NoneType, UnionType, new_class
from typing import Annotated, Any, Literal, TypeAlias, Union, cast, get_args, get_origin
from uuid import UUID

import strawberry
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo
from strawberry.scalars import JSON
from strawberry.types.field import StrawberryField

from api.graphql.connections import Connection
from api.graphql.naming import pascal
from domain.access.actor import Scope
from domain.registry.household import Classification, Dimension

_LEAVES: dict[Any, Any] = {
    **{kind: kind for kind in (str, int, float, bool, date, datetime, Decimal)},
    UUID: strawberry.ID,
    AwareDatetime: datetime,
    Scope: str,  # a scope is a grammar, `resource:right`, and no name
}
_NAMES: dict[Any, str] = {Dimension: "DimensionCode"}  # the row of reference data is the Dimension
_WORDS: tuple[type[Enum], ...] = (Dimension, Classification)
"""Enums that other values write out as a closed list of words."""
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
_LISTS = (list, tuple, set, frozenset, Sequence)

Made: TypeAlias = Any
"""A class that Strawberry knows, or an annotation of such: made here, so that no type checker can follow."""
Edges = Mapping[type[BaseModel], Mapping[str, Callable[["Types"], StrawberryField]]]


class Types:
    """Makes each type once. `edges` are the parts that a value reaches beyond its own fields."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        self._objects: dict[type[BaseModel], Made] = {}
        self._inputs: dict[str, Made] = {}
        self._enums: dict[str, Made] = {}
        self._connections: dict[type[BaseModel], Made] = {}

    # -- answers

    def object(self, model: type[BaseModel]) -> Made:
        """The object of a value, with its edges."""
        if model not in self._objects:
            made = self._objects[model] = _empty(_NAMES.get(model, model.__name__))
            # Values reach each other in rings: what asks for this one meanwhile gets the class, still without fields.
            for name, field in model.model_fields.items():
                setattr(made, name, self._own(model, name, field))
            for name, edge in self._edges_of(model).items():
                setattr(made, name, edge(self))
            strawberry.type(made, name=made.__name__, description=_doc(model))
        return self._objects[model]

    def _own(self, model: type[BaseModel], name: str, field: FieldInfo) -> StrawberryField:
        kind = self._shaped(field.annotation, _owner(model, name), self.object)
        made: StrawberryField = strawberry.field(graphql_type=kind, description=_said(field))
        return made

    def _edges_of(self, model: type[BaseModel]) -> dict[str, Callable[["Types"], StrawberryField]]:
        return {name: edge for kind in model.__mro__ for name, edge in self._edges.get(kind, {}).items()}

    def connection(self, node: type[BaseModel]) -> Made:
        """The connection of a list of these."""
        if node not in self._connections:
            item, generic = self.object(node), cast("Made", Connection)
            name = f"{item.__name__}Connection"
            made = new_class(name, (generic[item],), exec_body=_here)
            said = f"A page of {item.__name__} items."
            self._connections[node] = strawberry.type(made, name=name, description=said)
        return self._connections[node]

    # -- input

    def input(self, model: type[BaseModel], name: str, **more: StrawberryField) -> Made:
        """The input of a draft, a patch or a filter; `more` are fields that stand before its own."""
        if name not in self._inputs:
            made = self._inputs[name] = _empty(name)
            for more_name, field in more.items():
                setattr(made, more_name, field)
            for own_name, info in model.model_fields.items():
                kind = self._input_type(info, _owner(model, own_name))
                setattr(made, own_name, given_field(kind, _said(info), info.alias))
            strawberry.input(made, name=name, description=_doc(model))
        return self._inputs[name]

    def arguments(self, model: type[BaseModel]) -> dict[str, Made]:
        """The fields of a value as annotations of a resolver's arguments."""
        return {
            name: Annotated[
                self._input_type(field, _owner(model, name)), strawberry.argument(description=_said(field))
            ]
            for name, field in model.model_fields.items()
        }

    def _input_type(self, field: FieldInfo, owner: str) -> Made:
        made = self._shaped(field.annotation, owner, self._nested_input)
        # What has a default may be left out; absent and null stay different, and the value judges them.
        return made if field.is_required() else made | None

    def _nested_input(self, model: type[BaseModel]) -> Made:
        return self.input(model, model.__name__.removesuffix("Draft") + "Input")

    # -- both

    def enum(self, name: str, values: Mapping[str, str], description: str | None = None) -> Made:
        """An enum by its upper-case names."""
        if name not in self._enums:
            # A class of our own: Strawberry writes on the class it is handed, and the domain's are not ours.
            members = {word.upper(): value for word, value in values.items()}
            made = cast("Made", StrEnum)(name, members)
            self._enums[name] = strawberry.enum(made, name=name, description=description)
        return self._enums[name]

    def _named_enum(self, kind: type[Enum]) -> Made:
        named = {member.name: str(member.value) for member in kind}
        return self.enum(_NAMES.get(kind, kind.__name__), named, _doc(kind))

    def _shaped(self, annotation: Any, owner: str, of_model: Callable[[type[BaseModel]], Made]) -> Made:
        """The annotation in Strawberry's types: non-null unless it allows None."""
        inner, nullable = _unwrapped(annotation)
        made = self._named(inner, owner, of_model)
        return made | None if nullable else made

    def _named(self, inner: Any, owner: str, of_model: Callable[[type[BaseModel]], Made]) -> Made:
        if inner in _LEAVES:
            return _LEAVES[inner]
        origin = get_origin(inner)
        if origin in _LISTS:
            return list[self._shaped(get_args(inner)[0], owner, of_model)]  # type: ignore[misc]
        if origin is Literal:
            return self._literal(get_args(inner), owner)
        if isinstance(inner, type) and issubclass(inner, Enum):
            return self._named_enum(inner)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            return of_model(inner)
        # Unions and mappings: an input cannot be a union, and a map has no fixed fields.
        return JSON

    def _literal(self, words: Sequence[Any], owner: str) -> Made:
        if not all(isinstance(word, str) and _IDENTIFIER.fullmatch(word) for word in words):
            return str
        same = next((kind for kind in _WORDS if {one.value for one in kind} == set(words)), None)
        return self.enum(owner, {word: word for word in words}) if same is None else self._named_enum(same)


def given_field(kind: Made, description: str | None = None, name: str | None = None) -> StrawberryField:
    """A field of an input; UNSET where a caller leaves it out, which only a nullable one may be.

    `name` where it is another than the attribute's: a word that Python keeps for itself.
    """
    nullable = NoneType in get_args(kind)
    made: StrawberryField = (
        strawberry.field(graphql_type=kind, description=description, name=name, default=strawberry.UNSET)
        if nullable
        else strawberry.field(graphql_type=kind, description=description, name=name)
    )
    return made


def _empty(name: str) -> Made:
    return type(name, (), {"__module__": __name__})


def _here(namespace: dict[str, Any]) -> None:
    namespace["__module__"] = __name__


def _unwrapped(annotation: Any) -> tuple[Any, bool]:
    """The annotation without its metadata and without None, and whether None was allowed."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) not in (Union, UnionType):
        return annotation, False
    kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
    nullable = len(kinds) < len(get_args(annotation))
    return (_unwrapped(kinds[0])[0] if len(kinds) == 1 else annotation), nullable


def _owner(model: type[BaseModel], field: str) -> str:
    """A name for the closed list of words of a field: where it was first written, and the field."""
    first = next(one for one in reversed(model.__mro__) if field in inspect.get_annotations(one))
    return first.__name__.removesuffix("Draft") + pascal(field)


def _said(field: FieldInfo) -> str | None:
    return inspect.cleandoc(field.description) if field.description else None


def _doc(of: type) -> str | None:
    own = of.__dict__.get("__doc__")
    return inspect.cleandoc(own) if own else None
