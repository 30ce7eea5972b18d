"""`kaejon keys`: makes them, and turns each kind into its next one while the service runs."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api.commands.shell import DataDir, explained, progress, say, settings_of, with_database

app = typer.Typer(no_args_is_help=True, help="The service's keys.")


@app.command("generate")
def generate(file: Path) -> None:
    """Write a new keyring to a file of mode 0600, for KAEJON_KEYS_FILE."""
    from api.keyring import Keyring, write_keyring

    with explained():
        try:
            write_keyring(file, Keyring.generate(), replacing=False)
        except FileExistsError:
            raise SystemExit(f"kaejon: {file} exists; keys are never overwritten") from None
    say(f"wrote {file}; keep a copy apart from the database's backups")


@app.command("rotate")
def rotate(
    now: Annotated[
        bool,
        typer.Option("--now", help="Although the next key has been published for less than ten minutes."),
    ] = False,
    drop: Annotated[
        str | None,
        typer.Option(metavar="KID", help="Take this leaked key out, with every token it has signed."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Turn the signing keys: the next one signs, and the one before is known for as long as its tokens live."""
    from api import bootstrap, signing
    from auth.keys import BadKey

    def step(store: Any) -> Awaitable[Any]:
        at = datetime.now(UTC)
        return signing.rotate(store, now=at, early=now) if drop is None else signing.drop(store, drop, now=at)

    async def work(prepared: bootstrap.Prepared) -> Any:
        async with bootstrap.signing_store(prepared) as store:
            return await signing.patiently(lambda: step(store), patient=now or drop is not None)

    try:
        keys = with_database(settings_of(data_dir=data_dir), work)
    except (signing.TooEarly, BadKey) as error:
        raise SystemExit(f"kaejon: {error}") from None
    for key in keys.keys:
        say(f"{key.state.value:<9}{key.kid}")


@app.command("rotate-field")
def rotate_field(data_dir: DataDir = None) -> None:
    """Seal every citizen id, phone and kept answer under a new field key. Broken off, it goes on where it was."""
    _rotate(data_dir, lambda rotation: rotation.field())


@app.command("rotate-index")
def rotate_index(data_dir: DataDir = None) -> None:
    """Index every citizen id under a new index key. Broken off, it goes on where it was."""
    _rotate(data_dir, lambda rotation: rotation.index())


def _rotate(data_dir: Path | None, run: Callable[[Any], Awaitable[None]]) -> None:
    import asyncpg

    from api import bootstrap
    from api.commands.rotation import Rotation
    from persistence.cipher import CannotOpen
    from persistence.rekeying.index import NotUnique
    from persistence.rekeying.workers import AlreadyRotating

    settings = settings_of(data_dir=data_dir)
    path = bootstrap.keys_file(settings)
    if path is None:
        raise SystemExit(
            "kaejon: keys that come in KAEJON_KEYS cannot be changed from here: put them into a file, name it in "
            "KAEJON_KEYS_FILE, and start the service again"
        )

    async def work(prepared: bootstrap.Prepared) -> None:
        await bootstrap.check_keys(prepared.owner_dsn, prepared.keyring)
        connection = await asyncpg.connect(prepared.owner_dsn)
        try:
            await run(Rotation(connection, path, say, progress))
        finally:
            await connection.close()

    try:
        with_database(settings, work)
    except (AlreadyRotating, CannotOpen, NotUnique) as error:
        raise SystemExit(f"kaejon: {error}") from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise SystemExit("kaejon: broken off; run the command again, and it goes on from here") from None
    say("done. Older backups still need the keyring of their day.")
