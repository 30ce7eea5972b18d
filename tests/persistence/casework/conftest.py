"""The same scene on the fake and on PostgreSQL: whatever the use cases do must come out alike."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, cast
from uuid import UUID

import pytest
import pytest_asyncio
import uuid_utils.compat as uuid7

from domain.access.policy import Reach
from domain.casework.menus import MenuDraft
from domain.registry.store import Held
from persistence.assistance.events import PgEvents
from persistence.bounds import bind
from persistence.casework.analyses import PgAnalyses
from persistence.casework.assignments import PgAssignments
from persistence.casework.menus import PgMenus
from persistence.casework.problems import PgProblems
from persistence.engine import Connection, Database
from persistence.sql import Binds, reach_conditions
from tests.support.casework import AREA, FakeWork, Reference, actor
from tests.support.database import ALL

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
TODAY = date(2026, 11, 21)


def new_id() -> UUID:
    return uuid7.uuid7()


MENU = MenuDraft(
    code="INC-01",
    title_th="ปลูกผักสวนครัว",
    kind="livelihood",
    dimension="income",
    indicators=["bmn-38-27"],
    lead_agencies=["PROV_MOPH"],
)


class PgHouseholdsHere:
    """As much of the registry as casework asks for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def hold(self, reach: Reach, household_id: UUID) -> Held | None:
        binds = Binds((household_id,))
        found = ["h.id = $1", *reach_conditions(reach, binds, alias="h", household="h.id")]
        area = await self._connection.fetchval(
            f"SELECT h.area_code FROM household h WHERE {' AND '.join(found)} FOR UPDATE", *binds
        )
        return None if area is None else Held(household_id, area, 1, {})

    async def members_of(self, household_id: UUID) -> set[UUID]:
        rows = await self._connection.fetch(
            "SELECT person_id FROM membership WHERE household_id = $1 AND left_on IS NULL", household_id
        )
        return {row[0] for row in rows}


class PgWork:
    """The real stores of casework on one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.households = PgHouseholdsHere(connection)
        self.problems = PgProblems(connection, new_id)
        self.analyses = PgAnalyses(connection, new_id)
        self.assignments = PgAssignments(connection, new_id)
        self.menus = PgMenus(connection, new_id)
        self.reference = Reference()
        # What casework asks of it seals nothing.
        self.events = PgEvents(connection, cast("Any", None), new_id)

    def new_id(self) -> UUID:
        return new_id()

    async def register(self, household_id: UUID, person_id: UUID, area: str = AREA) -> None:
        await self.connection.execute(
            """INSERT INTO household (id, area_code, case_status, classification, created_at, updated_at)
               VALUES ($1, $2, 'imported', 'unclassified', $3, $3)""",
            household_id,
            area,
            NOW,
        )
        await self.connection.execute(
            """INSERT INTO membership (household_id, id, person_id, area_code, relationship)
               VALUES ($1, $2, $3, $4, 'head')""",
            household_id,
            new_id(),
            person_id,
            area,
        )
        if not await self.menus.exists(MENU.code):
            await self.menus.add(_reach(), new_id(), MENU, now=NOW)

    async def record_help(self, problem_id: UUID, provided_on: date) -> None:
        await self.connection.execute(
            """INSERT INTO assistance_event (household_id, id, area_code, agency, external_id, problem_ids, dimension,
                 assistance_type, provided_on, status, recorded_at)
               SELECT household_id, $2, area_code, 'PROV_MOPH-42', $3, ARRAY[id], dimension, 'advice', $4, 'recorded', $5
               FROM problem WHERE id = $1""",
            problem_id,
            new_id(),
            str(problem_id),
            provided_on,
            NOW,
        )
        held = await self.problems.hold(_reach(), [problem_id])
        await self.problems.follow(_reach(), held, "being_helped", "Help was given.", now=NOW)


def _reach() -> Reach:
    return Reach(actor(), [""], None, False)


@dataclass
class Scene:
    """A household with one member, and the work to do there."""

    work: Any
    household_id: UUID
    person_id: UUID


@pytest_asyncio.fixture(scope="module")
async def shared(module_dsn: str) -> AsyncIterator[Database]:
    """One database for a module: what a test writes is rolled back."""
    opened = await Database.open(module_dsn, size=4)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def connection(shared: Database) -> AsyncIterator[Connection]:
    """One connection whose writes are rolled back."""
    async with shared.reading() as found:
        transaction = found.transaction()
        await transaction.start()
        await bind(found, ALL)
        yield found
        await transaction.rollback()


async def _on(work: Any) -> Scene:
    scene = Scene(work, new_id(), new_id())
    await work.register(scene.household_id, scene.person_id)
    return scene


@pytest.fixture(params=["fake", "postgres"])
def scene(request: pytest.FixtureRequest) -> Scene:
    """The scene on both, one after the other."""
    found: Scene = request.getfixturevalue({"fake": "imagined", "postgres": "real"}[request.param])
    return found


@pytest_asyncio.fixture
async def imagined() -> Scene:
    return await _on(FakeWork())


@pytest_asyncio.fixture
async def real(connection: Connection) -> Scene:
    """The scene on PostgreSQL alone."""
    return await _on(PgWork(connection))
