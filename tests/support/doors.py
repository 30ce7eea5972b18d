"""REST and GraphQL behind the same verbs: a scenario is written once and goes through either door.

Both speak the contract's snake_case and lower-case words here. GraphQL's spelling is converted along the
schema that the service itself publishes by introspection, so that a field one door lacks is seen as missing.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

import httpx2
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    get_introspection_query,
    get_named_type,
)

from tests.support.api import Api

Body: TypeAlias = Mapping[str, Any]
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
_UPPER = re.compile(r"(?<=[a-z0-9])([A-Z])")
_LOWER = re.compile(r"_([a-z0-9])")
INCLUDES = ("problems", "analyses", "assignments", "assistance")
EDGES: Mapping[str, frozenset[str]] = {
    "Household": frozenset(INCLUDES),
    "Person": frozenset({"household"}),
    "Problem": frozenset({"household", "person", "assignments", "menuMatches"}),
    "Assignment": frozenset({"household", "problems", "menu"}),
    "AssistanceEvent": frozenset({"household"}),
    "RecordedEvent": frozenset({"household"}),
    "MenuMatch": frozenset({"menu"}),
}
"""What GraphQL objects reach beyond the resource of REST."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What either door answered: data in snake_case, or a code with its faults."""

    data: Any
    code: str | None
    faults: tuple[tuple[str, str], ...]
    """(pointer, code) of each; pointers as REST spells them."""
    more: Mapping[str, Any]
    """Further members of an error: `allowed`, `scope`."""
    response: httpx2.Response

    @property
    def items(self) -> list[Any]:
        found: list[Any] = self.good["items"]
        return found

    @property
    def good(self) -> Any:
        """The data of an answer that has to be one."""
        assert self.code is None, self.response.text
        return self.data

    @property
    def refusal(self) -> tuple[str | None, tuple[tuple[str, str], ...]]:
        return self.code, self.faults


def plain(value: Any) -> Any:
    """The same value with every time as an aware one in UTC."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, str) and _TIME.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC)
    return value


class Door:
    """What both doors do; every verb takes the name of the client that calls."""

    name = "door"

    def __init__(self, api: Api) -> None:
        self.api = api

    @staticmethod
    def _headers(more: dict[str, Any]) -> dict[str, str]:
        """X-Purpose is sent unless a scenario leaves it out with `purpose=None`."""
        purpose = more.pop("purpose", "casework")
        return {**more.pop("headers", {}), **({} if purpose is None else {"X-Purpose": purpose})}


class RestDoor(Door):
    name = "rest"

    async def _call(self, who: str | None, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        headers = self._headers(more)
        version = more.pop("version", None)
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        given = await self.api.call(who, method, path, body, headers=headers, **more)
        shown = given.json() if given.content else None
        if given.status_code < 400:
            return Answer(plain(shown), None, (), {}, given)
        faults = tuple((one["pointer"], one["code"]) for one in shown["errors"])
        return Answer(None, shown["code"], faults, shown, given)

    async def _list(
        self,
        who: str | None,
        path: str,
        where: Body | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: str | None = None,
        count: bool = False,
        **more: Any,
    ) -> Answer:
        asked: dict[str, Any] = {
            **(where or {}),
            "limit": limit,
            "cursor": cursor,
            "sort": sort,
            "count": "exact" if count else None,
        }
        pairs = [
            (name, str(one).lower() if isinstance(one, bool) else one)
            for name, value in asked.items()
            if value is not None
            for one in (value if isinstance(value, list | tuple) else [value])
        ]
        return await self._call(who, "GET", f"{path}?{urlencode(pairs)}" if pairs else path, **more)

    async def raw(self, who: str, text: str | bytes, **more: Any) -> Answer:
        """The text as it stands, as the body that creates a household."""
        given = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        return await self._call(who, "POST", "/v1/households", given, **more)

    # -- registry

    async def create_household(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self._call(who, "POST", "/v1/households", body, **more)

    async def household(
        self, who: str | None, id: str, *, include: Sequence[str] = (), **more: Any
    ) -> Answer:
        asked = f"?include={','.join(include)}" if include else ""
        return await self._call(who, "GET", f"/v1/households/{quote(id)}{asked}", **more)

    async def households(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "/v1/households", where, **more)

    async def search(
        self,
        who: str | None,
        wanted: Body,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **more: Any,
    ) -> Answer:
        paged = {name: one for name, one in (("limit", limit), ("cursor", cursor)) if one is not None}
        return await self._call(who, "POST", "/v1/households/search", {**wanted, **paged}, **more)

    async def patch_household(self, who: str | None, id: str, patch: Body, **more: Any) -> Answer:
        return await self._call(who, "PATCH", f"/v1/households/{id}", patch, **more)

    async def put_results(self, who: str | None, id: str, body: Body, **more: Any) -> Answer:
        return await self._call(who, "PUT", f"/v1/households/{id}/indicator-results", body, **more)

    async def person(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self._call(who, "GET", f"/v1/persons/{id}", **more)

    async def patch_person(self, who: str | None, id: str, patch: Body, **more: Any) -> Answer:
        return await self._call(who, "PATCH", f"/v1/persons/{id}", patch, **more)

    # -- casework

    async def create_problem(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self._call(who, "POST", "/v1/problems", body, **more)

    async def problem(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self._call(who, "GET", f"/v1/problems/{id}", **more)

    async def problems(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "/v1/problems", where, **more)

    async def patch_problem(self, who: str | None, id: str, patch: Body, **more: Any) -> Answer:
        return await self._call(who, "PATCH", f"/v1/problems/{id}", patch, **more)

    async def transition_problem(self, who: str | None, id: str, move: Body, **more: Any) -> Answer:
        return await self._call(who, "POST", f"/v1/problems/{id}/transitions", move, **more)

    async def menu_matches(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self._call(who, "GET", f"/v1/problems/{id}/menu-matches", **more)

    async def analysis(self, who: str | None, household_id: str, body: Body, **more: Any) -> Answer:
        return await self._call(who, "POST", f"/v1/households/{household_id}/analyses", body, **more)

    async def analyses(self, who: str | None, household_id: str, **more: Any) -> Answer:
        return await self._list(who, f"/v1/households/{household_id}/analyses", **more)

    async def create_assignment(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self._call(who, "POST", "/v1/assignments", body, **more)

    async def assignment(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self._call(who, "GET", f"/v1/assignments/{id}", **more)

    async def assignments(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "/v1/assignments", where, **more)

    async def transition_assignment(self, who: str | None, id: str, move: Body, **more: Any) -> Answer:
        return await self._call(who, "POST", f"/v1/assignments/{id}/transitions", move, **more)

    async def menus(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "/v1/menus", where, **more)

    async def menu(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self._call(who, "GET", f"/v1/menus/{id}", **more)

    async def create_menu(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self._call(who, "POST", "/v1/menus", body, **more)

    async def patch_menu(self, who: str | None, id: str, patch: Body, **more: Any) -> Answer:
        return await self._call(who, "PATCH", f"/v1/menus/{id}", patch, **more)

    # -- assistance

    async def record_assistance(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self._call(who, "POST", "/v1/assistance-events", body, **more)

    async def event(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self._call(who, "GET", f"/v1/assistance-events/{id}", **more)

    async def event_by_external_id(self, who: str | None, external_id: str, **more: Any) -> Answer:
        path = f"/v1/assistance-events/by-external-id/{quote(external_id, safe='')}"
        return await self._call(who, "GET", path, **more)

    async def events(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "/v1/assistance-events", where, **more)

    async def receipt(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self._call(who, "GET", f"/v1/assistance-events/{id}/receipt", **more)

    # -- access and reference

    async def me(self, who: str | None, **more: Any) -> Answer:
        return await self._call(who, "GET", "/v1/me/access", **more)

    async def clients(self, who: str | None, **more: Any) -> Answer:
        return await self._list(who, "/v1/clients", **more)

    async def client(self, who: str | None, client_id: str, **more: Any) -> Answer:
        return await self._call(who, "GET", f"/v1/clients/{client_id}", **more)

    async def create_client(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self._call(who, "POST", "/v1/clients", body, **more)

    async def patch_client(self, who: str | None, client_id: str, patch: Body, **more: Any) -> Answer:
        return await self._call(who, "PATCH", f"/v1/clients/{client_id}", patch, **more)

    async def areas(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "/v1/areas", where, **more)

    async def area(self, who: str | None, code: str, **more: Any) -> Answer:
        return await self._call(who, "GET", f"/v1/areas/{code}", **more)

    async def agencies(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "/v1/agencies", where, **more)

    async def agency(self, who: str | None, code: str, **more: Any) -> Answer:
        return await self._call(who, "GET", f"/v1/agencies/{code}", **more)

    async def create_agency(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self._call(who, "POST", "/v1/agencies", body, **more)

    async def patch_agency(self, who: str | None, code: str, patch: Body, **more: Any) -> Answer:
        return await self._call(who, "PATCH", f"/v1/agencies/{code}", patch, **more)

    async def indicators(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "/v1/indicators", where, **more)

    async def indicator(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self._call(who, "GET", f"/v1/indicators/{id}", **more)

    async def dimensions(self, who: str | None, **more: Any) -> Answer:
        return _items_of(await self._call(who, "GET", "/v1/dimensions", **more))

    async def code_lists(self, who: str | None, **more: Any) -> Answer:
        return _items_of(await self._call(who, "GET", "/v1/codes", **more))

    async def codes(self, who: str | None, name: str, **more: Any) -> Answer:
        return _items_of(await self._call(who, "GET", f"/v1/codes/{name}?limit=200", **more))

    async def campaigns(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "/v1/campaigns", where, **more)

    async def campaign(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self._call(who, "GET", f"/v1/campaigns/{id}", **more)


def _items_of(answer: Answer) -> Answer:
    """A list that has one page, as the bare list that GraphQL gives."""
    if answer.code is not None:
        return answer
    return Answer(answer.data["items"], None, (), {}, answer.response)


# -- GraphQL's spelling


def snake(name: str) -> str:
    """`householdId` → `household_id`."""
    return _UPPER.sub(lambda found: f"_{found[1].lower()}", name)


def camel(name: str) -> str:
    """`household_id` → `householdId`."""
    return _LOWER.sub(lambda found: found[1].upper(), name)


def _word(kind: GraphQLEnumType, value: str) -> str:
    # A name of GraphQL cannot begin with a digit: target group 1a is G1A.
    return value.removeprefix("G").lower() if kind.name == "Group" else value.lower()


def _unwrapped(kind: Any) -> Any:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def asked(value: Any, kind: Any) -> Any:
    """A value of REST as GraphQL's input type wants it; what the type does not know goes through as it is."""
    kind = _unwrapped(kind)
    match kind:
        case GraphQLList() if isinstance(value, list | tuple):
            return [asked(one, kind.of_type) for one in value]
        case GraphQLList():
            return asked(value, kind.of_type)
        case GraphQLInputObjectType() if isinstance(value, Mapping):
            fields = kind.fields
            return {
                camel(name): asked(one, fields[camel(name)].type) if camel(name) in fields else one
                for name, one in value.items()
            }
        case GraphQLEnumType() if isinstance(value, str):
            return f"G{value}".upper() if kind.name == "Group" else value.upper()
    return value


def answered(value: Any, kind: Any) -> Any:
    """A value of GraphQL as REST shows it."""
    kind = _unwrapped(kind)
    if value is None:
        return None
    match kind:
        case GraphQLList():
            return [answered(one, kind.of_type) for one in value]
        case GraphQLObjectType():
            return {
                snake(name): answered(one, kind.fields[name].type) if name in kind.fields else one
                for name, one in value.items()
            }
        case GraphQLEnumType():
            return _word(kind, value)
    return value


def selection(kind: Any, *, edges: Iterable[str] = ()) -> str:
    """Every field of a type but its edges, and those edges that are named."""
    named = get_named_type(kind)
    if not isinstance(named, GraphQLObjectType):
        return ""
    left_out = EDGES.get(named.name, frozenset()) - set(edges)
    parts = [f"{name}{selection(one.type)}" for name, one in named.fields.items() if name not in left_out]
    return " { " + " ".join(parts) + " }"


def pointer(place: str) -> str:
    """The place of a fault as REST spells it."""
    if place in ("after", "first", "sort"):
        return {"after": "query/cursor", "first": "query/limit", "sort": "query/sort"}[place]
    steps = [step if step.startswith("X-") else snake(step) for step in place.split("/")]
    return "/".join(["query", *steps[1:]] if steps[0] == "filter" else steps)


class GraphqlDoor(Door):
    name = "graphql"
    _schema: GraphQLSchema | None = None

    async def schema(self) -> GraphQLSchema:
        """The schema that the service publishes."""
        if GraphqlDoor._schema is None:
            given = await self.api.graphql("frontend", get_introspection_query(descriptions=False))
            GraphqlDoor._schema = build_client_schema(given.json()["data"])
        return GraphqlDoor._schema

    async def query(self, who: str | None, field: str, arguments: Body | None = None, **more: Any) -> Answer:
        """A field of Query with its arguments in REST's spelling."""
        return await self._run("query", who, field, arguments or {}, **more)

    async def mutation(self, who: str | None, field: str, input: Body, **more: Any) -> Answer:
        """A field of Mutation with its input in REST's spelling."""
        return await self._run("mutation", who, field, {"input": input}, **more)

    async def _run(
        self,
        operation: str,
        who: str | None,
        field: str,
        arguments: Body,
        *,
        select: str | None = None,
        edges: Iterable[str] = (),
        **more: Any,
    ) -> Answer:
        schema = await self.schema()
        root = schema.query_type if operation == "query" else schema.mutation_type
        assert root is not None
        made: GraphQLField = root.fields[field]
        shown = selection(made.type, edges=edges) if select is None else select
        declared = ", ".join(f"${name}: {made.args[name].type}" for name in arguments)
        passed = ", ".join(f"{name}: ${name}" for name in arguments)
        text = f"{operation} {f'({declared})' if declared else ''} {{ {field}{f'({passed})' if passed else ''}{shown} }}"
        variables = {name: asked(value, made.args[name].type) for name, value in arguments.items()}
        given = await self.api.graphql(who, text, variables, headers=self._headers(more), **more)
        return self._answer(given, field, made)

    def _answer(self, given: httpx2.Response, field: str, made: GraphQLField | None) -> Answer:
        shown = given.json()
        if "errors" in shown:
            told = shown["errors"][0]["extensions"]
            faults = tuple((pointer(one["pointer"]), one["code"]) for one in told["errors"])
            return Answer(None, told["code"], faults, told, given)
        assert made is not None
        value = shown["data"][field]
        return Answer(plain(answered(value, made.type)), None, (), {}, given)

    async def _list(
        self,
        who: str | None,
        field: str,
        arguments: Body | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: str | None = None,
        count: bool = False,
        **more: Any,
    ) -> Answer:
        made = (await self.schema()).query_type
        assert made is not None
        kind = get_named_type(made.fields[field].type)
        assert isinstance(kind, GraphQLObjectType)
        total = " totalCount" if count else ""
        nodes = selection(kind.fields["nodes"].type)
        asked_for = {
            "first": limit,
            "after": cursor,
            "sort": None if sort is None else _order(sort),
            **(arguments or {}),
        }
        given = {name: one for name, one in asked_for.items() if one is not None}
        select = f" {{ nodes{nodes} pageInfo {{ hasNextPage endCursor }}{total} }}"
        answer = await self.query(who, field, given, select=select, **more)
        if answer.code is not None:
            return answer
        page = answer.data["page_info"]
        data = {
            "items": answer.data["nodes"],
            "next_cursor": page["end_cursor"] if page["has_next_page"] else None,
            **({"total": answer.data["total_count"]} if count else {}),
        }
        return Answer(data, None, (), {}, answer.response)

    async def raw(self, who: str, text: str | bytes, **more: Any) -> Answer:
        """The text as it stands, as the variable that creates a household."""
        given = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        query = "mutation ($input: CreateHouseholdInput!) { createHousehold(input: $input) { id } }"
        body = b'{"query": ' + json.dumps(query).encode() + b', "variables": {"input": ' + given + b"}}"
        sent = await self.api.call(who, "POST", "/graphql", body, headers=self._headers(more), **more)
        return self._answer(sent, "createHousehold", None)

    async def _amended(
        self, who: str | None, field: str, key: Body, patch: Body, version: int | None, **more: Any
    ) -> Answer:
        named = {} if version is None else {"version": version}
        return await self.mutation(who, field, {**key, **named, **patch}, **more)

    # -- registry

    async def create_household(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self.mutation(who, "createHousehold", body, **more)

    async def household(
        self, who: str | None, id: str, *, include: Sequence[str] = (), **more: Any
    ) -> Answer:
        return await self.query(who, "household", {"id": id}, edges=include, **more)

    async def households(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "households", {"filter": where} if where else None, **more)

    async def search(self, who: str | None, wanted: Body, **more: Any) -> Answer:
        return await self._list(who, "searchHouseholds", {"input": wanted}, **more)

    async def patch_household(
        self, who: str | None, id: str, patch: Body, *, version: int | None = None, **more: Any
    ) -> Answer:
        return await self._amended(who, "updateHousehold", {"id": id}, patch, version, **more)

    async def put_results(self, who: str | None, id: str, body: Body, **more: Any) -> Answer:
        return await self.mutation(who, "putIndicatorResults", {"household_id": id, **body}, **more)

    async def person(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self.query(who, "person", {"id": id}, **more)

    async def patch_person(
        self, who: str | None, id: str, patch: Body, *, version: int | None = None, **more: Any
    ) -> Answer:
        return await self._amended(who, "updatePerson", {"id": id}, patch, version, **more)

    # -- casework

    async def create_problem(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self.mutation(who, "createProblem", body, **more)

    async def problem(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self.query(who, "problem", {"id": id}, **more)

    async def problems(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "problems", {"filter": where} if where else None, **more)

    async def patch_problem(
        self, who: str | None, id: str, patch: Body, *, version: int | None = None, **more: Any
    ) -> Answer:
        return await self._amended(who, "updateProblem", {"id": id}, patch, version, **more)

    async def transition_problem(self, who: str | None, id: str, move: Body, **more: Any) -> Answer:
        return await self.mutation(who, "transitionProblem", {"id": id, **move}, **more)

    async def menu_matches(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self.query(who, "menuMatches", {"problemId": id}, **more)

    async def analysis(self, who: str | None, household_id: str, body: Body, **more: Any) -> Answer:
        return await self.mutation(who, "createAnalysis", {"household_id": household_id, **body}, **more)

    async def analyses(self, who: str | None, household_id: str, **more: Any) -> Answer:
        kind = (await self.schema()).type_map["Analysis"]
        select = f" {{ analyses{selection(kind)} }}"
        answer = await self.query(who, "household", {"id": household_id}, select=select, **more)
        if answer.code is not None:
            return answer
        data = {"items": answer.data["analyses"], "next_cursor": None}
        return Answer(data, None, (), {}, answer.response)

    async def create_assignment(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self.mutation(who, "createAssignment", body, **more)

    async def assignment(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self.query(who, "assignment", {"id": id}, **more)

    async def assignments(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "assignments", {"filter": where} if where else None, **more)

    async def transition_assignment(self, who: str | None, id: str, move: Body, **more: Any) -> Answer:
        return await self.mutation(who, "transitionAssignment", {"id": id, **move}, **more)

    async def menus(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "menus", {"filter": where} if where else None, **more)

    async def menu(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self.query(who, "menu", {"id": id}, **more)

    async def create_menu(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self.mutation(who, "createMenu", body, **more)

    async def patch_menu(
        self, who: str | None, id: str, patch: Body, *, version: int | None = None, **more: Any
    ) -> Answer:
        return await self._amended(who, "updateMenu", {"id": id}, patch, version, **more)

    # -- assistance

    async def record_assistance(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self.mutation(who, "recordAssistance", body, **more)

    async def event(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self.query(who, "assistanceEvent", {"id": id}, **more)

    async def event_by_external_id(self, who: str | None, external_id: str, **more: Any) -> Answer:
        return await self.query(who, "assistanceEventByExternalId", {"externalId": external_id}, **more)

    async def events(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "assistanceEvents", {"filter": where} if where else None, **more)

    async def receipt(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self.query(who, "assistanceEventReceipt", {"id": id}, **more)

    # -- access and reference

    async def me(self, who: str | None, **more: Any) -> Answer:
        return await self.query(who, "me", **more)

    async def clients(self, who: str | None, **more: Any) -> Answer:
        return await self._list(who, "clients", **more)

    async def client(self, who: str | None, client_id: str, **more: Any) -> Answer:
        return await self.query(who, "client", {"clientId": client_id}, **more)

    async def create_client(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self.mutation(who, "createClient", body, **more)

    async def patch_client(
        self, who: str | None, client_id: str, patch: Body, *, version: int | None = None, **more: Any
    ) -> Answer:
        return await self._amended(who, "updateClient", {"client_id": client_id}, patch, version, **more)

    async def areas(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "areas", {"filter": where} if where else None, **more)

    async def area(self, who: str | None, code: str, **more: Any) -> Answer:
        return await self.query(who, "area", {"code": code}, **more)

    async def agencies(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "agencies", {"filter": where} if where else None, **more)

    async def agency(self, who: str | None, code: str, **more: Any) -> Answer:
        return await self.query(who, "agency", {"code": code}, **more)

    async def create_agency(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self.mutation(who, "createAgency", body, **more)

    async def patch_agency(
        self, who: str | None, code: str, patch: Body, *, version: int | None = None, **more: Any
    ) -> Answer:
        return await self._amended(who, "updateAgency", {"code": code}, patch, version, **more)

    async def indicators(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "indicators", {"filter": where} if where else None, **more)

    async def indicator(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self.query(who, "indicator", {"id": id}, **more)

    async def dimensions(self, who: str | None, **more: Any) -> Answer:
        return await self.query(who, "dimensions", **more)

    async def code_lists(self, who: str | None, **more: Any) -> Answer:
        return await self.query(who, "codeLists", **more)

    async def codes(self, who: str | None, name: str, **more: Any) -> Answer:
        return await self.query(who, "codes", {"list": name}, **more)

    async def campaigns(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "campaigns", {"filter": where} if where else None, **more)

    async def campaign(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self.query(who, "campaign", {"id": id}, **more)


def _order(sort: str) -> str:
    return f"{sort.removeprefix('-')}_desc" if sort.startswith("-") else sort


AnyDoor: TypeAlias = RestDoor | GraphqlDoor
DOORS: tuple[type[AnyDoor], ...] = (RestDoor, GraphqlDoor)
