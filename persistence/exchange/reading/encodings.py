"""Bytes → text, block by block: UTF-8 and UTF-16 by their marks, else UTF-8, else cp874 where that makes Thai sense.

While a file is plain ASCII nothing is decided. The first block with another byte decides: Thai in cp874 (TIS-620 and
its Windows form) is never valid UTF-8 for long, and UTF-8 read as cp874 has bytes that mean nothing there.
"""

import codecs
import re
from collections.abc import Iterator
from io import RawIOBase

from domain.exchange.reading.rows import UnreadableFile

BLOCK = 1 << 18
"""Bytes at a time."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# A vowel or tone mark without the consonant that it stands on; a vowel written first without the one that follows.
_ORPHAN = re.compile("(?<![ก-ฮะ-ฺ็-๎])[ัิ-ฺ็-๎]|[เ-ไ](?![ก-ฮ])")
_THAI = re.compile("[ก-ฺเ-๎๐-๙]")


class Texts:
    """The text of a file; `encoding` is known when it has been read, or when it is not ASCII any more."""

    def __init__(self, file: RawIOBase) -> None:
        self._file = file
        self.encoding: str | None = None

    def __iter__(self) -> Iterator[str]:
        first = self._file.read(BLOCK) or b""
        while len(first) < 3 and (more := self._file.read(BLOCK)):
            first += more
        for mark, encoding in _MARKS:
            if first.startswith(mark):
                first = first[len(mark) :] or self._file.read(BLOCK) or b""
                self.encoding = encoding
                break
        yield from self._decoded(first)

    def _decoded(self, block: bytes) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self.encoding)() if self.encoding else None
        while block:
            if decoder is None and block.isascii():
                yield block.decode("ascii")
            else:
                if decoder is None:
                    self.encoding = _guessed(block)
                    decoder = codecs.getincrementaldecoder(self.encoding)()
                yield self._strictly(decoder, block, final=False)
            block = self._file.read(BLOCK) or b""
        if decoder is not None:
            yield self._strictly(decoder, b"", final=True)

    def _strictly(self, decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool) -> str:
        try:
            return decoder.decode(block, final)
        except UnicodeDecodeError:
            if final:
                raise UnreadableFile(
                    "truncated-file", "The file ends in the middle of a character."
                ) from None
            raise UnreadableFile(
                "wrong-encoding",
                f"The file begins as {self.encoding} and goes on in another encoding; save it as UTF-8.",
            ) from None


def _guessed(block: bytes) -> str:
    """Of the first block that is not ASCII."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(block)
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8"
    try:
        text = block.decode("cp874")
    except UnicodeDecodeError:
        text = ""
    thai = len(_THAI.findall(text))
    if not thai or len(_ORPHAN.findall(text)) * 10 > thai:
        raise UnreadableFile(
            "wrong-encoding",
            "The file is neither UTF-8, nor UTF-16 with a byte order mark, nor Thai in cp874 (TIS-620).",
        )
    return "cp874"
