"""What the service answers is what the document says: SQL builds the answers, so nothing else ties the two."""

import json
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from functools import cache
from typing import Any

import jsonschema_rs
import pytest

from api.contract.openapi import openapi_document
from api.contract.schemas import PREFIX
from api.rest.table import ROUTES
from domain.exchange.export import ExportType
from tests.support import exports, imports
from tests.support.access import owner_of
from tests.support.api import PURPOSE, Api
from tests.support.server import RunningServer

DOCUMENT = openapi_document(ROUTES)
SCHEMAS = DOCUMENT["components"]["schemas"]
READERS = {"clients": "admin", "imports": "importer", "webhooks": "health"}
"""By tag; everything else is read by the centre, which may read it."""
MADE: dict[str, tuple[str, Any]] = {
    "/v1/exports": ("/v1/exports", {"type": "problems"}),
    "/v1/imports": ("/v1/imports?kind=thaiqm&mode=validate", imports.as_csv([imports.row()])),
    # On the machine itself, which the tests allow, and where nobody listens.
    "/v1/webhooks": ("/v1/webhooks", {"url": "https://127.0.0.1:9/hook", "types": ["problem"]}),
}
"""What the demo has none of: made by its reader before it is listed."""
LISTS = sorted(
    path
    for path, item in DOCUMENT["paths"].items()
    if path.startswith("/v1/") and "{" not in path and "get" in item
)


@cache
def token(url: str, client_id: str, secret: str) -> str:
    basic = b64encode(f"{client_id}:{secret}".encode()).decode()
    form = b"grant_type=client_credentials"
    request = urllib.request.Request(f"{url}/oauth/token", form, {"Authorization": f"Basic {basic}"})
    request.add_header("Content-Type", "application/x-www-form-urlencoded")
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)["access_token"])


def get(server: RunningServer, path: str, client: str, body: Any = None) -> Any:
    """The answer to a GET, or to a POST where there is a body; bytes are a CSV file."""
    own = server.client(client)
    bearer = token(server.url, own["client_id"], own["client_secret"])
    file = isinstance(body, bytes)
    headers = {
        "Authorization": f"Bearer {bearer}",
        "X-Purpose": "casework",
        "Content-Type": "text/csv" if file else "application/json",
    }
    sent = body if body is None or file else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(server.url + path, sent, headers=headers)
        ) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        pytest.fail(f"{path}: {error.code} {error.read().decode()}")


def answered(path: str) -> dict[str, Any]:
    schema: dict[str, Any] = DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"][
        "application/json"
    ]["schema"]
    return schema


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    rooted = {**schema, "components": DOCUMENT["components"]}
    validator = jsonschema_rs.Draft202012Validator(rooted, validate_formats=True)
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]


def unknown(schema: dict[str, Any], value: Any, where: str = "") -> list[str]:
    """Fields that the document does not name: answers are open to later ones, not to forgotten ones."""
    if "$ref" in schema:
        return unknown(SCHEMAS[schema["$ref"].removeprefix(PREFIX)], value, where)
    if isinstance(value, list):
        items = schema.get("items", {})
        return [found for one in value for found in unknown(items, one, f"{where}[]")]
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        inner = [
            found
            for name in value.keys() & known
            for found in unknown(known[name], value[name], f"{where}.{name}")
        ]
        return [f"{where}.{name}" for name in value.keys() - known] + inner
    options = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    return unknown(options[0], value, where) if len(options) == 1 and value is not None else []


def reader(path: str) -> str:
    return READERS.get(DOCUMENT["paths"][path]["get"]["tags"][0], "center")


@pytest.mark.parametrize("path", LISTS)
def test_a_list_and_each_of_its_items_are_as_described(server: RunningServer, path: str) -> None:
    if path == "/v1/access-grants":
        household = get(server, "/v1/households?limit=1", "center")["items"][0]["id"]
        get(server, path, "center", {"household_id": household, "reason": "แจ้งเหตุด่วนทางโทรศัพท์"})
    if path in MADE:
        where, body = MADE[path]
        get(server, where, reader(path), body)
    found = get(server, path, reader(path))
    assert faults(answered(path), found) == []
    assert unknown(answered(path), found) == []
    one = next(
        (
            one
            for one in DOCUMENT["paths"]
            if one.startswith(f"{path}/{{") and one.count("/") == path.count("/") + 1
        ),
        None,
    )
    if one is None or "get" not in DOCUMENT["paths"][one] or "items" not in found:
        return
    assert found["items"], "nothing to look at"
    for item in found["items"][:20]:
        name = item.get("id") or item.get("client_id") or item.get("code") or item["list"]
        single = get(server, f"{path}/{urllib.parse.quote(name)}", reader(path))
        assert faults(answered(one), single) == []
        assert unknown(answered(one), single) == []


def test_who_read_a_person_is_as_described(server: RunningServer) -> None:
    path = "/v1/persons/{person_id}/access-log"
    person = get(server, "/v1/households?limit=1", "center")["items"][0]["members"][0]["person_id"]
    found = get(server, f"/v1/persons/{person}/access-log", "admin")
    assert found["items"]
    assert faults(answered(path), found) == []
    assert unknown(answered(path), found) == []


@pytest.mark.parametrize("part", ["analyses", "problems", "assignments", "assistance"])
def test_what_is_carried_along_is_as_described(server: RunningServer, part: str) -> None:
    path = "/v1/households/{household_id}"
    seen = 0
    for household in get(server, "/v1/households?limit=60", "center")["items"]:
        found = get(server, f"/v1/households/{household['id']}?include={part}", "center")
        assert faults(answered(path), found) == []
        assert unknown(answered(path), found) == []
        seen += len(found[part])
    assert seen > 0


def test_the_menus_that_match_a_problem_are_as_described(server: RunningServer) -> None:
    path = "/v1/problems/{problem_id}/menu-matches"
    for problem in get(server, "/v1/problems?limit=10", "center")["items"]:
        found = get(server, f"/v1/problems/{problem['id']}/menu-matches", "center")
        assert faults(answered(path), found) == []
        assert unknown(answered(path), found) == []


def test_a_forgotten_field_is_found() -> None:
    assert unknown({"$ref": PREFIX + "Household"}, {"id": "x", "members": [{"nickname": "y"}]}) == [
        ".members[].nickname"
    ]


async def conform(api: Api, who: str, path: str, described: str, **given: Any) -> Any:
    """The answer, which is what the document describes."""
    answer = await api.call(who, "GET", path, headers=PURPOSE, **given)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert faults(answered(described), found) == []
    assert unknown(answered(described), found) == []
    return found


EXPORTS = {"scopes": exports.SCOPES, "areas": ["42"]}


@pytest.mark.parametrize("type", sorted(ExportType))
async def test_a_finished_export_is_as_described(api: Api, type: str) -> None:
    await imports.imported(api, [imports.row()])
    made = await exports.export(api, "center", {"type": type, "since": "2020-01-01T00:00:00Z"}, **EXPORTS)
    found = await conform(api, "center", f"/v1/exports/{made['id']}", "/v1/exports/{export_id}", **EXPORTS)
    assert (found["status"], len(found["output"]) > 0) == ("succeeded", True)
    listed = await conform(api, "center", "/v1/exports?sort=-created_at", "/v1/exports", **EXPORTS)
    assert listed["items"][0]["id"] == made["id"]


async def test_an_export_that_was_not_made_is_as_described(api: Api) -> None:
    asked = await exports.ask(api, "center", {"type": "problems"}, **EXPORTS)
    async with owner_of(api) as owner:
        await owner.execute("UPDATE client SET enabled = false WHERE id = 'demo-center'")
        await exports.make(api, asked.json()["id"])
        await owner.execute("UPDATE client SET enabled = true WHERE id = 'demo-center'")
    path = asked.headers["location"]
    assert (await conform(api, "center", path, "/v1/exports/{export_id}", **EXPORTS))["status"] == "failed"


async def test_finished_imports_and_their_conflicts_are_as_described(api: Api) -> None:
    given: Any = {"scopes": list(imports.SCOPES), "areas": ["42"]}
    one, bad = imports.row(phone="0811111111"), imports.row(birth_date="31/02/2503")
    await imports.imported(api, [one, bad])
    household = await imports.household_of(api, one["citizen_id"])
    home = f"/v1/households/{household['id']}"
    person = f"/v1/persons/{household['head_person_id']}"
    tag = (await imports.call(api, "GET", person)).headers["etag"]
    said = {
        "last_name": "สกุลใหม่",
        "phone": "0822222222",
        "disabilities": ["seeing"],
        "annual_income": "1500.00",
    }
    assert (await imports.call(api, "PATCH", person, said, headers={"If-Match": tag})).status_code == 200
    other = {**one, "house_no": "77", "disabilities": "hearing", "annual_income": "20000.50"}
    done = await imports.imported(api, [other, bad, imports.row(), one], kind="tpmap_target")
    assert {name for name, count in done["counts"].items() if count} == {"conflict", "created", "rejected"}
    failed = await imports.imported(api, b"nothing\n1\n")
    assert failed["status"] == "failed"
    for id in (done["id"], failed["id"]):
        await conform(api, "importer", f"/v1/imports/{id}", "/v1/imports/{import_id}", **given)
    listed = await conform(api, "importer", "/v1/imports?sort=-created_at", "/v1/imports", **given)
    assert {"failed", "partly_succeeded"} <= {item["status"] for item in listed["items"]}
    rows = await conform(
        api, "importer", f"/v1/imports/{done['id']}/rows", "/v1/imports/{import_id}/rows", **given
    )
    assert any(row["diff"] for row in rows["items"])
    assert any(row["codes"] for row in rows["items"])
    # To an agency that has not brought the values itself a conflict tells nothing of a guess.
    scopes = [scope for scope in imports.SCOPES if scope != "persons:pii"]
    few = {**given, "scopes": scopes, "agency": "PROV_MOPH-42"}
    for claims, masked in ((given, False), (few, True)):
        described = "/v1/households/{household_id}/conflicts"
        found = await conform(api, "importer", f"{home}/conflicts", described, **claims)
        assert any(item["masked"] for item in found["items"]) is masked
    await conform(api, "importer", f"{home}/provenance", "/v1/households/{household_id}/provenance", **given)
