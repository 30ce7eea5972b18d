"""Reading the campaigns, which any token may; adding and amending them, which administrators of the country may."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from domain.access.actor import Actor
from domain.access.policy import Operation, Reach, admit
from domain.errors import Fault, Forbidden, Invalid, NotFound, VersionMismatch
from domain.kernel import Document, Listing, Paging
from domain.reference.campaign import CampaignDraft
from domain.reference.campaign_forms import CampaignFilter, CampaignPatch, merged
from domain.reference.store import KnownIndicator
from domain.work import UnitOfWork


async def browse(work: UnitOfWork, actor: Actor, where: CampaignFilter, paging: Paging) -> Listing:
    """By fiscal year, the earliest first."""
    admit(actor, Operation.READ_REFERENCE)
    return await work.reference.page_of_campaigns(where, paging)


async def read(work: UnitOfWork, actor: Actor, campaign_id: UUID) -> Document:
    """One campaign. Raises NotFound."""
    admit(actor, Operation.READ_REFERENCE)
    return await _shown(work, campaign_id)


async def add(work: UnitOfWork, actor: Actor, draft: CampaignDraft, *, now: datetime) -> Document:
    """Raises Conflict `campaign-exists` where the fiscal year has one, Invalid for codes that are not known."""
    reach = _of_the_country(actor)
    await _check(work, draft)
    campaign_id = work.new_id()
    await work.reference.add_campaign(reach, campaign_id, draft, now=now)
    return await _shown(work, campaign_id)


async def amend(
    work: UnitOfWork, actor: Actor, campaign_id: UUID, patch: CampaignPatch, *, version: int, now: datetime
) -> Document:
    """From then on no reference file overwrites it. Raises VersionMismatch unless `version` is the stored one."""
    reach = _of_the_country(actor)
    held = await work.reference.hold_campaign(campaign_id)
    if held is None:
        raise NotFound
    if held.version != version:
        raise VersionMismatch(held.version)
    draft = merged(held, patch)
    await _check(work, draft)
    if any(getattr(draft, name) != getattr(held, name) for name in CampaignDraft.model_fields):
        await work.reference.amend_campaign(reach, held, draft, now=now)
    return await _shown(work, campaign_id)


def membership_faults(draft: CampaignDraft, known: Mapping[str, KnownIndicator]) -> list[Fault]:
    """A member is an indicator of the campaign's edition and of the dimension it is counted in."""
    faults = []
    for dimension, members in draft.mpi_members.by_dimension().items():
        for place, member in enumerate(members):
            found, at = known.get(member), f"/mpi_members/{dimension}/{place}"
            if found is None:
                faults.append(
                    Fault(at, "unknown-indicator", "There is no such indicator; see /v1/indicators.")
                )
            elif (found.edition, found.dimension) != (draft.indicator_edition, dimension):
                told = "It is not of the campaign's edition and this dimension."
                faults.append(Fault(at, "not-of-this-dimension", told))
    return faults


def _of_the_country(actor: Actor) -> Reach:
    """The programme is the whole country's: an administrator of some areas does not set it."""
    reach = admit(actor, Operation.ADMINISTER)
    if not actor.covers(""):
        raise Forbidden("A campaign is the whole country's.", code="outside-your-areas")
    return reach


async def _check(work: UnitOfWork, draft: CampaignDraft) -> None:
    members = [member for group in draft.mpi_members.by_dimension().values() for member in group]
    faults = membership_faults(draft, await work.reference.indicators(members))
    named = [code for phase in draft.phases for code in phase.responsible]
    known = await work.reference.agencies(named)
    faults += [
        Fault(f"/phases/{at}/responsible/{place}", "unknown-agency", "There is no such agency or kind.")
        for at, phase in enumerate(draft.phases)
        for place, code in enumerate(phase.responsible)
        if code not in known
    ]
    if faults:
        raise Invalid("The campaign has faults; see errors.", faults=faults)


async def _shown(work: UnitOfWork, campaign_id: UUID) -> Document:
    found = await work.reference.campaign(campaign_id)
    if found is None:
        raise NotFound
    return found
