"""`kaejon audit` as an operator runs it, and the retention at the start of the service."""

import asyncio
import json
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import uuid_utils.compat

from api.keyring import Keyring
from api.settings import Settings
from persistence.access.ledger import Sealer
from persistence.engine import Database
from tests.support.server import RunningServer
from tests.support.service import kaejon, serving

NOW = datetime.now(UTC)
Audit = Callable[..., Any]


@pytest.fixture
def audit(dsn: str, keyring: Keyring, tmp_path: Path) -> Audit:
    """`kaejon audit …` against the database of the test."""

    def run(*arguments: str, **env: str) -> Any:
        given = {"KAEJON_DATABASE_URL": dsn, "KAEJON_KEYS": keyring.to_json(), **env}
        return kaejon("audit", *arguments, "--data-dir", tmp_path, env=given)

    return run


async def sealed(dsn: str, keyring: Keyring, *ages: int) -> None:
    """A block of one row for each age in days."""
    owner, database = await asyncpg.connect(dsn), await Database.open(dsn, size=2)
    try:
        for age in ages:
            at = NOW - timedelta(days=age)
            await owner.execute(
                """INSERT INTO access_log VALUES
                     ($1, $2, $3, 'c', 'PROV_MOPH-42', 'casework', ARRAY[$4::uuid], '{phone}', 'r', '420101')""",
                *(uuid_utils.compat.uuid7() for _ in range(2)),
                at,
                uuid_utils.compat.uuid7(),
            )
            await Sealer(database, keyring.audit_key, now=lambda at=at: at).seal()  # type: ignore[misc]  # a bound default
    finally:
        await owner.close()
        await database.close()


def execute(dsn: str, statement: str) -> Any:
    async def go() -> Any:
        owner = await asyncpg.connect(dsn)
        try:
            return await owner.fetchval(statement)
        finally:
            await owner.close()

    return asyncio.run(go())


def test_an_untouched_chain_is_whole_and_its_head_can_be_kept(
    dsn: str, keyring: Keyring, audit: Audit
) -> None:
    asyncio.run(sealed(dsn, keyring, 3, 2, 1))
    done = audit("verify")
    assert done.returncode == 0, done.stderr
    assert "3 blocks, 3 rows, 0 blocks past their retention; 0 rows not sealed yet" in done.stdout
    assert "the chain is whole" in done.stdout
    head = done.stdout.split("head ")[1].strip()
    assert head.startswith("3:")
    assert audit("verify", "--expect", head).returncode == 0
    assert audit("verify", "--since", "3").stdout.startswith("1 blocks, 1 rows")
    execute(dsn, "DELETE FROM access_ledger WHERE block = 3")
    execute(dsn, "DELETE FROM access_block WHERE number = 3")
    assert audit("verify").returncode == 0
    cut = audit("verify", "--expect", head)
    assert cut.returncode == 1
    assert "FAULT the chain is cut off: it ends at block 2, and block 3 was kept" in cut.stdout


def test_a_broken_chain_is_exit_code_1_and_names_its_block(dsn: str, keyring: Keyring, audit: Audit) -> None:
    asyncio.run(sealed(dsn, keyring, 2, 1))
    execute(dsn, "UPDATE access_ledger SET purpose = 'research' WHERE block = 2")
    done = audit("verify")
    assert done.returncode == 1
    assert "FAULT block 2 is altered" in done.stdout
    assert "the chain is broken" in done.stdout


def test_a_head_that_is_none_is_refused(audit: Audit) -> None:
    done = audit("verify", "--expect", "3-abc")
    assert done.returncode == 2
    assert "NUMBER:HASH" in done.stderr


def test_pruning_follows_the_setting(dsn: str, keyring: Keyring, audit: Audit) -> None:
    asyncio.run(sealed(dsn, keyring, 2000, 200, 1))
    assert audit("prune").stdout == "1 blocks, 1 rows deleted\n"
    assert audit("prune", KAEJON_ACCESS_LOG_DAYS="90").stdout == "1 blocks, 1 rows deleted\n"
    done = audit("verify")
    assert done.returncode == 0, done.stdout
    assert "3 blocks, 1 rows, 2 blocks past their retention" in done.stdout


def test_a_pruning_that_the_owner_forged_is_exit_code_1(dsn: str, keyring: Keyring, audit: Audit) -> None:
    asyncio.run(sealed(dsn, keyring, 2000, 200, 1))
    assert audit("prune").returncode == 0
    head = audit("verify").stdout.split("head ")[1].strip()
    execute(dsn, "DELETE FROM access_ledger WHERE block = 2")
    execute(
        dsn,
        """UPDATE access_block b SET pruned_at = b.sealed_at + interval '100 days', pruned_hash = o.pruned_hash
           FROM access_block o WHERE b.number = 2 AND o.number = 1""",
    )
    done = audit("verify", "--expect", head)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("FAULT")] == [
        "FAULT block 2 lost its rows without the key"
    ]


def test_a_row_of_no_block_is_exit_code_1_and_counted(dsn: str, keyring: Keyring, audit: Audit) -> None:
    asyncio.run(sealed(dsn, keyring, 1))
    execute(
        dsn,
        """INSERT INTO access_ledger SELECT household_id, gen_random_uuid(), 2, at, client_id, agency, purpose,
             person_ids, fields, request_id, area_code FROM access_ledger""",
    )
    done = audit("verify")
    assert done.returncode == 1
    assert "FAULT block 2 is not there, and 1 rows name it" in done.stdout
    assert "1 rows belong to no block\n" in done.stdout


def test_pruning_leaves_and_tells_what_is_not_as_it_was_sealed(
    dsn: str, keyring: Keyring, audit: Audit
) -> None:
    asyncio.run(sealed(dsn, keyring, 2000, 200, 1))
    execute(dsn, "UPDATE access_block SET sealed_at = sealed_at - interval '9 years' WHERE number = 2")
    execute(dsn, "UPDATE access_ledger SET at = at - interval '9 years' WHERE block = 2")
    done = audit("prune")
    assert done.stdout.startswith("1 blocks, 1 rows deleted\n1 blocks are not as they were sealed")


def test_the_service_prunes_when_it_starts(dsn: str, keyring: Keyring, tmp_path: Path) -> None:
    asyncio.run(sealed(dsn, keyring, 200, 1))
    env = {
        "KAEJON_DATABASE_URL": dsn,
        "KAEJON_KEYS": keyring.to_json(),
        "KAEJON_ACCESS_LOG_DAYS": "100",
    }
    with serving(tmp_path / "data", env=env):
        pass
    assert execute(dsn, "SELECT array_agg(block) FROM access_ledger") == [2]
    assert execute(dsn, "SELECT array_agg(number) FROM access_block WHERE pruned_at IS NOT NULL") == [1]


def test_a_retention_of_less_than_a_quarter_is_refused(audit: Audit) -> None:
    assert Settings().access_log_days == 1825
    done = audit("prune", KAEJON_ACCESS_LOG_DAYS="89")
    assert done.returncode == 1
    assert "access_log_days" in done.stderr


def test_a_running_service_is_verified_while_it_serves(server: RunningServer) -> None:
    centre = server.client("center")
    form = f"grant_type=client_credentials&client_id={centre['client_id']}&client_secret={centre['client_secret']}"
    with urllib.request.urlopen(f"{server.url}/oauth/token", form.encode()) as answer:
        token = json.load(answer)["access_token"]
    headers = {"Authorization": f"Bearer {token}", "X-Purpose": "casework"}
    wanted = urllib.request.Request(f"{server.url}/v1/households?limit=50", headers=headers)
    with urllib.request.urlopen(wanted) as answer:
        assert len(json.load(answer)["items"]) == 50
    done = kaejon("audit", "verify", "--data-dir", server.data_dir)
    assert done.returncode == 0, done.stdout + done.stderr
