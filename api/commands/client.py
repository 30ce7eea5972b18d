"""`kaejon client`: what `/v1/clients` does, by whoever can read the keyring."""

import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from api.commands.shell import DataDir, explained, settings_of, with_database

app = typer.Typer(no_args_is_help=True, help="Clients of the service.")

ADMIN = {"agency": "SCJP", "name": "Administrator", "scopes": ["clients:admin", "audit:read"], "areas": ["*"]}
"""The first administrator, where there is no demo."""
ClientId = Annotated[str, typer.Argument(help="The client_id.")]
Scopes = Annotated[list[str] | None, typer.Option("--scope", help="Repeat for each scope.")]
Areas = Annotated[
    list[str] | None, typer.Option("--area", help="Area code, or * for the country; repeat for each.")
]
CidrBlocks = Annotated[
    list[str] | None,
    typer.Option("--network", help="CIDR block that it may call from; repeat. None: from anywhere."),
]
Jwks = Annotated[
    Path | None,
    typer.Option(help="A file with its public keys for private_key_jwt: a JWK, or a set of them."),
]
ExpiresAt = Annotated[str | None, typer.Option(help="RFC 3339 time from which it gets no token.")]


@app.command("create")
def create(
    agency: Annotated[str | None, typer.Option(help="Agency code, e.g. PROV_MOPH-42.")] = None,
    scope: Scopes = None,
    area: Areas = None,
    name: str | None = None,
    expires_at: ExpiresAt = None,
    network: CidrBlocks = None,
    jwks: Jwks = None,
    admin: Annotated[
        bool,
        typer.Option(
            "--admin",
            help="The first administrator: scopes clients:admin and audit:read, areas *, agency SCJP unless given.",
        ),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Create a client and print it as JSON; its secret is shown this once."""
    from domain.access import clients

    draft: dict[str, Any] = dict(ADMIN) if admin else {"name": "Created on the command line"}
    draft |= _given(
        agency=agency, scopes=scope, areas=area, name=name, expires_at=expires_at, allowed_networks=network
    )
    if jwks is not None:
        draft["jwks"] = _keys(jwks)
    parsed = _parsed(draft, clients.ClientDraft)
    _write(data_dir, lambda work, more: clients.create(work, _operator(), parsed, **more))


@app.command("list")
def browse(data_dir: DataDir = None) -> None:
    """Print every client as JSON, oldest first; never a secret."""
    from domain.access import clients
    from domain.kernel import Paging

    async def all_of(work: Any, _: Any) -> dict[str, Any]:
        found: list[Any] = []
        page = await clients.browse(work, _operator(), Paging(200))
        found += orjson.loads(page.items)
        while page.last is not None:
            page = await clients.browse(work, _operator(), Paging(200, page.last))
            found += orjson.loads(page.items)
        return {"items": found}

    _write(data_dir, all_of)


@app.command("show")
def show(client_id: ClientId, data_dir: DataDir = None) -> None:
    """Print one client as JSON; never its secret."""
    from domain.access import clients

    _write(data_dir, lambda work, _: clients.read(work, _operator(), client_id))


@app.command("patch")
def patch(
    client_id: ClientId,
    name: str | None = None,
    scope: Scopes = None,
    area: Areas = None,
    no_scopes: Annotated[bool, typer.Option("--no-scopes")] = False,
    no_areas: Annotated[bool, typer.Option("--no-areas")] = False,
    enabled: Annotated[bool | None, typer.Option("--enable/--disable")] = None,
    expires_at: ExpiresAt = None,
    never_expires: Annotated[bool, typer.Option("--never-expires")] = False,
    network: CidrBlocks = None,
    any_network: Annotated[bool, typer.Option("--any-network")] = False,
    jwks: Jwks = None,
    no_jwks: Annotated[bool, typer.Option("--no-jwks")] = False,
    data_dir: DataDir = None,
) -> None:
    """Amend a client and print it: what is named is replaced as a whole, tokens already out included."""
    from domain.access import clients

    body = _given(
        name=name, scopes=scope, areas=area, enabled=enabled, expires_at=expires_at, allowed_networks=network
    )
    if jwks is not None:
        body["jwks"] = _keys(jwks)
    cleared: dict[str, tuple[bool, Any]] = {
        "scopes": (no_scopes, []),
        "areas": (no_areas, []),
        "expires_at": (never_expires, None),
        "allowed_networks": (any_network, []),
        "jwks": (no_jwks, None),
    }
    for member, (wanted, nothing) in cleared.items():
        if wanted and member in body:
            raise SystemExit(f"kaejon: {member} can be set or cleared, not both")
        if wanted:
            body[member] = nothing
    parsed = _parsed(body, clients.ClientPatch)

    async def amended(work: Any, more: dict[str, Any]) -> Any:
        version = (await clients.read(work, _operator(), client_id)).version
        return await clients.amend(work, _operator(), client_id, parsed, version=version, now=more["now"])

    _write(data_dir, amended)


@app.command("rotate")
def rotate(
    client_id: ClientId,
    overlap_seconds: Annotated[
        int | None,
        typer.Option(
            help="How long the old secret keeps working, a day by default; 0 for one that has leaked, which "
            "stops the tokens that are out as well."
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Replace a client's secret and print the new one, this once."""
    from domain.access import clients

    rotation = _parsed(_given(overlap_seconds=overlap_seconds), clients.SecretRotation)
    _write(data_dir, lambda work, more: clients.rotate(work, _operator(), client_id, rotation, **more))


@app.command("revoke")
def revoke(client_id: ClientId, data_dir: DataDir = None) -> None:
    """Revoke a client: its tokens, its secret and its keys stop working; its record stays and is printed."""
    from domain.access import clients

    _write(data_dir, lambda work, more: clients.revoke(work, _operator(), client_id, **more))


def _operator() -> Any:
    from api.bootstrap import OPERATOR

    return OPERATOR


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _keys(path: Path) -> Any:
    """RFC 7517: a set, or one key, which is a set of one."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"kaejon: {path} cannot be read as JSON ({type(error).__name__})") from None
    return {"keys": [found]} if isinstance(found, dict) and "keys" not in found else found


def _parsed(body: dict[str, Any], model: Any) -> Any:
    from api import parsing

    with explained():
        return parsing.body(json.dumps(body).encode(), model)


def _write(data_dir: Path | None, use: Callable[[Any, dict[str, Any]], Awaitable[Any]]) -> None:
    """Runs a use case as the operator in one transaction, and prints what it answers."""
    from api import bootstrap

    async def go(prepared: bootstrap.Prepared) -> Any:
        more = {"now": datetime.now(UTC), "secrets": bootstrap.secrets_of(prepared)}
        async with bootstrap.working(prepared) as works, works.writing(bootstrap.OPERATOR) as work:
            return await use(work, more)

    _print(with_database(settings_of(data_dir=data_dir), go))


def _print(found: Any) -> None:
    from domain.kernel import Document

    if isinstance(found, Document):
        found = orjson.loads(found.text)
    elif not isinstance(found, dict):
        found = found.model_dump(mode="json")
    sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
