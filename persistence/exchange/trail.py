"""The feed row and the audit row of a write, left in the write's own transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import orjson

from domain.access.actor import Actor
from domain.kernel import Trail
from persistence.engine import Connection

_LEAVE = """WITH fed AS (
    INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, agency, occurred_at)
    SELECT $1, $2, coalesce($3, ''), $4, $5, $6, $7, $8, $9)
  INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource, area_code,
    changes)
  VALUES ($1, $10, $9, $11, $12, $13, $4 || '.' || $6, $5::text, $3, $14)"""


async def leave(
    connection: Connection, actor: Actor, trail: Trail, *, now: datetime, new_id: Callable[[], UUID]
) -> None:
    """Writes both rows; the caller's transaction makes them appear with the change or not at all."""
    await connection.execute(
        _LEAVE,
        trail.household_id,
        new_id(),
        trail.area_code,
        trail.type,
        trail.resource_id,
        trail.action,
        trail.version,
        trail.agency,
        now,
        new_id(),
        actor.client_id,
        actor.agency,
        actor.request_id,
        trail.changes,
    )


LEAVE_ALL = """WITH left_behind AS (
    SELECT t.* FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::int[],
        $8::text[], $9::uuid[], $10::text[])
      AS t(household_id, id, area_code, type, resource_id, action, version, agency, audit_id, changes)),
  fed AS (
    INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, agency, occurred_at)
    SELECT household_id, id, coalesce(area_code, ''), type, resource_id, action, version, agency, $11
    FROM left_behind)
  INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource, area_code,
    changes)
  SELECT household_id, audit_id, $11, $12, $13, $14, type || '.' || action, resource_id::text, area_code,
    changes::jsonb
  FROM left_behind"""


async def leave_all(
    connection: Connection,
    actor: Actor,
    trails: Sequence[Trail],
    *,
    now: datetime,
    new_id: Callable[[], UUID],
) -> None:
    """The rows of several writes of one transaction in one statement; none for no write."""
    if trails:
        await connection.execute(LEAVE_ALL, *left_behind(actor, trails, now=now, new_id=new_id))


def left_behind(
    actor: Actor, trails: Sequence[Trail], *, now: datetime, new_id: Callable[[], UUID]
) -> tuple[object, ...]:
    """What LEAVE_ALL is bound to."""
    return (
        [trail.household_id for trail in trails],
        [new_id() for _ in trails],
        [trail.area_code for trail in trails],
        [trail.type for trail in trails],
        [trail.resource_id for trail in trails],
        [trail.action for trail in trails],
        [trail.version for trail in trails],
        [trail.agency for trail in trails],
        [new_id() for _ in trails],
        [orjson.dumps(trail.changes).decode() for trail in trails],
        now,
        actor.client_id,
        actor.agency,
        actor.request_id,
    )
