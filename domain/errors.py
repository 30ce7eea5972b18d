"""What can go wrong, in four families; no HTTP here.

DomainError
├── NotFound    absent, or not yours: the two are never told apart
├── Conflict    at odds with what is stored
├── Forbidden   known, and not allowed
└── Invalid     malformed or rule-breaking input
"""

from collections.abc import Sequence
from typing import Any, ClassVar


class Fault:
    """One fault in one place: `pointer` is a JSON Pointer into the body, or `query/…`, `header/…`."""

    __slots__ = ("code", "detail", "pointer")

    def __init__(self, pointer: str, code: str, detail: str) -> None:
        self.pointer, self.code, self.detail = pointer, code, detail

    def as_dict(self) -> dict[str, str]:
        return {"pointer": self.pointer, "code": self.code, "detail": self.detail}


class DomainError(Exception):
    """Carries a stable kebab-case `code`, a message that says what to do, and never personal data."""

    code: ClassVar[str] = "error"

    def __init__(
        self, detail: str, *, code: str | None = None, faults: Sequence[Fault] = (), **extra: Any
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.error_code = code or self.code
        self.faults = tuple(faults)
        self.extra = extra


class NotFound(DomainError):
    code = "not-found"

    def __init__(self, detail: str = "There is no such resource, or it is not yours to see.") -> None:
        super().__init__(detail)


class Conflict(DomainError):
    code = "conflict"


class Forbidden(DomainError):
    code = "forbidden"


class Invalid(DomainError):
    code = "invalid-input"

    @classmethod
    def at(cls, pointer: str, code: str, detail: str) -> "Invalid":
        """One fault in one field."""
        return cls("The request has a fault; see errors.", faults=[Fault(pointer, code, detail)])


class IllegalTransition(Conflict):
    """A move the state machine does not know; `allowed` are the states this caller may move to."""

    code = "illegal-transition"

    def __init__(self, current: str, wanted: str, allowed: Sequence[str]) -> None:
        super().__init__(f"It cannot move from {current} to {wanted}.", allowed=sorted(allowed))


class VersionMismatch(DomainError):
    """The If-Match version is not the stored one, which is told where it is known."""

    code = "version-mismatch"

    def __init__(self, stored: int | None = None) -> None:
        self.stored = stored
        super().__init__("The resource has changed since that version; read it again.")


class AmbiguousIdentifier(Conflict):
    code = "ambiguous-identifier"

    def __init__(self) -> None:
        super().__init__("The identifier fits more than one record; use the id.")
