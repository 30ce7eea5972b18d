"""The integrator's examples do what they say, against a real server, with nothing but the standard library."""

import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import RunningServer

EXAMPLES = Path(__file__).parents[2] / "openapi" / "examples"
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def run(
    server: RunningServer, name: str, *arguments: str, clients: Path | None = None
) -> subprocess.CompletedProcess[str]:
    # -S: no package of ours, or of anybody's, can be imported.
    command = [sys.executable, "-S", str(EXAMPLES / name), "--url", server.url]
    command += ["--clients", str(clients or server.clients_file), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def test_a_health_office_takes_an_assignment_and_its_report_is_recorded_once(server: RunningServer) -> None:
    done = run(server, "health_office.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(f"^assignment {UUID}: in_progress$", done.stdout, re.MULTILINE)
    assert re.search(f"^event {UUID}: created$", done.stdout, re.MULTILINE)
    assert "sent again: duplicate" in done.stdout


def test_a_health_office_may_run_twice(server: RunningServer) -> None:
    assert run(server, "health_office.py").returncode == 0
    assert run(server, "health_office.py").returncode == 0


def test_a_front_end_reads_page_by_page(server: RunningServer) -> None:
    done = run(server, "frontend.py", "--size", "5", "--pages", "3")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(r"15 households, [0-9]+ members, [0-9]+ problems on 3 pages", done.stdout)


def test_a_front_end_reaches_the_last_page(server: RunningServer) -> None:
    done = run(server, "frontend.py", "--size", "50", "--pages", "10")
    assert re.match("60 households, .* on 2 pages", done.stdout)


def test_an_operator_creates_a_client_with_few_rights(server: RunningServer, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    done = run(
        server,
        "create_client.py",
        "--area",
        "420101",
        "--scope",
        "assistance:read",
        "--secret-file",
        str(secret),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(f"^client_id: {UUID}$", done.stdout, re.MULTILINE)
    assert "scopes: assistance:read\nareas: 420101\n" in done.stdout
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert secret.read_text().strip() not in done.stdout


def test_the_secret_is_shown_where_no_file_is_named(server: RunningServer) -> None:
    done = run(server, "create_client.py")
    assert len(re.findall(r"^client_secret \(shown once\): \S{20,}$", done.stdout, re.MULTILINE)) == 1


@pytest.mark.parametrize("name", ["health_office.py", "frontend.py", "create_client.py"])
def test_a_wrong_secret_ends_with_a_reason(server: RunningServer, tmp_path: Path, name: str) -> None:
    known = json.loads(server.clients_file.read_text())
    wrong = {"clients": [{**one, "client_secret": "wrong"} for one in known["clients"]]}
    (tmp_path / "clients.json").write_text(json.dumps(wrong))
    done = run(server, name, clients=tmp_path / "clients.json")
    assert done.returncode == 1
    assert "401 invalid_client" in done.stderr


def test_what_may_not_be_given_is_refused(server: RunningServer) -> None:
    done = run(server, "create_client.py", "--agency", "NO-SUCH")
    assert (done.returncode, "422 invalid-input" in done.stderr) == (1, True)
