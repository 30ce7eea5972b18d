"""A fiscal year's programme as data: phases, target groups, thresholds, MPI members, targets (contract 3).

Source: domain §2.4 to §2.6. The steps stay, the figures and dates are the year's own (003 l.409), so
nothing here is a constant of the code. `derived` marks what no source states for that year.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from domain.kernel import Code, FiscalYear, Line, Money, Text, Value

Edition = Literal["31", "38"]
Codes = Annotated[list[Code], Field(max_length=40)]


class Stated(Value):
    """Where an entry comes from."""

    derived: bool = False
    """Carried over from another year: no source states it for this one."""
    source: Line | None = None


class Phase(Stated):
    """A step of the year's work with its window."""

    code: Code
    title_th: Line
    title_en: Line | None = None
    starts_on: date | None = None
    ends_on: date
    """Last day, included."""
    responsible: Codes = []
    """Kinds of agencies."""

    @model_validator(mode="after")
    def _window(self) -> "Phase":
        if self.starts_on and self.starts_on > self.ends_on:
            raise PydanticCustomError("invalid-window", "starts_on is after ends_on.")
        return self


class CampaignGroup(Stated):
    """A target group of the year; the counts are those of its source, for reference."""

    code: Code
    parent_code: Code | None = None
    name_th: Line
    name_en: Line | None = None
    definition_th: Text | None = None
    definition_en: Text | None = None
    persons: Annotated[int, Field(ge=0)] | None = None
    households: Annotated[int, Field(ge=0)] | None = None
    priority: Annotated[int, Field(ge=1, le=99)] | None = None
    """1 is served first."""
    rule: Line | None = None


class Threshold(Stated):
    """An income limit: `income operator amount`, and `income >= from_amount` where that is given."""

    code: Code
    from_amount: Money | None = None
    amount: Money
    """Baht."""
    unit: Literal["baht/person/year", "baht/household/year"]
    operator: Literal["<", "<="]
    meaning_th: Line
    meaning_en: Line | None = None


class MpiMembers(Value):
    """The indicators whose failing makes a household poor in a dimension (union rule, domain §6)."""

    health: Codes = []
    living: Codes = []
    education: Codes = []
    income: Codes = []
    access: Codes = []
    note: Line | None = None
    source: Line | None = None

    def by_dimension(self) -> dict[str, list[str]]:
        """Dimension code → indicator ids, in the official order."""
        return {
            "health": self.health,
            "living": self.living,
            "education": self.education,
            "income": self.income,
            "access": self.access,
        }


class Target(Stated):
    """A share of households to be reached by a day."""

    code: Code
    title_th: Line
    title_en: Line | None = None
    measure: Literal["recorded", "result", "helped_in_failing_dimension"]
    """KPI A, B or C (domain §2.4)."""
    percent: Annotated[int, Field(ge=1, le=100)]
    operator: Literal[">="] = ">="
    due_on: date


class CampaignDraft(Stated):
    """A fiscal year's programme."""

    fiscal_year: FiscalYear
    title_th: Line
    title_en: Line | None = None
    indicator_edition: Edition
    mpi_members: MpiMembers = MpiMembers()
    phases: Annotated[list[Phase], Field(max_length=60)] = []
    target_groups: Annotated[list[CampaignGroup], Field(max_length=40)] = []
    thresholds: Annotated[list[Threshold], Field(max_length=20)] = []
    targets: Annotated[list[Target], Field(max_length=40)] = []
