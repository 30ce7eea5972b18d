"""Tests of limits begin where their window does not end."""

import time

import pytest

from tests.support.limits import HOUR


@pytest.fixture(autouse=True)
def afresh() -> None:
    """Waits where a window is about to end: once in ten hours."""
    left = HOUR - time.time() % HOUR
    if left < 30:
        time.sleep(left)
