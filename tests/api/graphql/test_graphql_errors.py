"""Errors carry REST's codes, say where, and repeat nothing of what was sent."""

import pytest

from tests.api.graphql.fakes import Door, uid

SECRET = "9999999999994"
ONE = "query ($id: ID!) { household(id: $id) { id problems { id } } }"


async def test_absent_is_not_found_and_the_rest_stands(door: Door) -> None:
    query = "query ($gone: ID!, $here: ID!) { gone: household(id: $gone) { id } here: household(id: $here) { id } }"
    answer = await door.ask(query, {"gone": uid(1, 99), "here": uid(1, 1)})
    assert answer["data"] == {"gone": None, "here": {"id": uid(1, 1)}}
    (error,) = answer["errors"]
    assert error["path"] == ["gone"]
    assert (error["extensions"]["code"], error["extensions"]["status"]) == ("not-found", 404)
    assert await door.code('{ household(id: "no-uuid") { id } }') == "not-found"


async def test_a_part_without_its_scope_is_refused_by_itself(door: Door) -> None:
    answer = await door.ask(ONE, {"id": uid(1, 1)}, token="households")
    assert answer["data"]["household"] == {"id": uid(1, 1), "problems": None}
    assert answer["errors"][0]["extensions"]["code"] == "insufficient-scope"
    assert answer["errors"][0]["extensions"]["scope"] == "problems:read"


async def test_personal_data_needs_a_purpose_here_too(door: Door) -> None:
    body = {"query": ONE, "variables": {"id": uid(1, 1)}}
    refused = (await door.post(body, token="pii")).json()
    assert refused["errors"][0]["extensions"]["code"] == "purpose-required"
    answered = (await door.post(body, token="pii", X_Purpose="casework")).json()
    assert "errors" not in answered
    unknown = await door.post(body, token="pii", X_Purpose="curiosity")
    assert unknown.status_code == 422
    assert unknown.json()["errors"][0]["extensions"]["errors"][0]["pointer"] == "header/X-Purpose"


async def test_what_nobody_expected_says_nothing(door: Door) -> None:
    door.stores["households"].broken = RuntimeError(SECRET)
    answer = await door.ask(ONE, {"id": uid(1, 1)})
    assert answer["errors"][0]["extensions"]["code"] == "internal-error"
    assert SECRET not in str(answer)


async def test_a_database_out_of_reach_is_unavailable(door: Door) -> None:
    door.stores["households"].broken = TimeoutError()
    assert await door.code(ONE, {"id": uid(1, 1)}) == "unavailable"


async def test_a_patch_without_its_version_is_refused(door: Door) -> None:
    query = "mutation ($i: UpdateHouseholdInput!) { updateHousehold(input: $i) { id } }"
    answer = await door.ask(query, {"i": {"id": uid(1, 1), "hasLand": None}})
    assert answer["errors"][0]["extensions"]["code"] == "precondition-required"
    assert answer["errors"][0]["extensions"]["status"] == 428


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"areaCode": "๔๒๐๑๐๑"}, "/areaCode", "wrong-format"),
        ({"annualIncomePerPerson": "-1"}, "/annualIncomePerPerson", "out-of-range"),
        ({"annualIncomePerPerson": True}, "/annualIncomePerPerson", "wrong-type"),
        ({"stage": "THRIVE"}, "/stage", "unknown-value"),
        ({"stage": "survive"}, "/stage", "unknown-value"),
        ({"colour": SECRET}, "/colour", "unknown-field"),
        ({"areaCode": None}, "/areaCode", "required"),
        ({"members": [{"relationship": "HEAD", "person": {}}]}, "/members/0/person/firstName", "required"),
        (
            {
                "members": [
                    {"relationship": "HEAD", "person": {"firstName": "ก", "citizenId": "9999999999999"}}
                ]
            },
            "/members/0/person/citizenId",
            "invalid-citizen-id",
        ),
        ({"location": {"latitude": 91, "longitude": 101}}, "/location/latitude", "out-of-range"),
        ({"houseCode": "1\u0000"}, "/houseCode", "wrong-format"),
    ],
)
async def test_bad_input_is_named_by_its_place_and_not_repeated(
    door: Door, changes: dict[str, object], pointer: str, code: str
) -> None:
    query = "mutation ($input: CreateHouseholdInput!) { createHousehold(input: $input) { id } }"
    answer = await door.ask(query, {"input": {"areaCode": "420101", **changes}})
    error = answer["errors"][0]
    assert error["extensions"]["code"] == "invalid-input"
    assert {"pointer": pointer, "code": code} in [
        {"pointer": one["pointer"], "code": one["code"]} for one in error["extensions"]["errors"]
    ]
    assert SECRET not in str(answer)
    assert "9999999999999" not in str(answer)


async def test_literals_in_a_query_are_not_repeated_either(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    for query in (
        '{ household(id: {secret: "SECRET"}) { id } }',
        '{ households(filter: {stage: "SECRET"}) { nodes { id } } }',
        '{ household(id: "SECRET"',
        'mutation { createHousehold(input: {areaCode: ["SECRET"]}) { id } }',
    ):
        query = query.replace("SECRET", SECRET)
        answer = await door.ask(query)
        assert answer["errors"][0]["extensions"]["code"] in ("invalid-input", "malformed-query")
        assert SECRET not in str(answer)
    assert not caplog.records


async def test_a_query_that_does_not_fit_the_schema_is_told_so(door: Door) -> None:
    assert await door.code("{ household { id } }") == "invalid-query"
    assert await door.code("{ nothing }") == "invalid-query"
    assert await door.code("query A { me { agency } } query B { me { agency } }") == "unknown-operation"
    assert await door.code("fragment A on Household { ...A } { me { agency } }") == "invalid-query"


async def test_an_empty_query_is_malformed_and_one_without_an_operation_unknown(door: Door) -> None:
    assert await door.code("") == "malformed-query"
    assert await door.code(" ") == "malformed-query"
    assert await door.code("fragment A on Household { id }") == "unknown-operation"
    answer = await door.post({"query": "query A { me { agency } }", "operationName": "B"})
    assert answer.json()["errors"][0]["extensions"]["code"] == "unknown-operation"


async def test_null_in_a_filter_is_absent_and_a_wrong_page_is_refused(door: Door) -> None:
    answer = await door.ask("{ households(first: 201) { nodes { id } } }")
    assert answer["errors"][0]["extensions"]["errors"][0]["pointer"] == "first"
    answer = await door.ask("query ($n: Int!) { households(first: $n) { nodes { id } } }", {})
    fault = answer["errors"][0]["extensions"]["errors"][0]
    assert (fault["pointer"], fault["code"]) == ("variables/n", "required")
    answer = await door.ask('{ households(filter: {area: "4"}) { nodes { id } } }')
    fault = answer["errors"][0]["extensions"]["errors"][0]
    assert (fault["pointer"], fault["code"]) == ("filter/area", "wrong-format")


async def test_null_in_a_place_that_may_not_be_null_is_bad_input(door: Door) -> None:
    query = 'query ($id: ID = "x") { household(id: $id) { id } }'
    assert await door.code(query, {"id": None}) == "invalid-input"
    assert await door.code(query) == "not-found"
