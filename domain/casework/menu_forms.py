"""What is asked of the catalogue of menus: a filter, and a patch of one menu (contract 5)."""

from datetime import date
from typing import Annotated

from pydantic import Field

from domain.casework.menus import Condition
from domain.casework.problem import ProblemDimension
from domain.kernel import AreaCode, Code, Line, Text, Value
from domain.registry.household import Stage


class MenuFilter(Value):
    """Filters AND; a repeated one ORs."""

    dimension: Annotated[list[ProblemDimension], Field(max_length=6)] = []
    indicator: Annotated[list[Line], Field(max_length=50)] = []
    agency: Annotated[list[Line], Field(max_length=20)] = []
    """Lead or joint: a kind, or a unit, which finds the menus of its kind as well."""
    q: Line | None = None
    """Part of the code, the titles or the description."""


class MenuPatch(Value):
    """Merge patch: absent keeps, null clears, a list replaces. The code never changes."""

    title_th: Line = Field(default_factory=str)
    title_en: Line | None = None
    description: Text | None = None
    kind: Code = Field(default_factory=str)
    dimension: ProblemDimension = ProblemDimension.OTHER
    indicators: Annotated[list[Code], Field(max_length=40)] = []
    conditions: Annotated[list[Condition], Field(max_length=20)] = []
    household_action: Text | None = None
    support_action: Text | None = None
    evidence: Text | None = None
    ladder_step: Annotated[int, Field(ge=1, le=3)] = 1
    stage_goal: Stage = Stage.SURVIVE
    lead_agencies: list[Code] = Field(default_factory=list, min_length=1, max_length=20)
    joint_agencies: Annotated[list[Code], Field(max_length=20)] = []
    areas: Annotated[list[AreaCode], Field(max_length=200)] = []
    capacity: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    enabled: bool = True
    assured_on: date | None = None
    source: Line | None = None
