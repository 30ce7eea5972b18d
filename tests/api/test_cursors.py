"""Cursors come back as they were made, or are refused: nothing between, and never another error."""

import base64
import string

from hypothesis import given
from hypothesis import strategies as st

from api.paging import Cursors
from domain.errors import Invalid

KEY = b"k" * 32
CURSORS = Cursors(KEY)
# What lists are ordered by: ids, times, codes, numbers; all of them as text.
TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=20)
PLACES = st.lists(TEXTS, min_size=1, max_size=3).map(tuple)
SCOPES = st.text(max_size=60)
BASE64 = string.ascii_letters + string.digits + "-_"


def refused(scope: str, cursor: str) -> bool:
    """Whether it is refused with its fault; any other exception is the test's failure."""
    try:
        CURSORS.decode(scope, cursor)
    except Invalid as found:
        error = found
    else:
        return False
    assert error.error_code == "invalid-input"
    assert [(one.pointer, one.code) for one in error.faults] == [("query/cursor", "invalid-cursor")]
    return True


@given(SCOPES, PLACES)
def test_a_cursor_comes_back_as_it_was_made(scope: str, place: tuple[str, ...]) -> None:
    cursor = CURSORS.encode(scope, place)
    assert set(cursor) <= set(BASE64), "it stands in a URL as it is"
    assert CURSORS.decode(scope, cursor) == place


@given(SCOPES, SCOPES, PLACES)
def test_a_cursor_is_of_its_scope_alone(scope: str, other: str, place: tuple[str, ...]) -> None:
    assert refused(other, CURSORS.encode(scope, place)) is (scope != other)


@given(SCOPES, PLACES, st.binary(min_size=16, max_size=32))
def test_a_cursor_is_of_its_key_alone(scope: str, place: tuple[str, ...], key: bytes) -> None:
    assert refused(scope, Cursors(key).encode(scope, place)) is (key != KEY)


@given(SCOPES, PLACES, st.data())
def test_a_cursor_with_one_other_character_is_refused(
    scope: str, place: tuple[str, ...], data: st.DataObject
) -> None:
    cursor = CURSORS.encode(scope, place)
    at = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from(BASE64 + "+/=. \n\x00é"))
    changed = cursor[:at] + other + cursor[at + 1 :]
    assert refused(scope, changed) is (changed != cursor)


@given(SCOPES, PLACES, st.data())
def test_a_cursor_that_is_cut_or_lengthened_is_refused(
    scope: str, place: tuple[str, ...], data: st.DataObject
) -> None:
    cursor = CURSORS.encode(scope, place)
    assert refused(scope, cursor[: data.draw(st.integers(0, len(cursor) - 1))])
    at = data.draw(st.integers(0, len(cursor)))
    more = data.draw(st.text(st.sampled_from(BASE64 + "+/= \n"), min_size=1, max_size=5))
    lengthened = cursor[:at] + more + cursor[at:]
    assert refused(scope, lengthened)


@given(SCOPES, PLACES)
def test_a_cursor_in_another_spelling_is_refused(scope: str, place: tuple[str, ...]) -> None:
    cursor = CURSORS.encode(scope, place)
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for other in (
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        f" {cursor}",
        raw.hex(),
    ):
        assert refused(scope, other) is (other != cursor)


@given(SCOPES, st.one_of(st.text(max_size=500), st.text(st.sampled_from(BASE64), max_size=500)))
def test_what_is_no_cursor_is_refused(scope: str, text: str) -> None:
    assert refused(scope, text)


@given(SCOPES, st.binary(max_size=300))
def test_bytes_that_nobody_signed_are_refused(scope: str, raw: bytes) -> None:
    assert refused(scope, base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


@given(st.text(max_size=20), PLACES)
def test_scope_and_place_do_not_run_into_each_other(scope: str, place: tuple[str, ...]) -> None:
    # A list whose name goes on with the other's separator is another list.
    assert refused(f"{scope}\0", CURSORS.encode(scope, place))
