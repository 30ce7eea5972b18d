"""What may be done with households: register, read, browse, search, amend, survey."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from domain.access.actor import Actor, Scope
from domain.access.policy import InsufficientScope, Operation, Reach, admit
from domain.calendar import today
from domain.casework.moves import assignment_moves, problem_moves
from domain.errors import Fault, Forbidden, IllegalTransition, Invalid, NotFound, VersionMismatch
from domain.kernel import AreaCode, Document, HouseCode, Line, Listing, Paging, Value
from domain.registry.deprivation import dimension_mask
from domain.registry.household import CaseStatus, HouseholdDraft, HouseholdFilter, HouseholdPatch
from domain.registry.indicators import IndicatorResults
from domain.registry.person import CitizenIdText
from domain.registry.rules import CASE_MOVES, address_faults, household_faults, place_parents
from domain.registry.store import Held, Includes
from domain.thai import clean, name_prefix
from domain.work import UnitOfWork

INCLUDES: Mapping[str, Scope] = {
    "problems": Scope.PROBLEMS_READ,
    "analyses": Scope.PROBLEMS_READ,
    "assignments": Scope.ASSIGNMENTS_READ,
    "assistance": Scope.ASSISTANCE_READ,
    "visits": Scope.HOUSEHOLDS_READ,
    "plans": Scope.HOUSEHOLDS_READ,
}
"""Lists a household may carry along, and the scope each needs."""


class HouseholdSearch(Value):
    """Exactly one of the three ways to find a household; identifiers never travel in a URL."""

    citizen_id: CitizenIdText | None = None
    house_code: HouseCode | None = None
    name: Line | None = None
    """First name, or first and last name, or the beginning of either; tone marks may be left out."""
    area: AreaCode | None = None
    limit: int = Field(default=50, ge=1, le=200)
    cursor: Line | None = Field(default=None, max_length=400)


async def register(work: UnitOfWork, actor: Actor, draft: HouseholdDraft, *, now: datetime) -> Document:
    """Creates a household with its members, all or none.

    Raises Invalid for broken rules, Forbidden `outside-your-areas`, Conflict `already-a-member`.
    """
    reach = admit(actor, Operation.WRITE_HOUSEHOLDS)
    faults = household_faults(draft, today=today(now))
    if not await known_place(work, draft.area_code):
        faults.append(Fault("/area_code", "unknown-area", "There is no such subdistrict; see /v1/areas."))
    if faults:
        raise Invalid("The household breaks rules; see errors.", faults=faults)
    if not actor.covers(draft.area_code):
        raise Forbidden(
            "The area is not one of yours.",
            code="outside-your-areas",
            faults=[
                Fault("/area_code", "outside-your-areas", "Your client may write in its own areas only.")
            ],
        )
    household_id = work.new_id()
    await work.households.add(reach, household_id, draft, now=now)
    await work.events.link_queued(reach, household_id, now=now)
    return await shown(work, reach, household_id, now)


async def read(
    work: UnitOfWork, actor: Actor, household_id: UUID, *, include: Sequence[str] = (), now: datetime
) -> Document:
    """One household as the caller may see it. Raises NotFound, absent or hidden alike."""
    reach = admit(actor, Operation.READ_HOUSEHOLDS)
    for name in include:
        if not actor.can(INCLUDES[name]):
            raise InsufficientScope((INCLUDES[name],))
    includes = (
        Includes(frozenset(include), problem_moves(actor), assignment_moves(actor)) if include else Includes()
    )
    found = await work.households.view(reach, household_id, includes, now=now)
    if found is None:
        raise NotFound
    return found


async def browse(
    work: UnitOfWork, actor: Actor, where: HouseholdFilter, paging: Paging, *, now: datetime
) -> Listing:
    """Households in the caller's reach, in a stable order.

    A filter tells what it looks at: it needs the scope that reads it. Raises InsufficientScope.
    """
    reach = admit(actor, Operation.READ_HOUSEHOLDS)
    for given, scope in (
        (where.problem_status, Scope.PROBLEMS_READ),
        (where.assigned_agency, Scope.ASSIGNMENTS_READ),
    ):
        if given and not actor.can(scope):
            raise InsufficientScope((scope,))
    if where.assigned_agency and reach.assigned_to is not None:
        own = [agency for agency in where.assigned_agency if agency == reach.assigned_to]
        if not own:
            return Listing(b"[]", None, 0 if paging.count else None)
        where = where.model_copy(update={"assigned_agency": own})
    return await work.households.page(reach, where, paging, now=now)


async def search(
    work: UnitOfWork, actor: Actor, wanted: HouseholdSearch, paging: Paging, *, now: datetime
) -> Listing:
    """Households by citizen id, house code, or the beginning of a member's name."""
    reach = admit(actor, Operation.READ_HOUSEHOLDS)
    if sum(x is not None for x in (wanted.citizen_id, wanted.house_code, wanted.name)) != 1:
        raise Invalid.at("", "one-identifier", "Give exactly one of citizen_id, house_code, name.")
    return await work.households.find(
        reach,
        paging,
        citizen_id=wanted.citizen_id,
        house_code=wanted.house_code,
        name=name_keys(wanted.name) if wanted.name else None,
        areas=[wanted.area] if wanted.area else [],
        now=now,
    )


def name_keys(name: str) -> tuple[str, str, str]:
    """The keys to look under, of the first word and of the rest as a surname, and the surname's first letter.

    Raises Invalid when too short.
    """
    first, _, last = name.strip().partition(" ")
    keys = name_prefix(first), name_prefix(last.strip()), clean(last.strip())[:1]
    if len(keys[0]) < 2:
        raise Invalid.at("/name", "too-short", "Give at least two letters.")
    return keys


async def amend(
    work: UnitOfWork, actor: Actor, household_id: UUID, patch: HouseholdPatch, *, version: int, now: datetime
) -> Document:
    """Applies a merge patch to the given version. Raises VersionMismatch, IllegalTransition."""
    reach = admit(actor, Operation.WRITE_HOUSEHOLDS)
    held = await work.households.hold(reach, household_id)
    if held is None:
        raise NotFound
    if held.version != version:
        raise VersionMismatch(held.version)
    changes = _changes(held, patch)
    if changes:
        await work.households.amend(reach, held, changes, now=now)
    if changes.get("house_code") is not None:
        await work.events.link_queued(reach, household_id, now=now)
    return await shown(work, reach, household_id, now)


async def survey(
    work: UnitOfWork, actor: Actor, household_id: UUID, results: IndicatorResults, *, now: datetime
) -> Document:
    """Stores a survey's results and derives the dimension mask by the campaign's member indicators."""
    reach = admit(actor, Operation.WRITE_HOUSEHOLDS)
    held = await work.households.hold(reach, household_id)
    if held is None:
        raise NotFound
    known = await work.reference.indicators([one.indicator_id for one in results.results])
    members = await work.households.members_of(household_id)
    faults: list[Fault] = []
    seen: set[tuple[str, UUID | None]] = set()
    for place, one in enumerate(results.results):
        at = f"/results/{place}"
        indicator = known.get(one.indicator_id)
        if indicator is None or indicator.edition != results.edition:
            faults.append(
                Fault(f"{at}/indicator_id", "unknown-indicator", "There is no such indicator in the edition.")
            )
        elif indicator.unit == "household" and one.person_id is not None:
            faults.append(
                Fault(
                    f"{at}/person_id", "household-indicator", "The indicator is of the household as a whole."
                )
            )
        if one.person_id is not None and one.person_id not in members:
            faults.append(
                Fault(f"{at}/person_id", "unknown-member", "The person is no member of the household.")
            )
        if (one.indicator_id, one.person_id) in seen:
            faults.append(Fault(at, "duplicate-result", "The same indicator and person stand twice."))
        seen.add((one.indicator_id, one.person_id))
    if faults:
        raise Invalid("The results have faults; see errors.", faults=faults)
    mask = dimension_mask(
        [(one.indicator_id, known[one.indicator_id].dimension, one.result.value) for one in results.results],
        await work.reference.mpi_members(results.fiscal_year, results.edition),
    )
    await work.households.put_results(reach, held, results, mask, now=now)
    return await shown(work, reach, household_id, now)


async def shown(work: UnitOfWork, reach: Reach, household_id: UUID, now: datetime) -> Document:
    """What was written, as its writer may see it. Raises NotFound."""
    found = await work.households.view(reach, household_id, Includes(), now=now)
    if found is None:
        raise NotFound
    return found


async def known_place(work: UnitOfWork, area_code: str) -> bool:
    """Whether a household can have this area code."""
    return any([await work.reference.area_exists(code) for code in place_parents(area_code)])


def _changes(held: Held, patch: HouseholdPatch) -> dict[str, Any]:
    """The columns that differ, after the rules of the case lifecycle."""
    given = patch.model_dump(exclude_unset=True)
    if address := given.pop("address", None):
        if faults := address_faults(address):
            raise Invalid("The household has faults; see errors.", faults=faults)
        given.update(address)
    if "location" in given:
        location = given.pop("location") or {"latitude": None, "longitude": None}
        given.update(location)
    for field in ("target_groups",):
        if field in given:
            given[field] = patch.model_dump(mode="json", include={field})[field]
    changes = {name: value for name, value in given.items() if held.fields[name] != value}
    status = changes.get("case_status")
    if status is not None and status not in CASE_MOVES[CaseStatus(held.fields["case_status"])]:
        allowed = CASE_MOVES[CaseStatus(held.fields["case_status"])]
        raise IllegalTransition(str(held.fields["case_status"]), str(status), allowed)
    closed = (status or held.fields["case_status"]) == CaseStatus.CLOSED
    outcome = changes.get("close_outcome", held.fields["close_outcome"])
    if status is not None and not closed and held.fields["close_outcome"] is not None:
        changes["close_outcome"] = outcome = None
    if closed != (outcome is not None):
        raise Invalid.at(
            "/close_outcome", "close-outcome", "A closed case, and only a closed one, has an outcome."
        )
    return changes
