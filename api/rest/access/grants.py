"""Grants that break the glass (contract 2)."""

from starlette.responses import Response

from api.rest.call import Call, Listed
from api.rest.operations import Routes
from domain.access import grants
from domain.access.grants import AccessGrant, AccessGrantDraft
from domain.access.policy import Operation

routes = Routes("access grants")


@routes.post(
    "/v1/access-grants", "createAccessGrant", "Open a household to the caller's agency for three hours",
    policy=Operation.BREAK_GLASS, body=AccessGrantDraft, answer=AccessGrant, errors=(404, 409),
)  # fmt: skip
async def ask(call: Call) -> Response:
    """For reading alone, one household, inside the provinces of the client's areas; recorded with its reason."""
    draft = await call.body(AccessGrantDraft)
    async with call.writing() as work:
        granted = await grants.ask(work, call.actor, draft, now=call.now)
    return call.recorded(granted.text, "/v1/access-grants", new=True)


@routes.get(
    "/v1/access-grants", "listAccessGrants", "List access grants",
    policy=Operation.READ_GRANTS, query=Listed, answer=AccessGrant, many=True,
)  # fmt: skip
async def browse(call: Call) -> Response:
    """The own agency's, open and run out, oldest first; with audit:read every one of the caller's areas."""
    paging = call.paging(call.query(Listed))
    async with call.reading() as work:
        return call.listing(await grants.browse(work, call.actor, paging), paging)


@routes.get(
    "/v1/access-grants/{grant_id}", "getAccessGrant", "Read an access grant",
    policy=Operation.READ_GRANTS, answer=AccessGrant,
)  # fmt: skip
async def read(call: Call) -> Response:
    call.no_query()
    async with call.reading() as work:
        return call.document(await grants.read(work, call.actor, call.id("grant_id")), etag=False)
