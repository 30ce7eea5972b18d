"""Backups: what `pg_dump` writes, sealed on its way to the file, and put back into an empty database.

The file is a header and chunks of 64 KiB under AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar,
Rogaway, Vizár 2015): the nonce is the chunk's number and whether it is the last, so that nothing can be cut off,
reordered or repeated unnoticed. Every file has a key of its own, by HKDF from the keyring's backup key and a salt.
"""

import asyncio
import contextlib
import hmac
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import asyncpg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from persistence.embedded import EmbeddedUnavailable, installed_binaries
from persistence.engine import SERVICE_ROLE
from persistence.exchange import epoch

CHUNK = 65_536
"""Bytes of `pg_dump`'s output in one chunk."""
_MAGIC = b"KAEJON BACKUP 1\n"
_SALT, _CHECK, _TAG = 32, 16, 16
_HEADER = len(_MAGIC) + _SALT + _CHECK
_SAID = 4096  # bytes of a program's complaint that are passed on
Progress = Callable[[int, int], None]
"""Bytes done, of how many in all."""


class BackupError(Exception):
    """The backup could not be made or put back. Says what to do; holds nothing of what is in it."""


@dataclass(frozen=True, slots=True)
class _Cipher:
    header: bytes
    aead: AESGCM

    @classmethod
    def of(cls, key: bytes, salt: bytes) -> "_Cipher":
        both = HKDF(hashes.SHA256(), 32 + _CHECK, salt, b"kaejon backup 1").derive(key)
        # The second part tells a wrong key from a damaged file, and nothing of the first.
        return cls(_MAGIC + salt + both[32:], AESGCM(both[:32]))

    def nonce(self, number: int, last: bool) -> bytes:
        return number.to_bytes(11, "big") + bytes((last,))

    def seal(self, number: int, plain: bytes, *, last: bool) -> bytes:
        return self.aead.encrypt(self.nonce(number, last), plain, self.header)

    def open(self, number: int, sealed: bytes, *, last: bool) -> bytes:
        return self.aead.decrypt(self.nonce(number, last), sealed, self.header)


async def seal(key: bytes, plain: AsyncIterator[bytes], out: BinaryIO) -> None:
    """Writes the stream sealed; holds two chunks in memory, whatever its length."""
    cipher = _Cipher.of(key, secrets.token_bytes(_SALT))
    out.write(cipher.header)
    waiting, number = bytearray(), 0
    async for piece in plain:
        waiting += piece
        # One chunk is always held back: only the end of the stream tells which is the last.
        while len(waiting) > CHUNK:
            out.write(cipher.seal(number, bytes(waiting[:CHUNK]), last=False))
            del waiting[:CHUNK]
            number += 1
    out.write(cipher.seal(number, bytes(waiting), last=True))


def opened(key: bytes, sealed: BinaryIO) -> Iterator[bytes]:
    """The stream again, chunk by chunk, each proved before it is given. Raises BackupError."""
    header = sealed.read(_HEADER)
    if len(header) < _HEADER or not header.startswith(_MAGIC):
        raise BackupError("The file is not a backup of this service, or cut off at its very beginning.")
    cipher = _Cipher.of(key, header[len(_MAGIC) : len(_MAGIC) + _SALT])
    if not hmac.compare_digest(cipher.header, header):
        raise BackupError(
            "The backup was sealed with another keyring: restore it with the keyring of the day it was made."
        )
    number, sealed_chunk = 0, sealed.read(CHUNK + _TAG)
    while True:
        following = sealed.read(CHUNK + _TAG)
        last = not following
        try:
            yield cipher.open(number, sealed_chunk, last=last)
        except InvalidTag:
            what = "cut off or altered near its end" if last else f"altered in chunk {number}"
            raise BackupError(f"The backup is damaged: it is {what}. Take another copy.") from None
        if last:
            return
        number, sealed_chunk = number + 1, following


async def dump(dsn: str, key: bytes, out: Path, progress: Progress) -> int:
    """Writes a sealed backup of the database, whole or not at all, as the owner; its size in bytes.

    Consistent as of its beginning, beside a running service. Raises BackupError.
    """
    program, total = await _program("pg_dump", dsn), await _size(dsn)
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(8)}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
            arguments = ["--format=custom", "--no-owner", "--no-password"]
            async with _running(program, dsn, *arguments, reads=False) as process:
                await seal(key, _output(process, lambda done: progress(min(done, total), total)), file)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        temporary.replace(out)
        progress(total, total)
        _settle(out.parent)
    except OSError as error:
        raise BackupError(f"{out} could not be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)
    return size


async def restore(dsn: str, key: bytes, file: Path, progress: Progress) -> None:
    """Puts a backup into an empty database, all of it or nothing, as the owner. Raises BackupError.

    The whole file is proved before anything is written. Afterwards the database has to be migrated, which also
    gives the service's role its rights.
    """
    try:
        with file.open("rb") as sealed:
            await asyncio.to_thread(_prove, key, sealed)
            await _refuse_filled(dsn)
            program = await _program("pg_restore", dsn)
            sealed.seek(0)
            total = os.fstat(sealed.fileno()).st_size
            arguments = ["--no-owner", "--no-password", "--single-transaction", "--exit-on-error"]
            async with _running(program, dsn, *arguments, reads=True) as process:
                await _feed(process, opened(key, sealed), lambda done: progress(min(done, total), total))
    except OSError as error:
        raise BackupError(f"{file} could not be read: {error.strerror}") from None
    await _settle_changes(dsn)


def _prove(key: bytes, sealed: BinaryIO) -> None:
    for _ in opened(key, sealed):
        pass


async def _settle_changes(dsn: str) -> None:
    """Every change counts as long committed.

    The feed gives out what is older than the oldest running transaction. The numbers in the backup are of
    another server's count, and where that was further on they would lie in the future of this one: such changes
    would be held back until it has caught up, which may be never.
    """
    connection = await asyncpg.connect(dsn)
    try:
        if await connection.fetchval("SELECT to_regclass('public.change') IS NOT NULL"):
            await connection.execute(epoch.SETTLE, timeout=None)
        # Whoever followed the feed of what was saved may have seen more than the backup holds.
        if await connection.fetchval("SELECT to_regclass('public.feed_epoch') IS NOT NULL"):
            await connection.execute(epoch.END)
    finally:
        await connection.close()


async def _refuse_filled(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        filled = await connection.fetchval(
            """SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'v', 'p'))"""
        )
        if filled:
            raise BackupError("The database is not empty: a backup is restored into an empty one only.")
        # Its rights stand in the backup, and roles do not: they belong to the server.
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", SERVICE_ROLE):
            await connection.execute(f"CREATE ROLE {SERVICE_ROLE} NOLOGIN")
    finally:
        await connection.close()


async def _program(name: str, dsn: str) -> Path:
    """The first that is as new as the server: of the embedded PostgreSQL, or on the PATH. Raises BackupError."""
    connection = await asyncpg.connect(dsn)
    try:
        server = connection.get_server_version().major
    finally:
        await connection.close()
    candidates = []
    with contextlib.suppress(EmbeddedUnavailable):
        candidates.append(installed_binaries() / name)
    if on_path := shutil.which(name):
        candidates.append(Path(on_path))
    for program in candidates:
        if program.is_file() and await _version(program) >= server:
            return program
    raise BackupError(
        f"There is no {name} of PostgreSQL {server} or newer here: install one, or set KAEJON_PG_BIN."
    )


async def _size(dsn: str) -> int:
    """Bytes of the database: what a dump of it comes near to."""
    connection = await asyncpg.connect(dsn)
    try:
        size: int = await connection.fetchval("SELECT pg_database_size(current_database())")
    finally:
        await connection.close()
    return size


async def _version(program: Path) -> int:
    process = await asyncio.create_subprocess_exec(program, "--version", stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    found = re.search(rb"(\d+)", said)
    return int(found[1]) if found else 0


@asynccontextmanager
async def _running(
    program: Path, dsn: str, *arguments: str, reads: bool
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program while the block lasts; raises BackupError when it did not end well."""
    url, password = _without_password(dsn)
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        # The address stands on the command line, for everybody to see; the password does not.
        f"--dbname={url}",
        stdin=asyncio.subprocess.PIPE if reads else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL if reads else asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **({"PGPASSWORD": password} if password else {})},
    )
    complaint = asyncio.create_task(_complaint(process))
    try:
        yield process
        code = await process.wait()
        said = await complaint
        if code:
            raise BackupError(f"{program.name} failed with code {code}: {said or 'it did not say why'}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        complaint.cancel()


async def _complaint(process: asyncio.subprocess.Process) -> str:
    """The first lines of what it says, without what it quotes: a row may be quoted in them."""
    assert process.stderr is not None
    said = b""
    while piece := await process.stderr.read(_SAID):
        said = (said + piece)[:_SAID]
    lines = [line for line in said.decode(errors="replace").splitlines() if ": error: " in line]
    return "; ".join(line.split(": error: ", 1)[1].split("DETAIL")[0] for line in lines[:3])


async def _output(
    process: asyncio.subprocess.Process, progress: Callable[[int], None]
) -> AsyncIterator[bytes]:
    assert process.stdout is not None
    total = 0
    while piece := await process.stdout.read(CHUNK):
        total += len(piece)
        progress(total)
        yield piece


async def _feed(
    process: asyncio.subprocess.Process, chunks: Iterator[bytes], progress: Callable[[int], None]
) -> None:
    assert process.stdin is not None
    total = 0
    # A program that ends early explains itself by its exit code.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for chunk in chunks:
            process.stdin.write(chunk)
            await process.stdin.drain()
            total += len(chunk)
            progress(total)
        process.stdin.close()
        await process.stdin.wait_closed()


def _without_password(dsn: str) -> tuple[str, str | None]:
    parts = urlsplit(dsn)
    query = parse_qsl(parts.query, keep_blank_values=True)
    password = next((value for name, value in query if name == "password"), None)
    if parts.password is not None:
        password = unquote(parts.password)
    user, _, host = parts.netloc.rpartition("@")
    netloc = f"{user.partition(':')[0]}@{host}" if user else host
    rest = urlencode([(name, value) for name, value in query if name != "password"], quote_via=quote)
    # By hand: a unix socket's address has no host, and the library would leave the two slashes out.
    return f"{parts.scheme}://{netloc}{parts.path}{'?' if rest else ''}{rest}", password


def _settle(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
