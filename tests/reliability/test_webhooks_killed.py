"""A sender that is killed at work: another one sends what it had not settled."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from typing import Any

from tests.support.api import ISSUER, Api
from tests.support.receiver import Reply, receiving
from tests.support.server import ROOT
from tests.support.waiting import eventually_so
from tests.support.webhooks import QUICK, Subscriber, household, sending

# A background process with nothing but webhooks; its lease is short, so that its end is noticed soon.
_SENDER = """
import asyncio, os, sys
from api.app import new_id, sealing_of
from api.keyring import Keyring
from api.webhooks.relay import Pace, relay_and_send
from api.wiring import utc_now
from domain.exchange.targets import Allowed
from persistence.engine import Database
from persistence.work import WorkFactory

async def main():
    keyring = Keyring.from_json(sys.stdin.read(), source="stdin")
    database = await Database.open(os.environ["DSN"], size=3)
    await relay_and_send(
        WorkFactory(database, sealing_of(keyring), new_id), allowed=Allowed.parsed("127.0.0.0/8"),
        source=os.environ["SOURCE"], stop=asyncio.Event(), now=utc_now,
        pace=Pace(delays=(0.05,) * 9, look_s=0.02, lease_s=3),
    )

asyncio.run(main())
"""


def sender(api: Api) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-c", _SENDER], cwd=ROOT, stdin=subprocess.PIPE,
        env={**os.environ, "DSN": api.worker.dsn, "SOURCE": ISSUER},
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(api.keyring.to_json().encode())
    process.stdin.close()
    return process


async def test_what_a_killed_sender_was_at_is_sent_by_another(api: Api) -> None:
    client = await Subscriber.made(api)
    never = asyncio.Event()
    async with receiving(lambda _: Reply(wait=never)) as receiver:
        hook = await client.webhook(receiver.url, "household")
        homes = [await household(api) for _ in range(10)]
        process = sender(api)
        try:
            assert await eventually_so(lambda: len(receiver.requests) == QUICK.each)
        finally:
            process.kill()
            process.wait()
        receiver.answer = lambda _: Reply()
        async with sending(api):
            assert await client.quiet(hook, 10)
    counted = Counter(receiver.resources)
    assert set(counted) == set(homes), "nothing is lost"
    assert sorted(counted.values()) == [1] * 6 + [2] * QUICK.each, "twice is only what was under way"
    assert all(one["attempts"] == 1 for one in await client.deliveries(hook))


async def test_senders_killed_again_and_again_lose_nothing(api: Api) -> None:
    client = await Subscriber.made(api)
    async with receiving() as receiver:
        hook = await client.webhook(receiver.url, "household")
        homes: list[str] = []
        for _ in range(4):
            process = sender(api)
            try:
                homes += [await household(api) for _ in range(5)]
                told = len(receiver.requests)
                assert await eventually_so(lambda before=told: len(receiver.requests) > before)
            finally:
                process.kill()
                process.wait()
        async with sending(api):
            assert await client.quiet(hook, 20)
    assert set(receiver.resources) == set(homes)
    ids: dict[str, set[str]] = {}
    for one in receiver.requests:
        ids.setdefault(one.event["subject"], set()).add(one.id)
    assert all(len(found) == 1 for found in ids.values()), "a repeated message has its old id"
    assert len(await client.deliveries(hook, "?limit=200")) == 20


async def test_the_sender_outlives_a_restart_of_the_database(api: Api) -> None:
    """Every connection is cut, again and again; what is under way meanwhile is settled or sent again."""
    client = await Subscriber.made(api)
    database: Any = api.worker.database
    gate = asyncio.Event()

    async with receiving(lambda _: Reply(wait=gate)) as receiver, sending(api):
        hook = await client.webhook(receiver.url, "household")
        homes = [await household(api) for _ in range(6)]
        assert await eventually_so(lambda: len(receiver.requests) >= QUICK.each)
        for _ in range(5):
            connection = await database.alone()
            await connection.execute(
                """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
            )
            await connection.close()
            await asyncio.sleep(0)
        gate.set()

        async def over() -> bool:
            try:
                found = await client.deliveries(hook)
            except AssertionError:
                return False
            return len(found) == 6 and all(one["status"] == "delivered" for one in found)

        assert await eventually_so(over)
    assert set(receiver.resources) == set(homes)
