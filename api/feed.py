"""The change feed as both doors give it: signed cursors, and calls that wait for a change.

All calls that wait share one look at the feed a few times a second; whoever is concerned by what has come reads its
page again. A waiting call holds no connection to the database.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import structlog

from api.errors import HttpError
from api.paging import Cursors
from domain.access.actor import Actor
from domain.errors import Invalid
from domain.exchange import changes
from domain.exchange.changes import (
    LATEST,
    ChangeQuery,
    CursorExpired,
    HasChanges,
    News,
    Page,
    Position,
    View,
)

SCOPE = "changes"
ANY_VIEW = "-"
LOOK_S = 0.25
"""Seconds between two looks at the feed."""
MOST_WAITING = 200
"""Calls that wait in one worker."""
MOST_OF_ONE = 10
"""Of them, of one client: none can take every place."""
log = structlog.get_logger("kaejon")

Reading = Callable[[], AbstractAsyncContextManager[HasChanges]]
Receive = Callable[[], Awaitable[Any]]


def cursor_of(cursors: Cursors, place: Position, seen: str = ANY_VIEW) -> str:
    """The signed cursor of a position; `seen` is the mark of the view, by default it is anybody's (an operator's)."""
    return cursors.encode(SCOPE, (place.epoch, str(place.transaction_id), place.id, seen))


def position_of(cursors: Cursors, cursor: str, view: View) -> Position:
    """Raises Invalid for what is no cursor of the feed, CursorExpired for one of another view.

    A page that was read with fewer rights has passed over what more would have shown, and one that was read with
    more has shown what is to be forgotten now: both start again.
    """
    try:
        epoch, transaction_id, id, seen = cursors.decode(SCOPE, cursor)
    except Invalid:
        raise Invalid.at("query/after", "invalid-cursor", "The cursor is not of the feed.") from None
    if seen not in (ANY_VIEW, view.fingerprint):
        raise CursorExpired("Your areas or scopes are not those that the cursor was made with.")
    return Position(epoch, int(transaction_id), id)


class Feed:
    """The feed of one worker. `reading` hands out units of work for looking at its end."""

    def __init__(self, cursors: Cursors, reading: Reading, *, most: int = MOST_WAITING) -> None:
        self._cursors = cursors
        self._watch = Watch(reading, most=most)

    async def page(
        self, reading: Reading, actor: Actor, query: ChangeQuery, receive: Receive | None = None
    ) -> bytes:
        """A page as finished JSON; waits as long as the query says, where there is none and `receive` tells that
        the caller is still there. Raises CursorExpired, Invalid, InsufficientScope, HttpError 429 and 503."""
        whole = changes.view_of(actor)
        view = changes.narrowed(whole, query.types)
        # A cursor is of what the caller may see, whatever it filters: that is its own to choose.
        after = await self._start(reading, query.after, whole)
        found = await self._read(reading, view, after, query.limit)
        if found.empty and not found.more and query.wait and receive is not None:
            found = await self._waited(reading, view, found, query, actor, receive)
        cursor = cursor_of(self._cursors, found.next, whole.fingerprint).encode()
        more = b"true" if found.more else b"false"
        return b'{"items":' + found.items + b',"next":"' + cursor + b'","more":' + more + b"}"

    async def close(self) -> None:
        await self._watch.close()

    async def _start(self, reading: Reading, after: str | None, whole: View) -> Position | None:
        if after == LATEST:
            async with reading() as work:
                return await changes.position(work)
        return None if after is None else position_of(self._cursors, after, whole)

    async def _read(self, reading: Reading, view: View, after: Position | None, limit: int) -> Page:
        async with reading() as work:
            return await changes.read(work, view, after, limit=limit)

    async def _waited(
        self, reading: Reading, view: View, found: Page, query: ChangeQuery, actor: Actor, receive: Receive
    ) -> Page:
        clock = asyncio.get_running_loop().time
        deadline = clock() + query.wait
        async with self._watch.place(actor.client_id, view, receive) as waiting:
            goes_on = True
            while goes_on and found.empty and not found.more:
                goes_on = await waiting.until_news(found.next.place, deadline - clock())
                found = await self._read(reading, view, found.next, query.limit)
        return found


class Watch:
    """Looks at the end of the feed while anybody waits for it."""

    def __init__(self, reading: Reading, *, most: int) -> None:
        self._reading, self._most = reading, most
        self._waiting: set[Waiting] = set()
        self._of_client: Counter[str] = Counter()
        self._last: tuple[int, str] | None = None
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def place(self, client_id: str, view: View, receive: Receive) -> "AsyncIterator[Waiting]":
        """Raises HttpError: 429 where the client has as many, 503 where all are taken."""
        if self._of_client[client_id] >= MOST_OF_ONE:
            told = f"Your client waits for changes in {MOST_OF_ONE} calls already."
            raise HttpError(429, "rate-limited", told, headers={"Retry-After": "5"})
        if len(self._waiting) >= self._most:
            told = "Too many calls wait for changes; ask again, or without wait."
            raise HttpError(503, "unavailable", told, headers={"Retry-After": "2"})
        left = asyncio.create_task(_left(receive))
        one = Waiting(self, _provinces(view), left)
        self._waiting.add(one)
        self._of_client[client_id] += 1
        if self._task is None:
            self._last = None
            self._task = asyncio.create_task(self._look(), name="feed")
        try:
            yield one
        finally:
            self._waiting.discard(one)
            self._of_client[client_id] -= 1
            self._of_client += Counter()
            left.cancel()

    @property
    def last(self) -> tuple[int, str] | None:
        """Where the feed ended at the last look; None before the first one."""
        return self._last

    async def close(self) -> None:
        for one in self._waiting:
            one.woken.set()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _look(self) -> None:
        failing = False
        while self._waiting:
            try:
                async with self._reading() as work:
                    news = await work.changes.news(self._last)
                self._tell(news)
                failing = False
            except Exception as error:
                # Whoever waits is answered by its own reading, at the latest when its time is up.
                if not failing:
                    log.warning("the feed cannot be watched", error_type=type(error).__name__)
                failing = True
            await asyncio.sleep(LOOK_S)
        self._task = None

    def _tell(self, news: News) -> None:
        before, self._last = self._last, news.place
        for one in self._waiting:
            one.hear(before, news)


class Waiting:
    """One call that waits."""

    def __init__(self, watch: Watch, provinces: frozenset[str] | None, left: "asyncio.Task[None]") -> None:
        self._watch, self._provinces, self._left = watch, provinces, left
        self.woken = asyncio.Event()
        self._since: tuple[int, str] = (0, "")

    def hear(self, before: tuple[int, str] | None, news: News) -> None:
        """Wakes where a change behind its place may be for it."""
        if news.place <= self._since:
            return
        if before is None or self._since < before or self._concerned(news.provinces):
            self.woken.set()
        else:
            self._since = news.place

    def _concerned(self, provinces: frozenset[str] | None) -> bool:
        return provinces is None or self._provinces is None or not self._provinces.isdisjoint(provinces)

    async def until_news(self, since: tuple[int, str], seconds: float) -> bool:
        """Whether something may have come behind `since`; False when the time is up or the caller does not wait."""
        self._since = since
        self.woken.clear()
        if self._watch.last is not None and self._watch.last > since:
            # It came between the page and this; the next look would not tell of it again.
            return True
        woken = asyncio.create_task(self.woken.wait())
        try:
            await asyncio.wait(
                {woken, self._left}, timeout=max(0, seconds), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            woken.cancel()
        return self.woken.is_set() and not self._left.done()


def _provinces(view: View) -> frozenset[str] | None:
    """Of which provinces a change may concern the view; None: of any."""
    found = {prefix[:2] for prefix in view.prefixes}
    return None if "" in found else frozenset({"", *found})


async def _left(receive: Receive) -> None:
    """Ends when the caller has gone, or when the server ends its service and asks every connection to hurry
    (api/protocol.py)."""
    while (await receive()).get("more_body"):
        pass
    await receive()
