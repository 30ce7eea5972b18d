"""Two records of one household become one (contract 4): the duplicate is folded into the other.

There is no way back: a duplicate is merged once it is certain. What was recorded under the duplicate's id is found
under the other's from then on, and the duplicate's own id leads there.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.access.actor import Actor
from domain.access.policy import Operation, admit
from domain.casework.rules import refuse
from domain.errors import Conflict, Invalid, NotFound
from domain.kernel import Document
from domain.registry.deprivation import dimension_mask
from domain.registry.free_text import personal_data_faults
from domain.registry.household import CaseStatus, Classification
from domain.registry.households import shown
from domain.registry.provenance import Stamped, origin
from domain.registry.relocation import HouseholdMerge
from domain.work import UnitOfWork

_COURSE: list[CaseStatus] = [status for status in CaseStatus if status is not CaseStatus.CLOSED]
_TAKEN_OVER = (
    "house_code",
    "has_land",
    "annual_income_per_person",
    "stage",
    "dimension_mask",
    "head_person_id",
)

_FIELD = {"latitude": "location", "longitude": "location", "dimension_mask": "indicator_results"}
_SAID_BY_SOURCES = {*_TAKEN_OVER, *_FIELD, "classification"} - {"head_person_id"}


async def merge(
    work: UnitOfWork, actor: Actor, household_id: UUID, wanted: HouseholdMerge, *, now: datetime
) -> Document:
    """Folds the duplicate into the household. Raises NotFound unless both are the caller's, Invalid, and Conflict
    `already-merged`."""
    reach = admit(actor, Operation.WRITE_HOUSEHOLDS)
    refuse(personal_data_faults({"reason": wanted.reason}))
    if wanted.duplicate_id == household_id:
        raise Invalid.at("/duplicate_id", "same-household", "A household is no duplicate of itself.")
    pair = await work.merges.hold(reach, household_id, wanted.duplicate_id)
    if pair is None:
        if await work.merges.is_merged(reach, wanted.duplicate_id):
            raise Conflict("The duplicate has been merged already.", code="already-merged")
        raise NotFound
    changes = merged_fields(pair.winner.fields, pair.loser.fields)
    origins = merged_origins(changes, pair.loser.fields["provenance"])
    survey = await work.merges.fold(reach, pair, changes, origins, wanted.reason, now=now)
    if survey is not None:
        members = await work.reference.mpi_members(survey.fiscal_year, survey.edition)
        mask = dimension_mask(survey.answers, members)
        if mask is not None:
            await work.merges.set_mask(household_id, mask)
    await work.events.link_queued(reach, household_id, now=now)
    return await shown(work, reach, household_id, now)


async def successor(work: UnitOfWork, actor: Actor, operation: Operation, household_id: UUID) -> UUID | None:
    """Where a household of this id is found now, if it was merged and the caller sees the other."""
    return await work.merges.successor(admit(actor, operation), household_id)


def merged_fields(winner: Mapping[str, Any], loser: Mapping[str, Any]) -> dict[str, Any]:
    """What changes in the winner: what it has stays, what it lacks the loser gives.

    The case stands where the further of the two stands; sources are all of both, target groups the winner's and
    those of other years.
    """
    merged = {name: loser[name] for name in _TAKEN_OVER if winner[name] is None}
    if winner["latitude"] is None:
        merged |= {name: loser[name] for name in ("latitude", "longitude")}
    if winner["classification"] == Classification.UNCLASSIFIED:
        merged["classification"] = loser["classification"]
    merged["sources"] = winner["sources"] + [
        one for one in loser["sources"] if _named(one) not in [_named(own) for own in winner["sources"]]
    ]
    years = {group["fiscal_year"] for group in winner["target_groups"]}
    others = [group for group in loser["target_groups"] if group["fiscal_year"] not in years]
    merged["target_groups"] = winner["target_groups"] + others
    merged["case_status"] = merged_status(winner["case_status"], loser["case_status"])
    merged["close_outcome"] = winner["close_outcome"] if merged["case_status"] == CaseStatus.CLOSED else None
    return {name: value for name, value in merged.items() if winner[name] != value}


def merged_origins(changes: Iterable[str], provenance: Stamped) -> dict[str, Any]:
    """Where the fields come from that the loser gave, as it noted them itself."""
    fields = {_FIELD.get(name, name) for name in changes if name in _SAID_BY_SOURCES}
    return {field: origin(provenance, field).stamp() for field in sorted(fields)}


def merged_status(winner: str, loser: str) -> CaseStatus:
    """The further of two open cases; of an open and a closed one the open (assumed)."""
    still = [CaseStatus(one) for one in (winner, loser) if one != CaseStatus.CLOSED]
    return max(still, key=lambda one: _COURSE.index(one)) if still else CaseStatus.CLOSED


def _named(source: Mapping[str, Any]) -> tuple[Any, Any]:
    return source["system"], source["record_id"]
