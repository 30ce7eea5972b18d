"""Clients, for administrators (contract 2)."""

from starlette.responses import Response

from api.rest.call import Call, Listed
from api.rest.operations import MERGE_PATCH, Routes
from api.rest.reference.answers import code_of
from domain.access import clients
from domain.access.clients import Client, ClientDraft, ClientPatch, IssuedClient, SecretRotation
from domain.access.policy import Operation

routes = Routes("clients")
ADMIN = Operation.ADMINISTER


@routes.post(
    "/v1/clients",
    "createClient",
    "Create a client",
    policy=ADMIN,
    body=ClientDraft,
    answer=IssuedClient,
)
async def create(call: Call) -> Response:
    """Of the caller's agency or one that acts in its areas. The secret is in this answer and nowhere else."""
    draft = await call.body(ClientDraft)
    async with call.writing() as work:
        issued = await clients.create(work, call.actor, draft, now=call.now, secrets=call.services.secrets)
    await call.services.standing.refresh()
    headers = {"Location": f"/v1/clients/{issued.client_id}"}
    return call.json(issued.model_dump_json().encode(), status=201, headers=headers)


@routes.get(
    "/v1/clients", "listClients", "List clients", policy=ADMIN, query=Listed, answer=Client, many=True
)
async def browse(call: Call) -> Response:
    """Those whose areas the caller covers and whose agency is its own or acts in its areas, in the order of creation."""
    paging = call.paging(call.query(Listed))
    async with call.reading() as work:
        return call.listing(await clients.browse(work, call.actor, paging), paging)


@routes.get("/v1/clients/{client_id}", "getClient", "Read a client", policy=ADMIN, answer=Client)
async def read(call: Call) -> Response:
    call.no_query()
    async with call.reading() as work:
        return call.document(await clients.read(work, call.actor, code_of(call, "client_id")))


@routes.patch(
    "/v1/clients/{client_id}", "patchClient", "Amend a client", policy=ADMIN, body=ClientPatch, answer=Client
)
async def amend(call: Call) -> Response:
    """Merge patch. What bars or narrows reaches tokens already out at once: disabling, networks, and a scope, an
    area or a key taken away, after which the client fetches a new token."""
    version, patch = call.expected_version(), await call.body(ClientPatch, media=MERGE_PATCH)
    client_id = code_of(call, "client_id")
    async with call.writing() as work:
        amended = await clients.amend(work, call.actor, client_id, patch, version=version, now=call.now)
    await call.services.standing.refresh()
    return call.document(amended)


@routes.post(
    "/v1/clients/{client_id}/rotate-secret", "rotateClientSecret", "Replace a client's secret",
    policy=ADMIN, body=SecretRotation, answer=IssuedClient, status=200,
)  # fmt: skip
async def rotate(call: Call) -> Response:
    """The old secret keeps working for the stated overlap; with none, tokens already out stop as well."""
    rotation = await call.body(SecretRotation) if await call.raw_body() else SecretRotation()
    client_id = code_of(call, "client_id")
    async with call.writing() as work:
        issued = await clients.rotate(
            work, call.actor, client_id, rotation, now=call.now, secrets=call.services.secrets
        )
    await call.services.standing.refresh()
    return call.json(issued.model_dump_json().encode())


@routes.delete("/v1/clients/{client_id}", "revokeClient", "Revoke a client", policy=ADMIN, status=204)
async def revoke(call: Call) -> Response:
    """Its tokens, its secret and its keys stop working; its record stays."""
    client_id = code_of(call, "client_id")
    async with call.writing() as work:
        await clients.revoke(work, call.actor, client_id, now=call.now, secrets=call.services.secrets)
    await call.services.standing.refresh()
    return Response(None, 204)
