"""The authenticated caller, and the grammar of scopes."""

from dataclasses import dataclass, replace
from enum import StrEnum

COUNTRY = "*"
"""In a client's areas: the whole country."""


class Scope(StrEnum):
    """`resource:right`; `.assigned` narrows a right to the caller's own assignments (contract 2)."""

    HOUSEHOLDS_READ = "households:read"
    HOUSEHOLDS_READ_ASSIGNED = "households:read.assigned"
    HOUSEHOLDS_WRITE = "households:write"
    PERSONS_PII = "persons:pii"
    PROBLEMS_READ = "problems:read"
    PROBLEMS_WRITE = "problems:write"
    PROBLEMS_RESOLVE = "problems:resolve"
    MENUS_READ = "menus:read"
    MENUS_WRITE = "menus:write"
    MEETINGS_WRITE = "meetings:write"
    ASSIGNMENTS_READ = "assignments:read"
    ASSIGNMENTS_WRITE = "assignments:write"
    ASSIGNMENTS_RESPOND = "assignments:respond"
    ASSISTANCE_READ = "assistance:read"
    ASSISTANCE_WRITE = "assistance:write"
    VISITS_WRITE = "visits:write"
    TEAMS_WRITE = "teams:write"
    IMPORTS_WRITE = "imports:write"
    EXPORTS_READ = "exports:read"
    CHANGES_READ = "changes:read"
    WEBHOOKS_WRITE = "webhooks:write"
    REPORTS_READ = "reports:read"
    REPORTS_WRITE = "reports:write"
    PROJECTS_READ = "projects:read"
    PROJECTS_WRITE = "projects:write"
    AUDIT_READ = "audit:read"
    CLIENTS_ADMIN = "clients:admin"


@dataclass(frozen=True, slots=True)
class Actor:
    """A client whose token has been verified, on one request."""

    client_id: str
    agency: str
    scopes: frozenset[str]
    areas: tuple[str, ...]
    """Area-code prefixes; `()` nothing, `("*",)` the country."""
    expires_at: int
    """Unix seconds."""
    token_id: str
    purpose: str | None = None
    """Why personal data is read: a code of the list `purposes`."""
    request_id: str = ""
    asks: frozenset[str] | None = None
    """Of the fields that are masked, those that can stand in the answer (GraphQL); None: all of them."""
    masked: bool = False
    """Nothing leaves unmasked, whatever the scopes: of what is stored to be answered again."""

    @property
    def as_called(self) -> "Actor":
        """With the right to unmasked data that it called with: for what that decides beside the answer."""
        return replace(self, masked=False) if self.masked else self

    @property
    def prefixes(self) -> list[str]:
        """The areas as prefixes of area codes: the country is the empty prefix."""
        return [""] if COUNTRY in self.areas else list(self.areas)

    def covers(self, area_code: str) -> bool:
        return any(area_code.startswith(prefix) for prefix in self.prefixes)

    def can(self, scope: Scope) -> bool:
        return scope in self.scopes
