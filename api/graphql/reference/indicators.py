"""Indicators of the surveys, and the five dimensions (contract 3, 9)."""

from api.graphql import connections
from api.graphql.context import Call
from api.graphql.fields import Fields
from domain.kernel import Code, Document, Listing, Paging, Value
from domain.reference import indicators
from domain.reference.indicator import Dimension, Indicator, IndicatorFilter

fields = Fields()


class IndicatorKey(Value):
    id: Code
    """Framework, edition and number: bmn-38-27."""


@fields.query("indicator", Indicator, args=IndicatorKey)
async def indicator(call: Call, given: IndicatorKey) -> Document:
    """One indicator."""
    async with call.reading() as work:
        return await indicators.read(work, call.actor, given.id)


@fields.connection("indicators", Indicator, filter=IndicatorFilter, keys=connections.BY_NUMBER)
async def browse(call: Call, where: IndicatorFilter, paging: Paging) -> Listing:
    """By framework, edition and number."""
    async with call.reading() as work:
        return await indicators.browse(work, call.actor, where, paging)


@fields.query("dimensions", Dimension, many=True)
async def dimensions(call: Call) -> bytes:
    """All five, in the order of the digits of a dimensionMask."""
    async with call.reading() as work:
        return (await indicators.dimensions(work, call.actor)).items
