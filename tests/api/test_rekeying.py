"""A field or index key is changed under one running worker: what was written before is found and opened after."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from api.commands.rotation import Rotation
from api.keyring import Keyring, read_keyring, write_keyring
from persistence.cipher import CannotOpen
from persistence.metadata import METADATA
from persistence.rekeying import fields, index
from persistence.rekeying.workers import AlreadyRotating
from tests.support import builders
from tests.support.api import PURPOSE, Api
from tests.support.service import kaejon

Turn = Callable[[Rotation], Awaitable[None]]
TURNS: dict[str, Turn] = {"field": Rotation.field, "index": Rotation.index}


def test_every_sealed_column_is_sealed_anew() -> None:
    known = {(one.table, one.column) for one in fields.COLUMNS}
    sealed = {
        (table.name, column.name)
        for table in METADATA.tables.values()
        for column in table.columns
        if isinstance(column.type, sa.LargeBinary) and column.name.endswith("_sealed")
    }
    assert sealed == known
    for one in fields.COLUMNS:
        assert [name for name, _ in one.key] == [c.name for c in METADATA.tables[one.table].primary_key]


@pytest.fixture
def keys_file(tmp_path: Path, keyring: Keyring) -> Path:
    path = tmp_path / "keys.json"
    write_keyring(path, keyring, replacing=False)
    return path


@pytest.fixture
async def running(dsn: str, keyring: Keyring, keys_file: Path) -> AsyncIterator[Api]:
    async with Api.open(dsn, keyring, keys_file=keys_file) as opened:
        yield opened


@asynccontextmanager
async def rotation(dsn: str, keys_file: Path, said: list[str] | None = None) -> AsyncIterator[Rotation]:
    connection = await asyncpg.connect(dsn)
    try:
        yield Rotation(
            connection,
            keys_file,
            (said if said is not None else []).append,
            lambda _: nullcontext(lambda done, total: None),
        )
    finally:
        await connection.close()


async def everything_is_found_and_opens(api: Api, made: dict[str, Any], queued: dict[str, Any]) -> None:
    person = made["body"]["members"][0]["person"]
    found = await api.post(
        "team", "/v1/households/search", {"citizen_id": person["citizen_id"]}, headers=PURPOSE
    )
    assert [one["id"] for one in found.json()["items"]] == [made["id"]], found.text
    shown = (await api.get("team", f"/v1/households/{made['id']}", headers=PURPOSE)).json()
    assert shown["members"][0]["person"]["citizen_id"] == person["citizen_id"]
    assert shown["members"][0]["person"]["phone"] == person["phone"]
    taken = await api.post("team", "/v1/households", made["body"])
    assert (taken.status_code, taken.json()["errors"][0]["code"]) == (409, "already-a-member")
    replayed = await api.post("team", "/v1/households", made["body"], headers={"Idempotency-Key": "rekeying"})
    assert (replayed.status_code, replayed.headers.get("idempotency-replayed")) == (201, "true")
    repeated = await api.post("health", "/v1/assistance-events", queued["body"])
    assert (repeated.status_code, repeated.json()["receipt"]["outcome"]) == (200, "duplicate"), repeated.text


@pytest.mark.parametrize("kind", TURNS)
async def test_all_that_was_written_before_is_there_after(
    kind: str, dsn: str, running: Api, keys_file: Path, keyring: Keyring
) -> None:
    body = builders.household()
    answer = await running.post("team", "/v1/households", body, headers={"Idempotency-Key": "rekeying"})
    assert answer.status_code == 201, answer.text
    made = {"id": answer.json()["id"], "body": body}
    later = builders.household()
    event = builders.event(
        "", household={"citizen_id": later["members"][0]["person"]["citizen_id"]}, on_unknown="register"
    )
    queued = await running.post("health", "/v1/assistance-events", event)
    assert queued.json()["receipt"]["outcome"] == "queued"
    await everything_is_found_and_opens(running, made, {"body": event})

    said: list[str] = []
    async with rotation(dsn, keys_file, said) as turn:
        await TURNS[kind](turn)
        assert [line[0] for line in said] == list("1234" if kind == "field" else "12345")
        newer = read_keyring(keys_file)
        assert (newer.current_field_key, newer.current_index_key) == ((2, 1) if kind == "field" else (1, 2))
        assert (len(newer.field_keys), len(newer.index_keys)) == (1, 1)
        assert await fields.left(turn._connection, newer.current_field_key) == 0
        assert await index.foreign(turn._connection, [newer.current_index_key]) == 0
    await everything_is_found_and_opens(running, made, {"body": event})

    # What waited under the old key finds its household under the new one.
    registered = await running.post("team", "/v1/households", later)
    linked = await running.get("health", f"/v1/assistance-events/{queued.json()['id']}")
    assert linked.json()["household_id"] == registered.json()["id"]


async def test_a_corrected_citizen_id_is_free_under_every_key(
    dsn: str, running: Api, keys_file: Path, keyring: Keyring
) -> None:
    """Between the stages, when an id is written under two keys."""
    newer = replace(keyring, index_keys={**keyring.index_keys, 2: b"i" * 32}, signing=None)
    write_keyring(keys_file, newer, replacing=True)
    body = builders.household()
    old = body["members"][0]["person"]["citizen_id"]
    made = await running.post("team", "/v1/households", body)
    person = made.json()["members"][0]["person"]
    connection = await asyncpg.connect(dsn)
    try:
        # The worker looks before it uses keys that it was not sure of for half a second.
        counts = "SELECT array_agg(key_id ORDER BY key_id) FROM citizen_identity WHERE person_id = $1"
        while await connection.fetchval(counts, person["id"]) != [1, 2]:
            await running.call(
                "team",
                "PATCH",
                f"/v1/persons/{person['id']}",
                {"citizen_id": old},
                headers=await match(running, person["id"]),
            )
        new = builders.citizen_id()
        changed = await running.call(
            "team",
            "PATCH",
            f"/v1/persons/{person['id']}",
            {"citizen_id": new},
            headers=await match(running, person["id"]),
        )
        assert changed.status_code == 200, changed.text
        assert await connection.fetchval(counts, person["id"]) == [1, 2]
    finally:
        await connection.close()
    again = builders.household()
    again["members"][0]["person"]["citizen_id"] = old
    assert (await running.post("team", "/v1/households", again)).status_code == 201
    again["members"][0]["person"]["citizen_id"] = new
    assert (await running.post("team", "/v1/households", again)).status_code == 409


async def match(api: Api, person_id: str) -> dict[str, str]:
    return {"If-Match": (await api.get("team", f"/v1/persons/{person_id}", headers=PURPOSE)).headers["etag"]}


@pytest.mark.parametrize("command", ["rotate-field", "rotate-index"])
def test_keys_from_the_environment_are_not_changed_behind_it(command: str, tmp_path: Path) -> None:
    refused = kaejon(
        "keys", command, "--data-dir", tmp_path, env={"KAEJON_KEYS": Keyring.generate().to_json()}
    )
    assert refused.returncode != 0
    assert "KAEJON_KEYS_FILE" in refused.stderr
    assert list(tmp_path.iterdir()) == []


async def test_two_rotations_at_once_are_one(dsn: str, keys_file: Path) -> None:
    before = read_keyring(keys_file).digest
    async with rotation(dsn, keys_file) as first, rotation(dsn, keys_file) as second:
        await first._connection.execute("BEGIN")
        from persistence.rekeying.workers import alone

        await alone(first._connection)
        for turn in TURNS.values():
            with pytest.raises(AlreadyRotating):
                await turn(second)
    assert read_keyring(keys_file).digest == before


async def test_nothing_is_dropped_while_a_worker_has_older_keys(
    dsn: str, running: Api, keys_file: Path
) -> None:
    import asyncio

    connection = await asyncpg.connect(dsn)
    lagging = "00000000-0000-0000-0000-000000000001"
    said: list[str] = []

    async def beat() -> None:
        while True:
            await connection.execute(
                """INSERT INTO key_adoption VALUES ($1, $2, $2, now())
                   ON CONFLICT (worker_id) DO UPDATE SET seen_at = now()""",
                lagging,
                b"o" * 32,
            )
            await asyncio.sleep(0.2)

    beating = asyncio.create_task(beat())
    try:
        async with rotation(dsn, keys_file, said) as turn:
            rotating = asyncio.create_task(turn.field())
            while not any("waiting" in line for line in said):
                assert not rotating.done()
                await asyncio.sleep(0.1)
            stopped = read_keyring(keys_file)
            assert (sorted(stopped.field_keys), stopped.current_field_key) == ([1, 2], 1)
            beating.cancel()
            # Ten seconds after its last word it counts as gone.
            await rotating
    finally:
        beating.cancel()
        await connection.close()
    assert sorted(read_keyring(keys_file).field_keys) == [2]


async def test_rows_of_a_foreign_key_stop_the_rotation_with_nothing_lost(
    dsn: str, running: Api, keys_file: Path
) -> None:
    assert (await running.post("team", "/v1/households", builders.household())).status_code == 201
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("UPDATE person SET phone_sealed = set_byte(phone_sealed, 0, 9)")
    finally:
        await connection.close()
    async with rotation(dsn, keys_file) as turn:
        with pytest.raises(CannotOpen, match="field key 9"):
            await turn.field()
    assert sorted(read_keyring(keys_file).field_keys) == [1, 2]
