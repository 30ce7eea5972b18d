"""A campaign as it is stored, a patch of one, and what a list of them asks for (contract 3)."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from domain.kernel import Line, Value
from domain.reference.campaign import (
    CampaignDraft,
    CampaignGroup,
    Codes,
    Edition,
    MpiMembers,
    Phase,
    Target,
    Threshold,
)


class Campaign(CampaignDraft):
    """A fiscal year's programme as it is stored."""

    id: UUID
    version: int


class CampaignFilter(Value):
    """A repeated filter ORs."""

    fiscal_year: Annotated[list[Annotated[int, Field(ge=2500, le=2700)]], Field(max_length=20)] = []


class MpiMembersPatch(Value):
    """Merge patch of the member indicators: a dimension that is absent keeps its members."""

    health: Codes = []
    living: Codes = []
    education: Codes = []
    income: Codes = []
    access: Codes = []
    note: Line | None = None
    source: Line | None = None


class CampaignPatch(Value):
    """Merge patch: absent keeps, null clears, a list replaces. The fiscal year never changes."""

    title_th: Line = Field(default_factory=str)
    title_en: Line | None = None
    derived: bool = False
    source: Line | None = None
    indicator_edition: Edition = "38"
    mpi_members: MpiMembersPatch = MpiMembersPatch()
    phases: Annotated[list[Phase], Field(max_length=60)] = []
    target_groups: Annotated[list[CampaignGroup], Field(max_length=40)] = []
    thresholds: Annotated[list[Threshold], Field(max_length=20)] = []
    targets: Annotated[list[Target], Field(max_length=40)] = []


def merged(campaign: Campaign, patch: CampaignPatch) -> CampaignDraft:
    """The campaign with what the patch names, member indicators dimension by dimension (RFC 7396)."""
    kept: dict[str, Any] = {name: getattr(campaign, name) for name in CampaignDraft.model_fields}
    named = {name: getattr(patch, name) for name in patch.model_fields_set}
    if "mpi_members" in named:
        members = patch.mpi_members.model_dump(exclude_unset=True)
        named["mpi_members"] = MpiMembers(**{**campaign.mpi_members.model_dump(), **members})
    return CampaignDraft(**{**kept, **named})
