"""What happens to a household in its cycle: the stages of a case, each told as moves on a `Case`.

A case is told up to the stage it has come to, so that it has the history that stage needs. Every stage keeps
some problems behind the others, and some take a side road: declined, moved, deceased, mistaken, returned,
escalated.
"""

from datetime import datetime, timedelta
from random import Random

from domain.calendar import today
from domain.casework.states import OPEN_PROBLEM, AssignmentStatus, ProblemStatus
from persistence.demo import helping
from persistence.demo.calendar import CYCLE_AFTER, FISCAL_YEAR
from persistence.demo.case import Case, later
from persistence.demo.records import Problem
from persistence.demo.remedies import AILMENTS, UNMEASURED, Ailment
from persistence.demo.shares import CASES, DECLINED_CASES, RECURRING, Choice
from persistence.demo.survey import DIMENSION, Failure

P, A = ProblemStatus, AssignmentStatus
_LADDER = ("imported", "verified", "classified", "analysed", "planned", "in_assistance", "monitoring")
_NEEDS = Choice({"access": 30, "health": 25, "living": 18, "income": 17, "other": 10})
_OUTCOMES = Choice({"resolved": 62, "moved_out": 14, "deceased": 8, "duplicate": 6, "declined": 10})
_PARTS = (
    "พร้อมปรับตัวและอยากมีรายได้เพิ่ม",
    "ทำเกษตรและงานฝีมือได้",
    "มีพื้นที่รอบบ้านและเครือญาติในหมู่บ้าน",
    "ลดรายจ่าย เพิ่มรายได้ และเข้าถึงสิทธิสวัสดิการ",
)


def tell(case: Case, rng: Random, failures: list[Failure], wanted: int) -> None:
    """Plays the household's cycle of 2569 and, where it recurs, the one before."""
    household = case.household
    at = later(household.created_at, CYCLE_AFTER / timedelta(days=1))
    earlier = _last_year(case, rng, failures) if wanted and rng.random() < RECURRING else None
    problems = _problems(case, rng, failures, wanted, earlier, at)
    goal = _goal(rng, household.classification)
    outcome = _outcome(rng, case, problems, goal)
    if goal == "closed" and outcome != "resolved":
        _leave(case, rng, problems, outcome, later(at, 3 + 20 * rng.random()))
        return
    reached = _LADDER.index("monitoring" if goal == "closed" else goal)
    for step in _LADDER[1 : min(reached, 2) + 1]:
        at = later(at, 1 + 4 * rng.random())
        case.advance(step, at)
    if household.classification == "declined" and problems and goal not in ("imported", "verified"):
        at = _decline_some(case, rng, problems, goal, at)
    _stray(case, rng, problems, later(at, 0.5), early=reached <= 2)
    at = later(at, 3)
    if reached < 3 or not any(problem.status in OPEN_PROBLEM for problem in problems):
        if reached == 2 and rng.random() < 0.4:
            case.analyse((_PARTS[0], _PARTS[1], None, None), [], later(at, 2 + 8 * rng.random()))
        return
    _from_analysis(case, rng, problems, goal, later(at, 3 + 12 * rng.random()))


def _goal(rng: Random, classification: str) -> str:
    """The stage it has come to; who is not classified has not come further than verified."""
    if classification == "unclassified":
        return "imported" if rng.random() < 0.5 else "verified"
    return (DECLINED_CASES if classification == "declined" else CASES).draw(rng)


def _outcome(rng: Random, case: Case, problems: list[Problem], goal: str) -> str:
    if not problems:
        return "passed"
    if case.household.classification == "declined":
        return "declined"
    if goal != "closed":
        return "resolved"
    outcome = _OUTCOMES.draw(rng)
    alone = len(case.household.members) == 1
    return "moved_out" if outcome == "deceased" and (alone or not _mortal(case, problems)) else outcome


def _problems(
    case: Case, rng: Random, failures: list[Failure], wanted: int, earlier: Problem | None, at: datetime
) -> list[Problem]:
    """This year's: what failed, then needs that no indicator measures."""
    found = []
    for place in range(max(wanted, len(failures))):
        made = later(at, place / 24)
        recurs = earlier if place == 0 else None
        if place < len(failures):
            indicator, person = failures[place]
            if recurs is not None and indicator != recurs.indicator_id:
                recurs = None
            problem = _problem(case, AILMENTS[indicator], DIMENSION[indicator], made, FISCAL_YEAR)
            problem.indicator_id, problem.person_id = indicator, person.id if person else None
            problem.source = "bmn" if case.household.dimension_mask is not None else "local"
        else:
            dimension = recurs.dimension if recurs is not None else _NEEDS.draw(rng)
            problem = _problem(case, UNMEASURED[dimension], dimension, made, FISCAL_YEAR)
            if dimension in ("health", "access") and rng.random() < 0.5:
                living = case.household.living
                problem.person_id = living[int(rng.random() * len(living))].id
            problem.source = rng.choice(("local", "thaiqm", "vulnerable"))
        problem.recurrence_of = recurs.id if recurs is not None else None
        if problem.dimension in ("other", "living") and rng.random() < 0.4:
            problem.solvability = "self_solvable"
        found.append(case.record(problem, made))
    return found


def _problem(case: Case, ailment: Ailment, dimension: str, at: datetime, fiscal_year: int) -> Problem:
    return Problem(
        id=case.new_id(at),
        person_id=None,
        dimension=dimension,
        indicator_id=None,
        fiscal_year=fiscal_year,
        need=ailment.need,
        description=ailment.description,
        source="local",
        solvability="external_resource",
        created_at=at,
    )


def _last_year(case: Case, rng: Random, failures: list[Failure]) -> Problem:
    """The same problem a year ago, helped and resolved (or declined), and the case closed and opened again."""
    at = later(case.household.created_at, 20)
    if failures:
        indicator = failures[0][0]
        dimension, ailment = DIMENSION[indicator], AILMENTS[indicator]
    else:
        indicator, dimension = None, _NEEDS.draw(rng)
        ailment = UNMEASURED[dimension]
    problem = _problem(case, ailment, dimension, at, FISCAL_YEAR - 1)
    problem.indicator_id, problem.source = indicator, "bmn" if indicator else "local"
    case.record(problem, at)
    for days, step in ((22, "verified"), (24, "classified"), (30, "analysed")):
        case.advance(step, later(case.household.created_at, days))
    at = later(case.household.created_at, 30)
    case.analyse(_PARTS, [problem], at)
    if rng.random() < 0.12:
        at = later(at, 5)
        case.move(problem, P.DECLINED, at, case.team, "ครัวเรือนไม่ขอรับความช่วยเหลือ")
        case.advance("closed", later(at, 1), outcome="declined")
    else:
        assignment, at = helping.assign(case, rng, [problem], at, lasting=False)
        at = helping.carry(case, rng, assignment, A.CONFIRMED, at)
        at = helping.resolve(case, rng, problem, at)
        case.advance("monitoring", later(at, 1))
        case.advance("closed", later(at, 30), outcome="resolved")
    reopened = later(case.household.created_at, CYCLE_AFTER / timedelta(days=1))
    case.advance("imported", later(reopened, -1))
    return problem


def _decline_some(case: Case, rng: Random, problems: list[Problem], goal: str, at: datetime) -> datetime:
    """A declining household refuses everything; where its case goes on, one problem's help, and takes the rest."""
    refused = problems if goal == "classified" else problems[:1]
    if goal not in ("classified", "monitoring") and len(problems) == 1:
        return at
    for problem in refused:
        at = later(at, 0.1 + 2 * rng.random())
        told = "ครัวเรือนไม่ขอรับความช่วยเหลือ จะสอบถามอีกครั้งในรอบปีถัดไป"
        case.move(problem, P.DECLINED, at, case.team, told)
    return at


def _stray(case: Case, rng: Random, problems: list[Problem], at: datetime, *, early: bool) -> None:
    """Mistaken entries, proposed and confirmed by two clients; deaths and moves; help that answers no problem."""
    open_ones = [problem for problem in problems if problem.status in OPEN_PROBLEM]
    if len(open_ones) > 1 and rng.random() < 0.06:
        mistaken = open_ones[-1]
        case.propose(mistaken, P.ENTERED_IN_ERROR, at, case.team, "บันทึกซ้ำกับปัญหาเดิม")
        if rng.random() < 0.6:
            case.move(mistaken, P.ENTERED_IN_ERROR, later(at, 1), case.centre, "ตรวจสอบแล้วบันทึกผิดพลาด")
    for problem in _mortal(case, open_ones)[:1]:
        if problem.status in OPEN_PROBLEM and rng.random() < 0.07:
            _die(case, problem, later(at, 1.5))
    if len(open_ones) > 1 and open_ones[1].status in OPEN_PROBLEM and rng.random() < 0.02:
        case.move(
            open_ones[1], P.MOVED_OUT, later(at, 1.8), case.team, "สมาชิกย้ายออก", moved_to="กรุงเทพมหานคร"
        )
    if rng.random() < (0.25 if early else 0.08) and case.household.case_status not in ("analysed", "planned"):
        helping.relief(case, rng, later(at, 2 + 10 * rng.random()))


def _from_analysis(case: Case, rng: Random, problems: list[Problem], goal: str, at: datetime) -> None:
    working = [
        problem for problem in problems if problem.status in OPEN_PROBLEM and problem.proposed_status is None
    ]
    finish = goal in ("monitoring", "closed")
    chosen = [problem for place, problem in enumerate(working) if place == 0 or finish or rng.random() < 0.9]
    case.analyse(_PARTS, chosen, at)
    case.advance("analysed", at)
    if goal == "analysed":
        helping.hesitate(case, rng, chosen, at)
    else:
        at = later(at, 1 + 5 * rng.random())
        case.advance("planned", at)
        at = helping.plan(case, rng, chosen, goal, at)
    if not finish:
        _set_stage(case, rng)
        return
    latest = at
    for problem in problems:
        if problem.status == P.BEING_HELPED:
            latest = max(latest, helping.resolve(case, rng, problem, at))
        elif problem.status in OPEN_PROBLEM:
            case.move(problem, P.DECLINED, at, case.team, "ครัวเรือนแก้ไขได้ด้วยตนเอง ไม่ขอรับความช่วยเหลือ")
    _finish(case, rng, goal, latest)


def _finish(case: Case, rng: Random, goal: str, at: datetime) -> None:
    if case.household.case_status == "in_assistance":
        case.advance("monitoring", later(at, 1))
    if goal == "closed":
        solved = any(problem.status == P.RESOLVED for problem in case.household.problems)
        case.advance("closed", later(at, 2 + 10 * rng.random()), outcome="resolved" if solved else "declined")
    _set_stage(case, rng)


def _set_stage(case: Case, rng: Random) -> None:
    """อยู่รอด, พอเพียง, ยั่งยืน: further along the further the case is."""
    far = case.household.case_status in ("monitoring", "closed")
    draw = rng.random()
    case.household.stage = (
        ("sustain" if draw < 0.3 else "sufficient") if far else "sufficient" if draw < 0.3 else "survive"
    )


def _leave(case: Case, rng: Random, problems: list[Problem], outcome: str, at: datetime) -> None:
    """The case closes at verification or soon after, without help."""
    for problem in problems:
        at = later(at, 0.05)
        if problem.status not in OPEN_PROBLEM:
            continue
        if outcome == "moved_out":
            case.move(problem, P.MOVED_OUT, at, case.team, "ย้ายออกทั้งครัวเรือน", moved_to="ต่างจังหวัด ตามญาติ")
        elif outcome == "duplicate":
            case.propose(problem, P.ENTERED_IN_ERROR, at, case.team, "ครัวเรือนซ้ำกับระเบียนอื่น")
            case.move(problem, P.ENTERED_IN_ERROR, later(at, 0.04), case.centre, "ยืนยันว่าเป็นระเบียนซ้ำ")
        elif outcome == "deceased" and problem in _mortal(case, problems)[:1]:
            _die(case, problem, at)
        else:
            case.move(problem, P.DECLINED, at, case.team, "ครัวเรือนไม่ขอรับความช่วยเหลือ")
    case.advance("closed", later(at, 1 + rng.random()), outcome=outcome)


def _mortal(case: Case, problems: list[Problem]) -> list[Problem]:
    """Problems of members other than the head: a death leaves the household with its head."""
    head = case.household.head.id
    return [problem for problem in problems if problem.person_id not in (None, head)]


def _die(case: Case, problem: Problem, at: datetime) -> None:
    """The member dies, and with it every problem of its own."""
    person = next(person for person in case.household.members if person.id == problem.person_id)
    person.deceased_on = today(at) - timedelta(days=1)
    for own in case.household.problems:
        if own.person_id == person.id and own.status in OPEN_PROBLEM:
            case.move(own, P.DECEASED, at, case.team, "ผู้ประสบปัญหาเสียชีวิต")
