"""Who looked can be shown: every unmasked answer leaves its rows, and each person's are readable."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import httpx2
import pytest

from api.keyring import Keyring
from domain.access.actor import Scope
from domain.access.policy import MASKED_FIELDS
from persistence.access.log import page_sql
from persistence.access.verify import verify
from tests.support import builders
from tests.support.access import LOGGED, logged, owner_of
from tests.support.api import PURPOSE, Api
from tests.support.calls import EVERYTHING, everything
from tests.support.server import ROOT

MEMBERS = "{ id members { person { id lastName } } }"


async def registered(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await everything(
        api, "POST", "/v1/households", builders.household(**changes), headers={"X-Purpose": "casework"}
    )
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def persons_in(value: Any) -> list[str]:
    """The ids of all persons in an answer, wherever they stand."""
    if isinstance(value, list):
        return [one for part in value for one in persons_in(part)]
    if not isinstance(value, dict):
        return []
    own = [value["id"]] if value.keys() & {"last_name", "lastName"} else []
    return own + [one for part in value.values() for one in persons_in(part)]


async def told_of(api: Api, request_id: str, fields: Sequence[str] = MASKED_FIELDS) -> set[str]:
    rows = await logged(api, request_id)
    assert {tuple(row["fields"]) for row in rows} <= {tuple(fields)}
    return {str(person) for row in rows for person in row["person_ids"]}


async def log_of(api: Api, person_id: str, **more: Any) -> httpx2.Response:
    return await everything(api, "GET", f"/v1/persons/{person_id}/access-log{more.pop('query', '')}", **more)


# -- every way to unmasked data


Way = Callable[[Api, dict[str, Any], dict[str, str], Sequence[Scope]], Awaitable[httpx2.Response]]


def rest(
    method: str, path: str, body: Callable[[dict[str, Any]], Any] = lambda _: None, **headers: str
) -> Way:
    async def call(
        api: Api, home: dict[str, Any], sent: dict[str, str], scopes: Sequence[Scope]
    ) -> httpx2.Response:
        where = path.format(h=home["id"], p=home["head_person_id"])
        return await everything(api, method, where, body(home), headers={**sent, **headers}, scopes=scopes)

    return call


def graphql(text: str) -> Way:
    async def call(
        api: Api, home: dict[str, Any], sent: dict[str, str], scopes: Sequence[Scope]
    ) -> httpx2.Response:
        query = text.replace("<h>", f'"{home["id"]}"').replace("<p>", f'"{home["head_person_id"]}"')
        return await api.graphql("center", query, headers={**PURPOSE, **sent}, scopes=scopes, areas=["*"])

    return call


PATCH = {"If-Match": '"1"'}
WAYS: dict[str, Way] = {
    "household": rest("GET", "/v1/households/{h}"),
    "household with lists": rest("GET", "/v1/households/{h}?include=problems,assignments,assistance,analyses,visits,plans"),
    "list": rest("GET", "/v1/households?limit=200"),
    "search": rest("POST", "/v1/households/search", lambda _: {"name": "สมศ", "limit": 200}),
    "search by id": rest("POST", "/v1/households/search", lambda h: {"citizen_id": h["members"][0]["person"]["citizen_id"]}),
    "person": rest("GET", "/v1/persons/{p}"),
    "create": rest("POST", "/v1/households", lambda _: builders.household()),
    "patch": rest("PATCH", "/v1/households/{h}", lambda _: {"has_land": False}, **PATCH),
    "patch that changes nothing": rest("PATCH", "/v1/households/{h}", lambda _: {"has_land": True}, **PATCH),
    "patch of a person": rest("PATCH", "/v1/persons/{p}", lambda _: {"occupation": "ทำนา"}, **PATCH),
    "results": rest("PUT", "/v1/households/{h}/indicator-results", lambda _: {"fiscal_year": 2569, "edition": "38", "results": [{"indicator_id": "bmn-38-29", "result": "fail"}]}),
    "GraphQL household": graphql(f"{{ household(id: <h>) {MEMBERS} }}"),
    "GraphQL twice by alias": graphql(f"{{ a: household(id: <h>) {MEMBERS} b: household(id: <h>) {MEMBERS} }}"),
    "GraphQL list": graphql(f"{{ households(first: 200) {{ nodes {MEMBERS} }} }}"),
    "GraphQL search": graphql(f'{{ searchHouseholds(first: 200, input: {{name: "สมศ"}}) {{ nodes {MEMBERS} }} }}'),
    "GraphQL person": graphql("{ person(id: <p>) { id lastName } }"),
    "GraphQL person and its household": graphql(f"{{ person(id: <p>) {{ id lastName household {MEMBERS} }} }}"),
    "GraphQL write": graphql("mutation { createProblem(input: {householdId: <h>, personId: <p>, dimension: INCOME, fiscalYear: 2569}) { person { id lastName } household " + MEMBERS + " } }"),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
async def test_every_person_shown_is_logged_and_no_other(api: Api, way: str) -> None:
    home = await registered(api)
    request_id = f"way-{list(WAYS).index(way)}"
    answer = await WAYS[way](api, home, {"X-Request-Id": request_id}, EVERYTHING)
    assert answer.status_code in (200, 201), answer.text
    shown = set(persons_in(answer.json()))
    assert shown
    fields = ("last_name",) if way.startswith("GraphQL") else MASKED_FIELDS
    assert await told_of(api, request_id, fields) == shown


@pytest.mark.parametrize("way", WAYS)
async def test_a_masked_answer_leaves_no_row(api: Api, way: str) -> None:
    home = await registered(api)
    request_id = f"masked-{list(WAYS).index(way)}"

    masked = [scope for scope in Scope if scope is not Scope.PERSONS_PII]
    answer = await WAYS[way](api, home, {"X-Request-Id": request_id}, masked)
    assert answer.status_code in (200, 201), answer.text
    assert persons_in(answer.json())
    assert await told_of(api, request_id) == set()


@pytest.mark.parametrize(
    ("selected", "fields"),
    [
        ("id firstName age", ()),
        ("a: phone b: citizenId", ("citizen_id", "phone")),
        ("... on Person { ...inner }", ("birth_date",)),
        ("phone @skip(if: true)", ("phone",)),  # may be more than was answered, never less
        ("citizenId lastName birthDate phone", MASKED_FIELDS),
    ],
)
async def test_graphql_logs_the_fields_that_were_asked_for(
    api: Api, selected: str, fields: tuple[str, ...]
) -> None:
    home = await registered(api)
    fragment = "fragment inner on Person { birthDate }" if "inner" in selected else ""
    query = f'{{ person(id: "{home["head_person_id"]}") {{ id {selected} }} }} {fragment}'
    request_id = f"asked-{'-'.join(fields)}-{len(selected)}"
    answer = await api.graphql(
        "center", query, headers={**PURPOSE, "X-Request-Id": request_id}, scopes=EVERYTHING
    )
    assert "errors" not in answer.json()
    assert await told_of(api, request_id, fields) == {home["head_person_id"]}


EXPORTING = {"export_rows.py", "export_copying.py"}
"""An export's SQL, and what opens its rows: used by exports.py alone, which writes the log on their behalf."""


def test_no_module_shows_unmasked_data_without_writing_the_log() -> None:
    showing = set()
    for path in (ROOT / "persistence").rglob("*.py"):
        text = path.read_text()
        if (
            re.search(r"\bviews\.(?:household|person|members)\(unmasked=(?!False)", text)
            or "import unseal" in text
        ):
            showing.add(path.name)
            assert "INSERT INTO access_log" in text or path.name in EXPORTING, path
    assert showing == {"households.py", "persons.py", *EXPORTING}


def test_an_export_opens_no_row_before_its_log_is_written() -> None:
    """Statically, as above; that whoever is in a file is in the log is told by test_export_policy.py."""
    here = ROOT / "persistence" / "exchange"
    assert "INSERT INTO access_log" in (here / "exports.py").read_text()
    users = {
        str(path.relative_to(ROOT))
        for package in ("api", "auth", "domain", "persistence")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"\bexport_(?:rows|copying)\b", path.read_text())
    }
    assert users == {"persistence/exchange/exports.py"}
    copying = (here / "export_copying.py").read_text()
    # The one place that opens anything, and the line before it that waits for the log.
    assert len(re.findall(r"(?<!import )\bunseal\(", copying)) == 1
    assert copying.count("await logged(") == 1
    assert copying.index("await logged(") < copying.index("unseal(")


async def test_a_page_of_200_households_logs_every_person_on_it(api: Api) -> None:
    for _ in range(4):
        await asyncio.gather(*(registered(api, area_code="420103") for _ in range(52)))
    answer = await everything(
        api, "GET", "/v1/households?area=420103&limit=200", headers={"X-Request-Id": "page-200"}
    )
    assert len(answer.json()["items"]) == 200
    rows = await logged(api, "page-200")
    assert len(rows) == 200
    assert {str(row["household_id"]) for row in rows} == {one["id"] for one in answer.json()["items"]}
    assert await told_of(api, "page-200") == set(persons_in(answer.json()))


async def test_a_household_hidden_or_absent_leaves_no_row(api: Api) -> None:
    home = await registered(api)
    for path in (f"/v1/households/{home['id']}", f"/v1/persons/{home['head_person_id']}"):
        answer = await everything(api, "GET", path, areas=["41"], headers={"X-Request-Id": "hidden"})
        assert answer.status_code == 404
    assert await logged(api, "hidden") == []


async def test_what_confirms_an_unmasked_copy_is_logged_as_a_read(api: Api) -> None:
    """304 and HEAD carry no body. The row is written before they are told apart: a log may name too much, never too
    little, and `304` tells its holder that the personal data it kept is still right."""
    home = await registered(api)
    path = f"/v1/households/{home['id']}"
    tag = (await everything(api, "GET", path)).headers["etag"]
    same = await everything(api, "GET", path, headers={"If-None-Match": tag, "X-Request-Id": "not-modified"})
    assert (same.status_code, same.content) == (304, b"")
    head = await everything(api, "HEAD", path, headers={"X-Request-Id": "head"})
    assert head.status_code == 200
    members = {one["person_id"] for one in home["members"]}
    assert await told_of(api, "not-modified") == members
    assert await told_of(api, "head") == members


# -- reading it


async def test_who_read_is_listed_newest_first_sealed_or_not(api: Api) -> None:
    home = await registered(api)
    person = home["head_person_id"]
    path = f"/v1/households/{home['id']}"
    before = len((await log_of(api, person)).json()["items"])
    for place in range(5):
        headers = {"X-Request-Id": f"listed-{place}", "X-Purpose": "casework"}
        assert (await everything(api, "GET", path, headers=headers)).status_code == 200
        if place == 2:
            await _sealed(api, "listed-2")
    answer = await log_of(api, person)
    items = answer.json()["items"]
    assert [one["request_id"] for one in items][:5] == [f"listed-{place}" for place in (4, 3, 2, 1, 0)]
    assert len(items) == before + 5
    assert items[0].keys() == {"id", "at", "client_id", "agency", "purpose", "fields", "request_id"}
    assert (items[0]["client_id"], items[0]["purpose"], items[0]["fields"]) == (
        "demo-center", "casework", list(MASKED_FIELDS),
    )  # fmt: skip
    assert answer.headers["cache-control"] == "no-store"
    # Reading the log shows no personal data, and is no read of it.
    assert len((await log_of(api, person)).json()["items"]) == before + 5


async def _sealed(api: Api, request_id: str) -> None:
    """Until the sealer of the running application has taken the rows of a request."""
    deadline = time.monotonic() + 60
    async with owner_of(api) as owner:
        while await owner.fetchval("SELECT count(*) FROM access_log WHERE request_id = $1", request_id):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def test_pages_hold_together_across_the_sealed_and_the_fresh(api: Api) -> None:
    home = await registered(api)
    person = home["head_person_id"]
    for place in range(7):
        await everything(api, "GET", f"/v1/persons/{person}", headers={"X-Request-Id": f"paged-{place}"})
        if place == 3:
            await _sealed(api, "paged-3")
    whole = [one["id"] for one in (await log_of(api, person)).json()["items"]]
    found, query, pages = [], "?limit=3&count=exact", 0
    while True:
        page = (await log_of(api, person, query=query)).json()
        assert page["total"] == len(whole)
        found += [one["id"] for one in page["items"]]
        pages += 1
        if page["next_cursor"] is None:
            break
        query = f"?limit=3&count=exact&cursor={page['next_cursor']}"
    assert (found, pages) == (whole, -(-len(whole) // 3))
    assert found == sorted(found, reverse=True)


async def test_the_log_of_another_person_says_nothing_of_this_one(api: Api) -> None:
    home = await registered(api)
    head, child = (one["person_id"] for one in home["members"])
    await everything(api, "GET", f"/v1/persons/{head}", headers={"X-Request-Id": "only-head"})
    assert "only-head" in (await log_of(api, head)).text
    assert "only-head" not in (await log_of(api, child)).text


@pytest.mark.parametrize("areas", [["41"], [], ["420102"]])
async def test_a_person_outside_the_areas_has_no_log(api: Api, areas: list[str]) -> None:
    home = await registered(api)
    hidden = await log_of(api, home["head_person_id"], areas=areas)
    absent = await log_of(api, "01990000-0000-7000-8000-000000000000")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.json()["code"] == absent.json()["code"] == "not-found"


async def test_the_log_needs_its_own_scope(api: Api) -> None:
    home = await registered(api)
    refused = await log_of(api, home["head_person_id"], scopes=["households:read", "persons:pii"])
    assert (refused.status_code, refused.json()["scope"]) == (403, "audit:read")
    alone = await log_of(api, home["head_person_id"], scopes=["audit:read"])
    assert alone.status_code == 200


async def test_whoever_has_left_a_household_is_found_by_both(api: Api) -> None:
    old, new = await registered(api), await registered(api)
    person = old["members"][1]["person_id"]
    await everything(api, "GET", f"/v1/persons/{person}", headers={"X-Request-Id": "in-the-old-home"})
    async with owner_of(api) as owner:
        # As a move leaves it: the person in the new household, an ended membership in the old one.
        await owner.execute("UPDATE membership SET left_on = '2026-01-01' WHERE person_id = $1", UUID(person))
        await owner.execute(
            "UPDATE person SET household_id = $2 WHERE id = $1", UUID(person), UUID(new["id"])
        )
    await everything(api, "GET", f"/v1/persons/{person}", headers={"X-Request-Id": "in-the-new-home"})
    found = [one["request_id"] for one in (await log_of(api, person)).json()["items"]]
    assert found[:2] == ["in-the-new-home", "in-the-old-home"]


@pytest.mark.parametrize(
    "query", ["?sort=created_at", "?limit=0", "?limit=201", "?cursor=x", "?who=me", "?count=some"]
)
async def test_an_unknown_parameter_is_refused(api: Api, query: str) -> None:
    home = await registered(api)
    assert (await log_of(api, home["head_person_id"], query=query)).status_code == 422


async def test_a_cursor_of_another_person_or_agency_pages_nothing_else(api: Api) -> None:
    home = await registered(api)
    head, child = (one["person_id"] for one in home["members"])
    for _ in range(2):
        await everything(api, "GET", f"/v1/households/{home['id']}")
    cursor = (await log_of(api, head, query="?limit=1")).json()["next_cursor"]
    foreign = await log_of(api, head, query=f"?cursor={cursor}", agency="PROV_MOPH-42")
    assert foreign.status_code == 422
    other = await log_of(api, child, query=f"?cursor={cursor}")
    whole = {one["id"] for one in (await log_of(api, child)).json()["items"]}
    assert {one["id"] for one in other.json()["items"]} <= whole


async def test_graphql_tells_the_same(api: Api) -> None:
    home = await registered(api)
    person = home["head_person_id"]
    for _ in range(3):
        await everything(api, "GET", f"/v1/persons/{person}")
    query = """query ($id: ID!, $after: String) { personAccessLog(id: $id, first: 2, after: $after) {
      totalCount pageInfo { hasNextPage endCursor }
      edges { cursor node { id at clientId agency purpose fields requestId } } } }"""
    whole = (await log_of(api, person)).json()["items"]
    found, after = [], None
    while True:
        given = {"id": person, "after": after}
        answer = await api.graphql("center", query, given, scopes=["audit:read"])
        page = answer.json()["data"]["personAccessLog"]
        assert page["totalCount"] == len(whole)
        found += [one["node"] for one in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert [(one["id"], one["at"], one["requestId"], one["fields"]) for one in found] == [
        (one["id"], one["at"], one["request_id"], one["fields"]) for one in whole
    ]


async def test_a_person_is_found_by_index_alone(api: Api) -> None:
    async with owner_of(api) as owner:
        await owner.execute(
            """INSERT INTO access_ledger SELECT gen_random_uuid(), gen_random_uuid(), 1000000, now(), 'c', 'a', 'p',
                  ARRAY[gen_random_uuid()], '{phone}', 'r', '420101' FROM generate_series(1, 20000)"""
        )
        await owner.execute("ANALYZE access_ledger")
        home = await registered(api)
        plan = await owner.fetchval(
            f"EXPLAIN (FORMAT JSON) {page_sql(after='$4', limit='$3', counted=True)}",
            UUID(home["head_person_id"]), [""], 51, "01990000-0000-7000-8000-000000000000",
        )  # fmt: skip
        await owner.execute("DELETE FROM access_ledger WHERE block = 1000000")
    assert '"Index Cond": "((household_id = p.household_id)' in plan or "access_ledger_pkey" in plan
    scanned = [line for line in str(plan).split('"Node Type": ')[1:] if line.startswith('"Seq Scan"')]
    assert not any('"access_ledger"' in line for line in scanned)


# -- sealing, in the running application


async def test_the_running_application_seals_within_its_turn_and_tells_the_metrics(api: Api) -> None:
    home = await registered(api)
    await everything(api, "GET", f"/v1/households/{home['id']}", headers={"X-Request-Id": "to-be-sealed"})
    await _sealed(api, "to-be-sealed")
    (row,) = await logged(api, "to-be-sealed")
    assert str(row["household_id"]) == home["id"]
    async with owner_of(api) as owner:
        last = await owner.fetchval("SELECT max(number) FROM access_block")
    deadline = time.monotonic() + 60
    while True:
        text = (await api.get(None, "/metrics")).text
        numbers = dict(line.split() for line in text.splitlines() if line.startswith("kaejon_access_log"))
        if float(numbers["kaejon_access_log_last_block"]) >= last:
            break
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert float(numbers["kaejon_access_log_waiting_rows"]) >= 0
    report = await verify(api.worker._dsn, api.keyring.audit_key)
    assert report.faults == []


async def test_what_was_read_last_is_sealed_when_the_application_ends(dsn: str, keyring: Keyring) -> None:
    async with Api.open(dsn, keyring) as short:
        home = await registered(short)
        await everything(short, "GET", f"/v1/households/{home['id']}", headers={"X-Request-Id": "the-last"})
    async with owner_of(short) as owner:
        assert await owner.fetchval("SELECT count(*) FROM access_log") == 0
        assert await owner.fetchval(f"SELECT count(*) FROM {LOGGED} l WHERE request_id = 'the-last'") == 1
    report = await verify(dsn, keyring.audit_key)
    assert (report.faults, report.waiting) == ([], 0)
