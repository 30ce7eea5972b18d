"""Which menus answer a problem, each rule with its verdict, and who would act at its place (contract 5)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from domain.access.actor import Actor
from domain.access.policy import Operation, admit
from domain.calendar import today
from domain.casework.conditions import Facts
from domain.casework.matching import IndicatorDuty, MenuMatch, match_menus
from domain.casework.store import MatchSubject
from domain.errors import NotFound
from domain.reference.units import Routing, unit_code
from domain.registry.person import VitalStatus
from domain.work import UnitOfWork

_JSON: TypeAdapter[tuple[MenuMatch, ...]] = TypeAdapter(tuple[MenuMatch, ...])


def facts_of(subject: MatchSubject, household: Mapping[str, Any]) -> Facts:
    """What the conditions look at, from the store's matching facts; the dead are no help.

    No occupation on record is not known to be none (the registers leave it out); no disability on record is
    none (they list those that are recognised). Both assumed.
    """
    members = [
        {
            "person_id": one["id"],
            "age": one["age"],
            "able_to_work": one["able_to_work"],
            "bedridden": one["bedridden"],
            "disabled": bool(one["disabilities"]),
            "has_occupation": True if one["occupation"] else None,
        }
        for one in household["members"]
        if one["vital_status"] != VitalStatus.DECEASED
    ]
    return Facts.model_validate(
        {
            "area_code": subject.area_code,
            "has_land": household["has_land"],
            "classification": household["classification"],
            "annual_income_per_person": household["annual_income_per_person"],
            "members": members,
            "dimension": subject.dimension,
            "indicator_id": subject.indicator_id,
            "person_id": subject.person_id,
        }
    )


def units_at(routing: Routing, area_code: str) -> list[str]:
    """The codes that units of all kinds would have at the area."""
    codes = (unit_code(kind, acts_at, area_code) for kind, acts_at in routing.acts_at.items())
    return sorted({code for code in codes if code is not None})


async def read(work: UnitOfWork, actor: Actor, problem_id: UUID, *, now: datetime) -> bytes:
    """A JSON array of MenuMatch, best first. A proposal: a person decides."""
    reach = admit(actor, Operation.READ_PROBLEMS)
    subject = await work.problems.subject(reach, problem_id)
    if subject is None:
        raise NotFound
    day = today(now)
    indicator = await _duty(work, subject.indicator_id) if subject.indicator_id else None
    answered = [one for one in (indicator.id, indicator.successor) if one] if indicator else []
    routing = await work.reference.routing()
    units = await work.reference.agencies(units_at(routing, subject.area_code))
    acting = {code for code, agency in units.items() if agency.enabled}
    matches = match_menus(
        facts_of(subject, await work.households.matching_facts(subject.household_id, today=day)),
        await work.menus.enabled(subject.dimension, answered),
        on=day,
        indicator=indicator,
        routing=routing,
        exists=acting.__contains__,
    )
    return _JSON.dump_json(matches)


async def _duty(work: UnitOfWork, indicator_id: str) -> IndicatorDuty | None:
    known = (await work.reference.indicators([indicator_id])).get(indicator_id)
    if known is None:
        return None
    return IndicatorDuty(
        id=known.id,
        successor=known.successor,
        lead_agencies=known.lead_agencies,
        joint_agencies=known.joint_agencies,
    )
