"""What a team has said stands; sources that differ become conflicts, settled by trust or by hand."""

from typing import Any

import pytest

from tests.support.api import PURPOSE, Api
from tests.support.imports import SCOPES, call, counts, household_of, imported, report, row


async def conflicts(api: Api, household: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    answer = await call(api, "GET", f"/v1/households/{household['id']}/conflicts{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def person_of(api: Api, citizen_id: str) -> dict[str, Any]:
    return dict((await household_of(api, citizen_id))["members"][0]["person"])


async def patch(api: Api, kind: str, id: str, body: Any) -> None:
    read = await call(api, "GET", f"/v1/{kind}/{id}")
    headers = {"If-Match": read.headers["etag"]}
    answer = await call(api, "PATCH", f"/v1/{kind}/{id}", body, headers=headers)
    assert answer.status_code == 200, answer.text


async def test_what_a_team_has_said_is_never_overwritten(api: Api) -> None:
    one = row()
    await imported(api, [one])
    person = await person_of(api, one["citizen_id"])
    await patch(api, "persons", person["id"], {"occupation": "ช่างไม้"})
    done = await imported(api, [{**one, "occupation": "ค้าขาย"}])
    assert counts(done) == {"conflict": 1}
    assert done["status"] == "partly_succeeded"
    assert (await person_of(api, one["citizen_id"]))["occupation"] == "ช่างไม้"
    (told,) = await report(api, done)
    assert told["codes"][0]["code"] == "verified-by-team"
    household = await household_of(api, one["citizen_id"])
    (found,) = await conflicts(api, household)
    assert (found["field"], found["stored"], found["given"], found["status"]) == (
        "occupation", "ช่างไม้", "ค้าขาย", "open",
    )  # fmt: skip
    assert (found["stored_source"], found["given_source"]) == ("team", "thaiqm")
    # Again: the same conflict, once.
    assert counts(await imported(api, [{**one, "occupation": "ค้าขาย"}])) == {"conflict": 1}
    assert len(await conflicts(api, household)) == 1


async def test_a_verified_household_is_the_teams_altogether(api: Api) -> None:
    one = row()
    await imported(api, [one])
    household = await household_of(api, one["citizen_id"])
    await patch(api, "households", household["id"], {"case_status": "verified"})
    done = await imported(api, [{**one, "house_no": "77", "occupation": "ค้าขาย"}])
    assert counts(done) == {"conflict": 1}
    after = await household_of(api, one["citizen_id"])
    assert after["address"]["house_no"] == one["house_no"]
    assert {found["field"] for found in await conflicts(api, household)} == {"house_no", "occupation"}


async def test_differing_sources_are_settled_by_the_order_of_trust(api: Api) -> None:
    one = row(occupation="ทำนา")
    await imported(api, [one], kind="thaiqm")
    better = await imported(api, [{**one, "occupation": "ค้าขาย"}], kind="tpmap_target")
    assert counts(better) == {"updated": 1}
    worse = await imported(
        api, [{**one, "occupation": "รับจ้าง", "fiscal_year": "2569", "bmn-38-29": "pass"}], kind="bmn"
    )
    assert counts(worse) == {"conflict": 1}
    assert (await person_of(api, one["citizen_id"]))["occupation"] == "ค้าขาย"
    found = await conflicts(api, await household_of(api, one["citizen_id"]), "?status=settled")
    assert [(one["choice"], one["settled_by"]) for one in found] == [
        ("given", "trust_order"),
        ("stored", "trust_order"),
    ]


@pytest.mark.parametrize(
    ("choice", "stands"), [({"choose": "stored"}, "ช่างไม้"), ({"choose": "given"}, "ค้าขาย"), ({"choose": "value", "value": "ทอผ้า"}, "ทอผ้า")]
)  # fmt: skip
async def test_a_person_decides(api: Api, choice: dict[str, Any], stands: str) -> None:
    one = row()
    await imported(api, [one])
    person = await person_of(api, one["citizen_id"])
    await patch(api, "persons", person["id"], {"occupation": "ช่างไม้"})
    await imported(api, [{**one, "occupation": "ค้าขาย"}])
    household = await household_of(api, one["citizen_id"])
    (found,) = await conflicts(api, household)
    path = f"/v1/households/{household['id']}/conflicts/{found['id']}/resolve"
    answer = await call(api, "POST", path, {**choice, "reason": "ถามเจ้าตัวแล้ว"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["choice"]) == ("resolved", choice["choose"])
    assert (await person_of(api, one["citizen_id"]))["occupation"] == stands
    # What was decided is not asked again.
    again = await imported(api, [{**one, "occupation": "ค้าขาย"}])
    expected = {"conflict": 1} if choice["choose"] == "value" and stands != "ค้าขาย" else {"unchanged": 1}
    assert counts(again) in ({"unchanged": 1}, expected)


async def test_the_provenance_of_fields_is_shown(api: Api) -> None:
    one = row()
    await imported(api, [one])
    person = await person_of(api, one["citizen_id"])
    await patch(api, "persons", person["id"], {"occupation": "ช่างไม้"})
    household = await household_of(api, one["citizen_id"])
    shown = (await call(api, "GET", f"/v1/households/{household['id']}/provenance")).json()
    assert {line["field"]: line["source"] for line in shown["fields"]}["house_no"] == "thaiqm"
    of_person = {line["field"]: line["source"] for line in shown["members"][0]["fields"]}
    assert (of_person["occupation"], of_person["first_name"]) == ("team", "thaiqm")
    asked = "query($id: ID!) { householdProvenance(id: $id) { members { fields { field source } } } conflicts(householdId: $id) { nodes { id } } }"
    answer = await api.graphql(
        "importer", asked, {"id": household["id"]}, headers=PURPOSE, scopes=list(SCOPES), areas=["42"]
    )
    told = answer.json()["data"]["householdProvenance"]["members"][0]["fields"]
    assert {line["field"]: line["source"] for line in told} == of_person
