"""One row beside what is stored: field by field, with the report's lines and the conflicts."""

from collections.abc import Mapping
from typing import Any

from domain.access.policy import MASKED_FIELDS
from domain.exchange.importing.chunk import Chunk
from domain.exchange.importing.job import Reported
from domain.exchange.importing.matching import row_code, shown
from domain.exchange.importing.state import Disagreement, Household, Person
from domain.exchange.reading.rows import CleanRow
from domain.registry.provenance import EVERY, TEAM, Settled, origin, settle

_CODES = {
    Settled.OPEN: row_code("", "verified-by-team", "A team has said otherwise; its value stands."),
    Settled.KEPT: row_code(
        "", "less-trusted", "A source that is trusted more has said otherwise; its value stands."
    ),
    Settled.REPLACED: row_code(
        "",
        "more-trusted",
        "A source that is trusted less had said otherwise; this value stands.",
    ),
    Settled.OLDER: row_code("", "older-source", "The same source has said otherwise later; that stands."),
}
_NOT_BY_IMPORT = row_code(
    "", "not-by-import", "Another value stands, and no import changes it: a person decides the conflict."
)


class Comparing:
    """One row that is to be applied."""

    def __init__(self, chunk: Chunk, row: CleanRow, one: Reported) -> None:
        self._chunk, self._row, self._one = chunk, row, one
        self._by = chunk.said(row)
        self._codes: list[Mapping[str, str]] = []
        self._diff: list[Mapping[str, Any]] = []
        self._disagrees = False

    # -- one field

    def _field(self, of: Household | Person, name: str, given: Any, *, verified: bool) -> None:
        person = of if isinstance(of, Person) else None
        stored = person.relationship if person and name == "relationship" else of.values[name]
        if stored == given:
            return
        verdict = settle(name, stored, origin(of.provenance, name), given, self._by, verified=verified)
        if verdict is Settled.EQUAL:
            return
        self._tell(of, name, stored, given, verdict)
        if not verdict.writes:
            return
        of.before.setdefault(name, stored)
        if person and name == "relationship":
            person.relationship = given
        else:
            of.values[name] = given
            if isinstance(of, Household):
                of.said = None
        self._stamp(of, name)

    def _stamp(self, of: Household | Person, name: str) -> None:
        stamp = self._by.stamp()
        if of.provenance.get(name, of.provenance.get(EVERY)) != stamp:
            of.provenance = {**of.provenance, name: stamp}

    def _tell(self, of: Household | Person, name: str, stored: Any, given: Any, verdict: Settled) -> None:
        """The report's line on one field, and the conflict where there is one."""
        home = of if isinstance(of, Household) else of.household
        person_id = of.id if isinstance(of, Person) else None
        hidden = name in MASKED_FIELDS
        disagreed = self._disagrees
        code = _CODES.get(verdict)
        if verdict.disagrees:
            hashed = self._chunk.found.keyed(f"given|{name}|{given!r}")[:16]
            if verdict is not Settled.REPLACED:
                if (home.id, person_id, name, hashed) in self._chunk.found.resolved:
                    # A person has decided that it is otherwise: the same is not asked again.
                    return
                self._disagrees = True
            # The answers of a survey are of one source all together.
            by = origin(of.provenance, name.partition("/")[0])
            is_open = verdict is Settled.OPEN
            # Which house somebody lives in, and who is head, is left to people also where no team has said it.
            team = is_open and (home.verified or by.source == TEAM)
            if is_open and not team:
                code = _NOT_BY_IMPORT
            self._chunk.plan.disagreements.append(
                Disagreement(
                    household=home,
                    person_id=person_id,
                    field=name,
                    stored=None if hidden else shown(stored),
                    stored_source=TEAM if team else by.source,
                    stored_seen_on=by.seen_on,
                    given=given if hidden else shown(given),
                    given_source=self._by.source,
                    given_seen_on=self._by.seen_on,
                    given_hash=hashed,
                    row_number=self._row.number,
                    status="open" if is_open else "settled",
                    choice=None if is_open else ("given" if verdict is Settled.REPLACED else "stored"),
                )
            )
        if hidden and not self._chunk.tells_masked:
            # The verdict would tell whether a guess was right; whoever settles conflicts finds it there.
            self._disagrees = disagreed
            return
        if code is not None:
            self._codes.append({**code, "column": name})
        self._diff.append(
            {
                "field": name,
                "masked": hidden,
                "stored": None if hidden else shown(stored),
                "given": None if hidden else shown(given),
                "taken": verdict.writes,
            }
        )

    def keep_stored(self, column: str, code: str, detail: str) -> None:
        self._disagrees = True
        self._codes.append(row_code(column, code, detail))
