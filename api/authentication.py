"""From headers to the domain's `Actor`: REST and GraphQL ask alike."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog

from api.wiring import Services
from auth.tokens import Unauthenticated
from domain.access.actor import Actor
from domain.errors import Invalid

log = structlog.get_logger("kaejon")


def remote_of(scope: Mapping[str, Any]) -> str:
    """The caller's address: as the edge has found it behind its proxies, else the connection's; "" for none."""
    remote: str | None = scope.get("remote")
    if remote is not None:
        return remote
    client = scope.get("client")
    return str(client[0]) if client else ""


def authenticated(
    services: Services,
    authorization: str | None,
    purpose: str | None,
    request_id: str,
    now: datetime,
    *,
    remote: str,
) -> Actor:
    """The caller named by a bearer token (RFC 6750), with the purpose that it states, which is yet to be checked.

    Raises Unauthenticated, outside the client's networks too.
    """
    if authorization is None:
        raise Unauthenticated("no-token")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("no-bearer")
    actor = services.verifier.verify(token, now=now.timestamp())
    if not services.standing.admits(actor.client_id, remote):
        # Whoever holds a stolen token is not told what else it takes.
        log.warning("token refused", reason="network", client_id=actor.client_id, request_id=request_id)
        raise Unauthenticated("refused")
    # Spelled out: `replace` costs ten times as much, on every request.
    return Actor(
        actor.client_id,
        actor.agency,
        actor.scopes,
        actor.areas,
        actor.expires_at,
        actor.token_id,
        purpose,
        request_id,
    )


def check_purpose(services: Services, actor: Actor) -> None:
    """Whether X-Purpose is a code that is known. Raises Invalid; after the rate limit and the scope."""
    if actor.purpose is not None and actor.purpose not in services.purposes:
        raise Invalid.at("header/X-Purpose", "unknown-value", "One of the codes of /v1/codes/purposes.")
