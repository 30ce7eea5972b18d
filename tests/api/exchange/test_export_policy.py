"""Who gets what in an export: masking, areas, assignments, the client's own, and what has changed since it asked."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from domain.access.actor import Scope
from domain.errors import Conflict
from domain.exchange.export import Allowance, ExportDraft, ExportType
from domain.exchange.exports import ask, cancel, perform
from tests.support import builders, exports
from tests.support.access import LOGGED, logged, owner_of
from tests.support.api import PURPOSE, Api
from tests.support.calls import EVERYTHING, assignment, but, everything, told
from tests.support.jobs import tools_of

HEALTH = "PROV_MOPH-42"
READERS = {
    ExportType.HOUSEHOLDS: {Scope.HOUSEHOLDS_READ, Scope.HOUSEHOLDS_READ_ASSIGNED},
    ExportType.PROBLEMS: {Scope.PROBLEMS_READ},
    ExportType.ASSIGNMENTS: {Scope.ASSIGNMENTS_READ},
    ExportType.ASSISTANCE_EVENTS: {Scope.ASSISTANCE_READ},
}


async def made(api: Api, path: str, body: Any, **claims: Any) -> dict[str, Any]:
    answer = await everything(api, "POST", path, body, **claims)
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest_asyncio.fixture(scope="module", autouse=True)
async def homes(api: Api) -> dict[str, str]:
    """One household assigned to an agency, one not, one of another province, each with everything."""
    found = {}
    for name, area in (("given", "420101"), ("free", "420102"), ("far", "410101")):
        home = (await made(api, "/v1/households", builders.household(area_code=area)))["id"]
        problem = (await made(api, "/v1/problems", builders.problem(home)))["id"]
        await made(api, "/v1/assistance-events", builders.event(home), agency="PROV_MSDHS-42")
        found[name] = home
        if name != "far":
            await made(api, f"/v1/households/{home}/analyses", builders.analysis())
            await made(api, f"/v1/problems/{problem}/transitions", {"to": "analysed"})
            agency = HEALTH if name == "given" else "PROV_MSDHS-42"
            await made(api, "/v1/assignments", {**assignment({"problem_id": problem}), "agency": agency})
    await made(api, "/v1/assistance-events", builders.event(found["given"]), agency=HEALTH)
    return found


# -- asking


@pytest.mark.parametrize("type", ExportType)
async def test_it_needs_the_scope_that_reads_the_list(api: Api, type: ExportType) -> None:
    without = but(*READERS[type])
    answer = await exports.ask(api, "center", {"type": type}, scopes=without, areas=["42"])
    assert told(answer) == (403, "insufficient-scope")
    assert set(answer.json()["scope"].split()) == READERS[type]
    only = [Scope.EXPORTS_READ, *READERS[type]]
    assert (await exports.ask(api, "center", {"type": type}, scopes=only, areas=["42"])).status_code == 202


async def test_an_area_is_one_of_the_client_s(api: Api) -> None:
    for area in ("41", "4", "*", "420101011"):
        answer = await exports.ask(api, "center", {"type": "problems", "area": area})
        assert answer.status_code in (403, 422)
    answer = await exports.ask(api, "team", {"type": "problems", "area": "42"}, scopes=exports.SCOPES)
    assert told(answer) == (403, "outside-your-areas")
    assert answer.json()["errors"][0]["pointer"] == "/area"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/type"), ({"type": "persons"}, "/type"), ({"type": "problems", "format": "xml"}, "/format"),
        ({"type": "problems", "since": "2999-01-01T00:00:00Z"}, "/since"),
        ({"type": "problems", "since": "2026-01-01"}, "/since"), ({"type": "problems", "colour": "red"}, "/colour"),
    ],
)  # fmt: skip
async def test_a_faulty_request_is_refused(api: Api, body: dict[str, Any], pointer: str) -> None:
    answer = await exports.ask(api, "center", body)
    assert told(answer) == (422, "invalid-input")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


async def test_households_with_persons_pii_need_a_purpose_and_nothing_else_does(api: Api) -> None:
    answer = await exports.ask(api, "center", {"type": "households"}, purpose=False)
    assert told(answer) == (403, "purpose-required")
    for type in ("problems", "assignments", "assistance_events"):
        assert (await exports.ask(api, "center", {"type": type}, purpose=False)).status_code == 202


async def test_as_many_are_under_way_as_one_client_may_have(api: Api) -> None:
    tools = tools_of(api)
    order = await ordered(api, await exports.ask(api, "center", {"type": "problems"}))
    actor = replace(order.actor, client_id="busy")
    draft, now = ExportDraft(type=ExportType.PROBLEMS), datetime.now(UTC)
    made: list[bytes] = []
    for _ in range(2):
        async with tools.works.writing(actor) as work:
            made.append((await ask(work, actor, draft, allowance=Allowance(most=2), now=now)).text)
    with pytest.raises(Conflict, match="2 exports") as refused:
        async with tools.works.writing(actor) as work:
            await ask(work, actor, draft, allowance=Allowance(most=2), now=now)
    assert refused.value.error_code == "too-many-exports"
    async with tools.works.writing(actor) as work:
        await cancel(work, actor, UUID(made[0][7:43].decode()), now=now)
    async with tools.works.writing(actor) as work:
        await ask(work, actor, draft, allowance=Allowance(most=2), now=now)


async def ordered(api: Api, asked: Any) -> Any:
    async with tools_of(api).works.reading() as work:
        order = await work.exports.order(UUID(asked.json()["id"]))
    assert order is not None
    return order


async def test_a_key_makes_one_export_unmasked_as_it_was_asked_for(api: Api) -> None:
    key = {"Idempotency-Key": "export-1"}
    answers = [await exports.ask(api, "center", {"type": "households"}, headers=key) for _ in range(2)]
    assert [one.status_code for one in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert answers[1].headers["location"] == answers[0].headers["location"]
    assert answers[0].json()["unmasked"] is True
    without = await exports.ask(
        api, "center", {"type": "households"}, headers={"Idempotency-Key": "x"}, purpose=False
    )
    assert told(without) == (403, "purpose-required")


async def test_asking_is_in_the_audit(api: Api) -> None:
    asked = await exports.ask(api, "center", {"type": "households", "area": "42"})
    async with owner_of(api) as owner:
        row = await owner.fetchrow(
            "SELECT * FROM audit WHERE operation = 'export.created' AND resource = $1", asked.json()["id"]
        )
    assert (row["client_id"], row["request_id"]) == ("demo-center", asked.headers["x-request-id"])
    assert '"area": "42"' in row["changes"]
    assert '"purpose": "casework"' in row["changes"]


# -- what is in it


async def test_without_persons_pii_everything_is_masked(api: Api, homes: dict[str, str]) -> None:
    for headers in ({}, PURPOSE):
        found = await exports.rows(
            api,
            "center",
            {"type": "households"},
            headers=headers,
            scopes=but(Scope.PERSONS_PII),
            areas=["42"],
        )
        persons = [member["person"] for home in found for member in home["members"]]
        assert persons
        for person in persons:
            assert person["citizen_id"].startswith("x-xxxx-xxxxx-")
            assert (len(person["last_name"]), person["birth_date"], person["phone"]) == (1, None, None)


@pytest.mark.parametrize("format", ["ndjson", "csv", "parquet"])
async def test_with_it_and_a_purpose_it_is_unmasked_and_logged_before_it_can_be_fetched(
    api: Api, homes: dict[str, str], format: str
) -> None:
    asked = await exports.ask(api, "center", {"type": "households", "format": format})
    await exports.make(api, asked.json()["id"])
    entries = await logged(api, asked.headers["x-request-id"])
    manifest = (await api.get("center", asked.headers["location"])).json()
    assert manifest["unmasked"]
    assert manifest["output"][0]["count"] == len(entries)
    assert {str(entry["household_id"]) for entry in entries} == {homes["given"], homes["free"]}
    assert {entry["purpose"] for entry in entries} == {"casework"}
    assert {entry["client_id"] for entry in entries} == {"demo-center"}
    assert all(
        set(entry["fields"]) == {"citizen_id", "last_name", "birth_date", "phone"} for entry in entries
    )
    text = await exports.content(api, "center", manifest)
    shown = await api.get("center", f"/v1/households/{homes['given']}", headers=PURPOSE)
    persons = {member["person_id"]: member["person"] for member in shown.json()["members"]}
    read = next(entry for entry in entries if str(entry["household_id"]) == homes["given"])
    assert {str(one) for one in read["person_ids"]} == set(persons)
    if format == "ndjson":
        (row,) = [one for one in exports.lines(text) if one["id"] == homes["given"]]
        assert {member["person_id"]: member["person"] for member in row["members"]} == persons
    if format == "csv":
        assert all(person["citizen_id"].encode() in text for person in persons.values())


async def test_the_access_log_of_a_person_names_the_export(api: Api, homes: dict[str, str]) -> None:
    shown = await everything(api, "GET", f"/v1/households/{homes['given']}")
    person = shown.json()["head_person_id"]
    asked = await exports.ask(api, "center", {"type": "households"})
    await exports.make(api, asked.json()["id"])
    log = await everything(api, "GET", f"/v1/persons/{person}/access-log")
    assert asked.headers["x-request-id"] in [entry["request_id"] for entry in log.json()["items"]]


async def test_a_masked_export_is_not_in_the_log(api: Api) -> None:
    asked = await exports.ask(
        api, "center", {"type": "households"}, scopes=but(Scope.PERSONS_PII), areas=["42"]
    )
    await exports.make(api, asked.json()["id"])
    assert await logged(api, asked.headers["x-request-id"]) == []


@pytest.mark.parametrize("type", ExportType)
async def test_it_ends_at_the_client_s_areas(api: Api, homes: dict[str, str], type: ExportType) -> None:
    seen = {}
    for areas in (["42"], ["41"], ["420102"], ["41", "420101"], ["99"], []):
        found = await exports.rows(api, "center", {"type": type}, scopes=EVERYTHING, areas=areas)
        seen[tuple(areas)] = {one["id" if type is ExportType.HOUSEHOLDS else "household_id"] for one in found}
    far = set() if type is ExportType.ASSIGNMENTS else {homes["far"]}
    assert seen == {
        ("42",): {homes["given"], homes["free"]},
        ("41",): far,
        ("420102",): {homes["free"]},
        ("41", "420101"): {homes["given"], *far},
        ("99",): set(),
        (): set(),
    }


@pytest.mark.parametrize("type", ExportType)
async def test_whoever_sees_only_assigned_households_exports_those(
    api: Api, homes: dict[str, str], type: ExportType
) -> None:
    claims = {"scopes": but(Scope.HOUSEHOLDS_READ, Scope.PERSONS_PII), "areas": ["42"]}
    seen = {}
    for agency in (HEALTH, "PROV_MSDHS-42", "PROV_DLA-42"):
        found = await exports.rows(api, "center", {"type": type}, agency=agency, **claims)
        seen[agency] = {one["id" if type is ExportType.HOUSEHOLDS else "household_id"] for one in found}
        if type in (ExportType.ASSIGNMENTS, ExportType.ASSISTANCE_EVENTS):
            assert {one["agency"] for one in found} <= {agency}
    own = {homes["given"], homes["free"]} if type is ExportType.ASSISTANCE_EVENTS else {homes["free"]}
    assert seen == {HEALTH: {homes["given"]}, "PROV_MSDHS-42": own, "PROV_DLA-42": set()}


# -- whose it is


async def test_an_export_is_its_client_s_own(api: Api) -> None:
    manifest = await exports.export(api, "center", {"type": "problems"}, scopes=EVERYTHING, areas=["42"])
    url, file = f"/v1/exports/{manifest['id']}", manifest["output"][0]["url"]
    others: list[dict[str, Any]] = [
        {"client_id": "another"},
        {"agency": "PROV_DLA-42"},
        {"areas": ["4201"]},
        {"areas": []},
    ]
    for claims in others:
        given: dict[str, Any] = {"scopes": EVERYTHING, "areas": ["42"], **claims}
        for path in (url, file):
            assert told(await api.get("center", path, **given)) == (404, "not-found"), claims
        assert told(await api.post("center", f"{url}/cancel", **given)) == (404, "not-found")
        listed = await api.get("center", "/v1/exports?limit=200", **given)
        assert manifest["id"] not in [one["id"] for one in listed.json()["items"]]
    listed = await api.get("center", "/v1/exports?sort=-created_at&limit=1", scopes=EVERYTHING, areas=["42"])
    assert listed.json()["items"] == [manifest]


async def test_a_file_needs_the_rights_it_was_asked_for_with(api: Api) -> None:
    manifest = await exports.export(api, "center", {"type": "households"}, scopes=EVERYTHING, areas=["42"])
    file = manifest["output"][0]["url"]
    for gone, named in (
        ([Scope.EXPORTS_READ], "exports:read"),
        ([Scope.PERSONS_PII], "persons:pii"),
        ([Scope.HOUSEHOLDS_READ, Scope.HOUSEHOLDS_READ_ASSIGNED], "households:read households:read.assigned"),
    ):
        answer = await api.get("center", file, scopes=but(*gone), areas=["42"])
        assert told(answer) == (403, "insufficient-scope")
        assert answer.json()["scope"] == named
    assert (await api.get("center", file, scopes=EVERYTHING, areas=["42"])).status_code == 200


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"enabled": False}, "client-revoked"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "client-revoked"),
        ({"scopes": [Scope.EXPORTS_READ]}, "insufficient-scope"),
        ({"scopes": but(Scope.EXPORTS_READ)}, "insufficient-scope"),
        ({"scopes": but(Scope.PERSONS_PII)}, "insufficient-scope"),
        ({"scopes": but(Scope.HOUSEHOLDS_READ)}, "insufficient-scope"),
        ({"areas": ["4201"]}, "outside-your-areas"),
        ({"areas": []}, "outside-your-areas"),
    ],
)
async def test_whoever_may_see_less_by_now_gets_nothing(api: Api, change: dict[str, Any], fault: str) -> None:
    """A smaller file would be taken for the whole."""
    ((name, value),) = change.items()
    # A client of its own: one that was disabled stays barred for a moment.
    client_id = f"narrowed-{uuid4()}"
    claims: dict[str, Any] = {"client_id": client_id, "scopes": EVERYTHING, "areas": ["42"]}
    asked = await exports.ask(api, "center", {"type": "households"}, **claims)
    assert asked.status_code == 202
    stored = [str(one) for one in value] if isinstance(value, list) else value
    async with owner_of(api) as owner:
        await owner.execute(f"UPDATE client SET {name} = $1 WHERE id = $2", stored, client_id)
        await perform(tools_of(api), UUID(asked.json()["id"]))
        row = await owner.fetchrow(
            "SELECT status, error_code, file_ids FROM export WHERE id = $1", asked.json()["id"]
        )
        files = await owner.fetchval(
            "SELECT count(*) FROM export_file WHERE export_id = $1", asked.json()["id"]
        )
    assert (row["status"], row["error_code"], files) == ("failed", fault, 0)
    assert await logged(api, asked.headers["x-request-id"]) == []


async def test_whoever_may_see_more_by_now_gets_what_was_asked_for(api: Api, homes: dict[str, str]) -> None:
    claims: dict[str, Any] = {"client_id": "widened", "scopes": but(Scope.PERSONS_PII), "areas": ["420101"]}
    asked = await exports.ask(api, "center", {"type": "households"}, **claims)
    await exports.known(api, "center", client_id="widened", scopes=EVERYTHING, areas=["*"])
    await exports.make(api, asked.json()["id"])
    manifest = (await api.get("center", asked.headers["location"], **claims)).json()
    (row,) = exports.lines(await exports.content(api, "center", manifest, **claims))
    assert row["id"] == homes["given"]
    assert row["members"][0]["person"]["phone"] is None


async def test_no_unmasked_line_is_without_its_entry_in_the_log(api: Api) -> None:
    """Also where the job is begun anew: the log names too much, never too little."""
    asked = await exports.ask(api, "center", {"type": "households"})
    id = UUID(asked.json()["id"])
    tools = tools_of(api)

    class Dies(Exception):
        pass

    class Broken:
        def create(self, file_id: UUID) -> Any:
            written = tools.files.create(file_id)

            def finish() -> None:
                raise Dies

            written.finish = finish  # type: ignore[method-assign,assignment]
            return written

    with pytest.raises(Dies):
        await perform(replace(tools, files=Broken()), id)  # type: ignore[arg-type]
    first = await logged(api, asked.headers["x-request-id"])
    assert first
    await exports.make(api, str(id))
    async with owner_of(api) as owner:
        ids = await owner.fetchval(
            f"SELECT count(DISTINCT id) FROM {LOGGED} l WHERE request_id = $1", asked.headers["x-request-id"]
        )
    assert ids == 2
