"""Sealed files: what goes in comes out, and nothing else does."""

import hashlib
import io
import stat
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.cipher import CannotOpen
from persistence.files import CHUNK, Files

ID = UUID("018f0000-0000-7000-8000-000000000001")
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7]


def written(files: Files, text: bytes, piece: int = 65_536) -> str:
    with files.create(ID) as writer:
        for start in range(0, len(text), piece):
            writer.write(text[start : start + piece])
        done = writer.finish()
    assert (done.size, done.sha256) == (len(text), hashlib.sha256(text).hexdigest())
    return done.key


def pattern(size: int) -> bytes:
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


@pytest.mark.parametrize("size", SIZES)
def test_what_was_written_is_read(tmp_path: Path, size: int) -> None:
    files = Files(tmp_path / "files")
    key = written(files, pattern(size))
    assert b"".join(files.open(ID, key).chunks()) == pattern(size)
    assert io.BufferedReader(files.open(ID, key)).read() == pattern(size)


@given(pieces=st.lists(st.binary(max_size=300), max_size=20))
def test_the_pieces_do_not_matter(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    files = Files(tmp_path_factory.mktemp("files"))
    with files.create(ID) as writer:
        for piece in pieces:
            writer.write(piece)
        key = writer.finish().key
    assert b"".join(files.open(ID, key).chunks()) == b"".join(pieces)


def test_nothing_of_it_can_be_read_on_the_disk(tmp_path: Path) -> None:
    files = Files(tmp_path / "files")
    written(files, b"a name nobody may read" * 100)
    stored = files.path(ID)
    assert b"a name nobody may read" not in stored.read_bytes()
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert stat.S_IMODE(stored.parent.stat().st_mode) == 0o700


def _cut(data: bytes) -> bytes:
    return data[: CHUNK + 16]


def _swapped(data: bytes) -> bytes:
    size = CHUNK + 16
    return data[size : 2 * size] + data[:size] + data[2 * size :]


def _flipped(data: bytes) -> bytes:
    return data[:100] + bytes((data[100] ^ 1,)) + data[101:]


def _longer(data: bytes) -> bytes:
    return data + b"x"


def _empty(_: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("change", [_cut, _swapped, _flipped, _longer, _empty])
def test_a_file_that_was_changed_does_not_open(tmp_path: Path, change: object) -> None:
    files = Files(tmp_path / "files")
    key = written(files, pattern(3 * CHUNK + 7))
    path = files.path(ID)
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(CannotOpen):
        list(files.open(ID, key).chunks())


def test_another_file_s_key_does_not_open_it(tmp_path: Path) -> None:
    files = Files(tmp_path / "files")
    written(files, b"text")
    with pytest.raises(CannotOpen):
        list(files.open(ID, "00" * 32).chunks())


def test_what_is_not_finished_is_not_there(tmp_path: Path) -> None:
    files = Files(tmp_path / "files")
    with pytest.raises(RuntimeError), files.create(ID) as writer:
        writer.write(b"half")
        raise RuntimeError
    assert list(files.names()) == []
    with pytest.raises(FileNotFoundError):
        files.open(ID, "00" * 32)


def test_removing_takes_what_a_crash_left_as_well(tmp_path: Path) -> None:
    files, other = Files(tmp_path / "files"), uuid4()
    written(files, b"text")
    files.path(other).with_name(f"{other}.part").write_bytes(b"half")
    assert set(files.names()) == {ID, other}
    for one in (ID, other, uuid4()):
        files.remove(one)
    assert list(files.names()) == []
