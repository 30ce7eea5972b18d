"""A row of an import file as checked values: one person in a household, or one assistance event.

Plain tuples, because a million of them pass through. `None` always means that the file does not say: an import
never clears a field. Nothing here prints what it holds, so that no log line can.
"""

import re
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from domain.assistance.event import AssistanceType
from domain.casework.problem import ProblemDimension
from domain.registry.household import Classification, Group, Relationship, Stage
from domain.registry.indicators import Result
from domain.registry.person import NoIdReason, Sex, VitalStatus, WelfareCard

_SHOWN = 5000
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class UnreadableFile(Exception):
    """The file as a whole cannot be read; `code` is stable, `detail` says what to do and repeats no cell."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail


class RowFault(NamedTuple):
    """Why a row is rejected. `detail` never repeats the cell."""

    column: str
    """Our name of the column; empty where the fault is the whole row's."""
    code: str
    detail: str


class HouseholdPart(NamedTuple):
    """What a row says of the household. The columns are those of `HouseholdDraft` and its address."""

    household_record_id: str | None
    """The source's own key of the household: rows of one file that share it are one household."""
    house_code: str | None
    area_code: str | None
    """6 or 8 digits; its shape is checked here, whether it exists is not."""
    house_no: str | None
    moo: int | None
    village_name: str | None
    road: str | None
    postcode: str | None
    latitude: float | None
    longitude: float | None
    classification: Classification | None
    stage: Stage | None
    annual_income_per_person: Decimal | None
    has_land: bool | None
    target_group: Group | None
    """Of the fiscal year of the row."""

    def __repr__(self) -> str:
        return "HouseholdPart(…)"


class PersonPart(NamedTuple):
    """What a row says of the person. The columns are those of `PersonDraft` and `MemberDraft`."""

    prefix: str | None
    first_name: str | None
    """Never None in a row without faults."""
    last_name: str | None
    relationship: Relationship | None
    joined_on: date | None
    sex: Sex | None
    birth_date: date | None
    vital_status: VitalStatus | None
    """Deceased also where only a date of death is given."""
    deceased_on: date | None
    welfare_card: WelfareCard | None
    disabilities: tuple[str, ...] | None
    """Empty: the file says that there are none."""
    bedridden: bool | None
    able_to_work: bool | None
    occupation: str | None
    annual_income: Decimal | None
    phone: str | None

    def __repr__(self) -> str:
        return "PersonPart(…)"


class EventPart(NamedTuple):
    """What a row says of the help given. The columns are those of `EventDraft`; `record_id` is its external_id.

    The household is named by exactly one of `household_id`, `house_code` and the row's `citizen_id`.
    """

    household_id: UUID | None
    house_code: str | None
    assignment_id: UUID | None
    problem_ids: tuple[UUID, ...] | None
    reason_no_problem: str | None
    menu_code: str | None
    plan_activity_id: UUID | None
    dimension: ProblemDimension | None
    """With the next two and `record_id`: never None in a row without faults."""
    assistance_type: AssistanceType | None
    provided_on: date | None
    description: str | None
    value_baht: Decimal | None
    quantity: Decimal | None
    unit: str | None
    budget_source: str | None
    beneficiaries: tuple[UUID, ...] | None
    project_code: str | None
    obstacle: str | None
    suggestion: str | None

    def __repr__(self) -> str:
        return "EventPart(…)"


class CleanRow(NamedTuple):
    """One row. With `faults` it is rejected, and the parts hold only the values that could be read."""

    number: int
    """As a spreadsheet shows it: the header is row 1 and blank rows count. In NDJSON the line, from 1."""
    record_id: str | None
    """The source's own id of the row; the external_id of an event."""
    citizen_id: str | None
    """13 digits with a fitting check digit."""
    no_id_reason: NoIdReason | None
    """Of a person's row: given exactly where `citizen_id` is None."""
    household: HouseholdPart | None
    """None in assistance files, as is `person`."""
    person: PersonPart | None
    event: EventPart | None
    """Given in assistance files alone."""
    fiscal_year: int | None
    """Buddhist era: of the indicator results and the target group."""
    seen_on: date | None
    """When the source saw it so."""
    results: tuple[tuple[str, Result], ...]
    """Indicator ids with their results (bmn, tpmap_target), in the order of the file's columns."""
    faults: tuple[RowFault, ...]
    header: tuple[str, ...]
    """The file's own column names, the same object for every row; for NDJSON the keys of the line."""
    cells: tuple[str, ...]
    """What stood in the file, cell by cell; shorter or longer than the header where the row is ragged."""

    @property
    def raw(self) -> dict[str, str]:
        """The cells by the file's own columns, for the report of rejected rows; cells beyond the header by number.

        As PostgreSQL can store them: without NUL and halves of surrogate pairs, each cut after 5,000 characters.
        """
        names = [*self.header, *(f"#{at + 1}" for at in range(len(self.header), len(self.cells)))]
        return {
            _UNSTORABLE.sub("\ufffd", name[:_SHOWN]): _UNSTORABLE.sub("\ufffd", cell[:_SHOWN])
            for name, cell in zip(names, self.cells, strict=False)
        }

    @property
    def given(self) -> frozenset[str]:
        """Our names of all columns that have a value."""
        parts = (self.household, self.person, self.event)
        told = [
            (name, value) for part in parts if part for name, value in zip(part._fields, part, strict=True)
        ]
        told += [(name, getattr(self, name)) for name in OF_THE_ROW]
        return frozenset(
            {name for name, value in told if value is not None} | {name for name, _ in self.results}
        )

    def __repr__(self) -> str:
        return f"CleanRow({self.number}, faults={[fault[:2] for fault in self.faults]})"


OF_THE_ROW = ("record_id", "citizen_id", "no_id_reason", "fiscal_year", "seen_on")
"""Columns that stand in the row itself rather than in a part."""
