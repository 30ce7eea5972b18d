"""A household moves house (contract 4): its address, and with it the area of everything recorded about it."""

from datetime import datetime
from uuid import UUID

from domain.access.actor import Actor
from domain.access.policy import Operation, admit
from domain.calendar import today
from domain.casework.rules import in_future, refuse
from domain.errors import Fault, Forbidden, NotFound
from domain.kernel import Document
from domain.registry.households import known_place, shown
from domain.registry.relocation import HouseholdMove
from domain.registry.rules import address_faults
from domain.work import UnitOfWork


async def move(
    work: UnitOfWork, actor: Actor, household_id: UUID, to: HouseholdMove, *, now: datetime
) -> Document:
    """Moves a household from one of the caller's areas to another of them.

    Decision: both areas have to be the caller's, as nobody writes where it may not. A move to another province is
    made by somebody who covers both, the country's centre at the widest.
    Raises NotFound, Invalid, Forbidden `outside-your-areas`.
    """
    reach = admit(actor, Operation.WRITE_HOUSEHOLDS)
    faults = in_future("/moved_on", to.moved_on, today(now)) + address_faults(to.address.model_dump())
    if not await known_place(work, to.area_code):
        faults.append(Fault("/area_code", "unknown-area", "There is no such subdistrict; see /v1/areas."))
    held = await work.moves.hold(reach, household_id)
    if held is None:
        raise NotFound
    refuse(faults)
    if not actor.covers(to.area_code):
        raise Forbidden(
            "The area is not one of yours.",
            code="outside-your-areas",
            faults=[
                Fault("/area_code", "outside-your-areas", "Your client may write in its own areas only.")
            ],
        )
    await work.moves.move(reach, held, to, now=now)
    await work.events.link_queued(reach, household_id, now=now)
    return await shown(work, reach, household_id, now)
