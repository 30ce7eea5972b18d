"""Looks for citizen ids, phones and names in anything: files, logs, answers; in every spelling they may have there.

Numbers are found by reading every run of digits and looking it up, so that thousands are looked for in one pass.
"""

import gzip
import re
import zlib
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

_SEPARATED = re.compile(rb"[0-9](?:[-. ]?[0-9]){8,}")
_NOT_DIGIT = re.compile(rb"[^0-9]")
_HEX = re.compile(rb"(?:3[0-9]){10,}")
# The first of four characters that stand for three digits is always one of these.
_BASE64 = re.compile(rb"(?:[MNO][A-Za-z0-9+/_-]{3}){2,}")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_THAI = re.compile(rb"\xe0\xb9([\x90-\x99])")
_NOTHING = bytes(64)
"""Free space of a page or of the log: so many NULs stand in no spelling of a number."""
_THAI_ESCAPED = [(f"\\u0e5{digit}".encode(), str(digit).encode()) for digit in range(10)]
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class Wanted:
    """What must not be found: numbers as plain digits, and names."""

    numbers: frozenset[str]
    names: frozenset[str] = frozenset()

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted({len(one) for one in self.numbers})

    @cached_property
    def _spelt(self) -> list[tuple[str, bytes]]:
        return [(name, text) for name in self.names for text in _spellings(name)]

    def numbers_in(self, data: bytes) -> set[str]:
        return {found for view in _views(data) for found in self._numbers_in(view)}

    def names_in(self, data: bytes) -> set[str]:
        return {name for view in _unpacked(data) for name, text in self._spelt if text in view}

    def _numbers_in(self, view: bytes) -> Iterator[str]:
        for run in _SEPARATED.finditer(view):
            digits = _NOT_DIGIT.sub(b"", run[0]).decode()
            for length in self._lengths:
                for at in range(len(digits) - length + 1):
                    if digits[at : at + length] in self.numbers:
                        yield digits[at : at + length]


def phone_forms(phones: Iterable[str]) -> set[str]:
    """National and international, as digits."""
    national = {re.sub("[^0-9]", "", phone) for phone in phones}
    return national | {f"66{one[1:]}" for one in national if one.startswith("0")}


def _spellings(name: str) -> set[bytes]:
    plain = name.encode()
    return {
        plain,
        name.encode("utf-16-le"),
        name.encode("utf-16-be"),
        name.encode("unicode_escape"),
        name.encode("unicode_escape").replace(b"\\", b"\\\\"),
        quote(name).encode(),
        quote(name).lower().encode(),
        plain.hex().encode(),
        name.encode("tis-620"),
        repr(plain)[2:-1].encode(),
    }


def _unpacked(data: bytes) -> Iterator[bytes]:
    yield data
    if data[:2] == b"\x1f\x8b":
        yield gzip.decompress(data)
    elif data[:1] == b"\x78" and data[1:2] in b"\x01\x5e\x9c\xda":
        yield zlib.decompress(data)


def _views(data: bytes) -> Iterator[bytes]:
    """The data, and what it says in other spellings of digits."""
    for whole in _unpacked(data):
        plain = whole.replace(_NOTHING, b"\x00\x00")
        yield plain
        if b"\xe0\xb9" in plain:
            yield _in_latin(plain)
        if b"\\u0e5" in plain:
            yield _replaced(plain, _THAI_ESCAPED)
        if b"%" in plain:
            yield _in_latin(_PERCENT.sub(lambda found: bytes((int(found[1], 16),)), plain))
        if b"\x00" in plain:
            # UTF-16, in either order.
            yield plain.replace(b"\x00", b"")
        yield b"\n".join(bytes.fromhex(run[0].decode()) for run in _HEX.finditer(plain))
        yield b"\n".join(_from_base64(plain))


def _in_latin(data: bytes) -> bytes:
    """With Latin digits for Thai ones."""
    return _THAI.sub(lambda found: bytes((found[1][0] - 0x60,)), data)


def _replaced(data: bytes, pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    for one, other in pairs:
        data = data.replace(one, other)
    return data


def _from_base64(data: bytes) -> Iterator[bytes]:
    for run in _BASE64.finditer(data):
        # With the group before it and the one after, which hold the first and the last digits beside other text.
        start = run.start() - 4 if run.start() >= 4 else run.start()
        text = data[start : run.end() + 4].translate(bytes.maketrans(b"-_", b"+/"))
        whole = text.ljust(-(-len(text) // 4) * 4, b"A")
        yield b64decode(_NOT_BASE64.sub(b"A", whole))
