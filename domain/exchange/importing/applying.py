"""One row applied: its person is found or made, and its household with it."""

from domain.exchange.importing.housing import Housing
from domain.exchange.importing.job import RowOutcome
from domain.exchange.importing.matching import keys_of, record_key, row_code
from domain.exchange.importing.state import DEFAULTS, Household, Identity, Person, Record
from domain.exchange.importing.values import of_person
from domain.exchange.reading.kinds import ImportKind
from domain.exchange.reading.rows import PersonPart
from domain.registry.provenance import EVERY, Settled, origin, settle
from domain.thai import name_key

# To look a member of an enumeration up costs as much as a rule.
_CREATED, _UPDATED, _UNCHANGED, _CONFLICT = (
    RowOutcome.CREATED,
    RowOutcome.UPDATED,
    RowOutcome.UNCHANGED,
    RowOutcome.CONFLICT,
)
_NOT_COMPARED = row_code(
    "phone", "not-compared", "A team has registered the person: the phone is neither compared nor taken."
)
_DEFAULTS = tuple(DEFAULTS.items())


class Applied(Housing):
    """One row that is to be applied."""

    def apply(self) -> None:
        chunk, row = self._chunk, self._row
        person = chunk.known_person(row)
        if person is None:
            home = chunk.home(row)
            person = self._same_name(home)
        was_new = person is None
        if person is None:
            person = self._join(home)
        elif not person.current:
            self.keep_stored("", "left-household", "The person is no member of the household any more.")
        else:
            self._renew(person)
        home = person.household
        changed = was_new
        if person.current:
            if home.made_by != row.number:
                changed |= self._house(home, person)
            changed |= self._evidence(home) or person.changed
            changed |= self._survey(home, person)
        one = self._one
        one.household_id, one.person_id, one.area_code = home.id, person.id, home.area_code
        one.codes, one.diff = self._codes, self._diff
        if self._disagrees:
            one.outcome = _CONFLICT
        elif was_new:
            one.outcome = _CREATED
        else:
            one.outcome = _UPDATED if changed else _UNCHANGED

    def _same_name(self, home: Household) -> Person | None:
        """A stored member of the household with this name; one whose citizen id is another's is somebody else."""
        part, row = self._row.person, self._row
        assert part is not None
        keys = keys_of(part)
        for member in home.members:
            if member.new or not member.current or member.keys != keys:
                continue
            born = member.values["birth_date"]
            if born is not None and part.birth_date is not None and born != part.birth_date:
                continue
            if row.citizen_id is not None and (member.identified or member.citizen_id is not None):
                continue
            return member
        return None

    def _join(self, home: Household) -> Person:
        chunk, row, part = self._chunk, self._row, self._row.person
        assert part is not None
        values = of_person(part)
        for name, usual in _DEFAULTS:
            if values[name] is None:
                values[name] = usual if name != "disabilities" else []
        if chunk.job.kind is ImportKind.WELFARE_CARD and part.welfare_card is None:
            values["welfare_card"] = "has_card"
        stamp = self._by.stamp()
        person = Person(
            id=chunk.new_id(),
            household=home,
            new=True,
            version=1,
            values=values,
            provenance={EVERY: stamp},
            relationship=self._place(home, part, values["vital_status"]),
            current=True,
            identified=row.citizen_id is not None,
            keys=keys_of(part),
            citizen_id=row.citizen_id,
            no_id_reason=None if row.citizen_id else (row.no_id_reason or "not_known"),
            phone=part.phone,
            joined_on=part.joined_on,
        )
        if part.phone is not None:
            person.provenance["phone"] = [*stamp, self._phone_hash(part.phone)]
        if person.relationship == "head":
            home.head_person_id = person.id
        home.members.append(person)
        home.evidenced = True
        chunk.touch(home)
        chunk.touch_person(person)
        if row.citizen_id is not None:
            chunk.plan.identities.append(Identity(row.citizen_id, person))
        else:
            chunk.plan.records.append(Record(record_key(row, chunk.job), home, person))
        return person

    def _place(self, home: Household, part: PersonPart, vital_status: str) -> str:
        """The relationship of a new member; a household has one head, who lives."""
        given = part.relationship.value if part.relationship else "other"
        if given != "head":
            return given
        if vital_status == "deceased":
            self.keep_stored("relationship", "deceased-head", "A deceased person cannot be the head.")
            return "other"
        if home.head_person_id is not None or any(
            m.current and m.relationship == "head" for m in home.members
        ):
            self.keep_stored(
                "relationship", "duplicate-head", "The household has another head; recorded as `other`."
            )
            return "other"
        return "head"

    def _renew(self, person: Person) -> None:
        chunk, row, part = self._chunk, self._row, self._row.person
        assert part is not None
        verified = person.household.verified
        said = of_person(part)
        if chunk.job.kind is ImportKind.WELFARE_CARD and said["welfare_card"] is None:
            said["welfare_card"] = "has_card"
        for name, given in said.items():
            if given is None or person.values[name] == given:
                continue
            if name == "deceased_on" and person.values["vital_status"] != "deceased":
                continue
            self._field(person, name, given, verified=verified)
        if person.values["vital_status"] != "deceased" and person.values["deceased_on"] is not None:
            person.before.setdefault("deceased_on", person.values["deceased_on"])
            person.values["deceased_on"] = None
        if "vital_status" in person.before and person.values["vital_status"] == "deceased":
            self._widow(person)
        if {"first_name", "last_name"} & person.before.keys():
            last = person.values["last_name"]
            person.keys = name_key(person.values["first_name"]), name_key(last) if last else ""
        self._phone(person, part.phone)
        self._relation(person, part, verified=verified)
        if row.citizen_id is not None and not person.identified:
            person.before["citizen_id"] = None
            person.citizen_id, person.identified, person.no_id_reason = row.citizen_id, True, None
            chunk.plan.identities.append(Identity(row.citizen_id, person))
        if person.changed:
            chunk.touch_person(person)
            chunk.touch(person.household)

    def _widow(self, person: Person) -> None:
        home = person.household
        if home.head_person_id == person.id:
            home.before.setdefault("head_person_id", home.head_person_id)
            home.head_person_id = None

    def _phone(self, person: Person, given: str | None) -> None:
        """Stored sealed: compared by a hash that stands beside where it came from."""
        if given is None:
            return
        noted = person.provenance.get("phone")
        hashed = self._phone_hash(given)
        if noted is not None and len(noted) > 2 and noted[2] == hashed:
            return
        if noted is None and EVERY not in person.provenance:
            # A team's: whether there is one cannot be seen from here.
            self._codes.append(_NOT_COMPARED)
            return
        stored: str | None = None if noted is None else "another"
        verdict = settle(
            "phone",
            stored,
            origin(person.provenance, "phone"),
            "this",
            self._by,
            verified=person.household.verified,
        )
        self._tell(person, "phone", None, given, verdict)
        if verdict.writes:
            person.before["phone"] = None
            person.phone = given
            person.provenance = {**person.provenance, "phone": [*self._by.stamp(), hashed]}

    def _phone_hash(self, phone: str) -> str:
        hashed: bytes = self._chunk.found.keyed(f"phone|{phone}")
        return hashed[:8].hex()

    def _relation(self, person: Person, part: PersonPart, *, verified: bool) -> None:
        if part.relationship is None or part.relationship == person.relationship:
            return
        home, given = person.household, part.relationship.value
        taken = given == "head" and home.head_person_id is not None
        if taken or person.relationship == "head":
            by = origin(person.provenance, "relationship")
            if by.source != self._by.source or verified:
                self._tell(person, "relationship", person.relationship, given, Settled.OPEN)
            else:
                self.keep_stored("relationship", "duplicate-head", "Name a new head by its own operation.")
            return
        self._field(person, "relationship", given, verified=verified)
        if person.relationship == "head" and home.head_person_id is None:
            home.before.setdefault("head_person_id", None)
            home.head_person_id = person.id
