"""An export from its request to its end: queued, made, cancelled, begun anew, expired; and what `since` brings."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from domain.access.actor import Scope
from domain.exchange import exports as use_cases
from domain.exchange.export import ExportFault
from domain.exchange.jobs import Tools
from tests.support import builders, exports
from tests.support.access import owner_of
from tests.support.api import Api
from tests.support.calls import EVERYTHING, assignment, but, everything, told
from tests.support.jobs import run_jobs, tools_of

HEALTH = "PROV_MOPH-42"


async def made(api: Api, path: str, body: Any, **claims: Any) -> dict[str, Any]:
    answer = await everything(api, "POST", path, body, **claims)
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, Any] = answer.json()
    return found


def files_of(api: Api) -> set[str]:
    directory = Path(api.worker.settings.files)
    return {path.name for path in directory.iterdir()} if directory.exists() else set()


async def file_ids(api: Api, id: str) -> list[UUID]:
    async with owner_of(api) as owner:
        found: list[UUID] = await owner.fetchval("SELECT file_ids FROM export WHERE id = $1", id)
    return found


async def manifest_of(api: Api, id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get("center", f"/v1/exports/{id}")).json()
    return found


def with_store(tools: Tools, **methods: Callable[..., Awaitable[Any]]) -> Tools:
    """The same tools; the store of exports does some things otherwise. Each is given the store first."""
    works = tools.works

    class Store:
        def __init__(self, own: Any) -> None:
            self._own = own

        def __getattr__(self, name: str) -> Any:
            if name in methods:
                return lambda *given, **more: methods[name](self._own, *given, **more)
            return getattr(self._own, name)

    class Work:
        def __init__(self, own: Any) -> None:
            self._own = own
            self.exports = Store(own.exports)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._own, name)

    class Around:
        def __init__(self, context: Any) -> None:
            self._context = context

        async def __aenter__(self) -> Work:
            return Work(await self._context.__aenter__())

        async def __aexit__(self, *raised: Any) -> Any:
            return await self._context.__aexit__(*raised)

    class Works:
        def __getattr__(self, name: str) -> Any:
            return lambda *given, **more: Around(getattr(works, name)(*given, **more))

    return replace(tools, works=Works())


# -- the way through


async def test_an_export_is_queued_with_its_request_and_made_by_the_queue(api: Api) -> None:
    await made(api, "/v1/households", builders.household())
    asked = await exports.ask(api, "center", {"type": "households", "format": "csv", "area": "42"})
    assert asked.status_code == 202
    queued = asked.json()
    assert asked.headers["location"] == f"/v1/exports/{queued['id']}"
    assert {name: queued[name] for name in ("type", "format", "area", "status", "output", "deleted")} == {
        "type": "households", "format": "csv", "area": "42", "status": "queued", "output": [], "deleted": [],
    }  # fmt: skip
    assert await manifest_of(api, queued["id"]) == queued
    assert told(await api.get("center", f"/v1/exports/{queued['id']}/files/1")) == (404, "not-found")
    await run_jobs(api)
    manifest = await manifest_of(api, queued["id"])
    assert manifest["status"] == "succeeded"
    (output,) = manifest["output"]
    assert output["url"] == f"/v1/exports/{queued['id']}/files/1"
    kept = datetime.fromisoformat(manifest["expires_at"]) - datetime.fromisoformat(manifest["finished_at"])
    assert kept == timedelta(hours=72)


async def test_a_job_that_begins_twice_makes_one_export(api: Api) -> None:
    manifest = await exports.export(api, "center", {"type": "problems"})
    before = await exports.content(api, "center", manifest)
    await exports.make(api, manifest["id"])
    assert await manifest_of(api, manifest["id"]) == manifest
    assert await exports.content(api, "center", manifest) == before
    await exports.make(api, "0199b2c4-7c00-7000-8000-000000000001")


async def test_a_killed_job_is_begun_anew_and_half_a_file_is_never_seen(api: Api) -> None:
    asked = await exports.ask(api, "center", {"type": "problems"})
    id = asked.json()["id"]
    home = (await made(api, "/v1/households", builders.household()))["id"]
    tools = tools_of(api)

    async def dies(store: Any, reach: Any, order: Any, file: Any, **_: Any) -> int:
        file.write(b'{"half": ')
        # As after kill -9: nothing is tidied up.
        file.discard = file._file.close
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await use_cases.perform(with_store(tools, write=dies), UUID(id))
    running = await manifest_of(api, id)
    assert (running["status"], running["output"]) == ("running", [])
    assert told(await api.get("center", f"/v1/exports/{id}/files/1")) == (404, "not-found")
    async with tools.works.reading() as work:
        assert UUID(id) in await use_cases.unfinished(work)
    problem = (await made(api, "/v1/problems", builders.problem(home)))["id"]
    await exports.make(api, id)
    manifest = await manifest_of(api, id)
    rows = exports.lines(await exports.content(api, "center", manifest))
    # In a snapshot of its own.
    assert problem in [row["id"] for row in rows]
    assert not any(name.endswith(".part") for name in files_of(api))


async def test_a_job_that_cannot_be_done_says_that_it_failed(api: Api) -> None:
    asked = await exports.ask(api, "center", {"type": "problems"})
    id = UUID(asked.json()["id"])
    await use_cases.give_up(tools_of(api), id)
    manifest = await manifest_of(api, str(id))
    assert (manifest["status"], manifest["error_code"], manifest["expires_at"]) == (
        "failed",
        "internal-error",
        None,
    )
    assert manifest["finished_at"]
    await exports.make(api, str(id))
    assert await manifest_of(api, str(id)) == manifest


async def test_giving_up_takes_nothing_from_one_that_has_succeeded(api: Api) -> None:
    manifest = await exports.export(api, "center", {"type": "problems"})
    await use_cases.give_up(tools_of(api), UUID(manifest["id"]))
    assert await manifest_of(api, manifest["id"]) == manifest
    await exports.content(api, "center", manifest)


# -- cancelling


async def test_a_queued_export_that_is_cancelled_is_not_made(api: Api) -> None:
    asked = await exports.ask(api, "center", {"type": "problems"})
    id = asked.json()["id"]
    for _ in range(2):
        answer = await api.post("center", f"/v1/exports/{id}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    await exports.make(api, id)
    manifest = await manifest_of(api, id)
    assert (manifest["status"], manifest["output"]) == ("cancelled", [])
    assert not {str(one) for one in await file_ids(api, id)} & files_of(api)


async def test_one_that_has_ended_cannot_be_cancelled(api: Api) -> None:
    manifest = await exports.export(api, "center", {"type": "problems"})
    answer = await api.post("center", f"/v1/exports/{manifest['id']}/cancel")
    assert told(answer) == (409, "illegal-transition")
    assert answer.json()["allowed"] == []
    assert await manifest_of(api, manifest["id"]) == manifest


async def test_a_running_export_notices_that_it_was_cancelled(api: Api) -> None:
    asked = await exports.ask(api, "center", {"type": "problems"})
    id = asked.json()["id"]
    tools = tools_of(api)
    later = datetime.now(UTC)

    def now() -> datetime:
        nonlocal later
        later += timedelta(seconds=2)
        return later

    async def cancelled_meanwhile(store: Any, reach: Any, order: Any, file: Any, **more: Any) -> int:
        file.write(b"{}\n")
        answer = await api.post("center", f"/v1/exports/{id}/cancel")
        assert answer.status_code == 200
        await more["proceed"]()
        raise AssertionError("it went on")

    await use_cases.perform(replace(with_store(tools, write=cancelled_meanwhile), now=now), UUID(id))
    assert (await manifest_of(api, id))["status"] == "cancelled"
    assert not {f"{one}{end}" for one in await file_ids(api, id) for end in ("", ".part")} & files_of(api)


async def test_one_that_is_cancelled_at_its_very_end_leaves_nothing(api: Api) -> None:
    asked = await exports.ask(api, "center", {"type": "problems"})
    id = asked.json()["id"]

    async def late(store: Any, *given: Any, **more: Any) -> bool:
        async with tools_of(api).works.writing() as work:
            order = await work.exports.order(UUID(id))
            assert order is not None
        await api.post("center", f"/v1/exports/{id}/cancel")
        return bool(await store.finish(*given, **more))

    await use_cases.perform(with_store(tools_of(api), finish=late), UUID(id))
    manifest = await manifest_of(api, id)
    assert (manifest["status"], manifest["output"]) == ("cancelled", [])
    assert not {str(one) for one in await file_ids(api, id)} & files_of(api)


# -- expiry


async def test_after_its_time_the_files_are_gone(api: Api) -> None:
    manifest = await exports.export(api, "center", {"type": "problems"})
    kept = await exports.export(api, "center", {"type": "problems"})
    url = manifest["output"][0]["url"]
    ids = {str(one) for one in await file_ids(api, manifest["id"])}
    assert ids & files_of(api)
    async with owner_of(api) as owner:
        await owner.execute(
            "UPDATE export SET expires_at = now() - interval '1 second' WHERE id = $1", manifest["id"]
        )
    assert told(await api.get("center", url)) == (410, "export-expired")
    assert await use_cases.sweep(tools_of(api)) == 1
    assert not ids & files_of(api)
    assert told(await api.get("center", url)) == (410, "export-expired")
    after = await manifest_of(api, manifest["id"])
    assert (after["status"], after["output"]) == ("succeeded", [])
    await exports.content(api, "center", kept)
    assert await use_cases.sweep(tools_of(api)) == 0


async def test_an_export_is_forgotten_a_month_after_it_ended(api: Api) -> None:
    manifest = await exports.export(api, "center", {"type": "problems"})
    tools = tools_of(api)
    await use_cases.sweep(replace(tools, now=lambda: datetime.now(UTC) + timedelta(days=29)))
    assert (await manifest_of(api, manifest["id"]))["output"] == []
    await use_cases.sweep(replace(tools, now=lambda: datetime.now(UTC) + timedelta(days=31)))
    assert told(await api.get("center", f"/v1/exports/{manifest['id']}")) == (404, "not-found")


async def test_a_file_that_was_lost_on_the_disk_is_expired_and_no_half_answer(api: Api) -> None:
    manifest = await exports.export(api, "center", {"type": "problems"})
    for id in await file_ids(api, manifest["id"]):
        tools_of(api).files.remove(id)
    assert told(await api.get("center", manifest["output"][0]["url"])) == (410, "export-expired")


async def test_files_lie_sealed_on_the_disk(api: Api) -> None:
    home = (await made(api, "/v1/households", builders.household()))["id"]
    manifest = await exports.export(api, "center", {"type": "households"})
    (data, _) = await file_ids(api, manifest["id"])
    stored = (Path(api.worker.settings.files) / str(data)).read_bytes()
    assert home.encode() not in stored
    assert home.encode() in await exports.content(api, "center", manifest)


# -- since


async def past(api: Api) -> str:
    """Lets an hour pass for everything there is; the instant from which on there is only what is new."""
    async with owner_of(api) as owner:
        for statement in (
            "UPDATE household SET updated_at = updated_at - interval '1 hour'",
            "UPDATE problem SET updated_at = updated_at - interval '1 hour'",
            "UPDATE assignment SET updated_at = updated_at - interval '1 hour'",
            "UPDATE assistance_event SET recorded_at = recorded_at - interval '1 hour'",
            "UPDATE change SET occurred_at = occurred_at - interval '1 hour'",
        ):
            await owner.execute(statement)
    return (datetime.now(UTC) - timedelta(minutes=5)).isoformat()


async def brought(api: Api, type: str, since: str, **claims: Any) -> tuple[set[str], list[dict[str, str]]]:
    """Ids of the rows, and what is deleted."""
    given: dict[str, Any] = {"scopes": EVERYTHING, "areas": ["*"], **claims}
    manifest = await exports.export(api, "center", {"type": type, "since": since}, **given)
    rows = exports.lines(await exports.content(api, "center", manifest, **given))
    return {row["id"] for row in rows}, manifest["deleted"]


async def test_since_brings_what_has_changed_and_nothing_else(api: Api) -> None:
    old = await made(api, "/v1/households", builders.household())
    problem = (await made(api, "/v1/problems", builders.problem(old["id"])))["id"]
    event = (await made(api, "/v1/assistance-events", builders.event(old["id"])))["id"]
    other = (await made(api, "/v1/households", builders.household()))["id"]
    since = await past(api)
    assert [await brought(api, type, since) for type in ("households", "problems", "assistance_events")] == [
        (set(), [])
    ] * 3
    new = (await made(api, "/v1/households", builders.household()))["id"]
    read = await everything(api, "GET", f"/v1/persons/{old['head_person_id']}")
    patched = await everything(
        api, "PATCH", f"/v1/persons/{old['head_person_id']}", {"occupation": "ทอผ้า"},
        headers={"If-Match": read.headers["etag"]},
    )  # fmt: skip
    assert patched.status_code == 200
    ids, deleted = await brought(api, "households", since)
    assert (ids, deleted) == ({new, old["id"]}, [])
    assert other not in ids
    moved = await everything(
        api, "POST", f"/v1/problems/{problem}/transitions", {"to": "entered_in_error", "reason": "ผิด"}
    )
    assert moved.status_code == 200
    assert (await brought(api, "problems", since))[0] == {problem}
    corrected = await everything(
        api, "POST", f"/v1/assistance-events/{event}/corrections",
        {"kind": "supersede", "reason": "พิมพ์ผิด", "event": {"value_baht": "1499.00"}},
    )  # fmt: skip
    assert corrected.status_code == 201, corrected.text
    ids, deleted = await brought(api, "assistance_events", since)
    assert event in ids
    assert len(ids) == 2
    assert deleted == []


async def test_since_looks_ten_minutes_further_back_for_late_commits(api: Api) -> None:
    home = (await made(api, "/v1/households", builders.household()))["id"]
    now = datetime.now(UTC)
    assert home in (await brought(api, "households", (now - timedelta(seconds=1)).isoformat()))[0]
    async with owner_of(api) as owner:
        for minutes, found in ((9, True), (12, False)):
            await owner.execute(
                "UPDATE household SET updated_at = now() - $2::interval WHERE id = $1",
                home,
                timedelta(minutes=minutes),
            )
            await owner.execute(
                "UPDATE change SET occurred_at = now() - $2::interval WHERE household_id = $1",
                home,
                timedelta(minutes=minutes),
            )
            assert (home in (await brought(api, "households", now.isoformat()))[0]) == found


async def test_a_voided_event_is_deleted_since(api: Api) -> None:
    home = (await made(api, "/v1/households", builders.household()))["id"]
    event = (await made(api, "/v1/assistance-events", builders.event(home)))["id"]
    since = await past(api)
    voided = await everything(
        api, "POST", f"/v1/assistance-events/{event}/corrections", {"kind": "void", "reason": "ซ้ำ"}
    )
    assert voided.status_code in (200, 201), voided.text
    gone = [{"type": "assistance_event", "id": event}]
    assert (await brought(api, "assistance_events", since))[1] == gone
    assert (await brought(api, "assistance_events", since, areas=["41"]))[1] == []
    assert (await brought(api, "problems", since))[1] == []
    claims = {"scopes": but(Scope.HOUSEHOLDS_READ, Scope.PERSONS_PII)}
    assert (await brought(api, "assistance_events", since, agency="PROV_DLA-42", **claims))[1] == []
    full = await exports.export(api, "center", {"type": "assistance_events"})
    assert full["deleted"] == []


@pytest.mark.parametrize("type", ["households", "problems", "assignments", "assistance_events"])
async def test_what_left_the_areas_or_was_merged_is_deleted_whatever_is_exported(api: Api, type: str) -> None:
    """As the feed's rows say it, whoever writes them."""
    moved = (await made(api, "/v1/households", builders.household(area_code="420101")))["id"]
    merged = (await made(api, "/v1/households", builders.household(area_code="420101")))["id"]
    since = await past(api)
    async with owner_of(api) as owner:
        for home, action, left_for in ((moved, "left", "420301"), (merged, "merged", None)):
            await owner.execute(
                """INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, occurred_at, left_for)
                   VALUES ($1, gen_random_uuid(), '420101', 'household', $1, $2, 2, now(), $3)""",
                home, action, left_for,
            )  # fmt: skip
    both = sorted(({"type": "household", "id": one} for one in (moved, merged)), key=lambda one: one["id"])
    only = [{"type": "household", "id": merged}]
    assert (await brought(api, type, since, areas=["4201"]))[1] == both
    assert (await brought(api, type, since, areas=["42"]))[1] == only
    assert (await brought(api, type, since, areas=["41"]))[1] == []
    # Of an export of one area, what has left that area.
    claims: dict[str, Any] = {"scopes": EVERYTHING, "areas": ["42"]}
    manifest = await exports.export(api, "center", {"type": type, "since": since, "area": "420101"}, **claims)
    assert manifest["deleted"] == both


async def test_with_an_assignment_a_household_comes_whole_and_without_one_it_goes(api: Api) -> None:
    claims = {"scopes": but(Scope.HOUSEHOLDS_READ, Scope.PERSONS_PII), "areas": ["42"], "agency": HEALTH}
    home = (await made(api, "/v1/households", builders.household()))["id"]
    problem = (await made(api, "/v1/problems", builders.problem(home)))["id"]
    await made(api, f"/v1/households/{home}/analyses", builders.analysis())
    await made(api, f"/v1/problems/{problem}/transitions", {"to": "analysed"})
    untouched = (await made(api, "/v1/problems", builders.problem(home, indicator_id="bmn-38-27")))["id"]
    since = await past(api)
    assert (await brought(api, "households", since, **claims))[0] == set()
    given = (await made(api, "/v1/assignments", assignment({"problem_id": problem})))["id"]
    assert (await brought(api, "households", since, **claims))[0] == {home}
    assert (await brought(api, "problems", since, **claims))[0] == {problem, untouched}
    assert (await brought(api, "assignments", since, **claims))[0] == {given}
    since = await past(api)
    ended = await everything(
        api, "POST", f"/v1/assignments/{given}/transitions", {"to": "cancelled", "reason": "ไม่ต้องแล้ว"}
    )
    assert ended.status_code == 200
    rows, deleted = await brought(api, "households", since, **claims)
    assert (rows, deleted) == (set(), [{"type": "household", "id": home}])
    # Its own assignment goes on being its to read.
    assert (await brought(api, "assignments", since, **claims))[0] == {given}
    assert (await brought(api, "households", since))[1] == []


async def test_more_deleted_than_fit_are_a_file(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use_cases, "MOST_INLINE", 2)
    homes = [(await made(api, "/v1/households", builders.household()))["id"] for _ in range(3)]
    since = await past(api)
    async with owner_of(api) as owner:
        for home in homes:
            await owner.execute(
                """INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, occurred_at)
                   VALUES ($1, gen_random_uuid(), '420101', 'household', $1, 'merged', 2, now())""",
                home,
            )
    manifest = await exports.export(api, "center", {"type": "problems", "since": since, "format": "parquet"})
    assert manifest["deleted"] == []
    rows, deleted = manifest["output"]
    assert (rows["type"], rows["part"], deleted["type"], deleted["part"]) == ("problems", 1, "deleted", 2)
    assert deleted["count"] == 3
    answer = await api.get("center", deleted["url"])
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert exports.lines(answer.content) == [{"type": "household", "id": home} for home in sorted(homes)]
    ids = {str(one) for one in await file_ids(api, manifest["id"])}
    assert ids <= files_of(api)


async def test_since_reaches_no_further_back_than_the_feed(api: Api) -> None:
    pruned = datetime(2026, 6, 1, tzinfo=UTC)
    id = UUID(int=(int(pruned.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | 5)
    async with owner_of(api) as owner:
        before = await owner.fetchval("UPDATE feed_epoch SET pruned_id = $1 RETURNING pruned_id", id)
        try:
            for since, status in (
                (pruned + timedelta(minutes=11), 202),
                (pruned + timedelta(minutes=9), 422),
            ):
                answer = await exports.ask(api, "center", {"type": "problems", "since": since.isoformat()})
                assert answer.status_code == status
            assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [
                ("/since", "out-of-range")
            ]
        finally:
            await owner.execute("UPDATE feed_epoch SET pruned_id = '00000000-0000-0000-0000-000000000000'")
    assert before == id


def test_every_way_to_fail_has_a_code() -> None:
    assert {str(one) for one in ExportFault} == {
        "client-revoked", "insufficient-scope", "outside-your-areas", "internal-error",
    }  # fmt: skip


async def test_nothing_of_the_rows_stands_in_the_manifest_s_table(api: Api) -> None:
    manifest = await exports.export(api, "center", {"type": "households"})
    async with owner_of(api) as owner:
        row = await owner.fetchrow(
            "SELECT row_to_json(e)::text, row_to_json(f)::text FROM export e JOIN export_file f ON f.export_id = e.id WHERE e.id = $1",
            manifest["id"],
        )
    text = await exports.content(api, "center", manifest)
    citizen_id = exports.lines(text)[0]["members"][0]["person"]["citizen_id"]
    assert citizen_id not in row[0] + row[1]
    assert orjson.loads(row[1])["sha256"] == manifest["output"][0]["sha256"]
