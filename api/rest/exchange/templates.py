"""Templates of import files (contract 7): the columns named as the registry's fields."""

from starlette.responses import Response

from api.rest.call import Call
from api.rest.operations import Routes
from api.rest.reference.answers import lasting
from domain.access.policy import Operation, admit
from domain.errors import NotFound
from domain.exchange.reading.columns import template_of
from domain.exchange.reading.kinds import ImportKind
from domain.tabular import rows_as_csv

routes = Routes("imports")
_MARK = "\ufeff"
"""Tells spreadsheets that the file is UTF-8: without it they save Thai in another encoding."""


@routes.get(
    "/v1/imports/templates/{kind}.csv", "getImportTemplate", "Fetch the template of an import file",
    policy=Operation.READ_REFERENCE,
)  # fmt: skip
async def template(call: Call) -> Response:
    """A header to be filled in below. Of a person's row `area_code`, `first_name` and one of `citizen_id` and
    `no_id_reason` are needed; of an event's `record_id`, `dimension`, `assistance_type`, `provided_on` and one that
    names the household. Columns may be left out or moved, not added."""
    kind = _kind(call)
    admit(call.actor, Operation.READ_REFERENCE)
    text = _MARK + rows_as_csv(template_of(kind), [])
    name = f'attachment; filename="{kind}.csv"'
    return lasting(call, Response(text, 200, {"Content-Disposition": name}, media_type="text/csv"))


def _kind(call: Call) -> ImportKind:
    try:
        return ImportKind(call.request.path_params["kind"])
    except ValueError:
        raise NotFound from None
