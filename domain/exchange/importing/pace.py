"""How often the garbage collector looks while files are imported."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_RARELY = (100_000, 10, 10)
_usual: list[tuple[int, int, int]] = []
"""As it was, once for every import under way."""


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """A chunk is hundreds of thousands of objects that all live until its end: at the usual pace the collector goes
    through them again and again, for a third of the time. What would be left to it is undone by hand (persons.py)."""
    _usual.append(gc.get_threshold())
    gc.set_threshold(*_RARELY)
    try:
        yield
    finally:
        before = _usual.pop()
        if not _usual:
            gc.set_threshold(*before)
