"""The published contract: complete, valid, bounded, and the one that the committed files show."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from api.contract.files import contract_files, write_contract
from api.contract.limits import unbounded
from api.contract.openapi import openapi_document
from api.contract.vocabulary import BARE_LISTS, SCOPES, TAGS
from api.parsing import body
from api.rest.operations import Operation
from api.rest.table import ROUTES
from domain.access.actor import Scope

PINNED = Path(__file__).parents[2] / "openapi"
DOCUMENT = openapi_document(ROUTES)
TABLE = [operation for routes in ROUTES for operation in routes.operations]
FORMS = ("application/x-www-form-urlencoded",)


def operations() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
    ]


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    found: Any = DOCUMENT
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    assert isinstance(found, dict)
    return found


def contents(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every body and answer of an operation, with where it stands."""
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"body {media}", content
    for status, response in operation["responses"].items():
        for media, content in resolved(response).get("content", {}).items():
            yield f"{status} {media}", content


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    rooted = {**schema, "components": DOCUMENT["components"]}
    validator = jsonschema_rs.Draft202012Validator(rooted, validate_formats=True)
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]


EVERY = pytest.mark.parametrize(
    "operation", [operation for _, operation in operations()], ids=[name for name, _ in operations()]
)


@pytest.mark.parametrize("name", ["openapi.json", "schema.graphql"])
def test_the_committed_contract_is_the_generated_one(name: str) -> None:
    assert (PINNED / name).read_text("utf-8") == contract_files()[name], "run scripts/contract and commit"


def test_the_files_are_written_into_a_directory_that_is_made(tmp_path: Path) -> None:
    write_contract(tmp_path / "new")
    assert json.loads((tmp_path / "new/openapi.json").read_text("utf-8"))["openapi"] == "3.1.0"
    assert (tmp_path / "new/schema.graphql").stat().st_size > 0


def test_the_document_is_the_same_every_time() -> None:
    assert json.dumps(openapi_document(ROUTES)) == json.dumps(DOCUMENT)


def test_the_document_is_openapi_31() -> None:
    assert not [
        error.message for error in jsonschema_rs.Draft202012Validator(OPENAPI_31).iter_errors(DOCUMENT)
    ]


def test_every_reference_leads_somewhere_and_every_schema_is_one() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
        assert schema.get("type") or schema.get("oneOf") or schema.get("anyOf"), name
    text = json.dumps(DOCUMENT)
    for piece in text.split('"$ref": "')[1:]:
        assert resolved({"$ref": piece.partition('"')[0]})


def test_schemas_have_plain_names() -> None:
    # Two models of one name in one direction would get names made of their modules.
    assert [
        name for name in DOCUMENT["components"]["schemas"] if not re.fullmatch("[A-Z][A-Za-z]+", name)
    ] == []


def test_an_amount_is_bounded_as_a_number_and_as_a_string() -> None:
    amount = DOCUMENT["components"]["schemas"]["EventDraft"]["properties"]["value_baht"]
    for value in (0, 1500, "1500.00", "0", None):
        assert faults(amount, value) == [], value
    for value in (-1, "-1", 10_000_000_000, "10000000000", "1.234", "1e3", "x"):
        assert faults(amount, value), value


def test_every_component_is_used() -> None:
    text = json.dumps(DOCUMENT)
    for kind in ("schemas", "responses", "parameters", "headers"):
        for name in DOCUMENT["components"][kind]:
            assert f'"#/components/{kind}/{name}"' in text, f"{kind}/{name}"


def test_every_operation_of_the_table_is_described_once() -> None:
    ids = [operation["operationId"] for _, operation in operations()]
    assert len(ids) == len(set(ids))
    assert {operation.id for operation in TABLE} <= set(ids)


def test_every_scope_and_tag_is_explained() -> None:
    assert set(SCOPES) == set(Scope)
    assert {routes.tag for routes in ROUTES} <= set(TAGS)
    listed = {tag["name"] for tag in DOCUMENT["tags"]}
    assert {tag for _, operation in operations() for tag in operation["tags"]} == listed


@EVERY
def test_an_operation_says_who_may_and_what_comes(operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["description"]
    assert isinstance(operation["security"], list)
    known = DOCUMENT["components"]["securitySchemes"]
    for requirement in operation["security"]:
        assert set(requirement) <= set(known)
    scopes = known["oauth2"]["flows"]["clientCredentials"]["scopes"]
    assert all(set(one.get("oauth2", ())) <= set(scopes) for one in operation["security"])
    if any(operation["security"]) and operation["operationId"] not in ("issueToken", "revokeToken"):
        assert "401" in operation["responses"]
    assert "500" in operation["responses"]
    assert (
        any(int(status) < 400 for status in operation["responses"])
        or operation["operationId"] == "deleteProblem"
    )


@EVERY
def test_every_body_and_answer_has_an_example_that_its_schema_accepts(operation: dict[str, Any]) -> None:
    for where, content in contents(operation):
        assert "example" in content, where
        assert faults(content["schema"], content["example"]) == [], where


@EVERY
def test_every_parameter_is_bounded_and_its_example_fits(operation: dict[str, Any]) -> None:
    for given in operation.get("parameters", ()):
        parameter = resolved(given)
        assert unbounded(parameter["schema"], parameter["name"]) == []
        if "example" in parameter:
            assert faults(parameter["schema"], parameter["example"]) == [], parameter["name"]


@EVERY
def test_every_body_and_answer_is_bounded(operation: dict[str, Any]) -> None:
    for where, content in contents(operation):
        assert unbounded(content["schema"], where) == []


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_every_schema_is_bounded(name: str) -> None:
    assert unbounded(DOCUMENT["components"]["schemas"][name], name) == []


@pytest.mark.parametrize(
    "operation", [one for one in TABLE if one.body is not None and one.media != FORMS], ids=lambda one: one.id
)
def test_the_example_of_a_body_is_accepted_by_the_service(operation: Operation) -> None:
    item = DOCUMENT["paths"][operation.path][operation.method.lower()]
    assert operation.body is not None
    for content in item["requestBody"]["content"].values():
        assert body(json.dumps(content["example"]).encode(), operation.body)


@pytest.mark.parametrize("operation", [one for one in TABLE if one.query is not None], ids=lambda one: one.id)
def test_every_query_parameter_is_described_and_no_other(operation: Operation) -> None:
    assert operation.query is not None
    item = DOCUMENT["paths"][operation.path][operation.method.lower()]
    named = {one["name"] for one in item["parameters"] if one.get("in") == "query"}
    assert named == set(operation.query.model_fields)


def test_a_list_that_is_no_page_is_one_of_the_table() -> None:
    assert {operation.id for operation in TABLE if operation.many} >= BARE_LISTS


def test_bodies_are_closed_and_answers_open() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["HouseholdDraft"]["additionalProperties"] is False
    assert "additionalProperties" not in schemas["Household"]


def test_a_merge_patch_states_no_defaults() -> None:
    patch = DOCUMENT["components"]["schemas"]["HouseholdPatch"]
    assert not [name for name, one in patch["properties"].items() if "default" in one]


def test_any_one_of_several_scopes_suffices() -> None:
    asked = DOCUMENT["paths"]["/v1/households/{household_id}"]["get"]["security"]
    assert {"oauth2": ["households:read"]} in asked
    assert {"oauth2": ["households:read.assigned"]} in asked


def test_a_schema_without_a_bound_is_found() -> None:
    lax = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}}
    assert unbounded(lax) == ["/properties/a: maxItems", "/properties/a/items: maxLength"]
