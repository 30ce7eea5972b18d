"""`kaejon`: serve, operate, and load. The composition root of the command line."""

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api import logs
from api.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
client_app = typer.Typer(no_args_is_help=True, help="Clients of the service.")
reference_app = typer.Typer(no_args_is_help=True, help="Reference data.")
db_app = typer.Typer(no_args_is_help=True, help="The embedded database server.")
keys_app = typer.Typer(no_args_is_help=True, help="The service's keys.")
app.add_typer(client_app, name="client")
app.add_typer(reference_app, name="reference")
app.add_typer(db_app, name="db")
app.add_typer(keys_app, name="keys")

console = Console(stderr=True)
DataDir = Annotated[Path | None, typer.Option(help="Where the embedded database and the keys are.")]


def _say(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _settings(**given: Any) -> Settings:
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        # The names and what was wanted, never the values: one of them is a password.
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise SystemExit(f"kaejon: a setting is not valid: {faults}") from None
    return settings.model_copy(update={"data_dir": settings.data_dir.absolute()})


@contextmanager
def _explained() -> Any:
    """What an operator can mend is said in a sentence; anything else keeps its traceback."""
    from api.bootstrap import DatabaseUnusable, WrongKeys
    from api.keyring import KeyringError
    from api.serve import PortTaken
    from domain.errors import DomainError
    from persistence.embedded import DataDirectoryInUse, EmbeddedUnavailable
    from persistence.migrate import SchemaAhead
    from persistence.reference.sheets import ReferenceFileError

    try:
        yield
    except DomainError as error:
        faults = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in error.faults)
        raise SystemExit(f"kaejon: {error.detail} {faults}".rstrip()) from None
    except (
        DatabaseUnusable, DataDirectoryInUse, EmbeddedUnavailable, KeyringError, PortTaken, ReferenceFileError,
        SchemaAhead, WrongKeys,
    ) as error:  # fmt: skip
        raise SystemExit(f"kaejon: {error}") from None


@contextmanager
def _progress(label: str) -> Any:
    """A bar on a terminal, a line now and then elsewhere."""
    if not console.is_terminal:
        yield _logged_progress(label)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(label)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _logged_progress(label: str) -> Callable[[int, int], None]:
    said = 0

    def progress(done: int, total: int) -> None:
        nonlocal said
        if done == total or done - said >= max(total // 10, 1):
            said = done
            _say(f"{label}: {done} of {total}")

    return progress


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


def _with_database(settings: Settings, work: Callable[[Any], Any]) -> Any:
    """Runs against the running embedded server of the data directory, or starts it for the while."""
    from api import bootstrap
    from persistence.embedded import running_url

    with _explained():
        keyring = bootstrap.keyring_of(settings)
        url = None if settings.database_url else running_url(settings.data_dir)
        if url is not None:
            dsn = url.replace("/postgres?", f"/{bootstrap.DATABASE}?")
            return asyncio.run(work(bootstrap.Prepared(dsn, dsn, keyring)))
        with bootstrap.database_server(settings) as (owner_dsn, dsn):

            async def go() -> Any:
                return await work(await bootstrap.prepare(settings, owner_dsn, dsn, keyring, _say))

            return asyncio.run(go())


@client_app.command("create")
def client_create(
    agency: Annotated[str, typer.Option(help="Agency code, e.g. PROV_MOPH-42.")],
    scope: Annotated[list[str], typer.Option(help="Repeat for each scope.")],
    area: Annotated[list[str], typer.Option(help="Area code, or * for the country; repeat.")],
    name: str = "Created on the command line",
    data_dir: DataDir = None,
) -> None:
    """Create a client; its secret is printed once."""
    from api import bootstrap, parsing
    from domain.access.clients import ClientDraft

    body = json.dumps({"name": name, "agency": agency, "scopes": scope, "areas": area}).encode()
    with _explained():
        draft = parsing.body(body, ClientDraft)
    issued = _with_database(
        _settings(data_dir=data_dir), lambda prepared: bootstrap.create_client(prepared, draft)
    )
    sys.stdout.write(issued.model_dump_json(indent=2) + "\n")


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


@db_app.command("start")
def db_start(data_dir: DataDir = None) -> None:
    """Run the embedded server in the foreground until interrupted."""
    from api import bootstrap

    settings = _settings(data_dir=data_dir)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with _explained():
        keyring = bootstrap.keyring_of(settings)
        with bootstrap.database_server(settings) as (owner_dsn, dsn):
            asyncio.run(bootstrap.prepare(settings, owner_dsn, dsn, keyring, _say))
            _say("The embedded PostgreSQL runs; `kaejon db url` prints its address. Ctrl-C stops it.")
            signal.pause()


@db_app.command("stop")
def db_stop(data_dir: DataDir = None) -> None:
    """Stop the process that owns the data directory, and the server with it."""
    import os

    from persistence.embedded import owner_of

    pid = owner_of(_settings(data_dir=data_dir).data_dir)
    if pid is None:
        raise SystemExit("kaejon: no server runs in that directory")
    os.kill(pid, signal.SIGTERM)
    _say(f"asked process {pid} to stop")


@db_app.command("url")
def db_url(data_dir: DataDir = None) -> None:
    """Print the address of the running embedded server; it holds the password."""
    from api.bootstrap import DATABASE
    from persistence.embedded import running_url

    url = running_url(_settings(data_dir=data_dir).data_dir)
    if url is None:
        raise SystemExit("kaejon: no server runs in that directory")
    sys.stdout.write(url.replace("/postgres?", f"/{DATABASE}?") + "\n")


@keys_app.command("generate")
def keys_generate(file: Path) -> None:
    """Write a new keyring to a file of mode 0600, for KAEJON_KEYS_FILE."""
    from api.keyring import Keyring, write_keyring

    with _explained():
        try:
            write_keyring(file, Keyring.generate(), replacing=False)
        except FileExistsError:
            raise SystemExit(f"kaejon: {file} exists; keys are never overwritten") from None
    _say(f"wrote {file}; keep a copy apart from the database's backups")


@app.callback()
def main() -> None:
    logs.configure(logging.INFO)


if __name__ == "__main__":
    app()
