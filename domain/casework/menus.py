"""เมนูแก้จน, the menus of solutions, with their preconditions as data (contract 5; domain §7).

A condition is one of a closed list of rules, told apart by `rule`. A rule says what must hold, never how
it is read: `domain.casework.matching` judges it. What no registry holds becomes `confirm`, a question for
a person, because a menu is never assigned by a machine alone (001 §2 ๓).
"""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from domain.casework.problem import ProblemDimension
from domain.kernel import AreaCode, Code, Line, Money, Text, Value
from domain.registry.household import Classification, Stage

Health = Literal["able", "limited", "unable", "bedridden", "disabled"]
"""able: works without limits · limited: works with a disability · unable: cannot work, or bedridden."""
Who = Literal["person", "any_member", "person_or_any_member"]
"""Whom a rule is about: the person of the problem, any living member, or the one if the problem has one."""
IncomeUnit = Literal["baht/person/year", "baht/household/year"]
Age = Annotated[int, Field(ge=0, le=130)]


class ClassificationRule(Value):
    """The household has one of these classifications (004 ๑.๒)."""

    rule: Literal["classification"]
    any_of: Annotated[list[Classification], Field(min_length=1, max_length=5)]


class LandRule(Value):
    """The household has land to farm, or has none (004 ๓.๖ ก.)."""

    rule: Literal["land"]
    has: bool


class HealthRule(Value):
    """Somebody is in one of these states of health (004 ๓.๖ ข.)."""

    rule: Literal["health"]
    any_of: Annotated[list[Health], Field(min_length=1, max_length=5)]
    who: Who = "person_or_any_member"
    or_age_min: Age | None = None
    """Being this old does as well: elderly or frail."""


class AgeRule(Value):
    """Somebody is of this age, in full years, both ends included."""

    rule: Literal["age"]
    min: Age | None = None
    max: Age | None = None
    who: Who = "person_or_any_member"
    or_confirm_th: Line | None = None
    """What a person may confirm instead, e.g. a pregnancy: the rule is then undecided, not failed."""

    @model_validator(mode="after")
    def _bounded(self) -> "AgeRule":
        if self.min is None and self.max is None:
            raise PydanticCustomError("age-range", "give min, max, or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise PydanticCustomError("age-range", "min is greater than max")
        return self


class AbleToWorkRule(Value):
    """Somebody is able to work."""

    rule: Literal["able_to_work"]
    who: Who = "person_or_any_member"


class OccupationRule(Value):
    """Somebody has an occupation."""

    rule: Literal["occupation"]
    who: Who = "person_or_any_member"


class IncomeRule(Value):
    """The income is at most this much (003 indicators 31 and 32: the units differ)."""

    rule: Literal["income"]
    max: Money
    """Baht, included."""
    unit: IncomeUnit = "baht/person/year"


class ConfirmRule(Value):
    """A question only a person can answer; never blocks, is always listed."""

    rule: Literal["confirm"]
    text_th: Line


Condition = Annotated[
    ClassificationRule
    | LandRule
    | HealthRule
    | AgeRule
    | AbleToWorkRule
    | OccupationRule
    | IncomeRule
    | ConfirmRule,
    Field(discriminator="rule"),
]


class MenuDraft(Value):
    """A menu as it is written: the body of a POST, a row of the starter catalogue."""

    code: Code
    title_th: Line
    title_en: Line | None = None
    description: Text | None = None
    kind: Code
    """What it offers: a code of the list `menu_kind`."""
    dimension: ProblemDimension
    indicators: Annotated[list[Code], Field(max_length=40)] = []
    """Ids of the indicators it answers, e.g. bmn-38-29."""
    conditions: Annotated[list[Condition], Field(max_length=20)] = []
    """All of them must hold."""
    household_action: Text | None = None
    """What the household does itself."""
    support_action: Text | None = None
    """What the agencies give."""
    evidence: Text | None = None
    """What shows that it was done."""
    ladder_step: Annotated[int, Field(ge=1, le=3)] = 1
    """1 self-reliance · 2 income · 3 competitiveness (004 l.339-343)."""
    stage_goal: Stage = Stage.SURVIVE
    lead_agencies: Annotated[list[Code], Field(min_length=1, max_length=20)]
    """Kinds (`DIST_CDD`), resolved at the household's area, or units (`TAO-420103`)."""
    joint_agencies: Annotated[list[Code], Field(max_length=20)] = []
    areas: Annotated[list[AreaCode], Field(max_length=200)] = []
    """Area-code prefixes where it is offered; empty: everywhere."""
    capacity: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    """Households it can take; null: no limit."""
    valid_from: date | None = None
    valid_to: date | None = None
    """Last day, included."""
    enabled: bool = True
    assured_on: date | None = None
    """When somebody last checked that the offer stands."""
    derivation: Literal["seed_explicit", "indicator_inferred", "local"] = "local"
    """Named in a seed document, inferred from an indicator, or added here."""
    source: Line | None = None
    """Seed document and section."""

    @model_validator(mode="after")
    def _window(self) -> "MenuDraft":
        if self.valid_from and self.valid_to and self.valid_from > self.valid_to:
            raise PydanticCustomError("invalid-window", "valid_from is after valid_to.")
        return self


class Menu(MenuDraft):
    """A menu as it is stored."""

    id: UUID
    version: int


def offered(menu: MenuDraft, area_code: str, on: date) -> bool:
    """Enabled, valid on that day, and offered at that area."""
    return (
        menu.enabled
        and (menu.valid_from is None or menu.valid_from <= on)
        and (menu.valid_to is None or on <= menu.valid_to)
        and (not menu.areas or area_code.startswith(tuple(menu.areas)))
    )
