"""Citizen ids hidden in free text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.registry.citizen_id import check_digit
from domain.registry.free_text import holds_citizen_id, personal_data_faults

VALID = "9111111111112"[:12] + check_digit("911111111111")
PRINTED = f"{VALID[0]}-{VALID[1:5]}-{VALID[5:10]}-{VALID[10:12]}-{VALID[12]}"
THAI = VALID.translate(str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙"))


@pytest.mark.parametrize(
    "text",
    [
        VALID,
        PRINTED,
        PRINTED.replace("-", "–"),
        PRINTED.replace("-", " "),
        THAI,
        f"บัตร{VALID}ครับ",
        "-".join(VALID),
    ],
)
def test_an_id_is_found_however_it_is_written(text: str) -> None:
    assert holds_citizen_id(f"นาง ก {text}.")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ขอเมล็ดพันธุ์",
        VALID[:12],
        VALID + "0",
        "0" + VALID,
        VALID[:12] + str((int(VALID[12]) + 1) % 10),
        "โทร 081-234-5678 หรือ 089-876-5432",
    ],
)
def test_other_numbers_are_not(text: str) -> None:
    assert not holds_citizen_id(text)


@given(st.text(alphabet="0123456789", min_size=12, max_size=12), st.text(alphabet="กขคabc .,"))
def test_every_valid_id_is_found_between_words(first: str, words: str) -> None:
    assert holds_citizen_id(f"{words}x{first}{check_digit(first)}x{words}")


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    holds_citizen_id(text)


def test_a_fault_names_the_place_and_never_the_text() -> None:
    (fault,) = personal_data_faults({"need": None, "description": PRINTED, "evidence/0/caption": "ปก"})
    assert (fault.pointer, fault.code) == ("/description", "personal-data")
    assert VALID[-3:] not in str(fault.as_dict())
