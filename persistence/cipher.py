"""Fields at rest: sealed with AES-GCM-SIV, and found again by a keyed hash.

AES-GCM-SIV (RFC 8452) survives a repeated nonce, which random ones on many machines cannot exclude. What is
sealed is bound to its place: a value copied into another row, column or table does not open. The index key
is not one of the field keys: a 13-digit space can be tried through, so whoever holds it can find anybody.
"""

import hmac
import os
from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

KEY = 32
"""Bytes of every key here."""
_NONCE = 12
_TAG = 16


class CannotOpen(Exception):
    """A sealed value is not of this place, altered, or of a key that is not here. Never quotes a value."""


class FieldCipher:
    """Seals with one key and opens with any it knows: `key id (1 byte) | nonce (12) | ciphertext and tag`."""

    __slots__ = ("_ciphers", "_entropy", "current")

    def __init__(
        self, keys: Mapping[int, bytes], *, current: int, entropy: Callable[[int], bytes] = os.urandom
    ) -> None:
        """`keys` by id, 1 to 255. Raises ValueError for other ids, other lengths, an unknown `current`."""
        if current not in keys or not all(1 <= key_id <= 255 for key_id in keys):
            raise ValueError("field keys have ids 1 to 255, and one of them is current")
        if any(len(key) != KEY for key in keys.values()):
            raise ValueError(f"a field key has {KEY} bytes")
        self._ciphers = {key_id: AESGCMSIV(key) for key_id, key in keys.items()}
        self.current, self._entropy = current, entropy

    def seal(self, table: str, column: str, row_id: UUID | str, text: str) -> bytes:
        """The text for this row and column alone; 29 bytes longer than its UTF-8.

        Raises ValueError for text that is no Unicode (a lone surrogate).
        """
        plain = _encoded(text)
        nonce = self._entropy(_NONCE)
        sealed = self._ciphers[self.current].encrypt(nonce, plain, _place(table, column, row_id))
        return bytes((self.current,)) + nonce + sealed

    def seal_all(
        self, table: str, column: str, rows: Iterable[tuple[UUID | str, str | None]]
    ) -> list[bytes | None]:
        """As `seal`, of many rows' ids and texts, and nothing of none: randomness is asked for once."""
        given = list(rows)
        nonces, key_id = self._entropy(_NONCE * len(given)), bytes((self.current,))
        encrypt, place = self._ciphers[self.current].encrypt, f"{table}|{column}|"
        sealed: list[bytes | None] = []
        for at, (row_id, text) in enumerate(given):
            if text is None:
                sealed.append(None)
                continue
            nonce = nonces[at * _NONCE : (at + 1) * _NONCE]
            sealed.append(key_id + nonce + encrypt(nonce, _encoded(text), f"{place}{row_id}".encode()))
        return sealed

    def open(self, table: str, column: str, row_id: UUID | str, sealed: bytes) -> str:
        """The text again. Raises CannotOpen."""
        where = f"a sealed {table}.{column}"
        if len(sealed) < 1 + _NONCE + _TAG:
            raise CannotOpen(f"{where} is cut short")
        cipher = self._ciphers.get(sealed[0])
        if cipher is None:
            raise CannotOpen(f"{where} needs field key {sealed[0]}, which is not in the keyring")
        try:
            plain = cipher.decrypt(
                sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], _place(table, column, row_id)
            )
        except InvalidTag:
            raise CannotOpen(f"{where} is of another row or key, or altered") from None
        return plain.decode()


class BlindIndex:
    """The keyed hash under which an identifier is found without being stored.

    While its key is changed there are two: written is under both, and found under the current one.
    """

    __slots__ = ("_begun", "_keys", "current")

    def __init__(self, keys: Mapping[int, bytes], *, current: int) -> None:
        """`keys` by id, 1 to 255. Raises ValueError for other ids, other lengths, an unknown `current`."""
        if current not in keys or not all(1 <= key_id <= 255 for key_id in keys):
            raise ValueError("index keys have ids 1 to 255, and one of them is current")
        if any(len(key) != KEY for key in keys.values()):
            raise ValueError(f"an index key has {KEY} bytes")
        self._keys, self.current = dict(keys), current
        # Begun once: to set a key up costs more than to hash an identifier.
        self._begun = {key_id: hmac.new(key, digestmod="sha256") for key_id, key in keys.items()}

    def of(self, text: str) -> bytes:
        """HMAC-SHA-256 of the canonical text under the current key, 32 bytes; equal texts have equal hashes."""
        return self.under(self.current, text)

    def under(self, key_id: int, text: str) -> bytes:
        """As `of`, under the key of this id. Raises CannotOpen when it is not here."""
        begun = self._begun.get(key_id)
        if begun is None:
            raise CannotOpen(f"index key {key_id} is not in the keyring")
        hashed = begun.copy()
        hashed.update(_encoded(text))
        return hashed.digest()

    @property
    def key_ids(self) -> tuple[int, ...]:
        return tuple(sorted(self._keys))

    def every(self, text: str) -> dict[int, bytes]:
        """The hash under each key, by key id: all of them are written."""
        return {key_id: self.under(key_id, text) for key_id in self.key_ids}


def _place(table: str, column: str, row_id: UUID | str) -> bytes:
    # Table and column are our own identifiers, without a bar: the three parts cannot run together.
    return f"{table}|{column}|{row_id}".encode()


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass
    # Outside the handler: the codec's exception holds the text, and would stay as the context of this one.
    raise ValueError("the value is not Unicode text")
