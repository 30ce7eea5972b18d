"""Reading the code lists: any token may."""

from domain.access.actor import Actor
from domain.access.policy import Operation, admit
from domain.errors import NotFound
from domain.kernel import Listing, Paging
from domain.work import UnitOfWork


async def lists(work: UnitOfWork, actor: Actor) -> Listing:
    """Every list with its codes, by name."""
    admit(actor, Operation.READ_REFERENCE)
    return await work.reference.code_lists()


async def browse(work: UnitOfWork, actor: Actor, name: str, paging: Paging) -> Listing:
    """The codes of one list in its order. Raises NotFound for a list that is not known."""
    admit(actor, Operation.READ_REFERENCE)
    if not await work.reference.codes_of(name):
        raise NotFound
    return await work.reference.page_of_codes(name, paging)
