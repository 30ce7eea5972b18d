"""The keys that personal identifiers are stored under, as a running process has them now."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from persistence.cipher import BlindIndex, FieldCipher

LOOK_S = 0.5
"""A process uses keys that it has made sure of within so many seconds, and looks for newer ones before."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What is taken up together or not at all."""

    cipher: FieldCipher
    index: BlindIndex
    content: BlindIndex
    """Under a key that never changes: tells a repeated posting from another, also after a rotation."""


class Sealing:
    """How a citizen id or phone is hidden at rest, and how a citizen id is found again.

    `look` is asked before keys are used that have not been made sure of for half a second; it calls `use` when
    there are newer ones. So even a process that was stopped for an hour never seals under a key that has gone.
    """

    __slots__ = ("_keys", "_look", "_monotonic", "_sure_until")

    def __init__(
        self,
        cipher: FieldCipher,
        index: BlindIndex,
        content: BlindIndex | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = Keys(cipher, index, content or index)
        self._look: Callable[[], None] | None = None
        self._monotonic, self._sure_until = monotonic, 0.0

    @property
    def cipher(self) -> FieldCipher:
        return self._sure().cipher

    @property
    def index(self) -> BlindIndex:
        return self._sure().index

    @property
    def content(self) -> BlindIndex:
        return self._keys.content

    def use(self, keys: Keys) -> None:
        """From now on these; what is under way has taken its own."""
        self._keys = keys

    def watch(self, look: Callable[[], None]) -> None:
        """Asks `look`, which must not raise, before keys are used that may be out of date."""
        self._look = look

    def _sure(self) -> Keys:
        if self._look is not None and self._monotonic() >= self._sure_until:
            self._look()
            self._sure_until = self._monotonic() + LOOK_S
        return self._keys
