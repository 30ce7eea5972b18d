from hypothesis import given
from hypothesis import strategies as st

from domain.thai import arabic_digits, clean, name_key, name_prefix

LETTERS = "กขคงจชซณดตถทธนบปผพมยรลวศสหอ" + "ะัาำิีืุูเแโใไ" + "่้๊๋์็ํ" + " abcXYZ019๐๙"
names = st.text(st.sampled_from(LETTERS), max_size=24)


def test_thai_digits_become_arabic() -> None:
    assert arabic_digits("๑-๒๓๔๕ บ้านเลขที่ 6/๗๘๙๐") == "1-2345 บ้านเลขที่ 6/7890"


def test_invisible_characters_go_and_composition_is_nfc() -> None:
    assert clean("สม\u200bชาย\ufeff e\u0301") == "สมชาย \u00e9"


def test_the_three_spellings_of_sara_am_are_one() -> None:
    assert (
        len({name_key("น้ำพอง"), name_key("น\u0e49\u0e4d\u0e32พอง"), name_key("น\u0e4d\u0e49\u0e32พอง")}) == 1
    )


def test_names_are_found_with_or_without_marks() -> None:
    assert name_key("ศักดิ์ชัย แก้วก่ำ") == name_key("ศักดิชัย แกวกำ")
    assert name_key("เเก้ว") == name_key("แก้ว")


def test_case_and_spaces_do_not_matter() -> None:
    assert name_key("  John\t SMITH ") == name_key("john smith")


def test_keys_sort_as_the_dictionary_does() -> None:
    words = ["กก", "กล้า", "กะ", "กา", "กำ", "กิน", "เกลือ", "แก", "ไก่", "ขา", "เข็ม", "ฤทธิ์", "ลา", "เลย", "อา"]
    assert sorted(words, key=name_key) == words


def test_a_word_still_being_typed_finds_the_name() -> None:
    name = "เกียรติศักดิ์ เจริญสุข"
    for length in range(len(name) + 1):
        assert name_key(name).startswith(name_prefix(name[:length]))


def test_a_prefix_ends_before_the_vowel_that_waits() -> None:
    assert name_prefix("สมเ") == "สม"
    assert name_key("สมเกียรติ").startswith("สม")


@given(names, st.integers(min_value=0, max_value=24))
def test_the_key_of_a_name_starts_with_the_prefix_of_every_beginning(name: str, length: int) -> None:
    assert name_key(name).startswith(name_prefix(name[:length]))


@given(names)
def test_a_key_has_no_marks_and_no_upper_case(name: str) -> None:
    key = name_key(name)
    assert not set(key) & set("่้๊๋์็")
    assert key == key.lower().strip()
