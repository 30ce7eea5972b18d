"""Large files (uploads, exports) in a directory of the service: sealed chunk by chunk, never whole in memory.

Every file has a key of its own, kept sealed beside its row. A chunk is AES-256-GCM under that key; its nonce is
its number and whether it is the last, so that chunks cannot be left out, put in another order or cut off
(the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár).
"""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from persistence.cipher import CannotOpen

CHUNK = 1 << 20
"""Bytes of text in a chunk; in the file each is 16 longer."""
_TAG = 16


@dataclass(frozen=True, slots=True)
class Written:
    """What a finished file holds."""

    size: int
    """Bytes, as they were before they were sealed."""
    sha256: str
    key: str
    """Hexadecimal; to be sealed into the row that names the file."""


class Files:
    """The directory. Names are ids that the service made."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, file_id: UUID) -> Path:
        return self._directory / str(file_id)

    def create(self, file_id: UUID) -> "Writer":
        """A new file; it appears under its name when it is finished."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Writer(self.path(file_id))

    def open(self, file_id: UUID, key: str) -> "Reader":
        """Raises FileNotFoundError."""
        return Reader(self.path(file_id), bytes.fromhex(key))

    def remove(self, file_id: UUID) -> None:
        """Also one that was never finished; nothing when there is none."""
        for path in (self.path(file_id), _unfinished(self.path(file_id))):
            path.unlink(missing_ok=True)

    def names(self) -> Iterator[UUID]:
        """Of all files, finished or not, once each."""
        with suppress(FileNotFoundError):
            yield from {UUID(entry.name.removesuffix(".part")) for entry in os.scandir(self._directory)}

    def untouched_since(self, moment: datetime) -> Iterator[UUID]:
        """Of files that were last written to before `moment`, finished or not. Passes over what is none of ours."""
        with suppress(FileNotFoundError), os.scandir(self._directory) as entries:
            for entry in entries:
                # Another process may take it away meanwhile.
                with suppress(ValueError, FileNotFoundError):
                    if entry.stat().st_mtime < moment.timestamp():
                        yield UUID(entry.name.removesuffix(".part"))


def _unfinished(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes((last,))


class Writer:
    """Takes bytes of any length; used as a context, an error leaves no file behind."""

    def __init__(self, path: Path) -> None:
        self._path, self._key = path, os.urandom(32)
        self._cipher = AESGCM(self._key)
        descriptor = os.open(_unfinished(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._pending = bytearray()
        self._number, self._size, self._hash = 0, 0, hashlib.sha256()

    @property
    def size(self) -> int:
        """Bytes taken so far."""
        return self._size

    def write(self, data: bytes | bytearray | memoryview) -> int:
        self._hash.update(data)
        self._size += len(data)
        self._pending += data
        # One whole chunk stays until it is known whether another follows.
        while len(self._pending) > CHUNK:
            self._seal(bytes(self._pending[:CHUNK]), last=False)
            del self._pending[:CHUNK]
        return len(data)

    def _seal(self, data: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last), data, None))
        self._number += 1

    def finish(self) -> Written:
        """Safe on the disk under its name when this returns."""
        self._seal(bytes(self._pending), last=True)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        _unfinished(self._path).rename(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        return Written(self._size, self._hash.hexdigest(), self._key.hex())

    def discard(self) -> None:
        self._file.close()
        _unfinished(self._path).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._file.closed:
            self.discard()


class Reader(io.RawIOBase):
    """The text of a sealed file, from its beginning; wrap it in io.BufferedReader for lines. Raises CannotOpen."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._cipher, self._file = AESGCM(key), path.open("rb")
        self._number, self._plain, self._done = 0, memoryview(b""), False
        self._next = self._file.read(CHUNK + _TAG)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer is wider
        if not self._plain and not self._done:
            self._plain = memoryview(self._chunk())
        count = min(len(buffer), len(self._plain))
        buffer[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def chunks(self) -> Iterator[bytes]:
        """All of it, chunk by chunk."""
        while not self._done:
            yield self._chunk()

    def _chunk(self) -> bytes:
        sealed, self._next = self._next, self._file.read(CHUNK + _TAG)
        self._done = not self._next
        try:
            text = self._cipher.decrypt(_nonce(self._number, self._done), sealed, None)
        except InvalidTag:
            raise CannotOpen("a sealed file is cut short, altered, or of another key") from None
        self._number += 1
        return text

    def close(self) -> None:
        self._file.close()
        super().close()
