"""The change feed over HTTP: its shape, its cursors, and what leaves and enters a caller's view."""

from typing import Any

import pytest

from domain.access.actor import Scope
from domain.exchange.changes import ChangeType
from tests.support import builders
from tests.support.api import Api
from tests.support.calls import EVERYTHING, assignment, but, everything, told
from tests.support.doors import GraphqlDoor
from tests.support.feed import ASSIGNED, asked, brief, followed, now

HEALTH = "PROV_MOPH-42"
SOCIAL = "PROV_MSDHS-42"


async def made(api: Api, path: str, body: Any, **claims: Any) -> dict[str, Any]:
    answer = await everything(api, "POST", path, body, **claims)
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, Any] = answer.json()
    return found


async def home_with_problem(api: Api, **changes: Any) -> tuple[str, str]:
    """A household with an analysed problem."""
    home = (await made(api, "/v1/households", builders.household(**changes)))["id"]
    problem = (await made(api, "/v1/problems", builders.problem(home)))["id"]
    await made(api, f"/v1/households/{home}/analyses", builders.analysis())
    await made(api, f"/v1/problems/{problem}/transitions", {"to": "analysed"})
    return home, problem


def of(items: list[dict[str, Any]], home: str) -> list[dict[str, Any]]:
    return [one for one in items if one["household_id"] == home]


# -- shape and order


async def test_changes_come_in_the_order_they_were_made_and_say_where_to_go_on(api: Api) -> None:
    start = await now(api)
    home, problem = await home_with_problem(api)
    items, end = await followed(api, start, limit=2)
    mine = of(items, home)
    assert [(one["type"], one["action"]) for one in mine] == [
        ("household", "created"), ("problem", "created"), ("analysis", "created"), ("problem", "updated"),
    ]  # fmt: skip
    assert [one["sequence"] for one in items] == sorted({one["sequence"] for one in items})
    assert {one["resource_id"] for one in mine if one["type"] == "problem"} == {problem}
    assert [one["version"] for one in mine if one["type"] == "problem"] == [1, 2]
    assert set(mine[0]) == {
        "sequence", "type", "resource_id", "action", "occurred_at", "household_id", "version", "tombstone",
    }  # fmt: skip
    again = await asked(api, after=end)
    assert (again.json()["items"], again.json()["more"]) == ([], False)


async def test_an_empty_page_s_cursor_goes_on_from_there(api: Api) -> None:
    start = await now(api)
    quiet = (await asked(api, after=start)).json()["next"]
    home, _ = await home_with_problem(api)
    items, _ = await followed(api, quiet)
    assert len(of(items, home)) == 4


async def test_without_a_cursor_it_begins_with_the_oldest_and_latest_begins_now(api: Api) -> None:
    home, _ = await home_with_problem(api)
    items, _ = await followed(api)
    assert of(items, home)[0]["action"] == "created"
    latest = (await asked(api, after="latest")).json()
    assert (latest["items"], latest["more"]) == ([], False)
    later, _ = await home_with_problem(api)
    items, _ = await followed(api, latest["next"])
    assert {one["household_id"] for one in items} == {later}


async def test_types_narrow_it_and_add_up(api: Api) -> None:
    start = await now(api)
    home, _ = await home_with_problem(api)
    for types in (["problem"], ["problem", "analysis"]):
        items, _ = await followed(api, start, types=types)
        assert {one["type"] for one in of(items, home)} == set(types)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "query/limit"), ("limit=201", "query/limit"), ("limit=x", "query/limit"),
        ("wait=31", "query/wait"), ("wait=-1", "query/wait"), ("wait=0.5", "query/wait"),
        ("types=client", "query/types/0"), ("types=", "query/types/0"), ("since=1", "query/since"), ("cursor=x", "query/cursor"),
        ("after=", "query/after"), ("after=0", "query/after"), ("after=LATEST", "query/after"), ("after=AAAA", "query/after"),
        ("after=latest&after=latest", "query/after"), ("after=" + "x" * 401, "query/after"), ("after=%00", "query/after"),
    ],
)  # fmt: skip
async def test_what_it_does_not_know_is_refused(api: Api, query: str, pointer: str) -> None:
    answer = await everything(api, "GET", f"/v1/changes?{query}")
    assert told(answer) == (422, "invalid-input")
    named = answer.json()["errors"][0]["pointer"]
    assert named in (pointer, pointer.rpartition("/")[0]), answer.text


async def test_a_cursor_is_of_the_feed_and_nobody_s_to_change(api: Api) -> None:
    _, cursor = await followed(api)
    foreign = (await everything(api, "GET", "/v1/areas?limit=1")).json()["next_cursor"]
    middle = len(cursor) // 2
    altered = cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]
    for one in (foreign, altered, cursor[:-1], cursor + "=", cursor * 2):
        answer = await asked(api, after=one)
        assert told(answer) == (422, "invalid-input"), one
    listed = await everything(api, "GET", f"/v1/households?cursor={cursor}")
    assert told(listed) == (422, "invalid-input")


@pytest.mark.parametrize(
    "changed",
    [
        {"areas": ["41"]}, {"areas": ["42", "41"]}, {"scopes": but(Scope.PROBLEMS_READ)},
        {"scopes": but(Scope.HOUSEHOLDS_READ)},
    ],
    ids=["areas", "more areas", "scopes", "breadth"],
)  # fmt: skip
async def test_whose_rights_have_changed_starts_again(api: Api, changed: dict[str, Any]) -> None:
    """A page read with other rights has passed over changes, or shown what is to be forgotten."""
    own = {"areas": ["42"]}
    _, cursor = await followed(api, claims=own)
    assert (await asked(api, after=cursor, claims=own)).status_code == 200
    assert told(await asked(api, after=cursor, claims={**own, **changed})) == (410, "cursor-expired")


async def test_graphql_follows_the_same_feed_with_the_same_cursors(api: Api) -> None:
    start = await now(api)
    home, _ = await home_with_problem(api)
    door = GraphqlDoor(api)
    select = " { items { sequence type action householdId tombstone } next more }"
    claims = {"scopes": EVERYTHING, "areas": ["*"]}
    items: list[dict[str, Any]] = []
    after, more = start, True
    while more:
        answer = await door.query("center", "changes", {"after": after, "limit": 3}, select=select, **claims)
        assert answer.code is None
        items, after, more = items + answer.data["items"], answer.data["next"], answer.data["more"]
    rest, end = await followed(api, start)
    shown = [one for one in items if one.get("householdId", one.get("household_id")) == home]
    assert [one["sequence"] for one in shown] == [one["sequence"] for one in of(rest, home)]
    assert (await asked(api, after=after)).json()["items"] == []
    assert (await door.query("center", "changes", {"after": end}, select=select, **claims)).data[
        "items"
    ] == []


# -- policy


READS = {
    ChangeType.HOUSEHOLD: Scope.HOUSEHOLDS_READ,
    ChangeType.PROBLEM: Scope.PROBLEMS_READ,
    ChangeType.ANALYSIS: Scope.PROBLEMS_READ,
    ChangeType.ASSIGNMENT: Scope.ASSIGNMENTS_READ,
    ChangeType.ASSISTANCE_EVENT: Scope.ASSISTANCE_READ,
    ChangeType.MENU: Scope.MENUS_READ,
}


async def test_a_type_is_shown_to_whoever_may_read_it(api: Api) -> None:
    start = await now(api)
    home, problem = await home_with_problem(api)
    await made(api, "/v1/assignments", assignment({"problem_id": problem}))
    await made(api, "/v1/assistance-events", builders.event(home))
    menu = await made(api, "/v1/menus", {
        "code": f"FEED-{builders.citizen_id()}", "title_th": "เมนู", "kind": "livelihood", "dimension": "income",
        "lead_agencies": ["PROV_MOPH"], "areas": ["42"],
    })  # fmt: skip
    mine = {home, menu["id"]}
    for kind, scope in READS.items():
        wide = [Scope.CHANGES_READ, Scope.HOUSEHOLDS_READ, scope]
        items, _ = await followed(api, start, claims={"scopes": wide})
        shown = {one["type"] for one in items if {one["household_id"], one["resource_id"]} & mine}
        assert kind in shown
        readable = {one for one, needed in READS.items() if needed in wide} | {ChangeType.HOUSEHOLD}
        assert shown <= {str(one) for one in readable}
        if scope is not Scope.HOUSEHOLDS_READ:
            without = [Scope.CHANGES_READ, Scope.HOUSEHOLDS_READ]
            refused = await asked(api, types=kind, claims={"scopes": without})
            assert told(refused) == (403, "insufficient-scope")
            assert refused.json()["scope"] == scope


async def test_nobody_hears_of_clients_and_grants(api: Api) -> None:
    home, _ = await home_with_problem(api)
    await made(
        api, "/v1/clients", {"name": "ระบบ", "agency": HEALTH, "areas": ["42"], "scopes": ["menus:read"]}
    )
    await made(
        api, "/v1/access-grants", {"household_id": home, "reason": "แจ้งเหตุด่วนทางโทรศัพท์"}, agency="PROV_DLA-42"
    )
    items, _ = await followed(api)
    assert {one["type"] for one in items} <= {str(one) for one in ChangeType}


@pytest.mark.parametrize("areas", [["42"], ["4201"], ["420101"]], ids=str)
async def test_areas_bound_it_at_every_length(api: Api, areas: list[str]) -> None:
    start = await now(api)
    inside, _ = await home_with_problem(api)
    outside, _ = await home_with_problem(api, area_code="410101")
    nearby, _ = await home_with_problem(api, area_code="420201")
    items, _ = await followed(api, start, claims={"areas": areas})
    expected = {inside} | ({nearby} if areas == ["42"] else set())
    assert {one["household_id"] for one in items} == expected
    items, _ = await followed(api, start, claims={"areas": [*areas, "41"]})
    assert {one["household_id"] for one in items} == expected | {outside}
    items, _ = await followed(api, start, claims={"areas": []})
    assert items == []


async def test_a_grant_does_not_open_the_feed(api: Api) -> None:
    home, _ = await home_with_problem(api)
    own: dict[str, Any] = {"agency": "PROV_CDD-42", "scopes": ASSIGNED}
    start = await now(api)
    grant = {"household_id": home, "reason": "แจ้งเหตุด่วนทางโทรศัพท์"}
    await made(api, "/v1/access-grants", grant, **own)
    assert (await everything(api, "GET", f"/v1/households/{home}", **own)).status_code == 200
    await made(api, "/v1/problems", builders.problem(home))
    items, _ = await followed(api, start, claims=own)
    assert of(items, home) == []


# -- by assignment alone


async def transitioned(api: Api, id: str, body: dict[str, Any], **claims: Any) -> None:
    await made(api, f"/v1/assignments/{id}/transitions", body, **claims)


async def test_a_household_enters_with_the_first_assignment_and_leaves_with_the_last(api: Api) -> None:
    own: dict[str, Any] = {"agency": HEALTH, "scopes": ASSIGNED}
    home, problem = await home_with_problem(api)
    second = (await made(api, "/v1/problems", builders.problem(home)))["id"]
    await made(api, f"/v1/problems/{second}/transitions", {"to": "analysed"})
    before, start = await followed(api, claims=own)
    assert of(before, home) == []

    first = (await made(api, "/v1/assignments", assignment({"problem_id": problem})))["id"]
    items, start = await followed(api, start, claims=own)
    assert ("household", "entered", False) in brief(of(items, home))
    assert ("assignment", "created", False) in brief(of(items, home))

    other = (await made(api, "/v1/assignments", assignment({"problem_id": second})))["id"]
    items, start = await followed(api, start, claims=own)
    assert "entered" not in {one["action"] for one in of(items, home)}
    await transitioned(api, first, {"to": "returned", "reason": "เกินกำลัง"}, agency=HEALTH)
    items, start = await followed(api, start, claims=own)
    assert "left" not in {one["action"] for one in of(items, home)}

    event = await made(api, "/v1/assistance-events", builders.event(home), agency=HEALTH)
    _, start = await followed(api, start, claims=own)
    await transitioned(api, other, {"to": "cancelled", "reason": "ซ้ำ"})
    await made(api, "/v1/problems", builders.problem(home))
    items, start = await followed(api, start, claims=own)
    mine = of(items, home)
    # What stays its own to read follows the tombstone; what it sees no more is not told any more.
    place = brief(mine).index(("household", "left", True))
    stays = {(one["type"], one["resource_id"]) for one in mine[place + 1 :]}
    assert stays == {("assignment", first), ("assignment", other), ("assistance_event", event["id"])}
    assert all(one["type"] == "assignment" for one in mine[:place])
    for path in (f"/v1/assignments/{other}", f"/v1/assistance-events/{event['id']}"):
        assert (await everything(api, "GET", path, **own)).status_code == 200
    assert (await everything(api, "GET", f"/v1/households/{home}", **own)).status_code == 404


async def test_an_escalation_lets_one_agency_go_and_the_other_in(api: Api) -> None:
    health: dict[str, Any] = {"agency": HEALTH, "scopes": ASSIGNED}
    social: dict[str, Any] = {"agency": SOCIAL, "scopes": ASSIGNED}
    home, problem = await home_with_problem(api)
    given = (await made(api, "/v1/assignments", assignment({"problem_id": problem})))["id"]
    start = await now(api)
    await transitioned(api, given, {"to": "escalated", "reason": "เกินกำลัง", "agency": SOCIAL})
    for claims, expected in (
        (health, ("household", "left", True)),
        (social, ("household", "entered", False)),
    ):
        items, _ = await followed(api, start, claims=claims)
        assert [one for one in brief(of(items, home)) if one[0] == "household"] == [expected]


async def test_a_declined_problem_ends_its_assignments_and_the_view(api: Api) -> None:
    own: dict[str, Any] = {"agency": HEALTH, "scopes": ASSIGNED}
    home, problem = await home_with_problem(api)
    for _ in range(2):
        await made(api, "/v1/assignments", assignment({"problem_id": problem}))
    start = await now(api)
    await made(api, f"/v1/problems/{problem}/transitions", {"to": "declined", "reason": "ไม่ประสงค์"})
    items, _ = await followed(api, start, claims=own)
    assert brief(of(items, home)).count(("household", "left", True)) == 1


async def test_a_wish_for_an_assignment_is_not_told_to_its_agency(api: Api) -> None:
    own: dict[str, Any] = {"agency": HEALTH, "scopes": ASSIGNED}
    home, problem = await home_with_problem(api)
    start = await now(api)
    wish = (await made(
        api, "/v1/assignments", assignment({"problem_id": problem}), scopes=but(Scope.ASSIGNMENTS_WRITE)
    ))  # fmt: skip
    assert wish["status"] == "proposed"
    items, start = await followed(api, start, claims=own)
    assert of(items, home) == []
    await transitioned(api, wish["id"], {"to": "assigned"})
    items, _ = await followed(api, start, claims=own)
    assert {("household", "entered", False), ("assignment", "updated", False)} <= set(brief(of(items, home)))


async def test_what_is_addressed_to_one_agency_is_told_to_no_other(api: Api) -> None:
    start = await now(api)
    home, problem = await home_with_problem(api)
    given = (await made(api, "/v1/assignments", assignment({"problem_id": problem})))["id"]
    await transitioned(api, given, {"to": "returned", "reason": "เกินกำลัง"}, agency=HEALTH)
    for claims in ({}, {"agency": SOCIAL, "scopes": ASSIGNED}, {"agency": HEALTH}):
        items, _ = await followed(api, start, claims=claims)
        assert {"entered", "left"}.isdisjoint({one["action"] for one in of(items, home)})


async def test_an_agency_hears_of_its_own_events_and_of_no_others(api: Api) -> None:
    own: dict[str, Any] = {"agency": SOCIAL, "scopes": [Scope.CHANGES_READ, Scope.ASSISTANCE_READ]}
    home, _ = await home_with_problem(api)
    start = await now(api)
    await made(api, "/v1/assistance-events", builders.event(home), agency=HEALTH)
    event = await made(api, "/v1/assistance-events", builders.event(home), agency=SOCIAL)
    items, _ = await followed(api, start, claims=own)
    assert [one["resource_id"] for one in of(items, home)] == [event["id"]]
