"""A database is served under the keys of its first start, and what has followed them by rotation."""

from dataclasses import replace

import pytest

from api.bootstrap import WrongKeys, check_keys
from api.keyring import Keyring
from tests.support.api import Api


async def test_a_database_keeps_to_the_keys_of_its_first_start_even_when_empty(dsn: str) -> None:
    first = Keyring.generate()
    await check_keys(dsn, first)
    await check_keys(dsn, first)
    with pytest.raises(WrongKeys):
        await check_keys(dsn, Keyring.generate())


@pytest.mark.parametrize(
    "lost",
    [
        {"field_keys": {1: b"f" * 32}},
        {"index_keys": {1: b"i" * 32}},
        {"field_keys": {2: b"f" * 32}, "current_field_key": 2},
        {"index_keys": {2: b"i" * 32}, "current_index_key": 2},
    ],
    ids=["field", "index", "rotated-field", "rotated-index"],
)
async def test_a_key_that_opens_or_finds_nothing_is_noticed(dsn: str, keyring: Keyring, lost: object) -> None:
    await check_keys(dsn, keyring)
    async with Api.open(dsn, keyring) as api:
        made = await api.post("team", "/v1/households", HOUSEHOLD)
        assert made.status_code == 201, made.text
    await check_keys(dsn, keyring)
    with pytest.raises(WrongKeys):
        await check_keys(dsn, replace(keyring, **lost))


HOUSEHOLD = {
    "area_code": "420101",
    "members": [
        {
            "relationship": "head",
            "person": {"citizen_id": "1101700230708", "first_name": "สมศรี", "last_name": "ใจดี"},
        }
    ],
}
