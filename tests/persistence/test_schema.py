"""The schema as migrated: what it promises to Citus, to the policy and to whoever deletes nothing."""

import asyncio
import importlib
import pkgutil
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from enum import StrEnum
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
import sqlalchemy as sa
from alembic import command
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import domain
from persistence.engine import SERVICE_ROLE
from persistence.grants import DELETABLE, privileges
from persistence.metadata import METADATA
from persistence.migrate import SchemaAhead, async_url, config, head, upgrade
from persistence.wall import SCHEMA, WALLED
from tests.conftest import renamed
from tests.support.enums import ENUM_COLUMNS, NO_COLUMN

# Distributed by household under Citus, if it comes to that; everything else is small or keyed by another.
GROWING = {
    "access_grant", "access_ledger", "access_log", "analysis", "assignment", "assignment_move", "assistance_event", "audit",
    "change", "conflict",
    "indicator_result", "membership", "person", "problem", "problem_move",
}  # fmt: skip
OTHERWISE_KEYED = {
    "household": "its id is the household's",
    "citizen_identity": "distributed by the blind index, so that a citizen id stays unique",
    "event_key": "distributed by agency, so that an external id stays unique",
    "source_record": "by the source's own record: its household is what it tells",
    "import_job": "small: one a file",
    "import_row": "by import: of a rejected row no household is known",
    "import_cell": "by import, sealed whole",
    "queued_event": "by agency: its household is not known",
    "idempotency": "by client: kept seven days",
    "revoked_token": "kept fifteen minutes",
    "client_assertion": "kept an hour past their five minutes",
    "client": "small",
    "quota": "swept as its windows end",
    "export": "by client: forgotten a month after their end",
    "export_file": "with its export: kept three days",
    "webhook": "small",
    "webhook_delivery": "by webhook: swept, and without personal data",
    "signing_key": "a handful",
    "key_adoption": "a row a worker",
    "access_block": "a chain of its own, one link a second at most",
    "reference_load": "small",
    "feed_epoch": "one row",
    **dict.fromkeys(("agency", "area", "campaign", "code", "indicator", "menu"), "reference, on every node"),
}
PERSONAL = GROWING | {"household", "citizen_identity"}

Owner = "asyncpg.Connection[Any]"


@pytest_asyncio.fixture(scope="module")
async def owner(module_dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(module_dsn)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def service(owner: "asyncpg.Connection[Any]") -> AsyncIterator["asyncpg.Connection[Any]"]:
    """In the service's role; rolled back."""
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute(f"SET LOCAL ROLE {SERVICE_ROLE}")
    yield owner
    await transaction.rollback()


@pytest.fixture
def empty(server_dsn: str) -> Iterator[str]:
    """A database with nothing in it."""
    name = f"kaejon_{secrets.token_hex(6)}"

    async def execute(statement: str) -> None:
        connection = await asyncpg.connect(server_dsn)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(execute(f"CREATE DATABASE {name}"))
    yield renamed(server_dsn, name)
    asyncio.run(execute(f"DROP DATABASE {name} WITH (FORCE)"))


async def on(dsn: str, work: Callable[[sa.Connection], Any]) -> Any:
    made = create_async_engine(async_url(dsn), poolclass=NullPool)
    async with made.begin() as connection:
        found = await connection.run_sync(work)
    await made.dispose()
    return found


async def catalogue(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    """All that a migration can get wrong, as PostgreSQL spells it."""
    connection = await asyncpg.connect(dsn)
    questions = {
        "columns": """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text,
              a.attgenerated::text, l.collname, pg_get_expr(d.adbin, d.adrelid)
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
            LEFT JOIN pg_collation l ON l.oid = a.attcollation
            WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped""",
        "constraints": """SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid)
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'""",
        "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "triggers": """SELECT tgrelid::regclass::text, tgname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
            WHERE NOT tgisinternal AND c.relnamespace = 'public'::regnamespace""",
        "sequences": "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'",
    }
    found = {
        name: sorted(tuple(row) for row in await connection.fetch(question))
        if name != "columns"
        else sorted((tuple(row) for row in await connection.fetch(question)), key=repr)
        for name, question in questions.items()
    }
    await connection.close()
    return {
        name: [row for row in rows if row[0] not in ("alembic_version", "alembic_version_pkc")]
        for name, rows in found.items()
    }


# Migrations


async def test_the_migrations_make_what_the_tables_say(module_dsn: str, empty: str) -> None:
    await on(empty, METADATA.create_all)
    migrated, declared = await catalogue(module_dsn), await catalogue(empty)
    for name, rows in declared.items():
        assert migrated[name] == rows, name


async def test_alembic_finds_no_drift(module_dsn: str) -> None:
    await on(module_dsn, lambda connection: command.check(config(connection)))


async def test_down_and_up_again_is_the_same_schema(empty: str) -> None:
    await upgrade(empty)
    before = await catalogue(empty)
    # The wall's views hold on to the columns they show; every upgrade takes them down and raises them again.
    await on(empty, lambda connection: connection.exec_driver_sql(f"DROP SCHEMA {SCHEMA} CASCADE"))
    await on(empty, lambda connection: command.downgrade(config(connection), "base"))
    left = await catalogue(empty)
    assert not any(left.values()), "a downgrade leaves nothing"
    await upgrade(empty)
    assert await catalogue(empty) == before


async def test_an_upgrade_twice_and_at_once_does_nothing_more(empty: str) -> None:
    await asyncio.gather(*(upgrade(empty) for _ in range(3)))
    before = await catalogue(empty)
    await upgrade(empty)
    assert await catalogue(empty) == before
    assert before["columns"]


async def test_a_schema_that_is_ahead_is_refused_and_left_alone(empty: str) -> None:
    await upgrade(empty)
    connection = await asyncpg.connect(empty)
    await connection.execute("UPDATE alembic_version SET version_num = '9999_tomorrow'")
    with pytest.raises(SchemaAhead, match=f"9999_tomorrow.*up to {head()}.*newer version"):
        await upgrade(empty)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == "9999_tomorrow"
    await connection.close()


# Grants


async def test_the_role_has_exactly_its_rights(owner: "asyncpg.Connection[Any]") -> None:
    tables = [
        row[0] for row in await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    ]
    assert set(tables) == {*METADATA.tables, "alembic_version"}
    for table in tables:
        for right in (
            "SELECT",
            "INSERT",
            "UPDATE",
            "DELETE",
            "TRUNCATE",
            "REFERENCES",
            "TRIGGER",
            "MAINTAIN",
        ):
            if right == "MAINTAIN" and owner.get_server_version().major < 17:
                continue
            wanted = right in privileges(table)
            views = [f'{SCHEMA}."{table}"'] if table in WALLED else []
            for place, expected in (
                (f'public."{table}"', wanted and not views),
                *((one, wanted) for one in views),
            ):
                has = await owner.fetchval(
                    "SELECT has_table_privilege($1, $2::regclass, $3)", SERVICE_ROLE, place, right
                )
                if right == "SELECT" and place in (f'{SCHEMA}."person"', f'{SCHEMA}."conflict"'):
                    expected = (
                        False  # column by column: all but the sealed ones (tests/security/test_wall.py)
                    )
                assert has == expected, (place, right)


async def test_what_counts_cannot_be_deleted() -> None:
    assert set(DELETABLE).isdisjoint(
        {
            "household", "person", "membership", "problem", "problem_move", "analysis", "assignment",
            "assignment_move", "assistance_event", "event_key", "change", "audit", "access_ledger", "access_block",
            "access_grant", "client",
        }
    )  # fmt: skip


async def test_the_role_owns_nothing_and_is_nobody_special(owner: "asyncpg.Connection[Any]") -> None:
    row = await owner.fetchrow(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication FROM pg_roles WHERE rolname = $1",
        SERVICE_ROLE,
    )
    assert not any(row)
    owned = await owner.fetchval(
        "SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = $1", SERVICE_ROLE
    )
    assert owned == 0
    member = await owner.fetchval(
        "SELECT count(*) FROM pg_auth_members WHERE member = (SELECT oid FROM pg_roles WHERE rolname = $1)",
        SERVICE_ROLE,
    )
    assert member == 0


@pytest.mark.parametrize(
    "statement",
    [
        *(
            f"DELETE FROM {table}"
            for table in ("problem", "assistance_event", "problem_move", "assignment_move")
        ),
        *(
            f"DELETE FROM {table}"
            for table in (
                "household",
                "person",
                "change",
                "audit",
                "access_ledger",
                "access_block",
                "access_grant",
                "client",
            )
        ),
        *(
            f"UPDATE {table} SET area_code = '1'"
            for table in ("change", "audit", "access_log", "access_ledger", "access_grant", "problem_move")
        ),
        *(f"UPDATE {table} SET area_code = '1'" for table in ("assignment_move", "analysis")),
        "UPDATE access_block SET pruned_at = now()",
        "TRUNCATE problem CASCADE",
        "TRUNCATE revoked_token",
        "ALTER TABLE problem ADD COLUMN x int",
        "ALTER TABLE assistance_event DROP CONSTRAINT assistance_event_status_known",
        "ALTER TABLE problem OWNER TO CURRENT_USER",
        "DROP TABLE assistance_event",
        "CREATE INDEX sneaky ON problem (id)",
        "CREATE TRIGGER sneaky AFTER INSERT ON problem EXECUTE FUNCTION pg_notify()",
        "CREATE TABLE sneaky (id int)",
        "UPDATE alembic_version SET version_num = 'x'",
        "COPY problem TO PROGRAM 'cat'",
        "CREATE ROLE sneaky SUPERUSER",
        "SELECT passwd FROM pg_shadow",
    ],
)
async def test_the_role_may_not(service: "asyncpg.Connection[Any]", statement: str) -> None:
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.InvalidFunctionDefinitionError)):
        await service.execute(statement)


async def test_rights_given_by_hand_are_taken_back_by_the_next_migration(empty: str) -> None:
    await upgrade(empty)
    connection = await asyncpg.connect(empty)
    await connection.execute(f"GRANT ALL ON problem TO {SERVICE_ROLE}")
    await upgrade(empty)
    asked = "SELECT has_table_privilege($1, 'problem', 'DELETE, TRUNCATE')"
    assert not await connection.fetchval(asked, SERVICE_ROLE)
    await connection.close()


# Invariants in the database


def enums() -> set[type[StrEnum]]:
    for module in pkgutil.walk_packages(domain.__path__, "domain."):
        importlib.import_module(module.name)

    def below(kind: type[StrEnum]) -> Iterator[type[StrEnum]]:
        for one in kind.__subclasses__():
            yield one
            yield from below(one)

    return {one for one in below(StrEnum) if one.__module__.startswith("domain.")}


def test_every_enum_of_the_domain_has_its_columns_or_a_reason() -> None:
    assert enums() == {*ENUM_COLUMNS.values(), *NO_COLUMN}


@pytest.mark.parametrize(("table", "column"), sorted(ENUM_COLUMNS))
async def test_an_enum_column_takes_its_values_and_no_other(
    owner: "asyncpg.Connection[Any]", table: str, column: str
) -> None:
    rows = await owner.fetch(
        """SELECT pg_get_expr(c.conbin, c.conrelid) AS said FROM pg_constraint c
           JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attname = $2
           WHERE c.conrelid = $1::regclass AND c.contype = 'c' AND c.conkey = ARRAY[a.attnum]""",
        table,
        column,
    )
    assert rows, "it has no CHECK of its own"
    for value in [*ENUM_COLUMNS[table, column], "no-such-value", ""]:
        allowed = [await judged(owner, row["said"], column, value) for row in rows]
        assert all(allowed) == (value in list(ENUM_COLUMNS[table, column])), (value, rows[0]["said"])


async def judged(owner: "asyncpg.Connection[Any]", said: str, column: str, value: str) -> bool:
    """The CHECK's own expression on one value."""
    result: bool = await owner.fetchval(
        f'SELECT {said} FROM (SELECT $1::text AS "{column}") AS t', str(value)
    )
    return result


@pytest.mark.parametrize("table", sorted({table for table, _ in ENUM_COLUMNS}))
async def test_no_text_column_named_like_an_enum_is_forgotten(table: str) -> None:
    known = {column for one, column in ENUM_COLUMNS if one == table}
    suspects = {
        column.name
        for column in METADATA.tables[table].columns
        if isinstance(column.type, sa.Text)
        and column.name.endswith(("status", "classification", "outcome", "relationship", "solvability"))
    }
    # `outcome` of an assignment is free text; a proposed status is a narrower choice with a CHECK of its own.
    assert suspects - known <= {"proposed_status"} | ({"outcome"} if table == "assignment" else set())


async def test_personal_tables_carry_the_area(owner: "asyncpg.Connection[Any]") -> None:
    for table in PERSONAL:
        column = METADATA.tables[table].columns["area_code"]
        # An audit row of a client or a menu concerns no place.
        assert column.nullable == (table == "audit"), table


def test_every_table_is_sorted_by_how_it_is_keyed() -> None:
    assert GROWING | set(OTHERWISE_KEYED) == set(METADATA.tables)
    assert GROWING.isdisjoint(OTHERWISE_KEYED)


@pytest.mark.parametrize("table", sorted(GROWING))
async def test_a_growing_table_can_be_distributed_by_household(
    owner: "asyncpg.Connection[Any]", table: str
) -> None:
    """Citus: every unique index holds the distribution column, foreign keys stay inside one household."""
    uniques = await owner.fetch(
        """SELECT i.indexrelid::regclass::text AS name, i.indisprimary AS is_primary,
             ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS k(number, place)
                   JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number ORDER BY k.place) AS columns
           FROM pg_index i WHERE i.indrelid = $1::regclass AND i.indisunique""",
        table,
    )
    for unique in uniques:
        assert "household_id" in unique["columns"], unique["name"]
        assert not unique["is_primary"] or unique["columns"][0] == "household_id", unique["name"]
    assert any(unique["is_primary"] for unique in uniques)
    foreign = await owner.fetch(
        "SELECT pg_get_constraintdef(oid) AS said FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'f'",
        table,
    )
    assert all(row["said"] == "FOREIGN KEY (household_id) REFERENCES household(id)" for row in foreign)
    kinds = await owner.fetchval(
        "SELECT count(*) FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'x'", table
    )
    assert kinds == 0, "no exclusion constraints"


async def test_there_are_no_triggers_rules_sequences_or_identities(owner: "asyncpg.Connection[Any]") -> None:
    found = {
        name: await owner.fetchval(question)
        for name, question in {
            "triggers": """SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
                           WHERE NOT tgisinternal AND c.relnamespace = 'public'::regnamespace""",
            "rules": "SELECT count(*) FROM pg_rules WHERE schemaname = 'public'",
            "sequences": "SELECT count(*) FROM pg_sequences WHERE schemaname = 'public'",
            "identities": """SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                             WHERE c.relnamespace = 'public'::regnamespace AND (attidentity <> '' OR attgenerated <> '')""",
            "functions": "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        }.items()
    }
    assert not any(found.values()), found


async def test_every_constraint_has_a_name_of_ours(owner: "asyncpg.Connection[Any]") -> None:
    rows = await owner.fetch(
        """SELECT conname, conrelid::regclass::text AS name FROM pg_constraint
           WHERE connamespace = 'public'::regnamespace AND contype <> 'n'"""
    )
    for row in rows:
        assert row["conname"].startswith(row["name"]), row
        assert not row["conname"].endswith("_check"), "PostgreSQL named it"


async def test_no_column_holds_a_citizen_id_or_a_phone_in_clear() -> None:
    for name, table in METADATA.tables.items():
        for column in table.columns:
            if "citizen" in column.name or "phone" in column.name:
                assert column.name == "citizen_id_tail" or isinstance(column.type, sa.LargeBinary), (
                    name,
                    column,
                )
