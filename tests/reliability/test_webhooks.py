"""Webhooks as a receiver meets them: signed, at least once, in order, and never in each other's way."""

import asyncio
import dataclasses
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from tests.support import builders
from tests.support.api import ISSUER, Api
from tests.support.calls import everything
from tests.support.receiver import Received, Reply, receiving
from tests.support.waiting import eventually_so
from tests.support.webhooks import QUICK, Subscriber, household, sending, touch

OK = Reply()
FAILED = Reply(500)


async def test_a_change_arrives_signed_as_a_thin_cloud_event(api: Api) -> None:
    client = await Subscriber.made(api)
    async with receiving() as receiver, sending(api):
        hook = await client.webhook(receiver.url, "household")
        home = await household(api)
        assert await client.quiet(hook)
        (request,) = receiver.requests
        event = request.verified(hook["secret"])
        assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
        assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
        item = event.pop("data")
        assert event == {
            "specversion": "1.0",
            "id": request.id,
            "source": ISSUER,
            "type": "th.kaejon.household.created",
            "subject": home,
            "time": item["occurred_at"],
            "datacontenttype": "application/json",
        }
        assert set(item) == {
            "sequence", "type", "resource_id", "action", "occurred_at", "household_id", "version", "tombstone",
        }  # fmt: skip
        (delivery,) = await client.deliveries(hook)
        assert (delivery["id"], delivery["status"], delivery["attempts"]) == (request.id, "delivered", 1)
        assert (delivery["last_status"], delivery["last_fault"]) == (204, None)
        with pytest.raises(WebhookVerificationError):
            request.verified("whsec_" + "A" * 43 + "=")


async def test_no_personal_data_leaves(api: Api) -> None:
    client = await Subscriber.made(api)
    async with receiving() as receiver, sending(api):
        hook = await client.webhook(receiver.url)
        draft = builders.household()
        answer = await everything(api, "POST", "/v1/households", draft)
        assert answer.status_code == 201
        assert await client.quiet(hook)
        sent = b"".join(one.body + repr(one.headers).encode() for one in receiver.requests).decode()
        person = draft["members"][0]["person"]
        for value in (
            person["citizen_id"],
            person["first_name"],
            person["last_name"],
            person["phone"],
            "4201",
        ):
            assert value not in sent.replace(str(receiver.port), "")


async def test_only_the_types_asked_for_are_told(api: Api) -> None:
    client = await Subscriber.made(api)
    async with receiving() as receiver, receiving() as all_types, sending(api):
        hook = await client.webhook(receiver.url, "problem")
        every = await client.webhook(all_types.url)
        home = await household(api)
        made = await everything(api, "POST", "/v1/problems", builders.problem(home))
        assert made.status_code == 201
        assert await client.quiet(hook)
        assert await client.quiet(every, 2)
        assert [one.event["data"]["type"] for one in receiver.requests] == ["problem"]
        assert {"household", "problem"} <= {one.event["data"]["type"] for one in all_types.requests}


async def test_while_secrets_overlap_messages_carry_both_signatures(api: Api) -> None:
    client = await Subscriber.made(api)
    async with receiving() as receiver, sending(api):
        hook = await client.webhook(receiver.url, "household")
        path = f"/v1/webhooks/{hook['id']}/rotate-secret"
        rotated = (await client.call("POST", path, {"overlap_seconds": 3600})).json()
        assert rotated["secret"] != hook["secret"]
        assert rotated["previous_secret_expires_at"] is not None
        await household(api)
        assert await client.quiet(hook)
        both = receiver.requests[-1]
        assert [one.split(",")[0] for one in both.headers["webhook-signature"].split()] == ["v1", "v1"]
        assert both.verified(hook["secret"]) == both.verified(rotated["secret"])
        last = (await client.call("POST", path, {"overlap_seconds": 0})).json()
        await household(api)
        assert await client.quiet(hook, 2)
        alone = receiver.requests[-1]
        assert len(alone.headers["webhook-signature"].split()) == 1
        assert alone.verified(last["secret"])
        with pytest.raises(WebhookVerificationError):
            alone.verified(rotated["secret"])


async def test_a_failure_is_tried_again_with_the_same_id_and_body(api: Api) -> None:
    client = await Subscriber.made(api)
    replies = iter([FAILED, Reply(404), Reply(301, {"Location": "http://127.0.0.1:1/"}), OK])
    async with receiving(lambda _: next(replies)) as receiver, sending(api):
        hook = await client.webhook(receiver.url, "household")
        await household(api)
        assert await client.quiet(hook)
        assert len(receiver.requests) == 4
        assert len(set(receiver.ids)) == 1
        assert len({one.body for one in receiver.requests}) == 1
        assert {one.path for one in receiver.requests} == {"/hook"}, "a redirect is not followed"
        (delivery,) = await client.deliveries(hook)
        assert (delivery["status"], delivery["attempts"], delivery["last_status"]) == ("delivered", 4, 204)


async def test_what_fails_ten_times_is_given_up_and_said_so(api: Api) -> None:
    client = await Subscriber.made(api)
    async with receiving(lambda _: Reply(302, {"Location": "/elsewhere"})) as receiver, sending(api):
        hook = await client.webhook(receiver.url, "household")
        await household(api)
        assert await client.quiet(hook)
        (delivery,) = await client.deliveries(hook, "?status=failed")
        assert (delivery["attempts"], delivery["last_status"], delivery["last_fault"]) == (
            10,
            302,
            "redirect",
        )
        assert len(receiver.requests) == 10
        assert (await client.read(hook))["enabled"], "one message is not five days"


async def test_gone_switches_the_webhook_off_and_a_patch_takes_it_up_again(api: Api) -> None:
    client = await Subscriber.made(api)
    async with receiving(lambda _: Reply(410)) as receiver, sending(api):
        hook = await client.webhook(receiver.url, "household")
        await household(api)
        assert await client.quiet(hook)
        off = await client.read(hook)
        assert (off["enabled"], off["disabled_reason"]) == (False, "gone")
        assert off["version"] > hook["version"]
        missed = [await household(api) for _ in range(3)]
        other = await client.webhook(receiver.url.replace("/hook", "/other"), "household")
        await household(api)
        assert await client.quiet(other), "time for the first one to be told as well, were it on"
        assert [one.path for one in receiver.requests].count("/hook") == 1
        receiver.answer = lambda _: OK
        assert (await client.patch(hook, enabled=True))["disabled_reason"] is None
        assert await client.quiet(hook, 5)
        told = [one.event["subject"] for one in receiver.requests if one.path == "/hook"]
        assert set(missed) <= set(told)


async def test_five_days_of_failures_switch_it_off(api: Api) -> None:
    client = await Subscriber.made(api)
    clock = {"ahead": timedelta(0)}
    now = lambda: datetime.now(UTC) + clock["ahead"]  # noqa: E731 - a clock
    async with receiving(lambda _: FAILED) as receiver, sending(api, now=now):
        hook = await client.webhook(receiver.url, "household")
        await household(api)
        assert await client.quiet(hook)
        assert (await client.read(hook))["enabled"]
        clock["ahead"] = timedelta(days=5, hours=1)
        await household(api)

        async def off() -> bool:
            return not (await client.read(hook))["enabled"]

        assert await eventually_so(off)
        assert (await client.read(hook))["disabled_reason"] == "failing"


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_honoured_for_the_whole_webhook(api: Api, form: str) -> None:
    client = await Subscriber.made(api)
    began = datetime.now(UTC)
    said = "3600" if form == "seconds" else format_datetime(began + timedelta(hours=1), usegmt=True)
    async with receiving(lambda _: Reply(429, {"Retry-After": said})) as receiver, sending(api):
        hook = await client.webhook(receiver.url, "household")
        await household(api)

        async def held() -> Any:
            return [one for one in await client.deliveries(hook) if one["attempts"]]

        assert await eventually_so(held)
        (delivery,) = await held()
        wait = datetime.fromisoformat(delivery["next_attempt_at"]) - began
        assert timedelta(minutes=59) < wait < timedelta(minutes=62)
        other = await client.webhook(receiver.url.replace("/hook", "/other"), "household")
        await household(api)

        async def told() -> bool:
            return any(one.path == "/other" for one in receiver.requests)

        assert await eventually_so(told)
        assert [one.path for one in receiver.requests].count("/hook") == 1, "the second message waits as well"
        await client.patch(other, enabled=False)


async def test_a_household_is_told_in_order_and_others_go_on(api: Api) -> None:
    client = await Subscriber.made(api)
    stuck, free = await household(api), await household(api)
    blocked = True

    def answer(received: Received) -> Reply:
        return FAILED if blocked and received.event["data"]["household_id"] == stuck else OK

    patient = dataclasses.replace(QUICK, delays=(0.2,) * 200)
    async with receiving(answer) as receiver, sending(api, patient):
        hook = await client.webhook(receiver.url, "household")
        for number in range(4):
            await touch(api, stuck, has_land=bool(number % 2))
            await touch(api, free, has_land=bool(number % 2))

        async def others_done() -> bool:
            return len({one.id for one in receiver.requests if one.event["subject"] == free}) == 4

        assert await eventually_so(others_done)
        assert len({one.id for one in receiver.requests if one.event["subject"] == stuck}) == 1
        blocked = False
        assert await client.quiet(hook, 8)
        for home in (stuck, free):
            versions = [
                one.event["data"]["version"] for one in receiver.requests if one.event["subject"] == home
            ]
            assert versions == sorted(versions)
            assert len(set(versions)) == 4


async def test_what_is_given_up_lets_the_next_one_go(api: Api) -> None:
    client = await Subscriber.made(api)
    home = await household(api)
    async with receiving() as receiver, sending(api, dataclasses.replace(QUICK, delays=(0.01,))):
        hook = await client.webhook(receiver.url, "household")
        first: list[str] = []

        def answer(received: Received) -> Reply:
            first.append(received.id)
            return FAILED if received.id == first[0] else OK

        receiver.answer = answer
        await touch(api, home, has_land=False)
        await touch(api, home, has_land=True)
        assert await client.quiet(hook, 2)
        assert [one["status"] for one in await client.deliveries(hook)] == ["failed", "delivered"]


async def test_a_slow_receiver_delays_nobody_else(api: Api) -> None:
    slow_client, quick_client = await Subscriber.made(api), await Subscriber.made(api)
    never = asyncio.Event()
    async with receiving(lambda _: Reply(wait=never)) as slow, receiving() as quick, sending(api):
        hung = await slow_client.webhook(slow.url, "household")
        hook = await quick_client.webhook(quick.url, "household")
        for _ in range(12):
            await household(api)
        assert await quick_client.quiet(hook, 12)
        assert not any(one["status"] == "delivered" for one in await slow_client.deliveries(hung))
        assert slow.most_under_way <= QUICK.each
        never.set()
        assert await slow_client.quiet(hung, 12)


async def test_an_answer_of_many_megabytes_is_not_read(api: Api) -> None:
    client = await Subscriber.made(api)
    async with receiving(lambda _: Reply(200, body=b"x" * 50_000_000)) as receiver, sending(api):
        hook = await client.webhook(receiver.url, "household")
        await household(api)
        assert await client.quiet(hook)
        assert (await client.deliveries(hook))[0]["status"] == "delivered"
        assert await eventually_so(lambda: receiver.under_way == 0)
        assert receiver.cut == 1
        assert receiver.sent < 40_000_000


async def test_messages_reach_every_webhook_once_though_several_processes_send(api: Api) -> None:
    client = await Subscriber.made(api)
    async with receiving() as receiver, sending(api), sending(api), sending(api):
        hook = await client.webhook(receiver.url, "household")
        homes = await asyncio.gather(*(household(api) for _ in range(30)))
        assert await client.quiet(hook, 30)
        assert Counter(receiver.resources) == Counter(homes)
        assert [one["number"] for one in await client.deliveries(hook)] == list(range(1, 31))


async def test_a_replay_sends_the_messages_of_a_time_again_with_their_ids(api: Api) -> None:
    client = await Subscriber.made(api)
    async with receiving() as receiver, sending(api):
        hook = await client.webhook(receiver.url, "household")
        await household(api)
        assert await client.quiet(hook)
        since = datetime.now(UTC)
        home = await household(api)
        await touch(api, home, has_land=False)
        assert await client.quiet(hook, 3)
        until = datetime.now(UTC)
        before = receiver.ids
        path = f"/v1/webhooks/{hook['id']}/replay"
        span = {"from": since.isoformat(), "to": until.isoformat()}
        answer = await client.call("POST", path, span)
        assert (answer.status_code, answer.json()) == (202, {"queued": 2})
        assert await client.quiet(hook, 3)
        assert receiver.ids == [*before, *before[1:]]
        assert [one["number"] for one in await client.deliveries(hook)] == [1, 4, 5]
        empty = {"from": until.isoformat(), "to": since.isoformat()}
        refused = await client.call("POST", path, empty)
        assert refused.json()["errors"][0]["code"] == "invalid-window"


async def test_a_test_message_arrives(api: Api) -> None:
    client = await Subscriber.made(api)
    async with receiving() as receiver, sending(api):
        hook = await client.webhook(receiver.url)
        answer = await client.call("POST", f"/v1/webhooks/{hook['id']}/test")
        assert (answer.status_code, answer.json()["status"]) == (202, "pending")
        assert await client.quiet(hook)
        (request,) = receiver.requests
        assert request.verified(hook["secret"])["type"] == "th.kaejon.webhook.test"
        assert request.id == answer.json()["id"]


async def test_a_deleted_webhook_gets_nothing_more(api: Api) -> None:
    client = await Subscriber.made(api)
    gate = asyncio.Event()
    async with receiving(lambda _: Reply(wait=gate)) as receiver, sending(api):
        hook, kept = (
            await client.webhook(receiver.url, "household"),
            await client.webhook(receiver.url, "household"),
        )
        await household(api)
        assert await eventually_so(lambda: len(receiver.requests) == 2)
        assert (await client.call("DELETE", f"/v1/webhooks/{hook['id']}")).status_code == 204
        gate.set()
        await household(api)
        assert await client.quiet(kept, 2)
        assert len(receiver.requests) == 3
        assert (await client.call("GET", f"/v1/webhooks/{hook['id']}/deliveries")).status_code == 404
