"""The change feed (contract 7)."""

from starlette.responses import Response

from api.rest.call import Call
from api.rest.operations import Routes
from domain.access.policy import Operation
from domain.exchange.changes import ChangePage, ChangeQuery, check_page

routes = Routes("changes")


@routes.get(
    "/v1/changes", "listChanges", "Follow what changes",
    policy=Operation.READ_CHANGES, query=ChangeQuery, answer=ChangePage, errors=(410,),
)  # fmt: skip
async def follow(call: Call) -> Response:
    """In the order of commits, without gaps: a mirror starts with an export and follows from the position it names.

    Changes wait for every transaction that began to write before their own: while one runs long, pages are empty, and
    nothing is lost. Whoever has no scope that reads any type is refused, and so is a type that the caller may not read;
    campaigns are told to everybody who names them. `cursor-expired` says that a cursor cannot be followed without a gap;
    start again with an export.
    """
    given = call.query(ChangeQuery)
    check_page(given.limit, given.wait)
    return call.json(
        await call.services.feed.page(call.reading, call.actor, given, receive=call.request.receive)
    )
