from datetime import date

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.casework.menus import Condition, MenuDraft, offered

CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)


def menu(**given: object) -> MenuDraft:
    base = {
        "code": "X-01",
        "title_th": "เมนู",
        "kind": "other",
        "dimension": "income",
        "lead_agencies": ["DIST_CDD"],
    }
    return MenuDraft.model_validate(base | given)


@pytest.mark.parametrize(
    "rule",
    [
        {"rule": "unheard_of"},
        {"rule": "land"},
        {"rule": "land", "has": True, "also": 1},
        {"rule": "age"},
        {"rule": "age", "min": 60, "max": 15},
        {"rule": "health", "any_of": []},
        {"rule": "health", "any_of": ["strong"]},
        {"rule": "income", "max": "-1"},
    ],
)
def test_a_condition_outside_the_vocabulary_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CONDITION.validate_python(rule)


def test_a_condition_keeps_its_form_on_the_wire() -> None:
    rule = {"rule": "income", "max": "100000.00", "unit": "baht/household/year"}
    assert CONDITION.dump_python(CONDITION.validate_python(rule), mode="json") == rule


def test_a_menu_is_offered_in_its_areas_and_days() -> None:
    offer = menu(areas=["4201"], valid_from="2026-10-01", valid_to="2026-10-31")
    assert offered(offer, "420103", date(2026, 10, 31))
    assert not offered(offer, "420201", date(2026, 10, 31))
    assert not offered(offer, "420103", date(2026, 11, 1))
    assert not offered(offer, "420103", date(2026, 9, 30))


def test_a_menu_without_bounds_is_offered_until_it_is_switched_off() -> None:
    assert offered(menu(), "420103", date(2026, 11, 21))
    assert not offered(menu(enabled=False), "420103", date(2026, 11, 21))


def test_a_menu_cannot_end_before_it_begins() -> None:
    with pytest.raises(ValidationError, match="valid_from"):
        menu(valid_from="2026-10-02", valid_to="2026-10-01")
