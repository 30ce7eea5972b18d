"""What is one agency's own: its answers, its records and their names, its help that waits, its part of a household.

Every other bound is of areas and scopes (test_matrix.py). Here all stand in one area, and each has the scopes.
"""

from typing import Any

import pytest

from domain.access.actor import Scope
from tests.support import builders
from tests.support.api import PURPOSE, Api
from tests.support.calls import EVERYTHING, STRANGER, Scene, assignment, but, everything, make_scene, told

HEALTH, SOCIAL = "PROV_MOPH-42", "PROV_MSDHS-42"
NARROW = but(Scope.HOUSEHOLDS_READ, Scope.AUDIT_READ)
"""Everything, where the agency is assigned."""


def as_agency(agency: str, **more: Any) -> dict[str, Any]:
    return {"agency": agency, "scopes": NARROW, "areas": ["42"], **more}


@pytest.fixture(scope="module")
async def scene(api: Api) -> Scene:
    """A household of which one problem is assigned to HEALTH and another to SOCIAL; each has helped."""
    made = dict(await make_scene(api))
    home = made["household_id"]
    other = await everything(api, "POST", "/v1/problems", builders.problem(home))
    made["other_problem_id"] = other.json()["id"]
    moved = f"/v1/problems/{made['other_problem_id']}/transitions"
    assert (await everything(api, "POST", moved, {"to": "analysed"})).status_code == 200
    given = assignment({"problem_id": made["other_problem_id"]})
    answer = await everything(api, "POST", "/v1/assignments", {**given, "agency": SOCIAL})
    assert answer.status_code == 201, answer.text
    made["other_assignment_id"] = answer.json()["id"]
    for agency, part in ((HEALTH, "own_event"), (SOCIAL, "other_event")):
        recorded = await everything(
            api, "POST", "/v1/assistance-events", builders.event(home), **as_agency(agency)
        )
        assert recorded.status_code == 201, recorded.text
        made[f"{part}_id"], made[f"{part}_external_id"] = (
            recorded.json()["id"],
            recorded.json()["external_id"],
        )
    return made


# -- answering an assignment


@pytest.mark.parametrize("to", ["accepted", "returned"])
async def test_only_the_assigned_agency_answers_for_it(api: Api, scene: Scene, to: str) -> None:
    path = f"/v1/assignments/{scene['assignment_id']}/transitions"
    move = {"to": to, "reason": "รับไว้"}
    # Who decides about assignments may not answer them in another one's name.
    for scopes in (EVERYTHING, [Scope.HOUSEHOLDS_READ, Scope.ASSIGNMENTS_RESPOND]):
        refused = await everything(api, "POST", path, move, agency=SOCIAL, scopes=scopes)
        assert told(refused) == (409, "illegal-transition")
        assert to not in refused.json()["allowed"]
    hidden = await everything(api, "POST", path, move, **as_agency(SOCIAL))
    assert told(hidden) == (404, "not-found")
    shown = await everything(api, "GET", path.removesuffix("/transitions"), **as_agency(HEALTH))
    assert shown.json()["status"] == "assigned"
    assert to in shown.json()["allowed"]


async def test_only_the_assigned_agency_answers_for_it_over_graphql(api: Api, scene: Scene) -> None:
    text = "mutation ($i: TransitionAssignmentInput!) { transitionAssignment(input: $i) { status } }"
    input = {"i": {"id": scene["assignment_id"], "to": "ACCEPTED"}}
    for claims, code in (
        ({"agency": SOCIAL, "scopes": EVERYTHING, "areas": ["42"]}, "illegal-transition"),
        (as_agency(SOCIAL), "not-found"),
    ):
        answer = (await api.graphql("center", text, input, **claims)).json()
        assert answer["errors"][0]["extensions"]["code"] == code


async def test_help_is_reported_against_ones_own_assignment_alone(api: Api, scene: Scene) -> None:
    body = builders.event(scene["household_id"], assignment_id=scene["assignment_id"])
    for claims in (as_agency(SOCIAL), {"agency": SOCIAL}):
        answer = await everything(api, "POST", "/v1/assistance-events", body, **claims)
        assert told(answer) == (422, "invalid-input")
        assert [one["code"] for one in answer.json()["errors"]] == ["unknown-assignment"]


# -- its part of a household


EDGES = "problems { id } assignments { id } assistance { id }"


async def test_an_agency_sees_its_own_part_of_a_household_it_is_assigned_to(api: Api, scene: Scene) -> None:
    path = f"/v1/households/{scene['household_id']}?include=problems,assignments,assistance"
    shown = (await everything(api, "GET", path, **as_agency(HEALTH))).json()
    assert [one["id"] for one in shown["assignments"]] == [scene["assignment_id"]]
    assert [one["id"] for one in shown["assistance"]] == [scene["own_event_id"]]
    text = f'{{ household(id: "{scene["household_id"]}") {{ {EDGES} }} }}'
    asked = await api.graphql("center", text, headers=PURPOSE, **as_agency(HEALTH))
    found = asked.json()["data"]["household"]
    for name in ("problems", "assignments", "assistance"):
        assert {one["id"] for one in found[name]} == {one["id"] for one in shown[name]}


@pytest.mark.parametrize(
    "path", ["/v1/assignments/{other_assignment_id}", "/v1/assistance-events/{other_event_id}",
             "/v1/assistance-events/{other_event_id}/receipt", "/v1/assistance-events/by-external-id/{other_event_external_id}"],
)  # fmt: skip
async def test_the_part_of_another_agency_is_as_absent(api: Api, scene: Scene, path: str) -> None:
    answer = await everything(api, "GET", path.format(**scene), **as_agency(HEALTH))
    assert told(answer) == (404, "not-found")


@pytest.mark.parametrize("path", ["/v1/assignments?agency=PROV_MSDHS-42", "/v1/assistance-events?agency=PROV_MSDHS-42"])  # fmt: skip
async def test_a_filter_does_not_show_the_part_of_another_agency(api: Api, scene: Scene, path: str) -> None:
    assert (await everything(api, "GET", path, agency=SOCIAL)).json()["items"] != []
    assert (await everything(api, "GET", path, **as_agency(HEALTH))).json()["items"] == []


# -- names of its own


async def test_an_external_id_is_a_name_of_one_agency(api: Api, scene: Scene) -> None:
    named = builders.event(scene["household_id"], external_id="BOTH-1")
    first, second = [
        await everything(api, "POST", "/v1/assistance-events", {**named, "description": text}, agency=agency)
        for agency, text in ((HEALTH, "ผ้าห่ม"), (SOCIAL, "เมล็ดพันธุ์"))
    ]
    assert [(one.status_code, one.json()["receipt"]["outcome"]) for one in (first, second)] == [
        (201, "created")
    ] * 2
    path = "/v1/assistance-events/by-external-id/BOTH-1"
    for agency, made in ((HEALTH, first), (SOCIAL, second)):
        assert (await everything(api, "GET", path, agency=agency)).json()["id"] == made.json()["id"]


async def test_a_record_of_the_agency_outside_the_client_s_areas_stays_outside(api: Api) -> None:
    """Two clients of one agency in two provinces: the natural key is the agency's, what it names is not."""
    home = (await everything(api, "POST", "/v1/households", builders.household())).json()
    for household in (
        {"id": home["id"]},
        {"citizen_id": home["members"][0]["person"]["citizen_id"]},
    ):
        for on_unknown in ("reject", "register"):
            body = builders.event(home["id"], household=household, on_unknown=on_unknown)
            here = await everything(api, "POST", "/v1/assistance-events", body, agency=HEALTH, areas=["42"])
            assert here.status_code == 201
            there = await everything(api, "POST", "/v1/assistance-events", body, agency=HEALTH, areas=["41"])
            assert told(there) == (422, "unknown-household")
            assert home["id"] not in there.text
            again = await everything(api, "POST", "/v1/assistance-events", body, agency=HEALTH, areas=["42"])
            assert (again.status_code, again.json()["receipt"]["outcome"]) == (200, "duplicate")


async def test_help_that_waits_for_its_household_is_its_agencys_alone(api: Api) -> None:
    unknown = {"citizen_id": builders.citizen_id()}
    body = builders.event("", household=unknown, on_unknown="register")
    queued = await everything(api, "POST", "/v1/assistance-events", body, agency=HEALTH)
    assert queued.json()["receipt"]["outcome"] == "queued"
    one = f"/v1/assistance-events/{queued.json()['id']}"
    for path in (one, f"{one}/receipt", f"/v1/assistance-events/by-external-id/{body['external_id']}"):
        assert (await everything(api, "GET", path, agency=HEALTH)).status_code == 200
        # A whole province's scopes, and the country's areas: it is nobody's household yet.
        assert told(await everything(api, "GET", path, agency=SOCIAL)) == (404, "not-found")
        assert told(await everything(api, "GET", path, **STRANGER)) == (404, "not-found")
    # The same words of another agency are another record, not a duplicate of this one.
    other = await everything(api, "POST", "/v1/assistance-events", body, agency=SOCIAL)
    assert (other.status_code, other.json()["receipt"]["outcome"]) == (201, "queued")
    assert other.json()["id"] != queued.json()["id"]


# -- keys of its own


@pytest.mark.parametrize("agency", [HEALTH, SOCIAL])
async def test_an_idempotency_key_is_its_client_s(api: Api, agency: str) -> None:
    """Another client's request under the same key is neither replayed nor in conflict, whatever its body."""
    key = {"Idempotency-Key": f"shared-{agency}"}
    first = builders.household()
    owner = await everything(
        api, "POST", "/v1/households", first, headers=key, client_id="owner", agency=HEALTH
    )
    assert owner.status_code == 201
    other = await everything(
        api, "POST", "/v1/households", builders.household(), headers=key, client_id="other", agency=agency
    )
    assert other.status_code == 201
    assert other.json()["id"] != owner.json()["id"]
    assert "idempotency-replayed" not in other.headers
    replayed = await everything(
        api, "POST", "/v1/households", first, headers=key, client_id="owner", agency=HEALTH
    )
    assert replayed.json()["id"] == owner.json()["id"]
    assert replayed.headers["idempotency-replayed"] == "true"


async def test_a_cursor_is_its_agencys(api: Api, scene: Scene) -> None:
    for path in ("/v1/assignments", "/v1/problems", "/v1/assistance-events", "/v1/access-grants"):
        cursor = (await everything(api, "GET", f"{path}?limit=1", agency=HEALTH)).json()["next_cursor"]
        if cursor is None:
            continue
        assert (await everything(api, "GET", f"{path}?cursor={cursor}", agency=HEALTH)).status_code == 200
        other = await everything(api, "GET", f"{path}?cursor={cursor}", agency=SOCIAL)
        assert told(other) == (422, "invalid-input")
        assert cursor not in other.text
