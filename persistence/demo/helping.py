"""Agencies at work on a case: assigned, answering, helping, done; and the roads that lead elsewhere."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from domain.calendar import today
from domain.casework.states import AssignmentStatus, ProblemStatus
from persistence.demo.case import By, Case, later
from persistence.demo.records import Assignment, Event, Problem
from persistence.demo.remedies import AILMENTS, GIVEN, JOINT, UNMEASURED, Remedy, unit
from persistence.demo.shares import Choice

P, A = ProblemStatus, AssignmentStatus
_HOW_FAR = Choice({A.ASSIGNED: 8, A.ACCEPTED: 8, A.IN_PROGRESS: 44, A.COMPLETED: 18, A.CONFIRMED: 22})
_FIRST = Choice({A.IN_PROGRESS: 72, A.COMPLETED: 28})
_JUST_PLANNED = Choice({A.PROPOSED: 18, A.ASSIGNED: 48, A.ACCEPTED: 34})
_LASTING = (date(2026, 12, 31), date(2027, 3, 31), date(2027, 9, 30))
_BUDGETS = ("งบปกติของหน่วยงาน", "งบพัฒนาจังหวัด", "เงินบริจาค", "กองทุนชุมชน")
_RETURNED = "ไม่อยู่ในภารกิจของหน่วยงาน ขอให้พิจารณาหน่วยงานอื่น"
_ESCALATED = "เกินกำลังหน่วยงานในพื้นที่ ต้องใช้ทรัพยากรจากระดับจังหวัด"


def remedy(case: Case, rng: Random, problem: Problem) -> Remedy:
    """A menu that answers the problem, and that the household's classification does not rule out."""
    ailment = AILMENTS[problem.indicator_id] if problem.indicator_id else UNMEASURED[problem.dimension]
    fitting = [one for one in ailment.remedies if one.only in (None, case.household.classification)]
    return rng.choice(fitting or ailment.remedies)


def assign(
    case: Case,
    rng: Random,
    problems: Sequence[Problem],
    at: datetime,
    *,
    proposed: bool = False,
    lasting: bool,
) -> tuple[Assignment, datetime]:
    """One agency for the problems, some days later; `lasting`: it may still be due in the next year."""
    at = later(at, 5 + 20 * rng.random())
    due = today(at) + timedelta(days=30 + int(rng.random() * 100))
    if lasting and rng.random() < 0.55:
        due = rng.choice(_LASTING)
    return case.assign(problems, remedy(case, rng, problems[0]), at, due, proposed=proposed), at


def carry(case: Case, rng: Random, assignment: Assignment, until: AssignmentStatus, at: datetime) -> datetime:
    """The agency's work up to a state; when it got there."""
    by = By(assignment.agency, "demo-agency")
    if until is A.ASSIGNED or assignment.status == A.PROPOSED:
        return at
    at = later(at, 1 + 7 * rng.random())
    case.respond(assignment, A.ACCEPTED, at, by)
    if until is A.ACCEPTED:
        return at
    at = later(at, 4 + 22 * rng.random())
    _give(case, rng, assignment, at)
    for _ in range(2):
        if rng.random() < 0.14:
            at = later(at, 4 + 7 * rng.random())
            _give(case, rng, assignment, at)
    if until is A.IN_PROGRESS:
        return at
    at = later(at, 4 + 14 * rng.random())
    case.respond(assignment, A.COMPLETED, at, by, outcome="ดำเนินการครบตามเมนู ครัวเรือนได้รับการช่วยเหลือแล้ว")
    if until is A.CONFIRMED:
        at = later(at, 3 + 12 * rng.random())
        case.respond(assignment, A.CONFIRMED, at, case.team)
    return at


def resolve(case: Case, rng: Random, problem: Problem, at: datetime) -> datetime:
    at = later(at, 1 + 12 * rng.random())
    evidence = (_picture(case, at),) if rng.random() < 0.4 else ()
    case.move(problem, P.RESOLVED, at, case.team, "ปัญหาคลี่คลายแล้ว ตรวจเยี่ยมครัวเรือนยืนยันผล", evidence=evidence)
    return at


def hesitate(case: Case, rng: Random, problems: Sequence[Problem], at: datetime) -> None:
    """Analysed, and nobody responsible yet: a proposal waits, or an assignment came back."""
    draw = rng.random()
    if draw < 0.5:
        assign(case, rng, problems[:1], at, proposed=True, lasting=True)
    elif draw < 0.75:
        assignment, at = assign(case, rng, problems[:1], at, lasting=True)
        at = later(at, 2 + 5 * rng.random())
        if draw < 0.62:
            case.respond(assignment, A.RETURNED, at, By(assignment.agency, "demo-agency"), _RETURNED)
        else:
            case.respond(assignment, A.CANCELLED, at, case.centre, "มีการช่วยเหลือจากหน่วยงานอื่นแล้ว")


def plan(case: Case, rng: Random, problems: Sequence[Problem], goal: str, at: datetime) -> datetime:
    """The meeting assigns agencies; how far each of them gets depends on the case. When the last of it was."""
    start, latest = at, at
    for place, problem in enumerate(problems):
        if problem.status != P.ANALYSED:
            continue
        if place and goal in ("planned", "in_assistance") and rng.random() < 0.12:
            continue
        latest = max(latest, _one(case, rng, problem, goal, start, first=place == 0))
    return latest


def _one(case: Case, rng: Random, problem: Problem, goal: str, at: datetime, *, first: bool) -> datetime:
    finish = goal in ("monitoring", "closed")
    if goal == "planned":
        until = A.ASSIGNED if first else _JUST_PLANNED.draw(rng)
    else:
        until = A.CONFIRMED if finish else (_FIRST if first else _HOW_FAR).draw(rng)
    assignment, at = assign(
        case, rng, [problem], at, proposed=until is A.PROPOSED or rng.random() < 0.2, lasting=not finish
    )
    if until is A.PROPOSED:
        return at
    if assignment.status == A.PROPOSED:
        at = later(at, 2 + 6 * rng.random())
        case.respond(assignment, A.ASSIGNED, at, case.centre)
    assignment, at = _detour(case, rng, assignment, at)
    if not finish and not first and rng.random() < 0.07:
        at = carry(case, rng, assignment, A.ACCEPTED, at)
        case.move(problem, P.DECLINED, later(at, 1), case.team, "ครัวเรือนเปลี่ยนใจ ไม่ขอรับความช่วยเหลือ")
        return later(at, 1)
    second = _beside(case, rng, problem, at) if rng.random() < 0.34 else None
    at = carry(case, rng, assignment, until, at)
    if second is not None:
        # It comes in where the first one has begun, so that the problem's history stays in order.
        so_far = A.ACCEPTED if until is A.ASSIGNED else until
        begun = max(second.created_at, problem.moves[-1].at)
        at = max(at, carry(case, rng, second, so_far, begun))
    if not finish and problem.status == P.BEING_HELPED and until in (A.COMPLETED, A.CONFIRMED):
        if until is A.CONFIRMED and rng.random() < 0.75:
            at = resolve(case, rng, problem, at)
        elif rng.random() < 0.4:
            by = By(assignment.agency, "demo-agency")
            at = later(at, 1)
            case.propose(problem, P.RESOLVED, at, by, "หน่วยงานเห็นว่าปัญหาคลี่คลายแล้ว ขอให้ทีมตรวจยืนยัน")
    return at


def _detour(case: Case, rng: Random, assignment: Assignment, at: datetime) -> tuple[Assignment, datetime]:
    """Now and then the agency sends it back and another is found, or the province takes over."""
    draw = rng.random()
    if draw >= 0.1:
        return assignment, at
    at = later(at, 1 + 4 * rng.random())
    if draw < 0.05:
        case.respond(assignment, A.RETURNED, at, By(assignment.agency, "demo-agency"), _RETURNED)
        again = case.assign(
            assignment.problems,
            JOINT[0],
            later(at, 2),
            today(at) + timedelta(days=60 + int(rng.random() * 60)),
        )
        return again, later(at, 2)
    taker = unit("SCJP_P", case.household.area_code)
    return case.escalate(assignment, taker, at, _ESCALATED), at


def _beside(case: Case, rng: Random, problem: Problem, at: datetime) -> Assignment | None:
    """A second agency, jointly; None where it is at work here already."""
    joint = rng.choice(JOINT)
    agency = unit(joint.kind, case.household.area_code)
    if any(one.agency == agency for one in case.household.assignments):
        return None
    due = today(at) + timedelta(days=30 + int(rng.random() * 90))
    return case.assign([problem], joint, at, due, role="joint")


def relief(case: Case, rng: Random, at: datetime) -> None:
    """Help given on the spot, to no recorded problem."""
    agency = unit("TAO" if rng.random() < 0.7 else "REDCROSS", case.household.area_code)
    event = _event(case, rng, agency, "relief", "access", at)
    event.reason_no_problem = "ช่วยเหลือเฉพาะหน้ากรณีประสบภัย"
    case.help(event, None, at)


def _give(case: Case, rng: Random, assignment: Assignment, at: datetime) -> None:
    given = _type_of(assignment)
    problem = assignment.problems[0]
    event = _event(case, rng, assignment.agency, given, problem.dimension, at)
    event.assignment_id, event.menu_code = assignment.id, assignment.menu_code
    event.problem_ids = [one.id for one in assignment.problems] if rng.random() < 0.8 else []
    if problem.person_id is not None:
        event.beneficiaries = [problem.person_id]
    case.help(event, assignment, at)


def _type_of(assignment: Assignment) -> str:
    problem = assignment.problems[0]
    ailment = AILMENTS[problem.indicator_id] if problem.indicator_id else UNMEASURED[problem.dimension]
    kinds = {one.menu: one.type for one in (*JOINT, *ailment.remedies)}
    return kinds[assignment.menu_code]


def _event(case: Case, rng: Random, agency: str, given: str, dimension: str, at: datetime) -> Event:
    low, high, counted, done = GIVEN[given]
    value = low + int(rng.random() * (high - low) / 50) * 50 if high else None
    household = case.household
    return Event(
        id=case.new_id(at),
        external_id=f"DEMO-{household.number:08d}-{len(household.events) + 1:02d}",
        agency=agency,
        assignment_id=None,
        problem_ids=[],
        reason_no_problem=None,
        menu_code=None,
        dimension=dimension,
        assistance_type=given,
        description=done,
        provided_on=today(at) - timedelta(days=int(rng.random() * 3)),
        value_baht=value,
        quantity=1 + int(rng.random() * 2) if value else None,
        unit=counted if value else None,
        budget_source=rng.choice(_BUDGETS) if value else None,
        beneficiaries=[],
        evidence=[_picture(case, at)] if rng.random() < 0.15 else [],
        obstacle="เดินทางลำบากในฤดูฝน" if rng.random() < 0.06 else None,
        suggestion="ควรติดตามต่อเนื่องทุกเดือน" if rng.random() < 0.06 else None,
        recorded_at=at,
    )


def _picture(case: Case, at: datetime) -> dict[str, Any]:
    """A picture that does not exist, under a name that resolves nowhere (RFC 2606)."""
    name = case.new_id(at)
    return {
        "uri": f"https://pictures.example/{name}.jpg",
        "sha256": f"{name.int:032x}" * 2,
        "media_type": "image/jpeg",
        "caption": None,
    }
