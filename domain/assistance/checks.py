"""Has anyone given this already? (contract 6). Agencies and months are told, and nothing of the help itself.

A household that is not known, or not in the caller's areas, answers as one that nobody has helped.
"""

import json
from datetime import date

from domain.access.actor import Actor
from domain.access.policy import Operation, admit
from domain.assistance.event import AssistanceType, HouseholdRef
from domain.casework.problem import ProblemDimension
from domain.errors import AmbiguousIdentifier, Invalid
from domain.kernel import Value
from domain.work import UnitOfWork


class AssistanceCheck(Value):
    """The body of `POST /v1/assistance-checks`: a type, a dimension, or both, which then must both fit."""

    household: HouseholdRef
    assistance_type: AssistanceType | None = None
    dimension: ProblemDimension | None = None
    since: date
    """Help that was given on this day or later."""


class Given(Value):
    agency: str
    month: str
    """YYYY-MM."""


class Overlap(Value):
    overlap: bool
    by: list[Given]
    """Each agency and month once, the latest first."""


async def check(work: UnitOfWork, actor: Actor, wanted: AssistanceCheck) -> bytes:
    """An `Overlap` as JSON. Raises Invalid, AmbiguousIdentifier."""
    reach = admit(actor, Operation.CHECK_ASSISTANCE)
    if wanted.assistance_type is None and wanted.dimension is None:
        raise Invalid.at("/assistance_type", "required", "Give assistance_type or dimension.")
    by = await work.checks.overlap(
        reach, wanted.household, wanted.assistance_type, wanted.dimension, wanted.since
    )
    if by is None:
        raise AmbiguousIdentifier
    return b'{"overlap":%s,"by":%s}' % (json.dumps(by != b"[]").encode(), by)
