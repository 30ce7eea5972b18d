"""One chunk of a file: which households and persons its rows are of."""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from domain.access.actor import Actor, Scope
from domain.exchange.importing.job import Job
from domain.exchange.importing.matching import fits, group_of, house_key, location_of, record_key
from domain.exchange.importing.state import Found, Household, Person, Plan, Record
from domain.exchange.importing.surveys import Surveys
from domain.exchange.importing.values import of_household
from domain.exchange.reading.kinds import SOURCES
from domain.exchange.reading.rows import CleanRow
from domain.registry.provenance import EVERY, Origin


class Chunk:
    """One chunk of a file under way: what is known, and what is to be written."""

    def __init__(
        self,
        job: Job,
        found: Found,
        *,
        about: Mapping[int, bytes],
        places: Collection[str],
        surveys: Surveys,
        touched: Mapping[UUID, Mapping[str, int]],
        refused: Collection[str] = (),
        new_id: Callable[[], UUID],
        today: date,
    ) -> None:
        """`about`: by row the key of whom it is about. `places`: area codes that there are.
        `touched`: which row of the file has said what of a household before.
        `refused`: citizen ids that are somebody's out of reach."""
        self.job, self.found, self.about, self.places, self.refused = job, found, about, places, refused
        self.actor: Actor = job.actor
        self.tells_masked = Scope.PERSONS_PII in job.scopes
        """Whether the report may say that a masked field differs."""
        self.new_id, self.today, self.surveys = new_id, today, surveys
        self.source: str = SOURCES[job.kind]
        self._groups: dict[str, Household] = {}
        self.touched = {home: dict(said) for home, said in touched.items()}
        self.plan = Plan()
        self._planned: set[Household | Person] = set()
        self.placed: dict[str, Mapping[str, str] | None] = {}
        """What is wrong with an area code, once it was looked at."""
        self._said: dict[date | None, Origin] = {}

    # -- households of the file

    def note_home(self, row: CleanRow) -> None:
        """Rows that share a house are together, also where one of them alone is known."""
        group = group_of(row)
        if group is None or group in self._groups:
            return
        home = self.known_home(row)
        person = self.known_person(row)
        if home is None and person is not None and fits(person.household, row):
            home = person.household
        if home is not None:
            self._groups[group] = home

    def known_person(self, row: CleanRow) -> Person | None:
        if row.citizen_id is not None:
            return self.found.persons.get(row.citizen_id)
        known = self.found.records.get(record_key(row, self.job))
        return known[1] if known else None

    def known_home(self, row: CleanRow) -> Household | None:
        part = row.household
        assert part is not None
        if part.house_code is not None:
            homes = self.found.by_code.get(part.house_code, ())
            return homes[0] if len(homes) == 1 else None
        if part.household_record_id is not None:
            known = self.found.records.get(house_key(row, self.job))
            return known[0] if known else None
        return None

    def home(self, row: CleanRow) -> Household:
        """The household of a row whose person is not known."""
        group = group_of(row)
        if group is not None and group in self._groups:
            return self._groups[group]
        made = self._new_home(row)
        if group is not None:
            self._groups[group] = made
            assert row.household is not None
            if row.household.house_code is None:
                self.plan.records.append(Record(house_key(row, self.job), made, None))
        return made

    def _new_home(self, row: CleanRow) -> Household:
        part = row.household
        assert part is not None
        assert part.area_code is not None
        values: dict[str, Any] = of_household(part)
        values["classification"] = values["classification"] or "unclassified"
        values["house_code"] = part.house_code
        values["location"] = location_of(part)
        made = Household(
            id=self.new_id(),
            area_code=part.area_code,
            new=True,
            version=1,
            case_status="imported",
            values=values,
            provenance={EVERY: self.said(row).stamp()},
            sources=[],
            target_groups=[],
            head_person_id=None,
            made_by=row.number,
            said=part,
        )
        self.touched[made.id] = {name: row.number for name, value in values.items() if value is not None}
        self.touch(made)
        return made

    def touch(self, household: Household) -> None:
        if household not in self._planned:
            self._planned.add(household)
            self.plan.households.append(household)

    def touch_person(self, person: Person) -> None:
        if person not in self._planned:
            self._planned.add(person)
            self.plan.persons.append(person)

    def said(self, row: CleanRow) -> Origin:
        """This file, for what a row says: seen when the row says, else on the day it came."""
        known = self._said.get(row.seen_on)
        if known is None:
            known = self._said[row.seen_on] = Origin(self.source, row.seen_on or self.today)
        return known
