"""A generated household as the bodies of the requests that would have made it (contract 4 to 6)."""

from collections.abc import Iterator
from typing import Any

from persistence.demo.calendar import EDITION, FISCAL_YEAR
from persistence.demo.records import Event, Household, Person

Body = dict[str, Any]


def household(home: Household) -> Body:
    """`POST /v1/households`."""
    location = None if home.latitude is None else {"latitude": home.latitude, "longitude": home.longitude}
    return {
        "house_code": home.house_code,
        "address": {
            "house_no": home.house_no,
            "moo": home.moo,
            "village_name": home.village_name,
            "road": home.road,
            "postcode": home.postcode,
        },
        "area_code": home.area_code,
        "location": location,
        "classification": home.classification,
        "stage": home.stage,
        "annual_income_per_person": home.annual_income_per_person,
        "target_groups": home.target_groups,
        "sources": home.sources,
        "has_land": home.has_land,
        "members": [
            {"relationship": one.relationship, "joined_on": _day(one.joined_on), "person": _person(one)}
            for one in home.members
        ],
    }


def _person(one: Person) -> Body:
    return {
        "citizen_id": one.citizen_id,
        "no_id_reason": one.no_id_reason,
        "prefix": one.prefix,
        "first_name": one.first_name,
        "last_name": one.last_name,
        "sex": one.sex,
        "birth_date": _day(one.birth_date),
        "vital_status": "deceased" if one.deceased_on else "alive",
        "deceased_on": _day(one.deceased_on),
        "welfare_card": one.welfare_card,
        "disabilities": one.disabilities,
        "bedridden": one.bedridden,
        "able_to_work": one.able_to_work,
        "occupation": one.occupation,
        "annual_income": None if one.annual_income is None else f"{one.annual_income}.00",
        "phone": one.phone,
    }


def results(home: Household) -> Body | None:
    """`PUT /v1/households/{id}/indicator-results`; None for a household without."""
    if not home.results:
        return None
    answers = [
        {"indicator_id": one.indicator_id, "person_id": _id(one.person_id), "result": one.result}
        for one in home.results
    ]
    return {"fiscal_year": FISCAL_YEAR, "edition": EDITION, "results": answers}


def problems(home: Household) -> Iterator[Body]:
    """`POST /v1/problems`."""
    for one in home.problems:
        yield {
            "household_id": str(home.id),
            "person_id": _id(one.person_id),
            "dimension": one.dimension,
            "indicator_id": one.indicator_id,
            "fiscal_year": one.fiscal_year,
            "need": one.need,
            "description": one.description,
            "source": one.source,
            "solvability": one.solvability,
            "recurrence_of": _id(one.recurrence_of),
        }


def analyses(home: Household) -> Iterator[Body]:
    """`POST /v1/households/{id}/analyses`."""
    for one in home.analyses:
        parts = dict(zip(("attitude", "skills", "resources", "way_out"), one.parts, strict=True))
        yield {**parts, "analysed_on": _day(one.analysed_on), "analysts": one.analysts}


def assignments(home: Household) -> Iterator[Body]:
    """`POST /v1/assignments`."""
    for one in home.assignments:
        yield {
            "household_id": str(home.id),
            "problem_ids": [str(problem.id) for problem in one.problems],
            "menu_code": one.menu_code,
            "agency": one.agency,
            "role": one.role,
            "due_on": _day(one.due_on),
            "instructions": one.instructions,
        }


def event(home: Household, one: Event) -> Body:
    """`POST /v1/assistance-events`, by the agency that gave it."""
    return {
        "external_id": one.external_id,
        "household": {"id": str(home.id)},
        "assignment_id": _id(one.assignment_id),
        "problem_ids": [str(given) for given in one.problem_ids],
        "reason_no_problem": one.reason_no_problem,
        "menu_code": one.menu_code,
        "dimension": one.dimension,
        "assistance_type": one.assistance_type,
        "description": one.description,
        "provided_on": _day(one.provided_on),
        "value_baht": None if one.value_baht is None else f"{one.value_baht}.00",
        "quantity": one.quantity,
        "unit": one.unit,
        "budget_source": one.budget_source,
        "beneficiaries": [str(given) for given in one.beneficiaries],
        "evidence": one.evidence,
        "obstacle": one.obstacle,
        "suggestion": one.suggestion,
    }


def _day(on: Any) -> str | None:
    return None if on is None else on.isoformat()


def _id(given: Any) -> str | None:
    return None if given is None else str(given)
