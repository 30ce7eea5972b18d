"""Code lists (contract 3, 9)."""

from api.graphql.context import Call
from api.graphql.fields import Fields
from api.graphql.loaders import Row, everything
from domain.kernel import Code, Value
from domain.reference import codes
from domain.reference.code import CodeEntry, CodeList

fields = Fields()


class CodeListKey(Value):
    list: Code
    """The name of the list, e.g. `purposes`."""


@fields.query("codeLists", CodeList, many=True)
async def lists(call: Call) -> bytes:
    """Every list with its codes, by name. Codes keep the form they have in REST."""
    async with call.reading() as work:
        return (await codes.lists(work, call.actor)).items


@fields.query("codes", CodeEntry, args=CodeListKey, many=True)
async def browse(call: Call, given: CodeListKey) -> list[Row]:
    """The codes of one list with their names, in its order: all of them."""
    async with call.reading() as work:
        return await everything(lambda paging: codes.browse(work, call.actor, given.list, paging))
