"""What the operations of the table are asked about."""

import pytest

from tests.support import builders
from tests.support.api import Api
from tests.support.calls import Scene, client, everything, make_scene


@pytest.fixture(scope="module")
async def scene(api: Api) -> Scene:
    made = await make_scene(api)
    # A second of each, so that a list of one item has another page.
    again = await make_scene(api)
    for path, body in (
        (f"/v1/households/{made['household_id']}/analyses", builders.analysis()),
        ("/v1/clients", client()),
    ):
        assert (await everything(api, "POST", path, body)).status_code == 201
    assert again["household_id"] != made["household_id"]
    return made
