"""The door of GraphQL."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import httpx2
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    get_introspection_query,
    get_named_type,
)

from tests.support.doors.answers import Answer, Body, Door, plain
from tests.support.doors.spelling import answered, asked, camel, pointer, selection


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

    async def record_batch(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self.mutation(who, "recordAssistanceBatch", body, **more)

    async def event(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self.query(who, "assistanceEvent", {"id": id}, **more)

    async def event_by_external_id(self, who: str | None, external_id: str, **more: Any) -> Answer:
        return await self.query(who, "assistanceEventByExternalId", {"externalId": external_id}, **more)

    async def events(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "assistanceEvents", {"filter": where} if where else None, **more)

    async def receipt(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self.query(who, "assistanceEventReceipt", {"id": id}, **more)

    async def correct_assistance(self, who: str | None, id: str, body: Body, **more: Any) -> Answer:
        return await self.mutation(who, "correctAssistance", {"id": id, **body}, **more)

    async def check_assistance(self, who: str | None, body: Body, **more: Any) -> Answer:
        given = {camel(name): one for name, one in body.items()}
        return await self.query(who, "assistanceCheck", given, **more)

    async def assistance_queue(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "assistanceQueue", {"filter": where} if where else None, **more)

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

    async def rotate_client(self, who: str | None, client_id: str, **more: Any) -> Answer:
        return await self.mutation(who, "rotateClientSecret", {"client_id": client_id}, **more)

    async def revoke_client(self, who: str | None, client_id: str, **more: Any) -> Answer:
        return await self.mutation(who, "revokeClient", {"client_id": client_id}, **more)

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
