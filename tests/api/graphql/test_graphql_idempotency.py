"""Mutations under an Idempotency-Key: the first answer again, and nothing done twice."""

import asyncio
from typing import Any

import httpx2
import pytest

from tests.support import builders
from tests.support.access import logged
from tests.support.api import PURPOSE, Api
from tests.support.calls import (
    EVERYTHING,
    OPERATIONS,
    RECIPES,
    Scene,
    but,
    everything,
    make_scene,
    versioned_path,
)
from tests.support.doors import GraphqlDoor
from tests.support.fields import MUTATIONS
from tests.support.idempotency import counts, fresh_api, known

RECORD = (
    "mutation ($input: RecordAssistanceInput!) { recordAssistance(input: $input) { id receipt { outcome } } }"
)

api = fresh_api


class Noted(Exception):
    """A request that is not sent yet."""


class Noting:
    """Instead of the application: what a door would send."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def graphql(self, who: str, text: str, variables: dict[str, Any], **_: Any) -> httpx2.Response:
        raise Noted(text, variables)


async def request_of(api: Api, field: str, scene: Scene) -> tuple[str, dict[str, Any]]:
    """A mutation that succeeds, with everything of its answer selected."""
    await GraphqlDoor(api).schema()
    id, arguments = MUTATIONS[field]
    operation, recipe, given = OPERATIONS[id], RECIPES[id], dict(arguments(scene))
    if operation.method == "PATCH":
        read = await everything(api, "GET", versioned_path(operation, scene))
        given["version"] = read.json().get("version", 1)
    body = {} if recipe.body is None else recipe.body(scene)
    noting: Any = Noting(api)
    with pytest.raises(Noted) as noted:
        await GraphqlDoor(noting).mutation("center", field, {**given, **body})
    return noted.value.args[0], noted.value.args[1]


async def sent(api: Api, query: str, variables: Any, key: str, **more: Any) -> httpx2.Response:
    headers = {**PURPOSE, "Idempotency-Key": key, **more.pop("headers", {})}
    claims = {"scopes": EVERYTHING, "areas": ["*"], **more}
    return await api.graphql("center", query, variables, headers=headers, **claims)


def codes(answer: httpx2.Response) -> list[str]:
    return [one["extensions"]["code"] for one in answer.json().get("errors", [])]


@pytest.mark.parametrize("field", MUTATIONS)
async def test_a_mutation_is_done_once_and_answered_again(api: Api, field: str) -> None:
    scene = await make_scene(api)
    query, variables = await request_of(api, field, scene)
    key = f"key of {field}"
    answers = await asyncio.gather(*(sent(api, query, variables, key) for _ in range(5)))
    done = [one for one in answers if one.status_code == 200]
    assert done, answers[0].text
    assert all("errors" not in one.json() for one in done), done[0].text
    told = {(one.status_code, *codes(one)) for one in answers if one not in done}
    assert told <= {(409, "idempotency-in-progress")}
    first = next(one for one in done if "idempotency-replayed" not in one.headers)
    # It is masked, whoever asks: what leaves unmasked leaves its line.
    assert await logged(api, first.headers["x-request-id"]) == []
    before = await counts(api)
    again = await sent(api, query, variables, key)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert known(again.json()["data"]) == known(first.json()["data"])
    assert await counts(api) == before
    other = await sent(
        api, query.replace("{", "{ __typename ", 2).replace("{ __typename ", "{", 1), variables, key
    )
    assert (other.status_code, codes(other)) == (422, ["idempotency-key-reused"])


async def test_fifty_at_once_under_one_key_make_one_record(api: Api) -> None:
    home = (await everything(api, "POST", "/v1/households", builders.household())).json()
    event = {"externalId": "FIFTY", "household": {"id": home["id"]}, "dimension": "INCOME"}
    variables = {"input": {**event, "assistanceType": "LIVELIHOOD", "providedOn": "2026-02-01"}}
    before = await counts(api)
    answers = await asyncio.gather(*(sent(api, RECORD, variables, "fifty") for _ in range(50)))
    told = {(one.status_code, *codes(one)) for one in answers}
    assert told <= {(200,), (409, "idempotency-in-progress")}
    shown = [one.json()["data"]["recordAssistance"] for one in answers if one.status_code == 200]
    assert {one["receipt"]["outcome"] for one in shown} == {"CREATED"}
    assert len({one["id"] for one in shown}) == 1
    # One event, with its rows of the feed, the audit and the natural key.
    assert [now - then for now, then in zip(await counts(api), before, strict=True)] == [1, 1, 1]


QUERY = "{ me { clientId } }"
TWO = """mutation ($a: CreateHouseholdInput!) { one: createHousehold(input: $a) { id }
  two: createHousehold(input: $a) { id } }"""
SPREAD = """mutation ($a: CreateHouseholdInput!) { ...both }
  fragment both on Mutation { one: createHousehold(input: $a) { id } two: createHousehold(input: $a) { id } }"""


@pytest.mark.parametrize("query", [QUERY, TWO, SPREAD, "mutation { __typename }"])
async def test_a_key_stands_for_one_mutation_alone(api: Api, query: str) -> None:
    before = await counts(api)
    variables = {"a": {"areaCode": "420101"}} if "$a" in query else {}
    answer = await sent(api, query, variables, "one")
    assert (answer.status_code, codes(answer)) == (400, ["idempotency-needs-one-mutation"])
    assert "data" not in answer.json()
    assert await counts(api) == before


@pytest.mark.parametrize(
    ("query", "code"), [("mutation {", "malformed-query"), ("mutation { noSuch }", "invalid-query")]
)
async def test_what_cannot_be_run_is_refused_in_its_own_words(api: Api, query: str, code: str) -> None:
    answer = await sent(api, query, {}, "bad", headers={"Accept": "application/graphql-response+json"})
    assert (answer.status_code, codes(answer)) == (400, [code])


async def test_a_key_has_a_form(api: Api) -> None:
    answer = await sent(api, RECORD, {}, "x" * 256)
    assert (answer.status_code, codes(answer)) == (422, ["invalid-input"])
    assert answer.json()["errors"][0]["extensions"]["errors"][0]["pointer"] == "header/Idempotency-Key"


MENU = {"code": "K-1", "titleTh": "เมนู", "kind": "livelihood", "dimension": "INCOME", "leadAgencies": ["PROV_MOPH"], "areas": ["42"]}  # fmt: skip
ADD = "mutation ($input: CreateMenuInput!) { createMenu(input: $input) { id code } }"


async def test_spaces_comments_and_the_order_of_variables_make_no_other_request(api: Api) -> None:
    first = await sent(api, ADD, {"input": MENU}, "same")
    assert "errors" not in first.json(), first.text
    spelt = "# once more\n" + ADD.replace(" { id code }", "\n{ id,  code }")
    again = await sent(api, spelt, {"input": dict(reversed(MENU.items()))}, "same")
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    # Of REST it is another request, and so are other words.
    for other in (
        await everything(api, "POST", "/v1/menus", {"code": "K-1"}, headers={"Idempotency-Key": "same"}),
        await sent(api, ADD, {"input": {**MENU, "code": "K-2"}}, "same"),
    ):
        assert other.status_code == 422
        assert "idempotency-key-reused" in other.text


async def test_a_refused_mutation_is_judged_again(api: Api) -> None:
    bad = {**MENU, "dimension": "INCOME", "leadAgencies": ["NO-SUCH"]}
    for _ in range(2):
        refused = await sent(api, ADD, {"input": bad}, "refused")
        assert (refused.status_code, codes(refused)) == (200, ["invalid-input"]), refused.text
        assert refused.json()["data"] == {"createMenu": None}
        assert "idempotency-replayed" not in refused.headers
    # Nothing was written, so the key is free.
    mended = await sent(api, ADD, {"input": MENU}, "refused")
    assert "errors" not in mended.json()


async def test_what_fails_below_a_mutation_leaves_it_written(api: Api) -> None:
    home = (await everything(api, "POST", "/v1/households", builders.household())).json()
    query = RECORD.replace("{ id receipt", "{ id household { id problems { id } } receipt")
    event = {"externalId": "BELOW", "household": {"id": home["id"]}, "dimension": "INCOME"}
    variables = {"input": {**event, "assistanceType": "LIVELIHOOD", "providedOn": "2026-02-01"}}
    answers = [await sent(api, query, variables, "below", scopes=but("problems:read")) for _ in range(2)]
    for one in answers:
        assert codes(one) == ["insufficient-scope"]
        assert one.json()["data"]["recordAssistance"]["receipt"] == {"outcome": "CREATED"}
    assert answers[1].headers["idempotency-replayed"] == "true"


async def test_a_replay_discloses_nothing(api: Api) -> None:
    query = """mutation ($input: CreateHouseholdInput!) { createHousehold(input: $input) {
      id members { person { lastName citizenId } } } }"""
    made = builders.household(members=[builders.member()])
    body = {"areaCode": made["area_code"], "members": [{"relationship": "HEAD", "person": {
        "citizenId": made["members"][0]["person"]["citizen_id"], "firstName": "สมศรี", "lastName": "ใจดี"}}]}  # fmt: skip
    answers = [await sent(api, query, {"input": body}, "masked") for _ in range(2)]
    assert "errors" not in answers[0].json(), answers[0].text
    for one in answers:
        person = one.json()["data"]["createHousehold"]["members"][0]["person"]
        assert person["lastName"] != "ใจดี"
        assert person["citizenId"].startswith("x-xxxx")
    renamed = "mutation ($input: CreateClientInput!) { createClient(input: $input) { clientId word: clientSecret } }"
    draft = {"name": "ระบบ", "agency": "PROV_MOPH-42", "areas": ["42"], "scopes": ["households:read"]}
    first, again = [(await sent(api, renamed, {"input": draft}, "secret")).json()["data"] for _ in range(2)]
    assert first["createClient"]["word"]
    assert again["createClient"] == {**first["createClient"], "word": None}


async def test_whoever_may_less_by_now_is_not_answered_again(api: Api) -> None:
    narrow = {"areas": ["42"]}
    first = await sent(api, ADD, {"input": MENU}, "less", **narrow)
    assert "errors" not in first.json(), first.text
    elsewhere = await sent(api, ADD, {"input": MENU}, "less", areas=["41"])
    assert (elsewhere.status_code, codes(elsewhere)) == (404, ["not-found"])
    lacking = await sent(api, ADD, {"input": MENU}, "less", **narrow, scopes=but("menus:write"))
    assert (lacking.status_code, codes(lacking)) == (403, ["insufficient-scope"])
    assert (await sent(api, ADD, {"input": MENU}, "less", **narrow)).json() == first.json()


async def test_an_export_under_a_key_is_unmasked_as_it_was_asked_for(api: Api) -> None:
    query = "mutation ($input: CreateExportInput!) { createExport(input: $input) { id unmasked } }"
    answers = [await sent(api, query, {"input": {"type": "HOUSEHOLDS"}}, "export") for _ in range(2)]
    assert answers[0].json()["data"]["createExport"]["unmasked"] is True, answers[0].text
    assert answers[1].json() == answers[0].json()
