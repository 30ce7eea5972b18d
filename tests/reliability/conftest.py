"""What `kaejon serve` leaves behind after its first start, for tests that start it again."""

import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.service import First, postgres_of, serving
from tests.support.waiting import eventually


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "simulation: minutes of random kills; run with -m simulation")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "simulation" in config.option.markexpr:
        return
    asked = [item for item in items if item.get_closest_marker("simulation")]
    if asked:
        config.hook.pytest_deselected(items=asked)
        items[:] = [item for item in items if item not in asked]


@pytest.fixture(scope="session")
def first(open_directory: Path) -> Iterator[First]:
    """One for all modules that a test process runs; it is stopped, and only copied."""
    room = open_directory / "serve"
    room.mkdir(mode=0o711)
    room.chmod(0o711)
    began = time.monotonic()
    with serving(room / "first", "--demo", "--demo-households", "50") as service:
        seconds = time.monotonic() - began
        code = service.stop()
        yield First(
            room / "first", service.url, service.out.read_text(), service.err.read_text(), seconds, code
        )


@pytest.fixture
def data(first: First) -> Iterator[Path]:
    """A copy of the first start's directory, stopped."""
    copy = first.data_dir.with_name(secrets.token_hex(4))
    subprocess.run(["cp", "-a", first.data_dir, copy], check=True)
    yield copy
    assert eventually(lambda: not postgres_of(copy)), "no server is left behind"
    shutil.rmtree(copy)


@pytest.fixture
def bare(first: First) -> Path:
    """A name for a directory that is not there yet."""
    return first.data_dir.with_name(secrets.token_hex(4))
