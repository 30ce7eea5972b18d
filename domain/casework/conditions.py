"""Judging one menu condition against what the registry knows: true, false, or not known.

Source: domain §7 (preconditions), 004 ๓.๖. The verdict tells what it saw as a code or a band, never as a
birth date, an amount or a state of health: whoever may read a match may not read the person.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from uuid import UUID

from domain.casework.menus import (
    AbleToWorkRule,
    AgeRule,
    ClassificationRule,
    Condition,
    ConfirmRule,
    Health,
    HealthRule,
    IncomeRule,
    LandRule,
    OccupationRule,
    Who,
)
from domain.casework.problem import ProblemDimension
from domain.kernel import Value
from domain.registry.household import Classification


class MemberFacts(Value):
    """What a condition may ask about a living member; None is not known."""

    person_id: UUID
    age: int | None = None
    """Full years."""
    able_to_work: bool | None = None
    bedridden: bool | None = None
    disabled: bool | None = None
    has_occupation: bool | None = None


class Facts(Value):
    """A problem and its household, as the conditions see them."""

    area_code: str
    has_land: bool | None = None
    classification: Classification = Classification.UNCLASSIFIED
    annual_income_per_person: Decimal | None = None
    """Baht."""
    members: tuple[MemberFacts, ...] = ()
    """Living members now in the household."""
    dimension: ProblemDimension
    indicator_id: str | None = None
    person_id: UUID | None = None
    """The person of the problem; None: the household as a whole."""


class Verdict(Value):
    """A condition and how it came out."""

    rule: str
    """Which rule, e.g. `age`."""
    condition: Condition
    """The rule with what it asks for."""
    passed: bool | None
    """null: not known, or for a person to confirm. It does not stand in the way."""
    actual: bool | str | None
    """What was seen, as a code or a band."""


_AGE_BANDS = ((7, "0-6"), (15, "7-14"), (18, "15-17"), (35, "18-34"), (60, "35-59"))
_INCOME_BANDS = ((Decimal(38_000), "<=38000"), (Decimal(50_000), "<=50000"), (Decimal(100_000), "<=100000"))


def judge(rule: Condition, facts: Facts) -> Verdict:
    """The verdict of one rule."""
    passed, actual = _judge(rule, facts)
    return Verdict(rule=rule.rule, condition=rule, passed=passed, actual=actual)


def _judge(rule: Condition, facts: Facts) -> tuple[bool | None, bool | str | None]:
    match rule:
        case ClassificationRule():
            known = facts.classification != Classification.UNCLASSIFIED
            return (facts.classification in rule.any_of if known else None), facts.classification.value
        case LandRule():
            return (None if facts.has_land is None else facts.has_land == rule.has), facts.has_land
        case HealthRule():
            # Health is sensitive (PDPA s.26): the verdict is all that is told of it.
            healthy = _any(_about(rule.who, facts), lambda member: _healthy(rule, member))
            return healthy, healthy
        case AgeRule():
            about = _about(rule.who, facts)
            passed = _any(about, lambda member: _aged(member.age, rule.min, rule.max))
            undecided = passed is False and rule.or_confirm_th is not None
            return (None if undecided else passed), _listed(map(_age_band, about))
        case AbleToWorkRule():
            able = _any(_about(rule.who, facts), lambda member: member.able_to_work)
            return able, able
        case OccupationRule():
            occupied = _any(_about(rule.who, facts), lambda member: member.has_occupation)
            return occupied, occupied
        case IncomeRule():
            return _income(rule, facts)
        case ConfirmRule():
            return None, None


def _about(who: Who, facts: Facts) -> tuple[MemberFacts, ...]:
    if who == "any_member" or (who == "person_or_any_member" and facts.person_id is None):
        return facts.members
    return tuple(member for member in facts.members if member.person_id == facts.person_id)


def _any(members: Iterable[MemberFacts], holds: Callable[[MemberFacts], bool | None]) -> bool | None:
    """True if it holds for somebody; not known if it may; nobody to ask is not known either."""
    answers = [holds(member) for member in members]
    if True in answers:
        return True
    return None if None in answers or not answers else False


def _healthy(rule: HealthRule, member: MemberFacts) -> bool | None:
    works = _all(member.able_to_work, not member.bedridden)
    states: dict[Health, bool | None] = {
        "bedridden": member.bedridden,
        "disabled": member.disabled,
        "unable": _negated(works),
        "able": _all(works, not member.disabled),
        "limited": _all(works, member.disabled),
    }
    answers = [states[state] for state in rule.any_of]
    if rule.or_age_min is not None:
        answers.append(_aged(member.age, rule.or_age_min, None))
    if True in answers:
        return True
    return None if None in answers else False


def _aged(age: int | None, least: int | None, most: int | None) -> bool | None:
    if age is None:
        return None
    return (least is None or age >= least) and (most is None or age <= most)


def _income(rule: IncomeRule, facts: Facts) -> tuple[bool | None, str | None]:
    per_person = facts.annual_income_per_person
    if per_person is None:
        return None, None
    if rule.unit == "baht/person/year":
        return per_person <= rule.max, _income_band(per_person)
    # The household's income is its income per head times its living members (domain §11, 15).
    if not facts.members:
        return None, None
    household = per_person * len(facts.members)
    return household <= rule.max, _income_band(household)


def _all(*answers: bool | None) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


def _negated(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _age_band(member: MemberFacts) -> str | None:
    if member.age is None:
        return None
    return next((band for limit, band in _AGE_BANDS if member.age < limit), "60+")


def _income_band(amount: Decimal) -> str:
    return next((band for limit, band in _INCOME_BANDS if amount <= limit), ">100000")


def _listed(words: Iterable[str | None]) -> str | None:
    """The distinct words in order, as one string; None if nothing is known."""
    return ", ".join(dict.fromkeys(word for word in words if word is not None)) or None
