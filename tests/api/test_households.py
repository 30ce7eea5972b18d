"""Households over REST, on a real database."""

import asyncio
from typing import Any

import pytest

from tests.support import builders
from tests.support.access import logged
from tests.support.api import PURPOSE, Api


async def registered(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.post("team", "/v1/households", builders.household(**changes), headers=PURPOSE)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_household_is_created_with_its_members_and_read_back(api: Api) -> None:
    made = await registered(api)
    read = await api.get("team", f"/v1/households/{made['id']}", headers=PURPOSE)
    assert read.json() == made
    assert [one["relationship"] for one in made["members"]] == ["head", "child"]
    assert made["head_person_id"] == made["members"][0]["person_id"]
    assert made["case_status"] == "imported"
    assert made["annual_income_per_person"] == "30000.00"
    assert read.headers["etag"] == '"1.u"'
    assert read.headers["cache-control"] == "no-store"


async def test_personal_data_is_masked_without_the_scope(api: Api) -> None:
    made = await registered(api)
    read = await api.get("frontend", f"/v1/households/{made['id']}")
    person, whole = read.json()["members"][0]["person"], made["members"][0]["person"]
    assert person["citizen_id"] == f"x-xxxx-xxxxx-{whole['citizen_id'][-3:-1]}-{whole['citizen_id'][-1]}"
    assert person["last_name"] == "ใ"
    assert person["birth_date"] is None
    assert person["phone"] is None
    assert person["age"] == whole["age"]
    assert whole["citizen_id"] not in read.text
    assert whole["phone"] not in read.text


async def test_unmasked_data_needs_a_purpose_and_leaves_a_log_row(api: Api) -> None:
    made = await registered(api)
    path = f"/v1/households/{made['id']}"
    without = await api.get("team", path)
    assert (without.status_code, without.json()["code"]) == (403, "purpose-required")
    unknown = await api.get("team", path, headers={"X-Purpose": "curiosity"})
    assert unknown.json()["errors"][0]["pointer"] == "header/X-Purpose"
    read = await api.get("team", path, headers={**PURPOSE, "X-Request-Id": "look-1"})
    assert read.json()["members"][0]["person"]["last_name"] == "ใจดี"
    (row,) = await logged(api, "look-1")
    assert (row["client_id"], row["purpose"]) == ("demo-team", "casework")
    assert {str(one) for one in row["person_ids"]} == {one["person_id"] for one in made["members"]}
    assert row["fields"] == ["citizen_id", "last_name", "birth_date", "phone"]


async def test_a_write_by_an_entitled_client_without_purpose_answers_masked(api: Api) -> None:
    answer = await api.post("team", "/v1/households", builders.household())
    assert answer.status_code == 201
    assert answer.json()["members"][0]["person"]["phone"] is None


@pytest.mark.parametrize(
    ("name", "areas"), [("frontend", ["41"]), ("frontend", []), ("neighbour", ["41"]), ("health", ["42"])]
)
async def test_absent_and_hidden_answer_alike(api: Api, name: str, areas: list[str]) -> None:
    made = await registered(api)
    hidden = await api.get(name, f"/v1/households/{made['id']}", areas=areas)
    absent = await api.get(name, "/v1/households/01890000-0000-7000-8000-000000000000", areas=areas)
    assert hidden.status_code == absent.status_code == 404
    same = {"type", "title", "status", "detail", "code", "errors"}
    assert {k: hidden.json()[k] for k in same} == {k: absent.json()[k] for k in same}


BAD: list[tuple[str, Any, int, str, str]] = [
    ("wrong check digit", lambda h: h["members"][0]["person"].update(citizen_id="1234567890122"), 422, "/members/0/person/citizen_id", "invalid-citizen-id"),
    ("duplicate head", lambda h: h["members"][1].update(relationship="head"), 422, "/members/1/relationship", "duplicate-head"),
    ("two members with one id", lambda h: h["members"][1]["person"].update(citizen_id=h["members"][0]["person"]["citizen_id"]), 422, "/members/1/person/citizen_id", "duplicate-citizen-id"),
    ("unknown area", lambda h: h.update(area_code="420199x"), 422, "/area_code", "wrong-format"),
    ("area that is not", lambda h: h.update(area_code="429876"), 422, "/area_code", "unknown-area"),
    ("area of another", lambda h: h.update(area_code="420201"), 403, "/area_code", "outside-your-areas"),
    ("future birth", lambda h: h["members"][0]["person"].update(birth_date="2999-01-01"), 422, "/members/0/person/birth_date", "future-date"),
    ("Buddhist birth year", lambda h: h["members"][0]["person"].update(birth_date="1503-01-01"), 422, "/members/0/person/birth_date", "implausible-date"),
    ("negative income", lambda h: h.update(annual_income_per_person="-1"), 422, "/annual_income_per_person", "out-of-range"),
    ("absurd income", lambda h: h.update(annual_income_per_person="99999999999999"), 422, "/annual_income_per_person", "out-of-range"),
    ("unknown enum", lambda h: h.update(classification="rich"), 422, "/classification", "unknown-value"),
    ("unknown field", lambda h: h.update(colour="red"), 422, "/colour", "unknown-field"),
    ("NUL", lambda h: h["members"][0]["person"].update(first_name="a\x00b"), 422, "/members/0/person/first_name", "control-character"),
    ("no id and no reason", lambda h: h["members"][0]["person"].update(citizen_id=None), 422, "/members/0/person", "no-id-reason-required"),
    ("house code", lambda h: h.update(house_code="123"), 422, "/house_code", "wrong-format"),
    ("id outside of text", lambda h: h.update(has_land="yes"), 422, "/has_land", "wrong-type"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "spoil", "status", "pointer", "code"), BAD, ids=[one[0] for one in BAD])
async def test_bad_input_is_refused_where_it_is_and_nothing_is_written(
    api: Api, why: str, spoil: Any, status: int, pointer: str, code: str
) -> None:
    body = builders.household()
    spoil(body)
    before = (await api.get("frontend", "/v1/households?count=exact&limit=1")).json()["total"]
    answer = await api.post("team", "/v1/households", body, headers=PURPOSE)
    assert answer.status_code == status
    assert {"pointer": pointer, "code": code} in [
        {"pointer": one["pointer"], "code": one["code"]} for one in answer.json()["errors"]
    ]
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["members"][0]["person"]["last_name"] not in answer.text
    assert str(body["members"][0]["person"]["citizen_id"]) not in answer.text
    assert (await api.get("frontend", "/v1/households?count=exact&limit=1")).json()["total"] == before


RAW: list[tuple[str, bytes, str]] = [
    ("duplicate keys", b'{"area_code":"420101","area_code":"420101"}', "duplicate-key"),
    ("100,000 deep", b'{"members":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too-deep"),
    ("lone surrogate", b'{"area_code":"\\ud800"}', "malformed-json"),
    ("not UTF-8", b'{"area_code":"\xff"}', "malformed-json"),
    ("no JSON", b"area_code=420101", "malformed-json"),
    ("nothing", b"", "malformed-json"),
    ("NaN", b'{"annual_income_per_person":NaN}', "malformed-json"),
]


@pytest.mark.parametrize(("why", "raw", "code"), RAW, ids=[one[0] for one in RAW])
async def test_a_malformed_body_is_refused(api: Api, why: str, raw: bytes, code: str) -> None:
    answer = await api.post("team", "/v1/households", raw)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
    assert answer.json()["errors"][0]["code"] == code


async def test_thai_digits_spaces_and_dashes_are_accepted_in_a_citizen_id(api: Api) -> None:
    plain = builders.citizen_id()
    typed = "-".join(plain.translate(str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")))
    made = await registered(api, members=[builders.member(citizen_id=typed)])
    assert made["members"][0]["person"]["citizen_id"] == plain


async def test_a_living_person_is_a_member_of_one_household(api: Api) -> None:
    made = await registered(api)
    again = builders.household(
        members=[builders.member(citizen_id=made["members"][0]["person"]["citizen_id"])]
    )
    answer = await api.post("team", "/v1/households", again, headers=PURPOSE)
    assert (answer.status_code, answer.json()["code"]) == (409, "already-a-member")
    assert answer.json()["errors"][0]["pointer"] == "/members/0/person/citizen_id"


async def test_of_twenty_that_register_one_person_at_once_one_succeeds(api: Api) -> None:
    body = builders.household(members=[builders.member()])
    answers = await asyncio.gather(*(api.post("team", "/v1/households", body) for _ in range(20)))
    assert sorted(one.status_code for one in answers) == [201] + [409] * 19


async def test_patch_needs_the_version_that_was_read(api: Api) -> None:
    made = await registered(api)
    path = f"/v1/households/{made['id']}"
    patch = {"classification": "developable", "address": {"road": "สาย 1"}}
    without = await api.call("team", "PATCH", path, patch)
    assert (without.status_code, without.json()["code"]) == (428, "precondition-required")
    stale = await api.call("team", "PATCH", path, patch, headers={"If-Match": '"7"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "version-mismatch")
    amended = await api.call("team", "PATCH", path, patch, headers={"If-Match": '"1.u"'})
    assert (amended.status_code, amended.json()["version"]) == (200, 2)
    assert amended.json()["address"] == {**made["address"], "road": "สาย 1"}
    cleared = await api.call(
        "team",
        "PATCH",
        path,
        {"annual_income_per_person": None},
        headers={"If-Match": amended.headers["etag"]},
    )
    assert cleared.json()["annual_income_per_person"] is None


async def test_of_two_that_patch_one_version_one_succeeds(api: Api) -> None:
    made = await registered(api)
    path, headers = f"/v1/households/{made['id']}", {"If-Match": '"1"'}
    answers = await asyncio.gather(
        *(
            api.call("team", "PATCH", path, {"address": {"road": f"สาย {n}"}}, headers=headers)
            for n in range(8)
        )
    )
    assert sorted(one.status_code for one in answers) == [200] + [412] * 7


async def test_the_case_moves_along_its_lifecycle(api: Api) -> None:
    made = await registered(api)
    path = f"/v1/households/{made['id']}"
    jump = await api.call("team", "PATCH", path, {"case_status": "planned"}, headers={"If-Match": '"1"'})
    assert (jump.status_code, jump.json()["code"]) == (409, "illegal-transition")
    assert jump.json()["allowed"] == ["closed", "verified"]
    closed = await api.call("team", "PATCH", path, {"case_status": "closed"}, headers={"If-Match": '"1"'})
    assert closed.json()["errors"][0]["pointer"] == "/close_outcome"
    step = await api.call("team", "PATCH", path, {"case_status": "verified"}, headers={"If-Match": '"1"'})
    assert step.json()["case_status"] == "verified"


async def test_a_reader_with_the_version_gets_304(api: Api) -> None:
    made = await registered(api)
    read = await api.get("frontend", f"/v1/households/{made['id']}")
    again = await api.get(
        "frontend", f"/v1/households/{made['id']}", headers={"If-None-Match": read.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


async def test_the_list_pages_through_everything_once(api: Api) -> None:
    made = {(await registered(api))["id"] for _ in range(7)}
    for sort in ("created_at", "-created_at", "updated_at", "-updated_at"):
        seen: list[str] = []
        path: str | None = f"/v1/households?limit=3&sort={sort}&area=4201"
        while path:
            page = await api.get("frontend", path)
            seen += [one["id"] for one in page.json()["items"]]
            path = page.links["next"]["url"] if page.json()["next_cursor"] else None
        assert len(seen) == len(set(seen))
        assert made <= set(seen)


async def test_a_cursor_is_of_one_list_one_order_and_one_agency(api: Api) -> None:
    for _ in range(2):
        await registered(api)
    cursor = (await api.get("frontend", "/v1/households?limit=1")).json()["next_cursor"]
    for name, path in (
        ("center", f"/v1/households?limit=1&cursor={cursor}"),
        ("frontend", f"/v1/households?limit=1&sort=-created_at&cursor={cursor}"),
        ("frontend", f"/v1/problems?cursor={cursor}"),
        ("frontend", f"/v1/households?cursor={cursor[:-2]}AA"),
        ("frontend", "/v1/households?cursor=%00"),
    ):
        answer = await api.get(name, path, headers=PURPOSE)
        agency_is_shared = name == "center" and answer.status_code == 200
        assert not agency_is_shared
        assert answer.json()["errors"][0]["code"] == "invalid-cursor"


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("colour=red", "query/colour", "unknown-parameter"),
        ("limit=0", "query/limit", "out-of-range"),
        ("limit=201", "query/limit", "out-of-range"),
        ("limit=1&limit=2", "query/limit", "repeated-parameter"),
        ("sort=name", "query/sort", "unknown-value"),
        ("case_status=open", "query/case_status", "unknown-value"),
        ("area=4", "query/area", "wrong-format"),
        ("area=%E0%B9%94%E0%B9%92", "query/area", "wrong-format"),
        ("dimension_mask=2", "query/dimension_mask", "wrong-format"),
        ("updated_since=yesterday", "query/updated_since", "wrong-format"),
        ("count=roughly", "query/count", "unknown-value"),
    ],
)
async def test_an_unknown_or_malformed_parameter_is_refused(
    api: Api, query: str, pointer: str, code: str
) -> None:
    answer = await api.get("frontend", f"/v1/households?{query}")
    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


async def test_filters_narrow(api: Api) -> None:
    one = await registered(
        api,
        area_code="420102",
        target_groups=[{"fiscal_year": 2569, "group": "1a"}],
        sources=[{"system": "thaiqm"}],
    )
    survey = {
        "fiscal_year": 2569,
        "edition": "38",
        "results": [{"indicator_id": "bmn-38-29", "result": "fail"}],
    }
    surveyed = await api.call("team", "PUT", f"/v1/households/{one['id']}/indicator-results", survey)
    assert (surveyed.status_code, surveyed.json()["dimension_mask"]) == (200, "00010")
    fits = [
        "area=420102", "failed_dimension=income", "failed_dimension=health&failed_dimension=income", "dimension_mask=00010",
        "indicator=bmn-38-29", "target_group=1a", "target_group=1", "target_group=1&fiscal_year=2569", "source=thaiqm",
        "welfare_card=has_card", "classification=unclassified", "case_status=imported", "updated_since=2026-01-01T00:00:00Z",
    ]  # fmt: skip
    misses = [
        "failed_dimension=health", "dimension_mask=00000", "indicator=bmn-38-1", "target_group=2", "target_group=1&fiscal_year=2568",
        "source=bmn", "welfare_card=no_card", "classification=welfare", "case_status=closed", "stage=survive",
        "problem_status=identified", "assigned_agency=PROV_MOPH-42", "updated_since=2999-01-01T00:00:00Z",
    ]  # fmt: skip
    for query in fits:
        found = (await api.get("frontend", f"/v1/households?area=420102&{query}&count=exact")).json()
        assert one["id"] in [item["id"] for item in found["items"]], query
        assert found["total"] == len(found["items"])
    for query in misses:
        found = (await api.get("frontend", f"/v1/households?area=420102&{query}")).json()
        assert found["items"] == [], query


async def test_search_by_citizen_id_house_code_and_name(api: Api) -> None:
    house_code = f"4201{builders.citizen_id()[-8:-1]}"
    made = await registered(
        api,
        house_code=house_code,
        members=[builders.member(first_name="น้ำฝน", last_name="เลิศล้ำ"), builders.member("child")],
    )
    citizen_id = made["members"][0]["person"]["citizen_id"]
    for wanted in (
        {"citizen_id": citizen_id},
        {
            "citizen_id": f"{citizen_id[0]}-{citizen_id[1:5]}-{citizen_id[5:10]}-{citizen_id[10:12]}-{citizen_id[12]}"
        },
        {"house_code": house_code},
        {"name": "น้ำฝน"},
        {"name": "นํ้าฝ"},
        {"name": "น้ำฝน เลิศ"},
        {"name": "เลิศล้ำ"},
        {"name": "น้ำ", "area": "420101"},
    ):
        found = await api.post("team", "/v1/households/search", wanted, headers=PURPOSE)
        assert found.status_code == 200, found.text
        assert made["id"] in [one["id"] for one in found.json()["items"]], wanted
    nothing = await api.post(
        "team", "/v1/households/search", {"name": "น้ำ", "area": "420103"}, headers=PURPOSE
    )
    assert nothing.json() == {"items": [], "next_cursor": None}
    masked = await api.post("frontend", "/v1/households/search", {"name": "เลิศล้ำ"})
    assert masked.json()["items"] == [], "a masked reader cannot probe for a surname"
    both = await api.post(
        "team", "/v1/households/search", {"name": "น้ำ", "house_code": house_code}, headers=PURPOSE
    )
    assert both.status_code == 422


async def test_a_head_marked_deceased_leaves_the_household_incomplete(api: Api) -> None:
    made = await registered(api)
    head = made["head_person_id"]
    read = await api.get("team", f"/v1/persons/{head}", headers=PURPOSE)
    assert read.json() == made["members"][0]["person"]
    died = await api.call(
        "team", "PATCH", f"/v1/persons/{head}", {"vital_status": "deceased", "deceased_on": "2026-01-02"},
        headers={**PURPOSE, "If-Match": read.headers["etag"]},
    )  # fmt: skip
    assert (died.status_code, died.json()["version"]) == (200, 2)
    household = await api.get("team", f"/v1/households/{made['id']}", headers=PURPOSE)
    assert (household.json()["incomplete"], household.json()["head_person_id"]) == (["head"], None)
    assert household.headers["etag"] == '"2.u"'


async def test_survey_results_are_checked(api: Api) -> None:
    made = await registered(api)
    path = f"/v1/households/{made['id']}/indicator-results"
    wrong = {
        "fiscal_year": 2569,
        "edition": "38",
        "results": [
            {"indicator_id": "bmn-31-22", "result": "fail"},
            {"indicator_id": "bmn-38-29", "person_id": made["id"], "result": "fail"},
            {"indicator_id": "bmn-38-12", "result": "pass"},
            {"indicator_id": "bmn-38-12", "result": "pass"},
        ],
    }
    answer = await api.call("team", "PUT", path, wrong)
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [
        ("/results/0/indicator_id", "unknown-indicator"),
        ("/results/1/person_id", "household-indicator"),
        ("/results/1/person_id", "unknown-member"),
        ("/results/3", "duplicate-result"),
    ]


async def test_the_union_rule_follows_the_campaign(api: Api) -> None:
    made = await registered(api)
    path = f"/v1/households/{made['id']}/indicator-results"
    for number, mask in (("22", "00010"), ("23", None)):
        body = {
            "fiscal_year": 2563,
            "edition": "31",
            "results": [{"indicator_id": f"bmn-31-{number}", "result": "fail"}],
        }
        assert (await api.call("team", "PUT", path, body)).json()["dimension_mask"] == mask


async def test_a_corrected_citizen_id_frees_the_one_typed_wrongly(api: Api) -> None:
    made = await registered(api)
    person, wrong = made["head_person_id"], made["members"][0]["person"]["citizen_id"]
    right = builders.citizen_id()
    amended = await api.call(
        "team",
        "PATCH",
        f"/v1/persons/{person}",
        {"citizen_id": right},
        headers={**PURPOSE, "If-Match": '"1"'},
    )
    assert amended.json()["citizen_id"] == right
    for wanted, found in ((wrong, []), (right, [made["id"]])):
        hits = await api.post("team", "/v1/households/search", {"citizen_id": wanted}, headers=PURPOSE)
        assert [one["id"] for one in hits.json()["items"]] == found
    owner = builders.household(members=[builders.member(citizen_id=wrong)])
    assert (await api.post("team", "/v1/households", owner)).status_code == 201


@pytest.mark.parametrize("include", ["bogus", "problems,bogus", "members"])
async def test_an_unknown_include_is_refused(api: Api, include: str) -> None:
    made = await registered(api)
    answer = await api.get("frontend", f"/v1/households/{made['id']}?include={include}")
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [
        ("query/include", "unknown-value")
    ]


async def test_every_include_of_the_contract_is_answered(api: Api) -> None:
    made = await registered(api)
    names = "problems,assignments,assistance,visits,plans,analyses"
    answer = await api.get("center", f"/v1/households/{made['id']}?include={names}", headers=PURPOSE)
    assert [answer.json()[name] for name in names.split(",")] == [[]] * 6


async def test_a_filter_needs_the_scope_that_reads_what_it_tells(api: Api) -> None:
    for query, scope in (
        ("problem_status=identified", "problems:read"),
        ("assigned_agency=MOPH", "assignments:read"),
    ):
        answer = await api.get("frontend", f"/v1/households?{query}", scopes=["households:read"])
        assert (answer.status_code, answer.json()["scope"]) == (403, scope)
    others = await api.get("health", "/v1/households?assigned_agency=PROV_MSDHS-42&count=exact")
    assert others.json() == {"items": [], "next_cursor": None, "total": 0}


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-12:00"])
async def test_a_time_at_the_end_of_the_calendar_is_refused(api: Api, moment: str) -> None:
    answer = await api.get("frontend", f"/v1/households?updated_since={moment}")
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [
        ("query/updated_since", "out-of-range")
    ]
