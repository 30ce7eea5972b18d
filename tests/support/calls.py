"""How to call every REST operation so that it succeeds: what generated tests of the whole table start from.

`{names}` in a path are parts of a `Scene`. A new operation has to be entered here; a test fails until it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import httpx2

from api.rest.operations import Operation
from api.rest.table import ROUTES
from domain.access.actor import Scope
from tests.support import builders, exports, imports
from tests.support.api import PURPOSE, Api

TABLE: tuple[Operation, ...] = tuple(one for routes in ROUTES for one in routes.operations)
OPERATIONS: Mapping[str, Operation] = {one.id: one for one in TABLE}
EVERYTHING: tuple[Scope, ...] = tuple(Scope)
Scene = Mapping[str, str]
Body = Callable[[Scene], Any]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A request that succeeds, and what the same request gets from somebody of another province."""

    body: Body | None = None
    elsewhere: tuple[int, str | None] = (200, None)
    """Status, and the code of the error."""
    stranger: tuple[int, str | None] | None = None
    """What another agency of the same area gets, which is assigned to nothing; None: it may do so too."""
    own: bool = False
    """What an agency has made itself it sees without `households:read`."""
    private: bool = False
    """What a client has made is its own, wherever its areas are, and no scope opens it to another agency."""
    bound: bool = True
    """A list that shows somebody of another province nothing, or a resource that is hidden."""
    succeeds: int | None = None
    """The status, where it is not the operation's own."""
    query: str = ""
    """What it does not go without."""
    form: Mapping[str, str] = field(default_factory=dict)


HIDDEN = (404, "not-found")
ALIKE: Mapping[str, tuple[int, str]] = {"elsewhere": HIDDEN, "stranger": HIDDEN}
"""What an agency sees inside its areas, and there only where it is assigned."""
EMPTY = (200, None)
"""Of a list."""
OUTSIDE = (403, "outside-your-areas")
INVALID = (422, "invalid-input")
EVERYWHERE = Recipe(bound=False)
"""Reference data: the same for everybody."""
SURVEY = {
    "fiscal_year": 2569,
    "edition": "38",
    "results": [{"indicator_id": "bmn-38-29", "result": "fail"}],
}


def menu() -> dict[str, Any]:
    return {
        "code": f"TEST-{builders.citizen_id()}",
        "title_th": "เมนูทดลอง",
        "kind": "livelihood",
        "dimension": "income",
        "lead_agencies": ["PROV_MOPH"],
        "areas": ["42"],
    }


def agency() -> dict[str, Any]:
    code = f"NGO-{builders.citizen_id()[5:]}"
    return {"code": code, "name_th": "มูลนิธิ", "kind": "ngo", "area_code": "42"}


# Not those of the reference data; each module has a database of its own, so that they may come round again.
_years = cycle([*range(2600, 2701), *range(2500, 2560)])


def campaign() -> dict[str, Any]:
    return {"fiscal_year": next(_years), "title_th": "โครงการ", "indicator_edition": "38"}


def client() -> dict[str, Any]:
    return {"name": "ระบบ", "agency": "PROV_MOPH-42", "areas": ["42"], "scopes": ["households:read"]}


def webhook() -> dict[str, Any]:
    # On the machine itself, which the tests allow, and where nobody listens.
    return {"url": "https://127.0.0.1:9/hook", "types": ["household"]}


def access_grant(scene: Scene) -> dict[str, Any]:
    # Not the household that everything else is about: a grant opens it to its agency.
    return {"household_id": scene["spare_household_id"], "reason": "แจ้งเหตุด่วนทางโทรศัพท์"}


def assignment(scene: Scene) -> dict[str, Any]:
    return {"problem_ids": [scene["problem_id"]], "agency": "PROV_MOPH-42", "menu_code": "INC-01"}


def member(_: Scene) -> dict[str, Any]:
    return builders.member("grandchild", birth_date="2018-01-01")


def move(scene: Scene) -> dict[str, Any]:
    # To another house of the place, so that whoever sees the place goes on seeing it.
    return {"area_code": scene["area"], "address": {"house_no": "7"}, "moved_on": "2026-01-05"}


RECIPES: Mapping[str, Recipe] = {
    "createHousehold": Recipe(lambda _: builders.household(), OUTSIDE),
    "listHouseholds": Recipe(stranger=EMPTY),
    "searchHouseholds": Recipe(lambda _: {"name": "สมศ"}, stranger=EMPTY),
    "getHousehold": Recipe(**ALIKE),
    "patchHousehold": Recipe(lambda _: {"has_land": False}, HIDDEN),
    "putIndicatorResults": Recipe(lambda _: dict(SURVEY), HIDDEN),
    "addMember": Recipe(member, HIDDEN),
    "patchMember": Recipe(lambda _: {"joined_on": "2021-01-01"}, HIDDEN),
    "endMembership": Recipe(lambda _: {"left_on": "2026-01-05", "reason": "ย้ายออก"}, HIDDEN),
    "changeHead": Recipe(lambda s: {"person_id": s["person_id"], "reason": "ตกลงกัน"}, HIDDEN),
    "moveHousehold": Recipe(move, HIDDEN),
    "mergeHouseholds": Recipe(lambda s: {"duplicate_id": s["duplicate_id"], "reason": "ซ้ำ"}, HIDDEN),
    "listHouseholdHistory": Recipe(**ALIKE),
    "getTargetGroup": Recipe(**ALIKE),
    "getPerson": Recipe(**ALIKE),
    "patchPerson": Recipe(lambda _: {"occupation": "ทอผ้า"}, HIDDEN),
    "recordAssistance": Recipe(lambda s: builders.event(s["household_id"]), (422, "unknown-household")),
    # Whoever may record at all is told of each item what became of it.
    "recordAssistanceBatch": Recipe(lambda s: {"items": [builders.event(s["household_id"])]}, bound=False),
    "listAssistance": Recipe(stranger=EMPTY, own=True),
    "getAssistance": Recipe(**ALIKE, own=True),
    "getAssistanceByExternalId": Recipe(**ALIKE, own=True),
    "getAssistanceReceipt": Recipe(**ALIKE, own=True),
    "correctAssistance": Recipe(
        lambda _: {"kind": "supersede", "reason": "พิมพ์ผิด", "event": {"value_baht": "1499.00"}}, **ALIKE
    ),
    "checkAssistance": Recipe(
        lambda s: {"household": {"id": s["household_id"]}, "dimension": "income", "since": "2020-01-01"},
        bound=False,
    ),
    "listAssistanceQueue": Recipe(),
    "createProblem": Recipe(lambda s: builders.problem(s["household_id"]), INVALID, stranger=INVALID),
    "listProblems": Recipe(stranger=EMPTY),
    "getProblem": Recipe(**ALIKE),
    "patchProblem": Recipe(lambda _: {"need": "เมล็ดพันธุ์"}, **ALIKE),
    "deleteProblem": Recipe(None, (405, "problems-are-permanent"), bound=False),
    "transitionProblem": Recipe(lambda _: {"to": "entered_in_error", "reason": "บันทึกผิด"}, **ALIKE),
    "listMenuMatches": Recipe(**ALIKE),
    "createAnalysis": Recipe(lambda _: builders.analysis(), **ALIKE),
    "listAnalyses": Recipe(**ALIKE),
    "createAssignment": Recipe(assignment, INVALID, stranger=INVALID),
    "listAssignments": Recipe(stranger=EMPTY),
    "getAssignment": Recipe(**ALIKE),
    "transitionAssignment": Recipe(
        lambda _: {"to": "escalated", "reason": "เกินกำลัง", "agency": "PROV_MSDHS-42"}, **ALIKE
    ),
    "listMenus": EVERYWHERE,
    "getMenu": EVERYWHERE,
    # A menu is its writer's where every area of its offer is.
    "createMenu": Recipe(lambda _: menu(), (403, "outside-your-areas")),
    "patchMenu": Recipe(lambda _: {"enabled": False}, (403, "outside-your-areas")),
    "listAreas": EVERYWHERE,
    "getArea": EVERYWHERE,
    "listAgencies": EVERYWHERE,
    "getAgency": EVERYWHERE,
    "createAgency": Recipe(lambda _: agency(), OUTSIDE),
    "patchAgency": Recipe(lambda _: {"name_th": "สมาคม"}, OUTSIDE),
    "listDimensions": EVERYWHERE,
    "listIndicators": EVERYWHERE,
    "getIndicator": EVERYWHERE,
    "listCodeLists": EVERYWHERE,
    "listCodes": EVERYWHERE,
    "getImportTemplate": EVERYWHERE,
    "listCampaigns": EVERYWHERE,
    "getCampaign": EVERYWHERE,
    "createCampaign": Recipe(lambda _: campaign(), OUTSIDE),
    "patchCampaign": Recipe(lambda _: {"title_th": "โครงการใหม่"}, OUTSIDE),
    "getMyAccess": EVERYWHERE,
    "createClient": Recipe(lambda _: client(), OUTSIDE),
    "listClients": Recipe(),
    "getClient": Recipe(None, HIDDEN),
    "patchClient": Recipe(lambda _: {"name": "ระบบใหม่"}, HIDDEN),
    "rotateClientSecret": Recipe(lambda _: {"overlap_seconds": 60}, HIDDEN),
    "revokeClient": Recipe(None, HIDDEN),
    "createWebhook": Recipe(lambda _: webhook(), (201, None), bound=False),
    "listWebhooks": EVERYWHERE,
    "getWebhook": Recipe(**ALIKE, private=True),
    "patchWebhook": Recipe(lambda _: {"types": ["problem"]}, **ALIKE, private=True),
    "rotateWebhookSecret": Recipe(lambda _: {"overlap_seconds": 60}, **ALIKE, private=True),
    "listWebhookDeliveries": Recipe(**ALIKE, private=True),
    "replayWebhook": Recipe(lambda _: {"from": "2026-01-01T00:00:00Z"}, **ALIKE, private=True),
    "testWebhook": Recipe(None, **ALIKE, private=True),
    "deleteWebhook": Recipe(None, **ALIKE, private=True),
    "createExport": Recipe(lambda _: {"type": "problems", "area": "42"}, OUTSIDE),
    "listExports": Recipe(stranger=EMPTY),
    "getExport": Recipe(**ALIKE, private=True),
    "getExportFile": Recipe(**ALIKE, private=True),
    "cancelExport": Recipe(None, **ALIKE),
    "createImport": Recipe(
        lambda _: imports.as_csv([imports.row()]), (202, None), bound=False, query="?kind=thaiqm"
    ),
    # Whoever imports somewhere has imports of its own.
    "listImports": Recipe(bound=False),
    "getImport": Recipe(**ALIKE, private=True),
    "listImportRows": Recipe(**ALIKE, private=True),
    "getImportRowsFile": Recipe(**ALIKE, private=True),
    "cancelImport": Recipe(None, **ALIKE, private=True),
    "commitImport": Recipe(None, **ALIKE, private=True),
    "resubmitImport": Recipe(
        lambda _: imports.as_csv([imports.row(record_id="R-BAD")]), **ALIKE, private=True
    ),
    "listConflicts": Recipe(**ALIKE),
    "getProvenance": Recipe(**ALIKE),
    "resolveConflict": Recipe(lambda _: {"choose": "stored", "reason": "ตรวจแล้ว"}, HIDDEN),
    "listPersonAccessLog": Recipe(None, HIDDEN, stranger=(403, "insufficient-scope")),
    "createAccessGrant": Recipe(access_grant, HIDDEN),
    # Campaigns are everybody's; what else is told, and to whom, has tests of its own.
    "listChanges": Recipe(bound=False, query="?types=campaign"),
    "listAccessGrants": Recipe(stranger=EMPTY, own=True),
    "getAccessGrant": Recipe(**ALIKE, own=True),
    # Without a token: these are how one comes by it.
    "issueToken": Recipe(form={"grant_type": "client_credentials"}, succeeds=401),
    "revokeToken": Recipe(form={"token": "x"}, succeeds=401),
    "introspectToken": Recipe(form={"token": "x"}, succeeds=401),
    "getJwks": EVERYWHERE,
    "getAuthorizationServerMetadata": EVERYWHERE,
}


async def finished_export(api: Api) -> dict[str, Any]:
    """Masked: whoever has lost persons:pii may still have it."""
    scopes = but(Scope.PERSONS_PII)
    return await exports.export(api, "center", {"type": "households"}, scopes=scopes, areas=["*"])


STRANGER: Mapping[str, Any] = {
    "agency": "PROV_DLA-42",
    "scopes": [scope for scope in Scope if scope not in (Scope.HOUSEHOLDS_READ, Scope.AUDIT_READ)],
}
"""The claims of an agency of the area that has made nothing, is assigned to nothing and oversees nobody."""
NOWHERE = ["99"]
"""A province that holds nothing."""
WITH_TOKEN = [one.id for one in TABLE if one.policy is not None]
WITH_BODY = [one.id for one in TABLE if one.policy is not None and one.body is not None]
READS = [one.id for one in TABLE if one.method == "GET"]
PAGED = [one.id for one in TABLE if one.method == "GET" and one.many and one.paged]


def but(*scopes: str) -> list[Scope]:
    """Every scope but these."""
    return [scope for scope in EVERYTHING if scope not in scopes]


def told(answer: httpx2.Response) -> tuple[int, str | None]:
    """Status, and the code of an error."""
    return answer.status_code, answer.json()["code"] if answer.status_code >= 400 else None


async def everything(
    api: Api,
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: Mapping[str, str] | None = None,
    **claims: Any,
) -> httpx2.Response:
    """As a client with every scope, for the whole country, that states a purpose; `claims` narrow it."""
    given = {"scopes": EVERYTHING, "areas": ["*"], **claims}
    return await api.call("center", method, path, body, headers={**PURPOSE, **(headers or {})}, **given)


async def make_scene(api: Api) -> Scene:
    """One of everything, with its ids by the names of path parameters."""

    async def made(path: str, body: Any) -> dict[str, Any]:
        answer = await everything(api, "POST", path, body)
        assert answer.status_code in (200, 201, 202), answer.text
        found: dict[str, Any] = answer.json()
        return found

    home = await made("/v1/households", builders.household())
    spare = await made("/v1/households", builders.household())
    duplicate = await made("/v1/households", builders.household())
    of_head = {"person_id": home["head_person_id"], "indicator_id": "bmn-38-27"}
    problem = await made("/v1/problems", builders.problem(home["id"], **of_head))
    await made(f"/v1/households/{home['id']}/analyses", builders.analysis())
    await made(f"/v1/problems/{problem['id']}/transitions", {"to": "analysed"})
    given = await made("/v1/assignments", assignment({"problem_id": problem["id"]}))
    event = await made("/v1/assistance-events", builders.event(home["id"]))
    export = await finished_export(api)
    return {
        "export_id": export["id"],
        "queued_export_id": (await made("/v1/exports", {"type": "problems"}))["id"],
        "household_id": home["id"],
        "person_id": home["head_person_id"],
        "member_id": home["members"][1]["person_id"],
        "duplicate_id": duplicate["id"],
        "citizen_id": home["members"][0]["person"]["citizen_id"],
        "problem_id": problem["id"],
        "assignment_id": given["id"],
        "event_id": event["id"],
        "external_id": event["external_id"],
        "spare_household_id": spare["id"],
        "grant_id": (await made("/v1/access-grants", access_grant({"spare_household_id": spare["id"]})))[
            "id"
        ],
        "menu_id": (await made("/v1/menus", menu()))["id"],
        "campaign_id": (await made("/v1/campaigns", campaign()))["id"],
        "client_id": (await made("/v1/clients", client()))["client_id"],
        "import_id": await imports.validated(api),
        "cancelled_import_id": await imports.cancelled(api),
        "rejected_import_id": await imports.reported(
            api, [imports.row(record_id="R-BAD", birth_date="31/02/2503")]
        ),
        "conflict_id": await imports.disagreement(api, home),
        "webhook_id": (await made("/v1/webhooks", webhook()))["id"],
        "agency": (await made("/v1/agencies", agency()))["code"],
        "area": "420101",
        "list": "purposes",
        "kind": "thaiqm",
        "indicator_id": "bmn-38-27",
    }


def path_of(operation: Operation, scene: Scene) -> str:
    """The path with its parameters filled in."""
    code = scene["agency" if operation.path.startswith("/v1/agencies") else "area"]
    # Not the head, who is the person that everything else is about.
    person = scene["member_id" if "/members/" in operation.path else "person_id"]
    # One that has ended cannot be cancelled.
    export = scene["queued_export_id" if operation.id == "cancelExport" else "export_id"]
    own = {"code": code, "person_id": person, "export_id": export, "part": "1"}
    # Only what it has rejected is brought again.
    of = {"cancelImport": "cancelled_import_id", "resubmitImport": "rejected_import_id"}
    own["import_id"] = scene[of.get(operation.id, "import_id")]
    return operation.path.replace(":path}", "}").format(**{**scene, **own})


def versioned_path(operation: Operation, scene: Scene) -> str:
    """Where the version that a PATCH names is read: that of a membership is its household's."""
    return path_of(operation, scene).partition("/members/")[0]


async def headers_of(api: Api, operation: Operation, scene: Scene) -> dict[str, str]:
    """A PATCH names the version that stands there."""
    if operation.method != "PATCH":
        return {}
    return {"If-Match": (await everything(api, "GET", versioned_path(operation, scene))).headers["etag"]}


async def perform(
    api: Api,
    id: str,
    scene: Scene,
    *,
    who: str | None = "center",
    headers: Mapping[str, str] | None = None,
    query: str = "",
    **claims: Any,
) -> httpx2.Response:
    """The operation's request, as `who`; without `claims` with every right and a purpose."""
    operation, recipe = OPERATIONS[id], RECIPES[id]
    body = None if recipe.body is None else recipe.body(scene)
    sent = {**(await headers_of(api, operation, scene)), **(PURPOSE if headers is None else headers)}
    path = path_of(operation, scene) + (
        f"{recipe.query}&{query[1:]}" if recipe.query and query else recipe.query or query
    )
    if recipe.form:
        return await api.http.request(operation.method, path, data=recipe.form, headers=sent)
    given = {"scopes": EVERYTHING, "areas": ["*"], **claims}
    return await api.call(who, operation.method, path, body, headers=sent, **(given if who else {}))
