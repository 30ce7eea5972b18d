"""A generated household as the rows of the tables: identifiers sealed, facets and keys computed.

As the service would, every household, problem, analysis, assignment and event leaves one line in the feed,
`created`, at the version it has now: a new reader of the feed starts from what there is. Audit rows are
left out: nobody made these changes.
"""

import hashlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import orjson

from domain.thai import name_key
from persistence.demo.calendar import EDITION, FISCAL_YEAR
from persistence.demo.case import Case
from persistence.demo.ids import ROWS, row_id
from persistence.demo.records import Event, Household, Person
from persistence.registry.facets import facets
from persistence.sealing import Sealing

Row = tuple[Any, ...]
COLUMNS: dict[str, str] = {
    "household": "id area_code house_code house_no moo village_name road postcode latitude longitude case_status"
    " close_outcome classification stage annual_income_per_person dimension_mask target_groups sources has_land"
    " head_person_id facets version created_at updated_at",
    "person": "household_id id area_code citizen_id_tail citizen_id_sealed no_id_reason prefix first_name last_name"
    " first_name_key last_name_key sex birth_date vital_status deceased_on welfare_card disabilities bedridden"
    " able_to_work occupation annual_income phone_sealed version created_at updated_at",
    "membership": "household_id id person_id area_code relationship joined_on",
    "citizen_identity": "blind_index key_id person_id household_id area_code",
    "indicator_result": "household_id id area_code fiscal_year edition indicator_id person_id result recorded_at agency",
    "problem": "household_id id area_code person_id dimension indicator_id fiscal_year need description source"
    " solvability status proposed_status proposed_by recurrence_of moved_to version created_at updated_at",
    "problem_move": "household_id id problem_id area_code at agency client_id from_status to_status proposal reason"
    " occurred_on moved_to evidence",
    "analysis": "household_id id area_code attitude skills resources way_out analysed_on analysts complete agency"
    " created_at",
    "assignment": "household_id id area_code problem_ids menu_code agency role status due_on instructions outcome"
    " escalated_to version created_at updated_at",
    "assignment_move": "household_id id assignment_id area_code at agency client_id from_status to_status reason",
    "assistance_event": "household_id id area_code agency external_id assignment_id problem_ids reason_no_problem"
    " menu_code dimension assistance_type description provided_on value_baht quantity unit budget_source"
    " beneficiaries evidence obstacle suggestion status recorded_at",
    "event_key": "agency external_id event_id household_id content_hash",
    "change": "household_id id area_code type resource_id action version agency occurred_at",
}
"""The tables a demo fills, the referenced one first, and the columns of its rows; others keep their defaults."""

_key = cache(name_key)
Put = Callable[[str, Row], None]


def put_household(household: Household, sealing: Sealing, put: Put) -> None:
    """Hands every row of the household to `put`, with the table it belongs to."""
    ids = _spare_ids(household)
    put("household", _household(household))
    for person in household.members:
        _person(household, person, sealing, ids, put)
    _survey(household, ids, put)
    _casework(household, put)
    _assignments(household, put)
    for event in household.events:
        _event(household, event, put)
    _feed(household, ids, put)


def _spare_ids(household: Household) -> Iterator[UUID]:
    """Ids for rows that have no other: counted down from the last, the others count up."""
    for row in range(ROWS - 1, 0, -1):
        yield row_id(household.created_at, household.number, row)


def _household(one: Household) -> Row:
    failed = {answer.indicator_id for answer in one.results if answer.result == "fail"}
    cards = {person.welfare_card for person in one.members}
    income = None if one.annual_income_per_person is None else Decimal(one.annual_income_per_person)
    return (
        one.id, one.area_code, one.house_code, one.house_no, one.moo, one.village_name, one.road, one.postcode,
        one.latitude, one.longitude, one.case_status, one.close_outcome, one.classification, one.stage, income,
        one.dimension_mask, orjson.dumps(one.target_groups), orjson.dumps(one.sources), one.has_land, one.head.id,
        facets(one.sources, one.target_groups, cards, one.dimension_mask, failed), one.version, one.created_at,
        one.updated_at or one.created_at,
    )  # fmt: skip


def _person(home: Household, one: Person, sealing: Sealing, ids: Iterator[UUID], put: Put) -> None:
    tail = sealed = phone = None
    if one.citizen_id is not None:
        tail = one.citizen_id[-3:]
        sealed = sealing.cipher.seal("person", "citizen_id_sealed", one.id, one.citizen_id)
        for key_id, blind_index in sealing.index.every(one.citizen_id).items():
            put("citizen_identity", (blind_index, key_id, one.id, home.id, home.area_code))
    if one.phone is not None:
        phone = sealing.cipher.seal("person", "phone_sealed", one.id, one.phone)
    dead = one.deceased_on is not None
    changed = (home.updated_at or home.created_at) if dead else home.created_at
    put("person", (
        home.id, one.id, home.area_code, tail, sealed, one.no_id_reason, one.prefix, one.first_name, one.last_name,
        _key(one.first_name), _key(one.last_name), one.sex, one.birth_date, "deceased" if dead else "alive",
        one.deceased_on, one.welfare_card, one.disabilities, one.bedridden, one.able_to_work, one.occupation,
        one.annual_income, phone, 2 if dead else 1, home.created_at, changed,
    ))  # fmt: skip
    put("membership", (home.id, next(ids), one.id, home.area_code, one.relationship, one.joined_on))


def _survey(home: Household, ids: Iterator[UUID], put: Put) -> None:
    agency = Case(home).team.agency
    for indicator, person_id, result in home.results:
        put("indicator_result", (
            home.id, next(ids), home.area_code, FISCAL_YEAR, EDITION, indicator, person_id, result, home.surveyed_at,
            agency,
        ))  # fmt: skip


def _casework(home: Household, put: Put) -> None:
    for one in home.problems:
        put("problem", (
            home.id, one.id, home.area_code, one.person_id, one.dimension, one.indicator_id, one.fiscal_year, one.need,
            one.description, one.source, one.solvability, one.status, one.proposed_status, one.proposed_by,
            one.recurrence_of, one.moved_to, len(one.moves), one.created_at, one.moves[-1].at,
        ))  # fmt: skip
        for move in one.moves:
            put("problem_move", (
                home.id, move.id, one.id, home.area_code, move.at, move.agency, move.client_id, move.from_status,
                move.to_status, move.proposal, move.reason, move.occurred_on, move.moved_to,
                orjson.dumps(move.evidence),
            ))  # fmt: skip
    for done in home.analyses:
        put("analysis", (
            home.id, done.id, home.area_code, *done.parts, done.analysed_on, done.analysts, None not in done.parts,
            done.agency, done.created_at,
        ))  # fmt: skip


def _assignments(home: Household, put: Put) -> None:
    for one in home.assignments:
        put("assignment", (
            home.id, one.id, home.area_code, [problem.id for problem in one.problems], one.menu_code, one.agency,
            one.role, one.status, one.due_on, one.instructions, one.outcome, one.escalated_to, len(one.moves),
            one.created_at, one.moves[-1].at,
        ))  # fmt: skip
        for move in one.moves:
            put("assignment_move", (
                home.id, move.id, one.id, home.area_code, move.at, move.agency, move.client_id, move.from_status,
                move.to_status, move.reason,
            ))  # fmt: skip


def _event(home: Household, one: Event, put: Put) -> None:
    put("assistance_event", (
        home.id, one.id, home.area_code, one.agency, one.external_id, one.assignment_id, one.problem_ids,
        one.reason_no_problem, one.menu_code, one.dimension, one.assistance_type, one.description, one.provided_on,
        one.value_baht, one.quantity, one.unit, one.budget_source, one.beneficiaries, orjson.dumps(one.evidence),
        one.obstacle, one.suggestion, "recorded", one.recorded_at,
    ))  # fmt: skip
    put("event_key", (one.agency, one.external_id, one.id, home.id, content_hash(home, one)))


def content_hash(home: Household, one: Event) -> bytes:
    """The hash of the post that would have made the event (PgEvents.content_hash): a retry is a duplicate."""
    content = {
        "external_id": one.external_id,
        "household": {"id": home.id, "house_code": None, "citizen_id": None},
        "assignment_id": one.assignment_id,
        "problem_ids": one.problem_ids,
        "reason_no_problem": one.reason_no_problem,
        "menu_code": one.menu_code,
        "plan_activity_id": None,
        "dimension": one.dimension,
        "assistance_type": one.assistance_type,
        "description": one.description,
        "provided_on": one.provided_on,
        "value_baht": None if one.value_baht is None else f"{one.value_baht}.00",
        "quantity": None if one.quantity is None else float(one.quantity),
        "unit": one.unit,
        "budget_source": one.budget_source,
        "beneficiaries": one.beneficiaries,
        "project_code": None,
        "evidence": one.evidence,
        "obstacle": one.obstacle,
        "suggestion": one.suggestion,
    }
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()


def _feed(home: Household, ids: Iterator[UUID], put: Put) -> None:
    made: list[tuple[str, UUID, int, str | None, Any]] = [
        ("household", home.id, home.version, None, home.created_at)
    ]
    made += [("problem", one.id, len(one.moves), None, one.created_at) for one in home.problems]
    made += [("analysis", one.id, 1, None, one.created_at) for one in home.analyses]
    made += [("assignment", one.id, len(one.moves), one.agency, one.created_at) for one in home.assignments]
    made += [("assistance_event", one.id, 1, one.agency, one.recorded_at) for one in home.events]
    for kind, resource_id, version, agency, at in made:
        put("change", (home.id, next(ids), home.area_code, kind, resource_id, "created", version, agency, at))
