"""Webhooks (contract 7, 9)."""

from uuid import UUID

from api.graphql.context import Call
from api.graphql.fields import Fields
from api.webhooks.signing import new_secret
from domain.exchange import webhooks
from domain.exchange.webhook import (
    Delivery,
    DeliveryFilter,
    IssuedWebhook,
    ReplayedWebhook,
    Webhook,
    WebhookDraft,
    WebhookPatch,
    WebhookRemoval,
    WebhookReplay,
    WebhookRotation,
    WebhookTest,
)
from domain.kernel import Document, Listing, Paging

fields = Fields()
QUEUE = {"created_at": ("number",), "-created_at": ("number",)}


@fields.by_id("webhook", Webhook)
async def webhook(call: Call, id: UUID) -> Document:
    """One of the calling client's own; never its secret."""
    async with call.reading() as work:
        return await webhooks.read(work, call.actor, id)


@fields.connection("webhooks", Webhook)
async def browse(call: Call, paging: Paging) -> Listing:
    """The calling client's own, oldest first."""
    async with call.reading() as work:
        return await webhooks.browse(work, call.actor, paging)


@fields.connection("webhookDeliveries", Delivery, filter=DeliveryFilter, owner="id", keys=QUEUE)
async def deliveries(call: Call, id: UUID, where: DeliveryFilter, paging: Paging) -> Listing:
    """A webhook's messages in the order of its queue; those that are over are kept for 30 days."""
    async with call.reading() as work:
        return await webhooks.deliveries(work, call.actor, id, where, paging)


@fields.mutation("createWebhook", IssuedWebhook, body=WebhookDraft)
async def create(call: Call, draft: WebhookDraft) -> Document:
    """Adds a webhook, told of what is committed from now on. The secret is in this answer and nowhere else."""
    await webhooks.vet(call.services.targets, call.actor, draft.url)
    async with call.writing() as work:
        return await webhooks.create(work, call.actor, draft, now=call.now, mint=new_secret)


@fields.mutation("updateWebhook", Webhook, body=WebhookPatch, target="id", versioned=True)
async def amend(call: Call, id: UUID, patch: WebhookPatch, *, version: int) -> Document:
    """Amends a webhook; `enabled: true` takes it up again where it stopped."""
    await webhooks.vet(call.services.targets, call.actor, patch.url or None)
    async with call.writing() as work:
        return await webhooks.amend(work, call.actor, id, patch, version=version, now=call.now)


@fields.mutation("rotateWebhookSecret", IssuedWebhook, body=WebhookRotation, target="id")
async def rotate(call: Call, id: UUID, rotation: WebhookRotation) -> Document:
    """Replaces a webhook's secret; the old one signs along for the stated overlap."""
    async with call.writing() as work:
        return await webhooks.rotate(work, call.actor, id, rotation, now=call.now, mint=new_secret)


@fields.mutation("replayWebhook", ReplayedWebhook, body=WebhookReplay, target="id")
async def replay(call: Call, id: UUID, wanted: WebhookReplay) -> ReplayedWebhook:
    """Sends messages about changes of a time again, with their old ids."""
    async with call.writing() as work:
        return await webhooks.replay(work, call.actor, id, wanted, now=call.now)


@fields.mutation("testWebhook", Delivery, body=WebhookTest, target="id")
async def test(call: Call, id: UUID, _: WebhookTest) -> Document:
    """Sends a test message; its answer is in the deliveries."""
    async with call.writing() as work:
        return await webhooks.test(work, call.actor, id, now=call.now)


@fields.mutation("deleteWebhook", Webhook, body=WebhookRemoval, target="id")
async def remove(call: Call, id: UUID, _: WebhookRemoval) -> Document:
    """Deletes a webhook, and answers as what it was: nothing more is sent."""
    async with call.writing() as work:
        return await webhooks.remove(work, call.actor, id, now=call.now)
