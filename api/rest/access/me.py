"""What the caller may do (contract 2)."""

from starlette.responses import Response

from api.rest.call import Call
from api.rest.operations import Routes
from domain.access.me import Access, access_of
from domain.access.policy import Operation

routes = Routes("authorisation")


@routes.get(
    "/v1/me/access", "getMyAccess", "Read your own access", policy=Operation.READ_REFERENCE, answer=Access
)
async def access(call: Call) -> Response:
    """Client, agency, scopes, areas and masked fields of the token."""
    call.no_query()
    return call.json(access_of(call.actor, call.services.limits.told).model_dump_json().encode())
