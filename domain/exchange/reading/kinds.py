"""The kinds and formats of import files (contract 7; reference codes `import_kind`, `file_format`)."""

from collections.abc import Mapping
from enum import StrEnum

from domain.registry.household import DataSource


class ImportKind(StrEnum):
    THAIQM = "thaiqm"
    TPMAP_TARGET = "tpmap_target"
    VULNERABLE_GROUP = "vulnerable_group"
    WELFARE_CARD = "welfare_card"
    BMN = "bmn"
    ASSISTANCE = "assistance"


class ImportFormat(StrEnum):
    CSV = "csv"
    """Comma, semicolon or tab; UTF-8, UTF-16 with a byte order mark, or cp874 (TIS-620)."""
    XLSX = "xlsx"
    NDJSON = "ndjson"
    """One JSON object a line, UTF-8."""


SOURCES: Mapping[ImportKind, DataSource] = {
    ImportKind.THAIQM: DataSource.THAIQM,
    ImportKind.TPMAP_TARGET: DataSource.TPMAP,
    ImportKind.VULNERABLE_GROUP: DataSource.VULNERABLE,
    ImportKind.WELFARE_CARD: DataSource.WELFARE_CARD,
    ImportKind.BMN: DataSource.BMN,
}
"""What a household is evidenced by when a file of this kind names it; assistance is evidence of nothing."""
