"""Has anyone given this already? Agencies and months, and no way to find out more."""

from typing import Any

import pytest

from tests.api.test_corrections import corrected
from tests.api.test_households import registered
from tests.support import builders
from tests.support.api import Api

NOBODY = {"overlap": False, "by": []}


async def given(api: Api, household_id: str, who: str = "health", **changes: Any) -> dict[str, Any]:
    answer = await api.post(who, "/v1/assistance-events", builders.event(household_id, **changes))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def asked(api: Api, household: dict[str, Any], who: str = "social", **more: Any) -> Any:
    claims = {name: more.pop(name) for name in ("scopes", "areas") if name in more}
    if not {"assistance_type", "dimension"} & set(more):
        more["dimension"] = "income"
    body = {"household": household, "since": "2026-01-01", **more}
    return await api.post(who, "/v1/assistance-checks", body, **claims)


async def test_it_tells_agencies_and_months_once_each_and_nothing_else(api: Api) -> None:
    home = await registered(api)
    await given(api, home["id"])
    await given(api, home["id"], provided_on="2026-02-20")
    await given(api, home["id"], provided_on="2026-03-01", assistance_type="training")
    await given(api, home["id"], who="social", provided_on="2026-02-10")
    await given(api, home["id"], dimension="health", assistance_type="advice")
    answer = await asked(api, {"id": home["id"]})
    assert answer.status_code == 200
    assert answer.json() == {
        "overlap": True,
        "by": [
            {"agency": "PROV_MOPH-42", "month": "2026-03"},
            {"agency": "PROV_MOPH-42", "month": "2026-02"},
            {"agency": "PROV_MSDHS-42", "month": "2026-02"},
        ],
    }
    by_type = await asked(api, {"id": home["id"]}, assistance_type="training")
    assert by_type.json()["by"] == [{"agency": "PROV_MOPH-42", "month": "2026-03"}]
    assert (
        await asked(api, {"id": home["id"]}, assistance_type="training", dimension="health")
    ).json() == NOBODY
    assert (await asked(api, {"id": home["id"]}, dimension="education")).json() == NOBODY


@pytest.mark.parametrize(
    ("since", "found"), [("2026-02-01", True), ("2026-02-02", False), ("2999-01-01", False)]
)
async def test_it_asks_from_a_day_on(api: Api, since: str, found: bool) -> None:
    home = await registered(api)
    await given(api, home["id"], provided_on="2026-02-01")
    assert (await asked(api, {"id": home["id"]}, since=since)).json()["overlap"] is found


async def test_what_was_corrected_or_voided_does_not_count(api: Api) -> None:
    home = await registered(api)
    event = await given(api, home["id"])
    new = (await corrected(api, event["id"], {"provided_on": "2026-03-03"})).json()
    assert (await asked(api, {"id": home["id"]})).json()["by"] == [
        {"agency": "PROV_MOPH-42", "month": "2026-03"}
    ]
    await corrected(api, new["id"])
    assert (await asked(api, {"id": home["id"]})).json() == NOBODY


async def test_whoever_is_not_known_or_not_of_the_area_answers_as_one_nobody_has_helped(api: Api) -> None:
    code, person = f"4201{builders.citizen_id()[-8:-1]}", builders.person()
    home = await registered(api, house_code=code, members=[{"relationship": "head", "person": person}])
    await given(api, home["id"])
    names = ({"id": home["id"]}, {"house_code": code}, {"citizen_id": person["citizen_id"]})
    strangers = (
        {"id": "01890000-0000-7000-8000-000000000000"}, {"house_code": "99999999999"},
        {"citizen_id": builders.citizen_id()},
    )  # fmt: skip
    for known, unknown in zip(names, strangers, strict=True):
        assert (await asked(api, known)).json()["overlap"] is True
        hidden, absent = await asked(api, known, who="neighbour"), await asked(api, unknown)
        assert hidden.content == absent.content
        assert (hidden.status_code, hidden.json()) == (200, NOBODY)
        assert (await asked(api, known, areas=[])).json() == NOBODY


async def test_what_waits_in_the_queue_is_nobody_s(api: Api) -> None:
    citizen_id = builders.citizen_id()
    await api.post(
        "health",
        "/v1/assistance-events",
        builders.event("", household={"citizen_id": citizen_id}, on_unknown="register"),
    )
    assert (await asked(api, {"citizen_id": citizen_id})).json() == NOBODY


async def test_a_house_code_that_fits_two_is_ambiguous(api: Api) -> None:
    code = f"4201{builders.citizen_id()[-8:-1]}"
    for _ in range(2):
        await registered(api, house_code=code)
    answer = await asked(api, {"house_code": code})
    assert (answer.status_code, answer.json()["code"]) == (409, "ambiguous-identifier")


@pytest.mark.parametrize("scope", ["assistance:read", "assistance:write"])
async def test_either_scope_of_assistance_suffices_and_no_other(api: Api, scope: str) -> None:
    home = await registered(api)
    await given(api, home["id"])
    assert (await asked(api, {"id": home["id"]}, scopes=[scope])).json()["overlap"] is True
    refused = await asked(api, {"id": home["id"]}, scopes=["households:read", "households:write"])
    assert (refused.status_code, refused.json()["scope"]) == (403, "assistance:read assistance:write")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"dimension": None}, "/assistance_type", "required"),
        ({"since": None}, "/since", "wrong-type"),
        ({"since": "yesterday"}, "/since", "wrong-format"),
        ({"assistance_type": "gift"}, "/assistance_type", "unknown-value"),
        ({"household": {}}, "/household", "one-identifier"),
        ({"agency": "PROV_MOPH-42"}, "/agency", "unknown-field"),
    ],
)
async def test_a_bad_check_is_refused_where_it_is(
    api: Api, changes: dict[str, Any], pointer: str, code: str
) -> None:
    body = {
        "household": {"house_code": "42010912345"},
        "dimension": "income",
        "since": "2026-01-01",
        **changes,
    }
    answer = await api.post("social", "/v1/assistance-checks", body)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    if code != "wrong-type":
        assert answer.json()["errors"][0]["code"] == code
