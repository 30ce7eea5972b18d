"""The schema is made of the domain's values, the same every time."""

import subprocess
import sys
from pathlib import Path

import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    validate_schema,
)
from strawberry.types.base import StrawberryObjectDefinition

from api.graphql import arguments
from api.graphql.admission import core
from api.graphql.cost import is_connection
from api.graphql.schema import FIELDS, schema
from api.graphql.sdl import schema_sdl
from api.graphql.types import Types
from domain.casework.problem import Problem
from domain.registry.household import CaseStatus, Household, HouseholdFilter, HouseholdPatch

HERE = Path(__file__).parents[3]
SCHEMA = core(schema())


def test_the_schema_is_valid_and_its_text_is_a_schema() -> None:
    assert isinstance(schema(), strawberry.Schema)
    assert validate_schema(SCHEMA) == []
    assert validate_schema(build_schema(schema_sdl())) == []


def test_the_text_is_the_same_in_every_process() -> None:
    code = "from api.graphql.sdl import schema_sdl; print(schema_sdl(), end='')"
    for seed in ("1", "2"):
        made = subprocess.run(
            [sys.executable, "-c", code], cwd=HERE, env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(HERE), "PYTHONUTF8": "1"},
            capture_output=True, check=True,
        )  # fmt: skip
        assert made.stdout.decode() == schema_sdl()


def test_a_value_is_shown_whole_and_in_camel_case() -> None:
    made = SCHEMA.type_map["Household"]
    assert isinstance(made, GraphQLObjectType)
    assert len(set(Household.model_fields)) + 4 == len(made.fields)
    assert {"areaCode", "annualIncomePerPerson", "problems", "analyses", "assignments", "assistance"} <= set(
        made.fields
    )
    assert made.fields["dimensionMask"].description == Household.model_fields["dimension_mask"].description


def test_a_filter_is_the_filter_of_rest() -> None:
    made = schema().get_type_by_name("HouseholdFilter")
    assert isinstance(made, StrawberryObjectDefinition)
    assert {field.python_name for field in made.fields} == set(HouseholdFilter.model_fields)


def test_what_a_patch_leaves_out_is_not_what_it_sets_to_null() -> None:
    made = Types({}).input(HouseholdPatch, "PatchInput")
    assert arguments.given(made()) == {}
    found = arguments.value(HouseholdPatch, made(has_land=None, location=None))
    assert (found.model_fields_set, found.has_land) == ({"has_land", "location"}, None)


def test_the_domains_enums_stay_as_they_are() -> None:
    schema()
    assert not hasattr(CaseStatus, "__strawberry_definition__")


def test_names_are_camel_case_and_enum_values_upper_case() -> None:
    for name, kind in SCHEMA.type_map.items():
        if name.startswith("__"):
            continue
        if isinstance(kind, GraphQLEnumType):
            assert all(word == word.upper() for word in kind.values), name
        if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType):
            assert not [field for field in kind.fields if "_" in field], name


def test_every_field_of_the_roots_says_what_it_does() -> None:
    for root in (SCHEMA.query_type, SCHEMA.mutation_type):
        assert root is not None
        assert not [name for name, field in root.fields.items() if not field.description]


def test_every_mutation_takes_one_input() -> None:
    root = SCHEMA.mutation_type
    assert root is not None
    assert all(list(field.args) == ["input"] for field in root.fields.values())


def test_every_connection_is_priced_by_its_page() -> None:
    root = SCHEMA.query_type
    assert root is not None
    for name, field in root.fields.items():
        kind = get_named_type(field.type)
        assert isinstance(kind, GraphQLObjectType)
        assert is_connection(kind) == ("first" in field.args), name


def test_what_the_contract_names_is_there() -> None:
    root, writes = SCHEMA.query_type, SCHEMA.mutation_type
    assert root is not None
    assert writes is not None
    assert {
        "household", "households", "searchHouseholds", "person", "problem", "problems", "menuMatches", "menu", "menus",
        "assignment", "assignments", "assistanceEvent", "assistanceEventByExternalId", "assistanceEvents", "me", "areas",
        "agency", "agencies", "dimensions", "indicators", "codes", "codeLists", "campaigns",
    } <= set(root.fields)  # fmt: skip
    assert {
        "createHousehold", "updateHousehold", "putIndicatorResults", "updatePerson", "createProblem", "updateProblem",
        "transitionProblem", "createAnalysis", "createAssignment", "transitionAssignment", "createMenu", "updateMenu",
        "recordAssistance",
    } <= set(writes.fields)  # fmt: skip


def test_a_type_is_made_once() -> None:
    types = Types({})
    assert types.object(Problem) is types.object(Problem)
    assert len(FIELDS) == len({id(fields) for fields in FIELDS})
