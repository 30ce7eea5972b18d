"""Webhooks (contract 7)."""

from starlette.responses import Response

from api.rest.call import Call, Listed
from api.rest.operations import MERGE_PATCH, Routes
from api.webhooks.signing import new_secret
from domain.access.policy import Operation
from domain.exchange import webhooks
from domain.exchange.webhook import (
    Delivery,
    DeliveryFilter,
    IssuedWebhook,
    ReplayedWebhook,
    Webhook,
    WebhookDraft,
    WebhookPatch,
    WebhookReplay,
    WebhookRotation,
)

routes = Routes("webhooks")
MINE = Operation.MANAGE_WEBHOOKS
ONE = "/v1/webhooks/{webhook_id}"


class DeliveryListQuery(DeliveryFilter, Listed):
    """Order: the webhook's queue, oldest first."""


@routes.post(
    "/v1/webhooks", "createWebhook", "Add a webhook",
    policy=MINE, body=WebhookDraft, answer=IssuedWebhook, errors=(409,),
)  # fmt: skip
async def create(call: Call) -> Response:
    """Told of what is committed from now on, as the feed would tell it to this client. The secret is in this answer and
    nowhere else. 422 `target-refused` for a URL that is not public HTTPS."""
    draft = await call.body(WebhookDraft)
    await webhooks.vet(call.services.targets, call.actor, draft.url)
    async with call.writing() as work:
        issued = await webhooks.create(work, call.actor, draft, now=call.now, mint=new_secret)
    return call.created(issued, "/v1/webhooks")


@routes.get(
    "/v1/webhooks", "listWebhooks", "List webhooks", policy=MINE, query=Listed, answer=Webhook, many=True
)
async def browse(call: Call) -> Response:
    """The calling client's own, oldest first."""
    paging = call.paging(call.query(Listed))
    async with call.reading() as work:
        return call.listing(await webhooks.browse(work, call.actor, paging), paging)


@routes.get(ONE, "getWebhook", "Read a webhook", policy=MINE, answer=Webhook)
async def read(call: Call) -> Response:
    """Whether it is switched on, and why not."""
    call.no_query()
    async with call.reading() as work:
        return call.document(await webhooks.read(work, call.actor, call.id("webhook_id")))


@routes.patch(ONE, "patchWebhook", "Amend a webhook", policy=MINE, body=WebhookPatch, answer=Webhook)
async def amend(call: Call) -> Response:
    """Merge patch. `enabled: true` takes it up again where it stopped, with all that has changed since."""
    version, patch = call.expected_version(), await call.body(WebhookPatch, media=MERGE_PATCH)
    await webhooks.vet(call.services.targets, call.actor, patch.url or None)
    webhook_id = call.id("webhook_id")
    async with call.writing() as work:
        return call.document(
            await webhooks.amend(work, call.actor, webhook_id, patch, version=version, now=call.now)
        )


@routes.post(
    f"{ONE}/rotate-secret", "rotateWebhookSecret", "Replace a webhook's secret",
    policy=MINE, body=WebhookRotation, answer=IssuedWebhook, status=200,
)  # fmt: skip
async def rotate(call: Call) -> Response:
    """Until the stated overlap ends, messages carry two signatures: by the new secret, and by the old one."""
    rotation = await call.body(WebhookRotation) if await call.raw_body() else WebhookRotation()
    webhook_id = call.id("webhook_id")
    async with call.writing() as work:
        issued = await webhooks.rotate(work, call.actor, webhook_id, rotation, now=call.now, mint=new_secret)
    return call.document(issued)


@routes.get(
    f"{ONE}/deliveries", "listWebhookDeliveries", "List a webhook's deliveries",
    policy=MINE, query=DeliveryListQuery, answer=Delivery, many=True,
)  # fmt: skip
async def deliveries(call: Call) -> Response:
    """In the order of its queue; those that are over are kept for 30 days. What was answered is not kept."""
    given = call.query(DeliveryListQuery)
    paging = call.paging(given)
    async with call.reading() as work:
        return call.listing(
            await webhooks.deliveries(work, call.actor, call.id("webhook_id"), given, paging), paging
        )


@routes.post(
    f"{ONE}/replay", "replayWebhook", "Send a webhook's messages again",
    policy=MINE, body=WebhookReplay, answer=ReplayedWebhook, status=202,
)  # fmt: skip
async def replay(call: Call) -> Response:
    """Those about changes of that time, with the same `webhook-id` as before, in their old order; 10,000 at most."""
    wanted, webhook_id = await call.body(WebhookReplay), call.id("webhook_id")
    async with call.writing() as work:
        replayed = await webhooks.replay(work, call.actor, webhook_id, wanted, now=call.now)
    return call.json(replayed.model_dump_json().encode(), status=202)


@routes.post(
    f"{ONE}/test", "testWebhook", "Send a webhook a test message", policy=MINE, answer=Delivery, status=202
)
async def test(call: Call) -> Response:
    """A message of type `th.kaejon.webhook.test`; its answer is in the deliveries."""
    webhook_id = call.id("webhook_id")
    async with call.writing() as work:
        queued = await webhooks.test(work, call.actor, webhook_id, now=call.now)
    return call.json(queued.text, status=202)


@routes.delete(ONE, "deleteWebhook", "Delete a webhook", policy=MINE, status=204)
async def remove(call: Call) -> Response:
    """Nothing more is sent; its secret and its deliveries go with it."""
    webhook_id = call.id("webhook_id")
    async with call.writing() as work:
        await webhooks.remove(work, call.actor, webhook_id, now=call.now)
    return Response(None, 204)
