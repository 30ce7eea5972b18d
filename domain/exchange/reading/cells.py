"""One cell's text → the value of one column, by the rules of the domain but with the habits of spreadsheets.

Each converter takes a text that is not empty and answers the value, None where the cell says nothing, or raises
`CellFault`. What a Pydantic draft accepts comes out as the same value, and what comes out is what a draft accepts
(tests/domain/exchange/test_cells.py); beside it stand Thai digits, an apostrophe before the text, a `.0` behind
a number, thousands separators, words for codes, and texts that mean "nothing" (vocabulary.EMPTY). The ways that
most cells go are short: a million rows of twenty cells pass through here.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar
from unicodedata import is_normalized
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from domain.exchange.reading.faults import CellFault
from domain.exchange.reading.vocabulary import EMPTY, YES_NO, word
from domain.kernel import Line, Text
from domain.registry.free_text import PERSONAL_DATA, holds_citizen_id, holds_number
from domain.thai import arabic_digits, clean

Convert = Callable[[str], Any]
T = TypeVar("T")

_LETTERS = "A-Za-z\u0e01-\u0e3a\u0e40-\u0e4e"
# Letters, Thai signs, blanks and a little punctuation: no digits, nothing invisible, nothing to normalise but by NFC.
_NAME = re.compile(rf"[{_LETTERS}](?:[{_LETTERS} .()\-]{{0,198}}[{_LETTERS}.)])?")
# Too short for a citizen id to hide in.
_SHORT = re.compile(rf"[0-9{_LETTERS}](?:[0-9{_LETTERS} ./\-]{{0,10}}[0-9{_LETTERS}])?")
_ROUNDED = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+[0-9]{1,3}")
_POINT_ZERO = re.compile(r"([0-9]+)\.0+")
_ERROR = re.compile(r"#(?:REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|GETTING_DATA|SPILL!|CALC!)")
_WORDS = 200
"""Spellings of a column's few words that are remembered; a text that is none of them is not."""
_LIST = re.compile(r"[|;,]")


def plain(text: str) -> str:
    """The cell without what spreadsheets put around it: an apostrophe before a text, Windows line ends."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.strip()
    text = text[1:].lstrip() if text.startswith("'") else text
    if text.startswith("#") and _ERROR.fullmatch(text):
        raise CellFault("spreadsheet-error", "The spreadsheet could not compute this cell.")
    return text


def digits(text: str) -> str:
    """A number that is a code: Thai digits to Arabic, without the `.0` of a spreadsheet; empty for nothing."""
    compact = arabic_digits(clean(plain(text))).strip()
    if compact in EMPTY:
        return ""
    if _ROUNDED.fullmatch(compact):
        raise CellFault(
            "rounded-number", "The spreadsheet has rounded the number: format the column as text."
        )
    found = _POINT_ZERO.fullmatch(compact)
    return found[1] if found else compact


def rounded() -> CellFault:
    return CellFault("rounded-number", "The spreadsheet has rounded the number: format the column as text.")


def drafted(adapter: TypeAdapter[T], text: object) -> T:
    """What a draft makes of it, with the codes that a request would be answered."""
    try:
        return adapter.validate_python(text)
    except ValidationError as error:
        kind = error.errors(include_url=False, include_input=False, include_context=False)[0]["type"]
    raise CellFault(*_SAID.get(kind, ("wrong-format", "It does not have the required form.")))


_SAID = {
    "control-character": ("control-character", "Remove control characters."),
    "wrong-type": ("wrong-type", "It must be a number."),
    "too_long": ("too-long", "It is too long."),
    "string_too_long": ("too-long", "It is too long."),
    "too_short": ("required", "It is empty."),
    "string_too_short": ("required", "It is empty."),
    "greater_than_equal": ("out-of-range", "It is below the least allowed."),
    "less_than_equal": ("out-of-range", "It is above the most allowed."),
    "decimal_max_digits": ("out-of-range", "It has too many digits."),
    "decimal_whole_digits": ("out-of-range", "It has too many digits."),
    "decimal_max_places": ("too-precise", "It has too many decimal places."),
}
_LINE: TypeAdapter[str] = TypeAdapter(Line)
_TEXT: TypeAdapter[str] = TypeAdapter(Text)


def name(text: str) -> str | None:
    """A line where no number of 13 digits belongs: names, occupations, the parts of an address."""
    if _NAME.fullmatch(text) or _SHORT.fullmatch(text):
        if text in EMPTY:
            return None
        if is_normalized("NFC", text):
            return text
    line = _line(text)
    if line is not None and holds_number(line):
        raise CellFault(PERSONAL_DATA, "A number of 13 digits does not belong here.")
    return line


def free_line(text: str) -> str | None:
    """A line in which no citizen id may hide."""
    return _without_ids(_line(text))


def free_text(text: str) -> str | None:
    """As `free_line`, to 4,000 characters."""
    stripped = plain(text)
    return None if stripped in EMPTY or not stripped else _without_ids(drafted(_TEXT, stripped))


def line(text: str) -> str | None:
    """1 to 200 characters."""
    return _line(text)


def _line(text: str) -> str | None:
    stripped = plain(text)
    return None if stripped in EMPTY or not stripped else drafted(_LINE, stripped)


def _without_ids(text: str | None) -> str | None:
    if text is not None and holds_citizen_id(text):
        raise CellFault(PERSONAL_DATA, "Remove the citizen id: free text is read without masking.")
    return text


def record_id(text: str) -> str | None:
    """The source's own id, as it stands; a number that a spreadsheet has rounded is none."""
    if _SHORT.fullmatch(text) and text.isascii() and text not in EMPTY:
        return text
    if _ROUNDED.fullmatch(plain(text)):
        raise rounded()
    return free_line(text)


_BECAME_A_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{1,2}-[A-Za-z]{3}|[A-Za-z]{3}-[0-9]{2}|[0-9]{1,2}-[\u0e01-\u0e2e]\.[\u0e01-\u0e2e]\."
)


def house_no(text: str) -> str | None:
    """As `name`; 12/5 that a spreadsheet has made a date of is refused."""
    number = name(text)
    if number is None or ("-" not in number and not number.endswith(".0")):
        return number
    if _BECAME_A_DATE.fullmatch(number):
        raise CellFault("became-a-date", "The spreadsheet has made a date of it: format the column as text.")
    return digits(number) if _POINT_ZERO.fullmatch(number) else number


def choice(words: Mapping[str, T]) -> Callable[[str], T | None]:
    """One of the codes of a list, by the words of vocabulary.py."""

    @lru_cache(_WORDS)
    def convert(text: str) -> T | None:
        if (found := words.get(text)) is not None:
            return found
        stripped = plain(text)
        key = word(stripped)
        if (found := words.get(key)) is not None:
            return found
        if stripped in EMPTY or not stripped:
            return None
        if (number := _POINT_ZERO.fullmatch(stripped)) and (found := words.get(number[1])) is not None:
            return found
        raise CellFault("unknown-value", "It is not one of the known values.")

    return convert


yes_no = choice(YES_NO)
_NO_DISABILITY = frozenset({"ไม่มี", "ไม่พิการ", "ปกติ", "none", "ไม่มีความพิการ"})


def disabilities(text: str) -> tuple[str, ...] | None:
    """Parted by | ; or a comma; empty where the cell says that there is none."""
    stripped = plain(text)
    if stripped in _NO_DISABILITY:
        return ()
    parts = [part for part in map(str.strip, _LIST.split(stripped)) if part]
    if len(parts) > 20:
        raise CellFault("too-many", "There are too many items.")
    read = [name(part) for part in parts]
    return tuple(one for one in read if one is not None) or None


_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def uuid(text: str) -> UUID | None:
    stripped = plain(text)
    if stripped in EMPTY or not stripped:
        return None
    if not _UUID.fullmatch(stripped):
        raise CellFault("wrong-format", "It must be a UUID.")
    return UUID(stripped)


def uuids(text: str) -> tuple[UUID, ...] | None:
    """Up to 50, parted as `disabilities`."""
    read = [uuid(part) for part in _LIST.split(plain(text)) if part.strip()]
    found = tuple(one for one in read if one is not None)
    if len(found) > 50:
        raise CellFault("too-many", "There are too many items.")
    if len(set(found)) != len(found):
        raise CellFault("repeated-id", "An id stands twice.")
    return found or None


_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")


def code(text: str) -> str | None:
    """A code of the reference data, in its own form."""
    stripped = plain(text)
    if stripped in EMPTY or not stripped:
        return None
    if not _CODE.fullmatch(stripped):
        raise CellFault("wrong-format", "It does not have the form of a code.")
    return stripped
