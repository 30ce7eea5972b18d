"""A scenario takes `door` to go through each of the two, or `doors` to compare them."""

import pytest

from tests.support.api import Api
from tests.support.doors import DOORS, AnyDoor, GraphqlDoor, RestDoor


@pytest.fixture(params=DOORS, ids=[door.name for door in DOORS])
def door(request: pytest.FixtureRequest, api: Api) -> AnyDoor:
    made: AnyDoor = request.param(api)
    return made


@pytest.fixture
def doors(api: Api) -> tuple[RestDoor, GraphqlDoor]:
    return RestDoor(api), GraphqlDoor(api)
