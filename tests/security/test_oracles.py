"""What could be found out by trying, by whoever may write but not see."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support import builders
from tests.support.api import PURPOSE, Api
from tests.support.calls import EVERYTHING, everything
from tests.support.database import seeing

WRITER = {"scopes": ["households:read", "households:write"], "areas": ["42"]}
ADMIN = {"scopes": EVERYTHING, "areas": ["*"]}


async def household(api: Api, **person: Any) -> dict[str, Any]:
    body = builders.household()
    body["members"][0]["person"] |= person
    made = await everything(api, "POST", "/v1/households", body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def patch(api: Api, person_id: str, changes: Mapping[str, Any], version: int = 1) -> Any:
    return await api.call(
        "team",
        "PATCH",
        f"/v1/persons/{person_id}",
        dict(changes),
        headers={"If-Match": f'"{version}"'},
        **WRITER,
    )


@pytest.mark.parametrize("guess", ["1960-04-30", "1960-05-01", "1960-05-02"])
async def test_a_date_of_death_does_not_find_the_birthday(api: Api, guess: str) -> None:
    born = await household(api, birth_date="1960-05-01")
    answer = await patch(api, born["head_person_id"], {"vital_status": "deceased", "deceased_on": guess})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["birth_date"], answer.json()["age"]) == (None, 0)


async def test_a_death_before_the_year_of_birth_is_refused(api: Api) -> None:
    born = await household(api, birth_date="1960-05-01")
    answer = await patch(
        api, born["head_person_id"], {"vital_status": "deceased", "deceased_on": "1959-12-31"}
    )
    assert [one["code"] for one in answer.json()["errors"]] == ["before-birth"]


async def test_whoever_sees_the_birthday_is_told_to_the_day(api: Api) -> None:
    born = await household(api, birth_date="1960-05-01")
    refused = await everything(
        api, "PATCH", f"/v1/persons/{born['head_person_id']}", {"vital_status": "deceased", "deceased_on": "1960-04-30"},
        headers={**PURPOSE, "If-Match": '"1"'},
    )  # fmt: skip
    assert refused.status_code == 422


@pytest.mark.parametrize("field", ["last_name", "birth_date"])
async def test_a_right_guess_looks_like_a_wrong_one(api: Api, field: str) -> None:
    values = {"last_name": ("ทองดี", "เงินดี"), "birth_date": ("1960-05-01", "1960-05-02")}[field]
    versions = []
    for guess in values:
        made = await household(api, **{field: values[0]})
        answer = await patch(api, made["head_person_id"], {field: guess})
        versions.append((answer.status_code, answer.headers["etag"]))
    assert versions == [(200, '"2"')] * 2


async def test_a_replay_needs_the_areas_that_its_answer_lay_in(api: Api) -> None:
    body, key = builders.household(), {"Idempotency-Key": "areas-change"}
    claims = {"scopes": ["households:read", "households:write"]}
    made = await api.call(
        "team", "POST", "/v1/households", body, headers=key, areas=["4201", "4202"], **claims
    )
    assert made.status_code == 201, made.text
    for areas, status in ((["41"], 404), ([], 404), (["4201"], 404), (["42"], 201), (["*"], 201)):
        again = await api.call("team", "POST", "/v1/households", body, headers=key, areas=areas, **claims)
        assert again.status_code == status, areas
        assert (made.json()["id"] in again.text) is (status == 201)
        assert "areas" not in again.headers


@pytest.mark.parametrize("number", [builders.citizen_id(41), "1101700230700"])
async def test_an_external_id_that_may_be_somebody_s_is_its_agency_s_alone_to_see(
    api: Api, number: str
) -> None:
    home = await household(api)
    event = builders.event(home["id"]) | {"external_id": number, "unit": "1101700230700"}
    made = await api.post("health", "/v1/assistance-events", event)
    assert (made.status_code, made.json()["external_id"], made.json()["unit"]) == (201, number, "[...]")
    path = f"/v1/assistance-events/{made.json()['id']}"
    for who, shown in (("health", number), ("center", "[...]"), ("frontend", "[...]")):
        for one in (path, f"{path}/receipt"):
            answer = await api.get(who, one)
            assert answer.json()["external_id"] == shown, (who, one)
        listed = await api.get(who, f"/v1/assistance-events?household_id={home['id']}")
        assert [one["external_id"] for one in listed.json()["items"]] == [shown]


SPELLINGS = {
    "a space": "{0}{1}{2}{3}{4}{5}{6} {7}{8}{9}{10}{11}{12}",
    "spaces": "{0} {1} {2} {3} {4} {5} {6} {7} {8} {9} {10} {11} {12}",
    "a dot": "{0}{1}{2}{3}{4}{5}.{6}{7}{8}{9}{10}{11}{12}",
    "underscores": "{0}_{1}{2}{3}{4}_{5}{6}{7}{8}{9}_{10}{11}_{12}",
}
SCRIPTS = {"full width": 0xFF10, "Arabic-Indic": 0x0660, "Persian": 0x06F0, "Thai": 0x0E50}


def spelled() -> list[str]:
    number = builders.citizen_id(42)
    others = ["".join(chr(zero + int(one)) for one in number) for zero in SCRIPTS.values()]
    return [form.format(*number) for form in SPELLINGS.values()] + others


@pytest.mark.parametrize("place", range(len(SPELLINGS) + len(SCRIPTS)))
async def test_no_spelling_of_a_citizen_id_gets_in(api: Api, place: int) -> None:
    text = spelled()[place]
    home = await household(api)
    refused = await everything(
        api, "POST", "/v1/problems", builders.problem(home["id"]) | {"description": f"บัตร {text}"}
    )
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        ("/description", "personal-data")
    ]
    for field, value in (("first_name", text), ("disabilities", [text])):
        body = builders.household()
        body["members"][0]["person"][field] = value
        answer = await everything(api, "POST", "/v1/households", body)
        assert [one["code"] for one in answer.json()["errors"]] == ["personal-data"], field


async def test_a_grant_s_reason_stands_behind_the_wall(api: Api) -> None:
    home = await household(api)
    body = {"household_id": home["id"], "reason": "แจ้งเหตุด่วนทางโทรศัพท์"}
    assert (await api.post("health", "/v1/access-grants", body)).status_code == 201
    assert api.worker.database is not None
    async with api.worker.database.reading() as connection:
        assert await connection.fetchval("SELECT count(*) FROM access_grant") == 0
    async with seeing(api.worker.database) as connection:
        assert await connection.fetchval("SELECT count(*) FROM access_grant") > 0


async def test_a_refused_token_is_not_told_why(api: Api) -> None:
    good = api.token("frontend")
    head, claims, signature = good.split(".")
    bad = ["x", "a.b.c", f"{head}.{claims}.{signature[:-2]}AA", "x" * 100_000, f"{claims}.{head}.{signature}"]
    answers = [
        await api.http.get("/v1/me/access", headers={"Authorization": f"Bearer {one}"})
        for one in [*bad, good + "x"]
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.headers["www-authenticate"] for answer in answers}) == 1
