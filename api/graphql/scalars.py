"""Scalars: on the wire what REST sends; what they must look like is judged by the domain's own values."""

import math
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise GraphQLError("It must be a string.")
    return value


def _amount(value: Any) -> str | int | float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise GraphQLError("It must be a number or a decimal string.")
    if isinstance(value, float) and not math.isfinite(value):
        raise GraphQLError("It must be finite.")
    return value


def _same(value: Any) -> Any:
    return value


SCALARS: Mapping[object, ScalarDefinition] = {
    date: strawberry.scalar(
        name="Date", serialize=_same, parse_value=_text, description="A Gregorian date, `YYYY-MM-DD`."
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        serialize=_same,
        parse_value=_text,
        description="An RFC 3339 time with its zone; UTC on output.",
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        serialize=_same,
        parse_value=_amount,
        description='An exact amount: baht as a decimal string (`"1500.00"`); numbers are accepted on input.',
    ),
    JSON: strawberry.scalar(
        name="JSON",
        serialize=_same,
        parse_value=_same,
        description="A value in the form that REST gives it: snake_case names, lower-case words.",
    ),
}
"""Strawberry's own would make Python values of them, only for the domain to be handed text again."""
