"""Reading the indicators and the dimensions: any token may."""

from domain.access.actor import Actor
from domain.access.policy import Operation, admit
from domain.errors import NotFound
from domain.kernel import Document, Listing, Paging
from domain.reference.indicator import IndicatorFilter
from domain.work import UnitOfWork


async def browse(work: UnitOfWork, actor: Actor, where: IndicatorFilter, paging: Paging) -> Listing:
    """By framework, edition and number."""
    admit(actor, Operation.READ_REFERENCE)
    return await work.reference.page_of_indicators(where, paging)


async def read(work: UnitOfWork, actor: Actor, indicator_id: str) -> Document:
    """One indicator. Raises NotFound."""
    admit(actor, Operation.READ_REFERENCE)
    found = await work.reference.indicator(indicator_id)
    if found is None:
        raise NotFound
    return found


async def dimensions(work: UnitOfWork, actor: Actor) -> Listing:
    """All five, in the order of a mask's digits."""
    admit(actor, Operation.READ_REFERENCE)
    return await work.reference.dimensions()
