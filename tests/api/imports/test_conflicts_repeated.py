"""A decision that is sent again after the field was amended: answered as it was, and nothing applied once more."""

from typing import Any

import pytest

from tests.support.api import PURPOSE, Api
from tests.support.imports import SCOPES, call, disagreement, household_of, imported, row

FEW = tuple(scope for scope in SCOPES if scope != "persons:pii")
RESOLVE = """mutation($input: ResolveConflictInput!) { resolveConflict(input: $input) {
  status choice masked stored given reason settledBy settledAt } }"""
WORDS = {"settledBy": "settled_by", "settledAt": "settled_at"}
TOLD = ("status", "choice", "masked", "stored", "given", "reason", "settled_by", "settled_at")


async def decided(
    api: Api, door: str, household: str, conflict: str, choice: dict[str, Any], scopes: Any = SCOPES
) -> dict[str, Any] | str:
    """The conflict as it is settled, or the code of the refusal."""
    said = {"reason": "ถามเจ้าตัวแล้ว", **choice}
    if door == "rest":
        path = f"/v1/households/{household}/conflicts/{conflict}/resolve"
        answer = await call(api, "POST", path, said, scopes=scopes)
        found = answer.json()
        return {name: found[name] for name in TOLD} if answer.status_code == 200 else str(found["code"])
    variables = {
        "input": {"id": conflict, "householdId": household, **said, "choose": said["choose"].upper()}
    }
    answer = await api.graphql(
        "importer", RESOLVE, variables, headers=PURPOSE, scopes=list(scopes), areas=["42"]
    )
    if "errors" in answer.json():
        return str(answer.json()["errors"][0]["extensions"]["code"])
    found = answer.json()["data"]["resolveConflict"]
    shown = {WORDS.get(name, name): value for name, value in found.items()}
    return {**shown, "status": shown["status"].lower(), "choice": shown["choice"].lower()}


async def amended(api: Api, path: str, body: Any) -> None:
    read = await call(api, "GET", path)
    answer = await call(api, "PATCH", path, body, headers={"If-Match": read.headers["etag"]})
    assert answer.status_code == 200, answer.text


async def disputed(api: Api, field: str, said: str, given: str) -> tuple[str, str, str]:
    """A household, the path of its head, and the conflict of what the team has said with what a source gives."""
    one = row(**{field: given})
    await imported(api, [one])
    household = await household_of(api, one["citizen_id"])
    person = f"/v1/persons/{household['head_person_id']}"
    await amended(api, person, {field: said})
    await imported(api, [one])
    answer = await call(api, "GET", f"/v1/households/{household['id']}/conflicts")
    (found,) = answer.json()["items"]
    return household["id"], person, found["id"]


OF_A_PERSON = {
    "occupation": ("ช่างไม้", "ค้าขาย", "ทอผ้า", "รับจ้าง"),
    "last_name": ("สกุลใหม่", "สกุลเดิม", "สกุลที่สาม", "สกุลที่สี่"),
    "birth_date": ("1960-05-02", "1960-05-01", "1960-05-03", "1960-05-04"),
    "phone": ("0822222222", "0811111111", "0833333333", "0844444444"),
}


@pytest.mark.parametrize("door", ["rest", "graphql"])
@pytest.mark.parametrize("field", OF_A_PERSON)
async def test_the_same_decision_is_answered_as_at_first(api: Api, field: str, door: str) -> None:
    said, given, third, later = OF_A_PERSON[field]
    household, person, conflict = await disputed(api, field, said, given)
    choice = {"choose": "value", "value": third}
    first = await decided(api, door, household, conflict, choice)
    assert isinstance(first, dict), first
    await amended(api, person, {field: later})
    before = (await call(api, "GET", person)).json()
    again = await decided(api, door, household, conflict, choice)
    # Of a field that may be masked it is told what stands there now, as in the list.
    assert again == {**first, "stored": later if first["stored"] == third else first["stored"]}
    # What stands there by now is another decision, and so is everything else.
    for other in (
        {"choose": "value", "value": later},
        {"choose": "value", "value": said},
        {"choose": "stored"},
        {"choose": "given"},
    ):
        assert await decided(api, door, household, conflict, other) == "already-resolved"
    assert (await call(api, "GET", person)).json() == before
    assert before[field] == later


@pytest.mark.parametrize("door", ["rest", "graphql"])
@pytest.mark.parametrize("choice", ["stored", "given"])
async def test_a_choice_of_the_two_is_answered_as_at_first(api: Api, choice: str, door: str) -> None:
    household, person, conflict = await disputed(api, "occupation", "ช่างไม้", "ค้าขาย")
    first = await decided(api, door, household, conflict, {"choose": choice})
    assert isinstance(first, dict), first
    await amended(api, person, {"occupation": "รับจ้าง"})
    assert await decided(api, door, household, conflict, {"choose": choice}) == first
    assert (await call(api, "GET", person)).json()["occupation"] == "รับจ้าง"


@pytest.mark.parametrize(
    ("field", "third", "later"),
    [
        ("house_no", {"address": {"house_no": "9"}}, {"address": {"house_no": "10"}}),
        ("has_land", {"has_land": True}, {"has_land": None}),
    ],
)
async def test_so_is_one_on_a_household(api: Api, field: str, third: Any, later: Any) -> None:
    one = row()
    await imported(api, [one])
    household = await household_of(api, one["citizen_id"])
    conflict = await disagreement(api, household, field)
    choice = {"choose": "value", "value": third.get("address", third)[field]}
    first = await decided(api, "rest", household["id"], conflict, choice)
    assert isinstance(first, dict), first
    path = f"/v1/households/{household['id']}"
    await amended(api, path, later)
    version = (await call(api, "GET", path)).json()["version"]
    for door in ("rest", "graphql"):
        assert await decided(api, door, household["id"], conflict, choice) == first
    assert (await call(api, "GET", path)).json()["version"] == version


async def test_whoever_may_not_see_the_value_is_told_of_its_own_decision_alone(api: Api) -> None:
    household, person, conflict = await disputed(api, "last_name", "สกุลใหม่", "สกุลเดิม")
    choice = {"choose": "value", "value": "สกุลที่สาม"}
    first = await decided(api, "rest", household, conflict, choice, FEW)
    assert isinstance(first, dict), first
    assert (first["masked"], first["stored"]) == (True, None)
    await amended(api, person, {"last_name": "สกุลที่สี่"})
    assert await decided(api, "rest", household, conflict, choice, FEW) == first
    assert await decided(api, "graphql", household, conflict, choice, FEW) == first
    guess = {"choose": "value", "value": "สกุลที่สี่"}
    assert await decided(api, "rest", household, conflict, guess, FEW) == "already-resolved"
    # With the right it is the same decision as well.
    seen = await decided(api, "rest", household, conflict, choice)
    assert isinstance(seen, dict), seen
    assert seen["stored"] == "สกุลที่สี่"


@pytest.mark.parametrize("door", ["rest", "graphql"])
async def test_a_value_that_was_forgotten_clears_nothing_and_none_is_passed_over(api: Api, door: str) -> None:
    household, person, conflict = await disputed(api, "occupation", "ช่างไม้", "ค้าขาย")
    forgotten: list[dict[str, Any]] = [
        {"choose": "value"},
        {"choose": "given", "value": "ทอผ้า"},
        {"choose": "stored", "value": "ทอผ้า"},
    ]
    for choice in forgotten:
        assert await decided(api, door, household, conflict, choice) == "invalid-input", choice
    assert (await call(api, "GET", person)).json()["occupation"] == "ช่างไม้"
    # Said, it clears.
    told = await decided(api, door, household, conflict, {"choose": "value", "value": None})
    assert isinstance(told, dict), told
    assert told["choice"] == "value"
    assert (await call(api, "GET", person)).json()["occupation"] is None
