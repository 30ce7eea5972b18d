"""Whose house a row is of: what the report says of it, and that no two households come to have one house code."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.keyring import Keyring
from domain.exchange.importing.job import RowOutcome
from tests.support import builders
from tests.support.api import Api
from tests.support.imports import call, counts, household_of, imported, report, row

CODES = {"verified-by-team", "not-by-import"}


@pytest.fixture
async def api(dsn: str, keyring: Keyring) -> AsyncIterator[Api]:
    """On a database of each test's own: a house code is looked for in all of it."""
    async with Api.open(dsn, keyring) as opened:
        yield opened


async def conflicts(api: Api, household: dict[str, Any]) -> list[tuple[Any, ...]]:
    answer = await call(api, "GET", f"/v1/households/{household['id']}/conflicts")
    names = ("field", "stored", "given", "stored_source", "status", "choice")
    return sorted(tuple(one[name] for name in names) for one in answer.json()["items"])


async def patch(api: Api, path: str, body: Any) -> None:
    read = await call(api, "GET", path)
    answer = await call(api, "PATCH", path, body, headers={"If-Match": read.headers["etag"]})
    assert answer.status_code == 200, answer.text


def told(line: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["column"], one["code"]) for one in line["codes"] if one["code"] in CODES]


# What is said of a house that is not the stored one


async def test_another_house_is_not_said_to_be_verified_where_no_team_has_been(api: Api) -> None:
    one = row()
    await imported(api, [one], kind="thaiqm")
    household = await household_of(api, one["citizen_id"])
    done = await imported(api, [{**one, "house_code": "42010199999"}], kind="tpmap_target")
    assert counts(done) == {"conflict": 1}
    (line,) = await report(api, done)
    assert told(line) == [("house_code", "not-by-import")]
    expected = ("house_code", one["house_code"], "42010199999", "thaiqm", "open", None)
    assert await conflicts(api, household) == [expected]
    assert (await household_of(api, one["citizen_id"]))["house_code"] == one["house_code"]


@pytest.mark.parametrize("how", ["verified", "amended"])
async def test_it_is_where_one_has(api: Api, how: str) -> None:
    one = row()
    await imported(api, [one], kind="thaiqm")
    household = await household_of(api, one["citizen_id"])
    said = {"case_status": "verified"} if how == "verified" else {"house_code": "42010188888"}
    await patch(api, f"/v1/households/{household['id']}", said)
    done = await imported(api, [{**one, "house_code": "42010199999"}], kind="tpmap_target")
    (line,) = await report(api, done)
    assert told(line) == [("house_code", "verified-by-team")]
    stands = said.get("house_code", one["house_code"])
    assert await conflicts(api, household) == [
        ("house_code", stands, "42010199999", "team", "open", None)
    ]  # fmt: skip


async def test_another_head_is_not_said_to_be_verified_where_no_team_has_been(api: Api) -> None:
    head = row()
    wife = row(house_code=head["house_code"], relationship="spouse", first_name="สมศรี", last_name="ใจดี")
    await imported(api, [head, wife], kind="thaiqm")
    done = await imported(api, [{**wife, "relationship": "head"}], kind="tpmap_target")
    (line,) = await report(api, done)
    assert told(line) == [("relationship", "not-by-import")]
    household = await household_of(api, head["citizen_id"])
    assert await conflicts(api, household) == [("relationship", "spouse", "head", "thaiqm", "open", None)]


async def test_in_a_verified_household_a_persons_fields_are_the_teams_as_well(api: Api) -> None:
    one = row()
    await imported(api, [one], kind="thaiqm")
    household = await household_of(api, one["citizen_id"])
    await patch(api, f"/v1/households/{household['id']}", {"case_status": "verified"})
    done = await imported(api, [{**one, "occupation": "ค้าขาย"}], kind="tpmap_target")
    (line,) = await report(api, done)
    assert told(line) == [("occupation", "verified-by-team")]
    # In one that is not, the order of trust settles it.
    other = row()
    await imported(api, [other], kind="thaiqm")
    better = await imported(api, [{**other, "occupation": "ค้าขาย"}], kind="tpmap_target")
    assert [told(line) for line in await report(api, better)] == [[]]


# A house code that is another household's


async def without_code(api: Api) -> tuple[dict[str, Any], str]:
    """A household without a house code, and the citizen id of its head."""
    head = builders.member()
    made = builders.household(members=[head], house_code=None, address={"house_no": "1"})
    answer = await call(api, "POST", "/v1/households", made)
    assert answer.status_code == 201, answer.text
    return answer.json(), head["person"]["citizen_id"]


async def test_a_house_code_that_is_taken_is_not_taken_twice(api: Api) -> None:
    owner = row()
    await imported(api, [owner])
    household, citizen_id = await without_code(api)
    before = (await call(api, "GET", f"/v1/households/{household['id']}")).json()
    claims = row(
        citizen_id=citizen_id, house_code=owner["house_code"], house_no="77", moo="",
        prefix="", first_name=before["members"][0]["person"]["first_name"],
        last_name=before["members"][0]["person"]["last_name"], relationship="", sex="", birth_date="", occupation="",
    )  # fmt: skip
    done = await imported(api, [claims])
    assert counts(done) == {"conflict": 1}
    (line,) = await report(api, done)
    assert [(one["column"], one["code"]) for one in line["codes"]] == [("house_code", "house-code-taken")]
    after = (await call(api, "GET", f"/v1/households/{household['id']}")).json()
    assert (after["house_code"], after["address"]) == (None, before["address"])
    # A row that names the house by its code alone still finds it.
    alone = row(
        citizen_id="",
        no_id_reason="newborn",
        house_code=owner["house_code"],
        first_name="สมหญิง",
        relationship="child",
    )
    last = await imported(api, [alone])
    assert counts(last) == {"created": 1}, await report(api, last)
    home = await household_of(api, owner["citizen_id"])
    assert len(home["members"]) == 2


async def test_of_two_in_one_file_the_first_has_it(api: Api) -> None:
    homes = [await without_code(api) for _ in range(2)]
    rows = [
        row(citizen_id=citizen_id, house_code="42010177777", relationship="", first_name="สมศรี", last_name="ใจดี",
            prefix="", sex="", birth_date="", occupation="", house_no="", moo="")
        for _, citizen_id in homes
    ]  # fmt: skip
    done = await imported(api, rows)
    codes = [[one["code"] for one in line["codes"]] for line in await report(api, done)]
    assert "house-code-taken" not in codes[0]
    assert "house-code-taken" in codes[1]
    stored = [(await call(api, "GET", f"/v1/households/{home['id']}")).json() for home, _ in homes]
    assert [home["house_code"] for home in stored] == ["42010177777", None]
    # The same file again changes nothing.
    again = await imported(api, rows, headers={"Content-Type": "text/csv; charset=utf-8"})
    assert counts(again).keys() <= {RowOutcome.UNCHANGED, RowOutcome.CONFLICT}
    assert [
        (await call(api, "GET", f"/v1/households/{home['id']}")).json()["house_code"] for home, _ in homes
    ] == ["42010177777", None]


async def test_the_code_of_nobody_is_taken_up(api: Api) -> None:
    household, citizen_id = await without_code(api)
    one = row(citizen_id=citizen_id, house_code="42010166666", relationship="", first_name="สมศรี", last_name="ใจดี",
              prefix="", sex="", birth_date="", occupation="", house_no="", moo="")  # fmt: skip
    await imported(api, [one])
    assert (await call(api, "GET", f"/v1/households/{household['id']}")).json()["house_code"] == "42010166666"


# What a team has said of a member's place, and of a survey, in a household that it has not verified


async def of_two(api: Api) -> tuple[list[dict[str, str]], str, str]:
    """The rows of a head and a wife, the path of their household, and who the wife is."""
    head = row()
    wife = row(house_code=head["house_code"], relationship="spouse", first_name="สมศรี", last_name="ใจดี")
    await imported(api, [head, wife], kind="thaiqm")
    household = await household_of(api, head["citizen_id"])
    (id,) = (one["person_id"] for one in household["members"] if one["relationship"] == "spouse")
    return [head, wife], f"/v1/households/{household['id']}", id


async def relations(api: Api, household: str) -> list[str]:
    return [one["relationship"] for one in (await call(api, "GET", household)).json()["members"]]


async def test_an_amended_relationship_is_the_teams(api: Api) -> None:
    (head, wife), household, id = await of_two(api)
    etag = (await call(api, "GET", household)).headers["etag"]
    said = await call(
        api, "PATCH", f"{household}/members/{id}", {"relationship": "sibling"}, headers={"If-Match": etag}
    )
    assert said.status_code == 200, said.text
    done = await imported(api, [head, {**wife, "occupation": "ค้าขาย"}], kind="thaiqm")
    assert [told(line) for line in await report(api, done)] == [[], [("relationship", "verified-by-team")]]
    assert await relations(api, household) == ["head", "sibling"]


@pytest.mark.parametrize("how", ["named", "joined"])
async def test_so_is_a_head_that_a_team_has_named(api: Api, how: str) -> None:
    rows, household, id = await of_two(api)
    if how == "named":
        said = await call(api, "POST", f"{household}/change-head", {"person_id": id, "reason": "ย้ายออก"})
    else:
        headless = await call(api, "POST", f"{household}/change-head", {"person_id": id, "reason": "ย้ายออก"})
        assert headless.status_code == 200, headless.text
        person = f"/v1/persons/{id}"
        await patch(api, person, {"vital_status": "deceased", "deceased_on": "2026-01-01"})
        said = await call(api, "POST", f"{household}/members", builders.member())
    assert said.status_code in (200, 201), said.text
    before = await relations(api, household)
    done = await imported(api, [{**one, "occupation": "ค้าขาย"} for one in rows], kind="tpmap_target")
    lines = [told(line) for line in await report(api, done)]
    assert lines == [[("relationship", "verified-by-team")]] * 2
    assert await relations(api, household) == before


async def test_a_survey_that_a_team_has_put_is_the_teams(api: Api) -> None:
    one = row(fiscal_year="2569", **{"bmn-38-29": "pass"})
    await imported(api, [one], kind="bmn")
    household = f"/v1/households/{(await household_of(api, one['citizen_id']))['id']}"
    results = [{"indicator_id": "bmn-38-29", "result": "fail"}]
    body = {"fiscal_year": 2569, "edition": "38", "results": results}
    said = await call(api, "PUT", f"{household}/indicator-results", body)
    assert (said.status_code, said.json()["dimension_mask"]) == (200, "00010"), said.text
    done = await imported(api, [{**one, "occupation": "ค้าขาย"}], kind="bmn")
    (line,) = await report(api, done)
    assert told(line) == [("indicator_results/bmn-38-29", "verified-by-team")]
    assert (await call(api, "GET", household)).json()["dimension_mask"] == "00010"
    origins = (await call(api, "GET", f"{household}/provenance")).json()["fields"]
    assert {one["field"]: one["source"] for one in origins}["indicator_results"] == "team"
