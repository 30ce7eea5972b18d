"""The target group of a household as it is derived from what is stored."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support import builders
from tests.support.api import PURPOSE, Api
from tests.support.calls import EVERYTHING, everything, told

RICH = {"annual_income_per_person": "150000.00"}


async def registered(api: Api, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = (
        await everything(api, "POST", "/v1/households", builders.household(**changes))
    ).json()
    return made


async def group(api: Api, id: str, query: str = "?fiscal_year=2569") -> dict[str, Any]:
    answer = await everything(api, "GET", f"/v1/households/{id}/target-group{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found.keys() == {"household_id", "fiscal_year", "group", "sub_group", "reasons"}
    return found


async def survey(api: Api, id: str, year: int, result: str) -> None:
    body = {
        "fiscal_year": year, "edition": "38", "results": [{"indicator_id": "bmn-38-29", "result": result}],
    }  # fmt: skip
    answer = await everything(api, "PUT", f"/v1/households/{id}/indicator-results", body)
    assert answer.status_code == 200, answer.text


def parts(found: dict[str, Any]) -> tuple[Any, Any, list[str]]:
    return found["group"], found["sub_group"], [one["code"] for one in found["reasons"]]


async def test_the_groups_of_what_is_stored(api: Api) -> None:
    poor = await registered(api)
    await survey(api, poor["id"], 2569, "fail")
    assert parts(await group(api, poor["id"])) == ("1", "1a", ["deprived", "has-card"])

    def without() -> list[Any]:
        return [builders.member(welfare_card="no_card")]

    for changes, expected in (
        ({}, ("2", None, ["low-income"])),
        (RICH, ("3", "3b", ["has-card", "no-mpi-data"])),
        ({**RICH, "members": [builders.member(bedridden=True)]}, ("2", None, ["dependent-member"])),
        (
            {**RICH, "members": [builders.member(disabilities=["ทางการเห็น"])]},
            ("2", None, ["dependent-member"]),
        ),
        ({**RICH, "members": without(), "sources": []}, ("4", None, ["no-registry"])),
        ({**RICH, "members": without()}, (None, None, ["no-mpi-data", "in-no-group"])),
        ({**RICH, "members": []}, (None, None, ["no-mpi-data", "in-no-group"])),
    ):
        home = await registered(api, **changes)
        assert parts(await group(api, home["id"])) == expected, changes


async def test_the_last_survey_up_to_the_year_decides(api: Api) -> None:
    home = await registered(api, **RICH)
    await survey(api, home["id"], 2567, "fail")
    await survey(api, home["id"], 2569, "pass")
    assert [parts(await group(api, home["id"], f"?fiscal_year={year}"))[1] for year in (2566, 2567, 2568, 2569, 2570)] == [
        "3b", "1a", "1a", "3a", "3a",
    ]  # fmt: skip
    assert (await group(api, home["id"], ""))["sub_group"] == "3a"


async def test_whoever_has_left_or_died_counts_no_more(api: Api) -> None:
    frail = builders.member("parent", bedridden=True, welfare_card="no_card")
    home = await registered(api, **RICH, members=[builders.member(welfare_card="no_card"), frail])
    person = home["members"][1]["person_id"]
    assert (await group(api, home["id"]))["group"] == "2"
    body = {"left_on": "2026-01-05", "reason": "ย้าย"}
    await everything(api, "DELETE", f"/v1/households/{home['id']}/members/{person}", body)
    assert (await group(api, home["id"]))["group"] is None
    other = await registered(api, **RICH, members=[builders.member(welfare_card="no_card"), frail | {
        "person": {**frail["person"], "citizen_id": builders.citizen_id()}}])  # fmt: skip
    dead = {"vital_status": "deceased"}
    path = f"/v1/persons/{other['members'][1]['person_id']}"
    await everything(api, "PATCH", path, dead, headers={"If-Match": '"1"'})
    assert (await group(api, other["id"]))["group"] is None


@pytest.mark.parametrize("year", ["2026", "x", "2701", ""])
async def test_a_year_that_is_none_is_refused(api: Api, year: str) -> None:
    home = await registered(api)
    answer = await everything(api, "GET", f"/v1/households/{home['id']}/target-group?fiscal_year={year}")
    assert [one["pointer"] for one in answer.json()["errors"]] == ["query/fiscal_year"]


async def test_absent_and_hidden_alike_have_none(api: Api) -> None:
    home = await registered(api)
    for id, areas in ((str(uuid4()), ["*"]), (home["id"], ["41"])):
        answer = await everything(api, "GET", f"/v1/households/{id}/target-group", areas=areas)
        assert told(answer) == (404, "not-found")


async def test_graphql_derives_the_same(api: Api) -> None:
    home = await registered(api)
    query = f'{{ targetGroup(householdId: "{home["id"]}", fiscalYear: 2569) {{ group subGroup reasons {{ code }} }} }}'
    answer = (await api.graphql("center", query, headers=PURPOSE, scopes=EVERYTHING)).json()
    assert answer["data"] == {
        "targetGroup": {"group": "G2", "subGroup": None, "reasons": [{"code": "low-income"}]}
    }
