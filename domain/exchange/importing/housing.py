"""What a row says of its household: address, evidence, target group, survey."""

from domain.exchange.importing.comparing import Comparing
from domain.exchange.importing.matching import alike, evidenced, fits
from domain.exchange.importing.state import Household, Person
from domain.exchange.importing.values import of_household
from domain.exchange.reading.rows import CleanRow
from domain.registry.provenance import Settled, origin, settle

_OWN_HOUSE = ("house_code", "area_code")


class Housing(Comparing):
    """The household's part of one row."""

    def _house(self, home: Household, person: Person) -> bool:
        """Whether what the row says of the household has changed it."""
        part = self._row.household
        assert part is not None
        if not fits(home, self._row):
            for name in _OWN_HOUSE:
                stored = home.area_code if name == "area_code" else home.values["house_code"]
                given = getattr(part, name)
                if stored is not None and given is not None and not alike(name, stored, given):
                    self._tell(home, name, stored, given, Settled.OPEN)
            return False
        if part.house_code is not None and home.values["house_code"] is None:
            living_there = self._chunk.found.by_code.setdefault(part.house_code, [])
            if any(one is not home for one in living_there):
                # The row's house is that one, and what it says is said of that one.
                self.keep_stored(
                    "house_code", "house-code-taken", "Another household has this house code already."
                )
                return False
            living_there.append(home)
        if home.said is part or home.said == part:
            # Its members' rows all say the same of a house.
            return False
        before, number = len(home.before), self._row.number
        touched = self._chunk.touched.setdefault(home.id, {})
        for name, given in of_household(part).items():
            if given is None:
                continue
            if home.values[name] == given:
                touched.setdefault(name, number)
            elif not self._said_otherwise(home, name):
                self._field(home, name, given, verified=home.verified)
        if len(home.before) > before:
            self._chunk.touch(home)
        return len(home.before) > before

    def _said_otherwise(self, home: Household, name: str) -> bool:
        """Whether an earlier row of the same file has said something of the household, which is not this."""
        earlier = self._earlier(home, name)
        if earlier == self._row.number or home.values[name] is None:
            return False
        self.keep_stored(name, "contradicts-row", f"Row {earlier} says otherwise of the household.")
        return True

    def _earlier(self, home: Household, name: str) -> int:
        """The first row of the file that has said anything of it; this one where none has."""
        return self._chunk.touched.setdefault(home.id, {}).setdefault(name, self._row.number)

    def _evidence(self, home: Household) -> bool:
        row = self._row
        assert row.household is not None
        before = home.sources
        home.sources = evidenced(
            before,
            self._chunk.source,
            row.household.household_record_id or row.record_id,
            row.seen_on,
            self._by,
        )
        changed = home.sources is not before
        changed |= self._target_group(home, row)
        if changed:
            home.evidenced = True
            self._chunk.touch(home)
        return changed

    def _target_group(self, home: Household, row: CleanRow) -> bool:
        assert row.household is not None
        if row.household.target_group is None or row.fiscal_year is None:
            return False
        given = row.household.target_group.value
        stored = next(
            (one["group"] for one in home.target_groups if one["fiscal_year"] == row.fiscal_year), None
        )
        verdict = settle(
            "target_groups",
            stored,
            origin(home.provenance, "target_groups"),
            given,
            self._by,
            verified=home.verified,
        )
        if verdict is Settled.EQUAL or (stored is not None and self._said_otherwise_group(home, row)):
            return False
        if stored is not None:
            self._tell(home, "target_groups", stored, given, verdict)
        if not verdict.writes:
            return False
        home.before.setdefault("target_groups", home.target_groups)
        kept = [one for one in home.target_groups if one["fiscal_year"] != row.fiscal_year]
        home.target_groups = [*kept, {"fiscal_year": row.fiscal_year, "group": given}]
        self._stamp(home, "target_groups")
        return True

    def _said_otherwise_group(self, home: Household, row: CleanRow) -> bool:
        earlier = self._earlier(home, f"target_group:{row.fiscal_year}")
        if earlier == row.number:
            return False
        self.keep_stored("target_group", "contradicts-row", f"Row {earlier} says otherwise of the household.")
        return True

    def _survey(self, home: Household, person: Person) -> bool:
        row = self._row
        if not row.results or row.fiscal_year is None:
            return False
        taken = False
        for key, given in self._chunk.surveys.keys(row, person.id):
            stored = home.results.get(key)
            if stored == given:
                continue
            name = f"indicator_results/{key.indicator_id}"
            earlier = self._earlier(home, f"{name}/{key.person_id}")
            if stored is not None and earlier != row.number:
                self.keep_stored(
                    key.indicator_id, "contradicts-row", f"Row {earlier} says otherwise of the household."
                )
                continue
            by = origin(home.provenance, "indicator_results")
            verdict = settle(name, stored, by, given, self._by, verified=home.verified)
            if stored is not None:
                self._tell(home, name, stored, given, verdict)
            if verdict.writes:
                home.results[key] = home.changed_results[key] = given
                taken = True
        if taken:
            self._stamp(home, "indicator_results")
            home.dimension_mask = self._chunk.surveys.mask(home)
            self._chunk.touch(home)
        return taken
