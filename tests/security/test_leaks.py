"""No citizen id and no phone of anybody leaves where it belongs, and no surname but into the database's own files.

A service of its own registers people through both doors, is asked for them in every spelling, and is made to fail in
every way with their data in every place; its server is killed, a statement of it is cancelled. Then everything that it
wrote or answered is searched.
"""

import gzip
import json
import os
import re
import zlib
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.evidence import SURNAMES, THAI, Evidence, Story, printed
from tests.support.search import Wanted, phone_forms
from tests.support.service import kaejon, serving


@pytest.fixture(scope="module")
def evidence(open_directory: Path) -> Evidence:
    data = open_directory / "leaks"
    found = Evidence(data)
    with serving(data, "--demo", "--demo-households", "40") as service:
        story = Story(service, found)
        story.reads_the_demo()
        story.registers()
        story.provokes()
        story.collides()
        story.is_interrupted()
        found.said["metrics"] = service.http.get("/metrics").content
        dump = kaejon("db", "dump", "--out", data.with_name("leaks.dump"), "--data-dir", data)
        assert dump.returncode == 0, dump.stderr
        found.said["dump's own words"] = (dump.stdout + dump.stderr).encode()
        found.said["dump"] = data.with_name("leaks.dump").read_bytes()
        out, err = service.out, service.err
    found.said["output"], found.said["log"] = out.read_bytes(), err.read_bytes()
    found.said["postgres.log"] = (data / "postgres.log").read_bytes()
    return found


def files(evidence: Evidence) -> Mapping[str, bytes]:
    """Everything in the data directory: tables, indexes, WAL, logs and small files."""
    return {
        str(path.relative_to(evidence.data_dir)): path.read_bytes()
        for path in evidence.data_dir.rglob("*")
        if path.is_file()
    }


def test_there_was_something_to_find(evidence: Evidence) -> None:
    assert len(evidence.ids) > 100
    assert len(evidence.phones) > 50
    assert len(evidence.surnames) > 10
    assert {200, 201, 400, 401, 404, 405, 409, 413, 414, 415, 422, 503} <= evidence.statuses
    assert 500 not in evidence.statuses
    assert len(evidence.said["dump"]) > 10_000
    assert b"canceling statement" in evidence.said["postgres.log"]
    assert evidence.said["log"].count(b"\n") > 1_000
    assert b"http" in evidence.said["metrics"]
    found = files(evidence)
    assert sum(name.startswith("pg/pg_wal/0") for name in found) >= 1
    surnames = Wanted(frozenset(), frozenset(evidence.surnames))
    tables = (data for name, data in found.items() if "/base/" in name)
    assert any(surnames.names_in(data) for data in tables), "tables are read"


def test_no_citizen_id_and_no_phone_is_in_what_the_service_says(evidence: Evidence) -> None:
    wanted = evidence.wanted
    assert {name: found for name, data in evidence.said.items() if (found := wanted.numbers_in(data))} == {}


def test_no_surname_is_in_what_the_service_says(evidence: Evidence) -> None:
    wanted = evidence.wanted
    assert {name: found for name, data in evidence.said.items() if (found := wanted.names_in(data))} == {}


def test_no_citizen_id_and_no_phone_is_in_any_file_of_the_data_directory(evidence: Evidence) -> None:
    wanted = evidence.wanted
    assert {name: found for name, data in files(evidence).items() if (found := wanted.numbers_in(data))} == {}


def test_surnames_are_in_the_files_of_the_tables_alone(evidence: Evidence) -> None:
    wanted = evidence.wanted
    own = re.compile(r"pg/(base|pg_wal)/")
    assert {
        name: found
        for name, data in files(evidence).items()
        if not own.match(name) and (found := wanted.names_in(data))
    } == {}


# -- the search can find

ID, PHONE, NAME = "9374129855012", "0873914205", "กุหลาบเพชรรัตน์"
HIDDEN: Mapping[str, bytes] = {
    "plain": ID.encode(),
    "printed": printed(ID).encode(),
    "spaced": printed(ID).replace("-", " ").encode(),
    "Thai": ID.translate(THAI).encode(),
    "Thai, printed": printed(ID).translate(THAI).encode(),
    "Thai, escaped": json.dumps(ID.translate(THAI)).encode(),
    "percent": "".join(f"%{ord(one):02X}" for one in ID).encode(),
    "percent, Thai": quote(ID.translate(THAI)).encode(),
    "UTF-16, little": ID.encode("utf-16-le"),
    "UTF-16, big": ID.encode("utf-16-be"),
    "hex": ID.encode().hex().encode(),
    "base64": b64encode(ID.encode()),
    "base64, inside": b64encode(f'{{"citizen_id":"{ID}"}}'.encode()),
    "base64, further": b64encode(f'{{"a":"{ID}"}}'.encode()),
    "base64, yet further": b64encode(f'{{"ab":"{ID}"}}'.encode()),
    "phone": PHONE.encode(),
    "phone, printed": b"087-391-4205",
    "phone, international": b"+66 87 391 4205",
}


@pytest.mark.parametrize("how", HIDDEN)
@pytest.mark.parametrize("packed", ["plain", "gzip", "zlib"])
def test_a_planted_number_is_found(how: str, packed: str) -> None:
    around = (
        os.urandom(2_000).translate(None, b"0123456789") + b"\x01" + HIDDEN[how] + b"\x01" + b"\xff" * 100
    )
    data = {"plain": bytes, "gzip": gzip.compress, "zlib": zlib.compress}[packed](around)
    wanted = Wanted(frozenset({ID, *phone_forms([PHONE])}))
    assert {one.removeprefix("66").removeprefix("0") for one in wanted.numbers_in(data)} <= {ID, PHONE[1:]}
    assert wanted.numbers_in(data)
    assert not Wanted(frozenset({"9374129855013"})).numbers_in(data)


@pytest.mark.parametrize("text", [NAME.encode(), NAME.encode("utf-16-le"), json.dumps(NAME).encode(), quote(NAME).encode(), NAME.encode("tis-620"), repr(NAME.encode()).encode()])  # fmt: skip
def test_a_planted_name_is_found(text: bytes) -> None:
    assert Wanted(frozenset(), frozenset({NAME})).names_in(b"\x00\xff" + text + b"\n") == {NAME}


def test_a_number_planted_in_the_evidence_is_found(evidence: Evidence) -> None:
    someone = max(evidence.ids)
    planted = evidence.said["log"] + f'{{"event":"request","citizen_id":"{printed(someone)}"}}\n'.encode()
    assert evidence.wanted.numbers_in(planted) == {someone}
    assert evidence.wanted.names_in(planted + SURNAMES[0].encode()) == {SURNAMES[0]}
