"""Signing keys as they are turned: rules from `auth.keys`, kept where every worker finds them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

from auth.keys import BadKey, KeyState, SigningKey, SigningKeys
from domain.access.signing import SigningStore, StoredKey, Turn

PUBLISHED_S = 600
"""Seconds that a key stands in the published set before it signs: twice as long as that is cached."""
DAY_S = 86_400


class TooEarly(Exception):
    """The next key has not been published for long enough, or some worker does not have it yet."""


async def load(store: SigningStore) -> SigningKeys:
    """The keys that there are. Raises BadKey for a set that cannot be, so for none."""
    return _keys(await store.load())


async def first(store: SigningStore, given: SigningKeys | None, *, now: datetime) -> SigningKeys:
    """The keys that there are; at the first start `given` (of an older keyring), or new ones.

    Of several processes at once one makes them, and all have the same.
    """
    found = await store.load()
    if found:
        return _keys(found)
    async with store.turning() as turn:
        if not turn.keys:
            made = given.alive(now=_seconds(now)) if given else SigningKeys.generate(now=_seconds(now))
            await _keep(turn, made, now)
        return _keys(turn.keys)


async def rotate(store: SigningStore, *, now: datetime, early: bool = False) -> SigningKeys:
    """One turn: next → active → retiring. Raises TooEarly; `early` waits for our own workers alone.

    Others may hold the published set for minutes: an `early` turn can make them refuse a token meanwhile.
    """
    async with store.turning() as turn:
        return await _turn(turn, now=now, early=early)


async def _turn(turn: Turn, *, now: datetime, early: bool) -> SigningKeys:
    keys = _keys(turn.keys)
    coming = keys.upcoming
    if coming is not None and not early and coming.published_at + PUBLISHED_S > _seconds(now):
        raise TooEarly(
            f"The next key has been published for less than {PUBLISHED_S // 60} minutes, and whoever verifies our "
            "tokens may not know it yet. Wait, or say --now."
        )
    if behind := await turn.behind():
        raise TooEarly(f"{behind} of the running workers have not loaded the next key yet.")
    turned = keys.rotate(SigningKey.generate(KeyState.NEXT, now=_seconds(now)), now=_seconds(now))
    await _keep(turn, turned, now)
    return turned


async def drop(store: SigningStore, kid: str, *, now: datetime) -> SigningKeys:
    """Takes a leaked key out at once, with every token that it has signed.

    The active one is turned first, and a next one replaced. Raises BadKey for an unknown one, TooEarly.
    """
    async with store.turning() as turn:
        keys = _keys(turn.keys)
        if kid not in keys.by_kid:
            raise BadKey("there is no signing key of that name")
        if kid == keys.active.kid:
            keys = await _turn(turn, now=now, early=True)
        keys = keys.without(kid)
        if keys.upcoming is None:
            fresh = SigningKey.generate(KeyState.NEXT, now=_seconds(now))
            keys = SigningKeys((*keys.keys, fresh))
        await _keep(turn, keys, now)
        return keys


async def keep_to_schedule(store: SigningStore, *, days: int, now: datetime) -> bool:
    """Turns the keys when the active one has signed for `days` (0: never), and drops what has retired.

    Any worker may do it at any time; the lock makes one turn of it. Whether they were turned.
    """
    async with store.turning() as turn:
        keys = _keys(turn.keys)
        due = days and (keys.active.active_since or 0) + days * DAY_S <= _seconds(now)
        if due:
            try:
                await _turn(turn, now=now, early=False)
            except TooEarly:
                return False
            return True
        alive = keys.alive(now=_seconds(now))
        if len(alive.keys) < len(keys.keys):
            await _keep(turn, alive, now)
        return False


async def patiently(
    step: Callable[[], Awaitable[SigningKeys]], *, patient: bool = True, within_s: float = 30.0
) -> SigningKeys:
    """Tries again while workers catch up, which takes a second. Raises the last TooEarly."""
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        try:
            return await step()
        except TooEarly:
            if not patient or asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.2)


async def _keep(turn: Turn, keys: SigningKeys, now: datetime) -> None:
    known = {one.kid: one for one in turn.keys}
    await turn.replace([_stored(key, known.get(key.kid), now) for key in keys.keys])


def _stored(key: SigningKey, known: StoredKey | None, now: datetime) -> StoredKey:
    active_since = key.active_since
    if key.state is not KeyState.NEXT and active_since is None:
        active_since = _seconds(now)
    activated_at, retiring_since = _time(active_since), _time(key.retiring_since)
    if known is not None:
        return replace(known, state=key.state.value, activated_at=activated_at, retiring_since=retiring_since)
    # Of a key from an older keyring it is not known since when: it counts from now.
    created = _time(key.published_at or None) or now
    return StoredKey(key.kid, key.state.value, key.private_pem(), created, activated_at, retiring_since)


def _keys(stored: Iterable[StoredKey]) -> SigningKeys:
    return SigningKeys(tuple(_key(one) for one in stored))


def _key(stored: StoredKey) -> SigningKey:
    key = SigningKey.from_pem(stored.private_pem, KeyState(stored.state))
    if key.kid != stored.kid:
        raise BadKey("a stored signing key is not the one that its name says")
    return replace(
        key,
        published_at=_seconds(stored.created_at),
        active_since=_seconds(stored.activated_at) if stored.activated_at else None,
        retiring_since=_seconds(stored.retiring_since) if stored.retiring_since else None,
    )


def _seconds(time: datetime) -> int:
    return int(time.timestamp())


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
