"""Steps of scenarios that go through either door, and what they send."""

from typing import Any

from tests.support import builders
from tests.support.doors import AnyDoor

ABSENT = "01890000-0000-7000-8000-000000000000"


async def registered(door: AnyDoor, **changes: Any) -> Any:
    return (await door.create_household("team", builders.household(**changes))).good


async def analysed(door: AnyDoor, **changes: Any) -> tuple[Any, Any]:
    """A household with an analysed problem."""
    home = await registered(door, **changes)
    problem = (await door.create_problem("team", builders.problem(home["id"]))).good
    assert (await door.analysis("team", home["id"], builders.analysis())).good["complete"] is True
    moved = await door.transition_problem("team", problem["id"], {"to": "analysed"})
    return home, moved.good


async def assigned(door: AnyDoor, agency: str = "PROV_MOPH-42", **changes: Any) -> tuple[Any, Any, Any]:
    home, problem = await analysed(door, **changes)
    body = {"problem_ids": [problem["id"]], "agency": agency, "menu_code": "INC-01", "due_on": "2999-01-31"}
    return home, problem, (await door.create_assignment("center", body)).good


def menu(**changes: Any) -> dict[str, Any]:
    return {
        "code": f"TEST-{builders.citizen_id()}",
        "title_th": "เมนูทดลอง",
        "kind": "livelihood",
        "dimension": "income",
        "conditions": [{"rule": "land", "has": True}],
        "lead_agencies": ["PROV_MOPH"],
        **changes,
    }
