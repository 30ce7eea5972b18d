"""What leaves the reference tables, and the conditions of its lists: they AND, a repeated filter ORs."""

from collections.abc import Sequence
from typing import Any

from domain.kernel import Value
from domain.reference.agency import Agency, AgencyFilter
from domain.reference.area import Area, AreaFilter
from domain.reference.campaign import CampaignDraft
from domain.reference.indicator import Indicator, IndicatorFilter
from domain.thai import arabic_digits, clean, name_prefix
from persistence.keyset import Order, Source
from persistence.sql import Binds


def _of(model: type[Value], alias: str) -> str:
    """The columns of a value that is stored field by field."""
    return ", ".join(f"{alias}.{name}" for name in model.model_fields)


AREA = Source("area", "a", _of(Area, "a"))
AGENCY = Source("agency", "g", _of(Agency, "g"))
INDICATOR = Source("indicator", "i", _of(Indicator, "i"))
CODE = Source("code", "c", "c.code, c.name_th, c.name_en")
# The document holds a CampaignDraft as JSON.
_PROGRAMME = ", ".join(f"y.document->'{name}' AS {name}" for name in CampaignDraft.model_fields)
CAMPAIGN = Source("campaign", "y", f"y.id, {_PROGRAMME}, y.version")

BY_CODE = Order((("code", "text"),))
BY_NUMBER = Order((("framework", "text"), ("edition", "text"), ("number", "integer")))
BY_SEQUENCE = Order((("sequence", "integer"), ("code", "text")))
BY_YEAR = Order((("fiscal_year", "integer"),))

DIMENSIONS = """SELECT coalesce(json_agg(t), '[]') FROM (
    SELECT c.code, c.name_th, c.name_en, c.sequence, c.source FROM code c WHERE c.list = 'dimension'
    ORDER BY c.sequence) t"""
CODE_LISTS = """SELECT coalesce(json_agg(t), '[]') FROM (
    SELECT c.list, count(*) AS count, array_agg(c.code ORDER BY c.sequence, c.code) AS codes FROM code c
    GROUP BY c.list ORDER BY c.list) t"""


def one(source: Source, key: str, version: str = "0") -> str:
    """The statement for one row by its key, as JSON beside its version."""
    alias = source.alias
    return (
        f"SELECT (SELECT row_to_json(t) FROM (SELECT {source.columns}) t) AS document, {version} AS version"
        f" FROM {source.table} {alias} WHERE {alias}.{key} = $1"
    )


def _any(column: str, values: Sequence[Any], binds: Binds) -> list[str]:
    return [f"{column} = ANY({binds(list(values))}::text[])"] if values else []


def of_areas(where: AreaFilter, binds: Binds) -> list[str]:
    found = _any("a.parent_code", where.parent, binds) + _any("a.level", where.level, binds)
    if not where.include_abolished:
        found.append("a.abolished_on IS NULL")
    if where.q:
        found.append(_area_begins(where.q, binds))
    return found


def _area_begins(text: str, binds: Binds) -> str:
    prefix = name_prefix(text)
    # A vowel that waits for its consonant has no key of its own yet.
    thai = f"a.name_key ^@ {binds(prefix)}" if prefix else f"a.name_th ^@ {binds(clean(text))}"
    english = f"a.name_en_key ^@ {binds(prefix or text)}"
    return f"({thai} OR {english} OR a.code ^@ {binds(arabic_digits(text))})"


def of_agencies(where: AgencyFilter, binds: Binds) -> list[str]:
    found = []
    if where.kind:
        kinds = f"{binds(where.kind)}::text[]"
        found.append(f"(g.kind = ANY({kinds}) OR g.category = ANY({kinds}))")
    if where.area:
        found.append(f"({' OR '.join(f'g.area_code ^@ {binds(area)}' for area in where.area)})")
    if where.enabled is not None:
        found.append("g.enabled" if where.enabled else "NOT g.enabled")
    if where.q:
        words = [prefix for word in where.q.split() if (prefix := name_prefix(word))]
        found += [f"strpos(g.search_key, {binds(word)}) > 0" for word in words]
        found += [] if words else [f"strpos(g.name_th, {binds(clean(where.q))}) > 0"]
    return found


def of_indicators(where: IndicatorFilter, binds: Binds) -> list[str]:
    found = _any("i.framework", where.framework, binds)
    found += _any("i.edition", where.edition, binds)
    found += _any("i.dimension", where.dimension, binds)
    if where.agency:
        # A unit is found under its kind as well: PROV_MOPH-42 under PROV_MOPH.
        codes = sorted({code for given in where.agency for code in (given, given.partition("-")[0])})
        found.append(f"(i.lead_agencies || i.joint_agencies) && {binds(codes)}::text[]")
    return found
