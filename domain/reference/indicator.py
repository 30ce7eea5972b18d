"""Indicators of the household and village surveys, and the five dimensions (contract 3)."""

from typing import Annotated, Literal

from pydantic import Field

from domain.kernel import Code, Line, Text, Value

DimensionCode = Literal["health", "living", "education", "income", "access"]
Framework = Literal["bmn", "village"]
"""bmn: จปฐ., basic minimum needs of a household · village: กชช.๒ค, of a village."""
Bodies = Annotated[list[Code], Field(max_length=40)]


class Dimension(Value):
    """One of the five dimensions of deprivation."""

    code: DimensionCode
    name_th: Line
    name_en: Line
    sequence: Annotated[int, Field(ge=1, le=5)]
    """Its digit in a `dimension_mask`, counted from the left."""
    source: Line


class Indicator(Value):
    """A question of a survey that a household or village passes or fails."""

    id: Code
    """Framework, edition and number: bmn-38-27."""
    framework: Framework
    edition: Code
    """The set it belongs to: 38 (from 2565), 31 (2560 to 2564), 44 (villages)."""
    number: Annotated[int, Field(ge=1, le=999)]
    name_th: Text
    name_en: Text | None
    category: Line
    """The heading it stands under, in Thai."""
    category_en: Line | None
    dimension: DimensionCode | None
    """Null: it counts in no dimension."""
    lead_agencies: Bodies
    """Who is responsible: national bodies and kinds. A unit acts for them at the household's place."""
    joint_agencies: Bodies
    """Who helps."""
    unit: Literal["person", "household", "village"]
    """Whom it is asked of."""
    age_min: Annotated[int, Field(ge=0, le=130)] | None
    """Full years, included; null: no limit."""
    age_max: Annotated[int, Field(ge=0, le=130)] | None
    sensitive: bool
    """Health, disability or religion (PDPA s.26)."""
    successor: Code | None
    """The indicator that took its place in a later edition."""
    source: Line


class IndicatorFilter(Value):
    """Filters AND; a repeated one ORs."""

    framework: Annotated[list[Framework], Field(max_length=2)] = []
    edition: Annotated[list[Code], Field(max_length=10)] = []
    dimension: Annotated[list[DimensionCode], Field(max_length=5)] = []
    agency: Annotated[list[Code], Field(max_length=20)] = []
    """Lead or joint: a body or a kind; a unit finds those of its kind."""
