"""Casework over REST: the way of a problem from its record to its end, and what the door refuses."""

from typing import Any

import pytest

from tests.api.test_households import registered
from tests.support import builders
from tests.support.api import PURPOSE, Api


async def recorded(api: Api, **changes: Any) -> dict[str, Any]:
    """A problem of a new household's head."""
    made = await registered(api)
    of_head = {"person_id": made["head_person_id"], "indicator_id": "bmn-38-27", **changes}
    body = builders.problem(made["id"], **of_head)
    answer = await api.post("team", "/v1/problems", body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def moved(api: Api, problem: dict[str, Any], to: str, who: str = "team", **more: Any) -> Any:
    body = {"to": to, "reason": "เหตุผล", **more}
    return await api.post(who, f"/v1/problems/{problem['id']}/transitions", body)


async def analysed(api: Api, **changes: Any) -> dict[str, Any]:
    problem = await recorded(api, **changes)
    await api.post("team", f"/v1/households/{problem['household_id']}/analyses", builders.analysis())
    answer = await moved(api, problem, "analysed")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def assigned(api: Api, problem: dict[str, Any], agency: str = "PROV_MOPH-42", **more: Any) -> Any:
    return await api.post(
        "center", "/v1/assignments", {"problem_ids": [problem["id"]], "agency": agency, **more}
    )


async def test_a_problem_is_recorded_and_read_back(api: Api) -> None:
    problem = await recorded(api)
    read = await api.get("team", f"/v1/problems/{problem['id']}")
    assert read.json() == problem
    assert (problem["status"], read.headers["etag"]) == ("identified", '"1"')
    assert set(problem["allowed"]) == {"analysed", "declined", "moved_out", "deceased", "entered_in_error"}
    again = await api.get("team", f"/v1/problems/{problem['id']}", headers={"If-None-Match": '"1"'})
    assert again.status_code == 304


async def test_problems_are_permanent(api: Api) -> None:
    problem = await recorded(api)
    answer = await api.call("team", "DELETE", f"/v1/problems/{problem['id']}")
    assert (answer.status_code, answer.json()["code"]) == (405, "problems-are-permanent")
    assert "DELETE" not in answer.headers["allow"]
    assert (await api.get("team", f"/v1/problems/{problem['id']}")).status_code == 200


async def test_a_problem_goes_all_the_way(api: Api) -> None:
    problem = await analysed(api)
    made = await assigned(api, problem, due_on="2999-01-31", menu_code="INC-01")
    assert made.status_code == 201, made.text
    assignment = made.json()
    assert made.headers["location"] == f"/v1/assignments/{assignment['id']}"
    path = f"/v1/assignments/{assignment['id']}/transitions"
    accepted = await api.post("health", path, {"to": "accepted"})
    assert (accepted.json()["status"], accepted.json()["allowed"]) == ("accepted", ["in_progress"])
    event = builders.event(
        problem["household_id"],
        assignment_id=assignment["id"],
        problem_ids=[problem["id"]],
        dimension="income",
    )
    assert (await api.post("health", "/v1/assistance-events", event)).status_code == 201
    done = await api.post("health", path, {"to": "completed", "outcome": "มีรายได้"})
    assert (done.json()["status"], done.json()["outcome"]) == ("completed", "มีรายได้")
    assert (await api.post("team", path, {"to": "confirmed"})).json()["status"] == "confirmed"
    ended = (await moved(api, problem, "resolved")).json()
    assert (ended["status"], ended["allowed"]) == ("resolved", [])
    steps = [line["to_status"] for line in ended["history"]]
    assert steps == ["identified", "analysed", "assigned", "being_helped", "resolved"]


async def test_an_illegal_move_names_the_legal_ones(api: Api) -> None:
    problem = await recorded(api)
    answer = await moved(api, problem, "resolved")
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal-transition")
    assert set(answer.json()["allowed"]) == set(problem["allowed"])


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"to": "moved_out", "reason": "ย้าย"}, "/moved_to", "required"),
        ({"to": "declined"}, "/reason", "required"),
        ({"to": "declined", "reason": "x", "occurred_on": "2999-01-01"}, "/occurred_on", "future-date"),
        ({"to": "gone", "reason": "x"}, "/to", "unknown-value"),
        ({"to": "declined", "reason": "x", "colour": "red"}, "/colour", "unknown-field"),
    ],
)
async def test_a_malformed_move_is_refused_with_a_pointer(
    api: Api, body: Any, pointer: str, code: str
) -> None:
    problem = await recorded(api)
    answer = await api.post("team", f"/v1/problems/{problem['id']}/transitions", body)
    assert answer.status_code == 422
    assert {"pointer": pointer, "code": code} in [
        {"pointer": one["pointer"], "code": one["code"]} for one in answer.json()["errors"]
    ]


async def test_a_declined_problem_takes_its_assignment_along(api: Api) -> None:
    problem = await analysed(api)
    assignment = (await assigned(api, problem)).json()
    assert (await moved(api, problem, "declined")).status_code == 200
    read = await api.get("center", f"/v1/assignments/{assignment['id']}")
    assert read.json()["status"] == "cancelled"


async def test_a_patch_needs_the_version_that_was_read(api: Api) -> None:
    problem = await recorded(api)
    path = f"/v1/problems/{problem['id']}"
    without = await api.call("team", "PATCH", path, {"need": "เมล็ดพันธุ์"})
    assert (without.status_code, without.json()["code"]) == (428, "precondition-required")
    amended = await api.call("team", "PATCH", path, {"need": "เมล็ดพันธุ์"}, headers={"If-Match": '"1"'})
    assert (amended.json()["need"], amended.headers["etag"]) == ("เมล็ดพันธุ์", '"2"')
    stale = await api.call("team", "PATCH", path, {"need": "อื่น"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "version-mismatch")


async def test_a_citizen_id_in_free_text_is_refused_and_not_repeated(api: Api) -> None:
    made = await registered(api)
    secret = builders.citizen_id()
    body = builders.problem(made["id"], description=f"บัตรเลขที่ {secret}")
    answer = await api.post("team", "/v1/problems", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0] == answer.json()["errors"][0] | {
        "pointer": "/description",
        "code": "personal-data",
    }
    assert secret not in answer.text


async def test_lists_page_by_cursor_and_refuse_what_they_do_not_know(api: Api) -> None:
    problem = await analysed(api)
    body = builders.problem(problem["household_id"])
    for _ in range(2):
        await api.post("team", "/v1/problems", body)
    path = f"/v1/problems?household_id={problem['household_id']}&limit=2"
    first = await api.get("team", f"{path}&count=exact")
    assert (len(first.json()["items"]), first.json()["total"]) == (2, 3)
    rest = await api.get("team", f"{path}&cursor={first.json()['next_cursor']}")
    assert (len(rest.json()["items"]), rest.json()["next_cursor"]) == (1, None)
    assert (await api.get("team", "/v1/problems?colour=red")).status_code == 422
    assert (await api.get("team", "/v1/problems?status=gone")).status_code == 422
    assert (await api.get("team", "/v1/assignments?overdue=maybe")).status_code == 422


async def test_an_agency_sees_its_own_assignments_only(api: Api) -> None:
    problem = await analysed(api)
    assignment = (await assigned(api, problem)).json()
    path = f"/v1/assignments/{assignment['id']}"
    assert (await api.get("health", path)).status_code == 200
    assert (await api.get("social", path)).status_code == 404
    assert (await api.get("neighbour", path)).status_code == 404
    listed = await api.get("social", "/v1/assignments?agency=PROV_MOPH-42")
    assert listed.json()["items"] == []


async def test_analyses_are_listed_and_marked_incomplete(api: Api) -> None:
    made = await registered(api)
    path = f"/v1/households/{made['id']}/analyses"
    partial = await api.post("team", path, builders.analysis(way_out=None))
    assert (partial.status_code, partial.json()["complete"]) == (201, False)
    full = await api.post("team", path, builders.analysis())
    assert full.json()["complete"] is True
    assert [one["complete"] for one in (await api.get("team", path)).json()["items"]] == [False, True]


async def test_matches_name_the_unit_at_the_household_s_area(api: Api) -> None:
    problem = await recorded(api)
    answer = await api.get("team", f"/v1/problems/{problem['id']}/menu-matches")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found
    assert [one["score"] for one in found] == sorted((one["score"] for one in found), reverse=True)
    codes = {agency["code"] for one in found for agency in one["agencies"]}
    assert any(code.endswith(("-42", "-4201", "-420101")) for code in codes)
    assert all(one.keys() >= {"menu_code", "score", "eligible", "conditions", "agencies"} for one in found)


async def test_menus_are_found_added_and_amended(api: Api) -> None:
    listed = await api.get("team", "/v1/menus?dimension=income&limit=200")
    assert listed.json()["items"]
    codes = [one["code"] for one in listed.json()["items"]]
    assert codes == sorted(codes)
    one = listed.json()["items"][0]
    draft = {name: value for name, value in one.items() if name not in ("id", "version")} | {
        "code": "LOCAL-1"
    }
    made = await api.post("center", "/v1/menus", draft)
    assert made.status_code == 201, made.text
    path = f"/v1/menus/{made.json()['id']}"
    taken = await api.post("center", "/v1/menus", draft)
    assert (taken.status_code, taken.json()["code"]) == (409, "menu-exists")
    amended = await api.call("center", "PATCH", path, {"enabled": False}, headers={"If-Match": '"1"'})
    assert (amended.json()["enabled"], amended.json()["version"]) == (False, 2)
    assert (await api.get("team", path)).json() == amended.json()
    refused = await api.post("team", "/v1/menus", draft)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")
    unknown = await api.post("center", "/v1/menus", draft | {"code": "LOCAL-2", "lead_agencies": ["NOBODY"]})
    assert unknown.json()["errors"][0]["pointer"] == "/lead_agencies/0"


async def test_a_household_carries_its_casework_along(api: Api) -> None:
    problem = await analysed(api)
    assignment = (await assigned(api, problem)).json()
    path = f"/v1/households/{problem['household_id']}?include=problems,assignments,analyses"
    found = (await api.get("team", path, headers=PURPOSE)).json()
    assert [one["id"] for one in found["problems"]] == [problem["id"]]
    assert [one["id"] for one in found["assignments"]] == [assignment["id"]]
    assert [one["complete"] for one in found["analyses"]] == [True]
