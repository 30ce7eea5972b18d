"""The unit of work that a use case is handed: the stores on one connection, and what they all need.

Nobody below the edge commits. A read runs in autocommit, a write in one transaction.
"""

from typing import Protocol
from uuid import UUID

from domain.access.clients import ClientStore
from domain.access.grants import GrantStore
from domain.access.log import AccessLogStore
from domain.assistance.store import EventStore
from domain.casework.store import AnalysisStore, AssignmentStore, MenuStore, ProblemStore
from domain.exchange.idempotency import IdempotencyStore
from domain.reference.store import ReferenceStore
from domain.registry.store import HouseholdStore, PersonStore


class UnitOfWork(Protocol):
    @property
    def households(self) -> HouseholdStore: ...
    @property
    def persons(self) -> PersonStore: ...
    @property
    def problems(self) -> ProblemStore: ...
    @property
    def analyses(self) -> AnalysisStore: ...
    @property
    def assignments(self) -> AssignmentStore: ...
    @property
    def menus(self) -> MenuStore: ...
    @property
    def events(self) -> EventStore: ...
    @property
    def reference(self) -> ReferenceStore: ...
    @property
    def clients(self) -> ClientStore: ...
    @property
    def access_log(self) -> AccessLogStore: ...
    @property
    def grants(self) -> GrantStore: ...
    @property
    def idempotency(self) -> IdempotencyStore: ...

    def new_id(self) -> UUID:
        """A UUIDv7: the keys of one process grow with time."""
        ...
