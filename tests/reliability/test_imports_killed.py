"""A large import whose worker, and then the whole service with its database, is killed: every row once."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.imports import as_csv, row
from tests.support.service import Service, alive, children, kaejon, serving
from tests.support.waiting import eventually

# It takes minutes: `scripts/test -m simulation tests/reliability`.
pytestmark = pytest.mark.simulation
ROWS = 12_000
LONG_S = 300.0


def worker_of(service: Service) -> int | None:
    """The background process, by its command line."""
    for pid in children(service.process.pid):
        try:
            if b"api.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        except OSError:
            continue
    return None


def read(service: Service, path: str, headers: dict[str, str]) -> dict[str, Any]:
    answer = service.http.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    found = dict(answer.json())
    assert found["status"] != "failed", found
    return found


def rows_read(service: Service, path: str, headers: dict[str, str]) -> int:
    return int(read(service, path, headers)["progress"]["rows_read"])


def test_an_import_outlives_its_worker_and_its_database(data: Path) -> None:
    file = as_csv([row(record_id=f"K-{number}") for number in range(ROWS)])
    with serving(data, env={"KAEJON_BACKGROUND": "1"}) as service:
        own = service.headers("importer")
        answer = service.http.post("/v1/imports?kind=thaiqm&mode=commit", content=file, headers=own)
        assert answer.status_code == 202, answer.text
        path = answer.headers["location"]
        assert eventually(lambda: rows_read(service, path, own) > 0, LONG_S)
        victim = worker_of(service)
        assert victim is not None

        os.kill(victim, signal.SIGKILL)
        assert eventually(lambda: not alive(victim))
        was = rows_read(service, path, own)
        assert eventually(lambda: was == ROWS or rows_read(service, path, own) > was, LONG_S)
        service.kill()
    with serving(data, env={"KAEJON_BACKGROUND": "1"}) as service:
        own = service.headers("importer")
        assert eventually(lambda: read(service, path, own)["status"] == "succeeded", LONG_S), read(
            service, path, own
        )
        done = read(service, path, own)
        assert done["counts"] == {"created": ROWS, "updated": 0, "unchanged": 0, "conflict": 0, "rejected": 0}
        assert done["progress"] == {"rows_read": ROWS, "rows_total": ROWS}
        again = service.http.post("/v1/imports?kind=thaiqm&mode=validate", content=file, headers=own).headers[
            "location"
        ]
        assert eventually(lambda: read(service, again, own)["status"] == "succeeded", LONG_S)
        assert read(service, again, own)["counts"]["unchanged"] == ROWS


def test_the_command_imports_a_file(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(as_csv([row(), row(birth_date="x")]))
    done = kaejon("import", file, "--kind", "thaiqm", "--data-dir", data)
    assert done.returncode == 1, done.stderr
    assert '"created": 1' in done.stdout
    assert '"rejected": 1' in done.stdout
    assert kaejon("import", tmp_path / "none.csv", "--kind", "thaiqm").returncode != 0
