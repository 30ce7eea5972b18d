"""From a bare data directory to a database that can be served: schema, reference data, first clients."""

import json
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.exc import ProgrammingError

from api import signing
from api.adoption import KeyringWatch
from api.app import keys_of, new_id, sealing_of
from api.keyring import FILE_NAME, Keyring, KeyringError, load_keyring, write_keyring
from api.settings import Settings
from api.watchdog import kept_running
from auth.clients import ClientSecrets, hash_secret
from domain.access.actor import COUNTRY, Actor, Scope
from domain.access.clients import ClientDraft, create, new_client
from persistence.access.ledger import prune
from persistence.access.signing import PgSigning
from persistence.cipher import CannotOpen
from persistence.demo.clients import demo_clients
from persistence.demo.load import load as load_demo
from persistence.demo.load import loaded as loaded_demo
from persistence.embedded import EmbeddedPostgres, holds_cluster
from persistence.engine import Database
from persistence.exchange.epoch import prune as prune_changes
from persistence.login import serving_login
from persistence.migrate import upgrade
from persistence.reference.load import load_reference
from persistence.sealing import Sealing
from persistence.work import PgWork, WorkFactory

DATABASE = "kaejon"
INSUFFICIENT_PRIVILEGE = "42501"
_RIGHTS = (
    "The login that migrates may not make or hand out the role kaejon_service. Let an administrator run, once: "
    "CREATE ROLE kaejon_service; GRANT kaejon_service TO <that login>;"
)
OLDEST = 15
"""PostgreSQL's first version with all that the schema uses."""
DEMO_CLIENTS_FILE = "demo-clients.json"
Say = Callable[[str], None]

OPERATOR = Actor(
    client_id="operator",
    agency="SCJP",
    scopes=frozenset({Scope.CLIENTS_ADMIN}),
    areas=(COUNTRY,),
    expires_at=0,
    token_id="",
)
"""Who acts on the command line: whoever can read the keyring."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A database at the schema of this code, with its keys."""

    owner_dsn: str
    dsn: str
    keyring: Keyring
    keys_file: Path | None = None
    """Where newer keys would stand, for work that goes on while they are changed."""

    def sealing(self) -> Sealing:
        """The keys as they are now, and as they will be when this is used later."""
        sealing = sealing_of(self.keyring)
        sealing.watch(
            KeyringWatch(self.keys_file, self.keyring, lambda newer: sealing.use(keys_of(newer))).look
        )
        return sealing


@contextmanager
def database_server(settings: Settings) -> Iterator[tuple[str, str]]:
    """URLs of the owner and of the service: the outside server's, or the embedded one while this runs."""
    if settings.database_url is not None:
        yield settings.owner_database_url or settings.database_url, settings.database_url
        return
    server = EmbeddedPostgres(settings.data_dir)
    url = _embedded_url(server.start())
    with kept_running(server):
        yield url, url


def _embedded_url(url: str) -> str:
    return url.replace("/postgres?", f"/{DATABASE}?")


def keyring_of(settings: Settings) -> Keyring:
    """The keys from the environment, or from the data directory, where they are made at the first start."""
    file = os.environ.get("KAEJON_KEYS_FILE")
    return load_keyring(
        text=os.environ.get("KAEJON_KEYS"),
        file=Path(file) if file else None,
        data_dir=settings.data_dir,
        external_database=False,
        holds_data=settings.database_url is None and holds_cluster(settings.data_dir),
    )


async def prepare(settings: Settings, owner_dsn: str, dsn: str, keyring: Keyring, say: Say) -> Prepared:
    """Creates the embedded database, migrates, and loads what is new in the reference data."""
    if settings.database_url is None:
        await create_database(owner_dsn)
    else:
        for one in dict.fromkeys((owner_dsn, dsn)):
            await _refuse_unusable(one)
    try:
        await upgrade(owner_dsn)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != INSUFFICIENT_PRIVILEGE:
            raise
        # The statement it was, without values: it has none.
        raise DatabaseUnusable(_RIGHTS) from None
    for loaded in await load_reference(owner_dsn, now=datetime.now(UTC)):
        if loaded.changed:
            say(f"reference data: {loaded.file}, {loaded.rows} rows")
    await check_keys(owner_dsn, keyring)
    if settings.database_url is None:
        dsn = await serving_login(owner_dsn)
    return await _with_signing_keys(Prepared(owner_dsn, dsn, keyring, keys_file(settings)), say)


async def forget_old_access(settings: Settings, prepared: Prepared, say: Say) -> None:
    """Lets the access log go where it is older than its retention; as the owner, the service may not."""
    gone = await prune(
        prepared.owner_dsn,
        prepared.keyring.audit_key,
        days=settings.access_log_days,
        now=datetime.now(UTC),
        new_id=new_id,
    )
    if gone.rows:
        say(f"access log: {gone.rows} rows were older than {settings.access_log_days} days")
    if gone.left:
        say(f"access log: {gone.left} old blocks are not as they were sealed: run kaejon audit verify")


async def forget_old_changes(settings: Settings, prepared: Prepared, say: Say) -> None:
    """Lets the changes of the feed go where they are older than their retention; as the owner, as the log above."""
    kept = timedelta(days=settings.feed_days)
    gone = await prune_changes(prepared.owner_dsn, kept=kept, now=datetime.now(UTC))
    if gone:
        say(f"change feed: {gone} changes were older than {settings.feed_days} days")


async def create_database(dsn: str) -> None:
    """In the embedded server, where it is missing."""
    connection = await asyncpg.connect(dsn.replace(f"/{DATABASE}?", "/postgres?"))
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()


class DatabaseUnusable(Exception):
    """The outside database does not answer, or is too old."""


async def _refuse_unusable(dsn: str) -> None:
    """Says what is wrong with an outside database by the kind of the error: its text may quote the URL."""
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseUnusable(
            f"The database of KAEJON_DATABASE_URL cannot be reached ({type(error).__name__}): "
            "check the address, the login, the database's name, and that it runs."
        ) from None
    try:
        version = connection.get_server_version()
    finally:
        await connection.close()
    if version.major < OLDEST:
        raise DatabaseUnusable(
            f"PostgreSQL {version.major} is too old: this service needs {OLDEST} or newer."
        )


class WrongKeys(Exception):
    """The keyring does not open what the database holds."""


async def check_keys(dsn: str, keyring: Keyring) -> None:
    """Refuses to serve under other keys than the first start's: every read and write would go wrong.

    The first start leaves a fingerprint of what is never rotated, so that of two hosts that each made keys of
    their own for one empty database the second is told so. Keys that are rotated are tried on one row.
    """
    connection = await asyncpg.connect(dsn)
    try:
        known = await connection.fetchval(
            """INSERT INTO reference_load (file, sha256, rows) VALUES ('keyring', $1, 0)
               ON CONFLICT (file) DO UPDATE SET file = reference_load.file RETURNING sha256""",
            keyring.fingerprint,
        )
        sealed = await connection.fetchrow(
            """SELECT household_id, id, citizen_id_sealed FROM person
               WHERE citizen_id_sealed IS NOT NULL ORDER BY household_id, id LIMIT 1"""
        )
        found = sealed and await connection.fetch(
            "SELECT key_id, blind_index FROM citizen_identity WHERE person_id = $1", sealed["id"]
        )
    finally:
        await connection.close()
    if known != keyring.fingerprint or (sealed and not _fits(keyring, sealed["id"], sealed[2], dict(found))):
        raise WrongKeys(
            f"The keys ({FILE_NAME}, KAEJON_KEYS or KAEJON_KEYS_FILE) are not those this database was sealed with."
        )


def _fits(keyring: Keyring, person_id: UUID, sealed: bytes, indices: dict[int, bytes]) -> bool:
    """Whether the citizen id opens, and is found under the key that is looked with."""
    keys = keys_of(keyring)
    try:
        citizen_id = keys.cipher.open("person", "citizen_id_sealed", person_id, sealed)
    except CannotOpen:
        return False
    return indices.get(keys.index.current) == keys.index.of(citizen_id)


@asynccontextmanager
async def signing_store(prepared: Prepared) -> AsyncIterator[PgSigning]:
    """The signing keys of the database; made at its first start, or taken over from an older keyring."""
    database = await Database.open(prepared.dsn, size=1)
    try:
        store = PgSigning(database, prepared.sealing())
        await signing.first(store, prepared.keyring.signing, now=datetime.now(UTC))
        yield store
    finally:
        await database.close()


async def _with_signing_keys(prepared: Prepared, say: Say) -> Prepared:
    """With a keyring that holds none itself."""
    async with signing_store(prepared):
        pass
    if prepared.keyring.signing is None:
        return prepared
    rest = replace(prepared.keyring, signing=None)
    if prepared.keys_file is not None:
        try:
            write_keyring(prepared.keys_file, rest, replacing=True)
        except KeyringError:
            say("The signing keys now stand in the database: take signing_keys out of the keyring's file.")
    return replace(prepared, keyring=rest)


def keys_file(settings: Settings) -> Path | None:
    """Where the keyring stands; None when it came in KAEJON_KEYS."""
    if os.environ.get("KAEJON_KEYS") is not None:
        return None
    file = os.environ.get("KAEJON_KEYS_FILE")
    return Path(file) if file else settings.data_dir / FILE_NAME


async def first_admin(settings: Settings, prepared: Prepared) -> None:
    """Makes the admin client that the environment names, if the database has no client at all."""
    if (settings.admin_client_id is None) != (settings.admin_client_secret is None):
        raise SystemExit("kaejon: set both KAEJON_ADMIN_CLIENT_ID and KAEJON_ADMIN_CLIENT_SECRET, or neither")
    if settings.admin_client_id is None or settings.admin_client_secret is None:
        return
    draft = ClientDraft(
        name="First administrator",
        agency="SCJP",
        scopes=[Scope.CLIENTS_ADMIN, Scope.AUDIT_READ],
        areas=[COUNTRY],
    )
    secret = hash_secret(settings.admin_client_secret, prepared.keyring.client_pepper)
    async with working(prepared) as works, works.writing(OPERATOR) as work:
        if not await work.connection.fetchval("SELECT EXISTS (SELECT FROM client)"):
            client = new_client(settings.admin_client_id, draft, now=datetime.now(UTC))
            await work.clients.add(OPERATOR, client, secret)


def secrets_of(prepared: Prepared) -> ClientSecrets:
    """How this installation makes and hashes client secrets."""
    return ClientSecrets(pepper=prepared.keyring.client_pepper, entropy=secrets.token_bytes)


class _Working:
    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared

    async def __aenter__(self) -> WorkFactory:
        self._database = await Database.open(self._prepared.dsn, size=2)
        return WorkFactory(self._database, self._prepared.sealing(), new_id)

    async def __aexit__(self, *_: object) -> None:
        await self._database.close()


def working(prepared: Prepared) -> _Working:
    """Units of work on a small pool, for the command line."""
    return _Working(prepared)


async def demo(
    settings: Settings,
    prepared: Prepared,
    households: int,
    progress: Callable[[int, int], None],
    say: Say,
) -> bool:
    """On an empty database: the synthetic province, and its ten clients.

    Elsewhere nothing: clients of the demo would have the run of what was recorded. Whether it is a demo.
    """
    connection = await asyncpg.connect(prepared.owner_dsn)
    try:
        empty = not await connection.fetchval("SELECT EXISTS (SELECT FROM household)")
        if not empty and await loaded_demo(connection) is None:
            say("no demo: the database holds households, and a demo goes into an empty one")
            return False
    finally:
        await connection.close()
    if empty:
        sealing = prepared.sealing()
        await load_demo(
            prepared.owner_dsn,
            households,
            areas=["42"],
            cipher=sealing.cipher,
            blind_index=sealing.index,
            progress=progress,
        )
    await _demo_clients(settings.data_dir / DEMO_CLIENTS_FILE, prepared)
    return True


async def _demo_clients(path: Path, prepared: Prepared) -> None:
    """Ten clients with fresh secrets; a file that is there names clients that are there."""
    if path.exists():  # noqa: ASYNC240 - nothing is served yet
        return
    issued: list[dict[str, Any]] = []
    async with working(prepared) as works, works.writing(OPERATOR) as work:
        for demo_client in demo_clients():
            issued.append(await _demo_client(work, demo_client, prepared))
        _write_private(path, json.dumps({"clients": issued}, ensure_ascii=False, indent=2))


async def _demo_client(work: PgWork, demo_client: Any, prepared: Prepared) -> dict[str, Any]:
    draft = ClientDraft(
        name=demo_client.name,
        agency=demo_client.agency,
        scopes=list(demo_client.scopes),
        areas=list(demo_client.areas),
    )
    client = await create(work, OPERATOR, draft, now=datetime.now(UTC), secrets=secrets_of(prepared))
    return {
        "name": client.name,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "agency": client.agency,
        "scopes": client.scopes,
        "areas": client.areas,
    }


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(
        os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    temporary.replace(path)
