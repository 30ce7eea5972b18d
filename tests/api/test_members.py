"""Who belongs to a household: over REST, on a real database."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from tests.support import builders
from tests.support.api import PURPOSE, Api
from tests.support.calls import everything, told
from tests.support.database import seeing

LEFT = {"left_on": "2026-01-05", "reason": "แต่งงานย้ายออก"}


async def registered(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await everything(api, "POST", "/v1/households", builders.household(**changes))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def household(api: Api, id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await everything(api, "GET", f"/v1/households/{id}")).json()
    return found


async def add(api: Api, home: dict[str, Any], body: Any, **more: Any) -> httpx2.Response:
    return await everything(api, "POST", f"/v1/households/{home['id']}/members", body, **more)


async def end(
    api: Api, home: dict[str, Any], person_id: str, body: Any = LEFT, **more: Any
) -> httpx2.Response:
    return await everything(api, "DELETE", f"/v1/households/{home['id']}/members/{person_id}", body, **more)


async def head(api: Api, home: dict[str, Any], person_id: str, **more: Any) -> httpx2.Response:
    body = {"person_id": person_id, "reason": "ตกลงกันในครอบครัว", **more}
    return await everything(api, "POST", f"/v1/households/{home['id']}/change-head", body)


def current(home: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["person_id"], one["relationship"]) for one in home["members"] if one["left_on"] is None]


def ids(home: dict[str, Any]) -> list[str]:
    return [one["person_id"] for one in home["members"]]


async def changes_of(api: Api, id: str) -> list[tuple[str, str]]:
    async with seeing(api.worker.database) as connection:
        rows = await connection.fetch(
            "SELECT type, action FROM change WHERE household_id = $1 ORDER BY id", UUID(id)
        )
    return [(row["type"], row["action"]) for row in rows]


# -- joining


async def test_a_new_person_joins_and_the_household_has_a_new_version(api: Api) -> None:
    home = await registered(api)
    answer = await add(api, home, builders.member("grandchild", birth_date="2020-01-01"))
    assert answer.status_code == 201
    made = answer.json()
    (new,) = set(ids(made)) - set(ids(home))
    assert answer.headers["location"] == f"/v1/persons/{new}"
    assert (made["version"], answer.headers["etag"]) == (2, '"2.u"')
    assert made == await household(api, home["id"])
    person = (await everything(api, "GET", f"/v1/persons/{new}")).json()
    assert (person["household_id"], person["version"]) == (home["id"], 1)
    assert ("person", "created") in await changes_of(api, home["id"])


@pytest.mark.parametrize("by", ["citizen_id", "person_id"])
async def test_a_current_member_of_any_household_is_refused(api: Api, by: str) -> None:
    home, other = await registered(api), await registered(api)
    person = other["members"][1]["person"]
    body: dict[str, Any] = {"relationship": "child", "person_id": person["id"]}
    if by == "citizen_id":
        body = builders.member("child", citizen_id=person["citizen_id"])
    answer = await add(api, home, body)
    assert told(answer) == (409, "already-a-member")
    pointer = "/person_id" if by == "person_id" else "/person/citizen_id"
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [
        (pointer, "already-a-member")
    ]
    assert other["id"] not in answer.text
    assert await household(api, home["id"]) == home


@pytest.mark.parametrize("by", ["citizen_id", "person_id"])
@pytest.mark.parametrize("area", ["420101", "410101"])
async def test_whoever_has_left_joins_another_household_with_the_record(api: Api, by: str, area: str) -> None:
    old, home = await registered(api, area_code=area), await registered(api)
    person = old["members"][1]["person"]
    assert (await end(api, old, person["id"])).status_code == 200
    body: dict[str, Any] = {"relationship": "spouse", "joined_on": "2026-01-06", "person_id": person["id"]}
    if by == "citizen_id":
        # What the draft says otherwise is not taken over.
        draft = builders.person(citizen_id=person["citizen_id"], first_name="ใครก็ไม่รู้")
        body = {"relationship": "spouse", "joined_on": "2026-01-06", "person": draft}
    answer = await add(api, home, body)
    assert answer.status_code == 201, answer.text
    assert current(answer.json())[-1] == (person["id"], "spouse")
    read = (await everything(api, "GET", f"/v1/persons/{person['id']}")).json()
    assert read["household_id"] == home["id"]
    assert (read["citizen_id"], read["first_name"]) == (person["citizen_id"], person["first_name"])
    assert read["version"] == 2
    found = await everything(api, "POST", "/v1/households/search", {"citizen_id": person["citizen_id"]})
    assert [one["id"] for one in found.json()["items"]] == [home["id"]]
    left = await household(api, old["id"])
    assert person["id"] not in ids(left)
    assert left["version"] == 3
    gone = ("person", "left") in await changes_of(api, old["id"])
    assert gone is (area != "420101")


async def test_by_citizen_id_somebody_comes_from_a_province_that_is_not_the_caller_s(api: Api) -> None:
    old, home = await registered(api, area_code="410101"), await registered(api)
    person = old["members"][1]["person"]
    await end(api, old, person["id"])
    only_here = {"areas": ["42"]}
    by_id = await add(api, home, {"relationship": "other", "person_id": person["id"]}, **only_here)
    assert [one["code"] for one in by_id.json()["errors"]] == ["unknown-person"]
    joined = await add(api, home, builders.member("other", citizen_id=person["citizen_id"]), **only_here)
    assert joined.status_code == 201, joined.text
    there = await everything(api, "GET", f"/v1/persons/{person['id']}", areas=["41"])
    assert told(there) == (404, "not-found")
    # The wall stands again where it stood: nothing else of the other province is seen or written.
    assert told(await everything(api, "GET", f"/v1/households/{old['id']}", **only_here)) == (
        404,
        "not-found",
    )


async def test_whoever_comes_back_has_two_memberships(api: Api) -> None:
    home = await registered(api)
    person = home["members"][1]["person"]
    await end(api, home, person["id"])
    answer = await add(
        api, home, {"relationship": "child", "joined_on": "2026-01-20", "person_id": person["id"]}
    )
    assert answer.status_code == 201
    terms = [
        (one["joined_on"], one["left_on"])
        for one in answer.json()["members"]
        if one["person_id"] == person["id"]
    ]
    assert terms == [("2026-01-20", None), ("2020-01-01", "2026-01-05")]


async def test_of_two_households_that_want_the_same_person_at_once_one_gets_them(api: Api) -> None:
    old, first, second = [await registered(api) for _ in range(3)]
    person = old["members"][1]["person"]
    await end(api, old, person["id"])
    wanted = [
        add(api, home, {"relationship": "child", "person_id": person["id"]})
        for home in (first, second)
        for _ in range(4)
    ]
    answers = await asyncio.gather(*wanted)
    assert sorted(one.status_code for one in answers) == [201] + [409] * 7
    homes = [await household(api, one["id"]) for one in (first, second)]
    assert sum(person["id"] in ids(one) for one in homes) == 1


async def test_a_new_citizen_id_that_two_want_at_once_becomes_one_person(api: Api) -> None:
    homes = [await registered(api) for _ in range(4)]
    body = builders.member("child")
    answers = await asyncio.gather(*(add(api, home, body) for home in homes))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]


async def test_naming_a_citizen_id_is_a_lookup_whoever_has_it(api: Api) -> None:
    home, taken = await registered(api), await registered(api)
    nobody = await add(api, home, builders.member("child", citizen_id=None, no_id_reason="newborn"))
    assert '"lookup"' not in nobody.headers["ratelimit"]
    for number in (builders.citizen_id(), taken["members"][0]["person"]["citizen_id"]):
        answer = await add(api, home, builders.member("child", citizen_id=number))
        assert '"lookup"' in answer.headers["ratelimit"]


BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("nobody", {"relationship": "child"}, "", "one-person"),
    ("both", {**builders.member("child"), "person_id": str(uuid4())}, "", "one-person"),
    ("unknown person", {"relationship": "child", "person_id": str(uuid4())}, "/person_id", "unknown-person"),
    ("a second head", builders.member("head"), "/relationship", "duplicate-head"),
    ("dead head", builders.member("head", vital_status="deceased"), "/relationship", "deceased-head"),
    ("tomorrow", {**builders.member("child"), "joined_on": "2099-01-01"}, "/joined_on", "future-date"),
    ("bad id", builders.member("child", citizen_id="9000000000000"), "/person/citizen_id", "invalid-citizen-id"),
    ("left_on", {**builders.member("child"), "left_on": "2020-01-01"}, "/left_on", "unknown-field"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "body", "pointer", "code"), BAD, ids=[one[0] for one in BAD])
async def test_bad_members_are_refused_and_nothing_is_written(
    api: Api, why: str, body: dict[str, Any], pointer: str, code: str
) -> None:
    home = await registered(api)
    answer = await add(api, home, body)
    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]
    assert await household(api, home["id"]) == home


async def test_help_that_waited_for_a_person_is_linked_when_they_join(api: Api) -> None:
    home, number = await registered(api), builders.citizen_id()
    event = builders.event("", household={"citizen_id": number}, on_unknown="register")
    posted = await everything(api, "POST", "/v1/assistance-events", event)
    assert posted.json()["receipt"]["outcome"] == "queued"
    assert (await add(api, home, builders.member("child", citizen_id=number))).status_code == 201
    read = await everything(api, "GET", f"/v1/assistance-events/{posted.json()['id']}")
    assert read.json()["household_id"] == home["id"]


# -- amending, leaving


async def test_a_membership_is_amended_at_the_household_s_version(api: Api) -> None:
    home = await registered(api)
    path = f"/v1/households/{home['id']}/members/{home['members'][1]['person_id']}"
    missing = await everything(api, "PATCH", path, {"relationship": "grandchild"})
    assert told(missing) == (428, "precondition-required")
    stale = await everything(api, "PATCH", path, {"relationship": "grandchild"}, headers={"If-Match": '"7"'})
    assert told(stale) == (412, "version-mismatch")
    patched = await everything(
        api, "PATCH", path, {"relationship": "grandchild", "joined_on": None}, headers={"If-Match": '"1"'}
    )
    assert patched.status_code == 200, patched.text
    member = patched.json()["members"][1]
    assert (member["relationship"], member["joined_on"], patched.json()["version"]) == ("grandchild", None, 2)
    same = await everything(api, "PATCH", path, {"relationship": "grandchild"}, headers={"If-Match": '"2"'})
    assert same.json()["version"] == 2


@pytest.mark.parametrize(
    ("who", "patch", "pointer", "code"),
    [
        (1, {"relationship": "head"}, "/relationship", "use-change-head"),
        (0, {"relationship": "parent"}, "/relationship", "use-change-head"),
        (1, {"relationship": None}, "/relationship", "unknown-value"),
        (1, {"joined_on": "2099-01-01"}, "/joined_on", "future-date"),
    ],
)
async def test_what_a_membership_cannot_become(
    api: Api, who: int, patch: dict[str, Any], pointer: str, code: str
) -> None:
    home = await registered(api)
    path = f"/v1/households/{home['id']}/members/{home['members'][who]['person_id']}"
    answer = await everything(api, "PATCH", path, patch, headers={"If-Match": '"1"'})
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


async def test_an_ended_membership_stays_as_history_and_cannot_end_twice(api: Api) -> None:
    home = await registered(api)
    person_id = home["members"][1]["person_id"]
    answer = await end(api, home, person_id)
    assert answer.status_code == 200
    assert [one["left_on"] for one in answer.json()["members"]] == [None, "2026-01-05"]
    assert answer.json()["incomplete"] == []
    assert told(await end(api, home, person_id)) == (404, "not-found")
    assert told(await end(api, home, str(uuid4()))) == (404, "not-found")


async def test_without_its_head_a_household_is_incomplete_until_one_is_named(api: Api) -> None:
    home = await registered(api)
    first, second = ids(home)
    left = (await end(api, home, first)).json()
    assert (left["head_person_id"], left["incomplete"]) == (None, ["head"])
    named = (await head(api, home, second)).json()
    assert (named["head_person_id"], named["incomplete"], current(named)) == (second, [], [(second, "head")])
    joined = (await add(api, home, builders.member("head"))).json()
    assert joined["code"] == "invalid-input"


async def test_a_head_may_join_a_household_that_has_none(api: Api) -> None:
    home = await registered(api, members=[])
    made = (await add(api, home, builders.member("head"))).json()
    assert (made["incomplete"], made["head_person_id"]) == ([], made["members"][0]["person_id"])


async def test_a_dead_head_is_no_head_and_another_is_named(api: Api) -> None:
    home = await registered(api)
    first, second = ids(home)
    died = {"vital_status": "deceased", "deceased_on": "2026-01-01"}
    await everything(api, "PATCH", f"/v1/persons/{first}", died, headers={"If-Match": '"1"'})
    assert (await household(api, home["id"]))["incomplete"] == ["head"]
    refused = await head(api, home, first)
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        ("/person_id", "deceased-head")
    ]
    named = (await head(api, home, second)).json()
    assert (named["incomplete"], current(named)) == ([], [(second, "head"), (first, "parent")])


async def test_a_head_who_dies_while_being_named_is_no_head(api: Api) -> None:
    for _ in range(5):
        home = await registered(api)
        second = ids(home)[1]
        died = {"vital_status": "deceased", "deceased_on": "2026-01-01"}
        answers = await asyncio.gather(
            head(api, home, second),
            everything(api, "PATCH", f"/v1/persons/{second}", died, headers={"If-Match": '"1"'}),
        )
        assert all(one.status_code in (200, 422) for one in answers), [one.text for one in answers]
        assert (await household(api, home["id"]))["head_person_id"] != second


async def test_the_head_changes_and_the_former_one_is_related_to_the_new(api: Api) -> None:
    home = await registered(api)
    first, second = ids(home)
    answer = await head(api, home, second)
    assert answer.status_code == 200
    assert (answer.json()["head_person_id"], answer.json()["version"]) == (second, 2)
    assert current(answer.json()) == [(second, "head"), (first, "parent")]
    again = await head(api, home, second)
    assert again.json()["version"] == 2
    stranger = await head(api, home, str(uuid4()))
    assert [one["code"] for one in stranger.json()["errors"]] == ["unknown-member"]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({**LEFT, "left_on": "2019-01-01"}, "/left_on", "before-joining"),
        (
            {**LEFT, "left_on": (datetime.now(UTC) + timedelta(days=3)).date().isoformat()},
            "/left_on",
            "future-date",
        ),
        ({**LEFT, "reason": f"เลข {builders.citizen_id()}"}, "/reason", "personal-data"),
        ({"left_on": "2026-01-05"}, "/reason", "required"),
    ],
    ids=["before joining", "future", "citizen id", "no reason"],
)
async def test_bad_leavings_are_refused(api: Api, body: dict[str, Any], pointer: str, code: str) -> None:
    home = await registered(api)
    answer = await end(api, home, home["members"][1]["person_id"], body)
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


async def test_the_filters_forget_the_card_of_whoever_leaves(api: Api) -> None:
    head_only = builders.member(welfare_card="no_card")
    home = await registered(api, members=[head_only, builders.member("child", welfare_card="has_card")])
    where = f"/v1/households?id={home['id']}&welfare_card=has_card"
    assert len((await everything(api, "GET", where)).json()["items"]) == 1
    await end(api, home, home["members"][1]["person_id"])
    assert (await everything(api, "GET", where)).json()["items"] == []


async def test_graphql_does_the_same(api: Api) -> None:
    home = await registered(api)
    first, second = ids(home)
    asked = """mutation ($end: EndMembershipInput!, $head: ChangeHeadInput!, $update: UpdateMemberInput!) {
      updateMember(input: $update) { version }
      endMembership(input: $end) { incomplete members { leftOn } }
      changeHead(input: $head) { headPersonId }
    }"""
    variables = {
        "update": {"householdId": home["id"], "personId": second, "version": 1, "joinedOn": "2020-05-01"},
        "end": {"householdId": home["id"], "personId": first, "leftOn": "2026-01-05", "reason": "ย้าย"},
        "head": {"householdId": home["id"], "personId": second, "reason": "ตกลงกัน"},
    }
    answer = (await api.graphql("center", asked, variables, headers=PURPOSE)).json()
    assert answer["data"] == {
        "updateMember": {"version": 2},
        "endMembership": {"incomplete": ["head"], "members": [{"leftOn": None}, {"leftOn": "2026-01-05"}]},
        "changeHead": {"headPersonId": second},
    }, answer
