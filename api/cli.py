"""`kaejon`: serve, operate, and load. The composition root of the command line."""

import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from api import logs
from api.commands import audit, changes, client, db, export, imports, keys
from api.commands.shell import DataDir
from api.commands.shell import explained as _explained
from api.commands.shell import progress as _progress
from api.commands.shell import say as _say
from api.commands.shell import settings_of as _settings
from api.commands.shell import with_database as _with_database
from api.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
reference_app = typer.Typer(no_args_is_help=True, help="Reference data.")
app.add_typer(client.app, name="client")
app.add_typer(reference_app, name="reference")
app.add_typer(db.app, name="db")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.command("export")(export.export)
app.command("import")(imports.import_file)
app.add_typer(changes.app, name="changes")


@app.command()
def serve(
    host: str | None = None,
    port: int | None = None,
    data_dir: DataDir = None,
    workers: int | None = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Load a synthetic province into an empty database.")
    ] = False,
    demo_households: Annotated[int, typer.Option(min=1, max=10_000_000)] = 2000,
) -> None:
    """Start the service; without KAEJON_DATABASE_URL with its own PostgreSQL in the data directory."""
    from api import bootstrap
    from api.serve import refuse_taken, say_ready
    from api.serve import serve as run

    # A SIGTERM before the server has its own handler must still stop what was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    settings = _settings(host=host, port=port, data_dir=data_dir, workers=workers)
    with _explained():
        keyring = bootstrap.keyring_of(settings)
        with bootstrap.database_server(settings) as (owner_dsn, dsn):
            # Before the demo is loaded, which may take minutes.
            refuse_taken(settings)
            is_demo = False

            async def ready() -> bootstrap.Prepared:
                nonlocal is_demo
                prepared = await bootstrap.prepare(settings, owner_dsn, dsn, keyring, _say)
                await bootstrap.first_admin(settings, prepared)
                await bootstrap.forget_old_access(settings, prepared, _say)
                await bootstrap.forget_old_changes(settings, prepared, _say)
                if demo:
                    with _progress("demo households") as progress:
                        is_demo = await bootstrap.demo(settings, prepared, demo_households, progress, _say)
                return prepared

            prepared = asyncio.run(ready())

            def announce(url: str) -> None:
                say_ready(url)
                if is_demo:
                    _say(_demo_hint(settings, url))

            run(settings, prepared, announce)


@app.command()
def worker(data_dir: DataDir = None) -> None:
    """Run imports, exports and webhooks against KAEJON_DATABASE_URL; `serve` does so itself unless told not to."""
    from api import bootstrap
    from api.serve import hand_down
    from api.worker import main as run

    settings = _settings(data_dir=data_dir)
    if settings.database_url is None:
        raise SystemExit(
            "kaejon: set KAEJON_DATABASE_URL; beside the embedded database `kaejon serve` runs the jobs"
        )
    with _explained():
        keyring = bootstrap.keyring_of(settings)
        with bootstrap.database_server(settings) as (owner_dsn, dsn):
            prepared = asyncio.run(bootstrap.prepare(settings, owner_dsn, dsn, keyring, _say))
            hand_down(settings, prepared)
            run()


def _demo_hint(settings: Settings, url: str) -> str:
    """A curl that works, with no secret on the screen."""
    file = settings.data_dir / "demo-clients.json"
    pick = (
        "import json,sys;c={c['name']:c for c in json.load(open(sys.argv[1]))['clients']}['frontend'];"
        "print(c['client_id']+':'+c['client_secret'])"
    )
    return (
        "Try:\n"
        f'  ID=$(python3 -c "{pick}" {file})\n'
        f'  TOKEN=$(curl -s -u "$ID" -d grant_type=client_credentials {url}/oauth/token'
        " | python3 -c 'import json,sys;print(json.load(sys.stdin)[\"access_token\"])')\n"
        f'  curl -s -H "Authorization: Bearer $TOKEN" "{url}/v1/households?area=42&limit=2"'
    )


@reference_app.command("load")
def reference_load(
    file: Annotated[
        list[Path] | None, typer.Option(help="A newer official file, named as the packaged one; repeat.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Load the packaged reference data, or newer official files in their place."""
    from datetime import UTC, datetime

    from persistence.reference.files import FILES
    from persistence.reference.load import load_reference

    replaced = {path.name: path for path in file or []}
    for name, path in replaced.items():
        if name not in FILES:
            raise SystemExit(f"kaejon: no reference file is called {name}; there are {', '.join(FILES)}")
        if not path.is_file():
            raise SystemExit(f"kaejon: there is no file {path}")
    for loaded in _with_database(
        _settings(data_dir=data_dir),
        lambda prepared: load_reference(prepared.owner_dsn, replaced=replaced, now=datetime.now(UTC)),
    ):
        sys.stdout.write(
            f"{loaded.file}: {loaded.rows} rows, {'loaded' if loaded.changed else 'unchanged'}\n"
        )


@app.command("demo-data")
def demo_data(
    households: Annotated[int, typer.Option(min=1, max=40_000_000)],
    out: Annotated[Path, typer.Option(help="A directory; it is made where it is missing.")],
    areas: Annotated[list[str] | None, typer.Option(help="Area-code prefixes; repeat.")] = None,
) -> None:
    """Write the synthetic households as files, bodies as the API takes them."""
    from persistence.demo.files import write

    with _progress("households") as progress:
        try:
            write(out, households, areas=areas or ["42"], progress=progress)
        except ValueError as error:
            raise SystemExit(f"kaejon: {error}") from None


@app.command()
def contract(out: Path = Path("openapi")) -> None:
    """Write openapi.json and schema.graphql."""
    from api.contract.files import write_contract

    write_contract(out)


@app.callback()
def main() -> None:
    logs.configure(logging.INFO)


if __name__ == "__main__":
    app()
