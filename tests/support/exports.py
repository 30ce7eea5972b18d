"""Exports from the request to the file, made in the test's own process."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2
import orjson

from api.bootstrap import OPERATOR
from domain.access.actor import Scope
from domain.access.clients import ClientDraft, ClientExists, new_client
from domain.exchange import exports
from persistence.demo.clients import demo_clients
from tests.support.api import PURPOSE, Api
from tests.support.jobs import tools_of

SCOPES = [scope for scope in Scope if scope is not Scope.CLIENTS_ADMIN]
"""Of a client that may do everything with households."""


async def known(api: Api, name: str, **claims: Any) -> str:
    """The client of such a token as the database knows it, so that a job finds it standing; its id."""
    demo = next(one for one in demo_clients() if one.name == name)
    given = {"agency": demo.agency, "scopes": list(demo.scopes), "areas": list(demo.areas), **claims}
    client_id = given.pop("client_id", f"demo-{name}")
    draft = ClientDraft(name=name, **{key: given[key] for key in ("agency", "scopes", "areas")})
    async with tools_of(api).works.writing(OPERATOR) as work:
        try:
            async with work.connection.transaction():  # type: ignore[attr-defined]  # our own
                await work.clients.add(
                    OPERATOR, new_client(client_id, draft, now=datetime.now(UTC)), bytes(32)
                )
        except ClientExists:
            await work.connection.execute(  # type: ignore[attr-defined]
                "UPDATE client SET agency = $2, scopes = $3, areas = $4, enabled = true WHERE id = $1",
                client_id, given["agency"], [str(one) for one in draft.scopes], list(draft.areas),
            )  # fmt: skip
    return client_id


async def ask(
    api: Api,
    who: str,
    body: Mapping[str, Any],
    *,
    purpose: bool | None = None,
    headers: Mapping[str, str] | None = None,
    **claims: Any,
) -> httpx2.Response:
    """The request, by a client that the database knows; with a purpose where it may see unmasked data."""
    await known(api, who, **claims)
    demo = next(one for one in demo_clients() if one.name == who)
    states = Scope.PERSONS_PII in claims.get("scopes", demo.scopes) if purpose is None else purpose
    sent = {**(PURPOSE if states else {}), **(headers or {})}
    return await api.post(who, "/v1/exports", body, headers=sent, **claims)


async def make(api: Api, id: str) -> None:
    """Runs the job of one export, whatever waits besides."""
    await exports.perform(tools_of(api), UUID(id))


async def export(api: Api, who: str, body: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A finished export: its manifest."""
    asked = await ask(api, who, body, **more)
    assert asked.status_code == 202, asked.text
    claims = {name: one for name, one in more.items() if name not in ("purpose", "headers")}
    await make(api, asked.json()["id"])
    found = await api.get(who, asked.headers["location"], **claims)
    manifest: dict[str, Any] = found.json()
    assert manifest["status"] == "succeeded", found.text
    return manifest


async def content(api: Api, who: str, manifest: Mapping[str, Any], part: int = 1, **claims: Any) -> bytes:
    """A file of it, as it was fetched."""
    url = next(one["url"] for one in manifest["output"] if one["part"] == part)
    fetched = await api.get(who, url, **claims)
    assert fetched.status_code == 200, fetched.text
    return fetched.content


async def rows(api: Api, who: str, body: Mapping[str, Any], **more: Any) -> list[Any]:
    """The rows of a new NDJSON export."""
    manifest = await export(api, who, {"format": "ndjson", **body}, **more)
    claims = {name: one for name, one in more.items() if name not in ("purpose", "headers")}
    return lines(await content(api, who, manifest, **claims))


def lines(text: bytes) -> list[Any]:
    return [orjson.loads(line) for line in text.split(b"\n") if line]
