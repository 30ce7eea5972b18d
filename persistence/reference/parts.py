"""The rows that each reference file makes in its table, and the statement that brings them there.

One COPY into a temporary table and one upsert of what differs: 35,000 agencies take as long as the COPY.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

import orjson

from domain.reference.units import ActsThrough
from domain.thai import name_key
from persistence.engine import Connection
from persistence.reference.rows import Agency, Area, Indicator, Reference


class Loading(Connection, Protocol):
    """A connection that takes rows in bulk."""

    async def copy_records_to_table(
        self, table: str, *, records: Sequence[tuple[Any, ...]], columns: list[str]
    ) -> str: ...


@dataclass(frozen=True, slots=True)
class Part:
    """What one file puts into one table."""

    file: str
    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]] = field(repr=False)
    json: tuple[str, ...] = ()
    """Columns that come as JSON text."""
    once: tuple[str, ...] = ()
    """Columns that a row keeps once it is there: its id."""
    owned: bool = False
    """The table tells an operator's rows apart, and counts versions."""
    deletes: str | None = None
    """Rows under this condition that the file no longer has are deleted; None: they are kept."""


def parts(reference: Reference, new_id: Callable[[], UUID]) -> Iterator[Part]:
    """All of them but the routing, each file once."""
    yield Part("areas.csv", "area", ("code",), _AREA, [_area(one) for one in reference.areas])
    yield Part(
        "agency_kinds.csv",
        "agency",
        ("code",),
        (*Agency._fields, "search_key"),
        [(*one, search_key(one)) for one in reference.agencies],
        owned=True,
    )
    yield Part(
        "indicators.csv", "indicator", ("id",), _INDICATOR, [_indicator(one) for one in reference.indicators]
    )
    yield from _codes(reference)
    yield Part(
        "menus.toml",
        "menu",
        ("code",),
        ("id", "code", "dimension", "indicators", "agencies", "enabled", "document"),
        [
            (
                new_id(),
                one.code,
                one.dimension,
                one.indicators,
                [*one.lead_agencies, *one.joint_agencies],
                one.enabled,
                one.model_dump_json(),
            )
            for one in reference.menus
        ],
        json=("document",),
        once=("id",),
        owned=True,
    )
    yield Part(
        "campaigns.toml",
        "campaign",
        ("fiscal_year",),
        ("id", "fiscal_year", "document"),
        [(new_id(), one.fiscal_year, one.model_dump_json()) for one in reference.campaigns],
        json=("document",),
        once=("id",),
        owned=True,
    )


_AREA = (
    "code", "level", "name_th", "name_en", "parent_code", "abolished_on", "successors", "name_key",
    "name_en_key", "source",
)  # fmt: skip


def _area(area: Area) -> tuple[Any, ...]:
    ended = date.fromisoformat(area.abolished_on) if area.abolished_on else None
    return (
        *area[:5],
        ended,
        area.successors,
        name_key(area.name_th),
        name_key(area.name_en) if area.name_en else None,
        area.source,
    )


_INDICATOR = (
    "id", "framework", "edition", "number", "name_th", "name_en", "category", "category_en", "dimension",
    "lead_agencies", "joint_agencies", "unit", "age_min", "age_max", "sensitive", "successor", "source",
)  # fmt: skip


def _indicator(indicator: Indicator) -> tuple[Any, ...]:
    # Membership and its note are the campaign's (`mpi_members`), not the indicator's.
    return (*indicator[:15], indicator.successor, indicator.source)


def _codes(reference: Reference) -> Iterator[Part]:
    """Both files fill one table: the list `dimension` is that of dimensions.csv."""
    columns = ("list", "code", "name_th", "name_en", "sequence", "source")
    key = ("list", "code")
    dimensions = [
        ("dimension", one.code, one.name_th, one.name_en, one.sequence, one.source)
        for one in reference.dimensions
    ]
    others = [tuple(one) for one in reference.codes if one.list != "dimension"]
    yield Part("dimensions.csv", "code", key, columns, dimensions, deletes="t.list = 'dimension'")
    yield Part("codes.csv", "code", key, columns, others, deletes="t.list <> 'dimension'")


def search_key(agency: Any) -> str:
    """Code, names, abbreviation and aliases of an agency as one key."""
    words = (agency.code, agency.name_th, agency.name_en, agency.abbreviation, *agency.aliases)
    return name_key(" ".join(word for word in words if word))


async def upsert(connection: Loading, part: Part, now: datetime) -> int:
    """Inserts and updates what differs, deletes what may go; how many rows that were.

    An operator's row is left as it is, also one that appears while this runs.
    """
    await _copy(connection, part.table, part.columns, part.json, part.rows)
    done = _count(await connection.execute(_upsert_sql(part), *([now] if part.owned else [])))
    if part.deletes is not None:
        same = " AND ".join(f"i.{name} = t.{name}" for name in part.key)
        done += _count(
            await connection.execute(
                f"DELETE FROM {part.table} t WHERE {part.deletes}"
                f" AND NOT EXISTS (SELECT FROM incoming i WHERE {same})"
            )
        )
    await connection.execute("DROP TABLE incoming")
    if done:
        # The first requests come before autovacuum does.
        await connection.execute(f"ANALYZE {part.table}")
    return done


def _upsert_sql(part: Part) -> str:
    values = {name: f"i.{name}::jsonb" if name in part.json else f"i.{name}" for name in part.columns}
    settled = [name for name in part.columns if name not in part.key and name not in part.once]
    updates = [f"{name} = EXCLUDED.{name}" for name in settled]
    mine = "t.origin = 'packaged'" if part.owned else "true"
    if part.owned:
        values["updated_at"] = "$1::timestamptz"
        updates += ["updated_at = EXCLUDED.updated_at", "version = t.version + 1"]
    same = " AND ".join(f"t.{name} = i.{name}" for name in part.key)
    stored = ", ".join(f"t.{name}" for name in settled)
    incoming = ", ".join(values[name] for name in settled)
    return f"""INSERT INTO {part.table} AS t ({", ".join(values)})
      SELECT {", ".join(values.values())} FROM incoming i LEFT JOIN {part.table} t ON {same}
      WHERE t.{part.key[0]} IS NULL OR ({mine} AND ROW({stored}) IS DISTINCT FROM ROW({incoming}))
      ON CONFLICT ({", ".join(part.key)}) DO UPDATE SET {", ".join(updates)} WHERE {mine}"""


async def route(connection: Loading, reference: Reference) -> int:
    """Writes to each kind where its units stand and who acts for it: also to kinds an operator has amended,
    for the API does not know these columns."""
    through: dict[str, list[ActsThrough]] = {}
    for line in reference.acts_through:
        through.setdefault(line.code, []).append(line)
    rows = [(kind.code, kind.acts_at, _lines(through.get(kind.code, []))) for kind in reference.agency_kinds]
    columns = ("code", "acts_at", "acts_through")
    await _copy(connection, "agency", columns, ("acts_through",), rows)
    done = _count(
        await connection.execute(
            """UPDATE agency t SET acts_at = i.acts_at, acts_through = i.acts_through::jsonb FROM incoming i
               WHERE t.code = i.code
                 AND ROW(t.acts_at, t.acts_through) IS DISTINCT FROM ROW(i.acts_at, i.acts_through::jsonb)"""
        )
    )
    await connection.execute("DROP TABLE incoming")
    return done


def _lines(lines: Sequence[ActsThrough]) -> str:
    return orjson.dumps([line.model_dump() for line in lines]).decode()


async def _copy(
    connection: Loading,
    table: str,
    columns: Sequence[str],
    json: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """A temporary table `incoming` with these columns and rows; JSON stays text until the upsert reads it."""
    typed = ", ".join(f"{name}::text AS {name}" if name in json else name for name in columns)
    await connection.execute(
        f"CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT {typed} FROM {table} WITH NO DATA"
    )
    await connection.copy_records_to_table("incoming", records=rows, columns=list(columns))


def _count(status: str) -> int:
    """The rows of a command's tag, `INSERT 0 5`."""
    return int(status.rsplit(" ", 1)[1])
