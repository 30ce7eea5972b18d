"""A running process takes up the keys of a changed file: whole, its own, and before it uses older ones."""

from dataclasses import replace
from pathlib import Path

import pytest

from api.adoption import KeyringWatch
from api.app import keys_of, sealing_of
from api.keyring import Keyring, write_keyring
from persistence.sealing import LOOK_S, Sealing


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def first(tmp_path: Path) -> Keyring:
    made = Keyring.generate()
    write_keyring(tmp_path / "keys.json", made, replacing=False)
    return made


def watched(path: Path, keyring: Keyring) -> tuple[KeyringWatch, list[Keyring]]:
    taken: list[Keyring] = []
    return KeyringWatch(path, keyring, taken.append), taken


def test_a_changed_file_is_taken_up_once(tmp_path: Path, first: Keyring) -> None:
    path = tmp_path / "keys.json"
    watch, taken = watched(path, first)
    watch.look()
    assert taken == []
    newer = replace(first, field_keys={**first.field_keys, 2: b"f" * 32})
    write_keyring(path, newer, replacing=True)
    watch.look()
    watch.look()
    assert [one.digest for one in taken] == [newer.digest]
    assert watch.keyring.digest == newer.digest


def test_what_changed_between_reading_and_watching_is_seen(tmp_path: Path, first: Keyring) -> None:
    newer = replace(first, field_keys={**first.field_keys, 2: b"f" * 32})
    write_keyring(tmp_path / "keys.json", newer, replacing=True)
    watch, taken = watched(tmp_path / "keys.json", first)
    watch.look()
    assert [one.digest for one in taken] == [newer.digest]


def test_a_foreign_unsafe_broken_or_missing_file_leaves_the_keys_until_it_is_mended(
    tmp_path: Path, first: Keyring, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "keys.json"
    watch, taken = watched(path, first)
    newer = replace(first, field_keys={**first.field_keys, 2: b"f" * 32})
    write_keyring(path, Keyring.generate(), replacing=True)
    watch.look()
    path.write_text("nonsense")
    watch.look()
    path.unlink()
    watch.look()
    write_keyring(path, newer, replacing=True)
    path.chmod(0o644)
    for _ in range(3):
        watch.look()
    assert taken == []
    assert watch.keyring.digest == first.digest
    said = capfd.readouterr()
    assert (said.out + said.err).count("not taken up") == 4, "once for each state of the file"
    path.chmod(0o600)
    watch.look()
    assert [one.digest for one in taken] == [newer.digest]


def test_without_a_file_the_keys_stay() -> None:
    keyring = Keyring.generate()
    watch = KeyringWatch(None, keyring, lambda _: pytest.fail("there is nothing to take up"))
    watch.look()
    assert watch.keyring is keyring


def test_keys_are_made_sure_of_before_they_are_used_and_not_at_every_use() -> None:
    clock, looked = Clock(), []
    keys = keys_of(Keyring.generate())
    sealing = Sealing(keys.cipher, keys.index, keys.content, monotonic=clock)
    newer = keys_of(Keyring.generate())

    def look() -> None:
        looked.append(clock.at)
        if len(looked) == 2:
            sealing.use(newer)

    sealing.watch(look)
    assert (sealing.cipher, sealing.index) == (keys.cipher, keys.index)
    assert len(looked) == 1
    clock.at += LOOK_S
    # Even after an hour of standstill: the look comes before the use.
    assert sealing.cipher is newer.cipher
    assert sealing.index is newer.index
    assert len(looked) == 2


def test_a_sealing_without_a_watch_keeps_its_keys() -> None:
    sealing = sealing_of(Keyring.generate())
    assert sealing.cipher is sealing.cipher
    assert sealing.content.of("x") != sealing.index.of("x")
