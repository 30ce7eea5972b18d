"""Areas (contract 3, 9)."""

from api.graphql import connections
from api.graphql.context import Call
from api.graphql.fields import Fields
from domain.kernel import AreaCode, Document, Listing, Paging, Value
from domain.reference import areas
from domain.reference.area import Area, AreaFilter

fields = Fields()


class AreaKey(Value):
    code: AreaCode


@fields.query("area", Area, args=AreaKey)
async def area(call: Call, given: AreaKey) -> Document:
    """One area, abolished ones too."""
    async with call.reading() as work:
        return await areas.read(work, call.actor, given.code)


@fields.connection("areas", Area, filter=AreaFilter, keys=connections.BY_CODE)
async def browse(call: Call, where: AreaFilter, paging: Paging) -> Listing:
    """By code, those in use unless the others are asked for."""
    async with call.reading() as work:
        return await areas.browse(work, call.actor, where, paging)
