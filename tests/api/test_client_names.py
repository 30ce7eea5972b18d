"""A client's name is read by every administrator: no identifier hides in it."""

import pytest

from tests.support import builders
from tests.support.api import Api


@pytest.mark.parametrize(
    "text", [builders.citizen_id(91), "1101700230700", "๑๑๐๑๗๐๐๒๓๐๗๐๐"], ids=["an id", "mistyped", "Thai"]
)
async def test_no_number_of_13_digits_is_a_name(api: Api, text: str) -> None:
    body = {"name": f"ระบบ {text}", "agency": "PROV_MOPH-42", "scopes": [], "areas": []}
    refused = await api.post("admin", "/v1/clients", body)
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [("/name", "personal-data")]
    made = (await api.post("admin", "/v1/clients", body | {"name": "ระบบ"})).json()
    renamed = await api.call(
        "admin", "PATCH", f"/v1/clients/{made['client_id']}", {"name": text}, headers={"If-Match": '"1"'}
    )
    assert (renamed.status_code, renamed.json()["errors"][0]["pointer"]) == (422, "/name")
