"""A batch is no cheaper oracle than single posts: what it tells of citizen ids costs the same lookups."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from api.keyring import Keyring
from persistence.engine import Database
from tests.api.limits.test_citizen_id_limits import Opened, help_for, known, queued, spent
from tests.support import builders
from tests.support.doors import DOORS, Answer, AnyDoor
from tests.support.limits import limited
from tests.support.scenarios import registered


@pytest.fixture(params=DOORS, ids=[door.name for door in DOORS])
async def opened(request: pytest.FixtureRequest, dsn: str, keyring: Keyring) -> AsyncIterator[Opened]:
    """A door to the application with so many lookups."""
    async with AsyncExitStack() as stack:

        async def opening(lookups: int) -> AnyDoor:
            api = await stack.enter_async_context(limited(dsn, keyring, lookup=str(lookups)))
            made: AnyDoor = request.param(api)
            return made

        yield opening


def miss(**more: Any) -> dict[str, Any]:
    return help_for(builders.citizen_id(), **more)


def told(answer: Answer) -> list[str]:
    """The outcome of each item, or the code of its problem."""
    found = answer.good if answer.code is None else answer.more
    results: list[dict[str, Any]] = found["results"]
    return [(one.get("problem") or {}).get("code", one["outcome"]) for one in results]


async def batch(door: AnyDoor, items: list[dict[str, Any]], **more: Any) -> Answer:
    return await door.record_batch("health", {"items": items, **more})


async def test_a_miss_costs_a_lookup_and_what_is_recorded_costs_none(
    opened: Opened, database: Database
) -> None:
    door = await opened(9)
    named = await known(door)
    hits = [help_for(named) for _ in range(20)]
    assert told(await batch(door, [*hits, miss(), miss(), help_for(named, menu_code="NO-SUCH")])) == [
        *["created"] * 20, "unknown-household", "unknown-household", "invalid-input",
    ]  # fmt: skip
    assert await spent(database) == 3
    # A retry finds its keys, and is told of no household.
    assert told(await batch(door, hits)) == ["duplicate"] * 20
    assert await spent(database) == 3


async def test_what_is_wrong_with_an_item_itself_costs_nothing(opened: Opened, database: Database) -> None:
    door = await opened(9)
    named = await known(door)
    wrong = [help_for(named, provided_on="2999-01-01"), help_for(named, value_baht="-1")]
    assert told(await batch(door, wrong)) == ["invalid-input"] * 2
    assert await spent(database) == 0


async def test_from_the_item_on_whose_lookup_is_not_left_nothing_is_told(
    opened: Opened, database: Database
) -> None:
    door = await opened(2)
    named, home = await known(door), await registered(door)
    items = [
        help_for(named),
        miss(),
        miss(),
        help_for(named),
        miss(),
        help_for(named),
        builders.event(home["id"]),
    ]
    answer = await batch(door, items)
    assert told(answer) == [
        "created", "unknown-household", "unknown-household", "created", "rate-limited", "rate-limited", "created",
    ]  # fmt: skip
    # Then nothing is looked for at all.
    assert (await batch(door, [help_for(named)])).code == "rate-limited"
    assert told(await batch(door, [builders.event(home["id"])])) == ["created"]


async def test_validating_a_hit_costs_as_much_as_a_miss(opened: Opened, database: Database) -> None:
    door = await opened(3)
    named = await known(door)
    items = [help_for(named), miss(), help_for(named), help_for(named), miss()]
    assert told(await batch(door, items, mode="validate")) == [
        "created", "unknown-household", "created", "rate-limited", "rate-limited",
    ]  # fmt: skip
    assert (await batch(door, items, mode="validate")).code == "rate-limited"


async def test_an_atomic_batch_that_is_refused_tells_hits_and_misses_alike(
    opened: Opened, database: Database
) -> None:
    door = await opened(3)
    named = await known(door)
    items = [help_for(named), help_for(named), miss(), help_for(named)]
    answer = await batch(door, items, atomic=True)
    assert answer.code == "batch-refused"
    assert told(answer) == ["not_written", "not_written", "unknown-household", "rate-limited"]


@pytest.mark.parametrize(
    "bad", [[miss(), miss()], [miss(on_unknown="register"), miss(on_unknown="register")]]
)
async def test_with_too_few_lookups_an_atomic_batch_tells_of_no_hit(
    opened: Opened, bad: list[dict[str, Any]]
) -> None:
    """Misses that cannot all be paid for refuse the batch: its hits, not recorded now, are not told either."""
    door = await opened(1)
    named = await known(door)
    fresh = [{**one, "external_id": builders.event("")["external_id"]} for one in bad]
    answer = await batch(door, [help_for(named), *fresh], atomic=True)
    assert answer.code == "batch-refused"
    first, second, third = told(answer)
    assert "rate-limited" in (second, third)
    assert first in ("rate-limited", "not_written")
    if "not_written" in (second, third):
        assert first == "rate-limited"


async def test_an_item_is_queued_only_when_it_is_paid_for(
    opened: Opened, database: Database, dsn: str
) -> None:
    door = await opened(2)
    items = [miss(on_unknown="register") for _ in range(4)]
    assert told(await batch(door, items)) == ["queued", "queued", "rate-limited", "rate-limited"]
    assert await queued(dsn) == 2
    by_code = builders.event("", household={"house_code": "42010998765"}, on_unknown="register")
    assert told(await batch(door, [by_code])) == ["queued"]


async def test_batches_at_once_tell_no_more_than_the_limit(opened: Opened) -> None:
    door = await opened(10)
    answers = await asyncio.gather(*(batch(door, [miss() for _ in range(4)]) for _ in range(8)))
    found = [code for one in answers for code in ([one.code] * 4 if one.code else told(one))]
    assert found.count("unknown-household") == 10
    assert found.count("rate-limited") == 22
