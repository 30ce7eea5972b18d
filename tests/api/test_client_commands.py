"""`kaejon client`: the same as /v1/clients, on the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from api.commands import client
from api.keyring import Keyring, write_keyring
from domain.access.clients import ClientDraft, ClientPatch
from tests.support.oauth import ClientKey

Run = Callable[..., Result]


@pytest.fixture
def run(dsn: str, tmp_path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> Run:
    """One command against a database of its own."""
    write_keyring(tmp_path / "keys.json", keyring, replacing=False)
    monkeypatch.delenv("KAEJON_KEYS", raising=False)
    monkeypatch.setenv("KAEJON_KEYS_FILE", str(tmp_path / "keys.json"))
    monkeypatch.setenv("KAEJON_DATABASE_URL", dsn)

    def invoke(*arguments: str | Path) -> Result:
        return CliRunner().invoke(client.app, [*map(str, arguments), "--data-dir", str(tmp_path)])

    return invoke


def said(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, (result.output, result.exception)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_client_lives_on_the_command_line(run: Run, tmp_path: Path) -> None:
    first = said(run("create", "--admin"))
    assert (first["scopes"], first["areas"], first["agency"]) == (
        ["audit:read", "clients:admin"],
        ["*"],
        "SCJP",
    )
    key, file = ClientKey(), tmp_path / "keys.jwk"
    file.write_text(json.dumps(key.jwk))
    made = said(
        run(
            "create", "--agency", "PROV_MOPH-42", "--scope", "households:read", "--scope", "menus:read", "--area", "42",
            "--network", "10.0.0.0/8", "--network", "::1", "--jwks", file, "--expires-at", "2099-01-01T00:00:00Z",
            "--name", "HIS",
        )
    )  # fmt: skip
    assert made["client_secret"].startswith("kjs_")
    assert (made["name"], made["allowed_networks"], made["jwks"]) == (
        "HIS",
        ["10.0.0.0/8", "::1/128"],
        key.jwks,
    )
    client_id = made["client_id"]

    listed = run("list")
    assert [one["client_id"] for one in said(listed)["items"]] == [first["client_id"], client_id]
    shown = run("show", client_id)
    assert said(shown).items() <= made.items()
    assert "kjs_" not in listed.output + shown.output

    patched = said(
        run(
            "patch",
            client_id,
            "--area",
            "4201",
            "--no-scopes",
            "--any-network",
            "--no-jwks",
            "--never-expires",
            "--disable",
        )
    )
    assert {name: patched[name] for name in ("areas", "scopes", "allowed_networks", "jwks", "expires_at", "enabled")} == {
        "areas": ["4201"], "scopes": [], "allowed_networks": [], "jwks": None, "expires_at": None, "enabled": False,
    }  # fmt: skip
    assert said(run("patch", client_id, "--enable", "--name", "HIS 2"))["version"] == 3
    rotated = said(run("rotate", client_id, "--overlap-seconds", "60"))
    assert rotated["client_secret"] not in ("", made["client_secret"])
    assert said(run("revoke", client_id))["enabled"] is False


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "--scope", "households:read"), "/agency"),
        (("create", "--agency", "NOBODY-42"), "There is no such agency"),
        (("create", "--agency", "SCJP", "--scope", "households:eat"), "/scopes/0"),
        (("create", "--agency", "SCJP", "--network", "10.0.0.1/8"), "/allowed_networks/0"),
        (("create", "--agency", "SCJP", "--jwks", "/nowhere/at/all"), "cannot be read"),
        (("show", "nobody"), "no such resource"),
        (("patch", "nobody", "--name", "x"), "no such resource"),
        (("patch", "nobody", "--area", "42", "--no-areas"), "not both"),
        (("rotate", "nobody", "--overlap-seconds", "-1"), "/overlap_seconds"),
        (("revoke", "nobody"), "no such resource"),
    ],
)
def test_a_fault_is_said_in_a_sentence(run: Run, arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code != 0
    assert told in str(result.exception)
    assert isinstance(result.exception, SystemExit)


def test_a_private_key_is_refused_and_not_repeated(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "private.jwk"
    file.write_text(json.dumps({"keys": [{**ClientKey().jwk, "d": "c2VjcmV0c2VjcmV0"}]}))
    result = run("create", "--agency", "SCJP", "--jwks", file)
    assert "private key" in str(result.exception)
    assert "c2VjcmV0" not in str(result.exception) + result.output


@pytest.mark.parametrize("agency", ["SCJP", "MOPH", "TAO-420103"])
def test_the_operator_has_the_clients_of_every_agency(run: Run, agency: str) -> None:
    client_id = said(run("create", "--agency", agency))["client_id"]
    assert [one["agency"] for one in said(run("list"))["items"]] == [agency]
    assert said(run("show", client_id))["agency"] == agency
    assert said(run("patch", client_id, "--name", "HIS 2"))["version"] == 2
    assert said(run("rotate", client_id))["version"] == 3
    assert said(run("revoke", client_id))["enabled"] is False


async def test_what_the_command_line_does_is_audited_as_the_operator(run: Run, dsn: str) -> None:
    import asyncio

    made = said(await asyncio.to_thread(run, "create", "--admin"))
    owner = await asyncpg.connect(dsn)
    try:
        rows = await owner.fetch(
            "SELECT client_id, operation FROM audit WHERE resource = $1", made["client_id"]
        )
    finally:
        await owner.close()
    assert [tuple(row) for row in rows] == [("operator", "client.created")]


def test_every_member_of_a_client_has_an_option() -> None:
    names = {"allowed_networks": "network", "scopes": "scope", "areas": "area"}
    for command, model in (("create", ClientDraft), ("patch", ClientPatch)):
        shown = (
            CliRunner().invoke(client.app, [command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
        )
        for member in model.model_fields:
            option = "--enable" if member == "enabled" else "--" + names.get(member, member).replace("_", "-")
            assert option in shown, (command, member)
