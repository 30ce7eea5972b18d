import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from domain.registry.citizen_id import (
    CitizenId,
    CitizenIdFault,
    check_digit,
    masked,
    normalise,
    parse,
    reason_error,
)

with (Path(__file__).parent / "citizen_id_vectors.csv").open(encoding="utf-8", newline="") as opened:
    VECTORS = [(row["input"], row["expect"].startswith("valid")) for row in csv.DictReader(opened)]

twelve = st.text(st.sampled_from("0123456789"), min_size=12, max_size=12)


@pytest.mark.parametrize(("text", "valid"), VECTORS)
def test_published_vectors(text: str, valid: bool) -> None:
    assert isinstance(parse(text), CitizenId) is valid


def test_there_are_twenty_vectors() -> None:
    assert len(VECTORS) == 20


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", CitizenIdFault.EMPTY),
        (" - ", CitizenIdFault.EMPTY),
        ("1234567890a21", CitizenIdFault.NOT_DIGITS),
        ("١٢٣٤٥٦٧٨٩٠١٢١", CitizenIdFault.NOT_DIGITS),
        ("123456789012", CitizenIdFault.WRONG_LENGTH),
        ("1234567890122", CitizenIdFault.WRONG_CHECK_DIGIT),
    ],
)
def test_each_fault_has_its_reason(text: str, fault: CitizenIdFault) -> None:
    assert parse(text) is fault


@pytest.mark.parametrize("first", "09")
def test_first_digits_0_and_9_are_accepted(first: str) -> None:
    digits = first + "12345678901"
    assert parse(digits + check_digit(digits)) == CitizenId(digits + check_digit(digits))


def test_the_mask_shows_the_last_three_digits() -> None:
    assert masked("123") == "x-xxxx-xxxxx-12-3"


def test_an_unchecked_id_cannot_be_made() -> None:
    with pytest.raises(ValueError, match=r"^not a citizen id$"):
        CitizenId("1234567890122")


def test_a_validator_error_names_the_reason_and_not_the_value() -> None:
    with pytest.raises(PydanticCustomError) as caught:
        normalise("1-2345-67890-12-2")
    assert caught.value.type == "invalid-citizen-id"
    assert caught.value.context is not None
    assert caught.value.context["reason"] == "wrong-check-digit"
    assert "67890" not in f"{caught.value}{caught.value.context}"


def test_an_id_and_a_reason_for_none_exclude_each_other() -> None:
    assert reason_error(given=True).type != reason_error(given=False).type


@given(twelve)
def test_every_number_with_its_check_digit_is_read_however_it_is_typed(digits: str) -> None:
    whole = digits + check_digit(digits)
    thai = whole.translate(str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙"))
    dashed = f" {whole[0]}-{whole[1:5]}-{whole[5:10]}\u2013{whole[10:12]}\u00a0{whole[12]} "
    assert parse(whole) == parse(thai) == parse(dashed) == CitizenId(whole)
    assert normalise(thai) == whole


@given(twelve, st.integers(min_value=1, max_value=9))
def test_a_wrong_check_digit_is_always_noticed(digits: str, off: int) -> None:
    wrong = str((int(check_digit(digits)) + off) % 10)
    assert parse(digits + wrong) is CitizenIdFault.WRONG_CHECK_DIGIT


@given(twelve)
def test_no_printed_form_holds_the_number(digits: str) -> None:
    made = CitizenId(digits + check_digit(digits))
    for text in (str(made), repr(made), f"{made}", repr([made])):
        assert digits not in text.replace("-", "")
        assert masked(made.tail) in text
