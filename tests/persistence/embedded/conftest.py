"""Data directories: with a cluster, without one, and out of the server's reach."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistence.embedded import EmbeddedPostgres
from tests.support.embedded import QUICK, open_room, remove_apart


@pytest.fixture(scope="session")
def pristine() -> Iterator[Path]:
    """A data directory with a cluster that has been started and stopped, to copy from."""
    with open_room() as room:
        with EmbeddedPostgres(room / "data", options=QUICK):
            pass
        yield room / "data"


@pytest.fixture
def data(pristine: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    if getattr(request, "param", "in reach") == "out of reach":
        yield request.getfixturevalue("closed")
        return
    with open_room() as room:
        subprocess.run(["cp", "-a", pristine, room / "data"], check=True)
        yield room / "data"


@pytest.fixture
def empty() -> Iterator[Path]:
    with open_room() as room:
        yield room / "data"


@pytest.fixture
def closed() -> Iterator[Path]:
    """A data directory below directories that only root can pass through."""
    with open_room() as room:
        (room / "closed").mkdir(mode=0o700)
        try:
            yield Path(tempfile.mkdtemp(dir=room / "closed")) / "data"
        finally:
            for pointer in room.rglob("pg.location*"):
                if pointer.exists():  # and is no link to what a test has removed
                    remove_apart(Path(pointer.read_text().strip()))
