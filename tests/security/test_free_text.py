"""Numbers of 13 digits: refused where none belongs, hidden from every reader where a text may hold one."""

from typing import Any

import pytest

from persistence.masking import HIDDEN
from tests.support import builders
from tests.support.api import PURPOSE, Api
from tests.support.calls import EVERYTHING, everything
from tests.support.database import seeing

MISTYPED = "1101700230700"
"""13 digits without a fitting check digit: what a typing error leaves of a citizen id."""
SPELLINGS = [
    MISTYPED,
    "1-1017-00230-70-0",
    "1 1017 00230 70 0",
    "๑๑๐๑๗๐๐๒๓๐๗๐๐",
    "๑-๑๐๑๗-๐๐๒๓๐-๗๐-๐",
]


async def household(api: Api) -> dict[str, Any]:
    made = await everything(api, "POST", "/v1/households", builders.household())
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


@pytest.mark.parametrize("text", SPELLINGS)
async def test_free_text_shows_no_number_to_anybody(api: Api, text: str) -> None:
    home = await household(api)
    body = builders.problem(home["id"]) | {"description": f"เลขบัตร {text} ของยาย"}
    made = await everything(api, "POST", "/v1/problems", body)
    assert made.status_code == 201, made.text
    path = f"/v1/problems/{made.json()['id']}"
    listed = f"/v1/problems?household_id={home['id']}"
    carried = f"/v1/households/{home['id']}?include=problems"
    for answer in (
        made,
        *[await everything(api, "GET", one, headers=PURPOSE) for one in (path, listed, carried)],
    ):
        assert f"เลขบัตร {HIDDEN} ของยาย" in answer.text
        assert text not in answer.text
    query = f'{{ problem(id: "{made.json()["id"]}") {{ description }} }}'
    asked = await api.graphql("center", query, headers=PURPOSE, scopes=EVERYTHING)
    assert asked.json()["data"]["problem"]["description"] == f"เลขบัตร {HIDDEN} ของยาย"


@pytest.mark.parametrize(
    "text", ["0812345678 0898765432", "เลขที่ 12345678901234", "123456789012", "2569-11-21"]
)
async def test_other_numbers_are_left_alone(api: Api, text: str) -> None:
    home = await household(api)
    made = await everything(api, "POST", "/v1/problems", builders.problem(home["id"]) | {"need": text})
    assert made.json()["need"] == text


async def test_reasons_in_a_history_are_masked_too(api: Api) -> None:
    home = await household(api)
    made = await everything(api, "POST", "/v1/problems", builders.problem(home["id"]))
    moved = await everything(
        api,
        "POST",
        f"/v1/problems/{made.json()['id']}/transitions",
        {"to": "declined", "reason": f"บัตร {MISTYPED}"},
    )
    assert moved.status_code < 300, moved.text
    assert MISTYPED not in moved.text
    assert moved.json()["history"][-1]["reason"] == f"บัตร {HIDDEN}"


async def test_an_event_s_texts_come_back_to_its_own_agency_masked(api: Api) -> None:
    home = await household(api)
    event = builders.event(home["id"]) | {"description": f"มอบของให้ {MISTYPED}", "obstacle": MISTYPED}
    made = await api.post("health", "/v1/assistance-events", event)
    assert made.status_code == 201, made.text
    again = await api.post("health", "/v1/assistance-events", event)
    assert (again.status_code, again.json()["receipt"]["outcome"]) == (200, "duplicate")
    for answer in (made, again, await api.get("health", f"/v1/assistance-events/{made.json()['id']}")):
        assert answer.json()["description"] == f"มอบของให้ {HIDDEN}"
        assert answer.json()["obstacle"] == HIDDEN
    async with seeing(api.worker.database) as connection:
        kept = await connection.fetchval(
            "SELECT description FROM assistance_event WHERE external_id = $1", event["external_id"]
        )
    assert kept == event["description"]


@pytest.mark.parametrize("name", ["prefix", "first_name", "last_name", "occupation"])
@pytest.mark.parametrize("text", [MISTYPED, "๑๑๐๑๗๐๐๒๓๐๗๐๐"])
async def test_no_number_hides_in_a_person_s_short_texts(api: Api, name: str, text: str) -> None:
    body = builders.household()
    body["members"][0]["person"][name] = f"ก {text}"
    refused = await everything(api, "POST", "/v1/households", body)
    assert refused.status_code == 422
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        (f"/members/0/person/{name}", "personal-data")
    ]
    assert text not in refused.text
    home = await household(api)
    patched = await everything(
        api,
        "PATCH",
        f"/v1/persons/{home['head_person_id']}",
        {name: f"ก {text}"},
        headers={"If-Match": '"1"'},
    )
    assert (patched.status_code, patched.json()["errors"][0]["pointer"]) == (422, f"/{name}")


@pytest.mark.parametrize("name", ["house_no", "village_name", "road"])
async def test_no_number_hides_in_an_address(api: Api, name: str) -> None:
    body = builders.household() | {"address": {name: f"บ้าน {MISTYPED}"}}
    refused = await everything(api, "POST", "/v1/households", body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"/address/{name}")
    home = await household(api)
    patched = await everything(
        api,
        "PATCH",
        f"/v1/households/{home['id']}",
        {"address": {name: MISTYPED}},
        headers={"If-Match": '"1"'},
    )
    assert (patched.status_code, patched.json()["errors"][0]["pointer"]) == (422, f"/address/{name}")


async def test_a_source_s_record_id_is_no_citizen_id(api: Api) -> None:
    source = {"system": "tpmap", "record_id": builders.citizen_id(77), "seen_on": "2026-01-01"}
    refused = await everything(api, "POST", "/v1/households", builders.household() | {"sources": [source]})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/sources/0/record_id")
