"""Fields at rest: bound to their place, silent in their errors, found by a keyed hash."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.cipher import BlindIndex, CannotOpen, FieldCipher

ROW, OTHER = UUID(int=1), UUID(int=2)
CITIZEN = "1101700230708"
KEY, NEWER = b"a" * 32, b"b" * 32
PINNED = "b298b045ccf8c5425cc51df3f3a3c41535a3fb0109330d72fdc7adf5d589086f"
SEALED = "0100000000000000000000000092522232dfec0d5f0932edc65cd367021ba8a581182e8df4fd51"


def cipher(*, current: int = 1) -> FieldCipher:
    return FieldCipher({1: KEY, 2: NEWER}, current=current)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_what_is_sealed_opens(text: str) -> None:
    sealed = cipher().seal("person", "phone_sealed", ROW, text)
    assert cipher().open("person", "phone_sealed", ROW, sealed) == text
    assert len(sealed) == 29 + len(text.encode())


def test_the_same_text_is_never_sealed_alike() -> None:
    by = cipher()
    assert len({by.seal("person", "phone_sealed", ROW, CITIZEN) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "place",
    [
        ("member", "phone_sealed", ROW),
        ("person", "citizen_id_sealed", ROW),
        ("person", "phone_sealed", OTHER),
    ],
)
def test_a_sealed_value_opens_in_its_own_place_only(place: tuple[str, str, UUID]) -> None:
    sealed = cipher().seal("person", "phone_sealed", ROW, CITIZEN)
    with pytest.raises(CannotOpen, match="another row"):
        cipher().open(*place, sealed)


def test_a_row_is_the_same_by_uuid_and_by_text() -> None:
    sealed = cipher().seal("person", "phone_sealed", ROW, CITIZEN)
    assert cipher().open("person", "phone_sealed", str(ROW), sealed) == CITIZEN


def test_one_changed_bit_anywhere_is_noticed() -> None:
    sealed = cipher().seal("person", "phone_sealed", ROW, CITIZEN)
    for place in range(len(sealed)):
        for bit in range(8):
            changed = bytearray(sealed)
            changed[place] ^= 1 << bit
            with pytest.raises(CannotOpen):
                cipher().open("person", "phone_sealed", ROW, bytes(changed))


def test_a_cut_value_is_noticed() -> None:
    sealed = cipher().seal("person", "phone_sealed", ROW, CITIZEN)
    for length in range(len(sealed)):
        with pytest.raises(CannotOpen):
            cipher().open("person", "phone_sealed", ROW, sealed[:length])


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    old, new = (cipher(current=n).seal("person", "phone_sealed", ROW, CITIZEN) for n in (1, 2))
    assert (old[0], new[0]) == (1, 2)
    assert {cipher(current=2).open("person", "phone_sealed", ROW, sealed) for sealed in (old, new)} == {
        CITIZEN
    }


def test_a_missing_key_is_named() -> None:
    sealed = cipher(current=2).seal("person", "phone_sealed", ROW, CITIZEN)
    with pytest.raises(CannotOpen, match="field key 2"):
        FieldCipher({1: KEY}, current=1).open("person", "phone_sealed", ROW, sealed)


def test_no_error_holds_the_text_or_a_key() -> None:
    sealed = cipher().seal("person", "phone_sealed", ROW, CITIZEN)
    with pytest.raises(CannotOpen) as caught:
        cipher().open("person", "phone_sealed", OTHER, sealed)
    assert CITIZEN not in str(caught.value)
    for broken in (
        lambda: cipher().seal("person", "phone_sealed", ROW, CITIZEN + "\ud800"),
        lambda: index(KEY).of(CITIZEN + "\ud800"),
    ):
        with pytest.raises(ValueError, match="not Unicode") as unencodable:
            broken()
        assert CITIZEN not in str(unencodable.value)
        assert unencodable.value.__context__ is None
    for thing in (cipher(), index(KEY)):
        assert "aaaa" not in repr(thing)


@pytest.mark.parametrize(
    ("keys", "current"),
    [({}, 1), ({1: KEY}, 2), ({0: KEY}, 0), ({256: KEY}, 256), ({1: b"short"}, 1), ({1: KEY + b"a"}, 1)],
)
def test_unfit_keys_are_refused(keys: dict[int, bytes], current: int) -> None:
    with pytest.raises(ValueError, match="field key"):
        FieldCipher(keys, current=current)


def index(key: bytes) -> BlindIndex:
    return BlindIndex({1: key}, current=1)


def test_the_index_of_an_id_is_the_same_everywhere_and_differs_by_key() -> None:
    # HMAC-SHA-256, key 32 × "a", over the digits: pinned, because stored indices depend on it.
    assert index(KEY).of(CITIZEN).hex() == PINNED
    assert index(KEY).of(CITIZEN) != index(NEWER).of(CITIZEN)
    assert index(KEY).of(CITIZEN) != index(KEY).of(CITIZEN[::-1])


def test_while_a_key_changes_an_id_is_written_under_both_and_found_under_the_current() -> None:
    both = BlindIndex({1: KEY, 2: NEWER}, current=2)
    assert both.key_ids == (1, 2)
    assert both.every(CITIZEN) == {1: index(KEY).of(CITIZEN), 2: index(NEWER).of(CITIZEN)}
    assert both.of(CITIZEN) == both.under(2, CITIZEN) == index(NEWER).of(CITIZEN)
    with pytest.raises(CannotOpen, match="index key 3"):
        both.under(3, CITIZEN)


@pytest.mark.parametrize(
    ("keys", "current"),
    [({}, 1), ({1: KEY}, 2), ({0: KEY}, 0), ({256: KEY}, 256), ({1: b"short"}, 1)],
)
def test_unfit_index_keys_are_refused(keys: dict[int, bytes], current: int) -> None:
    with pytest.raises(ValueError, match="index key"):
        BlindIndex(keys, current=current)


def test_what_was_sealed_earlier_opens_still() -> None:
    # Pinned: the layout is a format on disk.
    assert (
        FieldCipher({1: KEY}, current=1, entropy=bytes)
        .seal("person", "phone_sealed", ROW, "0812345678")
        .hex()
        == SEALED
    )
    assert cipher().open("person", "phone_sealed", ROW, bytes.fromhex(SEALED)) == "0812345678"


def test_many_are_sealed_as_each_alone_and_nothing_stays_nothing() -> None:
    cipher = FieldCipher({1: bytes(32)}, current=1)
    ids = [uuid4() for _ in range(3)]
    sealed = cipher.seal_all(
        "person", "phone_sealed", zip(map(str, ids), ("0812345678", None, "ไทย"), strict=True)
    )
    assert sealed[1] is None
    opened = [
        cipher.open("person", "phone_sealed", id, one)
        for id, one in zip(ids, sealed, strict=True)
        if one is not None
    ]
    assert opened == ["0812345678", "ไทย"]
    with pytest.raises(CannotOpen):
        cipher.open("person", "phone_sealed", ids[0], sealed[2] or b"")
