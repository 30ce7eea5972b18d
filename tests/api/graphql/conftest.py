"""The GraphQL door on fake stores."""

import pytest

from tests.api.graphql.fakes import Door, make_door


@pytest.fixture
def door() -> Door:
    return make_door()
