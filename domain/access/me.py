"""What a caller is told about its own access (contract 2)."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from domain.access.actor import Actor, Scope
from domain.access.policy import MASKED_FIELDS
from domain.kernel import Value


class RateLimitClass(Value):
    """What is counted apart from the rest."""

    name: Annotated[str, Field(max_length=20)]
    """read, write, graphql, or lookup (by citizen id)."""
    requests: int
    window_seconds: int


class RateLimit(Value):
    """Of reads; every other class is listed."""

    requests: int
    window_seconds: int
    classes: Annotated[list[RateLimitClass], Field(max_length=10)] = []


class Access(Value):
    client_id: str
    agency: str
    scopes: Annotated[list[Scope], Field(max_length=len(Scope))]
    areas: Annotated[list[str], Field(max_length=100)]
    masked_fields: Annotated[list[str], Field(max_length=20)]
    """Fields of persons that this client sees masked."""
    expires_at: datetime
    """Of the token."""
    rate_limit: RateLimit | None
    """In fixed windows, over all workers together."""


def access_of(actor: Actor, rate_limit: RateLimit | None = None) -> Access:
    return Access(
        client_id=actor.client_id,
        agency=actor.agency,
        scopes=[scope for scope in Scope if scope in actor.scopes],
        areas=list(actor.areas),
        masked_fields=[] if actor.can(Scope.PERSONS_PII) else list(MASKED_FIELDS),
        expires_at=datetime.fromtimestamp(actor.expires_at, UTC),
        rate_limit=rate_limit,
    )
