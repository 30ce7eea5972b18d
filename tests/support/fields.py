"""How to ask for every field of GraphQL's Query and Mutation: what generated tests of the whole schema start from.

A new field has to be entered here; a test fails until it is.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLObjectType, get_named_type

from tests.support.api import Api
from tests.support.calls import EVERYTHING, OPERATIONS, RECIPES, Scene, everything, versioned_path
from tests.support.doors import Answer, GraphqlDoor

Arguments = Callable[[Scene], Mapping[str, Any]]
NOTHING: Arguments = lambda _: {}  # noqa: E731 - one of a table of such


def by(name: str, part: str) -> Arguments:
    return lambda scene: {name: scene[part]}


def by_member(scene: Scene) -> Mapping[str, Any]:
    return {"household_id": scene["household_id"], "person_id": scene["member_id"]}


QUERIES: Mapping[str, tuple[str, Arguments]] = {
    "household": ("getHousehold", by("id", "household_id")),
    "households": ("listHouseholds", NOTHING),
    "searchHouseholds": ("searchHouseholds", lambda _: {"input": {"name": "สมศ"}}),
    "householdHistory": ("listHouseholdHistory", by("id", "household_id")),
    "targetGroup": ("getTargetGroup", by("householdId", "household_id")),
    "person": ("getPerson", by("id", "person_id")),
    "problem": ("getProblem", by("id", "problem_id")),
    "problems": ("listProblems", NOTHING),
    "menuMatches": ("listMenuMatches", by("problemId", "problem_id")),
    "assignment": ("getAssignment", by("id", "assignment_id")),
    "assignments": ("listAssignments", NOTHING),
    "menu": ("getMenu", by("id", "menu_id")),
    "menus": ("listMenus", NOTHING),
    "assistanceEvent": ("getAssistance", by("id", "event_id")),
    "assistanceEventByExternalId": ("getAssistanceByExternalId", by("externalId", "external_id")),
    "assistanceEventReceipt": ("getAssistanceReceipt", by("id", "event_id")),
    "assistanceEvents": ("listAssistance", NOTHING),
    "assistanceCheck": (
        "checkAssistance",
        lambda scene: {
            "household": {"id": scene["household_id"]},
            "dimension": "income",
            "since": "2020-01-01",
        },
    ),
    "assistanceQueue": ("listAssistanceQueue", NOTHING),
    "area": ("getArea", by("code", "area")),
    "areas": ("listAreas", NOTHING),
    "agency": ("getAgency", by("code", "agency")),
    "agencies": ("listAgencies", NOTHING),
    "indicator": ("getIndicator", by("id", "indicator_id")),
    "indicators": ("listIndicators", NOTHING),
    "dimensions": ("listDimensions", NOTHING),
    "codeLists": ("listCodeLists", NOTHING),
    "codes": ("listCodes", by("list", "list")),
    "campaign": ("getCampaign", by("id", "campaign_id")),
    "campaigns": ("listCampaigns", NOTHING),
    "me": ("getMyAccess", NOTHING),
    "client": ("getClient", by("clientId", "client_id")),
    "clients": ("listClients", NOTHING),
    "personAccessLog": ("listPersonAccessLog", by("id", "person_id")),
    "accessGrant": ("getAccessGrant", by("id", "grant_id")),
    "accessGrants": ("listAccessGrants", NOTHING),
    "webhook": ("getWebhook", by("id", "webhook_id")),
    "webhooks": ("listWebhooks", NOTHING),
    "import": ("getImport", by("id", "import_id")),
    "imports": ("listImports", NOTHING),
    "importRows": ("listImportRows", by("id", "import_id")),
    "conflicts": ("listConflicts", by("householdId", "household_id")),
    "householdProvenance": ("getProvenance", by("id", "household_id")),
    "webhookDeliveries": ("listWebhookDeliveries", by("id", "webhook_id")),
    "changes": ("listChanges", lambda _: {"types": ["campaign"]}),
    "export": ("getExport", by("id", "export_id")),
    "exports": ("listExports", NOTHING),
}
"""Every field of Query: its counterpart in REST, whose policy it shares, and its arguments."""
MUTATIONS: Mapping[str, tuple[str, Arguments]] = {
    "createHousehold": ("createHousehold", NOTHING),
    "updateHousehold": ("patchHousehold", by("id", "household_id")),
    "putIndicatorResults": ("putIndicatorResults", by("household_id", "household_id")),
    "addMember": ("addMember", by("household_id", "household_id")),
    "updateMember": ("patchMember", by_member),
    "endMembership": ("endMembership", by_member),
    "changeHead": ("changeHead", by("household_id", "household_id")),
    "moveHousehold": ("moveHousehold", by("household_id", "household_id")),
    "mergeHouseholds": ("mergeHouseholds", by("household_id", "household_id")),
    "updatePerson": ("patchPerson", by("id", "person_id")),
    "createProblem": ("createProblem", NOTHING),
    "updateProblem": ("patchProblem", by("id", "problem_id")),
    "transitionProblem": ("transitionProblem", by("id", "problem_id")),
    "createAnalysis": ("createAnalysis", by("household_id", "household_id")),
    "createAssignment": ("createAssignment", NOTHING),
    "transitionAssignment": ("transitionAssignment", by("id", "assignment_id")),
    "createMenu": ("createMenu", NOTHING),
    "updateMenu": ("patchMenu", by("id", "menu_id")),
    "recordAssistance": ("recordAssistance", NOTHING),
    "recordAssistanceBatch": ("recordAssistanceBatch", NOTHING),
    "correctAssistance": ("correctAssistance", by("id", "event_id")),
    "createAgency": ("createAgency", NOTHING),
    "updateAgency": ("patchAgency", by("code", "agency")),
    "createCampaign": ("createCampaign", NOTHING),
    "updateCampaign": ("patchCampaign", by("id", "campaign_id")),
    "createClient": ("createClient", NOTHING),
    "updateClient": ("patchClient", by("client_id", "client_id")),
    "rotateClientSecret": ("rotateClientSecret", by("client_id", "client_id")),
    "revokeClient": ("revokeClient", by("client_id", "client_id")),
    "cancelImport": ("cancelImport", by("id", "cancelled_import_id")),
    "commitImport": ("commitImport", by("id", "import_id")),
    "resolveConflict": (
        "resolveConflict",
        lambda scene: {"id": scene["conflict_id"], "household_id": scene["household_id"]},
    ),
    "createAccessGrant": ("createAccessGrant", NOTHING),
    "createExport": ("createExport", NOTHING),
    "cancelExport": ("cancelExport", by("id", "queued_export_id")),
    "createWebhook": ("createWebhook", NOTHING),
    "updateWebhook": ("patchWebhook", by("id", "webhook_id")),
    "rotateWebhookSecret": ("rotateWebhookSecret", by("id", "webhook_id")),
    "replayWebhook": ("replayWebhook", by("id", "webhook_id")),
    "testWebhook": ("testWebhook", by("id", "webhook_id")),
    "deleteWebhook": ("deleteWebhook", by("id", "webhook_id")),
}
"""Every field of Mutation: its counterpart in REST, whose policy and body it shares, and what its input names."""
FIELDS = {**QUERIES, **MUTATIONS}


async def ask(api: Api, field: str, scene: Scene, who: str | None = "center", **more: Any) -> Answer:
    """The field with as little selected as may be: its error, if it has one, is its own."""
    door = GraphqlDoor(api)
    schema = await door.schema()
    root = schema.mutation_type if field in MUTATIONS else schema.query_type
    assert root is not None
    kind = get_named_type(root.fields[field].type)
    paged = isinstance(kind, GraphQLObjectType) and "nodes" in kind.fields
    select = " { nodes { __typename } }" if paged else " { __typename }"
    id, arguments = FIELDS[field]
    given: dict[str, Any] = dict(arguments(scene))
    claims = {"scopes": EVERYTHING, "areas": ["*"], **more} if who else more
    if field not in MUTATIONS:
        return await door.query(who, field, given, select=select, **claims)
    operation, recipe = OPERATIONS[id], RECIPES[id]
    if operation.method == "PATCH":
        read = await everything(api, "GET", versioned_path(operation, scene))
        given["version"] = read.json().get("version", 1)
    body = {} if recipe.body is None else recipe.body(scene)
    return await door.mutation(who, field, {**given, **body}, select=select, **claims)
