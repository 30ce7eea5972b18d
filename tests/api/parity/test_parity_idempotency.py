"""Idempotency keys through both doors: the same replay, the same refusals."""

import asyncio

from tests.support import builders
from tests.support.api import Api
from tests.support.database import seeing
from tests.support.doors import AnyDoor
from tests.support.scenarios import registered


def keyed(key: str) -> dict[str, dict[str, str]]:
    return {"headers": {"Idempotency-Key": key}}


async def test_the_first_answer_comes_again(door: AnyDoor) -> None:
    home = await registered(door)
    body = builders.event(home["id"])
    first = await door.record_assistance("health", body, **keyed(f"again-{door.name}"))
    again = await door.record_assistance("health", body, **keyed(f"again-{door.name}"))
    assert first.good["receipt"]["outcome"] == again.good["receipt"]["outcome"] == "created"
    assert again.good == first.good
    assert "idempotency-replayed" not in first.response.headers
    assert again.response.headers["idempotency-replayed"] == "true"
    other = await door.record_assistance("health", builders.event(home["id"]), **keyed(f"again-{door.name}"))
    assert (other.code, other.response.status_code) == ("idempotency-key-reused", 422)
    # Another client's key of the same letters is another key.
    social = await door.record_assistance("social", body, **keyed(f"again-{door.name}"))
    assert social.good["id"] != first.good["id"]


async def test_one_that_is_under_way_is_not_begun_again(door: AnyDoor, api: Api) -> None:
    home, key = await registered(door), f"busy-{door.name}"
    body = builders.event(home["id"])
    async with seeing(api.worker.database) as connection:
        await connection.fetchval(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"idempotency demo-health {key}"
        )
        busy = await door.record_assistance("health", body, **keyed(key))
        assert (busy.code, busy.response.status_code) == ("idempotency-in-progress", 409)
    assert (await door.record_assistance("health", body, **keyed(key))).good["receipt"][
        "outcome"
    ] == "created"


async def test_fifty_at_once_make_one_record(door: AnyDoor) -> None:
    home, key = await registered(door), f"fifty-{door.name}"
    body = builders.event(home["id"])
    answers = await asyncio.gather(*(door.record_assistance("health", body, **keyed(key)) for _ in range(50)))
    assert {one.code for one in answers} <= {None, "idempotency-in-progress"}
    good = [one.good for one in answers if one.code is None]
    assert good
    assert all(one == good[0] for one in good)
    assert good[0]["receipt"]["outcome"] == "created"


async def test_a_refusal_is_judged_again_and_leaves_the_key_free(door: AnyDoor) -> None:
    home, key = await registered(door), f"free-{door.name}"
    bad = builders.event(home["id"], menu_code="NO-SUCH")
    for _ in range(2):
        refused = await door.record_assistance("health", bad, **keyed(key))
        assert refused.refusal == ("invalid-input", (("/menu_code", "unknown-menu"),))
    good = await door.record_assistance("health", builders.event(home["id"]), **keyed(key))
    assert good.good["receipt"]["outcome"] == "created"
