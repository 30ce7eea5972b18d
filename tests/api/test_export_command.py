"""`kaejon export` as an operator runs it."""

import asyncio
import hashlib
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pyarrow.parquet
import pytest

from api.app import sealing_of
from api.keyring import Keyring
from persistence.demo.load import load
from tests.support.access import LOGGED
from tests.support.service import kaejon

Export = Callable[..., Any]


@pytest.fixture(scope="module")
def filled(module_dsn: str, keyring: Keyring) -> str:
    sealing = sealing_of(keyring)
    asyncio.run(
        load(
            module_dsn,
            12,
            areas=["42"],
            cipher=sealing.cipher,
            blind_index=sealing.index,
            progress=lambda *_: None,
        )
    )
    return module_dsn


@pytest.fixture
def export(filled: str, keyring: Keyring, tmp_path: Path) -> Export:
    def run(*arguments: str | Path) -> Any:
        env = {"KAEJON_DATABASE_URL": filled, "KAEJON_KEYS": keyring.to_json()}
        return kaejon("export", *arguments, "--data-dir", tmp_path, env=env)

    return run


def fetched(dsn: str, statement: str) -> Any:
    async def go() -> Any:
        owner = await asyncpg.connect(dsn)
        try:
            return await owner.fetchval(statement)
        finally:
            await owner.close()

    return asyncio.run(go())


def test_it_writes_the_rows_masked_and_prints_a_manifest(export: Export, filled: str, tmp_path: Path) -> None:
    out = tmp_path / "households.ndjson"
    done = export("--type", "households", "--area", "42", "--format", "ndjson", "--out", out)
    assert done.returncode == 0, done.stderr
    manifest = json.loads(done.stdout)
    (output,) = manifest["output"]
    text = out.read_bytes()
    rows = [json.loads(line) for line in text.splitlines()]
    assert (len(rows), output["count"], output["size"]) == (12, 12, len(text))
    assert output["sha256"] == hashlib.sha256(text).hexdigest()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    persons = [member["person"] for row in rows for member in row["members"]]
    assert all(person["birth_date"] is None and person["phone"] is None for person in persons)
    assert (manifest["unmasked"], manifest["deleted"]) == (False, [])
    assert manifest["feed_position"]
    assert fetched(filled, f"SELECT count(*) FROM {LOGGED} l") == 0
    assert not list(tmp_path.glob("*.part"))


def test_with_a_purpose_it_is_unmasked_and_logged(export: Export, filled: str, tmp_path: Path) -> None:
    out = tmp_path / "households.parquet"
    done = export("--type", "households", "--format", "parquet", "--purpose", "casework", "--out", out)
    assert done.returncode == 0, done.stderr
    members = pyarrow.parquet.read_table(out).column("members").to_pylist()
    persons = [member["person"] for one in members for member in json.loads(one)]
    assert len(members) == 12
    assert any(person["birth_date"] for person in persons)
    named = [person["citizen_id"] for person in persons if person["citizen_id"]]
    assert named
    assert all(len(one) == 13 and one.isdigit() for one in named)
    of_operator = "client_id = 'operator' AND purpose = 'casework'"
    assert fetched(filled, f"SELECT count(*) FROM {LOGGED} l WHERE {of_operator}") == 12


@pytest.mark.parametrize(
    "arguments",
    [
        ("--type", "households", "--purpose", "curiosity"),
        ("--type", "persons"),
        ("--type", "problems", "--area", "4"),
        ("--type", "problems", "--since", "yesterday"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    export: Export, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    done = export(*arguments, "--out", out)
    assert done.returncode not in (0, None)
    assert "Traceback" not in done.stderr
    assert not out.exists()


def test_a_place_that_cannot_be_written_is_said(export: Export, tmp_path: Path) -> None:
    done = export("--type", "problems", "--out", tmp_path / "nowhere" / "out")
    assert (done.returncode, "cannot be written" in done.stderr) == (1, True)


def test_what_there_was_stays_until_the_new_one_is_whole(export: Export, tmp_path: Path) -> None:
    out = tmp_path / "problems.csv"
    out.write_text("old")
    assert (
        export("--type", "problems", "--format", "csv", "--purpose", "nothing", "--out", out).returncode == 1
    )
    assert out.read_text() == "old"
    assert export("--type", "problems", "--format", "csv", "--out", out).returncode == 0
    assert out.read_text("utf-8").startswith("id,household_id")
