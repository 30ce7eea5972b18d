"""Assignments on one connection: finished JSON out, every write with its history, feed and audit rows."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from domain.access.policy import Reach
from domain.calendar import today
from domain.casework.assignment import AssignmentDraft, AssignmentFilter
from domain.casework.states import ENTITLING, OPEN_PROBLEM
from domain.casework.store import HeldAssignment, HeldProblem, Moves
from domain.kernel import Document, Listing, Paging, Trail
from persistence.bounds import GATE
from persistence.casework.locks import lock_households_of
from persistence.casework.views import OPEN, OVERDUE, assignment_columns
from persistence.engine import Connection
from persistence.exchange.leaving import assignment_moved
from persistence.exchange.trail import leave, leave_all
from persistence.keyset import ORDERS, Source, fetch_page
from persistence.sql import Binds, or_granted, within

_ENTITLING = ", ".join(f"'{status}'" for status in ENTITLING)
_OPEN_PROBLEM = ", ".join(f"'{status}'" for status in OPEN_PROBLEM)
_HELD = (
    "id", "household_id", "area_code", "problem_ids", "agency", "role", "menu_code", "instructions", "due_on",
    "status", "version",
)  # fmt: skip

_ADD = """WITH added AS (
    INSERT INTO assignment (household_id, id, area_code, problem_ids, menu_code, agency, role, status, due_on,
      instructions, version, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $11))
  INSERT INTO assignment_move (household_id, id, assignment_id, area_code, at, agency, client_id, to_status)
  VALUES ($1, $12, $2, $3, $11, $13, $14, $8)"""

_MOVE = """WITH moved AS (
    UPDATE assignment SET status = $4, outcome = coalesce($5, outcome), escalated_to = $6,
      version = version + 1, updated_at = $7
    WHERE household_id = $1 AND id = $2 RETURNING household_id, id, area_code)
  INSERT INTO assignment_move (household_id, id, assignment_id, area_code, at, agency, client_id, from_status,
    to_status, reason)
  SELECT household_id, $3, id, area_code, $7, $8, $9, $10, $4, $11 FROM moved"""

_LEFT_OPEN = f"""SELECT {", ".join(f"asg.{name}" for name in _HELD)} FROM assignment asg
  WHERE asg.household_id = $1 AND $2 = ANY(asg.problem_ids) AND asg.status IN ({OPEN})
    AND NOT EXISTS (SELECT FROM problem pr WHERE pr.household_id = $1 AND pr.id = ANY(asg.problem_ids)
      AND pr.status IN ({_OPEN_PROBLEM}))
  ORDER BY asg.id FOR UPDATE"""

_COVERED = f"""SELECT wanted.id FROM unnest($2::uuid[]) AS wanted(id)
  WHERE EXISTS (SELECT FROM assignment asg WHERE asg.household_id = $1 AND wanted.id = ANY(asg.problem_ids)
    AND asg.status IN ({_ENTITLING}))"""


class PgAssignments:
    """Implements `AssignmentStore`."""

    def __init__(self, connection: Connection, new_id: Callable[[], UUID]) -> None:
        self._connection, self._new_id = connection, new_id

    async def view(
        self, reach: Reach, assignment_id: UUID, moves: Moves, *, now: datetime
    ) -> Document | None:
        binds = Binds((assignment_id,))
        found = " AND ".join(["asg.id = $1", *_opened(reach, binds)])
        row = await self._connection.fetchrow(
            "SELECT asg.version, (SELECT row_to_json(t) FROM"
            f" (SELECT {_columns(reach, moves, now, binds)}) t) FROM assignment asg WHERE {found} AND {GATE}",
            *binds,
        )
        return None if row is None else Document(row[1], row[0])

    async def page(
        self, reach: Reach, where: AssignmentFilter, paging: Paging, moves: Moves, *, now: datetime
    ) -> Listing:
        binds = Binds()
        own = _opened(reach, binds) if where.household_id else reached(reach, binds)
        found = [*own, *conditions(where, binds, now=now)]
        source = Source("assignment", "asg", _columns(reach, moves, now, binds))
        return await fetch_page(self._connection, source, found, ORDERS[paging.sort], paging, binds)

    async def add(
        self,
        reach: Reach,
        assignment_id: UUID,
        household_id: UUID,
        area_code: str,
        draft: AssignmentDraft,
        status: str,
        *,
        now: datetime,
    ) -> None:
        await self._connection.execute(
            _ADD,
            household_id,
            assignment_id,
            area_code,
            draft.problem_ids,
            draft.menu_code,
            draft.agency,
            draft.role,
            status,
            draft.due_on,
            draft.instructions,
            now,
            self._new_id(),
            reach.actor.agency,
            reach.actor.client_id,
        )
        shown = draft.model_dump(mode="json", exclude={"instructions"}, exclude_none=True)
        trail = Trail(
            household_id,
            area_code,
            "assignment",
            assignment_id,
            "created",
            1,
            draft.agency,
            {**shown, "status": status},
        )
        await leave(self._connection, reach.actor, trail, now=now, new_id=self._new_id)
        await self._tell(household_id, draft.agency, None, status, now)

    async def _tell(
        self, household_id: UUID, agency: str, before: str | None, after: str, now: datetime
    ) -> None:
        """Whether its agency sees the household from now on, or no more."""
        await assignment_moved(
            self._connection, household_id, agency, before, after, now=now, new_id=self._new_id
        )

    async def hold(self, reach: Reach, assignment_id: UUID) -> HeldAssignment | None:
        await lock_households_of(self._connection, "assignment", [assignment_id])
        binds = Binds((assignment_id,))
        found = " AND ".join(["asg.id = $1", *reached(reach, binds)])
        columns = ", ".join(f"asg.{name}" for name in _HELD)
        row = await self._connection.fetchrow(
            f"SELECT {columns} FROM assignment asg WHERE {found} FOR UPDATE", *binds
        )
        return None if row is None else HeldAssignment(**dict(row))

    async def move(
        self,
        reach: Reach,
        held: HeldAssignment,
        to: str,
        *,
        reason: str | None,
        outcome: str | None,
        escalated_to: UUID | None,
        now: datetime,
    ) -> None:
        await self._move(reach, held, to, reason, outcome, escalated_to, now)
        await leave(self._connection, reach.actor, _trail(held, to), now=now, new_id=self._new_id)
        await self._tell(held.household_id, held.agency, held.status, to, now)

    async def _move(
        self,
        reach: Reach,
        held: HeldAssignment,
        to: str,
        reason: str | None,
        outcome: str | None,
        escalated_to: UUID | None,
        now: datetime,
    ) -> None:
        await self._connection.execute(
            _MOVE,
            held.household_id,
            held.id,
            self._new_id(),
            to,
            outcome,
            escalated_to,
            now,
            reach.actor.agency,
            reach.actor.client_id,
            held.status,
            reason,
        )

    async def cancel_open(self, reach: Reach, problem: HeldProblem, reason: str, *, now: datetime) -> None:
        rows = await self._connection.fetch(_LEFT_OPEN, problem.household_id, problem.id)
        ended = [HeldAssignment(**dict(row)) for row in rows]
        for held in ended:
            await self._move(reach, held, "cancelled", reason, None, None, now)
        trails = [_trail(held, "cancelled") for held in ended]
        await leave_all(self._connection, reach.actor, trails, now=now, new_id=self._new_id)
        # All of them have ended by now, and an agency with two is told once.
        for held in {one.agency: one for one in ended if one.status in ENTITLING}.values():
            await self._tell(held.household_id, held.agency, held.status, "cancelled", now)

    async def covered(self, household_id: UUID, problem_ids: Sequence[UUID]) -> set[UUID]:
        rows = await self._connection.fetch(_COVERED, household_id, list(problem_ids))
        return {row[0] for row in rows}


def reached(reach: Reach, binds: Binds) -> list[str]:
    """The assignments `asg` within reach. Who sees only what is assigned to it sees its own, whatever has
    become of them, from the moment they are decided."""
    found = []
    if inside := within("asg.area_code", reach.prefixes, binds):
        found.append(inside)
    if reach.assigned_to is not None:
        found.append(f"asg.agency = {binds(reach.assigned_to)} AND asg.status <> 'proposed'")
    return found


def _opened(reach: Reach, binds: Binds) -> list[str]:
    """The same, and those of a household that a grant has opened."""
    found = reached(reach, binds)
    return [or_granted(reach, " AND ".join(found), binds, household="asg.household_id")] if found else []


def conditions(where: AssignmentFilter, binds: Binds, *, now: datetime) -> list[str]:
    """The filters as conditions on an assignment `asg`: they AND, a repeated one ORs."""
    found: list[str] = []
    if where.area and (inside := within("asg.area_code", where.area, binds)):
        found.append(inside)
    for column, kind, values in (
        ("household_id", "uuid", where.household_id),
        ("agency", "text", where.agency),
        ("status", "text", where.status),
    ):
        if values:
            found.append(f"asg.{column} = ANY({binds(list(values))}::{kind}[])")
    if where.overdue is not None:
        late = OVERDUE.format(today=f"{binds(today(now))}::date")
        found.append(late if where.overdue else f"NOT {late}")
    if where.updated_since:
        found.append(f"asg.updated_at >= {binds(where.updated_since)}")
    return found


def _columns(reach: Reach, moves: Moves, now: datetime, binds: Binds) -> str:
    return assignment_columns(moves=binds(moves), agency=binds(reach.actor.agency), today=binds(today(now)))


def _trail(held: HeldAssignment, to: str) -> Trail:
    changes: dict[str, object] = {"status": [held.status, to]}
    return Trail(
        held.household_id,
        held.area_code,
        "assignment",
        held.id,
        "updated",
        held.version + 1,
        held.agency,
        changes,
    )
