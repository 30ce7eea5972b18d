"""Agencies (contract 3)."""

from starlette.responses import Response

from api.rest.call import Call, Listed
from api.rest.operations import MERGE_PATCH, Routes
from api.rest.reference.answers import amendable, code_of
from domain.access.policy import Operation
from domain.reference import agencies
from domain.reference.agency import Agency, AgencyDraft, AgencyFilter, AgencyPatch

routes = Routes("reference")

READ, WRITE = Operation.READ_REFERENCE, Operation.ADMINISTER
ONE = "/v1/agencies/{code}"
SORTS = ("code",)


class AgencyListQuery(AgencyFilter, Listed):
    """Filters AND; a repeated one ORs. Order: code."""

    sort: str | None = "code"


@routes.get(
    "/v1/agencies", "listAgencies", "List agencies",
    policy=READ, query=AgencyListQuery, answer=Agency, many=True,
)  # fmt: skip
async def browse(call: Call) -> Response:
    """National bodies, kinds (`enabled: false`) and units, by code."""
    given = call.query(AgencyListQuery)
    paging = call.paging(given, sorts=SORTS)
    async with call.reading() as work:
        found = await agencies.browse(work, call.actor, given, paging)
    return amendable(call.listing(found, paging))


@routes.get(ONE, "getAgency", "Read an agency", policy=READ, answer=Agency)
async def read(call: Call) -> Response:
    """A national body, a kind, or a unit at a place."""
    call.no_query()
    async with call.reading() as work:
        return amendable(call.document(await agencies.read(work, call.actor, code_of(call, "code"))))


@routes.post(
    "/v1/agencies", "createAgency", "Add an agency",
    policy=WRITE, body=AgencyDraft, answer=Agency, errors=(409,),
)  # fmt: skip
async def add(call: Call) -> Response:
    """Its code is its own: 409 `agency-exists` for one that is taken."""
    draft = await call.body(AgencyDraft)
    async with call.writing() as work:
        made = await agencies.add(work, call.actor, draft, now=call.now)
    return call.document(made, status=201, location=f"/v1/agencies/{draft.code}")


@routes.patch(ONE, "patchAgency", "Amend an agency", policy=WRITE, body=AgencyPatch, answer=Agency)
async def amend(call: Call) -> Response:
    """Merge patch (RFC 7396). Later reference files leave it as it is."""
    version, patch = call.expected_version(), await call.body(AgencyPatch, media=MERGE_PATCH)
    async with call.writing() as work:
        return call.document(
            await agencies.amend(
                work, call.actor, code_of(call, "code"), patch, version=version, now=call.now
            )
        )
