"""One policy for every surface: operation × agency × area × field (contract 2). Deny by default.

`admit` answers *may this caller do this at all*, and returns the `Reach` that every statement binds:
which areas, whether only the agency's own assignments, and whether personal data leaves unmasked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from domain.access.actor import Actor, Scope
from domain.errors import Fault, Forbidden

MASKED_FIELDS = ("citizen_id", "last_name", "birth_date", "phone")
"""Withheld without `persons:pii`."""


_READ_HOUSEHOLDS = (Scope.HOUSEHOLDS_READ, Scope.HOUSEHOLDS_READ_ASSIGNED)
# Whoever may write, whoever may resolve, and an assigned agency, which proposes.
_MOVE_PROBLEMS = (Scope.PROBLEMS_WRITE, Scope.PROBLEMS_RESOLVE, Scope.ASSIGNMENTS_RESPOND)
# A decider's assignment starts at `assigned`, a team's at `proposed`: both may make one.
_MAKE_ASSIGNMENTS = (Scope.ASSIGNMENTS_WRITE, Scope.PROBLEMS_WRITE)
_MOVE_ASSIGNMENTS = (Scope.ASSIGNMENTS_WRITE, Scope.ASSIGNMENTS_RESPOND, Scope.PROBLEMS_RESOLVE)


class Breadth(Enum):
    """Which households inside the caller's areas an operation reaches."""

    AREAS = "every one"
    BY_SCOPE = "every one with households:read, else only those its agency is assigned to"


class InsufficientScope(Forbidden):
    code = "insufficient-scope"

    def __init__(self, scopes: tuple[Scope, ...], *, faults: Sequence[Fault] = ()) -> None:
        named = " or ".join(scopes)
        super().__init__(f"This needs the scope {named}.", faults=faults, scope=" ".join(scopes))


class PurposeRequired(Forbidden):
    code = "purpose-required"

    def __init__(self) -> None:
        super().__init__("Unmasked personal data needs X-Purpose, a code of /v1/codes/purposes.")


class Operation(Enum):
    """What can be asked: (name, any of these scopes suffices, how wide, personal data in the answer, and
    whether a grant on the household opens it)."""

    READ_REFERENCE = ("read reference data", (), Breadth.AREAS, False)
    ADMINISTER = ("administer", (Scope.CLIENTS_ADMIN,), Breadth.AREAS, False)
    READ_ACCESS_LOG = ("read the access log", (Scope.AUDIT_READ,), Breadth.AREAS, False)
    BREAK_GLASS = ("open a household in an emergency", _READ_HOUSEHOLDS, Breadth.AREAS, False)
    READ_GRANTS = ("read access grants", (*_READ_HOUSEHOLDS, Scope.AUDIT_READ), Breadth.AREAS, False)
    READ_HOUSEHOLDS = ("read households", _READ_HOUSEHOLDS, Breadth.BY_SCOPE, True, True)
    READ_HOUSEHOLD_RECORD = (
        "read a household's history and target group", _READ_HOUSEHOLDS, Breadth.BY_SCOPE, False, True,
    )  # fmt: skip
    WRITE_HOUSEHOLDS = ("write households", (Scope.HOUSEHOLDS_WRITE,), Breadth.AREAS, False)
    READ_PROBLEMS = ("read problems", (Scope.PROBLEMS_READ,), Breadth.BY_SCOPE, False, True)
    WRITE_PROBLEMS = ("write problems", (Scope.PROBLEMS_WRITE,), Breadth.BY_SCOPE, False)
    MOVE_PROBLEMS = ("move problems", _MOVE_PROBLEMS, Breadth.BY_SCOPE, False)
    READ_MENUS = ("read menus", (Scope.MENUS_READ,), Breadth.AREAS, False)
    WRITE_MENUS = ("write menus", (Scope.MENUS_WRITE,), Breadth.AREAS, False)
    READ_ASSIGNMENTS = ("read assignments", (Scope.ASSIGNMENTS_READ,), Breadth.BY_SCOPE, False, True)
    MAKE_ASSIGNMENTS = ("make assignments", _MAKE_ASSIGNMENTS, Breadth.BY_SCOPE, False)
    MOVE_ASSIGNMENTS = ("move assignments", _MOVE_ASSIGNMENTS, Breadth.BY_SCOPE, False)
    READ_ASSISTANCE = ("read assistance", (Scope.ASSISTANCE_READ,), Breadth.BY_SCOPE, False, True)
    MANAGE_WEBHOOKS = ("manage webhooks", (Scope.WEBHOOKS_WRITE,), Breadth.AREAS, False)
    WRITE_ASSISTANCE = ("write assistance", (Scope.ASSISTANCE_WRITE,), Breadth.AREAS, False)
    IMPORT = ("import", (Scope.IMPORTS_WRITE,), Breadth.AREAS, False)
    EXPORT = ("export", (Scope.EXPORTS_READ,), Breadth.AREAS, False)
    READ_CHANGES = ("read the change feed", (Scope.CHANGES_READ,), Breadth.BY_SCOPE, False)
    CHECK_ASSISTANCE = (
        "ask for overlaps",
        (Scope.ASSISTANCE_READ, Scope.ASSISTANCE_WRITE),
        Breadth.AREAS,
        False,
    )
    READ_QUEUE = ("read the queue of unknown households", (Scope.HOUSEHOLDS_WRITE,), Breadth.AREAS, False)

    def __init__(
        self, label: str, scopes: tuple[Scope, ...], breadth: Breadth, personal: bool, grantable: bool = False
    ) -> None:
        self.label, self.scopes, self.breadth, self.personal = label, scopes, breadth, personal
        self.grantable = grantable


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one admitted request reaches; every statement binds it."""

    actor: Actor
    prefixes: list[str]
    assigned_to: str | None
    """Only households assigned to this agency; None: every household in the areas."""
    unmasked: bool
    granted: bool = False
    """Households opened to the agency by a grant are reached as well: reads only."""


def check(actor: Actor, operation: Operation) -> None:
    """Whether `actor` may do this at all.

    Raises InsufficientScope, and PurposeRequired where the answer would hold unmasked personal data.
    """
    if operation.scopes and actor.scopes.isdisjoint(operation.scopes):
        raise InsufficientScope(operation.scopes)
    unstated = actor.purpose is None and not actor.masked
    if operation.personal and unstated and Scope.PERSONS_PII in actor.scopes:
        raise PurposeRequired


def admit(actor: Actor, operation: Operation) -> Reach:
    """The reach of `actor` in `operation`. Raises what `check` raises."""
    check(actor, operation)
    everywhere = operation.breadth is Breadth.AREAS or Scope.HOUSEHOLDS_READ in actor.scopes
    return Reach(
        actor=actor,
        prefixes=actor.prefixes,
        assigned_to=None if everywhere else actor.agency,
        unmasked=sees_unmasked(actor),
        granted=operation.grantable and may_be_granted(actor),
    )


def sees_unmasked(actor: Actor) -> bool:
    """Whether personal data leaves unmasked to this caller, on any surface."""
    return actor.purpose is not None and Scope.PERSONS_PII in actor.scopes and not actor.masked


def unmasked_fields(actor: Actor) -> list[str]:
    """What leaves unmasked where personal data does: for the access log."""
    return [name for name in MASKED_FIELDS if actor.asks is None or name in actor.asks]


def touches_households(actor: Actor) -> bool:
    """Whether any of its scopes has to do with households: others see none of their data, whatever their areas."""
    return not actor.scopes.isdisjoint(_OF_HOUSEHOLDS)


# Named one by one: a scope that is new sees nothing until it is entered here.
_OF_HOUSEHOLDS = frozenset(
    {
        Scope.HOUSEHOLDS_READ, Scope.HOUSEHOLDS_READ_ASSIGNED, Scope.HOUSEHOLDS_WRITE, Scope.PROBLEMS_READ,
        Scope.PROBLEMS_WRITE, Scope.PROBLEMS_RESOLVE, Scope.MEETINGS_WRITE, Scope.ASSIGNMENTS_READ, Scope.ASSIGNMENTS_WRITE,
        Scope.ASSIGNMENTS_RESPOND, Scope.ASSISTANCE_READ, Scope.ASSISTANCE_WRITE, Scope.VISITS_WRITE, Scope.IMPORTS_WRITE,
        Scope.EXPORTS_READ, Scope.CHANGES_READ, Scope.WEBHOOKS_WRITE, Scope.REPORTS_READ, Scope.REPORTS_WRITE,
        Scope.AUDIT_READ,
    }
)  # fmt: skip


def may_be_granted(actor: Actor) -> bool:
    """Whether a grant could open anything more to this caller: it sees less than its whole provinces."""
    return Scope.HOUSEHOLDS_READ not in actor.scopes or any(map(_narrow, actor.areas))


def _narrow(area: str) -> bool:
    return len(area) > 2
