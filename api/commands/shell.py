"""What every command needs: settings, a database, and a way to say how far it has come."""

import asyncio
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.settings import Settings

console = Console(stderr=True)
DataDir = Annotated[Path | None, typer.Option(help="Where the embedded database and the keys are.")]


def say(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def settings_of(**given: Any) -> Settings:
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        # The names and what was wanted, never the values: one of them is a password.
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise SystemExit(f"kaejon: a setting is not valid: {faults}") from None
    return settings.model_copy(update={"data_dir": settings.data_dir.absolute()})


@contextmanager
def explained() -> Any:
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
def progress(label: str) -> Any:
    """A bar on a terminal, a line now and then elsewhere."""
    if not console.is_terminal:
        yield _logged(label)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(label)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _logged(label: str) -> Callable[[int, int], None]:
    said = 0

    def tell(done: int, total: int) -> None:
        nonlocal said
        if done == total or done - said >= max(total // 10, 1):
            said = done
            say(f"{label}: {done} of {total}")

    return tell


def with_database(settings: Settings, work: Callable[[Any], Any]) -> Any:
    """Runs against the running embedded server of the data directory, or starts it for the while."""
    from api import bootstrap
    from persistence.embedded import running_url

    with explained():
        keyring = bootstrap.keyring_of(settings)
        url = None if settings.database_url else running_url(settings.data_dir)
        if url is not None:
            dsn = url.replace("/postgres?", f"/{bootstrap.DATABASE}?")
            return asyncio.run(work(bootstrap.Prepared(dsn, dsn, keyring, bootstrap.keys_file(settings))))
        with bootstrap.database_server(settings) as (owner_dsn, dsn):

            async def go() -> Any:
                return await work(await bootstrap.prepare(settings, owner_dsn, dsn, keyring, say))

            return asyncio.run(go())
