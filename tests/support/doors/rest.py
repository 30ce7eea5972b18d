"""The door of REST."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from tests.support.doors.answers import Answer, Body, Door, plain


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

    async def record_batch(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self._call(who, "POST", "/v1/assistance-events/batch", body, **more)

    async def event(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self._call(who, "GET", f"/v1/assistance-events/{id}", **more)

    async def event_by_external_id(self, who: str | None, external_id: str, **more: Any) -> Answer:
        path = f"/v1/assistance-events/by-external-id/{quote(external_id, safe='')}"
        return await self._call(who, "GET", path, **more)

    async def events(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "/v1/assistance-events", where, **more)

    async def receipt(self, who: str | None, id: str, **more: Any) -> Answer:
        return await self._call(who, "GET", f"/v1/assistance-events/{id}/receipt", **more)

    async def correct_assistance(self, who: str | None, id: str, body: Body, **more: Any) -> Answer:
        return await self._call(who, "POST", f"/v1/assistance-events/{id}/corrections", body, **more)

    async def check_assistance(self, who: str | None, body: Body, **more: Any) -> Answer:
        return await self._call(who, "POST", "/v1/assistance-checks", body, **more)

    async def assistance_queue(self, who: str | None, where: Body | None = None, **more: Any) -> Answer:
        return await self._list(who, "/v1/assistance-queue", where, **more)

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

    async def rotate_client(self, who: str | None, client_id: str, **more: Any) -> Answer:
        return await self._call(who, "POST", f"/v1/clients/{client_id}/rotate-secret", {}, **more)

    async def revoke_client(self, who: str | None, client_id: str, **more: Any) -> Answer:
        return await self._call(who, "DELETE", f"/v1/clients/{client_id}", **more)

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
