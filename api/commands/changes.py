"""`kaejon changes`: lets go of the feed's changes that are older than their retention."""

import sys
from datetime import UTC, datetime, timedelta

import typer

from api.commands.shell import DataDir, progress, settings_of, with_database

app = typer.Typer(no_args_is_help=True, help="The feed of changes.")


@app.callback()
def main() -> None:
    """The feed of changes."""


@app.command("prune")
def prune(data_dir: DataDir = None) -> None:
    """Delete the changes older than KAEJON_FEED_DAYS; whoever had not read them starts again with an export."""
    from persistence.exchange.epoch import prune as let_go

    settings = settings_of(data_dir=data_dir)
    kept = timedelta(days=settings.feed_days)
    with progress("changes") as told:
        gone = with_database(
            settings,
            lambda prepared: let_go(prepared.owner_dsn, kept=kept, now=datetime.now(UTC), progress=told),
        )
    sys.stdout.write(f"{gone} changes deleted\n")
