"""What the reference files hold, row by row: plain tuples in the order of their columns, ready for a COPY."""

from typing import NamedTuple

from domain.casework.menus import MenuDraft
from domain.reference.campaign import CampaignDraft
from domain.reference.units import ActsAt, ActsThrough


class Area(NamedTuple):
    code: str
    """DOPA digits: province 2, district 4, subdistrict 6, village 8."""
    level: str
    name_th: str
    name_en: str | None
    parent_code: str | None
    abolished_on: str | None
    """ISO date; null while the code is in use."""
    successors: tuple[str, ...]
    """Of an abolished area, where known."""
    source: str

    @property
    def superseded_by(self) -> str | None:
        """The one successor; None where there is none, or where several share the area."""
        return self.successors[0] if len(self.successors) == 1 else None


class AgencyKind(NamedTuple):
    code: str
    name_th: str
    name_en: str
    abbreviation: str | None
    level: str
    category: str
    parent_code: str | None
    aliases: tuple[str, ...]
    acts_at: ActsAt
    instantiate: str
    """provinces, districts, subdistricts, only:CODE|CODE, or no."""
    unit_name_th: str | None
    """With `{area}` for the area's name; None where no units are made."""
    unit_name_en: str | None
    note: str | None
    source: str


class Agency(NamedTuple):
    code: str
    name_th: str
    name_en: str
    abbreviation: str | None
    level: str
    kind: str
    """The code of its kind; a national body and a kind itself are their own."""
    category: str
    area_code: str | None
    parent_code: str | None
    aliases: tuple[str, ...]
    enabled: bool
    """False for a kind that acts through its units: `TAO` is a kind, `TAO-420103` an agency."""
    source: str


class Dimension(NamedTuple):
    code: str
    sequence: int
    name_th: str
    name_en: str
    source: str


class Indicator(NamedTuple):
    id: str
    framework: str
    edition: str
    number: int
    name_th: str
    name_en: str
    category_th: str
    category_en: str
    dimension: str | None
    lead_agencies: tuple[str, ...]
    joint_agencies: tuple[str, ...]
    unit: str
    age_min: int | None
    age_max: int | None
    sensitive: bool
    """Health, disability or religion (PDPA s.26)."""
    mpi_member: bool
    mpi_note: str | None
    """derived or inferred (domain §6)."""
    successor: str | None
    note: str | None
    source: str


class CodeEntry(NamedTuple):
    list: str
    code: str
    name_th: str
    name_en: str
    sequence: int
    source: str


class Reference(NamedTuple):
    """All reference data, checked against each other."""

    areas: tuple[Area, ...]
    agency_kinds: tuple[AgencyKind, ...]
    agencies: tuple[Agency, ...]
    """Every kind, then the units made for the areas; parents come first."""
    acts_through: tuple[ActsThrough, ...]
    dimensions: tuple[Dimension, ...]
    indicators: tuple[Indicator, ...]
    menus: tuple[MenuDraft, ...]
    campaigns: tuple[CampaignDraft, ...]
    codes: tuple[CodeEntry, ...]
