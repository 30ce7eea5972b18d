"""The catalogue of menus: listing, adding and amending them (contract 5)."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from domain.access.actor import Actor
from domain.access.policy import Operation, admit
from domain.casework.answers import found
from domain.casework.menu_forms import MenuFilter, MenuPatch
from domain.casework.menus import Menu, MenuDraft
from domain.casework.rules import refuse
from domain.errors import Fault, Forbidden, NotFound, VersionMismatch
from domain.kernel import Document, Listing, Paging
from domain.registry.free_text import personal_data_faults
from domain.work import UnitOfWork

MENU_KINDS = "menu_kind"
"""The code list of kinds."""


def merged(menu: Menu, patch: MenuPatch) -> MenuDraft:
    """The menu with the fields that the patch names; not validated across fields, see `window_faults`."""
    kept = {name: getattr(menu, name) for name in MenuDraft.model_fields}
    named = {name: getattr(patch, name) for name in patch.model_fields_set}
    return MenuDraft.model_construct(**{**kept, **named})


def window_faults(draft: MenuDraft) -> list[Fault]:
    """The offer ends no earlier than it starts."""
    if draft.valid_from and draft.valid_to and draft.valid_from > draft.valid_to:
        return [Fault("/valid_to", "invalid-window", "valid_to is before valid_from.")]
    return []


async def read(work: UnitOfWork, actor: Actor, menu_id: UUID) -> Document:
    admit(actor, Operation.READ_MENUS)
    return found(await work.menus.view(menu_id))


async def browse(work: UnitOfWork, actor: Actor, where: MenuFilter, paging: Paging) -> Listing:
    admit(actor, Operation.READ_MENUS)
    return await work.menus.page(where, paging)


async def add(work: UnitOfWork, actor: Actor, draft: MenuDraft, *, now: datetime) -> Document:
    """Raises Conflict `menu-exists` where the code is taken, Invalid for codes that are not known."""
    reach = admit(actor, Operation.WRITE_MENUS)
    if not draft.areas and not actor.covers(""):
        # Offered where its writer may offer it; everywhere is for those who have the country.
        draft = draft.model_copy(update={"areas": list(actor.areas)})
    _within_areas(actor, draft)
    refuse(await _faults(work, draft))
    menu_id = work.new_id()
    await work.menus.add(reach, menu_id, draft, now=now)
    return found(await work.menus.view(menu_id))


async def amend(
    work: UnitOfWork, actor: Actor, menu_id: UUID, patch: MenuPatch, *, version: int, now: datetime
) -> Document:
    """Raises VersionMismatch unless `version` is the stored one."""
    reach = admit(actor, Operation.WRITE_MENUS)
    held = await work.menus.hold(menu_id)
    if held is None:
        raise NotFound
    if held.version != version:
        raise VersionMismatch(held.version)
    draft = merged(held, patch)
    _within_areas(actor, held)
    _within_areas(actor, draft)
    refuse(await _faults(work, draft))
    await work.menus.amend(reach, held, draft, now=now)
    return found(await work.menus.view(menu_id))


def _within_areas(actor: Actor, menu: MenuDraft) -> None:
    """A menu is its writer's where every area of its offer is; one without areas is the country's."""
    if not all(actor.covers(area) for area in menu.areas or [""]):
        raise Forbidden("The menu is offered beyond your areas.", code="outside-your-areas")


async def _faults(work: UnitOfWork, draft: MenuDraft) -> list[Fault]:
    """Codes that the reference data does not know, by where they stand."""
    faults = [*window_faults(draft), *personal_data_faults(_texts(draft))]
    if not await work.reference.code_exists(MENU_KINDS, draft.kind):
        faults.append(Fault("/kind", "unknown-code", "See /v1/codes/menu_kind."))
    indicators = await work.reference.indicators(draft.indicators)
    faults += _unknown("/indicators", draft.indicators, indicators, "unknown-indicator")
    agencies = await work.reference.agencies([*draft.lead_agencies, *draft.joint_agencies])
    faults += _unknown("/lead_agencies", draft.lead_agencies, agencies, "unknown-agency")
    faults += _unknown("/joint_agencies", draft.joint_agencies, agencies, "unknown-agency")
    for place, area in enumerate(draft.areas):
        if not await work.reference.area_exists(area):
            faults.append(Fault(f"/areas/{place}", "unknown-area", "No area has this code."))
    return faults


def _unknown(pointer: str, codes: list[str], known: Mapping[str, object], code: str) -> list[Fault]:
    return [
        Fault(f"{pointer}/{place}", code, "The reference data does not know this code.")
        for place, value in enumerate(codes)
        if value not in known
    ]


def _texts(draft: MenuDraft) -> dict[str, str | None]:
    names = ("title_th", "title_en", "description", "household_action", "support_action", "evidence")
    return {name: getattr(draft, name) for name in names}
