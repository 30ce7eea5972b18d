"""Menus, เมนูแก้จน (contract 5, 9)."""

from uuid import UUID

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from api.graphql import connections
from api.graphql.context import Call
from api.graphql.fields import Fields
from api.graphql.loaders import Row, everything, picked
from domain.casework import catalogue
from domain.casework.menu_forms import MenuFilter, MenuPatch
from domain.casework.menus import Menu, MenuDraft
from domain.errors import NotFound
from domain.kernel import Code, Document, Listing, Paging, Value

fields = Fields()


class MenuKey(Value):
    """Exactly one of the two."""

    id: UUID | None = None
    code: Code | None = None

    @model_validator(mode="after")
    def _one(self) -> "MenuKey":
        if (self.id is None) == (self.code is None):
            raise PydanticCustomError("one-identifier", "Give exactly one of id, code.")
        return self


@fields.query("menu", Menu, args=MenuKey)
async def menu(call: Call, given: MenuKey) -> Document | Row:
    """One menu by its id or its code."""
    if given.id is not None:
        async with call.reading() as work:
            return await catalogue.read(work, call.actor, given.id)
    found: Row | None = await call.load(by_code, str(given.code))
    if found is None:
        raise NotFound
    return found


@fields.connection("menus", Menu, filter=MenuFilter, keys=connections.BY_CODE)
async def browse(call: Call, where: MenuFilter, paging: Paging) -> Listing:
    """The catalogue by code; menus that are switched off are listed with `enabled: false`."""
    async with call.reading() as work:
        return await catalogue.browse(work, call.actor, where, paging)


@fields.mutation("createMenu", Menu, body=MenuDraft)
async def add(call: Call, draft: MenuDraft) -> Document:
    """Adds a menu; `menu-exists` for a code that is taken."""
    async with call.writing() as work:
        return await catalogue.add(work, call.actor, draft, now=call.now)


@fields.mutation("updateMenu", Menu, body=MenuPatch, target="id", versioned=True)
async def amend(call: Call, id: UUID, patch: MenuPatch, *, version: int) -> Document:
    """Amends a menu: absent keeps, null clears, a list replaces. The code never changes."""
    async with call.writing() as work:
        return await catalogue.amend(work, call.actor, id, patch, version=version, now=call.now)


async def by_code(call: Call, codes: list[str]) -> list[Row | None]:
    """Menus by their codes. The catalogue is small enough to be read whole: one statement."""
    async with call.reading() as work:
        rows = await everything(
            lambda paging: catalogue.browse(work, call.actor, MenuFilter(), paging), sort="code"
        )
    return picked(codes, rows, "code")
