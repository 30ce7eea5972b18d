"""GraphQL as an explicit table: what each field takes and answers; handlers stay a sentence.

A noun's module fills a `Fields`; `schema.py` lists them and makes the schema of them.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from inspect import Parameter, Signature
from typing import Any, get_args
from uuid import UUID

import orjson
import strawberry
from pydantic import BaseModel
from strawberry.types.field import StrawberryField

from api.errors import HttpError
from api.graphql import arguments, connections
from api.graphql.connections import Keys
from api.graphql.context import Call, Info
from api.graphql.loaders import Row
from api.graphql.naming import pascal
from api.graphql.types import Made, Types, given_field
from api.retrying import settled
from domain.kernel import Document, Listing, Paging

Handler = Callable[..., Awaitable[Any]]
Answer = type[BaseModel]
MUTATION_COST = 10


@dataclass(frozen=True, slots=True)
class Field:
    """One field of Query, Mutation or a value; `make` builds it once the types are known."""

    name: str
    make: Callable[[Types], StrawberryField]


@dataclass(slots=True)
class Fields:
    """The fields of one noun, in the order of the schema."""

    queries: list[Field] = field(default_factory=list)
    mutations: list[Field] = field(default_factory=list)
    edges: list[tuple[Answer, Field]] = field(default_factory=list)

    def by_id(self, name: str, answer: Answer) -> Callable[[Handler], Handler]:
        """`name(id)`: one resource; an error `not-found` where it is absent or hidden."""

        def added(handler: Handler) -> Handler:
            async def resolve(info: Info, id: str) -> Any:
                return plain(await handler(info.context, arguments.identifier(id)))

            args = {"id": strawberry.ID}
            self._query(name, lambda types: types.object(answer), handler, resolve, lambda _: args)
            return handler

        return added

    def query(
        self, name: str, answer: Answer, *, args: type[BaseModel] | None = None, many: bool = False
    ) -> Callable[[Handler], Handler]:
        """A field whose arguments are the fields of a value; `many`: a plain list."""

        def added(handler: Handler) -> Handler:
            async def resolve(info: Info, **given: Any) -> Any:
                if args is None:
                    return plain(await handler(info.context))
                kept = {name: arguments.given(one) for name, one in given.items() if one is not None}
                for name, one in kept.items():
                    kind = args.model_fields[name].annotation
                    if UUID in (kind, *get_args(kind)):
                        arguments.identifier(one)
                return plain(await handler(info.context, arguments.value(args, kept)))

            self._query(
                name,
                lambda types: listed(types.object(answer)) if many else types.object(answer),
                handler,
                resolve,
                lambda types: types.arguments(args) if args else {},
            )
            return handler

        return added

    def connection(
        self,
        name: str,
        node: Answer,
        *,
        filter: type[BaseModel] | None = None,
        input: type[BaseModel] | None = None,
        owner: str | None = None,
        keys: Keys = connections.CREATED,
    ) -> Callable[[Handler], Handler]:
        """A list as a Cursor Connection: its handler takes the filter (or the input) and a page.

        `owner` is an argument with the id of the one whose list it is; the handler takes it first.
        """

        def added(handler: Handler) -> Handler:
            async def resolve(
                info: Info,
                *,
                first: int | None = None,
                after: str | None = None,
                sort: StrEnum | None = None,
                **given: Any,
            ) -> Any:
                call: Call = info.context
                wanted: list[Any] = []
                if owner is not None:
                    wanted.append(arguments.identifier(given[owner]))
                if input is not None:
                    wanted.append(arguments.value(input, given["input"]))
                if filter is not None:
                    wanted.append(arguments.filters(filter, given.get("filter")))

                async def fetch(paging: Paging) -> Listing:
                    found: Listing = await handler(call, *wanted, paging)
                    return found

                order = None if sort is None else str(sort)
                return await connections.page(
                    call, name, keys, fetch, info, first=first, after=after, sort=order
                )

            def made_arguments(types: Types) -> dict[str, Made]:
                args: dict[str, Made] = {}
                if owner is not None:
                    args[owner] = strawberry.ID
                if input is not None:
                    args["input"] = types.input(input, pascal(name) + "Input")
                if filter is not None:
                    args["filter"] = types.input(filter, filter.__name__) | None
                args |= connections.ARGUMENTS
                if len(keys) > 1:
                    words = {_order(order): order for order in keys}
                    args["sort"] = types.enum(f"{node.__name__}Sort", words) | None
                return args

            self._query(name, lambda types: types.connection(node), handler, resolve, made_arguments)
            return handler

        return added

    def mutation(
        self,
        name: str,
        answer: Answer,
        *,
        body: type[BaseModel],
        target: str | None = None,
        kind: type = UUID,
        versioned: bool = False,
        read: Callable[[Any], Awaitable[Any]] | None = None,
        cost: int = MUTATION_COST,
    ) -> Callable[[Handler], Handler]:
        """One `input`, the resource back. `target` is the field of the input that names the resource, and
        `version` plays If-Match: the handler takes (call, [target], body, [version=]). `read` makes something
        else of the input than one value."""

        def added(handler: Handler) -> Handler:
            async def resolve(info: Info, input: Any) -> Any:
                call: Call = info.context
                given, named, more = arguments.given(input), [], {}
                if target is not None:
                    key = given.pop(target)
                    named.append(arguments.identifier(key) if kind is UUID else arguments.code(key))
                if versioned:
                    more["version"] = _expected(given.pop("version", None))
                try:
                    what = arguments.value(body, given) if read is None else await read(given)
                    if call.held:
                        return plain(await handler(call, *named, what, **more))
                    return plain(await settled(lambda: handler(call, *named, what, **more)))
                finally:
                    call.forget()

            def made_input(types: Types) -> Made:
                first: dict[str, StrawberryField] = {}
                if target is not None:
                    first[target] = given_field(strawberry.ID if kind is UUID else kind)
                if versioned:
                    first["version"] = given_field(int | None, _VERSION)
                return types.input(body, pascal(name) + "Input", **first)

            def make(types: Types) -> StrawberryField:
                args = {"input": made_input(types)}
                return _made(types.object(answer), handler, resolve, args, cost=cost)

            self.mutations.append(Field(name, make))
            return handler

        return added

    def edge(
        self, owner: Answer, name: str, answer: Answer, *, many: bool = False
    ) -> Callable[[Handler], Handler]:
        """A part that a value reaches; its handler takes the value as a mapping."""

        def added(handler: Handler) -> Handler:
            async def resolve(root: Row, info: Info) -> Any:
                return await handler(info.context, root)

            def make(types: Types) -> StrawberryField:
                made = types.object(answer)
                return _made(listed(made) if many else made, handler, resolve)

            self.edges.append((owner, Field(name, make)))
            return handler

        return added

    def _query(
        self,
        name: str,
        answer: Callable[[Types], Made],
        handler: Handler,
        resolve: Handler,
        args: Callable[[Types], Mapping[str, Made]],
    ) -> None:
        self.queries.append(Field(name, lambda types: _made(answer(types), handler, resolve, args(types))))


_VERSION = (
    "The version that was read. Without it: precondition-required; not the stored one: version-mismatch."
)


def _made(
    kind: Made, handler: Handler, resolve: Any, args: Mapping[str, Made] | None = None, **metadata: int
) -> StrawberryField:
    """A field that may be null: its error leaves the rest standing. Strawberry reads arguments off a signature."""
    if args is not None:
        first = Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=Info)
        more = [
            Parameter(name, Parameter.KEYWORD_ONLY, annotation=one, default=strawberry.UNSET)
            for name, one in args.items()
        ]
        resolve.__signature__ = Signature([first, *more])
    made: StrawberryField = strawberry.field(
        resolver=resolve,
        graphql_type=kind | None,
        description=inspect.getdoc(handler),
        metadata=metadata,
    )
    return made


def listed(item: Made) -> Made:
    """A list of these."""
    return list[item]


def plain(found: Any) -> Any:
    """What a use case answers, finished JSON for the most part, as mappings for the resolvers."""
    match found:
        case Document():
            return orjson.loads(found.text)
        case bytes():
            return orjson.loads(found)
        case BaseModel():
            return found.model_dump(mode="json")
    return found


def _expected(version: int | None) -> int:
    if version is None:
        raise HttpError(428, "precondition-required", "Send the version that you read as input.version.")
    return version


def _order(order: str) -> str:
    return f"{order.removeprefix('-')}_desc" if order.startswith("-") else order
