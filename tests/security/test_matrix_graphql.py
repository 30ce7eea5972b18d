"""Who may do what over GraphQL: every field and mutation × every way of not being entitled.

Generated from introspection: what is new and not entered in tests/support/fields.py fails.
"""

import pytest

from domain.access.actor import Scope
from domain.access.policy import Breadth
from tests.support.api import Api
from tests.support.calls import (
    NOWHERE,
    OPERATIONS,
    RECIPES,
    STRANGER,
    TABLE,
    Scene,
    but,
    make_scene,
)
from tests.support.doors import GraphqlDoor
from tests.support.fields import FIELDS, MUTATIONS, QUERIES, ask
from tests.support.strangers import KINDS, Strangers

PERSONAL = [one.id for one in TABLE if one.policy is not None and one.policy.personal]


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


@pytest.mark.parametrize("kind", KINDS)
async def test_whoever_is_not_known_any_more_gets_nowhere(
    api: Api, scene: Scene, strangers: Strangers, kind: str
) -> None:
    for field in FIELDS:
        answer = await ask(api, field, scene, None, headers=strangers.headers(kind))
        assert (answer.code, answer.response.status_code) == ("unauthenticated", 401), field
        assert "data" not in answer.response.json()


async def test_introspection_needs_a_token(api: Api) -> None:
    assert (await api.graphql(None, "{ __schema { queryType { name } } }")).status_code == 401


@pytest.mark.parametrize("field", FIELDS)
async def test_a_field_without_its_scopes_names_them(api: Api, scene: Scene, field: str) -> None:
    policy = OPERATIONS[FIELDS[field][0]].policy
    assert policy is not None
    answer = await ask(api, field, scene, scopes=but(*policy.scopes))
    if not policy.scopes:
        assert answer.code is None
        return
    assert (answer.code, answer.more["scope"]) == ("insufficient-scope", " ".join(policy.scopes))
    error = answer.response.json()["errors"][0]
    assert (error["path"], answer.response.json()["data"]) == ([field], {field: None})


@pytest.mark.parametrize("field", FIELDS)
async def test_each_scope_that_is_missing_closes_what_it_opens_and_nothing_else(
    api: Api, scene: Scene, field: str
) -> None:
    recipe, policy = RECIPES[FIELDS[field][0]], OPERATIONS[FIELDS[field][0]].policy
    assert policy is not None
    # A mutation is tried where nothing is, so that it changes nothing.
    place = {} if field in QUERIES else {"areas": NOWHERE}
    usual = None if field in QUERIES else recipe.elsewhere[1]
    if field == "assistanceEventByExternalId" or recipe.private:
        usual = "not-found"  # it is another agency's
    expected = dict.fromkeys(Scope, usual)
    if field in QUERIES and recipe.stranger is not None and policy.breadth is Breadth.BY_SCOPE:
        expected[Scope.HOUSEHOLDS_READ] = recipe.stranger[1]
    if field == "accessGrant":
        expected[Scope.AUDIT_READ] = "not-found"
    for scope in policy.scopes:
        if policy.scopes == (scope,):
            expected[scope] = "insufficient-scope"
    found = {}
    for scope in Scope:
        answer = await ask(api, field, scene, scopes=but(scope), **place, agency=STRANGER["agency"])
        found[scope] = answer.code
    assert found == expected


@pytest.mark.parametrize("field", FIELDS)
async def test_another_agency_of_the_area_sees_what_it_is_assigned_to_and_made_itself(
    api: Api, scene: Scene, passing: Scene, field: str
) -> None:
    recipe = RECIPES[FIELDS[field][0]]
    if recipe.stranger is None:
        made = await ask(api, field, passing, **{**STRANGER, "agency": "PROV_CDD-42"})
        assert made.code is None
        return
    answer = await ask(api, field, scene, **STRANGER)
    assert answer.code == recipe.stranger[1]
    if answer.code is None:
        assert answer.data == {"nodes": []}


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
    assert (await ask(api, field, scene, purpose=None, scopes=but(Scope.PERSONS_PII))).code is None
    assert (await ask(api, field, scene)).code is None
