"""A campaign's members belong to its edition, and a merge patch touches what it names."""

from typing import Any
from uuid import UUID

from domain.reference.campaign import CampaignDraft
from domain.reference.campaign_forms import Campaign, CampaignPatch, merged
from domain.reference.campaigns import membership_faults
from domain.reference.store import KnownIndicator

KNOWN = {
    one.id: one
    for one in (
        KnownIndicator("bmn-38-27", "income", "person", "38", (), ()),
        KnownIndicator("bmn-38-2", "health", "person", "38", (), ()),
        KnownIndicator("bmn-31-22", "income", "household", "31", (), ()),
    )
}


def campaign(**more: Any) -> Campaign:
    return Campaign.model_validate(
        {
            "id": UUID(int=1),
            "version": 1,
            "fiscal_year": 2570,
            "title_th": "โครงการ",
            "title_en": "Project",
            "indicator_edition": "38",
            "mpi_members": {"income": ["bmn-38-27"], "health": ["bmn-38-2"], "note": "inferred"},
            **more,
        }
    )


def test_members_of_the_edition_and_dimension_stand() -> None:
    assert membership_faults(campaign(), KNOWN) == []


def test_a_member_of_another_edition_or_dimension_is_pointed_at() -> None:
    members = {"income": ["bmn-38-27", "bmn-31-22", "bmn-38-99"], "health": ["bmn-38-27"]}
    faults = membership_faults(campaign(mpi_members=members), KNOWN)
    assert [(fault.pointer, fault.code) for fault in faults] == [
        ("/mpi_members/health/0", "not-of-this-dimension"),
        ("/mpi_members/income/1", "not-of-this-dimension"),
        ("/mpi_members/income/2", "unknown-indicator"),
    ]


def test_a_patch_keeps_what_it_does_not_name() -> None:
    patch = CampaignPatch.model_validate({"title_en": None, "mpi_members": {"health": [], "note": None}})
    after = merged(campaign(), patch)
    assert (after.title_th, after.title_en) == ("โครงการ", None)
    assert after.mpi_members.by_dimension()["income"] == ["bmn-38-27"]
    assert (after.mpi_members.health, after.mpi_members.note) == ([], None)


def test_an_empty_patch_changes_nothing() -> None:
    held = campaign()
    after = merged(held, CampaignPatch())
    assert all(getattr(after, name) == getattr(held, name) for name in CampaignDraft.model_fields)
