"""Households, members and persons as JSON, masked in SQL by the caller's rights.

`(select row_to_json(t) from (select …) t)` is measurably faster than `json_build_object`. Sealed fields
leave as `"citizen_id":"sealed:…"` and are opened in place afterwards (persistence/registry/unseal.py), so
that a masked read decrypts nothing.
"""

_MASKED = {
    "citizen_id": (
        "CASE WHEN p.citizen_id_tail IS NOT NULL THEN"
        " 'x-xxxx-xxxxx-' || left(p.citizen_id_tail, 2) || '-' || right(p.citizen_id_tail, 1) END"
    ),
    "last_name": "left(p.last_name, 1)",
    "birth_date": "NULL::date",
    "phone": "NULL::text",
}


def _sealed(column: str) -> str:
    # From the view that shows it to whoever may see it, and nothing to others (persistence/wall.py).
    return (
        f"(SELECT 'sealed:' || s.id || ':' || encode(s.{column}, 'hex') FROM person_sealed s"
        " WHERE s.household_id = p.household_id AND s.id = p.id)"
    )


_UNMASKED = {
    "citizen_id": _sealed("citizen_id_sealed"),
    "last_name": "p.last_name",
    "birth_date": "p.birth_date",
    "phone": _sealed("phone_sealed"),
}


def _age(today: str, *, unmasked: bool) -> str:
    """Whole years; at death, for whoever may not see the birth date, by the years alone: who can write a date of
    death could otherwise find the birthday by trying."""
    if unmasked:
        return f"date_part('year', age(coalesce(p.deceased_on, {today}), p.birth_date))::int"
    at_death = "date_part('year', p.deceased_on) - date_part('year', p.birth_date)"
    return f"CASE WHEN p.deceased_on IS NULL THEN date_part('year', age({today}, p.birth_date)) ELSE {at_death} END::int"


def person(*, unmasked: bool, today: str) -> str:
    """Columns of a person `p`; `today` is the bound date in Bangkok that ages are counted to."""
    shown = _UNMASKED if unmasked else _MASKED
    return f"""p.id, p.household_id, {shown["citizen_id"]} AS citizen_id, p.no_id_reason, p.prefix, p.first_name,
      {shown["last_name"]} AS last_name, p.sex, {shown["birth_date"]} AS birth_date,
      {_age(today, unmasked=unmasked)} AS age,
      p.vital_status, p.deceased_on, p.welfare_card, p.disabilities, p.bedridden, p.able_to_work, p.occupation,
      p.annual_income::text AS annual_income, {shown["phone"]} AS phone, p.version, p.created_at, p.updated_at"""


def members(*, unmasked: bool, today: str) -> str:
    """The members of a household `h`: the head first, then in the order they were registered, and at the end those
    who have left and are registered nowhere else since."""
    return f"""(SELECT coalesce(json_agg(m), '[]') FROM (
      SELECT ms.person_id, ms.relationship, ms.joined_on, ms.left_on,
        (SELECT row_to_json(one) FROM (SELECT {person(unmasked=unmasked, today=today)}) one) AS person
      FROM membership ms JOIN person p ON p.household_id = ms.household_id AND p.id = ms.person_id
      WHERE ms.household_id = h.id
      ORDER BY ms.left_on IS NOT NULL, ms.relationship <> 'head', ms.id) m)"""


def household(*, unmasked: bool, today: str) -> str:
    """Columns of a household `h` with its members."""
    return f"""h.id, h.house_code,
    (SELECT row_to_json(a) FROM (SELECT h.house_no, h.moo, h.village_name, h.road, h.postcode) a) AS address,
    h.area_code,
    CASE WHEN h.latitude IS NOT NULL THEN (SELECT row_to_json(l) FROM (SELECT h.latitude, h.longitude) l) END AS location,
    h.case_status, h.close_outcome, h.classification, h.stage,
    h.annual_income_per_person::text AS annual_income_per_person, h.dimension_mask, h.target_groups, h.sources,
    h.head_person_id, CASE WHEN h.head_person_id IS NULL THEN '["head"]'::json ELSE '[]'::json END AS incomplete,
    {members(unmasked=unmasked, today=today)} AS members,
    h.has_land, h.version, h.created_at, h.updated_at"""
