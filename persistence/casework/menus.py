"""The catalogue of menus on one connection, and what matching needs of the reference data."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.access.policy import Reach
from domain.casework.menu_forms import MenuFilter
from domain.casework.menus import Menu, MenuDraft
from domain.errors import Conflict, Fault
from domain.kernel import NIL, Document, Listing, Paging, Trail
from persistence.engine import Connection
from persistence.exchange.trail import leave
from persistence.keyset import Order, Source, fetch_page
from persistence.sql import Binds

BY_CODE = Order((("code", "text"),))
# The document holds a MenuDraft as JSON; the columns beside it repeat what lists filter on.
_FIELDS = ", ".join(f"m.document->'{name}' AS {name}" for name in MenuDraft.model_fields)
_COLUMNS = f"m.id, {_FIELDS}, m.version"
_SEARCHED = (
    "concat_ws(' ', m.code, m.document->>'title_th', m.document->>'title_en', m.document->>'description')"
)
_VIEW = f"(SELECT row_to_json(t) FROM (SELECT {_COLUMNS}) t)"


class PgMenus:
    """Implements `MenuStore`."""

    def __init__(self, connection: Connection, new_id: Callable[[], UUID]) -> None:
        self._connection, self._new_id = connection, new_id

    async def view(self, menu_id: UUID) -> Document | None:
        row = await self._connection.fetchrow(
            f"SELECT m.version, {_VIEW} FROM menu m WHERE m.id = $1", menu_id
        )
        return None if row is None else Document(row[1], row[0])

    async def page(self, where: MenuFilter, paging: Paging) -> Listing:
        binds = Binds()
        found = conditions(where, binds)
        source = Source("menu", "m", _COLUMNS)
        return await fetch_page(self._connection, source, found, BY_CODE, paging, binds)

    async def add(self, reach: Reach, menu_id: UUID, draft: MenuDraft, *, now: datetime) -> None:
        try:
            await self._connection.execute(
                """INSERT INTO menu (id, code, dimension, indicators, agencies, enabled, document, origin,
                     version, updated_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, 'operator', 1, $8)""",
                menu_id,
                draft.code,
                *_columns(draft),
                now,
            )
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "menu_code_once":
                raise
            told = "A menu has this code already; amend that one."
            raise Conflict(told, code="menu-exists", faults=[Fault("/code", "menu-exists", told)]) from None
        await self._trail(reach, menu_id, "created", 1, draft, now)

    async def hold(self, menu_id: UUID) -> Menu | None:
        text = await self._connection.fetchval(
            f"SELECT {_VIEW} FROM menu m WHERE m.id = $1 FOR UPDATE", menu_id
        )
        return None if text is None else Menu.model_validate_json(text)

    async def amend(self, reach: Reach, held: Menu, draft: MenuDraft, *, now: datetime) -> None:
        # What an operator has touched is no longer the package's to replace.
        await self._connection.execute(
            """UPDATE menu SET dimension = $2, indicators = $3, agencies = $4, enabled = $5, document = $6,
                 origin = 'operator', version = version + 1, updated_at = $7 WHERE id = $1""",
            held.id,
            *_columns(draft),
            now,
        )
        await self._trail(reach, held.id, "updated", held.version + 1, draft, now)

    async def exists(self, code: str) -> bool:
        found = await self._connection.fetchval(
            "SELECT EXISTS (SELECT FROM menu m WHERE m.code = $1 AND m.enabled)", code
        )
        return bool(found)

    async def enabled(self, dimension: str, indicators: Sequence[str]) -> list[Menu]:
        rows = await self._connection.fetch(
            f"""SELECT {_VIEW} FROM menu m
                WHERE m.enabled AND (m.dimension = $1 OR m.indicators && $2::text[]) ORDER BY m.code""",
            dimension,
            list(indicators),
        )
        return [Menu.model_validate_json(row[0]) for row in rows]

    async def _trail(
        self, reach: Reach, menu_id: UUID, action: str, version: int, draft: MenuDraft, now: datetime
    ) -> None:
        shown: dict[str, object] = {"code": draft.code, "enabled": draft.enabled}
        trail = Trail(NIL, None, "menu", menu_id, action, version, None, shown)
        await leave(self._connection, reach.actor, trail, now=now, new_id=self._new_id)


def conditions(where: MenuFilter, binds: Binds) -> list[str]:
    """The filters as conditions on a menu `m`: they AND, a repeated one ORs."""
    found = []
    if where.dimension:
        found.append(f"m.dimension = ANY({binds(list(where.dimension))}::text[])")
    if where.indicator:
        found.append(f"m.indicators && {binds(where.indicator)}::text[]")
    if where.agency:
        # A unit is found under its kind as well: PROV_MOPH-42 under PROV_MOPH.
        codes = {code for given in where.agency for code in (given, given.partition("-")[0])}
        found.append(f"m.agencies && {binds(sorted(codes))}::text[]")
    if where.q:
        found.append(f"strpos(lower({_SEARCHED}), lower({binds(where.q)})) > 0")
    return found


def _columns(draft: MenuDraft) -> tuple[Any, ...]:
    """Dimension, indicators, agencies, enabled, document."""
    agencies = [*draft.lead_agencies, *draft.joint_agencies]
    return draft.dimension, draft.indicators, agencies, draft.enabled, draft.model_dump(mode="json")
