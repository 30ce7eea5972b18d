"""The masked fields, wherever a person is shown: masked, or unmasked with a purpose and a line in the log."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx2
import pytest

from domain.access.actor import Scope
from domain.access.policy import MASKED_FIELDS
from tests.support import builders
from tests.support.access import logged
from tests.support.api import PURPOSE, Api
from tests.support.calls import EVERYTHING, OPERATIONS, Scene, but, headers_of, make_scene, perform


@pytest.fixture(scope="module")
async def scene(api: Api) -> Scene:
    return await make_scene(api)


def persons_in(value: Any) -> list[dict[str, Any]]:
    """Every person in an answer, wherever it stands, in REST's spelling."""
    if isinstance(value, list):
        return [person for one in value for person in persons_in(one)]
    if not isinstance(value, dict):
        return []
    spelt = {"citizenId": "citizen_id", "lastName": "last_name", "birthDate": "birth_date"}
    named = {spelt.get(name, name): one for name, one in value.items()}
    own = [named] if named.keys() >= set(MASKED_FIELDS) else []
    return own + [person for one in value.values() for person in persons_in(one)]


PERSON = "{ citizenId lastName birthDate phone age }"
MEMBERS = f"{{ members {{ person {PERSON} }} }}"
CREATE = f"mutation ($input: CreateHouseholdInput!) {{ createHousehold(input: $input) {MEMBERS} }}"
Surface = Callable[[Api, Scene, Mapping[str, Any]], Awaitable[httpx2.Response]]


def rest(id: str, query: str = "") -> Surface:
    async def call(api: Api, scene: Scene, more: Mapping[str, Any]) -> httpx2.Response:
        return await perform(api, id, scene, query=query, **more)

    return call


def graphql(text: str) -> Surface:
    async def call(api: Api, scene: Scene, more: Mapping[str, Any]) -> httpx2.Response:
        query = text
        for name, value in scene.items():
            query = query.replace(f"<{name}>", f'"{value}"')
        claims = {"areas": ["*"], **more}
        return await api.graphql("center", query, **claims)

    return call


def versioned(text: str, id: str) -> Surface:
    async def call(api: Api, scene: Scene, more: Mapping[str, Any]) -> httpx2.Response:
        tag = (await headers_of(api, OPERATIONS[id], scene))["If-Match"]
        version = tag.strip('"').partition(".")[0]
        return await graphql(text.replace("<version>", version))(api, scene, more)

    return call


async def graphql_create(api: Api, scene: Scene, more: Mapping[str, Any]) -> httpx2.Response:
    body = {
        "areaCode": "420101",
        "members": [
            {
                "relationship": "HEAD",
                "person": {
                    "citizenId": builders.citizen_id(),
                    "firstName": "สมศรี",
                    "lastName": "ใจดี",
                    "birthDate": "1960-05-01",
                    "phone": "0899999999",
                },
            }
        ],
    }
    return await api.graphql("center", CREATE, {"input": body}, **{"areas": ["*"], **more})


SURFACES: Mapping[str, Surface] = {
    "REST read": rest("getHousehold"),
    "REST read with lists": rest("getHousehold", "?include=problems,analyses,assignments,assistance"),
    "REST list": rest("listHouseholds", "?limit=200"),
    "REST search": rest("searchHouseholds"),
    "REST person": rest("getPerson"),
    "REST create": rest("createHousehold"),
    "REST patch": rest("patchHousehold"),
    "REST patch of a person": rest("patchPerson"),
    "REST results": rest("putIndicatorResults"),
    "GraphQL household": graphql(f"{{ household(id: <household_id>) {MEMBERS} }}"),
    "GraphQL households": graphql(f"{{ households(first: 200) {{ nodes {MEMBERS} }} }}"),
    "GraphQL edges": graphql(f"{{ households(first: 200) {{ edges {{ node {MEMBERS} }} }} }}"),
    "GraphQL search": graphql(f'{{ searchHouseholds(input: {{name: "สมศ"}}) {{ nodes {MEMBERS} }} }}'),
    "GraphQL person": graphql(f"{{ person(id: <person_id>) {PERSON} }}"),
    "GraphQL person of a problem": graphql(f"{{ problem(id: <problem_id>) {{ person {PERSON} }} }}"),
    "GraphQL household of a problem": graphql(f"{{ problem(id: <problem_id>) {{ household {MEMBERS} }} }}"),
    "GraphQL persons of problems": graphql(f"{{ problems(filter: {{householdId: <household_id>, indicator: \"bmn-38-27\"}}) {{ nodes {{ person {PERSON} }} }} }}"),
    "GraphQL household of an assignment": graphql(f"{{ assignment(id: <assignment_id>) {{ household {MEMBERS} }} }}"),
    "GraphQL household of an event": graphql(f"{{ assistanceEvent(id: <event_id>) {{ household {MEMBERS} }} }}"),
    "GraphQL households of events": graphql(f"{{ assistanceEvents {{ nodes {{ household {MEMBERS} }} }} }}"),
    "GraphQL household of a person": graphql(f"{{ person(id: <person_id>) {{ household {MEMBERS} }} }}"),
    "GraphQL create": graphql_create,
    "GraphQL patch": versioned(f"mutation {{ updateHousehold(input: {{id: <household_id>, version: <version>, hasLand: true}}) {MEMBERS} }}", "patchHousehold"),
    "GraphQL patch of a person": versioned(f"mutation {{ updatePerson(input: {{id: <person_id>, version: <version>, occupation: \"ทำนา\"}}) {PERSON} }}", "patchPerson"),
    "GraphQL write": graphql(f"mutation {{ createAnalysis(input: {{householdId: <household_id>, analysedOn: \"2026-01-01\"}}) {{ id }} createProblem(input: {{householdId: <household_id>, personId: <person_id>, dimension: INCOME, fiscalYear: 2569}}) {{ person {PERSON} }} }}"),
}  # fmt: skip
SHOWN: Mapping[str, Callable[[Any, Any], bool]] = {
    "citizen_id": lambda one, masked: (one.startswith("x-xxxx-xxxxx-") if masked else one.isdigit() and len(one) == 13),
    "last_name": lambda one, masked: one == ("ใ" if masked else "ใจดี"),
    "birth_date": lambda one, masked: (one is None) is masked,
    "phone": lambda one, masked: one == (None if masked else "0899999999"),
}  # fmt: skip


def test_every_masked_field_is_looked_at() -> None:
    assert set(SHOWN) == set(MASKED_FIELDS)


@pytest.mark.parametrize("surface", SURFACES)
async def test_personal_data_is_masked_wherever_it_is_shown(api: Api, scene: Scene, surface: str) -> None:
    call = SURFACES[surface]
    entitled = await call(api, scene, {"scopes": EVERYTHING, "headers": PURPOSE})
    masked = await call(api, scene, {"scopes": but(Scope.PERSONS_PII), "headers": PURPOSE})
    for answer, hidden in ((entitled, False), (masked, True)):
        assert answer.status_code in (200, 201), answer.text
        found = persons_in(answer.json())
        assert found, answer.text
        assert answer.headers["cache-control"] == "no-store"
        for person in found:
            wrong = [name for name, right in SHOWN.items() if not right(person[name], hidden)]
            assert wrong == []
    for secret in ("0899999999", "ใจดี", "1960-05-01", scene["citizen_id"]):
        assert secret not in masked.text


@pytest.mark.parametrize("surface", [one for one in SURFACES if one.startswith("GraphQL")])
async def test_no_graphql_answer_is_unmasked_without_a_purpose(api: Api, scene: Scene, surface: str) -> None:
    answer = await SURFACES[surface](api, scene, {"scopes": EVERYTHING, "headers": {}})
    for secret in ("0899999999", "ใจดี", "1960-05-01", scene["citizen_id"]):
        assert secret not in answer.text
    if "errors" in answer.json():
        assert {one["extensions"]["code"] for one in answer.json()["errors"]} == {"purpose-required"}


@pytest.mark.parametrize("surface", SURFACES)
async def test_unmasked_reading_is_logged(api: Api, scene: Scene, surface: str) -> None:
    headers = {**PURPOSE, "X-Request-Id": f"log-{list(SURFACES).index(surface)}"}
    answer = await SURFACES[surface](api, scene, {"scopes": EVERYTHING, "headers": headers})
    assert answer.status_code in (200, 201)
    rows = await logged(api, headers["X-Request-Id"])
    assert rows
    assert {(row["client_id"], row["purpose"], tuple(row["fields"])) for row in rows} == {
        ("demo-center", "casework", MASKED_FIELDS)
    }
