"""Real parts for the tests: a PostgreSQL for each test process, databases cloned from one template."""

import asyncio
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from api.keyring import Keyring
from auth.keys import SigningKeys
from persistence.embedded import EmbeddedPostgres
from persistence.engine import Database
from persistence.migrate import upgrade
from persistence.reference.load import load_reference
from persistence.sealing import Sealing
from tests.support.api import Api
from tests.support.server import RunningServer

# How long an example takes says more about the machine than about the code; and the examples of a commit are
# the same wherever and however often it is tested. For others: --hypothesis-profile=explore.
for _name, _settled in (("kaejon", True), ("explore", False)):
    hypothesis.settings.register_profile(
        _name,
        deadline=None,
        derandomize=_settled,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
hypothesis.settings.load_profile("kaejon")

# Processes that tests start may keep what they compile: where the environment forbids it, each of some hundred
# starts of the service would compile all of it again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Tests may lose everything: a crash of this server is a failed run anyway.
UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "128MB"}


# Where several processes share the work: whose modules take longest comes first and whose modules are short comes
# last, so that no process waits long for another at the end.
FIRST, LAST = ("reliability", "security", "persistence", "test_house.py"), ("auth", "domain")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        top = item.path.relative_to(Path(__file__).parent).parts[0]
        return FIRST.index(top) - len(FIRST) if top in FIRST else int(top in LAST)

    if hasattr(config, "workerinput"):
        items.sort(key=rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """A module is the work of one process, so that what it sets up is set up once; in the order above."""
    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


def renamed(dsn: str, database: str) -> str:
    """The same server's other database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


async def _execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def open_directory() -> Iterator[Path]:
    """A directory that another account can walk through: as root, the server runs as one."""
    path = Path(tempfile.mkdtemp(prefix="kaejon-tests-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def server_dsn(open_directory: Path) -> Iterator[str]:
    """The server of this test process: KAEJON_DATABASE_URL's, or an embedded one."""
    outside = os.environ.get("KAEJON_DATABASE_URL")
    if outside:
        yield outside
        return
    with EmbeddedPostgres(open_directory / "pg", options=UNSAFE) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def template(server_dsn: str) -> Iterator[str]:
    """The name of a database with schema and reference data, to be cloned."""
    name = f"kaejon_template_{os.getpid()}"

    async def make() -> None:
        await _execute(server_dsn, f"CREATE DATABASE {name}")
        await upgrade(renamed(server_dsn, name))
        await load_reference(renamed(server_dsn, name), now=datetime.now(UTC))

    asyncio.run(make())
    yield name
    asyncio.run(_execute(server_dsn, f"DROP DATABASE {name} WITH (FORCE)"))


def _cloned(server_dsn: str, template: str) -> Iterator[str]:
    name = f"kaejon_{secrets.token_hex(6)}"
    # File by file: through the log, which is the default, each copy takes half a second of a processor.
    copied = f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"
    asyncio.run(_execute(server_dsn, copied))
    yield renamed(server_dsn, name)
    asyncio.run(_execute(server_dsn, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def dsn(server_dsn: str, template: str) -> Iterator[str]:
    """A fresh database with reference data, as its owner."""
    yield from _cloned(server_dsn, template)


@pytest.fixture(scope="module")
def module_dsn(server_dsn: str, template: str) -> Iterator[str]:
    """One database for a whole module, where tests do not get in each other's way."""
    yield from _cloned(server_dsn, template)


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """Connected in the service's role."""
    opened = await Database.open(dsn, size=5)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    """With signing keys, so that tests can sign as the service does: the first start takes them over."""
    return replace(Keyring.generate(), signing=SigningKeys.generate())


@pytest.fixture(scope="session")
def sealing(keyring: Keyring) -> Sealing:
    from api.app import sealing_of

    return sealing_of(keyring)


@pytest.fixture(scope="module")
async def api(module_dsn: str, keyring: Keyring) -> AsyncIterator[Api]:
    """The whole application in this process, on a database of its module's own."""
    async with Api.open(module_dsn, keyring) as opened:
        yield opened


@pytest.fixture(scope="session")
def server(open_directory: Path) -> Iterator[RunningServer]:
    """`kaejon serve --demo` as a process of its own."""
    with RunningServer.start(open_directory / "demo", households=60) as running:
        yield running
