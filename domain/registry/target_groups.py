"""Derives the target group of a household."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.access.actor import Actor
from domain.access.policy import Operation, admit
from domain.calendar import fiscal_year as fiscal_year_of
from domain.calendar import today
from domain.errors import NotFound
from domain.registry.deprivation import dimension_mask
from domain.registry.target_group import DerivedGroup, group_of
from domain.work import UnitOfWork


async def derive(
    work: UnitOfWork, actor: Actor, household_id: UUID, fiscal_year: int | None, *, now: datetime
) -> DerivedGroup:
    """The group in this fiscal year, the current one by default. Raises NotFound."""
    reach = admit(actor, Operation.READ_HOUSEHOLD_RECORD)
    year = fiscal_year or fiscal_year_of(today(now))
    stored = await work.target_groups.facts(reach, household_id, year)
    if stored is None:
        raise NotFound
    facts = stored.facts
    if stored.fiscal_year is not None and stored.edition is not None:
        members = await work.reference.mpi_members(stored.fiscal_year, stored.edition)
        facts = replace(facts, mask=dimension_mask(stored.answers, members))
    group, sub_group, reasons = group_of(facts)
    return DerivedGroup(
        household_id=household_id, fiscal_year=year, group=group, sub_group=sub_group, reasons=reasons
    )
