"""The stages in which a field or index key is changed while the service runs.

Where a rotation stands is read from the keyring's file and from the rows, so one that was broken off anywhere
goes on from there. A stage begins when every running worker has the keys of the one before, and when what was
begun with older keys has ended.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from api.app import keys_of
from api.keyring import Keyring, next_key_id, read_keyring, write_keyring
from persistence.rekeying import fields, index, workers
from persistence.sealing import LOOK_S

_POLL_S = 0.2
_REMIND_S = 10.0
Progress = Callable[[int, int], None]


class Rotation:
    """On a connection of the owner, and the file that the running workers look at."""

    def __init__(
        self,
        connection: Any,
        path: Path,
        say: Callable[[str], None],
        progress: Callable[[str], AbstractContextManager[Progress]],
        *,
        new_key: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._connection, self._path, self._say, self._progress = connection, path, say, progress
        self._new_key = new_key

    async def field(self) -> None:
        """A new field key: everything sealed is sealed anew under it, and the old one leaves the file."""
        await workers.alone(self._connection)
        keyring = read_keyring(self._path)
        if len(keyring.field_keys) == 1:
            keyring = replace(keyring, field_keys=self._more(keyring.field_keys))
            self._write(keyring, "1 of 4: a new field key is in the file, and seals nothing yet")
        newest = max(keyring.field_keys)
        if keyring.current_field_key != newest:
            await self._adopted(keyring)
            keyring = replace(keyring, current_field_key=newest)
            self._write(keyring, "2 of 4: the new field key seals")
        await self._adopted(keyring)
        self._say("3 of 4: everything is sealed anew")
        cipher = keys_of(keyring).cipher
        while await fields.left(self._connection, newest):
            with self._progress("sealed values") as progress:
                await fields.reseal(self._connection, cipher, progress)
        # Nothing is under an older key, and nobody seals under one: it can go.
        keyring = replace(keyring, field_keys={newest: keyring.field_keys[newest]})
        self._write(keyring, "4 of 4: the old field key is out of the file")
        await self._adopted(keyring)

    async def index(self) -> None:
        """A new index key: every citizen id is found under it, and the old one leaves the file and the rows."""
        await workers.alone(self._connection)
        keyring = read_keyring(self._path)
        if len(keyring.index_keys) == 1 and await index.foreign(self._connection, list(keyring.index_keys)):
            await self._without_old_rows(keyring)
            return
        if len(keyring.index_keys) == 1:
            keyring = replace(keyring, index_keys=self._more(keyring.index_keys))
            self._write(
                keyring, "1 of 5: a new index key is in the file; it is written under, not looked with"
            )
        newest = max(keyring.index_keys)
        if keyring.current_index_key != newest:
            await self._adopted(keyring)
            self._say("2 of 5: every citizen id is indexed under the new key")
            with self._progress("citizen ids") as progress:
                await index.backfill(self._connection, keys_of(keyring), newest, progress)
            keyring = replace(keyring, current_index_key=newest)
            self._write(keyring, "3 of 5: citizen ids are looked for under the new key")
        await self._adopted(keyring)
        await index.index_queue(self._connection, keys_of(keyring))
        keyring = replace(keyring, index_keys={newest: keyring.index_keys[newest]})
        self._write(keyring, "4 of 5: the old index key is out of the file")
        await self._without_old_rows(keyring)

    async def _without_old_rows(self, keyring: Keyring) -> None:
        await self._adopted(keyring)
        self._say("5 of 5: what was indexed under the old key is taken away")
        with self._progress("rows of the old key") as progress:
            await index.forget(self._connection, list(keyring.index_keys), progress)

    def _more(self, keys: Mapping[int, bytes]) -> Mapping[int, bytes]:
        return {**keys, next_key_id(keys): self._new_key(32)}

    def _write(self, keyring: Keyring, stage: str) -> None:
        write_keyring(self._path, keyring, replacing=True)
        self._say(stage)

    async def _adopted(self, keyring: Keyring) -> None:
        """Waits until nobody works with other keys than these, and nothing is under way that began with others."""
        await self._none(
            lambda: workers.behind(self._connection, keyring.digest),
            "running workers have not taken up the keys yet; those on other hosts need the changed file as well",
        )
        # A process that is no worker looks at the file itself before it uses a key.
        await asyncio.sleep(2 * LOOK_S)
        since = await workers.moment(self._connection)
        await self._none(
            lambda: workers.older(self._connection, since),
            "transactions that began earlier are still under way",
        )

    async def _none(self, count: Callable[[], Any], of_what: str) -> None:
        loop = asyncio.get_running_loop()
        remind_at = loop.time() + _REMIND_S
        while left := await count():
            if loop.time() >= remind_at:
                remind_at = loop.time() + _REMIND_S
                self._say(f"waiting: {left} {of_what}")
            await asyncio.sleep(_POLL_S)
