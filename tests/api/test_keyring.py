"""The keyring: where it comes from, who may read it, and that it never shows."""

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.keyring import (
    FILE_NAME,
    Keyring,
    KeyringError,
    load_keyring,
    next_key_id,
    read_keyring,
    write_keyring,
)
from auth.keys import SigningKeys


def load(data_dir: Path, **changes: Any) -> Keyring:
    given: dict[str, Any] = {"text": None, "file": None, "external_database": False, "holds_data": False}
    return load_keyring(data_dir=data_dir, **(given | changes))


def secrets_of(keyring: Keyring) -> list[object]:
    return [json.loads(keyring.to_json())[name] for name in sorted(json.loads(keyring.to_json()))]


def test_the_first_start_makes_the_keys_and_the_next_finds_them(tmp_path: Path) -> None:
    data_dir = tmp_path / "new" / "data"
    made = load(data_dir)
    assert stat.S_IMODE((data_dir / FILE_NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    assert secrets_of(load(data_dir)) == secrets_of(made)
    assert os.listdir(data_dir) == [FILE_NAME]


def test_a_loose_umask_does_not_loosen_the_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load(tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


# Waits for its gate, a line on standard input, so that all processes go at once; needs no shared memory.
_START = """
import sys
from pathlib import Path
from api.keyring import load_keyring
print("ready", flush=True)
sys.stdin.readline()
made = load_keyring(text=None, file=None, data_dir=Path(sys.argv[1]), external_database=False, holds_data=False)
sys.stdout.write(made.to_json())
"""


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _START, str(tmp_path)]
    root = Path(__file__).resolve().parents[2]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    documents = {process.communicate(timeout=240)[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 4
    assert len(documents) == 1
    assert os.listdir(tmp_path) == [FILE_NAME]


def test_lost_keys_are_not_made_anew_over_data(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="restore the file"):
        load(tmp_path, holds_data=True)
    assert os.listdir(tmp_path) == []


def test_an_external_database_needs_keys_and_the_error_says_how(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="kaejon keys generate"):
        load(tmp_path, external_database=True)
    assert os.listdir(tmp_path) == []


def test_the_environment_may_carry_the_keys(tmp_path: Path) -> None:
    keyring = Keyring.generate()
    found = load(tmp_path, text=keyring.to_json(), external_database=True)
    assert secrets_of(found) == secrets_of(keyring)
    assert os.listdir(tmp_path) == []


def test_a_file_may_carry_the_keys(tmp_path: Path) -> None:
    keyring, path = Keyring.generate(), tmp_path / "vault.json"
    write_keyring(path, keyring, replacing=False)
    assert secrets_of(load(tmp_path, file=path, external_database=True)) == secrets_of(keyring)


def test_two_places_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="both set"):
        load(tmp_path, text="{}", file=tmp_path / "x")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601, 0o777])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    load(tmp_path)
    (tmp_path / FILE_NAME).chmod(mode)
    with pytest.raises(KeyringError, match=r"chmod 600 .*keys\.json"):
        load(tmp_path)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_closed_file_is_read(tmp_path: Path, mode: int) -> None:
    load(tmp_path)
    (tmp_path / FILE_NAME).chmod(mode)
    load(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_somebody_elses_file_is_refused(tmp_path: Path) -> None:
    load(tmp_path)
    os.chown(tmp_path / FILE_NAME, 65534, 65534)
    with pytest.raises(KeyringError, match="user id 65534"):
        load(tmp_path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    for name, said in (("absent", "could not be read"), ("pipe", "regular"), ("folder", "regular|could not")):
        with pytest.raises(KeyringError, match=said):
            load(tmp_path, file=tmp_path / name)


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_text("[" * 200_000)
    path.chmod(0o600)
    with pytest.raises(KeyringError, match="too large"):
        read_keyring(path)


def test_a_directory_that_takes_no_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyringError, match="could not be written"):
        load(tmp_path / "file" / "data")


def test_replacing_keeps_the_mode_and_needs_to_be_said(tmp_path: Path) -> None:
    first = load(tmp_path)
    path = tmp_path / FILE_NAME
    with pytest.raises(FileExistsError):
        write_keyring(path, Keyring.generate(), replacing=False)
    assert secrets_of(read_keyring(path)) == secrets_of(first)
    newer = replace(first, cursor_key=b"c" * 32)
    write_keyring(path, newer, replacing=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [FILE_NAME]
    assert secrets_of(read_keyring(path)) == secrets_of(newer)


def test_replacing_what_a_link_names_keeps_the_link(tmp_path: Path) -> None:
    first = load(tmp_path)
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / FILE_NAME)
    write_keyring(link, replace(first, cursor_key=b"c" * 32), replacing=True)
    assert link.is_symlink()
    assert read_keyring(tmp_path / FILE_NAME).cursor_key == b"c" * 32


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_replaced_file_keeps_its_owner(tmp_path: Path) -> None:
    first, path = load(tmp_path), tmp_path / FILE_NAME
    os.chown(path, 65534, 65534)
    write_keyring(path, first, replacing=True)
    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)


def test_the_fingerprint_outlives_every_rotation_and_the_digest_none() -> None:
    keyring = Keyring.generate()
    turned = [
        replace(keyring, field_keys={**keyring.field_keys, 2: b"f" * 32}),
        replace(keyring, field_keys={**keyring.field_keys, 2: b"f" * 32}, current_field_key=2),
        replace(keyring, index_keys={**keyring.index_keys, 2: b"i" * 32}),
        replace(keyring, index_keys={2: b"i" * 32}, current_index_key=2),
    ]
    assert {one.fingerprint for one in turned} == {keyring.fingerprint}
    assert len({one.digest for one in (keyring, *turned)}) == 5
    assert Keyring.generate().fingerprint != keyring.fingerprint
    assert Keyring.from_json(keyring.to_json(), source="test").digest == keyring.digest


def test_every_key_is_another() -> None:
    keyring = Keyring.generate()
    keys = [
        *keyring.field_keys.values(), *keyring.index_keys.values(), keyring.client_pepper, keyring.cursor_key,
        keyring.audit_key, keyring.backup_key, keyring.content_key,
    ]  # fmt: skip
    assert len(set(keys)) == 7
    assert {len(key) for key in keys} == {32}


def test_the_current_keys_are_those_that_the_document_names() -> None:
    document = json.loads(Keyring.generate().to_json())
    for kind in ("field", "index"):
        document[f"{kind}_keys"]["7"] = json.loads(Keyring.generate().to_json())["field_keys"]["1"]
    document["current_index_key"] = 7
    keyring = Keyring.from_json(json.dumps(document), source="test")
    assert (sorted(keyring.field_keys), keyring.current_field_key) == ([1, 7], 1)
    assert (sorted(keyring.index_keys), keyring.current_index_key) == ([1, 7], 7)


def test_key_ids_only_grow() -> None:
    assert next_key_id({1: b"", 7: b""}) == 8
    with pytest.raises(KeyringError, match="255"):
        next_key_id({255: b""})


def first_format(**changes: Any) -> dict[str, Any]:
    """As it was written before index keys had ids, and the signing keys stood in the database."""
    newer = replace(Keyring.generate(), signing=SigningKeys.generate())
    document = json.loads(newer.to_json())
    kept = {name: document[name] for name in ("field_keys", "client_pepper", "cursor_key", "signing_keys")}
    return {"format": 1, **kept, "index_key": document["index_keys"]["1"], **changes}


def test_the_first_format_is_read_and_the_second_written() -> None:
    document = first_format()
    document["field_keys"]["3"] = document["index_key"]
    old = Keyring.from_json(json.dumps(document), source="test")
    assert (old.current_field_key, sorted(old.field_keys)) == (3, [1, 3])
    assert (old.current_index_key, sorted(old.index_keys)) == (1, [1])
    assert old.signing is not None
    assert len(old.signing.keys) == 2
    # The same at every reading: a chain and a backup made today are proved and opened tomorrow.
    again = Keyring.from_json(json.dumps(document), source="test")
    assert (again.audit_key, again.backup_key) == (old.audit_key, old.backup_key)
    assert len({old.audit_key, old.backup_key, old.client_pepper}) == 3
    rewritten = Keyring.from_json(old.to_json(), source="test")
    assert json.loads(old.to_json())["format"] == 2
    assert secrets_of(rewritten) == secrets_of(old)


def test_a_document_without_signing_keys_has_none() -> None:
    assert "signing_keys" not in json.loads(Keyring.generate().to_json())
    assert Keyring.from_json(Keyring.generate().to_json(), source="test").signing is None


GOOD = json.loads(replace(Keyring.generate(), signing=SigningKeys.generate()).to_json())
KEY = GOOD["cursor_key"]


def broken(**changes: Any) -> str:
    return json.dumps(GOOD | changes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "null",
        "[" * 50_000,
        broken(format=3),
        broken(format=1),
        json.dumps(first_format(extra=1)),
        json.dumps(first_format(index_key=None)),
        broken(extra=1),
        broken(index_key=KEY),
        broken(audit_key=None),
        broken(backup_key=KEY[:-4]),
        broken(cursor_key="ก" * 43),
        broken(index_keys=None),
        broken(index_keys={}),
        broken(current_index_key=2),
        broken(current_index_key="1"),
        broken(current_field_key=True),
        broken(current_field_key=None),
        broken(client_pepper=[GOOD["client_pepper"]]),
        broken(field_keys={}),
        broken(field_keys=[KEY]),
        broken(field_keys={"0": KEY}),
        broken(field_keys={"01": KEY}),
        broken(field_keys={"256": KEY}),
        broken(signing_keys={}),
        broken(signing_keys=[]),
        broken(signing_keys=[GOOD["signing_keys"][0] | {"state": "idle"}]),
        broken(signing_keys=[GOOD["signing_keys"][0] | {"state": ["active"]}]),
        broken(signing_keys=[GOOD["signing_keys"][0] | {"retiring_since": True}]),
        broken(signing_keys=[GOOD["signing_keys"][0] | {"private_key": "x"}]),
        broken(signing_keys=[GOOD["signing_keys"][0]] * 2),
        json.dumps({name: value for name, value in GOOD.items() if name != "cursor_key"}),
    ],
)
def test_a_malformed_keyring_is_refused_and_never_quoted(text: str) -> None:
    with pytest.raises(KeyringError, match="KAEJON_KEYS is not a keyring") as caught:
        Keyring.from_json(text, source="KAEJON_KEYS")
    for key in (KEY, GOOD["client_pepper"], GOOD["signing_keys"][0]["private_key"]):
        assert key not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_repr_shows_no_key() -> None:
    keyring = Keyring.generate()
    document = json.loads(keyring.to_json())
    assert repr(keyring) == "Keyring()"
    assert document["index_keys"]["1"] not in f"{keyring} {keyring!r} {vars(type(keyring))}"
