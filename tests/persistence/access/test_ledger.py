"""The chain over the access log: what is sealed stays provable, and whatever is done to it is found and named."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import uuid_utils.compat

from domain.access.log import Anchor, Block, pruned_hash
from persistence.access import ledger
from persistence.access.ledger import Sealer, prune
from persistence.access.verify import Report, verify
from persistence.bounds import EVERYTHING, bind
from persistence.engine import Database

KEY = bytes(range(32))
NOW = datetime(2026, 11, 21, tzinfo=UTC)
_INSERT = """INSERT INTO access_log
  (household_id, id, at, client_id, agency, purpose, person_ids, fields, request_id, area_code)
  VALUES ($1, $2, $3, $4, 'PROV_MOPH-42', 'casework', $5, '{citizen_id,phone}', 'r', '420101')"""
new_id = uuid_utils.compat.uuid7


@asynccontextmanager
async def owning(dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def write(owner: "asyncpg.Connection[Any]", count: int = 1, *, at: datetime = NOW) -> None:
    for place in range(count):
        await owner.execute(_INSERT, new_id(), new_id(), at, f"client \n{place}", [new_id(), new_id()])


@pytest.fixture
async def owner(dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    async with owning(dsn) as connection:
        yield connection


@pytest.fixture
def sealer(database: Database) -> Sealer:
    return Sealer(database, KEY, now=lambda: NOW)


@pytest.fixture
async def chain(owner: "asyncpg.Connection[Any]", sealer: Sealer) -> "asyncpg.Connection[Any]":
    """Five blocks of three rows."""
    for _ in range(5):
        await write(owner, 3)
        assert await sealer.seal() is not None
    return owner


async def check(dsn: str, **more: Any) -> Report:
    return await verify(dsn, KEY, **{"now": NOW + timedelta(days=1), **more})


async def test_rows_move_into_blocks_without_a_gap_and_the_chain_verifies(
    dsn: str, chain: "asyncpg.Connection[Any]"
) -> None:
    assert await chain.fetchval("SELECT count(*) FROM access_log") == 0
    assert await chain.fetchval("SELECT array_agg(number ORDER BY number) FROM access_block") == [
        1,
        2,
        3,
        4,
        5,
    ]
    report = await check(dsn)
    assert (report.faults, report.blocks, report.rows, report.waiting) == ([], 5, 15, 0)
    assert report.head is not None
    assert (await check(dsn, expected=Anchor.of(report.head.anchor))).faults == []


async def test_an_empty_page_makes_no_block(owner: "asyncpg.Connection[Any]", sealer: Sealer) -> None:
    turn = await sealer.seal()
    assert turn is not None
    assert (turn.rows, turn.head, turn.waiting) == (0, None, 0)
    assert await owner.fetchval("SELECT count(*) FROM access_block") == 0


async def test_a_full_page_is_sealed_in_blocks_of_bounded_size(
    dsn: str, owner: "asyncpg.Connection[Any]", sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MOST", 4)
    await write(owner, 10)
    turn = await sealer.seal()
    assert turn is not None
    assert turn.rows == 10
    assert await owner.fetchval("SELECT array_agg(rows ORDER BY number) FROM access_block") == [4, 4, 2]
    assert (await check(dsn)).faults == []


async def test_a_row_that_commits_late_is_sealed_by_a_later_turn(
    dsn: str, owner: "asyncpg.Connection[Any]", sealer: Sealer
) -> None:
    async with owning(dsn) as late:
        transaction = late.transaction()
        await transaction.start()
        await write(late)  # an earlier id and time than what is sealed before it commits
        await write(owner, 2)
        assert await sealer.seal() is not None
        await transaction.commit()
    assert await sealer.seal() is not None
    report = await check(dsn)
    assert (report.faults, report.rows, report.blocks, report.waiting) == ([], 3, 2, 0)


async def test_workers_take_turns_and_none_is_in_anothers_way(
    dsn: str, owner: "asyncpg.Connection[Any]", database: Database
) -> None:
    sealers = [Sealer(database, KEY, now=lambda: NOW) for _ in range(4)]
    for _ in range(10):
        await write(owner, 5)
        await asyncio.gather(*(one.seal() for one in sealers))
    await sealers[0].seal(patient=True)
    report = await check(dsn)
    assert (report.faults, report.rows, report.waiting) == ([], 50, 0)


async def test_who_does_not_get_the_turn_does_nothing(
    dsn: str, owner: "asyncpg.Connection[Any]", sealer: Sealer
) -> None:
    await write(owner)
    async with owning(dsn) as other, other.transaction():
        await other.fetchval("SELECT pg_advisory_xact_lock($1)", ledger._TURN)
        assert await sealer.seal() is None
    assert await owner.fetchval("SELECT count(*) FROM access_log") == 1


MIDDLE = "(SELECT id FROM access_ledger WHERE block = 3 ORDER BY id LIMIT 1)"
TAMPERED: dict[str, tuple[str, list[str]]] = {
    "a value is altered": (
        f"UPDATE access_ledger SET purpose = 'research' WHERE id = {MIDDLE}",
        ["block 3 is altered: a row of it is not as it was sealed"],
    ),
    "a person is taken out of a row": (
        f"UPDATE access_ledger SET person_ids = person_ids[1:1] WHERE id = {MIDDLE}",
        ["block 3 is altered: a row of it is not as it was sealed"],
    ),
    "a time is moved by a microsecond": (
        f"UPDATE access_ledger SET at = at + interval '1 microsecond' WHERE id = {MIDDLE}",
        ["block 3 is altered: a row of it is not as it was sealed"],
    ),
    "a row is deleted": (
        f"DELETE FROM access_ledger WHERE id = {MIDDLE}",
        ["block 3 is altered: it was sealed with 3 rows and has 2"],
    ),
    "a row is inserted": (
        """INSERT INTO access_ledger SELECT household_id, gen_random_uuid(), block, at, client_id, agency, purpose,
             person_ids, fields, request_id, area_code FROM access_ledger WHERE block = 3 LIMIT 1""",
        ["block 3 is altered: it was sealed with 3 rows and has 4"],
    ),
    "rows of two blocks are exchanged": (
        f"""UPDATE access_ledger SET block = 7 - block
            WHERE id IN ({MIDDLE}, (SELECT id FROM access_ledger WHERE block = 4 ORDER BY id LIMIT 1))""",
        [f"block {number} is altered: a row of it is not as it was sealed" for number in (3, 4)],
    ),
    "a block is deleted with its rows": (
        "WITH gone AS (DELETE FROM access_block WHERE number = 3) DELETE FROM access_ledger WHERE block = 3",
        ["block 3 is missing"],
    ),
    "two blocks are deleted": (
        "WITH gone AS (DELETE FROM access_block WHERE number IN (2, 3)) DELETE FROM access_ledger WHERE block IN (2, 3)",
        ["blocks 2 to 3 are missing"],
    ),
    "the first block is deleted with its rows": (
        "WITH gone AS (DELETE FROM access_block WHERE number = 1) DELETE FROM access_ledger WHERE block = 1",
        ["block 1 is missing"],
    ),
    "a block is deleted without its rows": (
        "DELETE FROM access_block WHERE number = 3",
        ["block 3 is missing", "block 3 is not there, and 3 rows name it"],
    ),
    "the last block is deleted without its rows": (
        "DELETE FROM access_block WHERE number = 5",
        ["block 5 is not there, and 3 rows name it"],
    ),
    "a block is altered": (
        "UPDATE access_block SET sealed_at = sealed_at - interval '1 day' WHERE number = 3",
        ["block 3 is altered: its hash is not the one of its contents"],
    ),
    "a hash is altered": (
        "UPDATE access_block SET hash = sha256(hash) WHERE number = 3",
        ["block 3 is altered: its hash is not the one of its contents"],
    ),
    "two blocks are exchanged with their rows": (
        """WITH rows AS (UPDATE access_ledger SET block = 7 - block WHERE block IN (3, 4)),
             made AS (SELECT 7 - number AS number, sealed_at, rows, rows_digest, previous, hash FROM access_block
               WHERE number IN (3, 4))
           UPDATE access_block b SET sealed_at = made.sealed_at, rows = made.rows, rows_digest = made.rows_digest,
             previous = made.previous, hash = made.hash FROM made WHERE made.number = b.number""",
        ["block 3 is reordered: it was sealed as block 4", "block 4 is reordered: it was sealed as block 3"],
    ),
    "the end is renumbered into a gap": (
        """WITH gone AS (DELETE FROM access_ledger WHERE block = 3),
             rows AS (UPDATE access_ledger SET block = 3 WHERE block = 5), old AS (DELETE FROM access_block WHERE number = 5)
           UPDATE access_block b SET sealed_at = l.sealed_at, rows_digest = l.rows_digest, previous = l.previous,
             hash = l.hash FROM access_block l WHERE b.number = 3 AND l.number = 5""",
        ["block 3 is altered: its hash is not the one of its contents"],
    ),
    "rows are passed off as pruned": (
        """WITH gone AS (DELETE FROM access_ledger WHERE block = 3)
           UPDATE access_block SET pruned_at = sealed_at, pruned_hash = hash WHERE number = 3""",
        ["block 3 lost its rows without the key"],
    ),
    "rows are passed off as pruned when a retention would have": (
        """WITH gone AS (DELETE FROM access_ledger WHERE block = 3)
           UPDATE access_block SET pruned_at = sealed_at + interval '6 years', pruned_hash = sha256(hash)
           WHERE number = 3""",
        ["block 3 lost its rows without the key"],
    ),
    "a block is only said to be pruned": (
        "UPDATE access_block SET pruned_at = sealed_at + interval '10 years', pruned_hash = hash WHERE number = 3",
        ["block 3 says that it was pruned, and 3 rows name it"],
    ),
    "a row names a block to come": (
        f"UPDATE access_ledger SET block = 9 WHERE id = {MIDDLE}",
        [
            "block 3 is altered: it was sealed with 3 rows and has 2",
            "block 9 is not there, and 1 rows name it",
        ],
    ),
    "rows are made under numbers that no block can have": (
        """ALTER TABLE access_ledger DROP CONSTRAINT access_ledger_block_positive, ALTER block DROP NOT NULL;
           INSERT INTO access_ledger SELECT household_id, gen_random_uuid(), nullif(1 - block, -4), at, client_id, agency,
             purpose, person_ids, fields, request_id, area_code FROM access_ledger WHERE block IN (1, 3, 5)""",
        [
            "block -2 is not there, and 3 rows name it",
            "block 0 is not there, and 3 rows name it",
            "3 rows name no block",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
async def test_it_is_found_and_named_when(dsn: str, chain: "asyncpg.Connection[Any]", name: str) -> None:
    statement, named = TAMPERED[name]
    await chain.execute(statement)
    assert (await check(dsn)).faults == named


async def test_a_cut_off_end_is_found_by_a_kept_head(dsn: str, chain: "asyncpg.Connection[Any]") -> None:
    head = (await check(dsn)).head
    assert head is not None
    await chain.execute("DELETE FROM access_block WHERE number > 3")
    await chain.execute("DELETE FROM access_ledger WHERE block > 3")
    assert (await check(dsn)).faults == []  # nothing inside the database can tell
    kept = await check(dsn, expected=Anchor.of(head.anchor))
    assert kept.faults == ["the chain is cut off: it ends at block 3, and block 5 was kept"]


async def test_a_chain_that_grew_anew_is_found_by_a_kept_head(
    dsn: str, chain: "asyncpg.Connection[Any]", sealer: Sealer
) -> None:
    head = (await check(dsn)).head
    assert head is not None
    await chain.execute("DELETE FROM access_block WHERE number > 3")
    await chain.execute("DELETE FROM access_ledger WHERE block > 3")
    for _ in range(4):
        await write(chain)
        await sealer.seal()
    assert (await check(dsn)).faults == []
    kept = await check(dsn, expected=Anchor.of(head.anchor))
    assert kept.faults == ["block 5 is not the one that was kept: the chain was made anew"]


async def test_without_the_key_no_block_can_be_made(dsn: str, chain: "asyncpg.Connection[Any]") -> None:
    report = await verify(dsn, bytes(32))
    assert len(report.faults) == 5
    assert all("its hash is not the one of its contents" in fault for fault in report.faults)


async def test_from_a_later_block_on_what_was_before_is_trusted(
    dsn: str, chain: "asyncpg.Connection[Any]"
) -> None:
    await chain.execute("UPDATE access_ledger SET purpose = 'x' WHERE block = 1")
    assert (await check(dsn, since=2)).faults == []
    assert (await check(dsn, since=2)).blocks == 4
    assert (await check(dsn, since=1)).faults != []


async def test_what_is_older_than_the_retention_goes_and_the_chain_still_verifies(
    dsn: str, owner: "asyncpg.Connection[Any]", database: Database
) -> None:
    days = (200, 150, 100, 50, 0)
    for age in days:
        await write(owner, 3, at=NOW - timedelta(days=age))
        await Sealer(database, KEY, now=lambda age=age: NOW - timedelta(days=age)).seal()  # type: ignore[misc]  # a bound default
    gone = await prune(dsn, KEY, days=120, now=NOW, new_id=new_id)
    assert (gone.blocks, gone.rows, gone.left) == (2, 6, 0)
    report = await check(dsn)
    assert (report.faults, report.blocks, report.pruned, report.rows) == ([], 5, 2, 9)
    again = await prune(dsn, KEY, days=120, now=NOW, new_id=new_id)
    assert (again.blocks, again.rows) == (0, 0)
    audit = await owner.fetch("SELECT operation, resource FROM audit WHERE operation LIKE 'access_log.%'")
    assert [tuple(row) for row in audit] == [("access_log.pruned", "blocks 1 to 2")]


async def test_a_block_with_one_young_row_stays_whole(
    dsn: str, owner: "asyncpg.Connection[Any]", database: Database
) -> None:
    await write(owner, at=NOW - timedelta(days=300))
    await write(owner, at=NOW - timedelta(days=1))
    await Sealer(database, KEY, now=lambda: NOW - timedelta(days=300)).seal()
    assert (await prune(dsn, KEY, days=120, now=NOW, new_id=new_id)).blocks == 0


@pytest.fixture
async def aged(owner: "asyncpg.Connection[Any]", database: Database) -> "asyncpg.Connection[Any]":
    """Three blocks of three rows, 200, 150 and 100 days old."""
    for age in (200, 150, 100):
        await write(owner, 3, at=NOW - timedelta(days=age))
        await Sealer(database, KEY, now=lambda age=age: NOW - timedelta(days=age)).seal()  # type: ignore[misc]  # a bound default
    return owner


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_block SET pruned_at = pruned_at - interval '1 second' WHERE number = 1",
        "UPDATE access_block SET pruned_hash = sha256(pruned_hash) WHERE number = 1",
        "UPDATE access_block b SET pruned_hash = o.pruned_hash FROM access_block o WHERE b.number = 1 AND o.number = 2",
    ],
)
async def test_what_says_when_the_rows_went_cannot_be_altered_or_borrowed(
    dsn: str, aged: "asyncpg.Connection[Any]", statement: str
) -> None:
    assert (await prune(dsn, KEY, days=120, now=NOW, new_id=new_id)).blocks == 2
    assert (await check(dsn)).faults == []
    await aged.execute(statement)
    assert (await check(dsn)).faults == ["block 1 lost its rows without the key"]


async def test_a_forged_pruning_is_found_also_where_the_head_was_kept(
    dsn: str, aged: "asyncpg.Connection[Any]"
) -> None:
    head = (await check(dsn)).head
    assert head is not None
    await aged.execute("DELETE FROM access_ledger WHERE block = 2")
    await aged.execute(
        """UPDATE access_block SET pruned_at = sealed_at + interval '120 days', pruned_hash = sha256('a guess')
           WHERE number = 2"""
    )
    report = await check(dsn, expected=Anchor.of(head.anchor))
    assert report.faults == ["block 2 lost its rows without the key"]


@pytest.mark.parametrize(
    ("days", "named"),
    [
        (-1, "block 1 lost its rows sooner than any retention takes them"),
        (89, "block 1 lost its rows sooner than any retention takes them"),
        (90, None),
        (201, None),
        (202, "block 1 lost its rows at a time that is yet to come"),
    ],
)
async def test_the_time_of_a_pruning_has_to_be_possible_even_with_the_key(
    dsn: str, aged: "asyncpg.Connection[Any]", days: int, named: str | None
) -> None:
    first = Block(**await aged.fetchrow(f"SELECT {ledger.BLOCK} FROM access_block WHERE number = 1"))
    at = first.sealed_at + timedelta(days=days)
    await aged.execute("DELETE FROM access_ledger WHERE block = 1")
    await aged.execute(
        "UPDATE access_block SET pruned_at = $1, pruned_hash = $2 WHERE number = 1",
        at,
        pruned_hash(KEY, first, at),
    )
    assert (await check(dsn)).faults == ([] if named is None else [named])


async def test_a_block_whose_age_was_forged_gets_no_signature_for_its_loss(
    dsn: str, aged: "asyncpg.Connection[Any]"
) -> None:
    await aged.execute("UPDATE access_block SET sealed_at = sealed_at - interval '1 year' WHERE number = 3")
    await aged.execute("UPDATE access_ledger SET at = at - interval '1 year' WHERE block = 3")
    gone = await prune(dsn, KEY, days=120, now=NOW, new_id=new_id)
    assert (gone.blocks, gone.rows, gone.left) == (2, 6, 1)
    assert await aged.fetchval("SELECT count(*) FROM access_ledger WHERE block = 3") == 3
    await aged.execute("UPDATE access_block SET sealed_at = sealed_at + interval '1 year' WHERE number = 3")
    await aged.execute("UPDATE access_ledger SET at = at + interval '1 year' WHERE block = 3")
    assert (await check(dsn)).faults == []


async def test_rows_of_no_block_are_counted_and_named(
    dsn: str, chain: "asyncpg.Connection[Any]", database: Database
) -> None:
    """As the service's own login could write them: it may add to the ledger."""
    made = f"""INSERT INTO access_ledger (block, {ledger.LOGGED})
      VALUES ($1, $2, $3, $4, 'c', 'PROV_MOPH-42', 'casework', ARRAY[$5::uuid], '{{phone}}', 'r', '420101')"""
    async with database.writing() as connection:
        await bind(connection, EVERYTHING)
        for block in (6, 7, 7):
            await connection.execute(made, block, new_id(), new_id(), NOW, new_id())
    report = await check(dsn)
    assert report.faults == [
        "block 6 is not there, and 1 rows name it",
        "block 7 is not there, and 2 rows name it",
    ]
    assert report.strays == 3
    for block in (0, -1):
        with pytest.raises(asyncpg.CheckViolationError, match="access_ledger_block_positive"):
            await chain.execute(made, block, new_id(), new_id(), NOW, new_id())


@pytest.mark.parametrize("column", ["pruned_at = sealed_at", "pruned_hash = hash"])
async def test_no_block_says_half_of_its_loss(chain: "asyncpg.Connection[Any]", column: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="access_block_pruned_hash"):
        await chain.execute(f"UPDATE access_block SET {column} WHERE number = 3")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM access_ledger",
        "UPDATE access_ledger SET purpose = 'x'",
        "DELETE FROM access_block",
        "UPDATE access_block SET pruned_at = now()",
        "UPDATE access_log SET purpose = 'x'",
        "TRUNCATE public.access_ledger",
    ],
)
async def test_the_service_itself_may_not(
    chain: "asyncpg.Connection[Any]", database: Database, statement: str
) -> None:
    async with database.reading() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


@pytest.mark.parametrize(
    "text", ["", "5", "5:", ":abc", "0:" + "a" * 52, "x:" + "a" * 52, "5:" + "a" * 51, "5:" + "1" * 52]
)
def test_what_is_no_anchor_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whichever of its parts is wrong
        Anchor.of(text)


def test_an_anchor_reads_back() -> None:
    anchor = Anchor(7, bytes(range(32)))

    block = Block(7, NOW, 1, bytes(32), bytes(32), anchor.hash)
    assert Anchor.of(block.anchor) == anchor
