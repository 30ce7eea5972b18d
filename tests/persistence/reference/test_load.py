"""Loading is idempotent, whole or not at all, and leaves to operators what is theirs."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from persistence.reference.load import Loaded, load_reference
from persistence.reference.sheets import ReferenceFileError, packaged

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
TABLES = ("area", "agency", "indicator", "code", "menu", "campaign", "reference_load")


@pytest_asyncio.fixture
async def owner(dsn: str) -> AsyncIterator[Any]:
    """The owner's connection to a database with the reference data."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


def edited(tmp_path: Path, name: str, old: str, new: str) -> dict[str, Path]:
    """A packaged file with one text replaced, as an operator would bring it."""
    text = packaged(name).read_text(encoding="utf-8")
    assert old in text
    return brought(tmp_path, name, text.replace(old, new, 1))


def brought(tmp_path: Path, name: str, text: str) -> dict[str, Path]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return {name: path}


def changed(loaded: list[Loaded]) -> dict[str, int]:
    return {one.file: one.changed for one in loaded if one.changed}


async def contents(owner: Any) -> list[list[Any]]:
    return [await owner.fetch(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES]


async def forget(owner: Any) -> None:
    """As if every packaged file were newer than the one loaded."""
    await owner.execute("UPDATE reference_load SET sha256 = 'older' WHERE origin = 'packaged'")


async def test_everything_is_there(owner: Any) -> None:
    editions = await owner.fetch(
        "SELECT framework || '-' || edition, count(*) FROM indicator GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row) for row in editions] == [("bmn-31", 31), ("bmn-38", 38), ("village-44", 44)]
    assert await owner.fetchval("SELECT count(*) FROM menu") == 47
    assert await owner.fetchval("SELECT count(*) FROM area WHERE abolished_on IS NULL") == 77 + 928 + 7436
    assert await owner.fetchval("SELECT count(*) FROM area WHERE abolished_on IS NOT NULL") == 1583
    assert await owner.fetchval("SELECT count(*) FROM code WHERE list = 'dimension'") == 5
    assert await owner.fetchval("SELECT count(*) FROM agency WHERE acts_at IS NOT NULL") == 94
    assert await owner.fetchval("SELECT sum(jsonb_array_length(acts_through)) FROM agency") == 47


async def test_the_provincial_health_office_of_loei_is_named_after_it(owner: Any) -> None:
    row = await owner.fetchrow("SELECT * FROM agency WHERE code = 'PROV_MOPH-42'")
    assert (row["name_th"], row["name_en"]) == (
        "สำนักงานสาธารณสุขจังหวัดเลย",
        "Loei Provincial Public Health Office",
    )
    assert (row["kind"], row["category"], row["area_code"]) == ("PROV_MOPH", "office", "42")


async def test_an_abolished_area_says_when_and_what_took_its_place(owner: Any) -> None:
    row = await owner.fetchrow("SELECT * FROM area WHERE code = '104701'")
    assert (row["abolished_on"], row["successors"]) == (date(2022, 4, 22), ["104702", "104703"])


async def test_loading_again_changes_nothing(owner: Any, dsn: str) -> None:
    before = await contents(owner)
    assert changed(await load_reference(dsn, now=NOW)) == {}
    assert await contents(owner) == before


async def test_a_newer_package_with_the_same_rows_changes_no_row(owner: Any) -> None:
    before = await contents(owner)
    await forget(owner)
    assert changed(await load_reference(owner, now=NOW)) == {}
    assert (await contents(owner))[:-1] == before[:-1]


async def test_services_that_start_at_once_load_once(owner: Any, dsn: str) -> None:
    await owner.execute(f"TRUNCATE {', '.join(TABLES)}")
    first, second = await asyncio.gather(load_reference(dsn, now=NOW), load_reference(dsn, now=NOW))
    assert sorted([bool(changed(first)), bool(changed(second))]) == [False, True]
    assert [one.rows for one in first] == [one.rows for one in second]


async def test_a_newer_file_updates_what_differs_and_counts_the_version(owner: Any, tmp_path: Path) -> None:
    replaced = edited(tmp_path, "menus.toml", "Home vegetable garden", "Kitchen garden")
    assert changed(await load_reference(owner, replaced=replaced, now=NOW)) == {"menus.toml": 1}
    row = await owner.fetchrow("SELECT document->>'title_en', version FROM menu WHERE code = 'INC-01'")
    assert tuple(row) == ("Kitchen garden", 2)
    assert changed(await load_reference(owner, replaced=replaced, now=NOW)) == {}


async def test_an_operators_row_survives_a_reload(owner: Any) -> None:
    await owner.execute(
        "UPDATE agency SET name_th = 'ของเรา', origin = 'operator' WHERE code = 'PROV_MOPH-42'"
    )
    await owner.execute("UPDATE menu SET enabled = false, origin = 'operator' WHERE code = 'INC-01'")
    await owner.execute("UPDATE campaign SET document = '{}', origin = 'operator' WHERE fiscal_year = 2570")
    before = await contents(owner)
    await forget(owner)
    assert changed(await load_reference(owner, now=NOW)) == {}
    assert (await contents(owner))[:-1] == before[:-1]


async def test_a_newer_routing_reaches_a_kind_that_an_operator_has_amended(
    owner: Any, tmp_path: Path
) -> None:
    await owner.execute("UPDATE agency SET name_th = 'ของเรา', origin = 'operator' WHERE code = 'MOPH'")
    replaced = edited(tmp_path, "acts_through.csv", "MOPH,1,PROV_MOPH,", "MOPH,1,PROV_OFFICE,")
    assert changed(await load_reference(owner, replaced=replaced, now=NOW)) == {"acts_through.csv": 1}
    row = await owner.fetchrow(
        "SELECT acts_through->0->>'unit_kind', name_th FROM agency WHERE code = 'MOPH'"
    )
    assert tuple(row) == ("PROV_OFFICE", "ของเรา")


async def test_codes_that_vanish_are_deleted_and_indicators_are_kept(owner: Any, tmp_path: Path) -> None:
    codes = packaged("codes.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in codes if not line.startswith("sex,")]
    lines = packaged("indicators.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    replaced = {
        **brought(tmp_path, "codes.csv", "".join(kept)),
        **brought(
            tmp_path,
            "indicators.csv",
            "".join(line for line in lines if not line.startswith("village-44-44,")),
        ),
    }
    assert changed(await load_reference(owner, replaced=replaced, now=NOW)) == {
        "codes.csv": len(codes) - len(kept)
    }
    assert await owner.fetchval("SELECT count(*) FROM code WHERE list = 'sex'") == 0
    assert await owner.fetchval("SELECT count(*) FROM code WHERE list = 'dimension'") == 5
    assert await owner.fetchval("SELECT count(*) FROM indicator") == 113


async def test_an_operators_file_stays_in_force_until_the_packaged_one_is_loaded(
    owner: Any, tmp_path: Path
) -> None:
    title = "SELECT document->>'title_en' FROM menu WHERE code = 'INC-01'"
    replaced = edited(tmp_path, "menus.toml", "Home vegetable garden", "Kitchen garden")
    await load_reference(owner, replaced=replaced, now=NOW)
    await forget(owner)
    assert changed(await load_reference(owner, now=NOW)) == {}
    assert await owner.fetchval(title) == "Kitchen garden"
    packaged_copy = edited(tmp_path, "menus.toml", "", "")
    assert changed(await load_reference(owner, replaced=packaged_copy, now=NOW)) == {"menus.toml": 1}
    assert await owner.fetchval(title) == "Home vegetable garden"
    assert await owner.fetchval("SELECT count(*) FROM reference_load WHERE origin = 'operator'") == 0


async def test_an_operators_areas_make_the_units_of_newer_kinds(owner: Any, tmp_path: Path) -> None:
    header = "code,name_th,name_en,abolished_on,successors,source\n"
    rows = "42,เลย,Loei,,,DOPA\n4299,ใหม่,Mai,,,DOPA\n429901,ใหม่,Mai,,,DOPA\n42990101,บ้านใหม่,,,,DOPA\n"
    loaded = await load_reference(owner, replaced=brought(tmp_path, "areas.csv", header + rows), now=NOW)
    assert changed(loaded)["areas.csv"] == 4
    assert (
        await owner.fetchval("SELECT name_th FROM agency WHERE code = 'TAO-429901'")
        == "องค์การบริหารส่วนตำบลใหม่"
    )
    assert await owner.fetchval("SELECT count(*) FROM area WHERE code = '10'") == 1
    await owner.execute("DELETE FROM agency WHERE code = 'TAO-429901'")
    await forget(owner)
    assert changed(await load_reference(owner, now=NOW)) == {"agency_kinds.csv": 1}


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "detail"),
    [
        ("codes.csv", "problem_status,analysed", "problem_status,identified", 3, "stands twice"),
        ("indicators.csv", "bmn-31-2,bmn,31,2", "bmn-31-2,bmn,31,9", 3, "id is not"),
        ("acts_through.csv", "MOPH,1,PROV_MOPH", "MOPH,1,NOBODY", 2, "NOBODY is not known"),
        ("menus.toml", 'dimension = "income"', 'dimension = "wealth"', 6, "dimension"),
    ],
)
async def test_a_broken_file_names_its_line_and_changes_nothing(
    owner: Any, tmp_path: Path, name: str, old: str, new: str, line: int, detail: str
) -> None:
    before = await contents(owner)
    replaced = {
        **edited(tmp_path, "campaigns.toml", "Poverty-eradication project 2563", "Changed"),
        **edited(tmp_path, name, old, new),
    }
    with pytest.raises(ReferenceFileError, match=f"^{name}, line {line}: .*{detail}"):
        await load_reference(owner, replaced=replaced, now=NOW)
    assert await contents(owner) == before


@pytest.mark.parametrize("day", ["2564-13-01", "20260101", "เมื่อวาน"])
async def test_a_date_that_is_none_is_refused_by_its_line(owner: Any, tmp_path: Path, day: str) -> None:
    text = f"code,name_th,name_en,abolished_on,successors,source\n42,เลย,Loei,,,DOPA\n4201,ก,,{day},,DOPA\n"
    with pytest.raises(ReferenceFileError, match=r"^areas\.csv, line 3: abolished_on"):
        await load_reference(owner, replaced=brought(tmp_path, "areas.csv", text), now=NOW)


async def test_a_name_that_is_no_reference_file_is_refused(owner: Any, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=r"no reference file is called agencies\.csv"):
        await load_reference(owner, replaced=brought(tmp_path, "agencies.csv", ""), now=NOW)


async def test_a_package_at_odds_with_an_operators_file_leaves_what_is_in_force(
    owner: Any, tmp_path: Path
) -> None:
    replaced = edited(tmp_path, "menus.toml", "Home vegetable garden", "Kitchen garden")
    await load_reference(owner, replaced=replaced, now=NOW)
    odd = replaced["menus.toml"].read_text(encoding="utf-8").replace("PROV_AGRIEXT", "GONE")
    await owner.execute("UPDATE reference_load SET content = $1 WHERE file = 'menus.toml'", odd.encode())
    await forget(owner)
    before = await contents(owner)
    assert changed(await load_reference(owner, now=NOW)) == {}
    assert await contents(owner) == before
