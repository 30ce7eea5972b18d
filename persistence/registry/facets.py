"""What the rarer filters of the household list match: one array of `kind:value`, one GIN index.

The kinds are those that persistence/registry/filters.py asks for. The array is recomputed whenever one of
its sources changes, and is never shown.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from domain.registry.deprivation import failed_dimensions


def facets(
    sources: Iterable[Mapping[str, Any]],
    target_groups: Iterable[Mapping[str, Any]],
    cards: Iterable[str],
    mask: str | None,
    failed_indicators: Iterable[str],
) -> list[str]:
    """The sorted facets: `source:tpmap`, `card:has_card`, `failed:income`, `indicator:bmn-38-29`,
    `group:1a`, `group:2569:1a`, `year:2569`.

    Sources and target groups are as stored (JSON objects), cards those of the current members.
    """
    found = {f"source:{source['system']}" for source in sources}
    found.update(f"card:{card}" for card in cards)
    found.update(f"failed:{dimension}" for dimension in failed_dimensions(mask))
    found.update(f"indicator:{indicator}" for indicator in failed_indicators)
    for entry in target_groups:
        year, group = entry["fiscal_year"], entry["group"]
        found.update((f"group:{group}", f"group:{year}:{group}", f"year:{year}"))
    return sorted(found)
