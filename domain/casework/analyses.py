"""The ๔ท analyses of a household: attitude, skills, resources, way out (001 §2 ๒, contract 5)."""

from datetime import date, datetime
from uuid import UUID

from domain.access.actor import Actor
from domain.access.policy import Operation, admit
from domain.calendar import today
from domain.casework.problem import AnalysisDraft
from domain.casework.rules import in_future, refuse
from domain.errors import Fault, NotFound
from domain.kernel import Document, Listing, Paging
from domain.registry.free_text import personal_data_faults
from domain.work import UnitOfWork


def complete(draft: AnalysisDraft) -> bool:
    """All four parts are there; three are an incomplete record (domain §16, 6)."""
    return None not in (draft.attitude, draft.skills, draft.resources, draft.way_out)


def faults(draft: AnalysisDraft, on: date) -> list[Fault]:
    """What is wrong with an analysis handed in on this day."""
    names = ("attitude", "skills", "resources", "way_out")
    texts: dict[str, str | None] = {name: getattr(draft, name) for name in names}
    texts |= {f"analysts/{place}": analyst for place, analyst in enumerate(draft.analysts)}
    return in_future("/analysed_on", draft.analysed_on, on) + personal_data_faults(texts)


async def add(
    work: UnitOfWork, actor: Actor, household_id: UUID, draft: AnalysisDraft, *, now: datetime
) -> Document:
    """Adds one; those before it stay."""
    reach = admit(actor, Operation.WRITE_PROBLEMS)
    refuse(faults(draft, today(now)))
    household = await work.households.hold(reach, household_id)
    if household is None:
        raise NotFound
    return await work.analyses.add(reach, work.new_id(), household_id, household.area_code, draft, now=now)


async def browse(work: UnitOfWork, actor: Actor, household_id: UUID, paging: Paging) -> Listing:
    reach = admit(actor, Operation.READ_PROBLEMS)
    found = await work.analyses.page(reach, household_id, paging)
    if found is None:
        raise NotFound
    return found
