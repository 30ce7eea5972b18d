"""`kaejon serve` on a database that is not its own to start or stop."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import renamed
from tests.support import builders
from tests.support.server import free_port
from tests.support.service import kaejon, query, serving


@pytest.fixture
def outside(server_dsn: str) -> Iterator[str]:
    """An empty database on a server that is not ours to start or stop."""
    name = f"kaejon_{secrets.token_hex(6)}"
    query(server_dsn, f"CREATE DATABASE {name}")
    yield renamed(server_dsn, name)
    query(server_dsn, f"DROP DATABASE {name} WITH (FORCE)")


def test_an_outside_database_is_served_administered_and_guarded(outside: str, bare: Path) -> None:
    secret = "operators-own-secret"
    env = {
        "KAEJON_DATABASE_URL": outside,
        "KAEJON_ADMIN_CLIENT_ID": "root-admin",
        "KAEJON_ADMIN_CLIENT_SECRET": secret,
    }
    with serving(bare, env=env) as service:
        assert not (bare / "pg").exists()
        token = service.token("root-admin", secret).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        access = service.http.get("/v1/me/access", headers=bearer).json()
        assert (access["scopes"], access["areas"]) == (["audit:read", "clients:admin"], ["*"])
        draft = {"name": "Team", "agency": "SCJP_D-4201", "areas": ["4201"]}
        draft["scopes"] = ["households:read", "households:write"]  # type: ignore[assignment]
        made = service.http.post("/v1/clients", json=draft, headers=bearer).json()
        team = service.token(made["client_id"], made["client_secret"]).json()["access_token"]
        household = service.http.post(
            "/v1/households", json=builders.household(), headers={"Authorization": f"Bearer {team}"}
        )
        assert household.status_code == 201
        users = query(outside, "SELECT usename::text FROM pg_stat_activity WHERE application_name = 'kaejon'")
        assert users
        assert service.stop() == 0
    assert secret not in service.err.read_text()
    assert query(outside, "SELECT 1"), "it is left running"

    # The environment names a first administrator only where there is no client yet, and a demo does not go
    # where something was recorded, nor do its clients.
    usurper = {**env, "KAEJON_ADMIN_CLIENT_ID": "usurper"}
    with serving(bare, "--demo", "--demo-households", "5", env=usurper) as service:
        assert service.token("usurper", secret).status_code == 401
        assert service.token("root-admin", secret).status_code == 200
        assert "a demo goes into an empty one" in service.err.read_text()
        assert not (bare / "demo-clients.json").exists()
    assert query(outside, "SELECT count(*) FROM household")[0][0] == 1
    assert query(outside, "SELECT count(*) FROM client")[0][0] == 2

    # Without its keys the database is not served under new ones.
    (bare / "keys.json").rename(bare / "kept")
    refused = kaejon("serve", "--port", str(free_port()), "--data-dir", bare, env=env)
    assert refused.returncode != 0
    assert "are not those this database was sealed with" in refused.stderr
    assert "Traceback" not in refused.stderr
    (bare / "kept").replace(bare / "keys.json")

    # Nor when it was migrated by a later version.
    query(outside, "UPDATE alembic_version SET version_num = '9999_tomorrow'")
    refused = kaejon("serve", "--port", str(free_port()), "--data-dir", bare, env=env)
    assert refused.returncode != 0
    assert "kaejon: The database is at schema 9999_tomorrow" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_database_that_cannot_be_reached_is_told_without_its_password(server_dsn: str, bare: Path) -> None:
    for url in (
        f"postgresql://me:hunter2secret@127.0.0.1:{free_port()}/kaejon",
        re.sub(r":[^:@]+@", ":hunter2secret@", server_dsn),
        "postgresql://me:hunter2secret@[::1/x",
    ):
        refused = kaejon(
            "serve", "--port", str(free_port()), "--data-dir", bare, env={"KAEJON_DATABASE_URL": url}
        )
        assert refused.returncode != 0
        assert "kaejon: The database of KAEJON_DATABASE_URL cannot be reached" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert "hunter2secret" not in refused.stderr
