"""Backups: sealed, proved, and put back whole."""

import asyncio
import io
import os
import secrets
import stat
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from api.app import keys_of
from api.bootstrap import check_keys
from api.keyring import Keyring
from persistence.backup import CHUNK, BackupError, dump, opened, restore, seal
from persistence.cipher import CannotOpen
from persistence.demo.generator import generate
from persistence.demo.load import load
from persistence.metadata import METADATA
from persistence.migrate import upgrade
from persistence.sealing import Sealing
from tests.conftest import renamed

KEY, OTHER = b"k" * 32, b"o" * 32
HEADER = 64
SEALED_CHUNK = CHUNK + 16


async def pieces(plain: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(plain), size):
        yield plain[start : start + size]


def sealed(plain: bytes, *, size: int = 10_000) -> bytes:
    out = io.BytesIO()
    asyncio.run(seal(KEY, pieces(plain, size), out))
    return out.getvalue()


def read(data: bytes, key: bytes = KEY) -> bytes:
    return b"".join(opened(key, io.BytesIO(data)))


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5])
@pytest.mark.parametrize("size", [7_919, CHUNK, 200_000])
def test_a_stream_comes_back_as_it_was(length: int, size: int) -> None:
    plain = secrets.token_bytes(length)
    data = sealed(plain, size=size)
    assert read(data) == plain
    assert length < 32 or plain[:32] not in data
    assert len(data) == HEADER + length + 16 * max(1, -(-length // CHUNK))


def test_every_file_has_a_key_of_its_own() -> None:
    first, second = sealed(b"same"), sealed(b"same")
    assert first[HEADER:] != second[HEADER:]
    with pytest.raises(BackupError):
        read(first[:HEADER] + second[HEADER:])


PLAIN = b"".join(bytes((number,)) * CHUNK for number in range(4))


@pytest.mark.parametrize("cut", [HEADER, HEADER + 1, HEADER + SEALED_CHUNK, HEADER + 3 * SEALED_CHUNK, -1])
def test_a_file_that_is_cut_off_is_noticed_also_between_chunks(cut: int) -> None:
    with pytest.raises(BackupError, match="damaged"):
        read(sealed(PLAIN)[:cut])


def test_a_file_without_its_beginning_is_no_backup() -> None:
    for data in (b"", sealed(PLAIN)[: HEADER - 1], b"PGDMP" + b"x" * 100):
        with pytest.raises(BackupError, match="not a backup"):
            read(data)


def test_chunks_that_are_swapped_repeated_or_left_out_are_noticed() -> None:
    data = sealed(PLAIN)
    chunks = [data[HEADER + n * SEALED_CHUNK : HEADER + (n + 1) * SEALED_CHUNK] for n in range(4)]
    for order in ([1, 0, 2, 3], [0, 0, 1, 2, 3], [0, 2, 3], [0, 1, 2, 3, 3], [3]):
        with pytest.raises(BackupError, match="damaged"):
            read(data[:HEADER] + b"".join(chunks[n] for n in order))


@pytest.mark.parametrize("place", [17, 40, 60, HEADER, HEADER + SEALED_CHUNK + 3, -1])
def test_one_altered_bit_is_noticed(place: int) -> None:
    data = bytearray(sealed(PLAIN))
    data[place] ^= 1
    with pytest.raises(BackupError):
        read(bytes(data))


def test_another_keyring_is_told_from_damage() -> None:
    with pytest.raises(BackupError, match="another keyring"):
        read(sealed(PLAIN), OTHER)


def test_memory_does_not_grow_with_the_backup(tmp_path: Path) -> None:
    async def much() -> AsyncIterator[bytes]:
        for _ in range(512):
            yield bytes(CHUNK)

    path = tmp_path / "much"
    tracemalloc.start()
    try:
        with path.open("wb") as out:
            asyncio.run(seal(KEY, much(), out))
        with path.open("rb") as back:
            assert sum(len(chunk) for chunk in opened(KEY, back)) == 512 * CHUNK
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 * CHUNK


def said(*_: int) -> None:
    """Nobody listens."""


@pytest.fixture
def empty(server_dsn: str) -> Iterator[str]:
    name = f"kaejon_restored_{secrets.token_hex(4)}"

    async def run(statement: str) -> None:
        connection = await asyncpg.connect(server_dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run(f"CREATE DATABASE {name}"))
    yield renamed(server_dsn, name)
    asyncio.run(run(f"DROP DATABASE {name} WITH (FORCE)"))


async def fetch(dsn: str, sql: str, *values: Any) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        found: list[Any] = await connection.fetch(sql, *values)
        return found
    finally:
        await connection.close()


async def counts(dsn: str) -> dict[str, int]:
    return {table: (await fetch(dsn, f'SELECT count(*) FROM "{table}"'))[0][0] for table in METADATA.tables}


async def test_a_backup_shows_nobody_and_comes_back_whole(
    dsn: str, empty: str, keyring: Keyring, sealing: Sealing, tmp_path: Path
) -> None:
    await load(dsn, 40, areas=["42"], cipher=sealing.cipher, blind_index=sealing.index, progress=said)
    await check_keys(dsn, keyring)
    out = tmp_path / "backup"
    size = await dump(dsn, keyring.backup_key, out, said)
    data = out.read_bytes()
    assert (len(data), stat.S_IMODE(out.stat().st_mode), os.listdir(tmp_path)) == (size, 0o600, ["backup"])

    people = [one for home in generate(40, areas=["42"]) for one in home.members]
    for name in ("citizen_id", "phone", "last_name"):
        values = {getattr(one, name) for one in people} - {None}
        assert len(values) > 5, "otherwise nothing is looked for"
        assert not [value for value in values if value.encode() in data], name
    # The search itself can find: unsealed, the surnames are there to be found.
    assert b"PGDMP" not in data
    assert next(opened(keyring.backup_key, io.BytesIO(data))).startswith(b"PGDMP")

    # Of a server that has counted further than the one it comes back to.
    await fetch(dsn, "UPDATE change SET transaction_id = '900000000000'")
    await dump(dsn, keyring.backup_key, out, said)
    before = await counts(dsn)
    await restore(empty, keyring.backup_key, out, said)
    await upgrade(empty)
    assert await counts(empty) == before
    await check_keys(empty, keyring)
    cipher = keys_of(keyring).cipher
    known = {one.id: one.citizen_id for one in people}
    for row in await fetch(
        empty, "SELECT id, citizen_id_sealed FROM person WHERE citizen_id_sealed IS NOT NULL"
    ):
        assert cipher.open("person", "citizen_id_sealed", row[0], row[1]) == known[row[0]]
    with pytest.raises(CannotOpen):
        keys_of(Keyring.generate()).cipher.open("person", "citizen_id_sealed", row[0], row[1])
    late = await fetch(
        empty, "SELECT count(*) FROM change WHERE transaction_id >= pg_snapshot_xmin(pg_current_snapshot())"
    )
    assert late[0][0] == 0, "the feed would hold these back"


async def test_only_an_empty_database_and_a_whole_file_of_this_keyring_are_taken(
    dsn: str, empty: str, keyring: Keyring, tmp_path: Path
) -> None:
    out = tmp_path / "backup"
    await dump(dsn, keyring.backup_key, out, said)
    with pytest.raises(BackupError, match="not empty"):
        await restore(dsn, keyring.backup_key, out, said)
    with pytest.raises(BackupError, match="another keyring"):
        await restore(empty, OTHER, out, said)
    cut = tmp_path / "cut"
    cut.write_bytes(out.read_bytes()[:-1])
    with pytest.raises(BackupError, match="damaged"):
        await restore(empty, keyring.backup_key, cut, said)
    with pytest.raises(BackupError, match="could not be read"):
        await restore(empty, keyring.backup_key, tmp_path / "absent", said)
    assert await fetch(empty, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []


async def test_a_dump_that_fails_leaves_the_older_one_and_says_why_without_the_password(
    dsn: str, keyring: Keyring, tmp_path: Path
) -> None:
    out = tmp_path / "backup"
    out.write_bytes(b"older")
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CREATE ROLE nobody_much LOGIN PASSWORD 'S3cret-of-the-role'")
        limited = dsn_as(dsn, "nobody_much", "S3cret-of-the-role")
        with pytest.raises(BackupError, match="permission denied") as caught:
            await dump(limited, keyring.backup_key, out, said)
    finally:
        await connection.execute("DROP ROLE nobody_much")
        await connection.close()
    assert "S3cret" not in str(caught.value)
    assert out.read_bytes() == b"older"
    assert os.listdir(tmp_path) == ["backup"]


def dsn_as(dsn: str, user: str, password: str) -> str:
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{host}"))
