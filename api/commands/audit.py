"""`kaejon audit`: proves that the access log is whole, and lets go of what is older than its retention."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.shell import DataDir, progress, settings_of, with_database
from domain.access.log import Anchor

if TYPE_CHECKING:
    from persistence.access.verify import Report

app = typer.Typer(no_args_is_help=True, help="The log of who read whose personal data.")


def _anchor(text: str) -> Anchor:
    try:
        return Anchor.of(text)
    except ValueError:
        raise typer.BadParameter("give NUMBER:HASH as `kaejon audit verify` prints it") from None


@app.command("verify")
def verify(
    since: Annotated[int, typer.Option(min=1, help="The first block to look at.")] = 1,
    expect: Annotated[
        Anchor | None,
        typer.Option(
            parser=_anchor, metavar="NUMBER:HASH", help="A head kept elsewhere: finds a cut-off end."
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Recompute the chain of the access log; exit code 1 when a block is altered, missing,
    reordered or cut off, lost its rows without the key, or when a row belongs to no block."""
    from persistence.access.verify import verify as recompute

    with progress("blocks") as told:
        report = with_database(
            settings_of(data_dir=data_dir),
            lambda prepared: recompute(
                prepared.owner_dsn, prepared.keyring.audit_key, since=since, expected=expect, progress=told
            ),
        )
    _print(report)
    if report.faults:
        raise SystemExit(1)


def _print(report: "Report") -> None:
    for fault in report.faults:
        sys.stdout.write(f"FAULT {fault}\n")
    if report.more:
        sys.stdout.write(f"and {report.more} further faults\n")
    sys.stdout.write(
        f"{report.blocks} blocks, {report.rows} rows, {report.pruned} blocks past their retention; "
        f"{report.waiting} rows not sealed yet\n"
    )
    if report.strays:
        sys.stdout.write(f"{report.strays} rows belong to no block\n")
    sys.stdout.write("the chain is broken\n" if report.faults else "the chain is whole\n")
    if report.head is not None:
        sys.stdout.write(f"head {report.head.anchor}\n")


@app.command("prune")
def prune(data_dir: DataDir = None) -> None:
    """Delete what is older than KAEJON_ACCESS_LOG_DAYS; the chain still verifies."""
    from api.app import new_id
    from persistence.access.ledger import prune as let_go

    settings = settings_of(data_dir=data_dir)
    with progress("blocks") as told:
        gone = with_database(
            settings,
            lambda prepared: let_go(
                prepared.owner_dsn, prepared.keyring.audit_key, days=settings.access_log_days, now=datetime.now(UTC),
                new_id=new_id, progress=told,
            ),
        )  # fmt: skip
    sys.stdout.write(f"{gone.blocks} blocks, {gone.rows} rows deleted\n")
    if gone.left:
        sys.stdout.write(
            f"{gone.left} blocks are not as they were sealed, and keep their rows: run kaejon audit verify\n"
        )
