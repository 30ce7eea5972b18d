"""Bodies that are valid until a test changes them."""

import itertools
from typing import Any

from domain.registry.citizen_id import check_digit

LOEI = "42"
SUBDISTRICT = "420101"
_numbers = itertools.count(1)


def citizen_id(number: int | None = None) -> str:
    """A synthetic id: first digit 9, a valid check digit, a new one each time."""
    twelve = f"9{(next(_numbers) if number is None else number):011d}"
    return twelve + check_digit(twelve)


def person(**changes: Any) -> dict[str, Any]:
    return {
        "citizen_id": citizen_id(),
        "prefix": "นาง",
        "first_name": "สมศรี",
        "last_name": "ใจดี",
        "sex": "female",
        "birth_date": "1960-05-01",
        "welfare_card": "has_card",
        "phone": "0899999999",
        **changes,
    }


def member(relationship: str = "head", **changes: Any) -> dict[str, Any]:
    return {"relationship": relationship, "joined_on": "2020-01-01", "person": person(**changes)}


def household(**changes: Any) -> dict[str, Any]:
    return {
        "house_code": None,
        "address": {"house_no": "99/1", "moo": 3, "village_name": "บ้านใหม่", "postcode": "42000"},
        "area_code": SUBDISTRICT,
        "annual_income_per_person": "30000.00",
        "sources": [{"system": "tpmap", "record_id": "T-1", "seen_on": "2025-03-01"}],
        "has_land": True,
        "members": [member(), member("child", first_name="สมชาย", birth_date="2015-01-01", sex="male")],
        **changes,
    }


def problem(household_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "household_id": household_id,
        "dimension": "income",
        "indicator_id": "bmn-38-29",
        "fiscal_year": 2569,
        "need": "อาชีพเสริม",
        "source": "local",
        "solvability": "external_resource",
        **changes,
    }


def analysis(**changes: Any) -> dict[str, Any]:
    return {
        "attitude": "อยากทำงาน",
        "skills": "ทอผ้า",
        "resources": "มีที่ดิน",
        "way_out": "รวมกลุ่มทอผ้า",
        "analysed_on": "2026-01-15",
        "analysts": ["ทีมตำบล"],
        **changes,
    }


def event(household_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "external_id": f"E-{next(_numbers)}",
        "household": {"id": household_id},
        "dimension": "income",
        "assistance_type": "livelihood",
        "description": "มอบเมล็ดพันธุ์",
        "provided_on": "2026-02-01",
        "value_baht": "1500.00",
        **changes,
    }
