"""Indicator results in import files: whose they are, and the dimension mask that follows."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from domain.exchange.importing.state import Household, ResultKey
from domain.exchange.reading.rows import CleanRow
from domain.registry.deprivation import dimension_mask


@dataclass(frozen=True, slots=True)
class SurveyedIndicator:
    edition: str
    dimension: str | None
    of_household: bool


@dataclass(slots=True)
class Surveys:
    """The reference data that a file's results are read by."""

    indicators: Mapping[str, SurveyedIndicator] = field(default_factory=dict)
    members: Mapping[tuple[int, str], Collection[str]] = field(default_factory=dict)
    """Indicators that count for the mask, by fiscal year and edition."""

    def keys(self, row: CleanRow, person_id: UUID) -> Iterator[tuple[ResultKey, str]]:
        """The results of a row, each of its person or of the household as a whole; unknown indicators are left out."""
        assert row.fiscal_year is not None
        for indicator_id, result in row.results:
            known = self.indicators.get(indicator_id)
            if known is not None:
                whose = None if known.of_household else person_id
                yield ResultKey(row.fiscal_year, indicator_id, whose), result.value

    def mask(self, home: Household) -> str | None:
        """By the latest survey, whatever the order in which surveys arrive."""
        year = max((key.fiscal_year for key in home.results), default=None)
        if year is None:
            return home.dimension_mask
        answers, editions = [], set()
        for key, result in home.results.items():
            known = self.indicators.get(key.indicator_id)
            if key.fiscal_year == year and known is not None:
                answers.append((key.indicator_id, known.dimension, result))
                editions.add(known.edition)
        members = {one for edition in editions for one in self.members.get((year, edition), ())}
        return dimension_mask(answers, members)
