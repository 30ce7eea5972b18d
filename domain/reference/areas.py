"""Reading the areas: any token may."""

from domain.access.actor import Actor
from domain.access.policy import Operation, admit
from domain.errors import NotFound
from domain.kernel import Document, Listing, Paging
from domain.reference.area import AreaFilter
from domain.work import UnitOfWork


async def browse(work: UnitOfWork, actor: Actor, where: AreaFilter, paging: Paging) -> Listing:
    """By code, those in use unless the others are asked for."""
    admit(actor, Operation.READ_REFERENCE)
    return await work.reference.page_of_areas(where, paging)


async def read(work: UnitOfWork, actor: Actor, code: str) -> Document:
    """One area, abolished ones too. Raises NotFound."""
    admit(actor, Operation.READ_REFERENCE)
    found = await work.reference.area(code)
    if found is None:
        raise NotFound
    return found
