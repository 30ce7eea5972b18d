"""What an export holds is what the lists hold: every type in every format, row for row."""

import csv
import hashlib
import io
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import pyarrow
import pyarrow.parquet
import pytest
import pytest_asyncio

from api.app import sealing_of
from domain.exchange.export import ExportFormat, ExportType
from domain.exchange.exports import reach_of
from persistence.demo.load import load
from persistence.exchange.formats import Column, Kind, columns_of
from tests.support import builders, exports
from tests.support.api import PURPOSE, Api
from tests.support.calls import everything
from tests.support.jobs import tools_of

LISTS = {
    ExportType.HOUSEHOLDS: "/v1/households",
    ExportType.PROBLEMS: "/v1/problems",
    ExportType.ASSIGNMENTS: "/v1/assignments",
    ExportType.ASSISTANCE_EVENTS: "/v1/assistance-events",
}
HOSTILE = (
    "=1+1", '"อัญ,ประกาศ";\\', "C:\\new\\table\\u0041", "สอง\nบรรทัด\tแท็บ", "\\.", "\\N", "ญี่ปุ่น 日本 😀", "{\"a\": 1}",
    "'=1", "-1", "a,b", "ก\u2028\u2029ข", "ก" * 200, "</script>", "%s$1",
)  # fmt: skip


@pytest_asyncio.fixture(scope="module", autouse=True)
async def filled(api: Api) -> None:
    """A demo, and texts that every format has to carry."""
    sealing = sealing_of(api.keyring)
    await load(
        api.worker.dsn,
        60,
        areas=["42"],
        cipher=sealing.cipher,
        blind_index=sealing.index,
        progress=lambda *_: None,
    )
    for text in HOSTILE:
        address = {"house_no": text.replace("\n", " "), "moo": 3, "village_name": text.replace("\n", " ")}
        home = await made(api, "/v1/households", builders.household(address=address))
        await made(
            api,
            "/v1/assistance-events",
            builders.event(home, description=text, unit=text[:20], obstacle=text, quantity=1.5),
        )
        await made(api, "/v1/problems", builders.problem(home, description=text, need=text))


async def made(api: Api, path: str, body: Any) -> str:
    answer = await api.post("center", path, body, headers=PURPOSE, scopes=exports.SCOPES, areas=["42"])
    assert answer.status_code == 201, answer.text
    id: str = answer.json()["id"]
    return id


async def every(api: Api, who: str, type: ExportType, query: str = "", **claims: Any) -> list[dict[str, Any]]:
    """Every item of the list."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await api.get(who, f"{LISTS[type]}?limit=200{query}{cursor}", headers=PURPOSE, **claims)
        assert page.status_code == 200, page.text
        found += page.json()["items"]
        if page.json()["next_cursor"] is None:
            return found
        cursor = f"&cursor={page.json()['next_cursor']}"


def plain(column: Column, value: Any) -> Any:
    """A cell of Parquet as JSON has it."""
    if value is None:
        return None
    match column.kind:
        case Kind.JSON:
            return orjson.loads(value)
        case Kind.DECIMAL:
            return value
        case Kind.DATE:
            return value.isoformat()
    return value


def expected(column: Column, item: dict[str, Any]) -> Any:
    value: Any = item
    for part in column.path:
        value = None if value is None else value[part]
    if value is not None and column.kind is Kind.TIME:
        return datetime.fromisoformat(value)
    return value


def alike(column: Column, cell: Any, item: dict[str, Any]) -> bool:
    wanted = expected(column, item)
    if column.kind is Kind.DECIMAL and wanted is not None:
        # A quantity is a number in JSON, an amount a text.
        return f"{cell:f}" == f"{float(wanted):.{column.places}f}"
    return bool(plain(column, cell) == wanted)


@pytest.mark.parametrize("type", ExportType)
async def test_ndjson_is_the_items_of_the_list_by_their_ids(api: Api, type: ExportType) -> None:
    items = await every(api, "center", type)
    assert len(items) > 20
    manifest = await exports.export(api, "center", {"type": type, "format": "ndjson"})
    text = await exports.content(api, "center", manifest)
    assert exports.lines(text) == sorted(items, key=lambda item: item["id"])
    assert text.endswith(b"\n")
    assert manifest["output"][0]["count"] == len(items) == text.count(b"\n")


@pytest.mark.parametrize("type", ExportType)
async def test_parquet_is_the_same_rows_typed(api: Api, type: ExportType) -> None:
    items = sorted(await every(api, "center", type), key=lambda item: item["id"])
    manifest = await exports.export(api, "center", {"type": type, "format": "parquet"})
    table = pyarrow.parquet.read_table(io.BytesIO(await exports.content(api, "center", manifest)))
    columns = columns_of(type.resource)
    assert table.column_names == [column.name for column in columns]
    assert table.num_rows == len(items) == manifest["output"][0]["count"]
    for column in columns:
        cells = table.column(column.name).to_pylist()
        assert all(alike(column, *pair) for pair in zip(cells, items, strict=True)), column.name


def test_parquet_columns_have_their_types() -> None:
    kinds = {column.name: column.kind for column in columns_of(ExportType.HOUSEHOLDS.resource)}
    assert kinds["id"] is kinds["area_code"] is kinds["house_code"] is Kind.TEXT
    assert kinds["annual_income_per_person"] is Kind.DECIMAL
    assert (kinds["address_moo"], kinds["has_land"], kinds["members"]) == (
        Kind.INTEGER,
        Kind.BOOLEAN,
        Kind.JSON,
    )
    assert (kinds["location_latitude"], kinds["updated_at"]) == (Kind.FLOAT, Kind.TIME)
    events = {column.name: column for column in columns_of(ExportType.ASSISTANCE_EVENTS.resource)}
    assert (events["provided_on"].kind, events["value_baht"].places, events["quantity"].places) == (
        Kind.DATE,
        2,
        3,
    )


@pytest.mark.parametrize("type", ExportType)
async def test_csv_is_the_same_rows_as_text(api: Api, type: ExportType) -> None:
    items = sorted(await every(api, "center", type), key=lambda item: item["id"])
    manifest = await exports.export(api, "center", {"type": type, "format": "csv"})
    text = (await exports.content(api, "center", manifest)).decode()
    header, *read = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns = columns_of(type.resource)
    assert header == [column.name for column in columns]
    assert len(read) == len(items)
    for row, item in zip(read, items, strict=True):
        for column, cell in zip(columns, row, strict=True):
            assert_cell(column, cell, expected(column, item))


def assert_cell(column: Column, cell: str, wanted: Any) -> None:
    if wanted is None:
        assert cell == "", column.name
    elif column.kind is Kind.JSON:
        assert orjson.loads(cell) == wanted, column.name
    elif column.kind is Kind.TIME:
        assert datetime.fromisoformat(cell) == wanted, column.name
    elif column.kind is Kind.BOOLEAN:
        assert cell == str(wanted).lower(), column.name
    elif column.kind in (Kind.DECIMAL, Kind.INTEGER, Kind.FLOAT):
        assert float(cell) == float(wanted), column.name
    else:
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), column.name
        assert cell.removeprefix("'" if cell != wanted else "") == wanted, column.name


async def test_an_area_is_that_area_alone(api: Api) -> None:
    items = await every(api, "center", ExportType.HOUSEHOLDS, "&area=420101")
    found = await exports.rows(api, "center", {"type": "households", "area": "420101"})
    assert found == sorted(items, key=lambda item: item["id"])
    assert 0 < len(found) < len(await every(api, "center", ExportType.HOUSEHOLDS))


async def test_the_file_says_what_it_is(api: Api) -> None:
    for format, media in (
        (ExportFormat.NDJSON, "application/x-ndjson"),
        (ExportFormat.CSV, "text/csv; charset=utf-8"),
        (ExportFormat.PARQUET, "application/vnd.apache.parquet"),
    ):
        manifest = await exports.export(api, "center", {"type": "problems", "format": format})
        (output,) = manifest["output"]
        answer = await api.get("center", output["url"])
        assert hashlib.sha256(answer.content).hexdigest() == output["sha256"]
        assert len(answer.content) == output["size"] == int(answer.headers["content-length"])
        assert answer.headers["content-type"] == media
        assert answer.headers["etag"] == f'"{output["sha256"]}"'
        assert answer.headers["cache-control"] == "no-store"
        assert f'filename="problems.{format}"' in answer.headers["content-disposition"]
        known = {"If-None-Match": answer.headers["etag"]}
        assert (await api.get("center", output["url"], headers=known)).status_code == 304
        head = await api.call("center", "HEAD", output["url"])
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(output["size"])
    assert (await api.get("center", output["url"][:-1] + "2")).status_code == 404
    for part in ("0", "x", "10", "-1"):
        assert (await api.get("center", output["url"][:-1] + part)).status_code == 404


async def test_the_manifest_names_the_instant_and_the_place_in_the_feed(api: Api) -> None:
    manifest = await exports.export(api, "center", {"type": "households"})
    assert manifest["created_at"] <= manifest["transaction_time"] <= manifest["finished_at"]
    assert (manifest["area"], manifest["since"], manifest["error_code"], manifest["deleted"]) == (
        None,
        None,
        None,
        [],
    )
    home = await made(api, "/v1/households", builders.household())
    scopes = exports.SCOPES
    feed = await api.get("center", f"/v1/changes?after={manifest['feed_position']}&limit=200", scopes=scopes)
    assert feed.status_code == 200, feed.text
    assert [one["resource_id"] for one in feed.json()["items"] if one["action"] == "created"] == [home]


async def test_the_feed_is_followed_from_an_export_of_a_part(api: Api) -> None:
    manifest = await exports.export(api, "center", {"type": "problems", "area": "4201"})
    answer = await api.get("center", f"/v1/changes?after={manifest['feed_position']}", scopes=exports.SCOPES)
    assert answer.status_code == 200, answer.text


async def test_the_place_in_the_feed_is_of_what_the_client_saw_then(api: Api) -> None:
    narrow = {"scopes": exports.SCOPES, "areas": ["4201"]}
    manifest = await exports.export(api, "center", {"type": "households"}, **narrow)
    path = f"/v1/changes?after={manifest['feed_position']}"
    assert (await api.get("center", path, **narrow)).status_code == 200
    for changed in (
        {"areas": ["42"]},
        {"areas": ["420101"]},
        {"scopes": ["changes:read", "households:read"]},
    ):
        answer = await api.get("center", path, **{**narrow, **changed})
        assert (answer.status_code, answer.json()["code"]) == (410, "cursor-expired"), changed


async def test_what_was_merged_or_voided_does_not_come_with_the_rows(api: Api) -> None:
    winner, loser = [await made(api, "/v1/households", builders.household()) for _ in range(2)]
    event = await made(api, "/v1/assistance-events", builders.event(winner))
    body = {"duplicate_id": loser, "reason": "ซ้ำ"}
    assert (await everything(api, "POST", f"/v1/households/{winner}/merge", body)).status_code in (200, 201)
    body = {"kind": "void", "reason": "ผิดครัวเรือน"}
    assert (
        await everything(api, "POST", f"/v1/assistance-events/{event}/corrections", body)
    ).status_code == 201
    since = "2020-01-01T00:00:00Z"
    homes = [one["id"] for one in await exports.rows(api, "center", {"type": "households"})]
    assert winner in homes
    assert loser not in homes
    events = [
        one["id"] for one in await exports.rows(api, "center", {"type": "assistance_events", "since": since})
    ]
    assert event not in events


async def test_what_is_written_while_an_export_runs_is_not_in_it_but_after_its_place(api: Api) -> None:
    """A snapshot: the second look of the same transaction sees what the first one saw."""

    tools = tools_of(api)
    asked = await exports.ask(api, "center", {"type": "problems"})
    async with tools.works.reading() as work:
        order = await work.exports.order(asked_id(asked))
    assert order is not None
    async with tools.works.lasting(order.actor, snapshot=True) as work:
        instant = await work.exports.instant()
        place = await work.changes.end()
        home = await made(api, "/v1/households", builders.household())
        late = await made(api, "/v1/problems", builders.problem(home))
        assert await work.exports.instant() == instant
        assert await work.changes.end() == place

        class Kept:
            size = 0
            text = b""

            def write(self, data: bytes) -> int:
                self.text += data
                return len(data)

        async def nothing(*_: Any) -> None:
            pass

        kept = Kept()
        await work.exports.write(
            reach_of(order, order.actor),
            order,
            kept,
            since=None,
            now=instant,
            proceed=nothing,
            logged=nothing,  # type: ignore[arg-type]
        )
    assert late not in kept.text.decode()
    assert late in [one["id"] for one in await exports.rows(api, "center", {"type": "problems"})]


def asked_id(answer: Any) -> Any:

    return UUID(answer.json()["id"])
