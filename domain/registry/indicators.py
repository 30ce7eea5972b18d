"""Indicator results of one household in one fiscal year (contract 4)."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from domain.kernel import Code, FiscalYear, Value


class Result(StrEnum):
    PASS = "pass"  # noqa: S105 - a result, not a password
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"
    NO_DATA = "no_data"


class IndicatorResult(Value):
    indicator_id: Code
    person_id: UUID | None = None
    """The member concerned; null: the household as a whole."""
    result: Result


class IndicatorResults(Value):
    """All results of one survey: replaces what was stored for the year and edition."""

    fiscal_year: FiscalYear
    edition: Annotated[str, Field(pattern=r"^(31|38)$")]
    results: Annotated[list[IndicatorResult], Field(min_length=1, max_length=2000)]
