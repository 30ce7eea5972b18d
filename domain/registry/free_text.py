"""Free text is read by everyone entitled to the record, so a citizen id must not hide in it.

Source: contract 1 and 2 (no personal data outside its own masked fields), domain §13. Names cannot be told
from other words; a 13-digit number with a fitting check digit can.
"""

import re
import unicodedata
from collections.abc import Mapping

from domain.errors import Fault
from domain.registry.citizen_id import check_digit
from domain.thai import clean

PERSONAL_DATA = "personal-data"
"""The code of the fault."""

_BETWEEN = "[-\u2010-\u2015\u2212\\s._]"
# One separator at most between two digits. Looking ahead finds the candidates that overlap.
_CANDIDATE = re.compile(rf"(?<![0-9])(?=([0-9](?:{_BETWEEN}?[0-9]){{12}})(?![0-9]))")
_DIGIT = re.compile(r"\d")
_NOT_DIGIT = re.compile("[^0-9]")


def holds_citizen_id(text: str) -> bool:
    """Whether 13 digits stand in the text, Thai or Arabic, with or without dashes, whose check digit fits.

    One in ten other numbers of 13 digits fits as well: those are refused too.
    """
    if not _may_hold(text):
        return False
    for match in _CANDIDATE.finditer(_plain_digits(text)):
        digits = _NOT_DIGIT.sub("", match[1])
        if check_digit(digits[:12]) == digits[12]:
            return True
    return False


def _may_hold(text: str) -> bool:
    """Whether there are digits enough, of any script: few texts are looked at any closer."""
    return len(_DIGIT.findall(text)) >= 13


def _plain_digits(text: str) -> str:
    """The digits of any script as 0-9: full-width ones of a form, Thai ones of a letter."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in clean(text))


def holds_number(text: str) -> bool:
    """Whether 13 digits stand in the text as a citizen id would, its check digit fitting or not."""
    return _may_hold(text) and _CANDIDATE.search(_plain_digits(text)) is not None


def number_faults(texts: Mapping[str, str | None]) -> list[Fault]:
    """A fault for each text with 13 digits in it: for names, addresses and the like, where none belongs."""
    return [
        Fault(f"/{name}", PERSONAL_DATA, "A number of 13 digits does not belong here.")
        for name, text in texts.items()
        if text is not None and holds_number(text)
    ]


def personal_data_faults(texts: Mapping[str, str | None]) -> list[Fault]:
    """A fault for each text that holds a citizen id; the keys are pointers without their first slash.

    The text itself is never repeated.
    """
    return [
        Fault(f"/{name}", PERSONAL_DATA, "Remove the citizen id: free text is read without masking.")
        for name, text in texts.items()
        if text is not None and holds_citizen_id(text)
    ]
