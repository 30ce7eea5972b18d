"""Conflicts as they are decided: masked values are shown to whoever may see them, and a decision is made once."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from tests.support.access import logged, owner_of
from tests.support.api import PURPOSE, Api
from tests.support.imports import SCOPES, call, household_of, imported, report, row

FEW = tuple(scope for scope in SCOPES if scope != "persons:pii")
ASKED = """query($id: ID!) { conflicts(householdId: $id) {
  nodes { field masked stored given } } }"""
RESOLVE = """mutation($input: ResolveConflictInput!) { resolveConflict(input: $input) {
  status choice masked stored given } }"""
FIELDS = ("field", "masked", "stored", "given")


async def amended(api: Api, kind: str, id: str, body: Any) -> None:
    read = await call(api, "GET", f"/v1/{kind}/{id}")
    answer = await call(api, "PATCH", f"/v1/{kind}/{id}", body, headers={"If-Match": read.headers["etag"]})
    assert answer.status_code == 200, answer.text


async def disputed(api: Api, **said: str) -> tuple[dict[str, Any], dict[str, str], dict[str, Any]]:
    """A household whose team has said otherwise than its source, the source's row, and its import."""
    one = row(phone="0811111111")
    await imported(api, [one])
    household = await household_of(api, one["citizen_id"])
    await amended(api, "persons", household["head_person_id"], said)
    return household, one, await imported(api, [one])


async def conflicts(api: Api, household: dict[str, Any], **given: Any) -> Any:
    answer = await call(api, "GET", f"/v1/households/{household['id']}/conflicts", **given)
    assert answer.status_code == 200, answer.text
    return answer


def values(answer: Any) -> list[tuple[Any, ...]]:
    return sorted(tuple(one[name] for name in FIELDS) for one in answer.json()["items"])


async def graphql(api: Api, household: dict[str, Any], scopes: tuple[str, ...]) -> Any:
    return await api.graphql(
        "importer", ASKED, {"id": household["id"]}, headers=PURPOSE, scopes=list(scopes), areas=["42"]
    )


async def decided(api: Api, household: dict[str, Any], choice: dict[str, Any], **given: Any) -> Any:
    (found,) = (await conflicts(api, household)).json()["items"]
    path = f"/v1/households/{household['id']}/conflicts/{found['id']}/resolve"
    return await call(api, "POST", path, {"reason": "ถามเจ้าตัวแล้ว", **choice}, **given)


MASKED = {"last_name": "สกุลใหม่", "birth_date": "1961-01-02", "phone": "0822222222"}


async def test_masked_values_are_shown_as_persons_are(api: Api) -> None:
    household, one, done = await disputed(api, **MASKED, occupation="ช่างไม้")
    shown = sorted(
        [(name, False, stored, one[name]) for name, stored in MASKED.items()]
        + [("occupation", False, "ช่างไม้", one["occupation"])]
    )
    # The stored value is the person's, as it is when it is read.
    await amended(api, "persons", household["head_person_id"], {"last_name": "สกุลล่าสุด"})
    shown = [(name, hid, "สกุลล่าสุด" if name == "last_name" else old, new) for name, hid, old, new in shown]
    answer = await conflicts(api, household)
    assert values(answer) == shown
    # The agency that has brought the values is not told which of its guesses were wrong.
    withheld = [(name, *rest) for name, *rest in shown if name not in MASKED]
    few = await conflicts(api, household, scopes=FEW)
    assert values(few) == withheld
    for text in (few.text, str(await report(api, done))):
        assert not [value for value in (*MASKED.values(), one["last_name"], one["phone"]) if value in text]
    path = f"/v1/households/{household['id']}/conflicts"
    unstated = await api.call("importer", "GET", path, scopes=list(SCOPES), areas=["42"])
    assert (unstated.status_code, unstated.json()["code"]) == (403, "purpose-required")
    for scopes, expected in ((SCOPES, shown), (FEW, withheld)):
        told = (await graphql(api, household, scopes)).json()["data"]["conflicts"]["nodes"]
        assert sorted(tuple(one[name] for name in FIELDS) for one in told) == expected


async def test_what_is_shown_unmasked_is_in_the_access_log(api: Api) -> None:
    household, *_ = await disputed(api, last_name="สกุลใหม่", occupation="ช่างไม้")
    answer = await conflicts(api, household)
    (line,) = await logged(api, answer.headers["x-request-id"])
    assert (str(line["household_id"]), line["area_code"]) == (household["id"], "420101")
    assert [str(person) for person in line["person_ids"]] == [household["head_person_id"]]
    assert (line["fields"], line["purpose"], line["client_id"]) == (
        ["last_name"],
        "casework",
        "demo-importer",
    )
    told = await graphql(api, household, SCOPES)
    assert [line["fields"] for line in await logged(api, told.headers["x-request-id"])] == [["last_name"]]
    few = await conflicts(api, household, scopes=FEW)
    assert await logged(api, few.headers["x-request-id"]) == []
    # A page with nothing of the kind leaves nothing.
    settled = await call(api, "GET", f"/v1/households/{household['id']}/conflicts?status=resolved")
    assert settled.json()["items"] == []
    assert await logged(api, settled.headers["x-request-id"]) == []
    first = await call(api, "GET", f"/v1/households/{household['id']}/conflicts?limit=1&count=estimated")
    assert first.status_code == 200, first.text


async def test_a_masked_value_is_taken_by_whoever_sees_it(api: Api) -> None:
    household, one, _ = await disputed(api, last_name="สกุลใหม่")
    refused = await decided(api, household, {"choose": "given"}, scopes=FEW)
    assert (refused.status_code, refused.json()["code"]) == (403, "purpose-required")
    answer = await decided(api, household, {"choose": "given"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["status"], told["stored"], told["given"]) == ("resolved", one["last_name"], one["last_name"])
    fields = {name for line in await logged(api, answer.headers["x-request-id"]) for name in line["fields"]}
    assert "last_name" in fields
    few = await call(api, "GET", f"/v1/households/{household['id']}/conflicts", scopes=FEW)
    assert values(few) == []


@pytest.mark.parametrize(
    "choice", [{"choose": "given"}, {"choose": "value", "value": "สกุลที่สาม"}], ids=["given", "value"]
)
async def test_a_decision_under_a_key_is_answered_masked(api: Api, choice: dict[str, Any]) -> None:
    household, one, _ = await disputed(api, last_name="สกุลใหม่")
    key = {"headers": {"Idempotency-Key": f"decide-{household['id']}"}}
    first = await decided(api, household, choice, **key)
    assert first.status_code == 200, first.text
    assert (first.json()["masked"], first.json()["stored"], first.json()["given"]) == (True, None, None)
    again = await decided(api, household, choice, **key)
    assert (again.headers["idempotency-replayed"], again.json()) == ("true", first.json())
    # Another key: it has been decided so.
    other = await decided(api, household, choice, headers={"Idempotency-Key": f"again-{household['id']}"})
    assert (other.status_code, other.json()) == (200, first.json())
    person = (await call(api, "GET", f"/v1/persons/{household['head_person_id']}")).json()
    assert person["last_name"] == choice.get("value", one["last_name"])


async def test_a_decision_without_the_right_is_answered_masked(api: Api) -> None:
    household, *_ = await disputed(api, last_name="สกุลใหม่")
    answer = await decided(api, household, {"choose": "stored"}, scopes=FEW)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["masked"], answer.json()["stored"], answer.json()["given"]) == (True, None, None)
    assert await logged(api, answer.headers["x-request-id"]) == []


CHOICES: list[dict[str, Any]] = [
    {"choose": "stored"},
    {"choose": "given"},
    {"choose": "value", "value": "ทอผ้า"},
]


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice["choose"])
async def test_a_person_decides_once(api: Api, choice: dict[str, Any]) -> None:
    household, *_ = await disputed(api, occupation="ช่างไม้")
    first = await decided(api, household, choice)
    assert first.status_code == 200, first.text
    again = await decided(api, household, {**choice, "reason": "อีกครั้ง"})
    assert (again.status_code, again.json()) == (200, first.json())
    person = (await call(api, "GET", f"/v1/persons/{household['head_person_id']}")).json()
    for other in [*(one for one in CHOICES if one != choice), {"choose": "value", "value": "รับจ้าง"}]:
        refused = await decided(api, household, other)
        assert (refused.status_code, refused.json()["code"]) == (409, "already-resolved")
    (found,) = (await conflicts(api, household)).json()["items"]
    assert (found["choice"], found["reason"]) == (choice["choose"], "ถามเจ้าตัวแล้ว")
    assert (await call(api, "GET", f"/v1/persons/{household['head_person_id']}")).json() == person
    given = {"id": found["id"], "householdId": household["id"], "reason": "อีกครั้ง"}
    other = "GIVEN" if choice["choose"] == "stored" else "STORED"
    told = [
        await api.graphql(
            "importer",
            RESOLVE,
            {"input": {**given, "choose": word, **({"value": "ทอผ้า"} if word == "VALUE" else {})}},
            headers=PURPOSE,
            scopes=list(SCOPES),
            areas=["42"],
        )
        for word in (choice["choose"].upper(), other)
    ]
    assert told[0].json()["data"]["resolveConflict"]["choice"] == choice["choose"].upper()
    assert told[1].json()["errors"][0]["extensions"]["code"] == "already-resolved"


async def test_decisions_at_once_are_one(api: Api) -> None:
    household, *_ = await disputed(api, occupation="ช่างไม้")
    (found,) = (await conflicts(api, household)).json()["items"]
    path = f"/v1/households/{household['id']}/conflicts/{found['id']}/resolve"
    answers = await asyncio.gather(
        *(call(api, "POST", path, {**CHOICES[at % 2], "reason": "ถามแล้ว"}) for at in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [409] * 3
    async with owner_of(api) as owner:
        left = await owner.fetchval(
            "SELECT count(*) FROM change WHERE type = 'conflict' AND resource_id = $1", UUID(found["id"])
        )
    assert left == 1


async def test_a_masked_decision_is_compared_for_whoever_may_see_it(api: Api) -> None:
    household, *_ = await disputed(api, phone="0822222222")
    choice = {"choose": "value", "value": "0833333333"}
    assert (await decided(api, household, choice)).status_code == 200
    again = await decided(api, household, choice)
    assert (again.status_code, again.json()["stored"]) == (200, "0833333333")
    assert (await decided(api, household, {**choice, "value": "0844444444"})).status_code == 409
    # To others neither answer tells whether they have guessed it.
    assert (await decided(api, household, choice, scopes=FEW)).status_code == 409


async def test_what_trust_has_settled_is_overruled_once(api: Api) -> None:
    one = row(occupation="ทำนา")
    await imported(api, [one], kind="thaiqm")
    await imported(api, [{**one, "occupation": "ค้าขาย"}], kind="tpmap_target")
    household = await household_of(api, one["citizen_id"])
    (found,) = (await conflicts(api, household)).json()["items"]
    assert (found["status"], found["choice"], found["settled_by"]) == ("settled", "given", "trust_order")
    overruled = await decided(api, household, {"choose": "value", "value": "ทำนา"})
    assert (overruled.status_code, overruled.json()["status"]) == (200, "resolved")
    assert (await decided(api, household, {"choose": "given"})).json()["code"] == "already-resolved"
