"""An xlsx file is a zip of XML: opened in memory, measured before and while it is unpacked.

What an archive declares is checked first, and what really comes out of it is counted: sizes and checksums in its
directory are the sender's words.
"""

import copy
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from io import RawIOBase
from typing import Any
from xml.parsers import expat

from domain.exchange.reading.rows import UnreadableFile

MOST_PACKED = 64 << 20
"""Bytes of the file: it is kept in memory, because a zip is read from its end."""
MOST_UNPACKED = 1 << 30
MOST_RATIO = 200
_ALLOWED = 1 << 20
"""Bytes that any part may have, however well it is packed."""
_MOST_PARTS = 2000
_BLOCK = 1 << 16


def too_large() -> UnreadableFile:
    return UnreadableFile(
        "spreadsheet-too-large", "The spreadsheet is larger than can be read at once: send csv."
    )


def no_spreadsheet(detail: str = "The file is no xlsx spreadsheet.") -> UnreadableFile:
    return UnreadableFile("not-a-spreadsheet", detail)


class Package:
    """The parts of one file. Raises UnreadableFile wherever something does not fit."""

    def __init__(self, file: RawIOBase) -> None:
        self._zip = _opened(_whole(file))
        parts = self._zip.infolist()
        self._parts = {part.filename.lower(): part for part in parts}
        if len(parts) > _MOST_PARTS or len(self._parts) != len(parts):
            raise no_spreadsheet()
        self._unpacked = 0
        declared = 0
        for part in parts:
            if part.flag_bits & 1:
                raise no_spreadsheet("The spreadsheet is protected by a password; save it without.")
            if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise no_spreadsheet()
            declared += part.file_size
            _check(declared, part.file_size, part)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._parts

    def blocks(self, name: str) -> Iterator[bytes]:
        """A part, block by block, as it really is."""
        if name not in self:
            raise no_spreadsheet()
        part = self._parts[name.lower()]
        # With the declared size it would be cut off there, and its checksum with it.
        unbounded = copy.copy(part)
        unbounded.file_size = MOST_UNPACKED + 1
        size = 0
        try:
            with self._zip.open(unbounded) as opened:
                while block := opened.read(_BLOCK):
                    size += len(block)
                    self._unpacked += len(block)
                    _check(self._unpacked, size, part)
                    yield block
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError):
            raise no_spreadsheet("The spreadsheet is damaged; was it uploaded whole?") from None

    def parse(
        self, name: str, start: Callable[[str, dict[str, str]], Any], end: Callable[[str], Any] | None = None
    ) -> None:
        """Hands all elements of an XML part over, by their names without prefix."""
        parser = xml_parser()
        parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
        if end is not None:
            parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
        for _ in parsed(parser, self.blocks(name)):
            pass


def _whole(file: RawIOBase) -> io.BytesIO:
    whole = io.BytesIO()
    while block := file.read(1 << 20):
        whole.write(block)
        if whole.tell() > MOST_PACKED:
            raise too_large()
    return whole


def _opened(whole: io.BytesIO) -> zipfile.ZipFile:
    begins = whole.getvalue()[:4] if whole.tell() < 4 else bytes(whole.getbuffer()[:4])
    if not begins:
        raise UnreadableFile("empty-file", "The file is empty.")
    if not begins.startswith(b"PK"):
        raise no_spreadsheet("The file is no xlsx spreadsheet; save it as xlsx, or send csv.")
    try:
        return zipfile.ZipFile(whole)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, OverflowError):
        raise UnreadableFile(
            "truncated-file", "The spreadsheet has no end or is damaged; was it uploaded whole?"
        ) from None


def _check(total: int, size: int, part: zipfile.ZipInfo) -> None:
    if total > MOST_UNPACKED or (size > _ALLOWED and size > MOST_RATIO * max(part.compress_size, 1)):
        raise UnreadableFile("zip-bomb", "The spreadsheet unpacks to more than is plausible: send csv.")


def xml_parser() -> expat.XMLParserType:
    """Without document types, hence without entities of their own."""
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise no_spreadsheet()

    parser.StartDoctypeDeclHandler = refuse
    return parser


def parsed(parser: expat.XMLParserType, blocks: Iterator[bytes]) -> Iterator[None]:
    """Feeds the parser, with a pause after every block."""
    try:
        for block in blocks:
            parser.Parse(block, False)
            yield
        parser.Parse(b"", True)
        yield
    except expat.ExpatError:
        raise no_spreadsheet("The spreadsheet is damaged; was it uploaded whole?") from None
