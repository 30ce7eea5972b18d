"""Problems on one connection: finished JSON out, every write with its history, feed and audit rows."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from domain.access.policy import Reach
from domain.casework.problem import ProblemDraft, ProblemFilter, ProblemTransition
from domain.casework.states import ENTITLING, ProblemStatus
from domain.casework.store import HeldProblem, MatchSubject, Moves
from domain.kernel import Document, Evidence, Listing, Paging, Trail
from persistence.bounds import GATE
from persistence.casework.locks import lock_households_of
from persistence.casework.views import OPEN, problem_columns
from persistence.engine import Connection
from persistence.exchange.trail import leave, leave_all
from persistence.keyset import ORDERS, Source, fetch_page
from persistence.sql import Binds, or_granted, reach_conditions, reached, within

_ENTITLING = ", ".join(f"'{status}'" for status in ENTITLING)
_FREE_TEXT = ("need", "description")
_SUBJECT = ("household_id", "area_code", "person_id", "dimension", "indicator_id")
_HELD = (
    "id", "household_id", "area_code", "person_id", "status", "proposed_status", "proposed_by", "dimension",
    "indicator_id", "solvability", "version", "need", "description",
)  # fmt: skip

_ADD = """WITH added AS (
    INSERT INTO problem (household_id, id, area_code, person_id, dimension, indicator_id, fiscal_year, need,
      description, source, solvability, status, recurrence_of, version, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'identified', $12, 1, $13, $13))
  INSERT INTO problem_move (household_id, id, problem_id, area_code, at, agency, client_id, to_status)
  VALUES ($1, $14, $2, $3, $13, $15, $16, 'identified')"""

_MOVE = """WITH given AS (
    SELECT g.* FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS g(id, move_id, from_status)),
  moved AS (
    UPDATE problem pr SET status = $4, moved_to = $5, proposed_status = NULL, proposed_by = NULL,
      version = pr.version + 1, updated_at = $6
    FROM given WHERE pr.household_id = $7 AND pr.id = given.id
    RETURNING pr.household_id, pr.id, pr.area_code)
  INSERT INTO problem_move (household_id, id, problem_id, area_code, at, agency, client_id, from_status,
    to_status, reason, occurred_on, moved_to, evidence)
  SELECT moved.household_id, given.move_id, moved.id, moved.area_code, $6, $8, $9, given.from_status,
    $4, $10, $11, $5, $12::jsonb
  FROM moved JOIN given ON given.id = moved.id"""

_PROPOSE = """WITH proposed AS (
    UPDATE problem SET proposed_status = $4, proposed_by = $8, version = version + 1, updated_at = $6
    WHERE household_id = $1 AND id = $2 RETURNING household_id, id, area_code, status)
  INSERT INTO problem_move (household_id, id, problem_id, area_code, at, agency, client_id, from_status,
    to_status, proposal, reason, occurred_on, evidence)
  SELECT household_id, $3, id, area_code, $6, $7, $8, status, $4, true, $9, $5, $10::jsonb FROM proposed"""

_LOCK_ASSIGNMENTS = f"""SELECT FROM assignment asg
  WHERE asg.status IN ({OPEN}) AND asg.problem_ids && $1::uuid[]
    AND asg.household_id IN (SELECT pr.household_id FROM problem pr WHERE pr.id = ANY($1::uuid[]))
  ORDER BY asg.id FOR UPDATE"""

_HAS_ASSISTANCE = f"""SELECT EXISTS (SELECT FROM assistance_event ev
  WHERE ev.household_id = $1 AND ev.status IN ('recorded', 'confirmed') AND ($2 = ANY(ev.problem_ids)
    OR ev.assignment_id IN (SELECT asg.id FROM assignment asg
      WHERE asg.household_id = $1 AND $2 = ANY(asg.problem_ids) AND asg.status IN ({_ENTITLING}))))"""


class PgProblems:
    """Implements `ProblemStore`."""

    def __init__(self, connection: Connection, new_id: Callable[[], UUID]) -> None:
        self._connection, self._new_id = connection, new_id

    async def view(self, reach: Reach, problem_id: UUID, moves: Moves) -> Document | None:
        binds = Binds()
        found = _reached(reach, problem_id, binds)
        columns = problem_columns(moves=binds(moves))
        row = await self._connection.fetchrow(
            f"SELECT pr.version, (SELECT row_to_json(t) FROM (SELECT {columns}) t)"
            f" FROM problem pr WHERE {found} AND {GATE}",
            *binds,
        )
        return None if row is None else Document(row[1], row[0])

    async def page(self, reach: Reach, where: ProblemFilter, paging: Paging, moves: Moves) -> Listing:
        binds = Binds()
        found = reach_conditions(reach, binds, alias="pr", household="pr.household_id")
        if where.household_id and found:
            found = [or_granted(reach, " AND ".join(found), binds, household="pr.household_id")]
        found += conditions(where, binds)
        source = Source("problem", "pr", problem_columns(moves=binds(moves)))
        return await fetch_page(self._connection, source, found, ORDERS[paging.sort], paging, binds)

    async def subject(self, reach: Reach, problem_id: UUID) -> MatchSubject | None:
        binds = Binds()
        found = _reached(reach, problem_id, binds)
        columns = ", ".join(f"pr.{name}" for name in _SUBJECT)
        row = await self._connection.fetchrow(
            f"SELECT {columns} FROM problem pr WHERE {found} AND {GATE}", *binds
        )
        return None if row is None else MatchSubject(**dict(row))

    async def add(
        self, reach: Reach, problem_id: UUID, area_code: str, draft: ProblemDraft, *, now: datetime
    ) -> None:
        await self._connection.execute(
            _ADD,
            draft.household_id,
            problem_id,
            area_code,
            draft.person_id,
            draft.dimension,
            draft.indicator_id,
            draft.fiscal_year,
            draft.need,
            draft.description,
            draft.source,
            draft.solvability,
            draft.recurrence_of,
            now,
            self._new_id(),
            reach.actor.agency,
            reach.actor.client_id,
        )
        shown = draft.model_dump(mode="json", exclude=set(_FREE_TEXT), exclude_none=True)
        trail = Trail(draft.household_id, area_code, "problem", problem_id, "created", 1, None, shown)
        await leave(self._connection, reach.actor, trail, now=now, new_id=self._new_id)

    async def hold(self, reach: Reach, problem_ids: Sequence[UUID]) -> list[HeldProblem]:
        ids = list(problem_ids)
        await lock_households_of(self._connection, "problem", ids)
        await self._connection.execute(_LOCK_ASSIGNMENTS, ids)
        binds = Binds((ids,))
        found = ["pr.id = ANY($1::uuid[])"]
        found += reach_conditions(reach, binds, alias="pr", household="pr.household_id")
        columns = ", ".join(f"pr.{name}" for name in _HELD)
        rows = await self._connection.fetch(
            f"SELECT {columns} FROM problem pr WHERE {' AND '.join(found)} ORDER BY pr.id FOR UPDATE", *binds
        )
        return [HeldProblem(**dict(row)) for row in rows]

    async def amend(
        self, reach: Reach, held: HeldProblem, changes: Mapping[str, Any], *, now: datetime
    ) -> None:
        binds = Binds((held.household_id, held.id, now))
        sets = [f"{name} = {binds(value)}" for name, value in changes.items()]
        await self._connection.execute(
            f"UPDATE problem SET {', '.join(sets)}, version = version + 1, updated_at = $3"
            " WHERE household_id = $1 AND id = $2",
            *binds,
        )
        # Free text may name people: the trail tells that it has changed, not what it says.
        shown = {name: "changed" if name in _FREE_TEXT else value for name, value in changes.items()}
        await leave(self._connection, reach.actor, _trail(held, shown), now=now, new_id=self._new_id)

    async def move(self, reach: Reach, held: HeldProblem, move: ProblemTransition, *, now: datetime) -> None:
        await self._move(
            reach, [held], move.to, move.reason, move.occurred_on, move.moved_to, move.evidence, now
        )

    async def follow(
        self, reach: Reach, held: Sequence[HeldProblem], to: ProblemStatus, reason: str, *, now: datetime
    ) -> None:
        await self._move(reach, held, to, reason, None, None, [], now)

    async def _move(
        self,
        reach: Reach,
        held: Sequence[HeldProblem],
        to: ProblemStatus,
        reason: str | None,
        occurred_on: date | None,
        moved_to: str | None,
        evidence: Sequence[Evidence],
        now: datetime,
    ) -> None:
        await self._connection.execute(
            _MOVE,
            [problem.id for problem in held],
            [self._new_id() for _ in held],
            [problem.status for problem in held],
            to,
            moved_to,
            now,
            held[0].household_id,
            reach.actor.agency,
            reach.actor.client_id,
            reason,
            occurred_on,
            [piece.model_dump(mode="json") for piece in evidence],
        )
        trails = [_trail(problem, {"status": [problem.status, to]}) for problem in held]
        await leave_all(self._connection, reach.actor, trails, now=now, new_id=self._new_id)

    async def propose(
        self, reach: Reach, held: HeldProblem, move: ProblemTransition, *, now: datetime
    ) -> None:
        await self._connection.execute(
            _PROPOSE,
            held.household_id,
            held.id,
            self._new_id(),
            move.to,
            move.occurred_on,
            now,
            reach.actor.agency,
            reach.actor.client_id,
            move.reason,
            [piece.model_dump(mode="json") for piece in move.evidence],
        )
        trail = _trail(held, {"proposed_status": move.to})
        await leave(self._connection, reach.actor, trail, now=now, new_id=self._new_id)

    async def has_assistance(self, held: HeldProblem) -> bool:
        return bool(await self._connection.fetchval(_HAS_ASSISTANCE, held.household_id, held.id))

    async def closed_in(self, household_id: UUID, problem_id: UUID) -> bool:
        found = await self._connection.fetchval(
            "SELECT EXISTS (SELECT FROM problem pr WHERE pr.household_id = $1 AND pr.id = $2"
            " AND pr.status IN ('resolved', 'declined'))",
            household_id,
            problem_id,
        )
        return bool(found)


def conditions(where: ProblemFilter, binds: Binds) -> list[str]:
    """The filters as conditions on a problem `pr`: they AND, a repeated one ORs."""
    found: list[str] = []
    if where.area and (inside := within("pr.area_code", where.area, binds)):
        found.append(inside)
    for column, kind, values in (
        ("household_id", "uuid", where.household_id),
        ("status", "text", where.status),
        ("dimension", "text", where.dimension),
        ("indicator_id", "text", where.indicator),
        ("fiscal_year", "int", where.fiscal_year),
        ("solvability", "text", where.solvability),
    ):
        if values:
            found.append(f"pr.{column} = ANY({binds(list(values))}::{kind}[])")
    if where.updated_since:
        found.append(f"pr.updated_at >= {binds(where.updated_since)}")
    return found


def _reached(reach: Reach, problem_id: UUID, binds: Binds) -> str:
    this, prefixes = binds(problem_id), binds(reach.prefixes)
    return f"pr.id = {this} AND {reached(reach, prefixes, binds, alias='pr', household='pr.household_id')}"


def _trail(held: HeldProblem, changes: dict[str, object]) -> Trail:
    return Trail(
        held.household_id, held.area_code, "problem", held.id, "updated", held.version + 1, None, changes
    )
