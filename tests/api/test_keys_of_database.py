"""A database is served under the keys of its first start, and no others."""

import pytest

from api.bootstrap import WrongKeys, _check_keys
from api.keyring import Keyring


async def test_a_database_keeps_to_the_keys_of_its_first_start_even_when_empty(dsn: str) -> None:
    first = Keyring.generate()
    await _check_keys(dsn, first)
    await _check_keys(dsn, first.rotated(now=1_800_000_000))
    with pytest.raises(WrongKeys):
        await _check_keys(dsn, Keyring.generate())
