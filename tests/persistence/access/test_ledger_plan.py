"""Sealing after a large export: a page that was empty a moment ago is not searched row against row."""

from collections.abc import Iterator
from typing import Any

import asyncpg
import orjson

from persistence.access.ledger import _BY_KEY, _MOVE, MOST
from persistence.bounds import EVERYTHING, bind
from persistence.engine import Database

_MANY = """INSERT INTO access_log
  (household_id, id, at, client_id, agency, purpose, person_ids, fields, request_id, area_code)
  SELECT gen_random_uuid(), gen_random_uuid(), now(), 'c', 'A', 'casework', '{}', '{phone}', 'r', '420101'
  FROM generate_series(1, 12000)"""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


async def test_each_row_is_found_by_its_key_whatever_the_statistics_say(dsn: str, database: Database) -> None:
    owner = await asyncpg.connect(dsn)
    await owner.execute("ANALYZE access_log")
    await owner.execute(_MANY)
    await owner.close()
    async with database.writing() as connection:
        await bind(connection, EVERYTHING)
        await connection.execute(_BY_KEY)
        text = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {_MOVE}", 1, MOST)
        await connection.execute("DELETE FROM access_log WHERE false")
    plan = orjson.loads(text)[0]["Plan"]
    looked = [
        node
        for node in nodes(plan)
        if node.get("Relation Name") == "access_log" and "Scan" in node["Node Type"]
    ]
    assert {node["Alias"]: node["Node Type"].split()[0] for node in looked}["t"] == "Index"
    # Walked once as far as the block goes, then found one by one: never the page again for every row.
    read = sum(
        node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
        for node in looked
    )
    assert read <= 2 * MOST + 2
