"""`kaejon db dump` beside a running service, and its restoration into a data directory of its own."""

import shutil
from pathlib import Path

from tests.support import builders
from tests.support.service import kaejon, serving


def test_a_running_service_is_backed_up_and_comes_back_elsewhere(
    open_directory: Path, tmp_path: Path
) -> None:
    first, second, out = open_directory / "backed-up", open_directory / "restored", tmp_path / "backup"
    with serving(first, "--demo", "--demo-households", "20") as service:
        own = service.headers("team")
        homes = service.http.get("/v1/households?limit=20", headers=own).json()["items"]
        assert homes
        dumped = kaejon("db", "dump", "--out", out, "--data-dir", first)
        assert dumped.returncode == 0, dumped.stderr
        assert service.http.get("/readyz").status_code == 200
        filled = kaejon("db", "restore", "--in", out, "--data-dir", first)
        assert filled.returncode != 0, "it runs"
        team = service.client("team")

    without_keys = kaejon("db", "restore", "--in", out, "--data-dir", second)
    assert without_keys.returncode != 0
    assert "put the keyring" in without_keys.stderr
    second.mkdir(mode=0o700)
    shutil.copy2(first / "keys.json", second / "keys.json")
    restored = kaejon("db", "restore", "--in", out, "--data-dir", second)
    assert restored.returncode == 0, restored.stderr
    filled = kaejon("db", "restore", "--in", out, "--data-dir", second)
    assert filled.returncode != 0
    assert "not empty" in filled.stderr
    with serving(second) as again:
        answer = again.token(team["client_id"], team["client_secret"])
        assert answer.status_code == 200, "clients and their secrets came along"
        own = {"Authorization": f"Bearer {answer.json()['access_token']}", "X-Purpose": "casework"}
        back = again.http.get("/v1/households?limit=20", headers=own).json()["items"]
        assert [(one["id"], one["members"]) for one in back] == [(one["id"], one["members"]) for one in homes]
        written = again.http.post("/v1/households", json=builders.household(), headers=own)
        assert written.status_code == 201, "the role has its rights, and the walls stand"
