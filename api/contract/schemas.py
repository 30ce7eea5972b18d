"""The schemas of the document from the models: bodies are closed, answers open to fields that come later."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from api.contract.limits import SHAPES, Schema, limit

PREFIX = "#/components/schemas/"
CARRIED = {"Household": ("problems", "analyses", "assignments", "assistance")}
"""Lists that an answer holds when `include` asks for them."""
CARRIED_MODELS = {
    "problems": "Problem",
    "analyses": "Analysis",
    "assignments": "Assignment",
    "assistance": "AssistanceEvent",
}
_SIDED = re.compile("^(.+)-(Input|Output)$")


class _Quiet(GenerateJsonSchema):
    # The default of an amount is no JSON value: it is left out of the schema, as it should be.
    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}


@dataclass(frozen=True, slots=True)
class Schemas:
    """The components, and where each model's is."""

    components: dict[str, Schema]
    bodies: dict[type[BaseModel], str]
    answers: dict[type[BaseModel], str]
    queries: dict[type[BaseModel], Schema]
    """Not components: their properties become parameters."""


def schemas_of(
    bodies: Iterable[type[BaseModel]],
    patches: Iterable[type[BaseModel]],
    answers: Iterable[type[BaseModel]],
    queries: Iterable[type[BaseModel]],
) -> Schemas:
    """`patches` are those bodies that are merge patches: what they leave out is kept, so they have no defaults."""
    bodies, patches, answers, queries = (_sorted(models) for models in (bodies, patches, answers, queries))
    wanted: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
        *((model, "validation") for model in bodies),
        *((model, "validation") for model in queries),
        *((model, "serialization") for model in answers),
    ]
    refs, made = models_json_schema(wanted, ref_template=PREFIX + "{model}", schema_generator=_Quiet)
    defs = {_name(name): _renamed(schema) for name, schema in made.get("$defs", {}).items()}
    named = {key: _name(str(ref["$ref"]).removeprefix(PREFIX)) for key, ref in refs.items()}
    body_names = {model: named[model, "validation"] for model in bodies}
    answer_names = {model: named[model, "serialization"] for model in answers}
    query_names = {model: named[model, "validation"] for model in queries}
    # A patch inside a patch is one as well.
    for name in {body_names[model] for model in patches} | {name for name in defs if name.endswith("Patch")}:
        defs[name] = _without_defaults(defs[name])
    taken_in = _reachable(defs, [*body_names.values(), *query_names.values()])
    components = {
        name: limit(schema, shapes={} if name in taken_in else SHAPES) for name, schema in defs.items()
    }
    for name in components.keys() - taken_in:
        _open(components, name)
    only_queries = set(query_names.values()) - set(body_names.values()) - set(answer_names.values())
    return Schemas(
        components={name: components[name] for name in sorted(components) if name not in only_queries},
        bodies=body_names,
        answers=answer_names,
        queries={model: components[name] for model, name in query_names.items()},
    )


def ref(name: str) -> Schema:
    return {"$ref": PREFIX + name}


def _sorted(models: Iterable[type[BaseModel]]) -> Sequence[type[BaseModel]]:
    return sorted(set(models), key=lambda model: (model.__name__, model.__module__))


def _name(name: str) -> str:
    """`Evidence-Input` is EvidenceInput, `Evidence-Output` is Evidence."""
    match = _SIDED.fullmatch(name)
    if match is None:
        return name
    return match[1] + ("Input" if match[2] == "Input" else "")


def _renamed(node: Any, *, named: bool = True) -> Any:
    """References by our names, and no titles: those that Pydantic makes of field names say nothing."""
    if isinstance(node, list):
        return [_renamed(one) for one in node]
    if not isinstance(node, dict):
        return node
    found: Schema = {}
    for key, value in node.items():
        if key == "title" and named and isinstance(value, str):
            continue
        if key == "$ref":
            found[key] = PREFIX + _name(value.removeprefix(PREFIX))
        elif key == "mapping" and named:
            found[key] = {tag: PREFIX + _name(to.removeprefix(PREFIX)) for tag, to in value.items()}
        else:
            found[key] = _renamed(value, named=key != "properties")
    return found


def _without_defaults(schema: Schema) -> Schema:
    properties = {
        name: {key: value for key, value in one.items() if key != "default"}
        for name, one in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties}


def _reachable(defs: dict[str, Schema], start: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += re.findall(re.escape(PREFIX) + r"([\w.\-]+)", repr(defs[name]))
    return found


def _open(components: dict[str, Schema], name: str) -> None:
    schema = components[name]
    if schema.get("additionalProperties") is False:
        del schema["additionalProperties"]
    for carried in CARRIED.get(name, ()):
        target = CARRIED_MODELS[carried]
        if target in components:
            schema["properties"][carried] = {
                "type": "array",
                "items": ref(target),
                "maxItems": 200,
                "description": f"With `include={carried}`.",
            }
