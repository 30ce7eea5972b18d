"""Signing keys in the database: made once, turned once, sealed, and taken up by whoever runs."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from api import signing
from api.app import digest_of_keys, sealing_of
from api.keyring import Keyring
from auth.keys import LAG, LEEWAY, MAX_LIFETIME, BadKey, KeyState, SigningKeys, SigningSupply
from auth.tokens import TokenVerifier, Unauthenticated, issue
from persistence.access.signing import PgSigning
from persistence.cipher import CannotOpen
from persistence.engine import Database
from persistence.sealing import Sealing

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=signing.PUBLISHED_S)


@pytest.fixture
def store(database: Database, sealing: Sealing) -> PgSigning:
    return PgSigning(database, sealing)


def states(keys: SigningKeys) -> list[str]:
    return sorted(key.state.value for key in keys.keys)


async def test_of_many_first_starts_one_makes_the_keys(store: PgSigning) -> None:
    made = await asyncio.gather(*(signing.first(store, None, now=NOW) for _ in range(5)))
    assert len({digest_of_keys(keys) for keys in made}) == 1
    assert states(made[0]) == ["active", "next"]


async def test_keys_of_an_older_keyring_are_taken_over_once(store: PgSigning) -> None:
    old = SigningKeys.generate()
    taken = await signing.first(store, old, now=NOW)
    assert taken.by_kid.keys() == old.by_kid.keys()
    assert taken.active.kid == old.active.kid
    again = await signing.first(store, SigningKeys.generate(), now=NOW)
    assert again.by_kid.keys() == old.by_kid.keys()


async def test_a_private_key_stands_in_the_database_sealed_and_for_its_own_name_alone(
    store: PgSigning, database: Database
) -> None:
    keys = await signing.first(store, None, now=NOW)
    async with database.reading() as connection:
        rows = await connection.fetch("SELECT * FROM signing_key")
        secret = keys.active.private.private_numbers().private_value.to_bytes(32, "big")
        for row in rows:
            assert b"PRIVATE" not in row["private_sealed"]
            assert secret not in row["private_sealed"]
        with pytest.raises(CannotOpen):
            await PgSigning(database, sealing_of(Keyring.generate())).load()
        # Whoever can write to the table cannot make one key pass for another.
        await connection.execute(
            """UPDATE signing_key t SET private_sealed = o.private_sealed FROM signing_key o
               WHERE t.state = 'active' AND o.state = 'next'"""
        )
    with pytest.raises(CannotOpen):
        await store.load()


async def test_a_turn_waits_until_the_next_key_has_been_published_long_enough(store: PgSigning) -> None:
    keys = await signing.first(store, None, now=NOW)
    with pytest.raises(signing.TooEarly, match="10 minutes"):
        await signing.rotate(store, now=LATER - timedelta(seconds=1))
    turned = await signing.rotate(store, now=LATER)
    assert keys.upcoming is not None
    assert turned.active.kid == keys.upcoming.kid
    assert turned.by_kid[keys.active.kid].state is KeyState.RETIRING
    assert states(turned) == ["active", "next", "retiring"]
    assert digest_of_keys(await signing.load(store)) == digest_of_keys(turned)
    early = await signing.rotate(store, now=LATER, early=True)
    assert states(early) == ["active", "next", "retiring", "retiring"]


async def test_of_many_turns_at_once_one_is_made(store: PgSigning) -> None:
    await signing.first(store, None, now=NOW)
    made = await asyncio.gather(*(signing.rotate(store, now=LATER) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(one, SigningKeys) for one in made) == 1
    assert sum(isinstance(one, signing.TooEarly) for one in made) == 4
    assert states(await signing.load(store)) == ["active", "next", "retiring"]


async def test_a_retired_key_leaves_when_its_last_token_has_died(store: PgSigning) -> None:
    old = (await signing.first(store, None, now=NOW)).active.kid
    await signing.rotate(store, now=LATER)
    alive = timedelta(seconds=MAX_LIFETIME + LEEWAY + LAG)
    assert not await signing.keep_to_schedule(store, days=0, now=LATER + alive - timedelta(seconds=1))
    assert old in (await signing.load(store)).by_kid
    assert not await signing.keep_to_schedule(store, days=0, now=LATER + alive)
    assert old not in (await signing.load(store)).by_kid


async def test_the_schedule_turns_once_a_period_whoever_keeps_to_it(store: PgSigning) -> None:
    first = await signing.first(store, None, now=NOW)
    month = NOW + timedelta(days=30)
    assert not await signing.keep_to_schedule(store, days=30, now=month - timedelta(seconds=1))
    assert not await signing.keep_to_schedule(store, days=0, now=month)
    turned = await asyncio.gather(*(signing.keep_to_schedule(store, days=30, now=month) for _ in range(5)))
    assert sum(turned) == 1
    assert first.upcoming is not None
    assert (await signing.load(store)).active.kid == first.upcoming.kid


async def test_no_key_signs_that_a_running_worker_does_not_know(store: PgSigning, database: Database) -> None:
    keys = await signing.first(store, None, now=NOW)
    worker, digest = uuid4(), b"d" * 32
    await store.beat(worker, digest, b"o" * 32)
    with pytest.raises(signing.TooEarly, match="1 of the running workers"):
        await signing.rotate(store, now=LATER, early=True)
    assert await store.beat(worker, digest, digest_of_keys(keys)) == digest_of_keys(keys)
    await signing.rotate(store, now=LATER, early=True)
    # Who has gone holds nobody up, with a word or without.
    async with database.reading() as connection:
        await connection.execute("UPDATE key_adoption SET seen_at = now() - interval '11 seconds'")
    await signing.rotate(store, now=LATER, early=True)
    await store.beat(worker, digest, b"o" * 32)
    await store.leave(worker)
    await signing.rotate(store, now=LATER, early=True)


async def test_a_leaked_key_goes_whatever_its_state(store: PgSigning) -> None:
    keys = await signing.first(store, None, now=NOW)
    assert keys.upcoming is not None
    without_next = await signing.drop(store, keys.upcoming.kid, now=NOW)
    assert keys.upcoming.kid not in without_next.by_kid
    assert states(without_next) == ["active", "next"]
    without_active = await signing.drop(store, keys.active.kid, now=NOW)
    assert keys.active.kid not in without_active.by_kid
    assert states(without_active) == ["active", "next"]
    with pytest.raises(BadKey):
        await signing.drop(store, keys.active.kid, now=NOW)


class Anybody:
    def allows(self, *_: object) -> bool:
        return True


def test_a_verifier_knows_a_key_before_the_supply_signs_with_it() -> None:
    supply = SigningSupply(SigningKeys.generate())
    verifier = TokenVerifier(keys=supply.keys, issuer="i", audience="a", standing=Anybody())
    supply.tell(verifier.use)
    signed_with: list[str] = []
    supply.tell(lambda _: signed_with.append(supply.active.kid))
    old = supply.active.kid

    def token() -> str:
        return issue(
            keys=supply, issuer="i", audience="a", client_id="c", agency="SCJP", scopes=[], areas=["42"],
            token_id=str(uuid4()), now=1_800_000_000,
        )  # fmt: skip

    before = token()
    supply.use(SigningKeys.generate())
    assert signed_with == [old]
    assert supply.active.kid != old
    verifier.verify(token(), now=1_800_000_001)
    with pytest.raises(Unauthenticated):
        verifier.verify(before, now=1_800_000_001)


def test_the_keys_of_a_supply_show_nothing_private() -> None:
    supply = SigningSupply(SigningKeys.generate())
    assert supply.jwks() == supply.keys.jwks()
    assert {key.kid for key in supply.by_kid.values()} == {one["kid"] for one in supply.jwks()["keys"]}
    stored = signing._stored(replace(supply.active), None, NOW)
    assert "PRIVATE" not in repr(stored)
