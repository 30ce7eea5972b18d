"""What the rules and the doors ask of the reference data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from domain.access.policy import Reach
from domain.kernel import Document, Listing, Paging
from domain.reference.agency import Agency, AgencyDraft, AgencyFilter, KnownKind
from domain.reference.area import AreaFilter
from domain.reference.campaign import CampaignDraft
from domain.reference.campaign_forms import Campaign, CampaignFilter
from domain.reference.indicator import IndicatorFilter
from domain.reference.units import Routing


@dataclass(frozen=True, slots=True)
class KnownIndicator:
    id: str
    dimension: str | None
    unit: str | None
    edition: str
    lead_agencies: tuple[str, ...]
    joint_agencies: tuple[str, ...]
    successor: str | None = None
    """The indicator that took its place in a later edition."""


@dataclass(frozen=True, slots=True)
class KnownAgency:
    code: str
    area_code: str | None
    enabled: bool


class ReferenceStore(Protocol):
    # -- for the rules

    async def area_exists(self, code: str) -> bool:
        """Whether an area in use has the code; an abolished one does not count."""
        ...

    async def agencies(self, codes: Sequence[str]) -> Mapping[str, KnownAgency]: ...
    async def kinds(self) -> Mapping[str, KnownKind]:
        """Every kind and national body of the files, by code."""
        ...

    async def routing(self) -> Routing:
        """Who acts for whom at a place, as last loaded."""
        ...

    async def indicators(self, ids: Sequence[str]) -> Mapping[str, KnownIndicator]: ...
    async def mpi_members(self, fiscal_year: int, edition: str) -> frozenset[str]:
        """Member indicators by the campaign in force among those of the edition: the year's own, else the
        latest before it, else the earliest; empty where no campaign uses the edition."""
        ...

    async def code_exists(self, list_name: str, code: str) -> bool: ...
    async def codes_of(self, list_name: str) -> frozenset[str]:
        """Empty for a list that is not known."""
        ...

    # -- for the doors

    async def page_of_areas(self, where: AreaFilter, paging: Paging) -> Listing: ...
    async def area(self, code: str) -> Document | None: ...
    async def page_of_agencies(self, where: AgencyFilter, paging: Paging) -> Listing: ...
    async def agency(self, code: str) -> Document | None: ...
    async def dimensions(self) -> Listing: ...
    async def page_of_indicators(self, where: IndicatorFilter, paging: Paging) -> Listing: ...
    async def indicator(self, indicator_id: str) -> Document | None: ...
    async def code_lists(self) -> Listing: ...
    async def page_of_codes(self, list_name: str, paging: Paging) -> Listing: ...
    async def page_of_campaigns(self, where: CampaignFilter, paging: Paging) -> Listing: ...
    async def campaign(self, campaign_id: UUID) -> Document | None: ...

    # -- for administrators; what they write no reference file overwrites

    async def add_agency(self, reach: Reach, agency: AgencyDraft, category: str, *, now: datetime) -> None:
        """A completed draft. Raises Conflict `agency-exists`."""
        ...

    async def hold_agency(self, code: str) -> Agency | None:
        """Locked until the transaction ends."""
        ...

    async def amend_agency(
        self, reach: Reach, agency: Agency, changes: Mapping[str, Any], *, now: datetime
    ) -> None:
        """Stores a held agency with its `changes` applied."""
        ...

    async def add_campaign(
        self, reach: Reach, campaign_id: UUID, draft: CampaignDraft, *, now: datetime
    ) -> None:
        """Raises Conflict `campaign-exists`."""
        ...

    async def hold_campaign(self, campaign_id: UUID) -> Campaign | None:
        """Locked until the transaction ends."""
        ...

    async def amend_campaign(
        self, reach: Reach, held: Campaign, draft: CampaignDraft, *, now: datetime
    ) -> None: ...
