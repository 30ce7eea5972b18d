"""The cluster on disk: made once, complete or not at all."""

import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from persistence.embedded.account import Account
from persistence.embedded.child import spawn
from persistence.embedded.errors import EmbeddedUnavailable
from persistence.embedded.files import sync_directory, write_private

SUPERUSER = "postgres"
CLUSTER = "pg"
PASSWORD = "superuser.password"  # noqa: S105 (the name of the file)
_STAGE = "initdb-"


def ensure_cluster(home: Path, password: Path, *, binaries: Path, account: Account, sync: bool) -> Path:
    """The cluster in its home, made first if there is none; returns its path. `password` is a file for us.

    It is made aside and moved into place, so that whatever has the final name is whole and has its password.
    Raises EmbeddedUnavailable when `initdb` fails or the place is taken by something else.
    """
    cluster = home / CLUSTER
    for leftover in home.glob(_STAGE + "*"):
        shutil.rmtree(leftover, ignore_errors=True)
    if cluster.exists():
        if not (cluster / "PG_VERSION").is_file():
            raise EmbeddedUnavailable(
                f"{cluster} exists but is no PostgreSQL cluster: "
                "move it away, or choose another directory with --data-dir"
            )
        return cluster
    stage = Path(tempfile.mkdtemp(prefix=_STAGE, dir=home))
    account.own(stage)
    secret = secrets.token_urlsafe(32)
    theirs = stage / "password"
    write_private(theirs, secret)
    account.own(theirs)
    _initdb(stage, theirs, binaries=binaries, account=account, sync=sync)
    # Written again rather than moved: the home may be on another disk, and the stage is the account's.
    password.unlink(missing_ok=True)
    write_private(password, secret)
    sync_directory(password.parent)
    (stage / CLUSTER).rename(cluster)
    sync_directory(home)
    shutil.rmtree(stage)
    return cluster


def superuser_password(file: Path) -> str:
    """Raises EmbeddedUnavailable when it is lost; the cluster keeps only a hash of it."""
    try:
        return file.read_text()
    except FileNotFoundError:
        raise EmbeddedUnavailable(
            f"{file} is missing, and the cluster of no use without it: restore it from a backup"
        ) from None


def _initdb(stage: Path, password: Path, *, binaries: Path, account: Account, sync: bool) -> None:
    command: list[str | Path] = [
        binaries / "initdb",
        f"--pgdata={stage / CLUSTER}",
        f"--username={SUPERUSER}",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--data-checksums",
        "--encoding=UTF8",
        *_locale(binaries),
        *([] if sync else ["--no-sync"]),
    ]
    with tempfile.TemporaryFile() as output:
        process = spawn(command, account=account, death_signal=signal.SIGKILL, output=output)
        try:
            code = process.wait()
        except BaseException:
            process.kill()
            raise
        output.seek(0)
        if code != 0:
            text = output.read().decode(errors="replace").strip()
            raise EmbeddedUnavailable(
                f"initdb failed in {stage}, as user id {account.uid}:\n{text}\n"
                "Run as a user with an entry in /etc/passwd and space on the disk, or set KAEJON_DATABASE_URL"
            )


def _locale(binaries: Path) -> tuple[str, ...]:
    """UTF-8 by code point, the same on every system: PostgreSQL's own from 17 on, before that the libc's."""
    version = subprocess.run(  # noqa: S603 (our own command)
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    major = re.search(r"\(PostgreSQL\) (\d+)", version)
    if major is not None and int(major[1]) < 17:
        return ("--locale=C.UTF-8",)
    return ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
