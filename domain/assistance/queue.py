"""The exclusion-error queue (target group 4): help for households that nobody has registered yet, for registrars."""

from domain.access.actor import Actor
from domain.access.policy import Operation, admit
from domain.assistance.event import QueueFilter
from domain.kernel import Listing, Paging
from domain.work import UnitOfWork


async def browse(work: UnitOfWork, actor: Actor, where: QueueFilter, paging: Paging) -> Listing:
    """What waits for a household that may live in the caller's areas, of whichever agency."""
    return await work.queue.page(admit(actor, Operation.READ_QUEUE), where, paging)
