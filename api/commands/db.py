"""`kaejon db`: the embedded server, and backups of whichever database is served."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from api.commands.shell import DataDir, explained, progress, say, settings_of

app = typer.Typer(no_args_is_help=True, help="The embedded database server, and backups.")


@app.command("start")
def start(data_dir: DataDir = None) -> None:
    """Run the embedded server in the foreground until interrupted."""
    from api import bootstrap

    settings = settings_of(data_dir=data_dir)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with explained():
        keyring = bootstrap.keyring_of(settings)
        with bootstrap.database_server(settings) as (owner_dsn, dsn):
            asyncio.run(bootstrap.prepare(settings, owner_dsn, dsn, keyring, say))
            say("The embedded PostgreSQL runs; `kaejon db url` prints its address. Ctrl-C stops it.")
            signal.pause()


@app.command("stop")
def stop(data_dir: DataDir = None) -> None:
    """Stop the process that owns the data directory, and the server with it."""
    import os

    from persistence.embedded import owner_of

    pid = owner_of(settings_of(data_dir=data_dir).data_dir)
    if pid is None:
        raise SystemExit("kaejon: no server runs in that directory")
    os.kill(pid, signal.SIGTERM)
    say(f"asked process {pid} to stop")


@app.command("url")
def url(data_dir: DataDir = None) -> None:
    """Print the address of the running embedded server; it holds the password."""
    from api.bootstrap import DATABASE
    from persistence.embedded import running_url

    found = running_url(settings_of(data_dir=data_dir).data_dir)
    if found is None:
        raise SystemExit("kaejon: no server runs in that directory")
    sys.stdout.write(found.replace("/postgres?", f"/{DATABASE}?") + "\n")


@app.command("dump")
def dump(
    out: Annotated[Path, typer.Option(help="The file, of mode 0600; what is there is replaced at the end.")],
    data_dir: DataDir = None,
) -> None:
    """Write a backup, sealed under the keyring's backup key, also while the service runs."""
    from api import bootstrap
    from persistence.backup import BackupError
    from persistence.backup import dump as write
    from persistence.embedded import running_url

    settings = settings_of(data_dir=data_dir)
    with explained(), progress("bytes") as told:
        keyring = bootstrap.keyring_of(settings)
        try:
            running = None if settings.database_url else running_url(settings.data_dir)
            if running is not None:
                dsn = running.replace("/postgres?", f"/{bootstrap.DATABASE}?")
                size = asyncio.run(write(dsn, keyring.backup_key, out.absolute(), told))
            else:
                with bootstrap.database_server(settings) as (owner_dsn, _):
                    size = asyncio.run(write(owner_dsn, keyring.backup_key, out.absolute(), told))
        except BackupError as error:
            raise SystemExit(f"kaejon: {error}") from None
    say(f"wrote {out}, {size} bytes; it opens with the keyring of today: keep a copy of that somewhere else")


@app.command("restore")
def restore(
    file: Annotated[Path, typer.Option("--in", help="A backup that `kaejon db dump` wrote.")],
    data_dir: DataDir = None,
) -> None:
    """Put a backup into an empty database; the keyring of its day has to be in its place already."""
    from api import bootstrap
    from persistence.backup import BackupError
    from persistence.backup import restore as read

    settings = settings_of(data_dir=data_dir)
    path = bootstrap.keys_file(settings)
    if path is not None and not path.exists():
        raise SystemExit(f"kaejon: put the keyring of the day of the backup into {path} first")
    with explained():
        keyring = bootstrap.keyring_of(settings)
        with bootstrap.database_server(settings) as (owner_dsn, dsn):

            async def put_back() -> None:
                if settings.database_url is None:
                    await bootstrap.create_database(owner_dsn)
                with progress("bytes") as told:
                    await read(owner_dsn, keyring.backup_key, file, told)
                await bootstrap.prepare(settings, owner_dsn, dsn, keyring, say)

            try:
                asyncio.run(put_back())
            except BackupError as error:
                raise SystemExit(f"kaejon: {error}") from None
    say("restored; `kaejon serve` serves it")
