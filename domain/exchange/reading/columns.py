"""The columns that an import file may have, each with its converter, and those of the templates (contract 7)."""

from collections.abc import Mapping

from domain.exchange.reading import cells, numbers, vocabulary
from domain.exchange.reading.cells import Convert, choice
from domain.exchange.reading.kinds import ImportKind
from domain.exchange.reading.rows import EventPart, HouseholdPart, PersonPart

OF_A_PERSON = ("record_id", "citizen_id", "no_id_reason", "fiscal_year", "seen_on")
OF_AN_EVENT = ("record_id", "citizen_id")
"""What stands in the row itself, before its parts."""

RESULTS: tuple[str, ...] = (
    *(f"bmn-38-{number}" for number in range(1, 39)),
    *(f"bmn-31-{number}" for number in range(1, 32)),
)
"""Columns of indicator results are named as the indicators; a file has those of one edition."""

OF_THE_REPORT = frozenset({"row_number", "outcome", "codes"})
"""Columns that a report adds to the rows of a file: left aside when the corrected rows come back."""
DATES = frozenset({"seen_on", "joined_on", "birth_date", "deceased_on", "provided_on"})

CONVERTERS: Mapping[str, Convert] = {
    "record_id": cells.record_id,
    "citizen_id": numbers.citizen_id,
    "no_id_reason": choice(vocabulary.NO_ID_REASON),
    "fiscal_year": numbers.fiscal_year,
    # household
    "household_record_id": cells.record_id,
    "house_code": numbers.house_code,
    "area_code": numbers.area_code,
    "house_no": cells.house_no,
    "moo": numbers.moo,
    "village_name": cells.name,
    "road": cells.name,
    "postcode": numbers.postcode,
    "latitude": numbers.degrees(5.5, 20.6),
    "longitude": numbers.degrees(97.3, 105.7),
    "classification": choice(vocabulary.CLASSIFICATION),
    "stage": choice(vocabulary.STAGE),
    "annual_income_per_person": numbers.money,
    "has_land": cells.yes_no,
    "target_group": choice(vocabulary.TARGET_GROUP),
    # person
    "prefix": cells.name,
    "first_name": cells.name,
    "last_name": cells.name,
    "relationship": choice(vocabulary.RELATIONSHIP),
    "sex": choice(vocabulary.SEX),
    "vital_status": choice(vocabulary.VITAL_STATUS),
    "welfare_card": choice(vocabulary.WELFARE_CARD),
    "disabilities": cells.disabilities,
    "bedridden": cells.yes_no,
    "able_to_work": cells.yes_no,
    "occupation": cells.name,
    "annual_income": numbers.money,
    "phone": numbers.phone,
    # event
    "household_id": cells.uuid,
    "assignment_id": cells.uuid,
    "problem_ids": cells.uuids,
    "reason_no_problem": cells.free_text,
    "menu_code": cells.code,
    "plan_activity_id": cells.uuid,
    "dimension": choice(vocabulary.DIMENSION),
    "assistance_type": choice(vocabulary.ASSISTANCE_TYPE),
    "description": cells.free_text,
    "value_baht": numbers.money,
    "quantity": numbers.quantity,
    "unit": cells.free_line,
    "budget_source": cells.free_line,
    "beneficiaries": cells.uuids,
    "project_code": cells.free_line,
    "obstacle": cells.free_text,
    "suggestion": cells.free_text,
}
"""Of every column but the dates and the results."""


def columns_of(kind: ImportKind) -> tuple[str, ...]:
    """In the order in which a row is put together, without the results."""
    if kind is ImportKind.ASSISTANCE:
        return OF_AN_EVENT + EventPart._fields
    return OF_A_PERSON + HouseholdPart._fields + PersonPart._fields


def has_results(kind: ImportKind) -> bool:
    return kind in (ImportKind.BMN, ImportKind.TPMAP_TARGET)


def required_of(kind: ImportKind) -> tuple[tuple[str, ...], ...]:
    """Columns that a file must have: of each group one."""
    if kind is ImportKind.ASSISTANCE:
        named = ("household_id", "house_code", "citizen_id")
        return ("record_id",), named, ("dimension",), ("assistance_type",), ("provided_on",)
    person: tuple[tuple[str, ...], ...] = (("citizen_id", "no_id_reason"), ("area_code",), ("first_name",))
    return (*person, ("fiscal_year",)) if kind is ImportKind.BMN else person


_FIRST = (
    "record_id", "citizen_id", "no_id_reason", "household_record_id", "house_code", "area_code", "house_no", "moo",
    "village_name", "road", "postcode", "prefix", "first_name", "last_name", "relationship", "sex", "birth_date",
    "vital_status", "deceased_on", "welfare_card", "disabilities", "bedridden", "able_to_work", "occupation",
    "annual_income", "phone", "has_land", "annual_income_per_person", "seen_on",
)  # fmt: skip


def template_of(kind: ImportKind) -> tuple[str, ...]:
    """The columns of the template, in the order in which people fill them in; every one is read, few are needed."""
    match kind:
        case ImportKind.ASSISTANCE:
            return columns_of(kind)
        case ImportKind.BMN:
            return (*_FIRST, "fiscal_year", *RESULTS[:38])
        case ImportKind.TPMAP_TARGET:
            return (*_FIRST, "fiscal_year", "target_group")
        case _:
            return (*_FIRST, "fiscal_year", "target_group", "classification")
