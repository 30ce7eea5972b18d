"""Campaigns: a fiscal year's programme (contract 3, 9)."""

from uuid import UUID

from api.graphql import connections
from api.graphql.context import Call
from api.graphql.fields import Fields
from domain.kernel import Document, Listing, Paging
from domain.reference import campaigns
from domain.reference.campaign import CampaignDraft
from domain.reference.campaign_forms import Campaign, CampaignFilter, CampaignPatch

fields = Fields()


@fields.by_id("campaign", Campaign)
async def campaign(call: Call, id: UUID) -> Document:
    """One fiscal year's programme."""
    async with call.reading() as work:
        return await campaigns.read(work, call.actor, id)


@fields.connection("campaigns", Campaign, filter=CampaignFilter, keys=connections.BY_YEAR)
async def browse(call: Call, where: CampaignFilter, paging: Paging) -> Listing:
    """By fiscal year, the earliest first."""
    async with call.reading() as work:
        return await campaigns.browse(work, call.actor, where, paging)


@fields.mutation("createCampaign", Campaign, body=CampaignDraft)
async def add(call: Call, draft: CampaignDraft) -> Document:
    """Adds a fiscal year's programme; needs clients:admin for the whole country."""
    async with call.writing() as work:
        return await campaigns.add(work, call.actor, draft, now=call.now)


@fields.mutation("updateCampaign", Campaign, body=CampaignPatch, target="id", versioned=True)
async def amend(call: Call, id: UUID, patch: CampaignPatch, *, version: int) -> Document:
    """Amends a programme: absent keeps, null clears, a list replaces."""
    async with call.writing() as work:
        return await campaigns.amend(work, call.actor, id, patch, version=version, now=call.now)
