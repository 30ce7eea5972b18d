"""The members of one household: one head, and others whose ages fit their relationship to the head."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

from persistence.demo import ids, names
from persistence.demo.calendar import AS_OF
from persistence.demo.records import Person
from persistence.demo.shares import SECOND_CARD, SIZES, Choice

ADULT, ELDER = 18, 60
PUPIL = "นักเรียน"
_YOUNGEST = 2
"""Born before the household was registered."""
_GENERATION = (18, 38)
"""Years between parent and child."""
_OLDEST = 98
_MARRIED = {"spouse", "parent", "grandparent", "child_in_law", "parent_in_law"}
_DISABILITIES = Choice({"ทางการเคลื่อนไหวหรือร่างกาย": 50, "ทางการได้ยินหรือสื่อความหมาย": 19, "ทางการเห็น": 9,
                        "ทางจิตใจหรือพฤติกรรม": 8, "ทางสติปัญญา": 7, "ทางการเรียนรู้": 3, "ออทิสติก": 2})  # fmt: skip
_WORK = Choice({"เกษตรกร": 42, "รับจ้างทั่วไป": 30, "ค้าขาย": 9, "พนักงานโรงงาน": 5, "ลูกจ้างรายวัน": 7,
                "ประกอบอาชีพส่วนตัว": 5, "รับราชการ/พนักงานของรัฐ": 2})  # fmt: skip

_Role = tuple[str, int, str]
"""Relationship, age and sex."""
NewId = Callable[[datetime], UUID]


def members(rng: Random, number: int, at: datetime, new_id: NewId, *, dependents: bool) -> list[Person]:
    """One to nine persons, the head first; without `dependents` all are of working age and able."""
    size = SIZES.draw(rng)
    roles = _roles(rng, size, dependents)
    surname, other = names.last_name(rng), names.last_name(rng)
    found = []
    for place, (relationship, age, sex) in enumerate(roles):
        own = relationship in ("child_in_law", "parent_in_law", "other")
        married = relationship in _MARRIED or (place == 0 and len(roles) > 1 and roles[1][0] == "spouse")
        birth = _birth(rng, age)
        known = rng.random() >= 0.008
        found.append(
            Person(
                id=new_id(at),
                citizen_id=ids.citizen_id(number, place) if known else None,
                no_id_reason=None if known else _no_id_reason(age),
                relationship=relationship,
                prefix=names.prefix(sex, age, married=married),
                first_name=names.first_name(rng, sex),
                last_name=other if own else surname,
                sex=sex,
                birth_date=birth,
                age=age,
                joined_on=None
                if place == 0
                else max(birth, date(2010, 1, 1) + timedelta(int(rng.random() * 5000))),
                phone=ids.phone(number, place) if age >= 15 and rng.random() < 0.55 else None,
            )
        )
    if dependents:
        for person in found:
            _health(rng, person)
    for person in found:
        _work(rng, person)
    head = found[0]
    if head.able_to_work and all(person.occupation in (None, PUPIL) for person in found):
        head.occupation = _WORK.draw(rng)
    return found


def _roles(rng: Random, size: int, dependents: bool) -> list[_Role]:
    """Only what the ages allow."""
    low, high = (24, 80) if dependents else (22, 58)
    if size == 1 and dependents and rng.random() < 0.5:
        low = ELDER
    head = low + int((rng.random() + rng.random()) / 2 * (high - low + 1))
    sex = "male" if rng.random() < 0.56 else "female"
    roles: list[_Role] = [("head", head, sex)]
    spouse: int | None = None
    if size > 1 and rng.random() < 0.68:
        limit = 59 if not dependents else _OLDEST
        spouse = min(limit, max(20, head + int(rng.gauss(-2 if sex == "male" else 2, 4))))
        roles.append(("spouse", spouse, "female" if sex == "male" else "male"))
    while len(roles) < size:
        roles.append(_another(rng, roles, head, spouse, dependents))
    return roles


def _another(rng: Random, roles: list[_Role], head: int, spouse: int | None, dependents: bool) -> _Role:
    younger = min(head, spouse) if spouse is not None else head
    count = {
        name: sum(role[0] == name for role in roles) for name in ("parent", "parent_in_law", "grandparent")
    }
    grown = sum(role[0] == "child" and role[1] >= 20 for role in roles)
    in_law = sum(role[0] == "child_in_law" for role in roles)
    least = _YOUNGEST if dependents else ADULT
    most = _OLDEST if dependents else 59
    options: list[tuple[tuple[str, int, int], float]] = [
        (("sibling", max(least, head - 12), min(most, head + 12)), 0.5),
        (("relative", max(least, 5), min(most, 75)), 0.35),
        (("other", ADULT, min(most, 70)), 0.05),
        (("child", max(least, younger - _GENERATION[1]), younger - _GENERATION[0]), 6.0),
        (("grandchild", max(least, younger - 70), younger - 40), 2.5),
    ]
    if count["parent"] < 2:
        options.append((("parent", head + _GENERATION[0], min(most, head + _GENERATION[1])), 1.2))
    if spouse is not None and count["parent_in_law"] < 2:
        options.append((("parent_in_law", spouse + _GENERATION[0], min(most, spouse + _GENERATION[1])), 0.5))
    if count["grandparent"] < 1:
        options.append((("grandparent", head + 40, min(most, head + 65)), 0.1))
    if grown > in_law:
        options.append((("child_in_law", 20, max(20, younger - 14)), 1.0))
    open_to = [(option, weight) for option, weight in options if option[1] <= option[2]]
    relationship, low, high = Choice(open_to).draw(rng)
    age = low + int(rng.random() * (high - low + 1))
    sex = "male" if rng.random() < 0.5 else "female"
    if relationship in ("parent", "parent_in_law"):
        taken = {role[2] for role in roles if role[0] == relationship}
        sex = sex if sex not in taken else ({"male", "female"} - taken).pop()
    return relationship, age, sex


def _birth(rng: Random, age: int) -> date:
    """A birthday with `age` full years at AS_OF."""
    return date(AS_OF.year - age, AS_OF.month, AS_OF.day) - timedelta(int(rng.random() * 365))


def _no_id_reason(age: int) -> str:
    return "not_registered" if age < 20 else "stateless"


def _health(rng: Random, person: Person) -> None:
    # Disability 3 % of persons, far more among the old; bedridden 1 in 60 of those over 70 (assumed).
    if rng.random() < (0.09 if person.age >= ELDER else 0.02):
        person.disabilities = [_DISABILITIES.draw(rng)]
    person.bedridden = rng.random() < (0.017 if person.age >= 70 else 0.001)


def _work(rng: Random, person: Person) -> None:
    person.able_to_work = 15 <= person.age < 75 and not person.bedridden and (
        not person.disabilities or rng.random() < 0.4
    )  # fmt: skip
    if person.age < 15:
        person.occupation = PUPIL if person.age >= 6 else None
    elif person.age < 19 and rng.random() < 0.75:
        person.occupation = PUPIL
    elif person.able_to_work and rng.random() < (0.55 if person.age >= ELDER else 0.93):
        person.occupation = _WORK.draw(rng)


def give_cards(rng: Random, persons: list[Person], held: bool | None) -> None:
    """Welfare cards: somebody holds one, nobody does, or (None) nobody knows."""
    if held is None:
        for person in persons:
            person.welfare_card = "unknown"
    elif held:
        adults = [person for person in persons if person.age >= ADULT] or persons[:1]
        rng.shuffle(adults)
        # Where there is one adult only there is no second card: the larger households make up for it.
        wanted = 1 + (rng.random() < SECOND_CARD * 1.22)
        for person in adults[:wanted]:
            person.welfare_card = "has_card"
