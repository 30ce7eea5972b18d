"""A running worker takes up changed keys: those of the keyring's file, and the signing keys of the database.

It says once a second which keys it has, so that a rotation knows when everybody has the new ones. A worker whose
keys came in KAEJON_KEYS has no file to look at: it keeps them until it is started again.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol
from uuid import UUID

import structlog

from api import signing
from api.keyring import Keyring, KeyringError, read_keyring
from auth.keys import SigningKeys, SigningSupply
from domain.access.signing import SigningStore

BEAT_S = 1.0
STALE_AFTER_S = 10.0
"""After so long without a word to the database the log says so, once."""
log = structlog.get_logger("kaejon")


class Beats(SigningStore, Protocol):
    async def beat(self, worker_id: UUID, keyring_digest: bytes, signing_digest: bytes) -> bytes: ...

    async def leave(self, worker_id: UUID) -> None: ...


class KeyringWatch:
    """The keyring of one file: looked at by its stamp, read when that has changed."""

    def __init__(self, path: Path | None, keyring: Keyring, adopt: Callable[[Keyring], None]) -> None:
        """`adopt` takes up a newer keyring, whole. Without a `path` the keyring stays as it is."""
        self._path, self._adopt = path, adopt
        self.keyring = keyring
        # As of before it was read: what has changed since is seen at the first look.
        self._stamp: tuple[int, ...] = ()
        self._complained: tuple[int, ...] | None = None

    def look(self) -> None:
        """Never raises: with a file that is missing, unsafe or foreign the keys stay, and the log says so once."""
        if self._path is None:
            return
        stamp: tuple[int, ...] = ()
        try:
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                return
            self._take(read_keyring(self._path))
        except (OSError, ValueError, KeyringError) as error:
            if stamp != self._complained:
                self._complained = stamp
                log.error("the keys on disk are not taken up", error_type=type(error).__name__)
            return
        self._stamp, self._complained = stamp, None

    def _take(self, newer: Keyring) -> None:
        if newer.fingerprint != self.keyring.fingerprint:
            raise ValueError("another service's keyring")
        if newer.digest != self.keyring.digest:
            self._adopt(newer)
            log.info("newer keys are taken up")
        self.keyring = newer


def _stamp(path: Path) -> tuple[int, ...]:
    status = os.stat(path)
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size)


class Adoption:
    """One worker's part in every rotation."""

    def __init__(
        self,
        *,
        worker_id: UUID,
        watch: KeyringWatch,
        supply: SigningSupply,
        store: Beats,
        digest_of: Callable[[SigningKeys], bytes],
    ) -> None:
        self._worker_id, self._watch, self._supply, self._store = worker_id, watch, supply, store
        self._digest_of = digest_of

    async def beat(self) -> None:
        """Looks, says what this worker has, and loads newer signing keys. Raises what the database raises."""
        self._watch.look()
        has = self._digest_of(self._supply.keys)
        there_is = await self._store.beat(self._worker_id, self._watch.keyring.digest, has)
        if there_is != has:
            self._supply.use(await signing.load(self._store))

    async def leave(self) -> None:
        await self._store.leave(self._worker_id)


@contextlib.asynccontextmanager
async def adopting(adoption: Adoption, *, every_s: float = BEAT_S) -> AsyncIterator[None]:
    """Up to date when the block begins, kept so until it ends."""
    await adoption.beat()
    task = asyncio.create_task(_beating(adoption, every_s), name="keys")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        with contextlib.suppress(Exception):
            await adoption.leave()


async def _beating(adoption: Adoption, every_s: float) -> None:
    loop = asyncio.get_running_loop()
    last, stale = loop.time(), False
    while True:
        await asyncio.sleep(every_s)
        try:
            await adoption.beat()
        except Exception as error:
            # The next turn may succeed; a task that has died would leave this worker with old keys.
            if not stale and loop.time() - last > STALE_AFTER_S:
                stale = True
                log.error("the signing keys are stale", error_type=type(error).__name__)
        else:
            last, stale = loop.time(), False
