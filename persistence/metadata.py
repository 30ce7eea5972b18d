"""Every table, listed: the table of contents of the database, and what Alembic compares with."""

from sqlmodel import SQLModel

from persistence.access import tables as access
from persistence.assistance import tables as assistance
from persistence.casework import tables as casework
from persistence.exchange import export_tables as exports
from persistence.exchange import import_tables as imports
from persistence.exchange import tables as exchange
from persistence.exchange import webhook_tables as webhooks
from persistence.reference import tables as reference
from persistence.registry import tables as registry

METADATA = SQLModel.metadata

TABLES: tuple[type[SQLModel], ...] = (
    reference.AreaRow,
    reference.AgencyRow,
    reference.IndicatorRow,
    reference.CodeRow,
    reference.CampaignRow,
    reference.MenuRow,
    reference.ReferenceLoadRow,
    access.ClientRow,
    access.RevokedTokenRow,
    access.QuotaRow,
    access.ClientAssertionRow,
    access.AccessLogRow,
    access.AccessLedgerRow,
    access.AccessBlockRow,
    access.AccessGrantRow,
    access.SigningKeyRow,
    access.KeyAdoptionRow,
    registry.HouseholdRow,
    registry.PersonRow,
    registry.MembershipRow,
    registry.CitizenIdentityRow,
    registry.IndicatorResultRow,
    casework.ProblemRow,
    casework.ProblemMoveRow,
    casework.AnalysisRow,
    casework.AssignmentRow,
    casework.AssignmentMoveRow,
    assistance.EventRow,
    assistance.EventKeyRow,
    assistance.QueuedEventRow,
    exchange.ChangeRow,
    exchange.FeedEpochRow,
    exchange.AuditRow,
    exchange.IdempotencyRow,
    exports.ExportRow,
    exports.ExportFileRow,
    imports.ImportJobRow,
    imports.ImportRowRow,
    imports.ImportCellRow,
    imports.SourceRecordRow,
    imports.ConflictRow,
    webhooks.WebhookRow,
    webhooks.WebhookDeliveryRow,
)
