"""What the operations of the table are asked about."""

import pytest

from tests.support import builders, imports
from tests.support.api import Api
from tests.support.calls import Scene, client, everything, make_scene


@pytest.fixture(scope="module")
async def scene(api: Api) -> Scene:
    made = await make_scene(api)
    # A second of each, so that a list of one item has another page.
    again = await make_scene(api)
    for path, body, status in (
        (f"/v1/households/{made['household_id']}/analyses", builders.analysis(), 201),
        ("/v1/clients", client(), 201),
        # Each is a delivery: nobody sends it while the test lasts, it waits.
        (f"/v1/webhooks/{made['webhook_id']}/test", None, 202),
        (f"/v1/webhooks/{made['webhook_id']}/test", None, 202),
        ("/v1/assistance-events", _for_nobody_known(), 201),
        ("/v1/assistance-events", _for_nobody_known(), 201),
    ):
        answer = await everything(api, "POST", path, body)
        assert answer.status_code == status, answer.text
    home = (await everything(api, "GET", f"/v1/households/{made['household_id']}")).json()
    await imports.disagreement(api, home, "road")
    assert again["household_id"] != made["household_id"]
    return {**made, "import_id": await imports.reported(api, [imports.row(), imports.row()])}


def _for_nobody_known() -> dict[str, object]:
    """Help that waits for a household to be registered."""
    unknown = {"house_code": f"4201{builders.citizen_id()[-8:-1]}"}
    return builders.event("", household=unknown, on_unknown="register")
