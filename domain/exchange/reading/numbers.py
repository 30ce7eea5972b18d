"""Cells that are numbers: identifiers, codes, amounts. As cells.py says, with the habits of spreadsheets."""

import re
from collections.abc import Callable
from decimal import Decimal
from operator import mul
from typing import TypeVar

from pydantic import TypeAdapter

from domain.assistance.event import Quantity
from domain.exchange.reading.cells import digits, drafted, plain
from domain.exchange.reading.faults import CellFault
from domain.exchange.reading.vocabulary import EMPTY
from domain.kernel import Money
from domain.registry.citizen_id import FAULT_TEXT, CitizenIdFault, parse
from domain.thai import arabic_digits, clean

_MONEY: TypeAdapter[Decimal] = TypeAdapter(Money)
_QUANTITY: TypeAdapter[Decimal] = TypeAdapter(Quantity)
_WEIGHTS = tuple(range(13, 1, -1))
_ZEROS = ord("0") * sum(_WEIGHTS)
_AMOUNT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,2})?")
_THOUSANDS = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")


def citizen_id(text: str) -> str | None:
    """13 digits with a fitting check digit."""
    if len(text) == 13 and text.isascii() and text.isdigit():
        sum_of = sum(map(mul, _WEIGHTS, text.encode())) - _ZEROS
        if (11 - sum_of % 11) % 10 == int(text[12]):
            return text
    if not (compact := digits(text)):
        return None
    read = parse(compact)
    if isinstance(read, CitizenIdFault):
        raise CellFault("invalid-citizen-id", FAULT_TEXT[read])
    return read.digits


_HOUSE_CODE = re.compile("[0-9]{11}")
_BETWEEN = re.compile("[- ]")


def house_code(text: str) -> str | None:
    """11 digits; dashes and spaces are let go. No zero is put back: no office's number begins with one."""
    if _HOUSE_CODE.fullmatch(text):
        return text
    if not (compact := _BETWEEN.sub("", digits(text))):
        return None
    if not _HOUSE_CODE.fullmatch(compact):
        raise CellFault("wrong-format", "A house code has 11 digits.")
    return compact


_PLACE = re.compile("[0-9]{6}(?:[0-9]{2})?")


def area_code(text: str) -> str | None:
    """6 or 8 digits. No zero is put back: no province's code begins with one, and inside it would be a guess."""
    if _PLACE.fullmatch(text):
        return text
    if not (code := digits(text)):
        return None
    if not _PLACE.fullmatch(code):
        raise CellFault(
            "wrong-format", "An area code has 6 digits (subdistrict) or 8 (village); are zeros lost?"
        )
    return code


_POSTCODE = re.compile("[0-9]{5}")


def postcode(text: str) -> str | None:
    if _POSTCODE.fullmatch(text):
        return text
    if not (code := digits(text)):
        return None
    if not _POSTCODE.fullmatch(code):
        raise CellFault("wrong-format", "A postcode has five digits.")
    return code


_MOO = re.compile(r"(?:หมู่ที่|หมู่|ม\.)? ?([0-9]{1,4})")


def moo(text: str) -> int | None:
    """0 to 99; `หมู่ที่ 1` as well."""
    code = text if _MOO.fullmatch(text) else digits(text)
    if not code:
        return None
    if not (found := _MOO.fullmatch(code)):
        raise CellFault("wrong-format", "A village number is a number from 0 to 99.")
    return _within(int(found[1]), 0, 99)


_MOBILE = re.compile("0[0-9]{9}")
_PHONE = re.compile(r"\+?[0-9][0-9 \-]{7,18}")
_WITHOUT_ZERO = re.compile(r"[689][0-9]{8}|[2-57][0-9]{7}")


def phone(text: str) -> str | None:
    """One number. Every Thai number begins with 0 (assumed): a spreadsheet's 812345678 gets it back."""
    if _MOBILE.fullmatch(text):
        return text
    if not (number := digits(text)):
        return None
    if _WITHOUT_ZERO.fullmatch(number):
        return f"0{number}"
    if not _PHONE.fullmatch(number):
        raise CellFault("wrong-format", "Give one phone number: digits, spaces and dashes.")
    return number


def money(text: str) -> Decimal | None:
    """Baht, at most two decimals."""
    if _AMOUNT.fullmatch(text):
        return Decimal(text)
    return None if (amount := _amount(text)) is None else drafted(_MONEY, amount)


def quantity(text: str) -> Decimal | None:
    """At most three decimals."""
    if (amount := _amount(text)) is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?", amount):
        raise CellFault("wrong-type", "It must be a number.")
    return drafted(_QUANTITY, Decimal(amount))


def _amount(text: str) -> str | None:
    amount = arabic_digits(clean(plain(text)))
    amount = "".join(amount.replace("฿", "").removesuffix("บาท").split())
    if amount in EMPTY or not amount:
        return None
    return amount.replace(",", "") if _THOUSANDS.fullmatch(amount) else amount


_FLOAT = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,20})?")


def degrees(least: float, most: float) -> Callable[[str], float | None]:
    def convert(text: str) -> float | None:
        if (number := _amount(text)) is None:
            return None
        if not _FLOAT.fullmatch(number):
            raise CellFault("wrong-type", "It must be a number of degrees.")
        return _within(float(number), least, most)

    return convert


N = TypeVar("N", int, float)


def _within(number: N, least: N, most: N) -> N:
    if not least <= number <= most:
        raise CellFault("out-of-range", f"It lies between {least} and {most}.")
    return number


def fiscal_year(text: str) -> int | None:
    """Of the Buddhist era."""
    if not (year := digits(text.replace("พ.ศ.", ""))):
        return None
    if not re.fullmatch("[0-9]{4}", year):
        raise CellFault("wrong-format", "A fiscal year has four digits.")
    return _within(int(year), 2500, 2700)
