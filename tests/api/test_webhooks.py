"""Webhooks over REST: whose they are, what is shown of them and once, and what is refused."""

import asyncio
import re
from typing import Any

import pytest

from domain.exchange.webhooks import MOST_WEBHOOKS
from tests.support.access import owner_of
from tests.support.api import Api
from tests.support.webhooks import SCOPES, Subscriber

URL = "https://127.0.0.1:9/hook?token=hush"


async def subscriber(api: Api, **changes: Any) -> Subscriber:
    return await Subscriber.made(api, **changes)


async def test_a_webhook_is_created_with_its_secret_and_read_without_it(api: Api) -> None:
    client = await subscriber(api)
    answer = await client.call(
        "POST", "/v1/webhooks", {"url": URL, "types": ["problem", "household", "problem"]}
    )
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/webhooks/{made['id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", made["secret"])
    assert (made["url"], made["types"]) == (URL, ["household", "problem"])
    assert (made["enabled"], made["disabled_reason"], made["version"]) == (True, None, 1)
    read = await client.call("GET", f"/v1/webhooks/{made['id']}")
    assert read.headers["etag"] == answer.headers["etag"] == '"1"'
    assert read.json() == {name: value for name, value in made.items() if name != "secret"}
    listed = await client.call("GET", "/v1/webhooks")
    assert listed.json()["items"] == [read.json()]
    assert made["secret"] not in read.text + listed.text


async def test_the_secret_is_sealed_and_the_audit_knows_neither_it_nor_the_url(api: Api) -> None:
    client = await subscriber(api)
    made = await client.webhook(URL)
    rotated = (await client.call("POST", f"/v1/webhooks/{made['id']}/rotate-secret")).json()
    await client.patch(made, url=URL + "2")
    assert (await client.call("DELETE", f"/v1/webhooks/{made['id']}")).status_code == 204
    kept = await client.webhook(URL)
    async with owner_of(api) as owner:
        rows = await owner.fetch("SELECT w::text AS text FROM webhook w WHERE id = $1", kept["id"])
        audit = await owner.fetch(
            "SELECT operation, a::text AS text FROM audit a WHERE resource = $1 ORDER BY id", made["id"]
        )
    assert [row["operation"] for row in audit] == [
        "webhook.created", "webhook.secret-rotated", "webhook.updated", "webhook.deleted",
    ]  # fmt: skip
    text = "".join(row["text"] for row in [*rows, *audit])
    for secret in (made["secret"], rotated["secret"], kept["secret"]):
        assert secret not in text
        assert secret.removeprefix("whsec_").encode().hex() not in text
    assert "hush" not in "".join(row["text"] for row in audit)


async def test_a_replay_under_an_idempotency_key_shows_no_secret(api: Api) -> None:
    client = await subscriber(api)
    key = {"Idempotency-Key": "one"}
    first = await client.call("POST", "/v1/webhooks", {"url": URL}, headers=key)
    again = await client.call("POST", "/v1/webhooks", {"url": URL}, headers=key)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == {**first.json(), "secret": None}
    assert len((await client.call("GET", "/v1/webhooks")).json()["items"]) == 1


async def test_a_patch_needs_the_version_and_changes_what_it_names(api: Api) -> None:
    client = await subscriber(api)
    made = await client.webhook(URL, "household")
    path = f"/v1/webhooks/{made['id']}"
    assert (await client.call("PATCH", path, {"enabled": False})).json()["code"] == "precondition-required"
    stale = await client.call("PATCH", path, {"enabled": False}, headers={"If-Match": '"7"'})
    assert stale.json()["code"] == "version-mismatch"
    off = await client.patch(made, enabled=False)
    assert (off["enabled"], off["disabled_reason"], off["version"]) == (False, "client", 2)
    assert off["disabled_at"] is not None
    same = await client.patch(made, enabled=False)
    assert same == off, "nothing changed, no new version"
    everything = await client.patch(made, types=[], url=URL + "x", enabled=True)
    assert (everything["types"], everything["url"], everything["enabled"]) == ([], URL + "x", True)
    assert everything["disabled_reason"] is None
    assert everything["disabled_at"] is None


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"url": "http://example.org/"}, ("/url", "target-refused")),
        ({"url": "https://10.0.0.1/"}, ("/url", "target-refused")),
        ({"url": "https://169.254.169.254/latest"}, ("/url", "target-refused")),
        ({"url": "https://2130706433/"}, ("/url", "target-refused")),
        ({"url": "https://user:hunter2@8.8.8.8/"}, ("/url", "target-refused")),
        ({"url": "https://8.8.8.8:22/"}, ("/url", "target-refused")),
        ({"url": "https://no-such-name.invalid/"}, ("/url", "target-refused")),
        ({"url": ""}, ("/url", "too-short")),
        ({"url": "https://8.8.8.8/" + "x" * 2000}, ("/url", "too-long")),
        ({}, ("/url", "required")),
        ({"url": None}, ("/url", "wrong-type")),
        ({"url": URL, "types": ["client"]}, ("/types/0", "unknown-value")),
        ({"url": URL, "types": None}, ("/types", "wrong-type")),
        ({"url": URL, "secret": "whsec_x"}, ("/secret", "unknown-field")),
    ],
)  # fmt: skip
async def test_a_bad_one_is_refused_at_creation_and_by_a_patch(
    api: Api, body: dict[str, Any], fault: tuple[str, str]
) -> None:
    client = await subscriber(api)
    answers = [await client.call("POST", "/v1/webhooks", body)]
    if body:
        made = await client.webhook(URL)
        path = f"/v1/webhooks/{made['id']}"
        answers.append(await client.call("PATCH", path, body, headers={"If-Match": '"1"'}))
        assert (await client.read(made))["version"] == 1
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
        assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [fault]
        assert "169.254" not in answer.text
        assert "hunter2" not in answer.text


async def test_a_webhook_is_its_clients_alone(api: Api) -> None:
    owner, other = await subscriber(api), await subscriber(api)
    made = await owner.webhook(URL)
    path = f"/v1/webhooks/{made['id']}"
    for method, where, body in (
        ("GET", path, None), ("GET", f"{path}/deliveries", None), ("DELETE", path, None), ("POST", f"{path}/test", None),
        ("POST", f"{path}/rotate-secret", {}), ("POST", f"{path}/replay", {"from": "2026-01-01T00:00:00Z"}),
        ("PATCH", path, {"enabled": False}),
    ):  # fmt: skip
        answer = await other.call(method, where, body, headers={"If-Match": '"1"'})
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), (method, where)
    assert (await other.call("GET", "/v1/webhooks")).json()["items"] == []
    assert (await owner.read(made))["enabled"]


async def test_a_client_has_so_many_and_no_more_however_many_it_asks_for_at_once(api: Api) -> None:
    client = await subscriber(api)
    for _ in range(MOST_WEBHOOKS - 2):
        await client.webhook(URL)
    answers = await asyncio.gather(*(client.call("POST", "/v1/webhooks", {"url": URL}) for _ in range(6)))
    assert sorted(one.status_code for one in answers) == [201, 201, 409, 409, 409, 409]
    assert {one.json().get("code") for one in answers} == {None, "too-many-webhooks"}
    items = (await client.call("GET", "/v1/webhooks?limit=200&count=exact")).json()
    assert items["total"] == len(items["items"]) == MOST_WEBHOOKS


async def test_deliveries_are_listed_by_status_in_pages_either_way_round(api: Api) -> None:
    client = await subscriber(api)
    made = await client.webhook(URL)
    path = f"/v1/webhooks/{made['id']}"
    for _ in range(5):
        assert (await client.call("POST", f"{path}/test")).status_code == 202
    numbers: list[int] = []
    where: str | None = f"{path}/deliveries?limit=2&sort=-created_at"
    while where:
        page = await client.call("GET", where)
        numbers += [one["number"] for one in page.json()["items"]]
        where = page.links["next"]["url"] if "next" in page.links else None
    assert numbers == [5, 4, 3, 2, 1]
    assert len(await client.deliveries(made, "?status=pending&status=failed")) == 5
    assert await client.deliveries(made, "?status=delivered") == []
    unknown = await client.call("GET", f"{path}/deliveries?status=lost")
    assert unknown.json()["errors"][0]["code"] == "unknown-value"


async def test_the_scope_is_needed(api: Api) -> None:
    client = await subscriber(api, scopes=[one for one in SCOPES if one != "webhooks:write"])
    answer = await client.call("POST", "/v1/webhooks", {"url": URL})
    assert (answer.status_code, answer.json()["scope"]) == (403, "webhooks:write")


async def test_graphql_does_the_same(api: Api) -> None:
    client = await subscriber(api)

    async def ask(query: str) -> dict[str, Any]:
        answer = await client.call("POST", "/graphql", {"query": query})
        found: dict[str, Any] = answer.json()
        assert "errors" not in found, found
        return dict(found["data"])

    made = (await ask(f'mutation {{ createWebhook(input: {{url: "{URL}", types: [PROBLEM]}}) {{ id secret types version }} }}'))[
        "createWebhook"
    ]  # fmt: skip
    assert made["secret"].startswith("whsec_")
    assert made["types"] == ["problem"]
    id = f'id: "{made["id"]}"'
    rotated = await ask(f"mutation {{ rotateWebhookSecret(input: {{{id}}}) {{ secret }} }}")
    assert rotated["rotateWebhookSecret"]["secret"] != made["secret"]
    tested = await ask(f"mutation {{ testWebhook(input: {{{id}}}) {{ status type }} }}")
    assert tested == {"testWebhook": {"status": "PENDING", "type": "webhook"}}
    replay = f'mutation {{ replayWebhook(input: {{{id}, from: "2020-01-01T00:00:00Z"}}) {{ queued }} }}'
    assert await ask(replay) == {"replayWebhook": {"queued": 0}}
    off = await ask(
        f"mutation {{ updateWebhook(input: {{{id}, version: 2, enabled: false}}) {{ disabledReason }} }}"
    )
    assert off == {"updateWebhook": {"disabledReason": "CLIENT"}}
    read = await ask(
        f"{{ webhook({id}) {{ enabled }} webhookDeliveries({id}) {{ nodes {{ number }} pageInfo {{ hasNextPage }} }} }}"
    )
    assert read["webhookDeliveries"] == {"nodes": [{"number": 1}], "pageInfo": {"hasNextPage": False}}
    await ask(f"mutation {{ deleteWebhook(input: {{{id}}}) {{ id }} }}")
    assert (await ask("{ webhooks { nodes { id } } }"))["webhooks"]["nodes"] == []
