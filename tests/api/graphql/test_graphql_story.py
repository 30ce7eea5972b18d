"""The main job through GraphQL alone, on a real database: found, analysed, assigned, helped, seen."""

from typing import Any

from graphql import GraphQLNamedType, GraphQLObjectType, get_named_type

from api.graphql.admission import core
from api.graphql.naming import camel
from api.graphql.schema import schema
from tests.support import builders, imports
from tests.support.api import PURPOSE, Api
from tests.support.calls import EVERYTHING, everything, webhook

DIMENSION, SOURCE = "INCOME", "TPMAP"


async def ask(api: Api, name: str, query: str, given: Any = None, **more: Any) -> dict[str, Any]:
    """The data of an answer without errors."""
    response = await api.graphql(name, query, given, **more)
    answer: dict[str, Any] = response.json()
    assert "errors" not in answer, answer["errors"]
    found: dict[str, Any] = answer["data"]
    return found


async def refused(api: Api, name: str, query: str, given: Any = None, **more: Any) -> dict[str, Any]:
    """The extensions of an answer's first error."""
    answer = (await api.graphql(name, query, given, **more)).json()
    found: dict[str, Any] = answer["errors"][0]["extensions"]
    return found


def spelt(value: Any) -> Any:
    """A REST body in GraphQL's spelling, as far as names go."""
    if isinstance(value, dict):
        return {camel(name): spelt(one) for name, one in value.items()}
    return [spelt(one) for one in value] if isinstance(value, list) else value


def household_input(**changes: Any) -> dict[str, Any]:
    made = spelt(builders.household(**changes))
    made["sources"][0]["system"] = SOURCE
    for member in made["members"]:
        member["relationship"] = member["relationship"].upper()
        member["person"]["sex"] = member["person"]["sex"].upper()
        member["person"]["welfareCard"] = member["person"]["welfareCard"].upper()
    found: dict[str, Any] = made
    return found


CREATE = "mutation ($input: CreateHouseholdInput!) { createHousehold(input: $input) { id version members { personId } } }"


async def registered(api: Api, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await ask(api, "team", CREATE, {"input": household_input(**changes)}))[
        "createHousehold"
    ]
    return found


async def analysed_problem(api: Api, household_id: str) -> dict[str, Any]:
    analysis = {"householdId": household_id, **spelt(builders.analysis())}
    query = "mutation ($input: CreateAnalysisInput!) { createAnalysis(input: $input) { id complete } }"
    assert (await ask(api, "team", query, {"input": analysis}))["createAnalysis"]["complete"] is True
    problem = spelt(builders.problem(household_id))
    problem |= {"dimension": DIMENSION, "source": "LOCAL", "solvability": "EXTERNAL_RESOURCE"}
    query = "mutation ($input: CreateProblemInput!) { createProblem(input: $input) { id status allowed household { id } } }"
    made = (await ask(api, "team", query, {"input": problem}, headers=PURPOSE))["createProblem"]
    assert (made["status"], made["household"]["id"]) == ("IDENTIFIED", household_id)
    assert "ANALYSED" in made["allowed"]
    query = """mutation ($input: TransitionProblemInput!) { transitionProblem(input: $input) {
      id status version history { fromStatus toStatus } } }"""
    moved = (await ask(api, "team", query, {"input": {"id": made["id"], "to": "ANALYSED"}}))[
        "transitionProblem"
    ]
    assert moved["history"][-1] == {"fromStatus": "IDENTIFIED", "toStatus": "ANALYSED"}
    found: dict[str, Any] = moved
    return found


ASSIGN = """mutation ($input: CreateAssignmentInput!) { createAssignment(input: $input) {
  id status problems { id status } household { id } } }"""
RECORD = """mutation ($input: RecordAssistanceInput!) { recordAssistance(input: $input) {
  id valueBaht assistanceType receipt { outcome householdId warnings } household { id } } }"""
SEEN = """query ($id: ID!) { household(id: $id) { id caseStatus
  members { relationship person { firstName lastName citizenId birthDate age } }
  problems { id status } analyses { complete } assignments { status agency overdue }
  assistance { externalId assistanceType valueBaht } } }"""


async def test_the_main_job(api: Api) -> None:
    home = await registered(api)
    problem = await analysed_problem(api, home["id"])
    assignment = {
        "problemIds": [problem["id"]],
        "agency": "PROV_MOPH-42",
        "menuCode": None,
        "dueOn": "2027-09-30",
    }
    made = (await ask(api, "center", ASSIGN, {"input": assignment}, headers=PURPOSE))["createAssignment"]
    assert made["status"] == "ASSIGNED"
    assert made["problems"] == [{"id": problem["id"], "status": "ASSIGNED"}]
    move = "mutation ($input: TransitionAssignmentInput!) { transitionAssignment(input: $input) { status allowed } }"
    accepted = await ask(api, "health", move, {"input": {"id": made["id"], "to": "ACCEPTED"}})
    assert accepted["transitionAssignment"] == {"status": "ACCEPTED", "allowed": ["IN_PROGRESS"]}
    event = spelt(builders.event(home["id"], assignment_id=made["id"]))
    event |= {"dimension": DIMENSION, "assistanceType": "LIVELIHOOD", "valueBaht": 1500}
    first = (await ask(api, "health", RECORD, {"input": event}))["recordAssistance"]
    assert (first["receipt"]["outcome"], first["valueBaht"]) == ("CREATED", "1500.00")
    assert first["household"] == {"id": home["id"]}
    again = (await ask(api, "health", RECORD, {"input": event}))["recordAssistance"]
    assert (again["receipt"]["outcome"], again["id"]) == ("DUPLICATE", first["id"])
    other = await refused(api, "health", RECORD, {"input": {**event, "valueBaht": "2000.00"}})
    assert (other["code"], other["status"]) == ("external-id-conflict", 409)

    seen = (await ask(api, "frontend", SEEN, {"id": home["id"]}))["household"]
    assert seen["problems"] == [{"id": problem["id"], "status": "BEING_HELPED"}]
    assert seen["assignments"] == [{"status": "IN_PROGRESS", "agency": "PROV_MOPH-42", "overdue": False}]
    assert seen["analyses"] == [{"complete": True}]
    assert seen["assistance"][0]["assistanceType"] == "LIVELIHOOD"
    person = seen["members"][0]["person"]
    assert (person["lastName"], person["birthDate"]) == ("ใ", None)
    assert person["citizenId"].startswith("x-xxxx-xxxxx-")
    assert (await refused(api, "neighbour", SEEN, {"id": home["id"]}))["code"] == "not-found"

    events = """query ($f: EventFilter, $external: String!) { assistanceEvents(filter: $f, sort: CREATED_AT_DESC) {
      totalCount nodes { id household { id } } } assistanceEventByExternalId(externalId: $external) { id } }"""
    given = {"f": {"householdId": home["id"]}, "external": event["externalId"]}
    found = await ask(api, "health", events, given)
    assert found["assistanceEvents"] == {
        "totalCount": 1,
        "nodes": [{"id": first["id"], "household": {"id": home["id"]}}],
    }
    assert found["assistanceEventByExternalId"] == {"id": first["id"]}
    receipt = "query ($id: ID!) { assistanceEventReceipt(id: $id) { status recordedAt } }"
    assert (await ask(api, "health", receipt, {"id": first["id"]}))["assistanceEventReceipt"][
        "status"
    ] == "RECORDED"


async def test_a_household_is_found_again(api: Api) -> None:
    home = await registered(api, house_code="42010100077")
    search = "query ($i: SearchHouseholdsInput!) { searchHouseholds(input: $i) { nodes { id } pageInfo { hasNextPage } } }"
    found = await ask(api, "frontend", search, {"i": {"houseCode": "42010100077"}})
    assert found["searchHouseholds"]["nodes"] == [{"id": home["id"]}]
    both = await refused(api, "frontend", search, {"i": {"houseCode": "42010100077", "name": "สมศรี"}})
    assert both["errors"][0]["code"] == "one-identifier"


async def test_pages_meet_without_gap_or_overlap_in_every_order(api: Api) -> None:
    made = [(await registered(api))["id"] for _ in range(5)]
    query = """query ($after: String, $sort: HouseholdSort) {
      households(first: 2, after: $after, sort: $sort, filter: {area: "42"}) {
      edges { cursor node { id } } pageInfo { hasNextPage } } }"""
    for sort in ("CREATED_AT", "CREATED_AT_DESC", "UPDATED_AT", "UPDATED_AT_DESC"):
        seen: list[str] = []
        after: str | None = None
        further = True
        while further:
            page = (await ask(api, "frontend", query, {"after": after, "sort": sort}))["households"]
            # From the first edge of a page, not its last: every edge's cursor has to be a place in the list.
            after, further = page["edges"][0]["cursor"], page["pageInfo"]["hasNextPage"]
            seen.append(page["edges"][0]["node"]["id"])
            if not further:
                seen += [edge["node"]["id"] for edge in page["edges"][1:]]
        assert len(seen) == len(set(seen))
        assert set(made) <= set(seen)


async def test_a_patch_keeps_what_is_absent_and_clears_what_is_null(api: Api) -> None:
    home = await registered(api, house_code="42010100078")
    query = """mutation ($input: UpdateHouseholdInput!) { updateHousehold(input: $input) {
      version houseCode hasLand classification annualIncomePerPerson } }"""
    patch = {"id": home["id"], "version": home["version"], "houseCode": None, "classification": "WELFARE"}
    amended = (await ask(api, "team", query, {"input": patch}))["updateHousehold"]
    assert amended == {
        "version": 2, "houseCode": None, "hasLand": True, "classification": "WELFARE", "annualIncomePerPerson": "30000.00",
    }  # fmt: skip
    assert (await refused(api, "team", query, {"input": patch}))["code"] == "version-mismatch"
    person = home["members"][0]["personId"]
    query = "mutation ($input: UpdatePersonInput!) { updatePerson(input: $input) { occupation version household { id } } }"
    amended = await ask(
        api, "team", query, {"input": {"id": person, "version": 1, "occupation": "ทอผ้า"}}, headers=PURPOSE
    )
    assert amended["updatePerson"]["occupation"] == "ทอผ้า"
    assert amended["updatePerson"]["household"] == {"id": home["id"]}


async def test_a_survey_sets_the_dimension_mask(api: Api) -> None:
    home = await registered(api)
    query = "mutation ($input: PutIndicatorResultsInput!) { putIndicatorResults(input: $input) { dimensionMask } }"
    results = [{"indicatorId": "bmn-38-29", "result": "FAIL"}]
    given = {"householdId": home["id"], "fiscalYear": 2569, "edition": "38", "results": results}
    surveyed = (await ask(api, "team", query, {"input": given}))["putIndicatorResults"]
    assert surveyed == {"dimensionMask": "00010"}
    listed = '{ households(filter: {failedDimension: INCOME, area: "420101"}) { nodes { id } } }'
    found = (await ask(api, "frontend", listed))["households"]["nodes"]
    assert {"id": home["id"]} in found
    twice = await refused(api, "team", query, {"input": {**given, "results": results * 2}})
    assert (twice["errors"][0]["pointer"], twice["errors"][0]["code"]) == ("/results/1", "duplicate-result")


async def test_an_illegal_move_names_the_allowed_ones(api: Api) -> None:
    home = await registered(api)
    problem = await analysed_problem(api, home["id"])
    query = "mutation ($input: TransitionProblemInput!) { transitionProblem(input: $input) { id } }"
    answer = await refused(
        api, "team", query, {"input": {"id": problem["id"], "to": "RESOLVED", "reason": "x"}}
    )
    assert (answer["code"], answer["status"]) == ("illegal-transition", 409)
    assert "declined" in answer["allowed"]


async def test_menus_match_a_problem_with_every_verdict(api: Api) -> None:
    home = await registered(api)
    problem = await analysed_problem(api, home["id"])
    query = """query ($id: ID!) { menuMatches(problemId: $id) { menuCode score eligible
      conditions { rule condition passed actual } agencies { code role reason } menu { code titleTh conditions } }
      problem(id: $id) { menuMatches { menuCode } person { id } assignments { id } } }"""
    found = await ask(api, "frontend", query, {"id": problem["id"]})
    assert found["menuMatches"]
    assert all(one["menu"]["code"] == one["menuCode"] for one in found["menuMatches"])
    assert [one["menuCode"] for one in found["problem"]["menuMatches"]] == [
        one["menuCode"] for one in found["menuMatches"]
    ]


async def test_reference_data_is_read_by_any_token(api: Api) -> None:
    query = """{ area(code: "42") { code level nameTh } areas(filter: {parent: "42", level: DISTRICT}, first: 3) { nodes { code } }
      agency(code: "PROV_MOPH-42") { code level kind } agencies(filter: {q: "MOPH", area: "42"}) { nodes { code } }
      dimensions { code nameTh sequence }
      indicators(filter: {framework: BMN, edition: "38", dimension: INCOME}, first: 2) { edges { cursor node { id dimension } } }
      codes(list: "purposes") { code nameTh } codeLists { list count }
      campaigns(first: 1) { nodes { fiscalYear targets { code percent measure } thresholds { amount unit } } } }"""
    found = await ask(api, "importer", query)
    assert found["area"] == {"code": "42", "level": "PROVINCE", "nameTh": "เลย"}
    assert found["areas"]["nodes"][0]["code"] == "4201"
    assert found["agency"]["code"] == "PROV_MOPH-42"
    assert [one["code"] for one in found["dimensions"]] == [
        "HEALTH",
        "LIVING",
        "EDUCATION",
        "INCOME",
        "ACCESS",
    ]
    assert "casework" in {one["code"] for one in found["codes"]}
    cursor = found["indicators"]["edges"][0]["cursor"]
    after = """query ($c: String) { indicators(filter: {framework: BMN, edition: "38", dimension: INCOME}, first: 1, after: $c) {
      nodes { id } } }"""
    second = (await ask(api, "importer", after, {"c": cursor}))["indicators"]["nodes"][0]["id"]
    assert second == found["indicators"]["edges"][1]["node"]["id"]
    for name in ("areas", "agencies", "campaigns"):
        query = f"query ($c: String) {{ {name}(first: 1, after: $c) {{ nodes {{ __typename }} pageInfo {{ endCursor }} }} }}"
        cursor = (await ask(api, "importer", query))[name]["pageInfo"]["endCursor"]
        assert cursor
        await ask(api, "importer", query, {"c": cursor})


async def test_menus_are_kept_through_graphql(api: Api) -> None:
    create = "mutation ($input: CreateMenuInput!) { createMenu(input: $input) { id code version conditions stageGoal } }"
    kind = (await ask(api, "center", '{ codes(list: "menu_kind") { code } }'))["codes"][0]["code"]
    conditions = [
        {"rule": "land", "has": True},
        {"rule": "income", "max": "38000", "unit": "baht/person/year"},
    ]
    menu = {
        "code": "GQL-1", "titleTh": "ทดสอบ", "kind": kind, "dimension": "INCOME", "leadAgencies": ["PROV_MOPH"],
        "conditions": conditions, "stageGoal": "SUFFICIENT",
    }  # fmt: skip
    made = (await ask(api, "center", create, {"input": menu}))["createMenu"]
    assert made["conditions"][0] == conditions[0]
    assert (await refused(api, "center", create, {"input": menu}))["code"] == "menu-exists"
    update = "mutation ($input: UpdateMenuInput!) { updateMenu(input: $input) { enabled titleEn version } }"
    patch = {"id": made["id"], "version": made["version"], "enabled": False}
    assert (await ask(api, "center", update, {"input": patch}))["updateMenu"]["enabled"] is False
    by_code = '{ menu(code: "GQL-1") { id } menus(filter: {q: "GQL-1"}) { totalCount } }'
    found = await ask(api, "frontend", by_code)
    assert found == {"menu": {"id": made["id"]}, "menus": {"totalCount": 1}}
    assert (await refused(api, "frontend", '{ menu(code: "NONE") { id } }'))["code"] == "not-found"


async def test_clients_are_administered_through_graphql(api: Api) -> None:
    create = "mutation ($input: CreateClientInput!) { createClient(input: $input) { clientId clientSecret version scopes } }"
    draft = {"name": "probe", "agency": "PROV_MOPH-42", "scopes": ["menus:read"], "areas": ["42"]}
    made = (await ask(api, "admin", create, {"input": draft}))["createClient"]
    assert made["scopes"] == ["menus:read"]
    one = await ask(
        api, "admin", "query ($id: String!) { client(clientId: $id) { name } }", {"id": made["clientId"]}
    )
    assert one["client"] == {"name": "probe"}
    update = "mutation ($input: UpdateClientInput!) { updateClient(input: $input) { enabled } }"
    patch = {"clientId": made["clientId"], "version": 1, "enabled": False}
    assert (await ask(api, "admin", update, {"input": patch}))["updateClient"] == {"enabled": False}
    rotate = (
        "mutation ($input: RotateClientSecretInput!) { rotateClientSecret(input: $input) { clientSecret } }"
    )
    rotated = (await ask(api, "admin", rotate, {"input": {"clientId": made["clientId"]}}))[
        "rotateClientSecret"
    ]
    assert rotated["clientSecret"] != made["clientSecret"]
    listed = await ask(
        api, "admin", "{ clients(first: 1) { nodes { clientId } pageInfo { endCursor hasNextPage } } }"
    )
    assert listed["clients"]["nodes"]
    assert (await refused(api, "team", create, {"input": draft}))["code"] == "insufficient-scope"


async def test_agencies_and_campaigns_are_kept_through_graphql(api: Api) -> None:
    create = (
        "mutation ($input: CreateAgencyInput!) { createAgency(input: $input) { code kind level version } }"
    )
    made = await ask(api, "admin", create, {"input": {"code": "NGO-GQL", "nameTh": "มูลนิธิ", "kind": "ngo"}})
    update = "mutation ($input: UpdateAgencyInput!) { updateAgency(input: $input) { nameEn } }"
    patch = {"code": "NGO-GQL", "version": made["createAgency"]["version"], "nameEn": "Foundation"}
    assert (await ask(api, "admin", update, {"input": patch}))["updateAgency"] == {"nameEn": "Foundation"}
    campaign = (await ask(api, "admin", "{ campaigns { nodes { id version fiscalYear } } }"))["campaigns"][
        "nodes"
    ][-1]
    update = (
        "mutation ($input: UpdateCampaignInput!) { updateCampaign(input: $input) { titleEn fiscalYear } }"
    )
    patch = {"id": campaign["id"], "version": campaign["version"], "titleEn": "Programme"}
    found = (await ask(api, "admin", update, {"input": patch}))["updateCampaign"]
    assert found == {"titleEn": "Programme", "fiscalYear": campaign["fiscalYear"]}


RINGS = frozenset({"Household", "Person", "Problem", "Assignment", "AssistanceEvent", "MenuMatch", "Menu"})


def everything_of(kind: GraphQLNamedType, without: frozenset[str] = frozenset()) -> str:
    """A selection of all fields that need no argument, down to where a type comes back."""
    if not isinstance(kind, GraphQLObjectType):
        return ""
    without |= {kind.name}
    inner = {name: get_named_type(field.type) for name, field in kind.fields.items() if not field.args}
    return (
        "{ "
        + " ".join(
            f"{name} {everything_of(one, without)}" for name, one in inner.items() if one.name not in without
        )
        + " }"
    )


EXCHANGED = frozenset({"imports", "importRows", "webhooks", "webhookDeliveries"})


async def exchanged(api: Api, household_id: str) -> dict[str, str]:
    """One of each that only REST, a job or another client brings about: whose lists they are, by the lists' names."""

    async def made(path: str, body: Any = None) -> dict[str, Any]:
        answer = await everything(api, "POST", path, body)
        assert answer.status_code in (201, 202), answer.text
        found: dict[str, Any] = answer.json()
        return found

    await imports.disagreement(api, {"id": household_id, "area_code": "420101"})
    hook = (await made("/v1/webhooks", webhook()))["id"]
    await made(f"/v1/webhooks/{hook}/test")
    await made("/v1/exports", {"type": "problems", "area": "42"})
    return {"importRows": await imports.reported(api, [imports.row()]), "webhookDeliveries": hook}


async def test_every_field_of_every_list_answers(api: Api) -> None:
    home = await registered(api)
    problem = await analysed_problem(api, home["id"])
    assignment = {"problemIds": [problem["id"]], "agency": "PROV_MOPH-42"}
    await ask(api, "center", ASSIGN, {"input": assignment}, headers=PURPOSE)
    event = {**spelt(builders.event(home["id"])), "dimension": DIMENSION, "assistanceType": "LIVELIHOOD"}
    await ask(api, "health", RECORD, {"input": event})
    unknown = {"house_code": f"4201{builders.citizen_id()[-8:-1]}"}
    queued = spelt(builders.event("", household=unknown, on_unknown="register"))
    queued |= {"dimension": DIMENSION, "assistanceType": "LIVELIHOOD", "onUnknown": "REGISTER"}
    await ask(api, "health", RECORD, {"input": queued})
    owners = {"householdHistory": home["id"], **await exchanged(api, home["id"])}
    grant = {"householdId": home["id"], "reason": "แจ้งเหตุด่วนทางโทรศัพท์"}
    granted = "mutation ($input: CreateAccessGrantInput!) { createAccessGrant(input: $input) { id } }"
    await ask(api, "center", granted, {"input": grant})
    members = f'{{ household(id: "{home["id"]}") {{ members {{ personId person {{ lastName }} }} }} }}'
    read = (await ask(api, "center", members, headers=PURPOSE))["household"]
    person = read["members"][0]["personId"]
    root = core(schema()).query_type
    assert root is not None
    lists = [
        name for name, field in root.fields.items() if "first" in field.args and "input" not in field.args
    ]
    for name in lists:
        connection = get_named_type(root.fields[name].type)
        assert isinstance(connection, GraphQLObjectType)
        node = get_named_type(connection.fields["nodes"].type)
        who = "admin" if name in ("clients", "personAccessLog") else "center"
        of = f'id: "{owners.get(name, person)}", ' if "id" in root.fields[name].args else ""
        if "householdId" in root.fields[name].args:
            of = f'householdId: "{home["id"]}", '
        # The centre of the demo neither imports nor has webhooks.
        claims = {"scopes": EVERYTHING, "areas": ["*"]} if name in EXCHANGED else {}
        # Parts reach each other in rings: each type is opened once on a way down, within the limits.
        query = (
            f"{{ {name}({of}first: 1) {{ totalCount nodes {everything_of(node, RINGS - {node.name})} }} }}"
        )
        found = (await ask(api, who, query, headers=PURPOSE, **claims))[name]
        if name != "clients":
            assert found["nodes"], name
            assert found["totalCount"] >= 1


async def test_a_body_over_the_limit_is_413_and_still_graphql(api: Api) -> None:
    body = b'{"query": "{ me { agency } }", "variables": {"a": "' + b"x" * 1_100_000 + b'"}}'
    answer = await api.post("frontend", "/graphql", body)
    assert answer.status_code == 413
    assert answer.json()["errors"][0]["extensions"]["code"] == "content-too-large"
    assert answer.json()["errors"][0]["extensions"]["trace_id"] == answer.headers["x-request-id"]


async def test_a_browser_gets_the_page_and_everybody_else_is_told_to_post(api: Api) -> None:
    page = await api.get(None, "/graphql", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
    refused_get = await api.get("frontend", "/graphql?query={me{agency}}")
    assert (refused_get.status_code, refused_get.headers["allow"]) == (405, "POST")
