"""Households (contract 4)."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from api.limits.rates import RateClass
from api.rest.call import Call, Listed
from api.rest.operations import MERGE_PATCH, Routes
from domain.access.policy import Operation
from domain.kernel import Value
from domain.registry import households
from domain.registry.household import Household, HouseholdDraft, HouseholdFilter, HouseholdPatch
from domain.registry.indicators import IndicatorResults

routes = Routes("households")

SORTS = ("created_at", "-created_at", "updated_at", "-updated_at")
FIND, WRITE = Operation.READ_HOUSEHOLDS, Operation.WRITE_HOUSEHOLDS


class HouseholdQuery(Value):
    include: Annotated[str, Field(max_length=100)] = ""
    """Lists to carry along, separated by commas: problems, assignments, assistance, visits, plans, analyses."""

    @field_validator("include")
    @classmethod
    def _known(cls, given: str) -> str:
        if not set(filter(None, given.split(","))) <= set(households.INCLUDES):
            raise PydanticCustomError("unknown-value", f"Any of: {', '.join(households.INCLUDES)}.")
        return given

    def names(self) -> list[str]:
        return [name for name in self.include.split(",") if name]


class HouseholdListQuery(HouseholdFilter, Listed):
    """Filters AND; a repeated one ORs. Orders: created_at (default), -created_at, updated_at, -updated_at."""


@routes.post(
    "/v1/households", "createHousehold", "Register a household with its members",
    policy=WRITE, body=HouseholdDraft, answer=Household, errors=(409,),
)  # fmt: skip
async def register(call: Call) -> Response:
    """All or none: a household is never stored without its members."""
    draft = await call.body(HouseholdDraft)
    ids = (one.person.citizen_id for one in draft.members)
    naming = call.services.limits.naming(call.request.scope, call.actor.client_id, ids)
    async with naming, call.writing() as work:
        made = await households.register(work, call.actor, draft, now=call.now)
    return call.created(made, "/v1/households")


@routes.get(
    "/v1/households",
    "listHouseholds",
    "List households",
    policy=FIND,
    query=HouseholdListQuery,
    answer=Household,
    many=True,
)
async def browse(call: Call) -> Response:
    """Households in the caller's reach, oldest first."""
    given = call.query(HouseholdListQuery)
    paging = call.paging(given, sorts=SORTS)
    async with call.reading() as work:
        return call.listing(await households.browse(work, call.actor, given, paging, now=call.now), paging)


@routes.post(
    "/v1/households/search", "searchHouseholds", "Find households by citizen id, house code or name",
    policy=FIND, body=households.HouseholdSearch, answer=Household, many=True, status=200, keyed=False,
)  # fmt: skip
async def search(call: Call) -> Response:
    """Identifiers travel in the body, never in a URL. The next page: the same body with `cursor`."""
    wanted = await call.body(households.HouseholdSearch)
    paging = call.paging(Listed(limit=wanted.limit, cursor=wanted.cursor), sorts=SORTS)
    if wanted.citizen_id is not None:
        await call.services.limits.admit(call.request.scope, RateClass.LOOKUP, call.actor.client_id)
    async with call.reading() as work:
        found = await households.search(work, call.actor, wanted, paging, now=call.now)
    return call.listing(found, paging, linked=False)


@routes.get(
    "/v1/households/{household_id}", "getHousehold", "Read a household with its members",
    policy=FIND, query=HouseholdQuery, answer=Household,
)  # fmt: skip
async def read(call: Call) -> Response:
    """Masked by the caller's rights; with `include`, the lists it may read as well."""
    include = call.query(HouseholdQuery).names()
    async with call.reading() as work:
        found = await households.read(
            work, call.actor, call.id("household_id"), include=include, now=call.now
        )
    # What is carried along changes without the household: only the bare resource has a version to compare.
    return call.document(found, etag=not include)


@routes.patch(
    "/v1/households/{household_id}", "patchHousehold", "Amend a household",
    policy=WRITE, body=HouseholdPatch, answer=Household, errors=(409,),
)  # fmt: skip
async def amend(call: Call) -> Response:
    """Merge patch (RFC 7396). The area changes by a move only; the case moves along its lifecycle."""
    version, patch = call.expected_version(), await call.body(HouseholdPatch, media=MERGE_PATCH)
    async with call.writing() as work:
        return call.document(
            await households.amend(
                work, call.actor, call.id("household_id"), patch, version=version, now=call.now
            )
        )


@routes.put(
    "/v1/households/{household_id}/indicator-results", "putIndicatorResults", "Store a survey's indicator results",
    policy=WRITE, body=IndicatorResults, answer=Household,
)  # fmt: skip
async def survey(call: Call) -> Response:
    """Replaces the results of the year and edition, and derives the dimension mask."""
    results = await call.body(IndicatorResults)
    async with call.writing() as work:
        return call.document(
            await households.survey(work, call.actor, call.id("household_id"), results, now=call.now)
        )
