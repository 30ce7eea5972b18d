"""`kaejon` as an operator meets it: its first start, its commands, its log, and wrong things told."""

import csv
import io
import json
import re
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support import builders
from tests.support.server import free_port
from tests.support.service import First, Service, kaejon, postgres_of, query, serving
from tests.support.waiting import PATIENCE_S

NAMES = {
    "admin", "center", "team", "health", "social", "local", "frontend", "reporting", "importer", "neighbour",
}  # fmt: skip


@pytest.fixture(scope="module")
def running(first: First) -> Iterator[Service]:
    """One service for the tests that only ask it."""
    copy = first.data_dir.with_name("running")
    subprocess.run(["cp", "-a", first.data_dir, copy], check=True)
    with serving(copy) as service:
        yield service


# The first start


def test_a_bare_directory_is_served_soon_and_says_where_in_one_line(first: First) -> None:
    assert first.out == f"Kaejon answers at {first.url}\n"
    assert first.seconds < 120, "some seconds, on a machine with other work a minute"
    assert "demo households: 50 of 50" in first.err
    assert "Traceback" not in first.err
    assert "client_secret" not in first.out + first.err.replace("c['client_secret']", "")


def test_the_demo_s_clients_are_ten_in_a_private_file(first: First) -> None:
    file = first.data_dir / "demo-clients.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    clients = json.loads(file.read_text())["clients"]
    assert {client["name"] for client in clients} == NAMES
    assert len(clients) == len(NAMES)
    for client in clients:
        assert set(client) == {"name", "client_id", "client_secret", "agency", "scopes", "areas"}
    for name in ("keys.json", "superuser.password", "postgres.log"):
        assert stat.S_IMODE((first.data_dir / name).stat().st_mode) == 0o600


def test_a_stop_that_was_asked_for_is_no_failure(first: First) -> None:
    assert first.code == 0
    assert not postgres_of(first.data_dir)


def test_all_ten_get_a_token(running: Service) -> None:
    for name in NAMES:
        headers = running.headers(name)
        access = running.http.get("/v1/me/access", headers=headers).json()
        assert access["client_id"] == running.client(name)["client_id"]


def test_a_second_start_says_whose_the_directory_is(running: Service) -> None:
    second = kaejon("serve", "--port", str(running.port), "--data-dir", running.data_dir)
    assert second.returncode != 0
    assert f"is in use by process {running.process.pid}: stop it first" in second.stderr
    assert "Traceback" not in second.stderr
    assert running.http.get("/readyz").status_code == 200


def test_a_taken_port_is_told_before_a_demo_is_loaded(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = kaejon("serve", "--port", str(port), "--data-dir", data)
    assert refused.returncode != 0
    assert f"kaejon: 127.0.0.1:{port} cannot be listened on" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert refused.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (["--port", "0"], {}),
        (["--workers", "0"], {}),
        ([], {"KAEJON_PORT": "many"}),
        # It could be stored, and no token could name it.
        ([], {"KAEJON_ADMIN_CLIENT_ID": "admin@example", "KAEJON_ADMIN_CLIENT_SECRET": "s"}),
    ],
)
def test_a_setting_that_cannot_be_is_told(arguments: list[str], env: dict[str, str], bare: Path) -> None:
    refused = kaejon("serve", "--data-dir", bare, *arguments, env=env)
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr
    assert "kaejon: a setting is not valid: " in refused.stderr
    assert "many" not in refused.stderr
    assert not bare.exists()


def test_lost_keys_are_asked_for_and_not_made_anew(data: Path) -> None:
    (data / "keys.json").unlink()
    refused = kaejon("serve", "--port", str(free_port()), "--data-dir", data)
    assert refused.returncode != 0
    assert "restore the file" in refused.stderr
    assert not (data / "keys.json").exists()


# The command line


CREATE = ("client", "create", "--agency", "PROV_MOPH-42", "--scope", "households:read", "--area", "42")


def test_a_client_is_created_before_and_while_serving(data: Path) -> None:
    before = kaejon(*CREATE, "--data-dir", data)
    assert before.returncode == 0, before.stderr
    assert not postgres_of(data)
    with serving(data) as service:
        while_serving = kaejon(*CREATE, "--data-dir", data)
        assert while_serving.returncode == 0, while_serving.stderr
        for made in (json.loads(before.stdout), json.loads(while_serving.stdout)):
            assert made["areas"] == ["42"]
            assert service.token(made["client_id"], made["client_secret"]).status_code == 200
            assert made["client_secret"] not in before.stderr + while_serving.stderr
        for fault, said in (
            (("--agency", "NOBODY-1"), "/agency"),
            (("--area", "4"), "/areas/1"),
        ):
            refused = kaejon(*CREATE, *fault, "--data-dir", data)
            assert refused.returncode != 0
            assert said in refused.stderr
            assert "Traceback" not in refused.stderr
        assert service.stop(signal.SIGINT) == 0, "Ctrl-C stops as well as SIGTERM"


def packaged_codes() -> tuple[list[str], list[dict[str, str]]]:
    text = (files("persistence.reference") / "codes.csv").read_text(encoding="utf-8-sig")
    reader = csv.DictReader(io.StringIO(text))
    return list(reader.fieldnames or ()), list(reader)


def write_codes(path: Path, fields: list[str], rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_newer_reference_files_are_loaded_or_refused_by_line(running: Service, tmp_path: Path) -> None:
    fields, rows = packaged_codes()
    place = ("--data-dir", running.data_dir)
    broken = [dict(row) for row in rows]
    broken[4]["sequence"] = "five"
    refused = kaejon(
        "reference", "load", "--file", write_codes(tmp_path / "codes.csv", fields, broken), *place
    )
    assert refused.returncode != 0
    assert "kaejon: codes.csv, line 6: sequence: five is not a whole number" in refused.stderr
    assert "Traceback" not in refused.stderr

    more = [*rows, {**rows[-1], "code": "brand_new", "name_th": "ใหม่", "sequence": "99"}]
    loaded = kaejon("reference", "load", "--file", write_codes(tmp_path / "codes.csv", fields, more), *place)
    assert loaded.returncode == 0, loaded.stderr
    assert re.search(r"^codes.csv: [0-9]+ rows, loaded$", loaded.stdout, re.M)
    assert "areas.csv: 10024 rows, unchanged" in loaded.stdout
    shown = running.http.get(f"/v1/codes/{rows[-1]['list']}", headers=running.headers("frontend"))
    assert "brand_new" in shown.text

    (tmp_path / "nonsense.csv").write_text("a,b\n")
    for name, said in (
        ("nonsense.csv", "no reference file is called nonsense.csv"),
        ("menus.toml", "there is no file"),
    ):
        refused = kaejon("reference", "load", "--file", tmp_path / name, *place)
        assert refused.returncode != 0
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr


def test_demo_data_is_written_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        done = kaejon("demo-data", "--households", "20", "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
    one = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert one == {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()}
    assert one["households.ndjson"].count(b"\n") == 20
    refused = kaejon("demo-data", "--households", "5", "--areas", "99", "--out", tmp_path / "no")
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    assert kaejon("keys", "generate", file).returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    made = file.read_bytes()
    refused = kaejon("keys", "generate", file)
    assert refused.returncode != 0
    assert "never overwritten" in refused.stderr
    assert file.read_bytes() == made
    assert json.loads(made)["client_pepper"] not in refused.stderr


def test_db_names_and_stops_what_runs(data: Path) -> None:
    for command in ("url", "stop"):
        idle = kaejon("db", command, "--data-dir", data)
        assert (idle.returncode, idle.stdout) == (1, "")
        assert "kaejon: no server runs in that directory" in idle.stderr
    with serving(data) as service:
        url = kaejon("db", "url", "--data-dir", data)
        assert url.returncode == 0
        assert query(url.stdout.strip(), "SELECT current_database()::text")[0][0] == "kaejon"
        assert kaejon("db", "stop", "--data-dir", data).returncode == 0
        assert service.process.wait(2 * PATIENCE_S) == 0
    assert not postgres_of(data)


# Logs


def spellings(text: str) -> set[str]:
    """As it may come to stand in a log."""
    found = {text, quote(text), json.dumps(text)[1:-1]}
    if re.fullmatch(r"\d{13}", text):
        found |= {f"{text[0]}-{text[1:5]}-{text[5:10]}-{text[10:12]}-{text[12]}", text[:12]}
    return found


def test_the_log_holds_nobody_s_id_name_phone_or_token(running: Service) -> None:
    http, headers = running.http, running.headers("center")
    items: list[dict[str, Any]] = []
    path: str | None = "/v1/households?limit=50"
    while path:
        page = http.get(path, headers=headers).json()
        items += page["items"]
        path = page["next_cursor"] and f"/v1/households?limit=50&cursor={page['next_cursor']}"
    persons = [member["person"] for item in items for member in item["members"]]
    ids = {one["citizen_id"] for one in persons if one["citizen_id"]}
    names = {one["last_name"] for one in persons if one["last_name"]} | {one["first_name"] for one in persons}
    phones = {one["phone"] for one in persons if one["phone"]}
    assert len(ids) > 50
    assert phones
    assert min(map(len, ids)) == 13, "they are in clear here"
    known = sorted(ids)[0]
    name, phone = persons[0]["last_name"], sorted(phones)[0]
    own = running.client("center")
    for body in (
        {"citizen_id": known},
        {"name": name},
        {"phone": phone},
        {"citizen_id": "1" * 13},
        {"x": known},
    ):
        http.post("/v1/households/search", json=body, headers=headers)
    for url in (
        f"/v1/households/{known}",
        f"/v1/households?citizen_id={known}&name={quote(name)}",
        f"/v1/persons/{known}",
        f"/{known}/{quote(name)}",
        f"/v1/assistance-events/by-external-id/{known}",
        f"/v1/areas?q={quote(name)}",
        f"/errors/{known}",
    ):
        http.get(url, headers=headers)
    event = builders.event(items[0]["id"], external_id=known, description=f"{known} {name} {phone}")
    http.post("/v1/assistance-events", json=event, headers=headers)
    event = builders.event("x", household={"citizen_id": known})
    http.post("/v1/assistance-events", json=event, headers=headers)
    twice = builders.household(members=[builders.member(citizen_id=known, last_name=name, phone=phone)])
    assert http.post("/v1/households", json=twice, headers=headers).status_code in (409, 422)
    http.post("/v1/households", content=b'{"x": "' + known.encode() + b'\xff"}', headers=headers)
    queries = (
        f'{{ household(id: "{known}") {{ id }} }}',
        f'{{ x(name: "{name}") }}',
        f"{known} {name}",
    )
    for text in queries:
        http.post("/graphql", json={"query": text, "variables": {"name": name}}, headers=headers)
        http.get(f"/graphql?query={quote(text)}", headers=headers)
    http.post("/oauth/token", data={"client_id": own["client_id"], "client_secret": own["client_secret"]})
    http.get("/v1/me/access", headers={"Authorization": f"Bearer {own['client_secret']}"})
    http.get(f"/v1/me/access?access_token={headers['Authorization'][7:]}", headers=headers)
    http.get("/v1/me/access", headers={**headers, "X-Request-Id": f"{known} {phone}"})
    http.request(known, "/v1/households", headers=headers)

    logs = running.err.read_text() + (running.data_dir / "postgres.log").read_text(errors="replace")
    assert '"operation":"searchHouseholds"' in logs
    secrets_of = [one["client_secret"] for one in json.loads(
        (running.data_dir / "demo-clients.json").read_text())["clients"]]  # fmt: skip
    tokens = [headers["Authorization"][7:], headers["Authorization"].split(".")[2]]
    passwords = [(running.data_dir / "superuser.password").read_text().strip()]
    for kind, values in {
        "citizen ids": ids,
        "names": {name for name in names if len(name) > 2},
        "phones": phones,
        "secrets": {*secrets_of, *tokens, *passwords},
    }.items():
        seen = [value for value in values if any(text in logs for text in spellings(value))]
        assert not seen, f"{len(seen)} {kind} are in the log"
