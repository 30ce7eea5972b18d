"""The 13-digit citizen id: read leniently, checked strictly, shown never.

Source: domain §9 (check digit), contract 4 (accepted spellings, reason for having none). The value
appears in no repr, no string and no error: only `digits` gives it, so that a log line cannot.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from pydantic_core import PydanticCustomError

from domain.thai import arabic_digits, clean

# Hyphen-minus, the Unicode hyphens and dashes, the minus sign; and white space.
_SEPARATORS = re.compile("[-\u2010-\u2015\u2212\\s]")
_THIRTEEN = re.compile("[0-9]{13}")
_DIGITS = re.compile("[0-9]*")


class CitizenIdFault(StrEnum):
    """Why a text is no citizen id."""

    EMPTY = "empty"
    NOT_DIGITS = "not-digits"
    WRONG_LENGTH = "wrong-length"
    WRONG_CHECK_DIGIT = "wrong-check-digit"


FAULT_TEXT = {
    CitizenIdFault.EMPTY: "Give 13 digits, or null with no_id_reason.",
    CitizenIdFault.NOT_DIGITS: "A citizen id has digits, spaces and dashes only.",
    CitizenIdFault.WRONG_LENGTH: "A citizen id has 13 digits.",
    CitizenIdFault.WRONG_CHECK_DIGIT: "The last digit does not fit the first twelve; is it mistyped?",
}


@dataclass(frozen=True, slots=True, repr=False)
class CitizenId:
    """A checked citizen id. Equal and hashable by its digits; printed masked."""

    digits: str

    def __post_init__(self) -> None:
        if not _THIRTEEN.fullmatch(self.digits) or check_digit(self.digits[:12]) != self.digits[12]:
            raise ValueError("not a citizen id")

    @property
    def tail(self) -> str:
        """The last three digits, the part that may be shown."""
        return self.digits[-3:]

    def __str__(self) -> str:
        return masked(self.tail)

    def __repr__(self) -> str:
        return f"CitizenId({masked(self.tail)})"


def check_digit(first_twelve: str) -> str:
    """(11 − Σ dᵢ·(14−i) mod 11) mod 10 over the first twelve digits, i from 1."""
    weighted = sum(int(digit) * weight for digit, weight in zip(first_twelve, range(13, 1, -1), strict=True))
    return str((11 - weighted % 11) % 10)


def masked(tail: str) -> str:
    """How an id looks to those who may not see it: `x-xxxx-xxxxx-12-3` for the tail `123`."""
    return f"x-xxxx-xxxxx-{tail[:2]}-{tail[2]}"


def parse(text: str) -> CitizenId | CitizenIdFault:
    """An id typed with Thai digits, spaces or dashes; or why it is none.

    Any first digit is accepted: people without status have 0, and 9 stands in synthetic data.
    """
    compact = _SEPARATORS.sub("", arabic_digits(clean(text)))
    if not compact:
        return CitizenIdFault.EMPTY
    if not _DIGITS.fullmatch(compact):
        return CitizenIdFault.NOT_DIGITS
    if len(compact) != 13:
        return CitizenIdFault.WRONG_LENGTH
    if check_digit(compact[:12]) != compact[12]:
        return CitizenIdFault.WRONG_CHECK_DIGIT
    return CitizenId(compact)


def normalise(text: str) -> str:
    """The 13 digits of `text`, as a Pydantic validator: error type `invalid-citizen-id`."""
    read = parse(text)
    if isinstance(read, CitizenIdFault):
        told = {"detail": FAULT_TEXT[read], "reason": read.value}
        raise PydanticCustomError("invalid-citizen-id", "{detail}", told)
    return read.digits


def reason_error(*, given: bool) -> PydanticCustomError:
    """The error of a person with both an id and a reason for having none (`given`), or with neither."""
    if given:
        return PydanticCustomError("no-id-reason-not-needed", "Leave no_id_reason out with a citizen_id.")
    return PydanticCustomError("no-id-reason-required", "Give citizen_id, or no_id_reason why not.")
