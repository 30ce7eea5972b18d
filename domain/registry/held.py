"""A household as a change holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Held:
    """A household as it is stored, locked for a change."""

    id: UUID
    area_code: str
    version: int
    fields: Mapping[str, Any]
