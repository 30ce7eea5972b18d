"""The words of the document that no signature holds."""

from domain.access.actor import Scope

TITLE = "Kaejon"
VERSION = "1.0.0"
DESCRIPTION = """\
The headless service under Thailand's household poverty casework: a household is found, an agency is assigned, \
its system posts assistance, everyone entitled sees it.

- Tokens: `POST /oauth/token` (client credentials). `GET /v1/me/access` tells what a token may do.
- Lists: `{items, next_cursor}` with a `Link` to the next page; cursors are opaque.
- Changes: read the `ETag`, send it as `If-Match`. Every POST of a resource accepts an `Idempotency-Key`.
- Errors: `application/problem+json` (RFC 9457); `/errors` explains each `code`.
- Personal data is masked without the scope `persons:pii`; with it, name the purpose in `X-Purpose`.
- Answers may get new fields; ignore those you do not know. Bodies and queries may not hold unknown ones.
- Every answer carries `X-Request-Id`; send one of your own to find a request again.
"""
SCOPES: dict[Scope, str] = {
    Scope.HOUSEHOLDS_READ: "Read every household in the client's areas.",
    Scope.HOUSEHOLDS_READ_ASSIGNED: "Read the households that the client's agency is assigned to.",
    Scope.HOUSEHOLDS_WRITE: "Register and amend households and persons.",
    Scope.PERSONS_PII: "Read personal data unmasked, for a stated purpose.",
    Scope.PROBLEMS_READ: "Read problems and analyses.",
    Scope.PROBLEMS_WRITE: "Record problems and analyses, and move problems.",
    Scope.PROBLEMS_RESOLVE: "Decide that a problem is resolved.",
    Scope.MENUS_READ: "Read the menus of solutions.",
    Scope.MENUS_WRITE: "Write the menus of solutions.",
    Scope.MEETINGS_WRITE: "Record meetings and their decisions.",
    Scope.ASSIGNMENTS_READ: "Read assignments.",
    Scope.ASSIGNMENTS_WRITE: "Decide assignments.",
    Scope.ASSIGNMENTS_RESPOND: "Respond to the assignments of one's own agency.",
    Scope.ASSISTANCE_READ: "Read assistance events.",
    Scope.ASSISTANCE_WRITE: "Record assistance events.",
    Scope.VISITS_WRITE: "Record visits.",
    Scope.TEAMS_WRITE: "Write operations teams.",
    Scope.IMPORTS_WRITE: "Import files.",
    Scope.EXPORTS_READ: "Export data.",
    Scope.CHANGES_READ: "Read the feed of changes.",
    Scope.WEBHOOKS_WRITE: "Manage webhooks.",
    Scope.REPORTS_READ: "Read reports.",
    Scope.REPORTS_WRITE: "Take snapshots.",
    Scope.PROJECTS_READ: "Read projects.",
    Scope.PROJECTS_WRITE: "Write projects and their progress.",
    Scope.AUDIT_READ: "Read who has read personal data.",
    Scope.CLIENTS_ADMIN: "Administer clients and reference data.",
}
TAGS: dict[str, str] = {
    "households": "Households with their members.",
    "persons": "The members of households.",
    "problems": "Problems and needs, and the menus that answer them. Never deleted.",
    "analyses": "๔ท analyses: attitude, skills, resources, way out.",
    "assignments": "An agency made responsible for problems of a household.",
    "menus": "เมนูแก้จน: the menus of solutions.",
    "assistance": "What agencies gave; append-only.",
    "reference": "Areas, agencies, indicators, dimensions, code lists and campaigns.",
    "authorisation": "Tokens, keys and the caller's own access.",
    "clients": "The systems that may call, for administrators.",
    "access log": "Who read whose unmasked data, when and why.",
    "webhooks": "What has changed, sent to an address of the client's own (Standard Webhooks, CloudEvents).",
    "access grants": "Break the glass: three hours of reading one household the agency is not assigned to.",
    "changes": "The feed of what changes, for mirrors.",
    "exports": "The whole of what a client may read, as files, at one instant.",
    "imports": "Files of other systems, row by row into the registry.",
    "graphql": "The same data and writes as a graph; see schema.graphql.",
    "operations": "For those who run the service.",
}
ALSO_ANSWERS: dict[str, dict[int, str]] = {
    "recordAssistance": {200: "Recorded before with the same content: outcome `duplicate`."},
}
"""Successful answers beside the first one, with the same schema."""
TELLS_WITH_ERROR: dict[str, tuple[int, str, str]] = {
    "recordAssistanceBatch": (
        422, "batch-refused", "With `batch-refused` the document has `summary` and `results` as well, as the 200 has them.",
    ),
}  # fmt: skip
"""Errors with the members of the operation's answer: status, the code that has them, and how that is told."""
FILES: dict[str, tuple[str, ...]] = {
    "getImportTemplate": ("text/csv",),
    "getExportFile": ("application/x-ndjson", "application/vnd.apache.parquet", "text/csv"),
}
"""Answers that are files, by their media types."""
BARE_LISTS = frozenset({"listMenuMatches"})
"""Lists that are an array and no page (contract 5)."""
PATH_SHAPES: dict[str, dict[str, object]] = {
    "part": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 9},
    "external_id": {"type": "string", "minLength": 1, "maxLength": 200},
    "client_id": {"type": "string", "pattern": r"^[A-Za-z0-9_.\-]{1,64}$", "maxLength": 64},
    "code": {"type": "string", "pattern": r"^[A-Za-z0-9_.\-]{1,64}$", "maxLength": 64},
    "kind": {"type": "string", "pattern": "^[a-z_]{1,64}$", "maxLength": 64},
    "list": {"type": "string", "pattern": "^[a-z_]{1,64}$", "maxLength": 64},
    "indicator_id": {"type": "string", "pattern": r"^[A-Za-z0-9_.\-]{1,64}$", "maxLength": 64},
}
"""Path parameters that are no UUIDs."""
