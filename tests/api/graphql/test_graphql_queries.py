"""What a query reaches, in GraphQL's spelling, and how many statements it costs."""

import pytest

from tests.api.graphql.fakes import Door, make_door, uid

EVERYTHING = """query ($id: ID!) { household(id: $id) { id caseStatus targetGroups { fiscalYear group }
  annualIncomePerPerson members { relationship person { firstName welfareCard age } }
  problems { status allowed household { id } assignments { id } } assignments { id } assistance { id } } }"""


async def test_a_household_reaches_its_parts(door: Door) -> None:
    answer = await door.ask(EVERYTHING, {"id": uid(1, 1)})
    assert "errors" not in answer
    found = answer["data"]["household"]
    assert found["caseStatus"] == "IN_ASSISTANCE"
    assert found["targetGroups"] == [{"fiscalYear": 2569, "group": "G1A"}]
    assert found["annualIncomePerPerson"] == "36000.00"
    assert found["members"][0]["person"] == {"firstName": "สมใจ", "welfareCard": "HAS_CARD", "age": 61}
    assert [one["status"] for one in found["problems"]] == ["BEING_HELPED"] * 2
    assert found["problems"][0]["allowed"] == ["RESOLVED", "DECLINED"]
    assert found["problems"][0]["household"] == {"id": uid(1, 1)}


async def test_statements_grow_with_edges_and_not_with_households() -> None:
    query = "{ households(first: 200) { nodes { id problems { id } assignments { id } assistance { id } } } }"
    counts = []
    for households in (3, 120):
        door = make_door(households)
        answer = await door.ask(query)
        assert len(answer["data"]["households"]["nodes"]) == households
        counts.append(door.statements.total())
    assert counts == [4, 4]


async def test_the_households_of_a_list_are_one_statement() -> None:
    query = "{ problems(first: 200) { nodes { id household { id problems { household { id } } } } } }"
    counts = []
    for households in (3, 60):
        door = make_door(households)
        nodes = (await door.ask(query))["data"]["problems"]["nodes"]
        assert len({node["household"]["id"] for node in nodes}) == households
        counts.append(door.statements)
    assert counts == [{"problems.page": 2, "households.page": 1}] * 2


async def test_a_household_out_of_reach_is_null_and_the_rest_stands(door: Door) -> None:
    door.stores["households"].rows = [row for row in door.stores["households"].rows if row["id"] != uid(1, 1)]
    answer = await door.ask("{ problems { nodes { household { id } } } }")
    assert "errors" not in answer
    found = [node["household"] for node in answer["data"]["problems"]["nodes"]]
    assert found == [{"id": uid(1, 0)}] * 2 + [None] * 2 + [{"id": uid(1, 2)}] * 2


async def test_a_filter_speaks_upper_case_and_the_store_hears_the_wires_words(door: Door) -> None:
    query = "query ($f: HouseholdFilter) { households(filter: $f) { nodes { id } } }"
    wanted = {"area": "42", "caseStatus": ["IN_ASSISTANCE"], "targetGroup": ["G1A"], "stage": None}
    answer = await door.ask(query, {"f": wanted})
    assert "errors" not in answer
    where, _ = door.stores["households"].given[0]
    assert (where.area, where.case_status, where.target_group) == (["42"], ["in_assistance"], ["1a"])


async def test_pages_follow_each_other_by_cursor() -> None:
    door = make_door(7)
    query = """query ($after: String) { households(first: 3, after: $after, sort: CREATED_AT) {
      edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    seen, after, pages = [], None, 0
    while True:
        page = (await door.ask(query, {"after": after}))["data"]["households"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        pages += 1
        assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [uid(1, n) for n in range(7)]
    assert pages == 3
    middle = (await door.ask(query))["data"]["households"]["edges"][1]["cursor"]
    assert (await door.ask(query, {"after": middle}))["data"]["households"]["nodes"][0]["id"] == uid(1, 2)


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ("nodes { id }", None),
        ("totalCount", "exact"),
        ("...C } } fragment C on HouseholdConnection { totalCount #", "exact"),
    ],
)
async def test_a_list_is_counted_only_when_asked(door: Door, asked: str, count: str | None) -> None:
    text = f"{{ households {{ {asked} }} }}" if "fragment" not in asked else f"{{ households {{ {asked}\n }}"
    answer = await door.ask(text)
    assert "errors" not in answer
    assert door.stores["households"].given[0][1].count == count


async def test_a_cursor_belongs_to_its_list_and_order(door: Door) -> None:
    query = "{ households(first: 1, sort: %s) { pageInfo { endCursor } } }"
    cursor = (await door.ask(query % "CREATED_AT"))["data"]["households"]["pageInfo"]["endCursor"]
    for other in ("households(sort: UPDATED_AT, ", "problems("):
        answer = await door.ask(f'{{ {other} after: "{cursor}") {{ nodes {{ id }} }} }}')
        fault = answer["errors"][0]["extensions"]["errors"][0]
        assert (fault["pointer"], fault["code"]) == ("after", "invalid-cursor")


async def test_me_tells_the_callers_access(door: Door) -> None:
    answer = await door.ask("{ me { clientId agency scopes areas maskedFields } }", token="households")
    assert answer["data"]["me"] == {
        "clientId": "households",
        "agency": "PROV_SSO-42",
        "scopes": ["households:read"],
        "areas": ["42"],
        "maskedFields": ["citizen_id", "last_name", "birth_date", "phone"],
    }
