"""The second wall: what the service's role sees when a statement forgets everything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from api.keyring import Keyring
from domain.access.actor import Actor, Scope
from domain.access.policy import Operation, admit
from domain.kernel import Paging
from domain.registry.household import HouseholdFilter
from domain.registry.store import Includes
from persistence.bounds import AREAS, GATE, HOLDER, Bounded, Bounds, bind, bounds_of
from persistence.demo.load import load
from persistence.engine import SEARCH_PATH, SERVICE_ROLE, Database
from persistence.metadata import METADATA
from persistence.registry import households
from persistence.registry.households import PgHouseholds
from persistence.sealing import Sealing
from persistence.wall import OPEN, SCHEMA, SEALED, WALLED
from tests.support.api import PURPOSE, Api
from tests.support.calls import EVERYTHING

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
HOLDS = ["household", "person", "membership", "citizen_identity", "indicator_result", "problem", "problem_move",
         "analysis", "assignment", "assignment_move", "assistance_event", "change"]  # fmt: skip
"""Tables that the generated households fill."""


@pytest.fixture(scope="module")
async def filled(module_dsn: str, sealing: Sealing) -> str:
    """Households in two provinces."""
    await load(
        module_dsn,
        60,
        areas=["41", "42"],
        cipher=sealing.cipher,
        blind_index=sealing.index,
        progress=lambda *_: None,
    )
    return module_dsn


@asynccontextmanager
async def naked(dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A session of the service's role as the service opens it, without bounds; rolled back."""
    connection = await asyncpg.connect(
        dsn, server_settings={"role": SERVICE_ROLE, "search_path": SEARCH_PATH}
    )
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


@asynccontextmanager
async def owning(dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


def actor(*areas: str, scopes: Any = EVERYTHING, purpose: str | None = None, agency: str = "SCJP") -> Actor:
    return Actor("a-client", agency, frozenset(Scope(one) for one in scopes), areas, 2**31, "t", purpose)


# -- nothing is left out of it


def test_every_table_stands_behind_the_wall_or_is_named_as_open() -> None:
    assert set(METADATA.tables) == set(WALLED) | OPEN
    assert not set(WALLED) & OPEN


def test_every_table_with_an_area_or_a_household_stands_behind_it() -> None:
    reference = {"agency"}
    keyed = {"event_key"}
    by_household = {
        name
        for name, table in METADATA.tables.items()
        if {"household_id", "area_code"} & {column.name for column in table.columns}
    }
    assert by_household - reference - keyed <= set(WALLED)


def test_every_sealed_column_of_a_household_is_read_through_its_own_view() -> None:
    sealed = {
        (name, column.name)
        for name, table in METADATA.tables.items()
        if name in WALLED and name != "queued_event"
        for column in table.columns
        if column.name.endswith("_sealed")
    }
    assert sealed == {(table, column) for table, columns in SEALED.items() for column in columns}


# -- a naked statement


@pytest.mark.parametrize("table", WALLED)
async def test_a_naked_select_returns_nothing(filled: str, table: str) -> None:
    async with naked(filled) as connection:
        assert await connection.fetchval(f'SELECT count(*) FROM "{table}"') == 0
    async with owning(filled) as owner:
        assert table not in HOLDS or await owner.fetchval(f'SELECT count(*) FROM "{table}"') > 0


@pytest.mark.parametrize("table", WALLED)
async def test_the_table_behind_the_wall_is_out_of_reach(filled: str, table: str) -> None:
    for statement in (
        f'SELECT 1 FROM public."{table}" LIMIT 1',
        f'DELETE FROM public."{table}"',
        f'TRUNCATE public."{table}"',
        f'ALTER TABLE public."{table}" DISABLE TRIGGER ALL',
    ):
        async with naked(filled) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


@pytest.mark.parametrize("table", HOLDS)
async def test_within_bounds_a_naked_select_returns_their_rows_alone(filled: str, table: str) -> None:
    async with owning(filled) as owner:
        there = await owner.fetchval(f"SELECT count(*) FROM \"{table}\" WHERE area_code LIKE '42%'")
        everywhere = await owner.fetchval(f'SELECT count(*) FROM "{table}"')
    assert 0 < there < everywhere
    async with naked(filled) as connection:
        await bind(connection, bounds_of(actor("42")))
        areas = [row[0] for row in await connection.fetch(f'SELECT area_code FROM "{table}"')]
    assert len(areas) == there
    assert all(area.startswith("42") for area in areas)


@pytest.mark.parametrize("areas", [(), ("99",), ("4",)], ids=str)
async def test_bounds_that_hold_no_household_show_none(filled: str, areas: tuple[str, ...]) -> None:
    async with naked(filled) as connection:
        await bind(connection, bounds_of(actor(*areas)))
        shown = await connection.fetchval("SELECT count(*) FROM household")
    # "4" is no area code, and a token cannot carry it; as a prefix it would hold both provinces.
    assert shown == (60 if areas == ("4",) else 0)


async def test_scopes_that_have_nothing_to_do_with_households_see_none(filled: str) -> None:
    for scopes, sees in (
        (["menus:read", "clients:admin", "persons:pii", "projects:write"], False),
        ([], False),
        (["audit:read"], True),
        (["reports:read"], True),
    ):
        async with naked(filled) as connection:
            await bind(connection, bounds_of(actor("42", scopes=scopes, purpose="casework")))
            assert (await connection.fetchval("SELECT count(*) FROM household") > 0) is sees, scopes
            assert (await connection.fetchval("SELECT count(*) FROM person_sealed") > 0) is (
                sees and "persons:pii" in scopes
            )


async def test_the_country_is_every_row(filled: str) -> None:
    async with naked(filled) as connection:
        await bind(connection, bounds_of(actor("*")))
        assert await connection.fetchval("SELECT count(*) FROM household") == 60


@pytest.mark.parametrize("areas", [None, "", "{}"])
@pytest.mark.parametrize("holder", [None, "", "off", "off|SCJP", "on|SCJP|", "on|SCJP|{}|"])
async def test_broken_bounds_show_nothing(filled: str, areas: str | None, holder: str | None) -> None:
    async with naked(filled) as connection:
        for setting, text in ((AREAS, areas), (HOLDER, holder)):
            if text is not None:
                await connection.execute("SELECT set_config($1, $2, true)", setting, text)
        assert await connection.fetchval("SELECT count(*) FROM household") == 0


# -- writing


async def test_a_row_outside_the_bounds_is_neither_made_nor_changed_nor_deleted(filled: str) -> None:
    async with owning(filled) as owner:
        theirs = await owner.fetchrow(
            "SELECT id, area_code FROM household WHERE area_code LIKE '41%' LIMIT 1"
        )
        own = await owner.fetchval("SELECT id FROM household WHERE area_code LIKE '42%' LIMIT 1")
    async with naked(filled) as connection:
        await bind(connection, bounds_of(actor("42")))
        assert (
            await connection.execute("UPDATE household SET has_land = true WHERE id = $1", theirs["id"])
            == "UPDATE 0"
        )
        assert (
            await connection.execute("DELETE FROM indicator_result WHERE household_id = $1", theirs["id"])
            == "DELETE 0"
        )
    for statement, values in (
        ("UPDATE household SET area_code = $2 WHERE id = $1", (own, theirs["area_code"])),
        (
            """INSERT INTO household (id, area_code, case_status, classification, created_at, updated_at)
               VALUES ($1, $2, 'imported', 'unclassified', now(), now())""",
            (uuid4(), theirs["area_code"]),
        ),
    ):
        async with naked(filled) as connection:
            await bind(connection, bounds_of(actor("42")))
            with pytest.raises(asyncpg.WithCheckOptionViolationError):
                await connection.execute(statement, *values)


# -- sealed columns


@pytest.mark.parametrize("column", SEALED["person"])
async def test_sealed_columns_are_shown_to_the_right_alone(filled: str, column: str) -> None:
    async with naked(filled) as connection:
        await bind(connection, bounds_of(actor("42", purpose="casework")))
        assert await connection.fetchval(f"SELECT count({column}) FROM person_sealed") > 0
        await bind(connection, bounds_of(actor("42")))
        assert await connection.fetchval("SELECT count(*) FROM person_sealed") == 0
        without = [one for one in EVERYTHING if one != Scope.PERSONS_PII]
        await bind(connection, bounds_of(actor("42", scopes=without, purpose="casework")))
        assert await connection.fetchval("SELECT count(*) FROM person_sealed") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetchval(f"SELECT {column} FROM person LIMIT 1")


# -- how the bounds get there


async def test_a_gated_statement_is_bounded_and_leaves_nothing_behind(filled: str) -> None:
    database = await Database.open(filled, size=1)
    count = f"SELECT count(*) FROM household h WHERE {GATE}"
    async with database.reading() as connection:
        assert await Bounded(connection, bounds_of(actor("42"))).fetchval(count) > 0
        assert await connection.fetchval("SELECT count(*) FROM household") == 0
        for setting in (AREAS, HOLDER):
            assert not await connection.fetchval("SELECT current_setting($1, true)", setting)
    await database.close()


async def test_a_statement_without_a_gate_is_bounded_all_the_same(filled: str) -> None:
    database = await Database.open(filled, size=1)
    async with database.reading() as connection:
        bounded = Bounded(connection, bounds_of(actor("42")))
        areas = [row[0] for row in await bounded.fetch("SELECT area_code FROM household")]
        assert areas
        assert all(area.startswith("42") for area in areas)
        with pytest.raises(asyncpg.PostgresError):
            await bounded.fetchval("SELECT 1 / 0 FROM household")
        assert await connection.fetchval("SELECT count(*) FROM household") == 0
    await database.close()


@pytest.mark.parametrize("plans", ["force_custom_plan", "force_generic_plan"])
async def test_the_gate_is_passed_before_any_row_is_read(filled: str, plans: str) -> None:
    async with naked(filled) as connection:
        await connection.execute(f"SET LOCAL plan_cache_mode = {plans}")
        bounded = Bounded(connection, bounds_of(actor("42")))
        for _ in range(8):
            seen = await bounded.fetchval(
                f"""WITH here AS MATERIALIZED (SELECT h.id FROM household h)
                SELECT (SELECT count(*) FROM here) + count(*) FROM problem WHERE {GATE}"""
            )
            assert seen > 0


# -- a store that forgets its filter


async def test_a_store_that_forgets_its_filter_shows_nothing_of_others(
    filled: str, sealing: Sealing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(households, "reach_conditions", lambda *_, **__: [])
    monkeypatch.setattr(households, "reached", lambda *_, **__: "$2::text[] IS NOT NULL")
    here = actor("42", scopes=[Scope.HOUSEHOLDS_READ])
    reach = admit(here, Operation.READ_HOUSEHOLDS)
    async with owning(filled) as owner:
        theirs: UUID = await owner.fetchval("SELECT id FROM household WHERE area_code LIKE '41%' LIMIT 1")
        own: UUID = await owner.fetchval("SELECT id FROM household WHERE area_code LIKE '42%' LIMIT 1")
        there = await owner.fetchval("SELECT count(*) FROM household WHERE area_code LIKE '42%'")
    database = await Database.open(filled, size=1)
    async with database.reading() as connection:
        store = PgHouseholds(Bounded(connection, bounds_of(here)), sealing, uuid4)
        assert await store.view(reach, theirs, Includes(), now=NOW) is None
        assert await store.view(reach, own, Includes(), now=NOW) is not None
        listing = await store.page(reach, HouseholdFilter(), Paging(200, count="exact"), now=NOW)
        assert listing.total == there
    await database.close()


async def test_doors_that_are_handed_the_whole_country_show_the_token_s_areas(
    filled: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy itself broken: every reach is the country and unmasked. The wall still knows the token."""
    import domain.registry.households as use_cases

    real = use_cases.admit

    def broken(who: Actor, operation: Operation) -> Any:
        from dataclasses import replace

        return replace(real(who, operation), prefixes=[""], assigned_to=None)

    monkeypatch.setattr(use_cases, "admit", broken)
    async with Api.open(filled, keyring) as api:
        for name, province in (("frontend", "42"), ("neighbour", "41")):
            listed = (await api.get(name, "/v1/households?limit=200")).json()["items"]
            assert listed
            assert all(one["area_code"].startswith(province) for one in listed)
            asked = await api.graphql(
                name, "{ households(first: 200) { nodes { areaCode } } }", headers=PURPOSE
            )
            nodes = asked.json()["data"]["households"]["nodes"]
            assert nodes
            assert all(one["areaCode"].startswith(province) for one in nodes)


# -- the role


async def test_the_role_makes_nothing_and_owns_nothing(filled: str) -> None:
    for statement in (
        "CREATE TABLE public.mine (id int)",
        f"CREATE VIEW {SCHEMA}.mine AS SELECT 1",
        "CREATE FUNCTION public.leak(text) RETURNS bool LANGUAGE sql AS 'SELECT true'",
        f"DROP SCHEMA {SCHEMA} CASCADE",
        f"DROP VIEW {SCHEMA}.person",
    ):
        async with naked(filled) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    async with owning(filled) as owner:
        owned = await owner.fetchval(
            "SELECT count(*) FROM pg_class WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = $1)",
            SERVICE_ROLE,
        )
        flags = await owner.fetchrow(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = $1",
            SERVICE_ROLE,
        )
    assert owned == 0
    assert not any(flags)


def test_bounds_are_text_that_a_token_cannot_break() -> None:
    assert bounds_of(actor("42", "4101")) == Bounds('{"42","4101"}', "off|SCJP", granted=True)
    assert bounds_of(actor("*")) == Bounds('{""}', "off|SCJP", granted=False)
    assert bounds_of(actor()) == Bounds("{}", "off|SCJP", granted=False)
