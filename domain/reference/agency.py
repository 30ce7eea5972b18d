"""Agencies: national bodies, and the units that act at a place (contract 3).

A national body acts as itself (`MOPH`). Every other one acts at a place and is its own agency: its code is
its kind and the area it stands for (`PROV_MOPH-42`), so that a rule that names a kind finds it there.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.errors import Fault
from domain.kernel import AreaCode, Code, Line, Value
from domain.reference.units import PREFIX, ActsAt

Aliases = Annotated[list[Line], Field(max_length=40)]
CATEGORIES = "agency_category"
"""The code list of categories."""

_UNIT = re.compile(r"([A-Z][A-Z0-9_]*)-([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{8})")


class AgencyLevel(StrEnum):
    """Where in the administration it stands."""

    NATIONAL = "national"
    PROVINCIAL = "provincial"
    DISTRICT = "district"
    LOCAL = "local"
    SUBDISTRICT = "subdistrict"
    COMMUNITY = "community"
    HOUSEHOLD = "household"


class AgencyDraft(Value):
    """An agency to be added."""

    code: Code
    """For a unit its kind and its area, `SUBD_MUN-420103`; it never changes."""
    name_th: Line
    name_en: Line | None = None
    abbreviation: Line | None = None
    level: AgencyLevel | None = None
    """Null: that of its kind, or of its area."""
    kind: Code | None = None
    """The code of its kind (`SUBD_MUN`); or, for a body of no listed kind, a category (`ngo`). Null: read from the code."""
    area_code: AreaCode | None = None
    """Where it acts; null: read from the code, or the whole country."""
    parent_code: Code | None = None
    """The agency above it."""
    aliases: Aliases = []
    """Other names that documents use."""
    enabled: bool = True


class Agency(Value):
    """An agency as it is stored."""

    code: Code
    name_th: Line
    name_en: Line | None
    abbreviation: Line | None
    level: AgencyLevel
    kind: Code
    """The code of its kind: PROV_MOPH for PROV_MOPH-42. A national body, and a kind itself, is its own."""
    category: Code
    """ministry, office, local_government, …: a code of the list `agency_category`."""
    area_code: AreaCode | None
    """Where it acts; null: the whole country."""
    parent_code: Code | None
    aliases: Aliases
    enabled: bool
    """False: it gets no assignments. So is a kind that acts through its units."""
    origin: Annotated[str, Field(pattern="^(packaged|operator)$")]
    """Whether it comes from the reference files, or an operator added or amended it."""
    source: Line
    version: int


class AgencyPatch(Value):
    """Merge patch: absent keeps, null clears, a list replaces. Code, kind and area never change."""

    name_th: Line = Field(default_factory=str)
    name_en: Line | None = None
    abbreviation: Line | None = None
    level: AgencyLevel = AgencyLevel.NATIONAL
    parent_code: Code | None = None
    aliases: Aliases = []
    enabled: bool = True


class AgencyFilter(Value):
    """Filters AND; a repeated one ORs."""

    kind: Annotated[list[Code], Field(max_length=50)] = []
    """The code of a kind or of a national body (`PROV_MOPH`, `MOPH`), or a category (`ministry`)."""
    area: Annotated[list[AreaCode], Field(max_length=50)] = []
    """Units of this area and of every area inside it."""
    enabled: bool | None = None
    q: Line | None = None
    """Words that stand in its code, names, abbreviation or aliases, all of them, in any order."""


@dataclass(frozen=True, slots=True)
class KnownKind:
    """A kind of agencies, or a national body, which is its own kind."""

    code: str
    level: AgencyLevel
    category: str
    acts_at: ActsAt


def named_by(draft: AgencyDraft, kinds: Collection[str]) -> tuple[str | None, str | None]:
    """The kind and the area that the code of a unit names: `(TAO, 420103)`; None where it names none."""
    match = _UNIT.fullmatch(draft.code)
    return (match[1], match[2]) if match and match[1] in kinds else (None, None)


def completed(
    draft: AgencyDraft, kinds: Mapping[str, KnownKind], categories: Collection[str]
) -> tuple[AgencyDraft, str, list[Fault]]:
    """The draft with kind, area and level filled in, its category, and what is wrong with it."""
    by_code, place = named_by(draft, kinds)
    kind, area = draft.kind or by_code, draft.area_code or place
    known = kinds.get(kind or "")
    faults = []
    if kind is None:
        faults.append(Fault("/kind", "required", "Give the code of its kind, or a category."))
    elif known is None and kind not in categories:
        faults.append(Fault("/kind", "unknown-kind", "See /v1/agencies and /v1/codes/agency_category."))
    elif by_code is not None and kind not in (by_code, kinds[by_code].category):
        faults.append(Fault("/kind", "not-of-this-code", "The code names another kind."))
    if place is not None and area != place:
        faults.append(Fault("/area_code", "not-of-this-code", "The code names another area."))
    if known is not None and area is None and known.acts_at in PREFIX:
        faults.append(Fault("/area_code", "required", "Agencies of this kind act at a place."))
    level = draft.level or (known.level if known else _level(area))
    filled = draft.model_copy(update={"kind": kind, "area_code": area, "level": level})
    return filled, known.category if known else kind or "", faults


def _level(area_code: str | None) -> AgencyLevel:
    """Of a body of no listed kind, by how far it reaches (assumed)."""
    levels = {0: AgencyLevel.NATIONAL, 2: AgencyLevel.PROVINCIAL, 4: AgencyLevel.DISTRICT}
    return levels.get(len(area_code or ""), AgencyLevel.SUBDISTRICT)
