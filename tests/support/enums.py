"""Every closed vocabulary of the domain: the columns that hold it, or why none does."""

from enum import StrEnum

from domain.access.actor import Scope
from domain.assistance.batch import BatchMode, BatchOutcome
from domain.assistance.corrections import CorrectionKind
from domain.assistance.event import AssistanceType, EventStatus, OnUnknown, Outcome
from domain.casework.assignment import Role
from domain.casework.problem import ProblemDimension, Solvability
from domain.casework.states import AssignmentStatus, ProblemStatus
from domain.exchange.changes import ChangeType
from domain.exchange.delivery import DeliveryFault, DeliveryStatus, DisabledReason
from domain.exchange.export import ExportFault, ExportFormat, ExportStatus, ExportType, OutputType
from domain.exchange.importing.job import ImportMode, ImportStatus, RowOutcome
from domain.exchange.reading.kinds import ImportFormat, ImportKind
from domain.reference.agency import AgencyLevel
from domain.reference.area import AreaLevel
from domain.registry.citizen_id import CitizenIdFault
from domain.registry.conflict import Choice, ConflictStatus
from domain.registry.household import (
    CaseStatus,
    Classification,
    CloseOutcome,
    DataSource,
    Dimension,
    Group,
    Relationship,
    Stage,
)
from domain.registry.indicators import Result
from domain.registry.person import NoIdReason, Sex, VitalStatus, WelfareCard

ENUM_COLUMNS: dict[tuple[str, str], type[StrEnum]] = {
    ("agency", "level"): AgencyLevel,
    ("area", "level"): AreaLevel,
    ("assignment", "role"): Role,
    ("assignment", "status"): AssignmentStatus,
    ("assignment_move", "from_status"): AssignmentStatus,
    ("assignment_move", "to_status"): AssignmentStatus,
    ("assistance_event", "assistance_type"): AssistanceType,
    ("assistance_event", "dimension"): ProblemDimension,
    ("assistance_event", "status"): EventStatus,
    ("export", "error_code"): ExportFault,
    ("export", "format"): ExportFormat,
    ("export", "status"): ExportStatus,
    ("export", "type"): ExportType,
    ("export_file", "type"): OutputType,
    ("household", "case_status"): CaseStatus,
    ("household", "classification"): Classification,
    ("household", "close_outcome"): CloseOutcome,
    ("household", "stage"): Stage,
    ("indicator", "dimension"): Dimension,
    ("indicator_result", "result"): Result,
    ("membership", "relationship"): Relationship,
    ("menu", "dimension"): ProblemDimension,
    ("person", "no_id_reason"): NoIdReason,
    ("person", "sex"): Sex,
    ("person", "vital_status"): VitalStatus,
    ("person", "welfare_card"): WelfareCard,
    ("problem", "dimension"): ProblemDimension,
    ("problem", "solvability"): Solvability,
    ("problem", "source"): DataSource,
    ("problem", "status"): ProblemStatus,
    ("problem_move", "from_status"): ProblemStatus,
    ("problem_move", "to_status"): ProblemStatus,
    ("conflict", "status"): ConflictStatus,
    ("import_job", "format"): ImportFormat,
    ("import_job", "kind"): ImportKind,
    ("import_job", "mode"): ImportMode,
    ("import_job", "status"): ImportStatus,
    ("import_row", "outcome"): RowOutcome,
    ("webhook", "disabled_reason"): DisabledReason,
    ("webhook_delivery", "last_fault"): DeliveryFault,
    ("webhook_delivery", "status"): DeliveryStatus,
}
NO_COLUMN = {
    Scope: "an array that may hold what a later version no longer knows",
    Group: "inside a JSON document and a facet",
    CitizenIdFault: "a fault, not a value",
    Outcome: "an answer",
    OnUnknown: "a parameter",
    BatchMode: "a parameter",
    BatchOutcome: "an answer",
    CorrectionKind: "a parameter",
    Choice: "of a decision; null until there is one",
    ChangeType: "the feed shows these, and keeps rows of others",
}
