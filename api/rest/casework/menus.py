"""Menus, เมนูแก้จน (contract 5)."""

from starlette.responses import Response

from api.rest.call import Call, Listed
from api.rest.operations import MERGE_PATCH, Routes
from domain.access.policy import Operation
from domain.casework import catalogue
from domain.casework.menu_forms import MenuFilter, MenuPatch
from domain.casework.menus import Menu, MenuDraft

routes = Routes("menus")

ONE = "/v1/menus/{menu_id}"
SORTS = ("code",)


class MenuListQuery(MenuFilter, Listed):
    """Filters AND; a repeated one ORs. Order: code."""

    sort: str | None = "code"


@routes.get(
    "/v1/menus", "listMenus", "List menus",
    policy=Operation.READ_MENUS, query=MenuListQuery, answer=Menu, many=True,
)  # fmt: skip
async def browse(call: Call) -> Response:
    """The catalogue by code; menus that are switched off are listed with `enabled: false`."""
    given = call.query(MenuListQuery)
    paging = call.paging(given, sorts=SORTS)
    async with call.reading() as work:
        return call.listing(await catalogue.browse(work, call.actor, given, paging), paging)


@routes.get(ONE, "getMenu", "Read a menu", policy=Operation.READ_MENUS, answer=Menu)
async def read(call: Call) -> Response:
    """With its conditions as data."""
    call.no_query()
    async with call.reading() as work:
        return call.document(await catalogue.read(work, call.actor, call.id("menu_id")))


@routes.post(
    "/v1/menus", "createMenu", "Add a menu",
    policy=Operation.WRITE_MENUS, body=MenuDraft, answer=Menu, errors=(409,),
)  # fmt: skip
async def add(call: Call) -> Response:
    """Its code is its own: 409 `menu-exists` for one that is taken."""
    draft = await call.body(MenuDraft)
    async with call.writing() as work:
        made = await catalogue.add(work, call.actor, draft, now=call.now)
    return call.created(made, "/v1/menus")


@routes.patch(ONE, "patchMenu", "Amend a menu", policy=Operation.WRITE_MENUS, body=MenuPatch, answer=Menu)
async def amend(call: Call) -> Response:
    """Merge patch (RFC 7396); switch a menu off with `enabled: false`. The code never changes."""
    version, patch = call.expected_version(), await call.body(MenuPatch, media=MERGE_PATCH)
    async with call.writing() as work:
        return call.document(
            await catalogue.amend(work, call.actor, call.id("menu_id"), patch, version=version, now=call.now)
        )
