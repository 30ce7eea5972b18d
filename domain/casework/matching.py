"""Which menus answer a problem, in what order, and who would do it. A proposal: a person decides.

Source: domain §5 (agency routing) and §7 (matching rule), contract 5. Candidates are the menus offered at
the area that share the problem's dimension or its indicator. Each is listed with every condition's verdict,
also when one fails: the reader sees why. Order: indicator overlap, eligible, ladder step from the first,
stage from the first, code.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from domain.casework.assignment import Role
from domain.casework.conditions import Facts, Verdict, judge
from domain.casework.menus import MenuDraft, offered
from domain.kernel import Value
from domain.reference.units import Routing, acting_unit
from domain.registry.household import Stage

_STAGES = (Stage.SURVIVE, Stage.SUFFICIENT, Stage.SUSTAIN)


class IndicatorDuty(Value):
    """The indicator of a problem: who is responsible for it, and what it is called in a later edition."""

    id: str
    successor: str | None = None
    """The indicator that took its place: menus name the newest edition."""
    lead_agencies: tuple[str, ...] = ()
    joint_agencies: tuple[str, ...] = ()


class MatchedAgency(Value):
    """An agency that could help, and why it is named."""

    code: str
    role: Role
    reason: str
    reason_th: str


class MenuMatch(Value):
    """A menu judged against one problem."""

    menu_code: str
    score: int
    """0 to 173; a higher one comes first. Comparable within one answer only."""
    eligible: bool
    """No condition fails; those not known do not count against it."""
    conditions: tuple[Verdict, ...]
    agencies: tuple[MatchedAgency, ...]


def match_menus(
    facts: Facts,
    menus: Iterable[MenuDraft],
    *,
    on: date,
    indicator: IndicatorDuty | None,
    routing: Routing,
    exists: Callable[[str], bool],
) -> tuple[MenuMatch, ...]:
    """The menus for a problem, best first.

    `indicator` is the one of `facts.indicator_id`; `exists` tells whether an agency code is registered.
    """
    answered = {indicator.id, indicator.successor} if indicator else {facts.indicator_id}
    found = []
    for menu in menus:
        overlaps = not answered.isdisjoint(menu.indicators)
        if not offered(menu, facts.area_code, on) or not (overlaps or menu.dimension == facts.dimension):
            continue
        verdicts = tuple(judge(rule, facts) for rule in menu.conditions)
        eligible = all(verdict.passed is not False for verdict in verdicts)
        match = MenuMatch(
            menu_code=menu.code,
            score=score(menu, overlaps=overlaps, eligible=eligible),
            eligible=eligible,
            conditions=verdicts,
            agencies=agencies_for(menu, indicator, facts.area_code, routing, exists),
        )
        found.append(match)
    return tuple(sorted(found, key=lambda match: (-match.score, match.menu_code)))


def score(menu: MenuDraft, *, overlaps: bool, eligible: bool) -> int:
    """One number that orders as the rule does: each weight outweighs everything after it (assumed)."""
    return 100 * overlaps + 50 * eligible + 10 * (3 - menu.ladder_step) + 3 - _STAGES.index(menu.stage_goal)


def agencies_for(
    menu: MenuDraft,
    indicator: IndicatorDuty | None,
    area_code: str,
    routing: Routing,
    exists: Callable[[str], bool],
) -> tuple[MatchedAgency, ...]:
    """Lead and joint agencies of the menu, then of the indicator, each as the unit that acts at the area;
    an agency named twice keeps its first role."""
    named: list[tuple[Sequence[str], Role, str, str]] = [
        (menu.lead_agencies, Role.LEAD, f"lead of menu {menu.code}", f"หน่วยงานหลักของเมนู {menu.code}"),
        (menu.joint_agencies, Role.JOINT, f"joint in menu {menu.code}", f"หน่วยงานร่วมของเมนู {menu.code}"),
    ]
    if indicator:
        its, its_th = f"of indicator {indicator.id}", f"ของตัวชี้วัด {indicator.id}"
        named += [
            (indicator.lead_agencies, Role.LEAD, f"lead {its}", f"เจ้าภาพหลัก{its_th}"),
            (indicator.joint_agencies, Role.JOINT, f"joint {its}", f"เจ้าภาพร่วม{its_th}"),
        ]
    indicator_id = indicator.id if indicator else None
    found: dict[str, MatchedAgency] = {}
    for codes, role, why, why_th in named:
        for code in codes:
            unit = acting_unit(code, area_code, routing, exists, indicator_id=indicator_id)
            if unit.code not in found:
                found[unit.code] = MatchedAgency(
                    code=unit.code,
                    role=role,
                    reason=f"{code}, {why}: {unit.reason}",
                    reason_th=f"{code} {why_th}: {unit.reason_th}",
                )
    return tuple(found.values())
