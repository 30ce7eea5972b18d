"""Who may do what over REST: every operation × every way of not being entitled.

Generated from the table of operations and the OpenAPI document: what is new and not entered in
tests/support/calls.py fails. GraphQL's half is test_matrix_graphql.py.
"""

import httpx2
import pytest

from api.contract.openapi import openapi_document
from api.contract.public import PAGES
from api.rest.table import ROUTES
from domain.access.actor import Scope
from domain.access.policy import Breadth
from tests.support.api import PURPOSE, Api
from tests.support.calls import (
    EVERYTHING,
    HIDDEN,
    NOWHERE,
    OPERATIONS,
    RECIPES,
    STRANGER,
    TABLE,
    WITH_TOKEN,
    Scene,
    but,
    everything,
    make_scene,
    perform,
    told,
)
from tests.support.strangers import KINDS, Strangers

LASTS = [id for id in WITH_TOKEN if id != "revokeClient"] + ["revokeClient"]
"""What ends something of the scene comes last."""
PERSONAL = [one.id for one in TABLE if one.policy is not None and one.policy.personal]
"""Reads of personal data; a write without a purpose is carried out and answered masked."""
SECRETS = ("household_id", "person_id", "citizen_id", "problem_id", "assignment_id", "event_id", "grant_id")
"""Of a scene: what tells somebody who is not entitled that there is such a household."""


@pytest.fixture(scope="module")
async def scene(api: Api) -> Scene:
    return await make_scene(api)


@pytest.fixture(scope="module")
async def passing(api: Api) -> Scene:
    """One that others may change and end."""
    return await make_scene(api)


@pytest.fixture(scope="module")
async def strangers(api: Api) -> Strangers:
    return await Strangers.made(api)


def assert_silent(answer: httpx2.Response, scene: Scene) -> None:
    """Nothing of the scene stands in it but the path of the request itself, which is its `instance`."""
    text = answer.text.replace(str(answer.url.path), "")
    assert [name for name in SECRETS if scene[name] in text] == []


def test_every_operation_has_its_recipe() -> None:
    assert set(RECIPES) == set(OPERATIONS)
    assert len(OPERATIONS) == len(TABLE)


def test_the_document_and_the_table_name_the_same_operations() -> None:
    documented = {
        (method.upper(), path, operation["operationId"])
        for path, item in openapi_document(ROUTES)["paths"].items()
        for method, operation in item.items()
    }
    # Pages hold nothing of any household, and GraphQL has a matrix of its own.
    pages = {("GET", page.path, page.id) for page in PAGES} | {("POST", "/graphql", "graphql")}
    assert documented == {(one.method, one.path.replace(":path}", "}"), one.id) for one in TABLE} | pages


def test_whoever_needs_no_token_is_named() -> None:
    assert {one.id for one in TABLE if one.policy is None} == {
        "issueToken", "revokeToken", "introspectToken", "getJwks", "getAuthorizationServerMetadata",
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


@pytest.mark.parametrize("kind", KINDS)
async def test_whoever_is_not_known_any_more_gets_nowhere(
    api: Api, scene: Scene, strangers: Strangers, kind: str
) -> None:
    headers = strangers.headers(kind)
    for id in WITH_TOKEN:
        answer = await perform(api, id, scene, who=None, headers=headers)
        assert told(answer) == (401, "unauthenticated"), id
        assert_silent(answer, scene)


@pytest.mark.parametrize("id", WITH_TOKEN)
async def test_without_its_scopes_the_operation_is_refused_and_names_them(
    api: Api, scene: Scene, id: str
) -> None:
    policy = OPERATIONS[id].policy
    assert policy is not None
    others = but(*policy.scopes)
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
    other = {"agency": STRANGER["agency"]} if RECIPES[id].private else {}
    answer = await perform(api, id, scene, scopes=[scope], areas=["99"], **other)
    assert told(answer)[1] != "insufficient-scope"


@pytest.mark.parametrize("id", WITH_TOKEN)
async def test_each_scope_that_is_missing_closes_what_it_opens_and_nothing_else(
    api: Api, scene: Scene, id: str
) -> None:
    operation, recipe = OPERATIONS[id], RECIPES[id]
    assert operation.policy is not None
    reads = operation.method == "GET" or operation.policy.personal
    # A write is tried where nothing is, so that it changes nothing.
    place = {} if reads else {"areas": NOWHERE}
    usual = (operation.status, None) if reads else recipe.elsewhere
    if id == "getAssistanceByExternalId" or recipe.private:
        usual = HIDDEN  # it is another agency's
    expected = dict.fromkeys(Scope, usual)
    if reads and recipe.stranger is not None and operation.policy.breadth is Breadth.BY_SCOPE:
        expected[Scope.HOUSEHOLDS_READ] = recipe.stranger
    if id == "getAccessGrant":
        expected[Scope.AUDIT_READ] = HIDDEN
    for scope in operation.policy.scopes:
        if operation.policy.scopes == (scope,) and id != "deleteProblem":
            expected[scope] = (403, "insufficient-scope")
    found = {
        scope: told(await perform(api, id, scene, scopes=but(scope), **place, agency=STRANGER["agency"]))
        for scope in Scope
    }
    assert found == expected


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
        assert_silent(answer, scene)


@pytest.mark.parametrize("id", WITH_TOKEN)
async def test_another_agency_of_the_area_sees_what_it_is_assigned_to_and_made_itself(
    api: Api, scene: Scene, passing: Scene, id: str
) -> None:
    operation, recipe = OPERATIONS[id], RECIPES[id]
    if recipe.stranger is None:
        # What is made here is another one's, so that the stranger goes on having nothing.
        answer = await perform(api, id, passing, **{**STRANGER, "agency": "PROV_CDD-42"})
        usual = (405, "problems-are-permanent") if operation.status == 405 else (operation.status, None)
        assert told(answer) == usual
        return
    answer = await perform(api, id, scene, **STRANGER)
    assert told(answer) == recipe.stranger
    assert_silent(answer, scene)
    if answer.status_code == 200:
        assert answer.json()["items"] == []


@pytest.mark.parametrize("id", [id for id, recipe in RECIPES.items() if recipe.own])
async def test_what_an_agency_has_made_stays_its_own(api: Api, scene: Scene, id: str) -> None:
    """Without households:read its maker sees it, and an agency with every scope sees it only as the area's."""
    narrow = but(Scope.HOUSEHOLDS_READ, Scope.AUDIT_READ)
    own = await perform(api, id, scene, scopes=narrow)
    assert own.status_code == 200
    assert own.json().get("items") != []
    other = await perform(api, id, scene, agency=STRANGER["agency"])
    # An external id is a name that an agency has given: it means nothing to another one.
    assert told(other) == (HIDDEN if id == "getAssistanceByExternalId" else (200, None))


@pytest.mark.parametrize("id", PERSONAL)
async def test_personal_data_is_not_read_without_a_purpose(api: Api, scene: Scene, id: str) -> None:
    answer = await perform(api, id, scene, headers={})
    assert told(answer) == (403, "purpose-required")
    assert scene["citizen_id"] not in answer.text
    assert (await perform(api, id, scene, headers={}, scopes=but(Scope.PERSONS_PII))).status_code == 200


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
