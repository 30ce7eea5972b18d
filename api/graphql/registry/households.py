"""Households (contract 4, 9)."""

from uuid import UUID

from api.graphql import connections
from api.graphql.context import Call
from api.graphql.fields import Fields
from api.graphql.loaders import Row, everything, picked
from api.limits.rates import RateClass
from domain.access.policy import Operation
from domain.errors import NotFound
from domain.kernel import AreaCode, Document, HouseCode, Line, Listing, Paging, Value
from domain.registry import households, merges
from domain.registry.household import Household, HouseholdDraft, HouseholdFilter, HouseholdPatch
from domain.registry.indicators import IndicatorResults
from domain.registry.person import CitizenIdText

fields = Fields()


class SearchHouseholds(Value):
    """Exactly one of the three ways to find a household; send identifiers as variables."""

    citizen_id: CitizenIdText | None = None
    house_code: HouseCode | None = None
    name: Line | None = None
    """First name, or first and last name, or the beginning of either; tone marks may be left out."""
    area: AreaCode | None = None


@fields.by_id("household", Household)
async def household(call: Call, id: UUID) -> Document:
    """One household with its members, masked by the caller's rights; of a merged one the household it is now."""
    async with call.reading() as work:
        try:
            return await households.read(work, call.actor, id, now=call.now)
        except NotFound:
            found = await merges.successor(work, call.actor, Operation.READ_HOUSEHOLDS, id)
            if found is None:
                raise
            return await households.read(work, call.actor, found, now=call.now)


@fields.connection("households", Household, filter=HouseholdFilter, keys=connections.UPDATED)
async def browse(call: Call, where: HouseholdFilter, paging: Paging) -> Listing:
    """Households in the caller's reach, in the order of creation unless asked otherwise."""
    async with call.reading() as work:
        return await households.browse(work, call.actor, where, paging, now=call.now)


@fields.connection("searchHouseholds", Household, input=SearchHouseholds, keys=connections.UPDATED)
async def search(call: Call, wanted: SearchHouseholds, paging: Paging) -> Listing:
    """Households by citizen id, house code, or the beginning of a member's name."""
    asked = households.HouseholdSearch.model_construct(**dict(wanted))
    if wanted.citizen_id is not None:
        await call.services.limits.admit(call.scope, RateClass.LOOKUP, call.actor.client_id)
    async with call.reading() as work:
        return await households.search(work, call.actor, asked, paging, now=call.now)


@fields.mutation("createHousehold", Household, body=HouseholdDraft)
async def register(call: Call, draft: HouseholdDraft) -> Document:
    """Registers a household with its members, all or none."""
    ids = (one.person.citizen_id for one in draft.members)
    naming = call.services.limits.naming(call.scope, call.actor.client_id, ids)
    async with naming, call.writing() as work:
        return await households.register(work, call.actor, draft, now=call.now)


@fields.mutation("updateHousehold", Household, body=HouseholdPatch, target="id", versioned=True)
async def amend(call: Call, id: UUID, patch: HouseholdPatch, *, version: int) -> Document:
    """Amends a household: absent keeps, null clears. The area changes by a move only."""
    async with call.writing() as work:
        return await households.amend(work, call.actor, id, patch, version=version, now=call.now)


@fields.mutation("putIndicatorResults", Household, body=IndicatorResults, target="household_id")
async def survey(call: Call, household_id: UUID, results: IndicatorResults) -> Document:
    """Replaces the results of a year and edition, and derives the dimension mask."""
    async with call.writing() as work:
        return await households.survey(work, call.actor, household_id, results, now=call.now)


async def by_id(call: Call, ids: list[str]) -> list[Row | None]:
    """Households by their ids, in one statement; None for one that is absent or hidden."""
    where = HouseholdFilter.model_construct(id=[UUID(id) for id in ids])
    async with call.reading() as work:
        rows = await everything(
            lambda paging: households.browse(work, call.actor, where, paging, now=call.now)
        )
    return picked(ids, rows, "id")
