"""A webhook is not made for what its client could never be told of, and says what is withheld since."""

import pytest

from tests.support.access import owner_of
from tests.support.api import Api
from tests.support.calls import everything
from tests.support.webhooks import Subscriber

URL = "https://127.0.0.1:9/hook"
READER = ["households:read", "problems:read", "webhooks:write"]


async def rescoped(api: Api, client: Subscriber, scopes: list[str]) -> None:
    """Its administrator gives it other scopes; its token stays what it was until it asks for another."""
    async with owner_of(api) as owner:
        await owner.execute("UPDATE client SET scopes = $2 WHERE id = $1", client.client["client_id"], scopes)


async def test_a_type_that_the_client_may_not_read_is_refused(api: Api) -> None:
    client = await Subscriber.made(api, scopes=READER)
    refused = await client.call(
        "POST", "/v1/webhooks", {"url": URL, "types": ["problem", "assignment", "menu"]}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")
    assert refused.json()["scope"] == "assignments:read"
    faults = refused.json()["errors"]
    assert [(one["pointer"], one["code"], one["detail"].split(":")[0]) for one in faults] == [
        ("/types", "type-not-readable", "assignment"),
        ("/types", "type-not-readable", "menu"),
    ]
    assert (await client.call("GET", "/v1/webhooks")).json()["items"] == []
    query = f'mutation {{ createWebhook(input: {{url: "{URL}", types: [MENU]}}) {{ id }} }}'
    asked = await api.call(None, "POST", "/graphql", {"query": query}, headers=client.headers)
    told = asked.json()["errors"][0]["extensions"]
    assert (told["code"], told["scope"]) == ("insufficient-scope", "menus:read")
    assert [one["pointer"] for one in told["errors"]] == ["/types"]


async def test_a_patch_is_refused_alike_and_changes_nothing(api: Api) -> None:
    client = await Subscriber.made(api, scopes=READER)
    made = await client.webhook(URL, "problem")
    refused = await client.call(
        "PATCH",
        f"/v1/webhooks/{made['id']}",
        {"types": ["assistance_event"], "enabled": False},
        headers={"If-Match": '"1"'},
    )
    assert (refused.status_code, refused.json()["scope"]) == (403, "assistance:read")
    assert await client.read(made) == {name: one for name, one in made.items() if name != "secret"}
    assert (await client.patch(made, types=["household", "campaign"]))["types"] == ["household", "campaign"]


async def test_everything_is_refused_to_whoever_reads_nothing(api: Api) -> None:
    client = await Subscriber.made(api, scopes=["webhooks:write", "households:write"])
    refused = await client.call("POST", "/v1/webhooks", {"url": URL})
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")
    assert "households:read" in refused.json()["scope"].split()
    # Campaigns are everybody's, and can be asked for by name.
    made = await client.webhook(URL, "campaign")
    assert made["withheld_types"] == []
    emptied = await client.call(
        "PATCH", f"/v1/webhooks/{made['id']}", {"types": []}, headers={"If-Match": '"1"'}
    )
    assert (emptied.status_code, emptied.json()["code"]) == (403, "insufficient-scope")


async def test_the_client_s_scopes_count_and_not_its_token_s(api: Api) -> None:
    """Deliveries are made with the client's: whoever manages webhooks with a token for that alone is not kept from it."""
    client = await Subscriber.made(api, scopes=READER)
    token = api.token("center", scopes=["webhooks:write"], client_id=client.client["client_id"], agency=client.client["agency"])  # fmt: skip
    client.headers = {"Authorization": f"Bearer {token}"}
    assert (await client.webhook(URL, "problem"))["types"] == ["problem"]


@pytest.mark.parametrize("types", [["household", "person", "problem", "campaign"], []])
async def test_a_webhook_of_a_client_narrowed_since_tells_what_is_withheld(
    api: Api, types: list[str]
) -> None:
    client = await Subscriber.made(api, scopes=READER)
    made = await client.webhook(URL, *types)
    assert made["withheld_types"] == []
    await rescoped(api, client, ["problems:read", "webhooks:write"])
    withheld = [one for one in types if one == "person"]
    read = await client.read(made)
    assert read["withheld_types"] == withheld, "of households it is still told when they leave"
    assert (await client.call("GET", "/v1/webhooks")).json()["items"] == [read]
    query = f'{{ webhook(id: "{made["id"]}") {{ withheldTypes }} }}'
    asked = await api.call(None, "POST", "/graphql", {"query": query}, headers=client.headers)
    assert asked.json()["data"] == {"webhook": {"withheldTypes": withheld}}
    await rescoped(api, client, ["webhooks:write"])
    assert (await client.read(made))["withheld_types"] == [one for one in types if one != "campaign"]
    await rescoped(api, client, READER)
    assert (await client.read(made))["withheld_types"] == []
    # What it has it keeps, and may switch off: only what it asks for anew is judged.
    await rescoped(api, client, ["webhooks:write"])
    assert (await client.patch(made, enabled=False))["enabled"] is False
    assert (await everything(api, "GET", f"/v1/webhooks/{made['id']}")).status_code == 404
