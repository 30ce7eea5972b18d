"""What a chunk's plan comes to as statements with their values: all the arithmetic, nothing of the database.

It runs in a thread, while the server is at the chunk before.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson

from domain.access.policy import MASKED_FIELDS
from domain.exchange.importing.job import ImportMode, Job, Reported, RowOutcome
from domain.exchange.importing.state import (
    HOUSEHOLD_FIELDS,
    PERSON_FIELDS,
    Household,
    Person,
    Plan,
    ResultKey,
)
from domain.kernel import Trail
from persistence.exchange.imports import statements as sql
from persistence.exchange.imports.finding import keyed_by
from persistence.exchange.imports.transport import as_json, by_column, named, sent
from persistence.exchange.trail import LEAVE_ALL, left_behind
from persistence.registry.facets import facets
from persistence.registry.trails import changed, of_member
from persistence.sealing import Sealing

_values_of_person = itemgetter(*PERSON_FIELDS)
_values_of_household = itemgetter(*HOUSEHOLD_FIELDS)


@dataclass(frozen=True, slots=True)
class Step:
    sql: str
    values: tuple[object, ...]
    rows: int | None = None
    """How many it has to touch: fewer, and somebody else has changed one."""
    claims: bool = False
    """It answers with persons whose citizen ids are somebody else's."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A chunk, ready to be sent."""

    identities: str
    """Citizen ids to be claimed before anything else, as the rows of CLAIM; empty: none."""
    citizen_ids: Mapping[UUID, str]
    """Whose they are, by person."""
    steps: Sequence[Step]
    homes: Sequence[UUID]
    """Households that help may have waited for."""
    report: Sequence[Step]
    counts: Sequence[int]
    """Rows by outcome, in the order of RowOutcome."""


class Preparing:
    """One chunk's."""

    def __init__(
        self,
        sealing: Sealing,
        new_id: Callable[[], UUID],
        job: Job,
        blinds: Mapping[str, bytes],
        *,
        now: datetime,
    ) -> None:
        """`blinds`: the blind indexes of the chunk's citizen ids under the current key."""
        self._sealing, self._new_id, self._job, self._now, self._blinds = sealing, new_id, job, now, blinds

    def prepare(self, plan: Plan, reported: Sequence[Reported]) -> Prepared:
        made = [one for one in plan.households if one.new]
        renewed = sorted(
            (one for one in plan.households if not one.new and one.changed), key=lambda one: one.id
        )
        joined = [one for one in plan.persons if one.new]
        amended = sorted((one for one in plan.persons if not one.new and one.changed), key=lambda one: one.id)
        # In the order of the file.
        homes = dict.fromkeys(
            [one.household.id for one in joined]
            + [one.household.id for one in amended if one.citizen_id]
            + [one.id for one in renewed if "house_code" in one.before]
        )
        counted = Counter(row.outcome for row in reported)
        return Prepared(
            identities=self._identities(plan, new_as_well=self._job.mode is ImportMode.VALIDATE),
            citizen_ids={one.person.id: one.citizen_id for one in plan.identities},
            # As everywhere: persons before households, each in the order of their ids.
            steps=[
                *self._renew_persons(amended),
                *self._renew_households(renewed),
                *self._add(made, joined),
                *self._add_records(plan),
                *self._add_results(plan),
                *self._add_conflicts(plan),
                *self._leave(_trails(self._job, made, renewed, joined, amended)),
            ],
            homes=list(homes),
            report=list(self._report(reported)),
            counts=[counted[outcome] for outcome in RowOutcome],
        )

    def _identities(self, plan: Plan, *, new_as_well: bool) -> str:
        """Of persons that are there; with `new_as_well` of the others too, who else claim theirs as they are added.

        While the key is changed, under each of both.
        """
        index, rows = self._sealing.index, []
        others = [key_id for key_id in index.key_ids if key_id != index.current]
        for text, person in plan.identities:
            keys = [index.current, *others] if new_as_well or not person.new else others
            if keys:
                home = person.household
                whose = person.id, home.id, home.area_code
                rows += [
                    (
                        self._blinds[text] if key_id == index.current else index.under(key_id, text),
                        key_id,
                        *whose,
                    )
                    for key_id in keys
                ]
        # In one order for all writers: of two that register the same persons one waits, and none in a circle.
        rows.sort(key=itemgetter(0))
        return sent(rows, sql.IDENTITY) if rows else ""

    def _renew_persons(self, amended: Sequence[Person]) -> Iterator[Step]:
        if not amended:
            return
        seal = self._sealing.cipher.seal
        rows = [
            (one.household.id, one.id, one.version, *_keys(one), *_values_of_person(one.values))
            for one in amended
        ]
        yield Step(sql.RENEW_PERSONS, (sent(rows, sql.PERSON_OLD), self._now), len(rows))
        identified = [(one, one.citizen_id) for one in amended if one.citizen_id is not None]
        if identified:
            yield Step(
                sql.IDENTIFY,
                (
                    [one.household.id for one, _ in identified],
                    [one.id for one, _ in identified],
                    [text[-3:] for _, text in identified],
                    [seal("person", "citizen_id_sealed", one.id, text) for one, text in identified],
                ),
            )
        called = [(one, one.phone) for one in amended if one.phone is not None]
        if called:
            yield Step(
                sql.PHONE,
                (
                    [one.household.id for one, _ in called],
                    [one.id for one, _ in called],
                    [seal("person", "phone_sealed", one.id, text) for one, text in called],
                ),
            )
        related = [one for one in amended if "relationship" in one.before]
        if related:
            yield Step(
                sql.RELATE,
                (
                    [one.household.id for one in related],
                    [one.id for one in related],
                    [one.relationship for one in related],
                ),
            )

    def _renew_households(self, renewed: Sequence[Household]) -> Iterator[Step]:
        if renewed:
            rows = [(one.version, *_household(one)) for one in renewed]
            yield Step(sql.RENEW_HOUSEHOLDS, (sent(rows, sql.HOUSEHOLD_OLD), self._now), len(rows))

    def _add(self, made: Sequence[Household], joined: Sequence[Person]) -> Iterator[Step]:
        if made:
            homes = [(one.area_code, *_household(one)) for one in made]
            yield Step(sql.ADD_HOUSEHOLDS, (sent(homes, sql.HOUSEHOLD_NEW), self._now))
        if not joined:
            return
        key_id = self._sealing.index.current
        yield Step(
            sql.ADD_MEMBERS, (by_column(self._members(joined), sql.MEMBER), self._now, key_id), claims=True
        )

    def _members(self, joined: Sequence[Person]) -> list[list[Any]]:
        """The columns of MEMBER."""
        seal_all = self._sealing.cipher.seal_all
        places = [str(one.id) for one in joined]
        ids = [one.citizen_id for one in joined]
        homes, values = [one.household for one in joined], [one.values for one in joined]
        return [
            [home.id for home in homes],
            [one.id for one in joined],
            [home.area_code for home in homes],
            [one.no_id_reason for one in joined],
            [text and text[-3:] for text in ids],
            seal_all("person", "citizen_id_sealed", zip(places, ids, strict=True)),
            seal_all("person", "phone_sealed", zip(places, (one.phone for one in joined), strict=True)),
            [one.keys[0] for one in joined],
            [one.keys[1] for one in joined],
            [as_json(one.provenance) for one in joined],
            *([said[name] for said in values] for name in PERSON_FIELDS),
            [one.relationship for one in joined],
            [one.joined_on for one in joined],
            [None if text is None else self._blinds[text] for text in ids],
        ]

    def _add_records(self, plan: Plan) -> Iterator[Step]:
        if plan.records:
            keyed = keyed_by(self._sealing)
            rows = [
                (keyed(key), home.id, person.id if person else None, home.area_code)
                for key, home, person in plan.records
            ]
            yield Step(sql.ADD_RECORDS, (sent(rows, sql.RECORD),))

    def _add_results(self, plan: Plan) -> Iterator[Step]:
        rows = [
            (home.id, self._new_id(), home.area_code, key.fiscal_year, _edition(key), key.indicator_id, key.person_id, result)
            for home in plan.households
            for key, result in home.changed_results.items()
        ]  # fmt: skip
        if rows:
            yield Step(sql.ADD_RESULTS, (sent(rows, sql.RESULT), self._now, self._job.agency))

    def _add_conflicts(self, plan: Plan) -> Iterator[Step]:
        rows = []
        for one in plan.disagreements:
            id, hidden = self._new_id(), one.field in MASKED_FIELDS
            seal = self._sealing.cipher.seal
            rows.append(
                {
                    **one._asdict(),
                    "household_id": one.household.id,
                    "id": id,
                    "area_code": one.household.area_code,
                    "stored": None if one.stored is None else as_json(one.stored),
                    "given": None if hidden or one.given is None else as_json(one.given),
                    "given_sealed": seal("conflict", "given_sealed", id, str(one.given)) if hidden else None,
                    "settled_by": "trust_order" if one.status == "settled" else None,
                }
            )
        if rows:
            yield Step(sql.ADD_CONFLICTS, (named(rows, sql.CONFLICT), self._job.id, self._now))

    def _leave(self, trails: Sequence[Trail]) -> Iterator[Step]:
        if trails:
            yield Step(LEAVE_ALL, left_behind(self._job.actor, trails, now=self._now, new_id=self._new_id))

    def _report(self, reported: Sequence[Reported]) -> Iterator[Step]:
        rows = [
            (
                one.number, one.area_code, one.household_id, one.person_id, one.record_id, one.outcome,
                as_json(one.codes) if one.codes else "[]", as_json(one.diff) if one.diff else "[]", one.key, one.content,
            )
            for one in reported
        ]  # fmt: skip
        yield Step(sql.ADD_REPORT, (sent(rows, sql.REPORT), self._job.id, self._job.agency))
        kept = [(one.number, one.cells) for one in reported if one.cells is not None]
        if kept:
            seal, job = self._sealing.cipher.seal, self._job.id
            sealed = [
                seal("import_cell", "cells_sealed", cell_id(job, number), orjson.dumps(cells).decode())
                for number, cells in kept
            ]
            yield Step(sql.ADD_CELLS, (job, [number for number, _ in kept], sealed))


def cell_id(import_id: UUID, number: int) -> str:
    """What sealed cells are bound to."""
    return f"{import_id} {number}"


def _edition(key: ResultKey) -> str:
    # Ids are `bmn-38-27`: framework, edition, number.
    return key.indicator_id.split("-")[1]


def _household(one: Household) -> tuple[Any, ...]:
    """As the columns that new and old households have in common."""
    location = one.values["location"] or (None, None)
    failed = [
        key.indicator_id
        for key, result in one.results.items()
        if result == "fail" and key.fiscal_year == _year(one)
    ]
    if not one.results:
        failed = [facet.removeprefix("indicator:") for facet in one.facets if facet.startswith("indicator:")]
    cards = [member.values["welfare_card"] for member in one.members if member.current]
    one.facets = facets(one.sources, one.target_groups, cards, one.dimension_mask, failed)
    return (
        one.id, one.values["house_code"], *location, *_values_of_household(one.values), as_json(one.sources),
        as_json(one.target_groups), as_json(one.provenance), one.head_person_id, one.facets, one.dimension_mask,
    )  # fmt: skip


def _year(one: Household) -> int:
    return max(key.fiscal_year for key in one.results)


def _keys(one: Person) -> tuple[str, str, str]:
    return *one.keys, as_json(one.provenance)


def _trails(
    job: Job,
    made: Sequence[Household],
    renewed: Sequence[Household],
    joined: Sequence[Person],
    amended: Sequence[Person],
) -> list[Trail]:
    """As by hand: a new household is one line, with its members; what joins or changes is a line of its own."""
    source: dict[str, object] = {"import_id": str(job.id)}
    left = [
        Trail(
            one.id, one.area_code, "household", one.id, "created", 1, None,
            {**source, "area_code": one.area_code, "members": len(one.members)},
        )
        for one in made
    ]  # fmt: skip
    for one in renewed:
        after = {name: _as_stored(one, name) for name in one.before}
        left.append(
            Trail(
                one.id, one.area_code, "household", one.id, "updated", one.version + 1, None,
                {**source, **changed(one.before, after)},
            )
        )  # fmt: skip
    for person in joined:
        home = person.household
        if not home.new:
            fields = changed({}, {"relationship": person.relationship}, at=of_member(person.id))
            left.append(
                Trail(home.id, home.area_code, "person", person.id, "created", 1, None, {**source, **fields})
            )
    for person in amended:
        home = person.household
        after = {
            name: person.relationship if name == "relationship" else person.values.get(name)
            for name in person.before
        }
        left.append(
            Trail(
                home.id, home.area_code, "person", person.id, "updated", person.version + 1, None,
                {**source, **changed(person.before, after)},
            )
        )  # fmt: skip
    return left


def _as_stored(one: Household, name: str) -> Any:
    if name in ("head_person_id", "target_groups"):
        return getattr(one, name)
    return one.values[name]
