"""Reading the agencies, which any token may; adding and amending them, which administrators may.

An administrator writes the agencies of its own areas; a body of the whole country needs the whole country.
"""

from collections.abc import Mapping
from datetime import datetime

from domain.access.actor import Actor
from domain.access.policy import Operation, admit
from domain.errors import Fault, Forbidden, Invalid, NotFound, VersionMismatch
from domain.kernel import Document, Listing, Paging
from domain.reference.agency import CATEGORIES, Agency, AgencyDraft, AgencyFilter, AgencyPatch, completed
from domain.registry.free_text import personal_data_faults
from domain.work import UnitOfWork


async def browse(work: UnitOfWork, actor: Actor, where: AgencyFilter, paging: Paging) -> Listing:
    """By code. Raises Invalid for what is neither a kind nor a category."""
    admit(actor, Operation.READ_REFERENCE)
    if where.kind:
        known = {*await work.reference.kinds(), *await work.reference.codes_of(CATEGORIES)}
        if not known.issuperset(where.kind):
            told = "Neither a kind nor a category; see /v1/codes/agency_category."
            raise Invalid.at("query/kind", "unknown-value", told)
    return await work.reference.page_of_agencies(where, paging)


async def read(work: UnitOfWork, actor: Actor, code: str) -> Document:
    """One agency. Raises NotFound."""
    admit(actor, Operation.READ_REFERENCE)
    return await _shown(work, code)


async def add(work: UnitOfWork, actor: Actor, draft: AgencyDraft, *, now: datetime) -> Document:
    """Raises Conflict `agency-exists`, Invalid for codes that are not known, Forbidden `outside-your-areas`."""
    reach = admit(actor, Operation.ADMINISTER)
    categories = await work.reference.codes_of(CATEGORIES)
    agency, category, faults = completed(draft, await work.reference.kinds(), categories)
    if agency.area_code is not None and not await work.reference.area_exists(agency.area_code):
        faults.append(Fault("/area_code", "unknown-area", "No area in use has this code."))
    faults += await _parent_faults(work, agency.code, agency.parent_code)
    faults += personal_data_faults(_texts(agency))
    if faults:
        raise Invalid("The agency has faults; see errors.", faults=faults)
    _covered(actor, agency.area_code)
    await work.reference.add_agency(reach, agency, category, now=now)
    return await _shown(work, agency.code)


async def amend(
    work: UnitOfWork, actor: Actor, code: str, patch: AgencyPatch, *, version: int, now: datetime
) -> Document:
    """From then on no reference file overwrites it. Raises VersionMismatch unless `version` is the stored one."""
    reach = admit(actor, Operation.ADMINISTER)
    held = await work.reference.hold_agency(code)
    if held is None:
        raise NotFound
    if held.version != version:
        raise VersionMismatch(held.version)
    _covered(actor, held.area_code)
    changes = {name: getattr(patch, name) for name in patch.model_fields_set}
    changes = {name: value for name, value in changes.items() if value != getattr(held, name)}
    faults = [
        *await _parent_faults(work, code, changes.get("parent_code")),
        *personal_data_faults(_texts(patch)),
    ]
    if faults:
        raise Invalid("The agency has faults; see errors.", faults=faults)
    if changes:
        await work.reference.amend_agency(reach, held.model_copy(update=changes), changes, now=now)
    return await _shown(work, code)


async def _shown(work: UnitOfWork, code: str) -> Document:
    found = await work.reference.agency(code)
    if found is None:
        raise NotFound
    return found


async def _parent_faults(work: UnitOfWork, code: str, parent: str | None) -> list[Fault]:
    if parent is None:
        return []
    if parent == code:
        return [Fault("/parent_code", "own-parent", "An agency is not its own parent.")]
    if parent not in await work.reference.agencies([parent]):
        return [Fault("/parent_code", "unknown-agency", "There is no such agency; see /v1/agencies.")]
    return []


def _covered(actor: Actor, area_code: str | None) -> None:
    if not actor.covers(area_code or ""):
        told = "You may write the agencies of your own areas."
        fault = Fault("/area_code", "outside-your-areas", told)
        raise Forbidden(told, code="outside-your-areas", faults=[fault])


def _texts(given: AgencyDraft | AgencyPatch | Agency) -> Mapping[str, str | None]:
    texts = {name: getattr(given, name) for name in ("name_th", "name_en", "abbreviation")}
    return texts | {f"aliases/{place}": alias for place, alias in enumerate(given.aliases)}
