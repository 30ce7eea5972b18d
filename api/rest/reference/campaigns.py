"""Campaigns (contract 3)."""

from starlette.responses import Response

from api.rest.call import Call, Listed
from api.rest.operations import MERGE_PATCH, Routes
from api.rest.reference.answers import amendable
from domain.access.policy import Operation
from domain.reference import campaigns
from domain.reference.campaign import CampaignDraft
from domain.reference.campaign_forms import Campaign, CampaignFilter, CampaignPatch

routes = Routes("reference")

READ, WRITE = Operation.READ_REFERENCE, Operation.ADMINISTER
ONE = "/v1/campaigns/{campaign_id}"
SORTS = ("fiscal_year",)


class CampaignListQuery(CampaignFilter, Listed):
    """A repeated filter ORs. Order: fiscal year."""

    sort: str | None = "fiscal_year"


@routes.get(
    "/v1/campaigns", "listCampaigns", "List campaigns",
    policy=READ, query=CampaignListQuery, answer=Campaign, many=True,
)  # fmt: skip
async def browse(call: Call) -> Response:
    """The programme of each fiscal year, the earliest first."""
    given = call.query(CampaignListQuery)
    paging = call.paging(given, sorts=SORTS)
    async with call.reading() as work:
        found = await campaigns.browse(work, call.actor, given, paging)
    return amendable(call.listing(found, paging))


@routes.get(ONE, "getCampaign", "Read a campaign", policy=READ, answer=Campaign)
async def read(call: Call) -> Response:
    """Phases, target groups, thresholds, member indicators and targets of a fiscal year."""
    call.no_query()
    async with call.reading() as work:
        return amendable(call.document(await campaigns.read(work, call.actor, call.id("campaign_id"))))


@routes.post(
    "/v1/campaigns", "createCampaign", "Add a fiscal year's campaign",
    policy=WRITE, body=CampaignDraft, answer=Campaign, errors=(409,),
)  # fmt: skip
async def add(call: Call) -> Response:
    """One a fiscal year: 409 `campaign-exists` for a second."""
    draft = await call.body(CampaignDraft)
    async with call.writing() as work:
        made = await campaigns.add(work, call.actor, draft, now=call.now)
    return call.created(made, "/v1/campaigns")


@routes.patch(ONE, "patchCampaign", "Amend a campaign", policy=WRITE, body=CampaignPatch, answer=Campaign)
async def amend(call: Call) -> Response:
    """Merge patch (RFC 7396). Later reference files leave it as it is."""
    version, patch = call.expected_version(), await call.body(CampaignPatch, media=MERGE_PATCH)
    async with call.writing() as work:
        return call.document(
            await campaigns.amend(
                work, call.actor, call.id("campaign_id"), patch, version=version, now=call.now
            )
        )
