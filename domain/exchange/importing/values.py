"""What a row says of a household and of a person, as records hold it: plain texts, numbers and lists by field."""

from operator import attrgetter
from typing import Any

from domain.exchange.importing.matching import location_of
from domain.exchange.importing.state import HOUSEHOLD_FIELDS, PERSON_FIELDS
from domain.exchange.reading.rows import HouseholdPart, PersonPart

_HOUSEHOLD = (*HOUSEHOLD_FIELDS, "house_code")
_household, _person = attrgetter(*_HOUSEHOLD), attrgetter(*PERSON_FIELDS)
_CHOSEN = ("sex", "vital_status", "welfare_card")
"""Fields that are members of an enumeration in a row."""
# Their own `__str__` is a search through their class.
_plain = str.__str__


def of_household(part: HouseholdPart) -> dict[str, Any]:
    """With its house code and location."""
    values: dict[str, Any] = dict(zip(_HOUSEHOLD, _household(part), strict=True))
    if part.classification is not None:
        values["classification"] = str(part.classification)
    if part.stage is not None:
        values["stage"] = str(part.stage)
    values["location"] = location_of(part)
    return values


def of_person(part: PersonPart) -> dict[str, Any]:
    values: dict[str, Any] = dict(zip(PERSON_FIELDS, _person(part), strict=True))
    for name in _CHOSEN:
        if (chosen := values[name]) is not None:
            values[name] = _plain(chosen)
    if part.disabilities is not None:
        values["disabilities"] = list(part.disabilities)
    return values
