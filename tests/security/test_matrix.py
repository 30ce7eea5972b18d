"""Who may do what: every REST operation and every GraphQL field × every way of not being entitled.

Generated from the table of operations and from introspection: what is new and not entered here fails.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx2
import pytest
from graphql import GraphQLObjectType, get_named_type

from domain.access.policy import MASKED_FIELDS
from tests.support import builders
from tests.support.api import PURPOSE, Api
from tests.support.calls import (
    EVERYTHING,
    OPERATIONS,
    RECIPES,
    TABLE,
    WITH_TOKEN,
    Scene,
    everything,
    headers_of,
    make_scene,
    path_of,
    perform,
)
from tests.support.doors import GraphqlDoor

LASTS = [id for id in WITH_TOKEN if id != "revokeClient"] + ["revokeClient"]
"""What ends something of the scene comes last."""
PERSONAL = [one.id for one in TABLE if one.policy is not None and one.policy.personal]
"""Reads of personal data; a write without a purpose is carried out and answered masked."""


@pytest.fixture(scope="module")
async def scene(api: Api) -> Scene:
    return await make_scene(api)


def told(answer: httpx2.Response) -> tuple[int, str | None]:
    """Status, and the code of an error."""
    return answer.status_code, answer.json()["code"] if answer.status_code >= 400 else None


# -- REST


def test_every_operation_has_its_recipe() -> None:
    assert set(RECIPES) == set(OPERATIONS)
    assert len(OPERATIONS) == len(TABLE)


def test_whoever_needs_no_token_is_named() -> None:
    assert {one.id for one in TABLE if one.policy is None} == {
        "issueToken", "revokeToken", "getJwks", "getAuthorizationServerMetadata",
    }  # fmt: skip


@pytest.mark.parametrize("id", [one.id for one in TABLE if one.policy is None])
async def test_an_open_operation_answers_without_a_token(api: Api, scene: Scene, id: str) -> None:
    answer = await perform(api, id, scene, who=None)
    assert answer.status_code == (RECIPES[id].succeeds or OPERATIONS[id].status)


@pytest.mark.parametrize("id", WITH_TOKEN)
async def test_without_a_token_nobody_gets_in(api: Api, scene: Scene, id: str) -> None:
    answer = await perform(api, id, scene, who=None)
    assert told(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("id", WITH_TOKEN)
async def test_without_its_scopes_the_operation_is_refused_and_names_them(
    api: Api, scene: Scene, id: str
) -> None:
    policy = OPERATIONS[id].policy
    assert policy is not None
    others = [scope for scope in EVERYTHING if scope not in policy.scopes]
    answer = await perform(api, id, scene, scopes=others)
    if id == "deleteProblem":
        assert told(answer) == (405, "problems-are-permanent")
    elif not policy.scopes:
        assert answer.status_code == OPERATIONS[id].status
    else:
        named = " ".join(policy.scopes)
        assert told(answer) == (403, "insufficient-scope")
        assert answer.json()["scope"] == named
        assert answer.headers["www-authenticate"] == f'Bearer error="insufficient_scope", scope="{named}"'


@pytest.mark.parametrize(
    ("id", "scope"),
    [
        (one.id, scope)
        for one in TABLE
        if one.policy is not None and RECIPES[one.id].elsewhere[0] != 201
        for scope in one.policy.scopes
    ],
)
async def test_any_one_of_its_scopes_opens_the_operation(api: Api, scene: Scene, id: str, scope: str) -> None:
    # A province that holds nothing: what opens is refused or empty for another reason, and writes nothing.
    answer = await perform(api, id, scene, scopes=[scope], areas=["99"])
    assert told(answer)[1] != "insufficient-scope"


@pytest.mark.parametrize("id", WITH_TOKEN)
async def test_a_client_without_any_scope_reads_reference_data_only(api: Api, scene: Scene, id: str) -> None:
    policy = OPERATIONS[id].policy
    assert policy is not None
    answer = await perform(api, id, scene, scopes=[])
    open_to_all = not policy.scopes or id == "deleteProblem"
    assert (answer.status_code == 403) is not open_to_all


@pytest.mark.parametrize("id", WITH_TOKEN)
@pytest.mark.parametrize("areas", [["41"], []], ids=["another", "none"])
async def test_somebody_of_another_area_learns_and_changes_nothing(
    api: Api, scene: Scene, id: str, areas: list[str]
) -> None:
    recipe = RECIPES[id]
    answer = await perform(api, id, scene, who="neighbour", areas=areas)
    assert told(answer) == recipe.elsewhere
    if recipe.bound and answer.status_code == 200:
        assert answer.json()["items"] == []
    if recipe.bound:
        for secret in ("household_id", "person_id", "citizen_id", "problem_id", "assignment_id"):
            # The path of the request itself stands in `instance`.
            assert scene[secret] not in answer.text.replace(str(answer.url.path), "")


@pytest.mark.parametrize("id", PERSONAL)
async def test_personal_data_is_not_read_without_a_purpose(api: Api, scene: Scene, id: str) -> None:
    answer = await perform(api, id, scene, headers={})
    assert told(answer) == (403, "purpose-required")
    assert scene["citizen_id"] not in answer.text
    assert (await perform(api, id, scene, headers={}, scopes=_but_pii())).status_code == 200


@pytest.mark.parametrize("id", LASTS)
async def test_with_every_right_it_succeeds(api: Api, scene: Scene, id: str) -> None:
    if id == "deleteProblem":
        assert (await perform(api, id, scene)).status_code == 405
        return
    answer = await perform(api, id, scene, headers={})
    policy = OPERATIONS[id].policy
    if policy is not None and policy.personal:
        answer = await perform(api, id, scene)
    else:
        assert scene["citizen_id"] not in answer.text
        assert "0899999999" not in answer.text
    assert answer.status_code == OPERATIONS[id].status, answer.text


@pytest.mark.parametrize(
    ("part", "scope"),
    [
        ("problems", "problems:read"),
        ("analyses", "problems:read"),
        ("assignments", "assignments:read"),
        ("assistance", "assistance:read"),
    ],
)
async def test_what_is_carried_along_needs_its_own_scope(
    api: Api, scene: Scene, part: str, scope: str
) -> None:
    path = f"/v1/households/{scene['household_id']}?include={part}"
    lacking = [one for one in EVERYTHING if one != scope]
    refused = await everything(api, "GET", path, scopes=lacking)
    assert (told(refused), refused.json()["scope"]) == ((403, "insufficient-scope"), scope)
    edge = f'{{ household(id: "{scene["household_id"]}") {{ id {part} {{ id }} }} }}'
    answer = (await api.graphql("center", edge, headers=PURPOSE, scopes=lacking)).json()
    assert answer["data"] == {"household": {"id": scene["household_id"], part: None}}
    assert [(one["path"], one["extensions"]["code"]) for one in answer["errors"]] == [
        (["household", part], "insufficient-scope")
    ]


# -- GraphQL

Arguments = Callable[[Scene], Mapping[str, Any]]
NOTHING: Arguments = lambda _: {}  # noqa: E731 - one of a table of such


def by(name: str, part: str) -> Arguments:
    return lambda scene: {name: scene[part]}


QUERIES: Mapping[str, tuple[str, Arguments]] = {
    "household": ("getHousehold", by("id", "household_id")),
    "households": ("listHouseholds", NOTHING),
    "searchHouseholds": ("searchHouseholds", lambda _: {"input": {"name": "สมศ"}}),
    "person": ("getPerson", by("id", "person_id")),
    "problem": ("getProblem", by("id", "problem_id")),
    "problems": ("listProblems", NOTHING),
    "menuMatches": ("listMenuMatches", by("problemId", "problem_id")),
    "assignment": ("getAssignment", by("id", "assignment_id")),
    "assignments": ("listAssignments", NOTHING),
    "menu": ("getMenu", by("id", "menu_id")),
    "menus": ("listMenus", NOTHING),
    "assistanceEvent": ("getAssistance", by("id", "event_id")),
    "assistanceEventByExternalId": ("getAssistanceByExternalId", by("externalId", "external_id")),
    "assistanceEventReceipt": ("getAssistanceReceipt", by("id", "event_id")),
    "assistanceEvents": ("listAssistance", NOTHING),
    "area": ("getArea", by("code", "area")),
    "areas": ("listAreas", NOTHING),
    "agency": ("getAgency", by("code", "agency")),
    "agencies": ("listAgencies", NOTHING),
    "indicator": ("getIndicator", by("id", "indicator_id")),
    "indicators": ("listIndicators", NOTHING),
    "dimensions": ("listDimensions", NOTHING),
    "codeLists": ("listCodeLists", NOTHING),
    "codes": ("listCodes", by("list", "list")),
    "campaign": ("getCampaign", by("id", "campaign_id")),
    "campaigns": ("listCampaigns", NOTHING),
    "me": ("getMyAccess", NOTHING),
    "client": ("getClient", by("clientId", "client_id")),
    "clients": ("listClients", NOTHING),
}
"""Every field of Query: its counterpart in REST, whose policy it shares, and its arguments."""
MUTATIONS: Mapping[str, tuple[str, Arguments]] = {
    "createHousehold": ("createHousehold", NOTHING),
    "updateHousehold": ("patchHousehold", by("id", "household_id")),
    "putIndicatorResults": ("putIndicatorResults", by("household_id", "household_id")),
    "updatePerson": ("patchPerson", by("id", "person_id")),
    "createProblem": ("createProblem", NOTHING),
    "updateProblem": ("patchProblem", by("id", "problem_id")),
    "transitionProblem": ("transitionProblem", by("id", "problem_id")),
    "createAnalysis": ("createAnalysis", by("household_id", "household_id")),
    "createAssignment": ("createAssignment", NOTHING),
    "transitionAssignment": ("transitionAssignment", by("id", "assignment_id")),
    "createMenu": ("createMenu", NOTHING),
    "updateMenu": ("patchMenu", by("id", "menu_id")),
    "recordAssistance": ("recordAssistance", NOTHING),
    "createAgency": ("createAgency", NOTHING),
    "updateAgency": ("patchAgency", by("code", "agency")),
    "createCampaign": ("createCampaign", NOTHING),
    "updateCampaign": ("patchCampaign", by("id", "campaign_id")),
    "createClient": ("createClient", NOTHING),
    "updateClient": ("patchClient", by("client_id", "client_id")),
    "rotateClientSecret": ("rotateClientSecret", by("client_id", "client_id")),
}
"""Every field of Mutation: its counterpart in REST, whose policy and body it shares, and what its input names."""
FIELDS = {**QUERIES, **MUTATIONS}


async def ask(api: Api, field: str, scene: Scene, who: str | None = "center", **more: Any) -> Any:
    """The field with as little selected as may be: its error, if it has one, is its own."""
    door = GraphqlDoor(api)
    schema = await door.schema()
    root = schema.mutation_type if field in MUTATIONS else schema.query_type
    assert root is not None
    kind = get_named_type(root.fields[field].type)
    paged = isinstance(kind, GraphQLObjectType) and "nodes" in kind.fields
    select = " { nodes { __typename } }" if paged else " { __typename }"
    id, arguments = FIELDS[field]
    given: dict[str, Any] = dict(arguments(scene))
    claims = {"scopes": EVERYTHING, "areas": ["*"], **more} if who else more
    if field not in MUTATIONS:
        return await door.query(who, field, given, select=select, **claims)
    operation, recipe = OPERATIONS[id], RECIPES[id]
    assert recipe.body is not None
    if operation.method == "PATCH":
        read = await everything(api, "GET", path_of(operation, scene))
        given["version"] = read.json()["version"]
    return await door.mutation(who, field, {**given, **recipe.body(scene)}, select=select, **claims)


async def test_every_field_is_entered(api: Api) -> None:
    schema = await GraphqlDoor(api).schema()
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    assert set(QUERIES) == set(schema.query_type.fields)
    assert set(MUTATIONS) == set(schema.mutation_type.fields)
    assert {id for id, _ in FIELDS.values()} <= set(OPERATIONS)


@pytest.mark.parametrize("field", FIELDS)
async def test_no_field_answers_without_a_token(api: Api, scene: Scene, field: str) -> None:
    answer = await ask(api, field, scene, None)
    assert (answer.code, answer.response.status_code) == ("unauthenticated", 401)
    assert "data" not in answer.response.json()


async def test_introspection_needs_a_token(api: Api) -> None:
    assert (await api.graphql(None, "{ __schema { queryType { name } } }")).status_code == 401


@pytest.mark.parametrize("field", FIELDS)
async def test_a_field_without_its_scopes_names_them(api: Api, scene: Scene, field: str) -> None:
    policy = OPERATIONS[FIELDS[field][0]].policy
    assert policy is not None
    answer = await ask(api, field, scene, scopes=[one for one in EVERYTHING if one not in policy.scopes])
    if not policy.scopes:
        assert answer.code is None
        return
    assert (answer.code, answer.more["scope"]) == ("insufficient-scope", " ".join(policy.scopes))
    error = answer.response.json()["errors"][0]
    assert (error["path"], answer.response.json()["data"]) == ([field], {field: None})


@pytest.mark.parametrize("field", FIELDS)
async def test_a_field_tells_somebody_of_another_area_what_rest_tells(
    api: Api, scene: Scene, field: str
) -> None:
    recipe = RECIPES[FIELDS[field][0]]
    answer = await ask(api, field, scene, "neighbour", areas=["41"])
    assert answer.code == recipe.elsewhere[1]
    if answer.code is None and recipe.bound:
        assert answer.data == {"nodes": []}


@pytest.mark.parametrize("field", [field for field, (id, _) in FIELDS.items() if id in PERSONAL])
async def test_a_field_with_personal_data_needs_a_purpose(api: Api, scene: Scene, field: str) -> None:
    assert (await ask(api, field, scene, purpose=None)).code == "purpose-required"
    assert (await ask(api, field, scene, purpose=None, scopes=_but_pii())).code is None
    assert (await ask(api, field, scene)).code is None


# -- the masked fields, wherever a person is shown


def _but_pii() -> list[str]:
    return [scope for scope in EVERYTHING if scope != "persons:pii"]


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
    masked = await call(api, scene, {"scopes": _but_pii(), "headers": PURPOSE})
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
    assert api.worker.database is not None
    async with api.worker.database.reading() as connection:
        rows = await connection.fetch(
            "SELECT client_id, purpose, fields FROM access_log WHERE request_id = $1",
            headers["X-Request-Id"],
        )
    assert rows
    assert {(row["client_id"], row["purpose"], tuple(row["fields"])) for row in rows} == {
        ("demo-center", "casework", MASKED_FIELDS)
    }
