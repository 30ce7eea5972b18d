"""Clients, for administrators (contract 2, 9)."""

from api.graphql.context import Call
from api.graphql.fields import Fields
from domain.access import clients
from domain.access.clients import Client, ClientDraft, ClientPatch, IssuedClient, SecretRotation
from domain.kernel import Code, Document, Listing, Paging, Value

fields = Fields()
KEYS = {"created_at": ("client_id",)}


class ByClientId(Value):
    client_id: Code


class Revocation(Value):
    """There is nothing to say but which client."""


@fields.query("client", Client, args=ByClientId)
async def client(call: Call, given: ByClientId) -> Document:
    """One client; never its secret."""
    async with call.reading() as work:
        return await clients.read(work, call.actor, given.client_id)


@fields.connection("clients", Client, keys=KEYS)
async def browse(call: Call, paging: Paging) -> Listing:
    """Those whose areas the caller covers and whose agency is its own or acts in its areas, in the order of creation."""
    async with call.reading() as work:
        return await clients.browse(work, call.actor, paging)


@fields.mutation("createClient", IssuedClient, body=ClientDraft)
async def create(call: Call, draft: ClientDraft) -> IssuedClient:
    """Creates a client of the caller's agency or one that acts in its areas. The secret is in this answer and
    nowhere else."""
    async with call.writing() as work:
        issued = await clients.create(work, call.actor, draft, now=call.now, secrets=call.services.secrets)
    await call.services.standing.refresh()
    return issued


@fields.mutation("updateClient", Client, body=ClientPatch, target="client_id", kind=str, versioned=True)
async def amend(call: Call, client_id: str, patch: ClientPatch, *, version: int) -> Document:
    """Amends a client. What bars or narrows reaches tokens already out at once."""
    async with call.writing() as work:
        amended = await clients.amend(work, call.actor, client_id, patch, version=version, now=call.now)
    await call.services.standing.refresh()
    return amended


@fields.mutation("rotateClientSecret", IssuedClient, body=SecretRotation, target="client_id", kind=str)
async def rotate(call: Call, client_id: str, rotation: SecretRotation) -> IssuedClient:
    """Replaces a client's secret; the old one keeps working for the stated overlap."""
    async with call.writing() as work:
        issued = await clients.rotate(
            work, call.actor, client_id, rotation, now=call.now, secrets=call.services.secrets
        )
    await call.services.standing.refresh()
    return issued


@fields.mutation("revokeClient", Client, body=Revocation, target="client_id", kind=str)
async def revoke(call: Call, client_id: str, _: Revocation) -> Document:
    """Revokes a client: its tokens, its secret and its keys stop working; its record stays."""
    async with call.writing() as work:
        revoked = await clients.revoke(
            work, call.actor, client_id, now=call.now, secrets=call.services.secrets
        )
    await call.services.standing.refresh()
    return revoked
