"""Who read a person's data (contract 2)."""

from starlette.responses import Response

from api.rest.call import Call, Listed
from api.rest.operations import Routes
from domain.access import log
from domain.access.log import AccessLogEntry
from domain.access.policy import Operation

routes = Routes("access log")
NEWEST_FIRST = ("-created_at",)


class AccessLogQuery(Listed):
    sort: str = NEWEST_FIRST[0]


@routes.get(
    "/v1/persons/{person_id}/access-log", "listPersonAccessLog", "List who read a person's unmasked data",
    policy=Operation.READ_ACCESS_LOG, query=AccessLogQuery, answer=AccessLogEntry, many=True,
)  # fmt: skip
async def browse(call: Call) -> Response:
    """Newest first, and in no other order (`sort=-created_at`); of persons in the caller's areas."""
    paging = call.paging(call.query(AccessLogQuery), sorts=NEWEST_FIRST)
    async with call.reading() as work:
        return call.listing(await log.browse(work, call.actor, call.id("person_id"), paging), paging)
