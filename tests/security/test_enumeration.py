"""Absent and hidden are alike: status, headers, body, and the statements that find it out.

Each case asks for something that exists and is not the caller's, and for something that does not exist. Time is
not measured: the same statements in the same order take the same way, whatever the machine does meanwhile.
"""

import json
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import httpx2
import pytest
from uuid_utils.compat import uuid7

from domain.access.actor import Scope
from persistence import engine
from tests.support import builders
from tests.support.api import PURPOSE, Api
from tests.support.calls import (
    EVERYTHING,
    OPERATIONS,
    RECIPES,
    STRANGER,
    TABLE,
    Scene,
    access_grant,
    everything,
    make_scene,
)
from tests.support.fields import FIELDS, QUERIES, ask

NAMED = re.compile(
    r"\{(household_id|person_id|problem_id|assignment_id|event_id|external_id|grant_id|client_id)\}"
)
BY_ID = [one.id for one in TABLE if one.policy is not None and NAMED.search(one.path) and one.status != 405]
"""Every operation whose path names something that may be hidden."""
CALLERS: Mapping[str, Mapping[str, Any]] = {
    "another area": {"agency": "PROV_MOPH-41", "areas": ["41"]},
    "no area": {"agency": "PROV_MOPH-42", "areas": []},
    "another agency": {**STRANGER, "scopes": [*STRANGER["scopes"], Scope.AUDIT_READ]},
}
VARYING = {"x-request-id", "date", "ratelimit", "content-length"}
"""`RateLimit` says how much is left: less each time; the length is that of the body, which is compared."""
ASKING: ContextVar[bool] = ContextVar("asking", default=False)
"""Set while a test asks: the service's own work between requests is not counted."""


@pytest.fixture(scope="module")
async def scene(api: Api) -> Scene:
    return await make_scene(api)


def absent(scene: Scene) -> Scene:
    """Names of the same forms, of nothing."""
    other = {
        "citizen_id": builders.citizen_id(),
        "external_id": "E-" + "9" * (len(scene["external_id"]) - 2),
        "house_code": "42010954321",
        "first_name": "ทัศนาวลัยพร",
    }
    made = {name: str(uuid7()) if _is_uuid(value) else value for name, value in scene.items()}
    return {**made, **{name: value for name, value in other.items() if name in scene}}


def _is_uuid(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None


def shown(answer: httpx2.Response, scene: Scene) -> str:
    """Everything of an answer that could tell: without the ids that were sent, and what every answer has its own of."""
    headers = [pair for pair in answer.headers.multi_items() if pair[0] not in VARYING]
    text = json.dumps([answer.status_code, headers, answer.text], ensure_ascii=False)
    # Not the number of a file's part, which stands in every other number.
    for value in sorted((one for one in scene.values() if len(one) > 2), key=len, reverse=True):
        text = text.replace(value, "<sent>")
    return text.replace(answer.headers["x-request-id"], "<request>")


Ask = Callable[[Scene], Any]


Statements = list[str]
"""The text of every statement that requests have run, in their order."""


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Statements:
    seen: Statements = []

    def noting(method: str) -> None:
        # Everything a connection runs goes through one of these two; the driver's own log of queries comes late.
        real = getattr(engine._Connection, method)

        async def noted(self: Any, query: str, *rest: Any, **more: Any) -> Any:
            # Rates are counted ahead, now and then, whatever is asked for.
            if ASKING.get() and (method == "_execute" or not rest) and "INTO quota" not in query:
                seen.append(query)
            return await real(self, query, *rest, **more)

        monkeypatch.setattr(engine._Connection, method, noted)

    noting("execute")
    noting("_execute")
    return seen


async def asking(statements: Statements, ask: Ask, one: Scene) -> tuple[httpx2.Response, list[str]]:
    """The answer, and the statements that made it."""
    statements.clear()
    token = ASKING.set(True)
    try:
        answer = await ask(one)
    finally:
        ASKING.reset(token)
    return answer, list(statements)


async def assert_alike(statements: Statements, scene: Scene, ask: Ask) -> httpx2.Response:
    """Asks for what is hidden and for what is absent, twice each, so that it is not the first time that differs."""
    nothing, answers, ran = absent(scene), [], []
    for one in (scene, nothing, scene, nothing):
        answer, seen = await asking(statements, ask, one)
        answers.append(shown(answer, one))
        ran.append(seen)
    assert ran[0], "it was looked up"
    assert ran == [ran[0]] * 4, "other statements find out about the one than about the other"
    assert answers == [answers[0]] * 4
    return answer


# -- by the id in a path


def test_what_may_be_hidden_is_named_in_paths() -> None:
    """A new kind of path parameter has to be judged: hidden from some, or the same for everybody."""
    names = {name for one in TABLE for name in re.findall(r"\{([a-z_]+)(?::path)?\}", one.path)}
    public = {"menu_id", "campaign_id", "code", "indicator_id", "list", "kind"}
    assert names - public == {
        "household_id", "person_id", "problem_id", "assignment_id", "event_id", "external_id", "grant_id", "client_id",
        "conflict_id", "export_id", "part", "import_id", "webhook_id",
    }  # fmt: skip


def is_hidden_from(id: str, caller: str) -> bool:
    """An agency in the household's area may do what is not agency-bound, and whoever audits oversees the area."""
    if caller != "another agency":
        return True
    return RECIPES[id].stranger is not None and id not in ("getAccessGrant", "listPersonAccessLog")


@pytest.mark.parametrize(
    ("id", "caller"), [(id, caller) for id in BY_ID for caller in CALLERS if is_hidden_from(id, caller)]
)
async def test_an_id_in_a_path_tells_nothing(
    api: Api, scene: Scene, statements: Statements, id: str, caller: str
) -> None:
    operation, recipe = OPERATIONS[id], RECIPES[id]
    body = None if recipe.body is None else recipe.body(scene)
    headers = {"If-Match": '"1"'} if operation.method == "PATCH" else {}

    async def ask(one: Scene) -> httpx2.Response:
        path = NAMED.sub(lambda found: one[found[1]], operation.path.replace(":path}", "}"))
        claims = {"scopes": EVERYTHING, **CALLERS[caller]}
        return await api.call(
            "center", operation.method, path, body, headers={**PURPOSE, **headers}, **claims
        )

    answer = await assert_alike(statements, scene, ask)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize("version", ['"1"', '"999"', "*"])
async def test_a_version_tells_nothing_of_a_hidden_resource(
    api: Api, scene: Scene, statements: Statements, version: str
) -> None:
    for path, body in (
        ("/v1/households/{household_id}", {"has_land": False}),
        ("/v1/persons/{person_id}", {"occupation": "ทอผ้า"}),
        ("/v1/problems/{problem_id}", {"need": "ผ้า"}),
        ("/v1/clients/{client_id}", {"name": "ระบบ"}),
    ):

        async def ask(one: Scene, path: str = path, body: Any = body) -> httpx2.Response:
            headers = {"If-Match": version}
            return await everything(api, "PATCH", path.format(**one), body, headers=headers, areas=["41"])

        assert (await assert_alike(statements, scene, ask)).status_code == 404
    for path in ("/v1/households/{household_id}", "/v1/persons/{person_id}", "/v1/problems/{problem_id}"):

        async def read(one: Scene, path: str = path) -> httpx2.Response:
            headers = {"If-None-Match": version}
            return await everything(api, "GET", path.format(**one), headers=headers, areas=["41"])

        assert (await assert_alike(statements, scene, read)).status_code == 404


# -- by what a body or a filter names

BODIES: Mapping[str, tuple[str, Callable[[Scene], Any]]] = {
    "search by citizen id": ("/v1/households/search", lambda s: {"citizen_id": s["citizen_id"]}),
    "search by house code": ("/v1/households/search", lambda s: {"house_code": s["house_code"]}),
    "search by name": ("/v1/households/search", lambda s: {"name": s["first_name"]}),
    "search in the area": ("/v1/households/search", lambda s: {"citizen_id": s["citizen_id"], "area": "42"}),
    "problem of a household": ("/v1/problems", lambda s: builders.problem(s["household_id"])),
    "assignment of problems": ("/v1/assignments", lambda s: {"problem_ids": [s["problem_id"]], "agency": "PROV_MOPH-42"}),
    "assignment at a household": ("/v1/assignments", lambda s: {"problem_ids": [s["problem_id"]], "household_id": s["household_id"], "agency": "PROV_MOPH-42"}),
    "event at a household": ("/v1/assistance-events", lambda s: event({"id": s["household_id"]})),
    "event at a house code": ("/v1/assistance-events", lambda s: event({"house_code": s["house_code"]})),
    "event for a citizen id": ("/v1/assistance-events", lambda s: event({"citizen_id": s["citizen_id"]})),
    "event at a household, registered": ("/v1/assistance-events", lambda s: event({"id": s["household_id"]}, on_unknown="register")),
    "overlap at a household": ("/v1/assistance-checks", lambda s: overlap({"id": s["household_id"]})),
    "overlap at a house code": ("/v1/assistance-checks", lambda s: overlap({"house_code": s["house_code"]})),
    "overlap of a citizen id": ("/v1/assistance-checks", lambda s: overlap({"citizen_id": s["citizen_id"]})),
    "broken glass": ("/v1/access-grants", lambda s: access_grant(s)),
}  # fmt: skip
REGISTERED = {
    "house code": lambda s: {"house_code": s["house_code"]},
    "citizen id": lambda s: {"citizen_id": s["citizen_id"]},
}
QUERIES_BY = (
    "/v1/problems?household_id={household_id}", "/v1/assignments?household_id={household_id}",
    "/v1/assistance-events?household_id={household_id}",
)  # fmt: skip


def event(household: Mapping[str, str], **more: Any) -> dict[str, Any]:
    return builders.event("", household=household, **more)


def overlap(household: Mapping[str, str]) -> dict[str, Any]:
    return {"household": household, "dimension": "income", "since": "2020-01-01"}


@pytest.fixture(scope="module")
async def named(api: Api, scene: Scene) -> Scene:
    """The scene with a house code and a name that nobody else has."""
    body = builders.household(house_code="42010912345")
    body["members"][0]["person"]["first_name"] = "กุลธิดารัตน์"
    made = await everything(api, "POST", "/v1/households", body)
    assert made.status_code == 201, made.text
    of = {"household_id": made.json()["id"], "person_id": made.json()["head_person_id"]}
    citizen_id = made.json()["members"][0]["person"]["citizen_id"]
    return {**scene, **of, "citizen_id": citizen_id, "house_code": "42010912345", "first_name": "กุลธิดารัตน์"}


@pytest.mark.parametrize("caller", ["another area", "no area"])
@pytest.mark.parametrize("case", BODIES)
async def test_what_a_body_names_tells_nothing(
    api: Api, named: Scene, statements: Statements, case: str, caller: str
) -> None:
    path, body = BODIES[case]

    async def ask(one: Scene) -> httpx2.Response:
        return await everything(api, "POST", path, body(one), **CALLERS[caller])

    answer = await assert_alike(statements, named, ask)
    if "search" in case:
        assert answer.json() == {"items": [], "next_cursor": None}
    elif "overlap" in case:
        assert answer.json() == {"overlap": False, "by": []}
    else:
        assert answer.status_code in (404, 422)


@pytest.mark.parametrize(
    "case",
    [one for one in BODIES if not one.startswith(("event", "overlap")) and one != "broken glass"],
)
async def test_what_a_body_names_tells_another_agency_nothing(
    api: Api, named: Scene, statements: Statements, case: str
) -> None:
    path, body = BODIES[case]

    async def ask(one: Scene) -> httpx2.Response:
        return await everything(api, "POST", path, body(one), **STRANGER)

    await assert_alike(statements, named, ask)


@pytest.mark.parametrize("by", REGISTERED)
async def test_help_that_is_queued_tells_nothing(
    api: Api, named: Scene, statements: Statements, by: str
) -> None:
    """Sent by somebody of another area with on_unknown=register: it waits, whether the household is hidden or absent."""

    async def ask(one: Scene) -> httpx2.Response:
        body = event(REGISTERED[by](one), on_unknown="register", external_id=f"Q-{uuid7()}")
        return await everything(api, "POST", "/v1/assistance-events", body, areas=["41"])

    told, ran = set(), []
    for one in (named, absent(named), named, absent(named)):
        answer, seen = await asking(statements, ask, one)
        assert (answer.status_code, answer.json()["receipt"]["outcome"]) == (201, "queued")
        made = {name: answer.json()[name] for name in ("id", "external_id", "recorded_at")}
        told.add(shown(answer, {**one, **made}))
        ran.append(seen)
    assert len(told) == 1
    assert ran == [ran[0]] * 4 != [[]] * 4


@pytest.mark.parametrize("part", ["assignment_id", "problem_id", "person_id"])
async def test_what_an_event_names_beside_its_household_tells_nothing(
    api: Api, scene: Scene, statements: Statements, part: str
) -> None:
    own = (await everything(api, "POST", "/v1/households", builders.household(area_code="410101"))).json()[
        "id"
    ]
    field = {"assignment_id": "assignment_id", "problem_id": "problem_ids", "person_id": "beneficiaries"}[
        part
    ]

    async def ask(one: Scene) -> httpx2.Response:
        value = one[part] if field == part else [one[part]]
        body = builders.event(own, **{field: value})
        return await everything(api, "POST", "/v1/assistance-events", body, areas=["41"])

    assert (await assert_alike(statements, scene, ask)).status_code == 422


@pytest.mark.parametrize("part", ["person_id", "problem_id"])
async def test_what_a_problem_names_beside_its_household_tells_nothing(
    api: Api, scene: Scene, statements: Statements, part: str
) -> None:
    own = (await everything(api, "POST", "/v1/households", builders.household(area_code="410101"))).json()[
        "id"
    ]
    field = {"person_id": "person_id", "problem_id": "recurrence_of"}[part]

    async def ask(one: Scene) -> httpx2.Response:
        return await everything(
            api, "POST", "/v1/problems", builders.problem(own, **{field: one[part]}), areas=["41"]
        )

    assert (await assert_alike(statements, scene, ask)).status_code == 422


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("path", QUERIES_BY)
async def test_what_a_filter_names_tells_nothing(
    api: Api, scene: Scene, statements: Statements, path: str, caller: str
) -> None:
    for count in ("", "&count=exact"):

        async def ask(one: Scene, count: str = count) -> httpx2.Response:
            return await everything(api, "GET", path.format(**one) + count, **CALLERS[caller])

        answer = await assert_alike(statements, scene, ask)
        assert answer.json()["items"] == []
        assert answer.json().get("total", 0) == 0


# -- over GraphQL

GRAPHQL = [field for field, (id, _) in FIELDS.items() if id in BY_ID or field in ("searchHouseholds", "createProblem", "createAssignment", "recordAssistance", "createAccessGrant")]  # fmt: skip


# What amends asks for the version first: below.
ASKED_AT_ONCE = [
    field for field in GRAPHQL if field in QUERIES or OPERATIONS[FIELDS[field][0]].method != "PATCH"
]


@pytest.mark.parametrize("caller", ["another area", "no area"])
@pytest.mark.parametrize("field", ASKED_AT_ONCE)
async def test_a_field_tells_nothing(
    api: Api, scene: Scene, statements: Statements, field: str, caller: str
) -> None:
    async def put(one: Scene) -> httpx2.Response:
        return (await ask(api, field, one, **CALLERS[caller])).response

    await assert_alike(statements, scene, put)


@pytest.mark.parametrize(
    ("field", "name", "more"),
    [
        ("updateHousehold", "household_id", "hasLand: true"),
        ("updatePerson", "person_id", 'occupation: "ทอผ้า"'),
        ("updateProblem", "problem_id", 'need: "ผ้า"'),
    ],
)
async def test_a_mutation_of_a_version_tells_nothing(
    api: Api, scene: Scene, statements: Statements, field: str, name: str, more: str
) -> None:
    async def put(one: Scene) -> httpx2.Response:
        text = f'mutation {{ {field}(input: {{id: "{one[name]}", version: 1, {more}}}) {{ id }} }}'
        return await api.graphql("center", text, scopes=EVERYTHING, areas=["41"])

    answer = await assert_alike(statements, scene, put)
    assert answer.json()["errors"][0]["extensions"]["code"] == "not-found"


def test_absent_names_have_the_form_of_those_that_exist(scene: Scene) -> None:
    nothing = absent(scene)
    for name in ("household_id", "client_id"):
        assert UUID(nothing[name]).version == UUID(scene[name]).version == 7
        assert nothing[name] != scene[name]
    assert len(nothing["external_id"]) == len(scene["external_id"])


async def test_the_comparison_can_fail(api: Api, scene: Scene, statements: Statements) -> None:
    with pytest.raises(AssertionError):
        await assert_alike(statements, scene, lambda one: _read(api, one))


async def _read(api: Api, one: Scene) -> httpx2.Response:
    return await everything(api, "GET", f"/v1/households/{one['household_id']}", areas=["42"])
