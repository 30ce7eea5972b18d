"""A demo in a real database: all of it or nothing, and what is in there the service can read and go on with."""

from collections import Counter
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest

from domain.access.actor import Actor, Scope
from domain.access.policy import Operation, Reach, admit
from domain.assistance.event import AssistanceEvent, EventDraft, EventFilter
from domain.casework.assignment import Assignment, AssignmentFilter
from domain.casework.moves import assignment_moves, problem_moves
from domain.casework.problem import Problem, ProblemFilter
from domain.kernel import Paging
from domain.registry.household import Household, HouseholdFilter
from persistence.assistance.events import PgEvents
from persistence.casework.assignments import PgAssignments
from persistence.casework.problems import PgProblems
from persistence.demo import drafts
from persistence.demo.generator import generate
from persistence.demo.load import AlreadyLoaded, NotEmpty, load, loaded
from persistence.demo.rows import COLUMNS, put_household
from persistence.engine import Database
from persistence.registry.households import PgHouseholds, refresh_facets
from persistence.sealing import Sealing
from tests.support.database import seeing

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
COUNT = 120


def told_nothing(done: int, total: int) -> None:
    pass


async def put_demo(dsn: str, sealing: Sealing, count: int = COUNT) -> None:
    await load(
        dsn,
        count,
        areas=["42"],
        cipher=sealing.cipher,
        blind_index=sealing.index,
        progress=told_nothing,
    )


def actor(*scopes: Scope, agency: str = "SCJP_P-42", purpose: str | None = None) -> Actor:
    return Actor("demo-test", agency, frozenset(scopes), ("42",), 0, "t", purpose)


def reach(operation: Operation, scope: Scope) -> Reach:
    return admit(actor(scope, Scope.HOUSEHOLDS_READ), operation)


async def test_everything_generated_is_loaded_and_counted(dsn: str, sealing: Sealing) -> None:
    expected: Counter[str] = Counter()
    for one in generate(COUNT):
        put_household(one, sealing, lambda table, row: expected.update([table]))
    told: list[tuple[int, int]] = []
    counts = await load(
        dsn,
        COUNT,
        areas=["42"],
        cipher=sealing.cipher,
        blind_index=sealing.index,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(COUNT, COUNT)]
    assert counts.by_table == expected
    connection = await asyncpg.connect(dsn)
    for table in COLUMNS:
        assert await connection.fetchval(f'SELECT count(*) FROM "{table}"') == expected[table]
        assert await connection.fetchval("SELECT reltuples FROM pg_class WHERE relname = $1", table) > 0
    assert await loaded(connection) == COUNT
    await connection.close()


async def test_a_second_demo_is_refused(dsn: str, sealing: Sealing) -> None:
    await put_demo(dsn, sealing, 5)
    with pytest.raises(AlreadyLoaded):
        await put_demo(dsn, sealing, 5)


async def test_a_database_with_households_is_refused(dsn: str, sealing: Sealing) -> None:
    await put_demo(dsn, sealing, 1)
    connection = await asyncpg.connect(dsn)
    await connection.execute("DELETE FROM reference_load WHERE file = 'demo'")
    await connection.close()
    with pytest.raises(NotEmpty):
        await put_demo(dsn, sealing)


async def test_an_interrupted_load_leaves_nothing_and_can_be_repeated(dsn: str, sealing: Sealing) -> None:
    def interrupted(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await load(
            dsn, 700, areas=["42"], cipher=sealing.cipher, blind_index=sealing.index, progress=interrupted
        )
    connection = await asyncpg.connect(dsn)
    assert await loaded(connection) is None
    for table in COLUMNS:
        assert await connection.fetchval(f'SELECT count(*) FROM "{table}"') == 0
    await connection.close()
    await put_demo(dsn, sealing, 3)


async def test_households_read_like_any_other(dsn: str, database: Database, sealing: Sealing) -> None:
    await put_demo(dsn, sealing)
    pii = actor(Scope.HOUSEHOLDS_READ, Scope.PERSONS_PII, purpose="casework")
    async with seeing(database) as connection:
        store = PgHouseholds(connection, sealing, uuid4)
        everyone = admit(pii, Operation.READ_HOUSEHOLDS)
        listing = await store.page(everyone, HouseholdFilter(), Paging(limit=200), now=NOW)
        shown = [Household.model_validate(one) for one in orjson.loads(listing.items)]
        assert len(shown) == COUNT
        for one, made in zip(shown, generate(COUNT), strict=True):
            assert one.id == made.id
            assert one.incomplete == []
            citizens = {member.person.citizen_id for member in one.members}
            assert citizens == {person.citizen_id for person in made.members}
            assert {m.person.phone for m in one.members} == {person.phone for person in made.members}
        known = next(
            person.citizen_id for one in generate(COUNT) for person in one.members if person.citizen_id
        )
        found = await store.find(
            everyone, Paging(), citizen_id=known, house_code=None, name=None, areas=(), now=NOW
        )
        assert len(orjson.loads(found.items)) == 1


async def test_facets_are_what_the_service_would_compute(
    dsn: str, database: Database, sealing: Sealing
) -> None:
    await put_demo(dsn, sealing)
    async with seeing(database) as connection:
        before = {
            row["id"]: row["facets"] for row in await connection.fetch("SELECT id, facets FROM household")
        }
        for household_id in before:
            await refresh_facets(connection, household_id)
        after = {
            row["id"]: row["facets"] for row in await connection.fetch("SELECT id, facets FROM household")
        }
    assert before == after


async def test_casework_reads_like_any_other(dsn: str, database: Database, sealing: Sealing) -> None:
    await put_demo(dsn, sealing)
    page = Paging(limit=200)
    async with seeing(database) as connection:
        problems = await PgProblems(connection, uuid4).page(
            reach(Operation.READ_PROBLEMS, Scope.PROBLEMS_READ), ProblemFilter(), page, problem_moves(actor())
        )
        for problem in [Problem.model_validate(one) for one in orjson.loads(problems.items)]:
            assert problem.version == len(problem.history)
            assert problem.created_at == problem.history[0].at
            assert problem.updated_at == problem.history[-1].at
        assignments = await PgAssignments(connection, uuid4).page(
            reach(Operation.READ_ASSIGNMENTS, Scope.ASSIGNMENTS_READ),
            AssignmentFilter(),
            page,
            assignment_moves(actor()),
            now=NOW,
        )
        found = [Assignment.model_validate(one) for one in orjson.loads(assignments.items)]
        assert {one.overdue for one in found} == {True, False}
        events = await PgEvents(connection, sealing, uuid4).page(
            reach(Operation.READ_ASSISTANCE, Scope.ASSISTANCE_READ), EventFilter(), page
        )
        made = [AssistanceEvent.model_validate(one) for one in orjson.loads(events.items)]
        assert [one.recorded_at for one in made] == sorted(one.recorded_at for one in made)


async def test_an_event_posted_again_is_a_duplicate(dsn: str, database: Database, sealing: Sealing) -> None:
    await put_demo(dsn, sealing)
    home = next(one for one in generate(COUNT) if one.events)
    body = EventDraft.model_validate_json(orjson.dumps(drafts.event(home, home.events[0])))
    poster = actor(Scope.ASSISTANCE_WRITE, agency=home.events[0].agency)
    async with seeing(database) as connection:
        recorded = await PgEvents(connection, sealing, uuid4).record(
            admit(poster, Operation.WRITE_ASSISTANCE), uuid4(), body, now=NOW
        )
    assert recorded.verdict == "duplicate"
    assert UUID(orjson.loads(recorded.text)["id"]) == home.events[0].id


async def test_the_feed_tells_of_everything_once(dsn: str, sealing: Sealing) -> None:
    await put_demo(dsn, sealing)
    connection = await asyncpg.connect(dsn)
    for kind in ("household", "problem", "analysis", "assignment", "assistance_event"):
        missing = await connection.fetchval(
            f"""SELECT count(*) FROM "{kind}" r FULL JOIN (SELECT * FROM change WHERE type = $1) ch
              ON ch.resource_id = r.id AND ch.area_code = r.area_code
              WHERE ch.action IS DISTINCT FROM 'created' OR r.id IS NULL""",
            kind,
        )
        assert missing == 0
    await connection.close()
