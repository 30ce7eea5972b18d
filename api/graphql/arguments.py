"""Arguments as the domain's own values: the same validation, and the same codes, as a REST body."""

import dataclasses
import json
from typing import Any, TypeVar
from uuid import UUID

import strawberry
from pydantic import BaseModel, TypeAdapter, ValidationError

from api.parsing import invalid
from domain.errors import Invalid, NotFound
from domain.kernel import Code

Model = TypeVar("Model", bound=BaseModel)
_CODE: TypeAdapter[str] = TypeAdapter(Code)


def given(found: Any) -> Any:
    """What a caller gave, inputs as mappings in snake_case: what was left out is absent, and null is None."""
    if dataclasses.is_dataclass(found):
        # A field whose name is one of Python's own words has another one here.
        fields = {
            getattr(one, "graphql_name", None) or one.name: getattr(found, one.name)
            for one in dataclasses.fields(found)
        }
        return {name: given(one) for name, one in fields.items() if one is not strawberry.UNSET}
    return [given(one) for one in found] if isinstance(found, list) else found


def value(model: type[Model], found: Any, *, prefix: str = "") -> Model:
    """An input, or a mapping in snake_case, as a value. Raises Invalid with one fault for each place."""
    try:
        # Through JSON, because strictness knows two dialects: here a date is a string, as in a body.
        return model.model_validate_json(json.dumps(given(found)), strict=True)
    except ValidationError as error:
        raise invalid(error, prefix=prefix) from None
    except RecursionError:
        raise Invalid.at("", "too-deep", "It is nested too deeply.") from None


def filters(model: type[Model], found: Any) -> Model:
    """A filter; null is absent, because clients send null for a variable they leave out."""
    kept = {name: one for name, one in (given(found) or {}).items() if one is not None}
    return value(model, kept, prefix="filter/")


def identifier(text: str) -> UUID:
    """What is no UUID names nothing. Raises NotFound."""
    try:
        found = UUID(text)
    except ValueError:
        raise NotFound from None
    if len(text) != 36:
        raise NotFound
    return found


def code(text: str) -> str:
    """What is no code names nothing. Raises NotFound."""
    try:
        return _CODE.validate_python(text)
    except ValidationError:
        raise NotFound from None
