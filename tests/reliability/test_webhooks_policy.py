"""What a webhook is told is what its client may read at that moment, and no more."""

import asyncio
from typing import Any

from tests.support import builders
from tests.support.access import owner_of
from tests.support.api import Api
from tests.support.calls import everything
from tests.support.oauth import AGENCY
from tests.support.receiver import Reply, receiving
from tests.support.waiting import eventually_so
from tests.support.webhooks import SCOPES, Subscriber, household, sending, touch

HERE, THERE = "420101", "420202"


async def narrowed(api: Api, client: Subscriber, **changes: Any) -> None:
    path = f"/v1/clients/{client.client['client_id']}"
    etag = (await everything(api, "GET", path)).headers["etag"]
    answer = await everything(api, "PATCH", path, changes, headers={"If-Match": etag})
    assert answer.status_code == 200, answer.text


async def test_only_the_areas_of_the_client_are_told(api: Api) -> None:
    client, wide = await Subscriber.made(api, areas=["4202"]), await Subscriber.made(api)
    async with receiving() as receiver, receiving() as witness, sending(api):
        hook, seen = await client.webhook(receiver.url), await wide.webhook(witness.url, "household")
        await household(api, area_code=HERE)
        there = await household(api, area_code=THERE)
        assert await wide.quiet(seen, 2)
        assert await client.quiet(hook)
        assert set(receiver.resources) == {there}


async def test_a_type_that_the_client_may_not_read_is_not_told(api: Api) -> None:
    client = await Subscriber.made(api, scopes=["households:read", "webhooks:write"])
    async with receiving() as receiver, sending(api):
        hook = await client.webhook(receiver.url)
        only = await client.call("POST", "/v1/webhooks", {"url": receiver.url, "types": ["problem"]})
        assert (only.status_code, only.json()["code"]) == (403, "insufficient-scope")
        home = await household(api)
        assert (await everything(api, "POST", "/v1/problems", builders.problem(home))).status_code == 201
        await touch(api, home, has_land=False)
        assert await client.quiet(hook, 2)
        assert {one.event["data"]["type"] for one in receiver.requests} == {"household"}


async def test_an_agency_is_told_of_the_households_it_is_assigned_to(api: Api) -> None:
    scopes = ["households:read.assigned", "assignments:read", "webhooks:write"]
    client = await Subscriber.made(api, scopes=scopes)
    witness_client = await Subscriber.made(api)
    async with receiving() as receiver, receiving() as witness, sending(api):
        hook, seen = (
            await client.webhook(receiver.url),
            await witness_client.webhook(witness.url, "household"),
        )
        home = await household(api)
        await household(api)
        problem = (await everything(api, "POST", "/v1/problems", builders.problem(home))).json()
        await everything(api, "POST", f"/v1/households/{home}/analyses", builders.analysis())
        await everything(api, "POST", f"/v1/problems/{problem['id']}/transitions", {"to": "analysed"})
        assert await witness_client.quiet(seen, 2)
        assert await client.deliveries(hook) == [], "not assigned yet"
        body = {"problem_ids": [problem["id"]], "agency": AGENCY, "menu_code": "INC-01"}
        given = await everything(api, "POST", "/v1/assignments", body)
        assert given.status_code == 201, given.text

        async def entered() -> bool:
            return any(one["action"] == "entered" for one in await client.deliveries(hook))

        assert await eventually_so(entered)
        assert await client.quiet(hook, 2)
        assert {one.event["data"]["household_id"] for one in receiver.requests} == {home}
        ended = await everything(
            api,
            "POST",
            f"/v1/assignments/{given.json()['id']}/transitions",
            {"to": "cancelled", "reason": "ผิด"},
        )
        assert ended.status_code == 200, ended.text

        async def left() -> bool:
            found = [one.event["data"] for one in receiver.requests]
            return any(one["action"] == "left" and one["tombstone"] for one in found)

        assert await eventually_so(left), "leaving the view is told"
        told = len(receiver.requests)
        await touch(api, home, has_land=False)
        assert await witness_client.quiet(seen, 3)
        await client.quiet(hook, 1)
        assert not any(one.event["data"]["action"] == "updated" and one.event["data"]["type"] == "household" for one in receiver.requests[told:])  # fmt: skip


async def test_what_was_queued_before_the_client_was_narrowed_is_withdrawn(api: Api) -> None:
    client = await Subscriber.made(api)
    gate = asyncio.Event()
    async with receiving(lambda _: Reply(wait=gate)) as receiver:
        hook = await client.webhook(receiver.url, "household")
        home = await household(api, area_code=HERE)
        async with sending(api):
            await touch(api, home, has_land=False)
            await touch(api, home, has_land=True)
            assert await eventually_so(lambda: len(receiver.requests) == 1)

            async def queued() -> bool:
                return len(await client.deliveries(hook)) == 3

            assert await eventually_so(queued)
            await narrowed(api, client, areas=["4202"])
            gate.set()

            async def over() -> bool:
                rows = await statuses(api, hook)
                return len(rows) == 3 and "pending" not in rows

            assert await eventually_so(over)
            assert await statuses(api, hook) == ["delivered", "withdrawn", "withdrawn"]
            assert len(receiver.requests) == 1


async def statuses(api: Api, hook: dict[str, Any]) -> list[str]:
    async with owner_of(api) as owner:
        rows = await owner.fetch(
            "SELECT status FROM webhook_delivery WHERE webhook_id = $1 ORDER BY number", hook["id"]
        )
        return [row["status"] for row in rows]


async def test_a_client_that_is_revoked_or_loses_the_scope_is_told_nothing(api: Api) -> None:
    gone, unscoped, witness_client = [await Subscriber.made(api) for _ in range(3)]
    async with receiving() as receiver, receiving() as witness, sending(api):
        hooks = [await one.webhook(receiver.url, "household") for one in (gone, unscoped)]
        seen = await witness_client.webhook(witness.url, "household")
        ended = await everything(api, "DELETE", f"/v1/clients/{gone.client['client_id']}")
        assert ended.status_code == 204
        await narrowed(api, unscoped, scopes=[one for one in SCOPES if one != "webhooks:write"])
        await household(api)
        assert await witness_client.quiet(seen)
        assert [await statuses(api, hook) for hook in hooks] == [[], []]
        assert receiver.requests == []


async def test_a_place_in_the_feed_that_was_lost_repeats_nothing_and_leaves_nothing_out(api: Api) -> None:
    """As after a restore: the place is of another history of the database."""
    client = await Subscriber.made(api)
    async with receiving() as receiver, sending(api):
        hook = await client.webhook(receiver.url, "household")
        first = await household(api)
        assert await client.quiet(hook)
        async with owner_of(api) as owner:
            await owner.execute("UPDATE webhook SET position_epoch = 'another' WHERE id = $1", hook["id"])
        second = await household(api)
        assert await eventually_so(lambda: second in receiver.resources)
        assert await client.quiet(hook, 2)
        # Of the hour before others may come; they are told once as well.
        assert [one for one in receiver.resources if one in (first, second)] == [first, second]
        assert len(set(receiver.ids)) == len(receiver.ids)


async def test_a_change_that_commits_late_is_told(api: Api) -> None:
    client = await Subscriber.made(api)
    async with receiving() as receiver, sending(api), owner_of(api) as owner:
        transaction = owner.transaction()
        await transaction.start()
        await owner.execute("SELECT pg_current_xact_id()")
        # It began before there was a webhook, and its changes say so.
        hook = await client.webhook(receiver.url, "household")
        home = await household(api)
        # Whoever began before stands in front of it: it is not told until that one has ended.
        late = await owner.fetchval(
            """INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, occurred_at)
               SELECT id, gen_random_uuid(), area_code, 'household', id, 'updated', 9, now() FROM household WHERE id = $1::uuid
               RETURNING resource_id::text""",
            home,
        )
        assert receiver.requests == []
        await transaction.commit()
        assert await client.quiet(hook, 2)
        assert receiver.resources == [late, home]
        assert [one.event["data"]["version"] for one in receiver.requests] == [9, 1]
