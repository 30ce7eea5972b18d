"""The reference files as checked rows: what this package carries, or an operator's newer file in its place.

Each reader takes the path of a file, or reads the packaged one; what it must agree with comes as arguments.
`read_reference` reads them all in the order in which they lean on each other. Faults are
`ReferenceFileError`s that name file and line. Areas come from the package geothai (see README.md here).
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from domain.casework.menus import MenuDraft
from domain.reference.campaign import CampaignDraft
from domain.reference.units import ActsThrough
from domain.registry.deprivation import DIMENSIONS
from persistence.reference.places import (
    every_agency,
    packaged_areas,
    read_agency_kinds,
    read_areas,
)
from persistence.reference.rows import CodeEntry, Dimension, Indicator, Reference
from persistence.reference.sheets import (
    ReferenceFileError,
    Row,
    Source,
    numbered,
    packaged,
    read_unique,
    toml_tables,
)

FILES = (
    "areas.csv",
    "agency_kinds.csv",
    "acts_through.csv",
    "dimensions.csv",
    "indicators.csv",
    "codes.csv",
    "menus.toml",
    "campaigns.toml",
)
"""The files an operator may bring, by name; `areas.csv` is not packaged."""


def read_reference(replaced: Mapping[str, Path] | None = None) -> Reference:
    """Everything, with the files of `replaced` (by the names of FILES) in place of the packaged ones.

    KeyError for a name that is not one of FILES.
    """
    given = dict(replaced or {})
    if unknown := set(given) - set(FILES):
        raise KeyError(f"no reference file is called {sorted(unknown)[0]}")
    areas = read_areas(given["areas.csv"]) if "areas.csv" in given else packaged_areas()
    kinds = read_agency_kinds(given.get("agency_kinds.csv"))
    known_kinds = frozenset(kind.code for kind in kinds)
    dimensions = read_dimensions(given.get("dimensions.csv"))
    indicators = read_indicators(given.get("indicators.csv"), kinds=known_kinds)
    known_indicators = {indicator.id: indicator for indicator in indicators}
    codes = read_codes(given.get("codes.csv"))
    return Reference(
        areas=areas,
        agency_kinds=kinds,
        agencies=every_agency(kinds, areas),
        acts_through=read_acts_through(
            given.get("acts_through.csv"), kinds=known_kinds, indicators=known_indicators
        ),
        dimensions=dimensions,
        indicators=indicators,
        menus=read_menus(
            given.get("menus.toml"),
            kinds=known_kinds,
            indicators=known_indicators,
            menu_kinds={entry.code for entry in codes if entry.list == "menu_kind"},
        ),
        campaigns=read_campaigns(given.get("campaigns.toml"), kinds=known_kinds, indicators=known_indicators),
        codes=codes,
    )


def read_dimensions(path: Path | None = None) -> tuple[Dimension, ...]:
    """The five dimensions; refused in any other order, because masks are read by position."""
    source = path or packaged("dimensions.csv")

    def build(row: Row) -> Dimension:
        return Dimension(
            code=row.text("code"),
            sequence=row.number("sequence"),
            name_th=row.text("name_th"),
            name_en=row.text("name_en"),
            source=row.text("source"),
        )

    found = read_unique(source, Dimension._fields, build, lambda item: item.code)
    if tuple(item.code for item in found) != DIMENSIONS:
        raise ReferenceFileError(source.name, 1, f"the dimensions are {', '.join(DIMENSIONS)}, in this order")
    return found


def read_codes(path: Path | None = None) -> tuple[CodeEntry, ...]:
    """Every code list of the API, each in its sequence."""

    def build(row: Row) -> CodeEntry:
        code = row.text("code")
        if code != code.lower():
            raise row.fault(f"code: {code} is not lower case")
        return CodeEntry(
            list=row.text("list"),
            code=code,
            name_th=row.text("name_th"),
            name_en=row.text("name_en"),
            sequence=row.number("sequence"),
            source=row.text("source"),
        )

    source = path or packaged("codes.csv")
    return read_unique(source, CodeEntry._fields, build, lambda entry: (entry.list, entry.code))


def read_indicators(path: Path | None = None, *, kinds: Collection[str]) -> tuple[Indicator, ...]:
    """Indicators of all frameworks and editions; their agencies must be known kinds."""
    source = path or packaged("indicators.csv")

    def build(row: Row) -> Indicator:
        framework = row.among("framework", row.text("framework"), ("bmn", "village"))
        edition, number = row.text("edition"), row.number("number")
        if row.text("id") != f"{framework}-{edition}-{number}":
            raise row.fault("id is not framework-edition-number")
        dimension = row.optional("dimension")
        if dimension is not None:
            row.among("dimension", dimension, DIMENSIONS)
        elif row.flag("mpi_member"):
            raise row.fault("an MPI member needs a dimension")
        return Indicator(
            id=row.text("id"),
            framework=framework,
            edition=edition,
            number=number,
            name_th=row.text("name_th"),
            name_en=row.text("name_en"),
            category_th=row.text("category_th"),
            category_en=row.text("category_en"),
            dimension=dimension,
            lead_agencies=row.several("lead_agencies", kinds),
            joint_agencies=row.several("joint_agencies", kinds),
            unit=row.among("unit", row.text("unit"), ("person", "household", "village")),
            age_min=row.optional_number("age_min"),
            age_max=row.optional_number("age_max"),
            sensitive=row.flag("sensitive"),
            mpi_member=row.flag("mpi_member"),
            mpi_note=row.optional("mpi_note"),
            successor=row.optional("successor"),
            note=row.optional("note"),
            source=row.text("source"),
        )

    found = numbered(source, Indicator._fields, build, lambda indicator: indicator.id)
    known = {indicator.id for _, indicator in found}
    for row, indicator in found:
        if indicator.successor is not None:
            row.among("successor", indicator.successor, known)
    return tuple(indicator for _, indicator in found)


def read_acts_through(
    path: Path | None = None, *, kinds: Collection[str], indicators: Collection[str]
) -> tuple[ActsThrough, ...]:
    """Who acts for whom at a place (domain §5)."""

    def build(row: Row) -> ActsThrough:
        return ActsThrough(
            code=row.among("code", row.text("code"), kinds),
            sequence=row.number("sequence"),
            unit_kind=row.among("unit_kind", row.text("unit_kind"), kinds),
            indicators=row.several("indicators", indicators),
            reason_th=row.text("reason_th"),
            reason_en=row.text("reason_en"),
            source=row.text("source"),
        )

    source = path or packaged("acts_through.csv")
    columns = tuple(ActsThrough.model_fields)
    return read_unique(source, columns, build, lambda line: (line.code, line.sequence))


def read_menus(
    path: Path | None = None,
    *,
    kinds: Collection[str],
    indicators: Collection[str],
    menu_kinds: Collection[str],
) -> tuple[MenuDraft, ...]:
    """The menus with their conditions; agencies are kinds, or units of known kinds."""
    source = path or packaged("menus.toml")
    seen: set[str] = set()
    menus = []
    for line, menu in toml_tables(source, "menus", MenuDraft):
        named = {code.partition("-")[0] for code in (*menu.lead_agencies, *menu.joint_agencies)}
        _known(source, line, "agency", named, kinds)
        _known(source, line, "indicator", menu.indicators, indicators)
        _known(source, line, "kind", [menu.kind], menu_kinds)
        if menu.code in seen:
            raise ReferenceFileError(source.name, line, f"{menu.code} stands twice")
        seen.add(menu.code)
        menus.append(menu)
    return tuple(menus)


def read_campaigns(
    path: Path | None = None, *, kinds: Collection[str], indicators: Mapping[str, Indicator]
) -> tuple[CampaignDraft, ...]:
    """The programme of each fiscal year; MPI members must be of the year's edition and of their dimension."""
    source = path or packaged("campaigns.toml")
    seen: set[int] = set()
    campaigns = []
    for line, campaign in toml_tables(source, "campaigns", CampaignDraft):
        _known(
            source, line, "agency", {code for phase in campaign.phases for code in phase.responsible}, kinds
        )
        for dimension, members in campaign.mpi_members.by_dimension().items():
            _known(source, line, "indicator", members, indicators)
            for member in members:
                found = indicators[member]
                if (found.edition, found.dimension) != (campaign.indicator_edition, dimension):
                    detail = f"{member} is not of edition {campaign.indicator_edition} and {dimension}"
                    raise ReferenceFileError(source.name, line, detail)
        if campaign.fiscal_year in seen:
            raise ReferenceFileError(source.name, line, f"{campaign.fiscal_year} stands twice")
        seen.add(campaign.fiscal_year)
        campaigns.append(campaign)
    return tuple(campaigns)


def _known(source: Source, line: int, what: str, codes: Collection[str], known: Collection[str]) -> None:
    for code in sorted(codes):
        if code not in known:
            raise ReferenceFileError(source.name, line, f"{what}: {code} is not known")
